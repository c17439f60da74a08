"""``rankaae evaluate``: how well a run reads descriptors and reconstructs spectra, on one split."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.data.files import write_text

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from rankaae_cli.analysis.prediction.result import Reading
    from rankaae_cli.core.labels import Subject
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel

METRICS = "metrics.json"
# Of what an evaluation leaves: counted up with every change of it, so that a report makes anew what is older.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class SplitReading:
    """What a model makes of the rows of one split.

    Attributes
    ----------
    split
        ``train``, ``validation`` or ``test``.
    rows
        Indices of its rows in the family file, shape (N,).
    spectra_NE, descriptors_NK, material_N, site_N
        The rows; descriptors in the model's order.
    styles_TNS, reconstructions_TNE
        Of every trial.
    alive_T
        The trials that make the ensemble.
    ensemble_styles_NK, ensemble_spectra_NE
        Averages over them.
    ensemble_values_NK
        Descriptors as the ensemble reads them: its styles, calibrated; NaN where there is no calibration.
    error_N
        Mean absolute error of each spectrum's reconstruction by the ensemble.
    """

    split: str
    rows: "np.ndarray"
    spectra_NE: "np.ndarray"
    descriptors_NK: "np.ndarray"
    material_N: "np.ndarray"
    site_N: "np.ndarray"
    styles_TNS: "np.ndarray"
    reconstructions_TNE: "np.ndarray"
    alive_T: "np.ndarray"
    ensemble_styles_NK: "np.ndarray"
    ensemble_spectra_NE: "np.ndarray"
    ensemble_values_NK: "np.ndarray"
    error_N: "np.ndarray"


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Evaluate a run, and baselines beside it where asked; return the contents of metrics.json."""
    from omegaconf import OmegaConf

    from rankaae_cli.analysis.evaluation.baselines import (
        check_settings,
        chosen_baselines,
        evaluate_baselines,
        known_baselines,
    )
    from rankaae_cli.reports.baseline_table import print_baselines
    from rankaae_cli.reports.console import print_evaluation, print_reconstruction_warning
    from rankaae_cli.runs.directory import load_run

    if cfg.resamples < 1:
        raise UserError(f"resamples={cfg.resamples}: the intervals need at least 1, better hundreds")
    baselines = chosen_baselines(cfg.baselines)
    settings: Any = OmegaConf.to_object(cfg.baseline_settings) if baselines else None
    if baselines:
        check_settings(settings, cfg.threads)
    run_directory, model, family = load_run(cfg.run)
    split = cfg.split.value
    directory = evaluation_directory(run_directory, split)
    metrics = evaluate(run_directory, model, family, split, cfg.resamples, cfg.seed)
    print_evaluation(metrics, dict(zip(model.descriptor_names, model.descriptor_units, strict=True)))
    if baselines:
        content = evaluate_baselines(
            run_directory, directory, model, family, metrics, baselines, settings, cfg.threads
        )
        print_baselines(content)
    print_reconstruction_warning(metrics, known_baselines(directory, metrics))
    print(directory)
    return metrics


def evaluation_directory(run_directory: Path, split: str) -> Path:
    """Return where the evaluation of a split lies: of the test split directly in ``evaluation/``."""
    directory = run_directory / "evaluation"
    return directory if split == "test" else directory / split


def evaluation_files(run_directory: Path, split: str, model: "TrainedModel") -> list[Path]:
    """Return all files that `evaluate` writes for a split; the last is metrics.json."""
    from rankaae_cli.analysis.evaluation.tables import table_names
    from rankaae_cli.reports.figures.drawing import FORMATS
    from rankaae_cli.reports.run.evaluation_figures import figure_names

    directory = evaluation_directory(run_directory, split)
    figures = [directory / f"{name}.{suffix}" for name in figure_names(model) for suffix in FORMATS]
    return [*figures, *(directory / name for name in (*table_names(model), METRICS))]


def checkpoint_sha256(run_directory: Path) -> str:
    """Return the digest of the run's best checkpoint, by which outputs are known to belong to it."""
    from rankaae_cli.runs.directory import BEST, sha256

    return sha256(run_directory / BEST)


def evaluate(
    run_directory: Path,
    model: "TrainedModel",
    family: "Family",
    split: str,
    resamples: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write the evaluation of one split below `run_directory` and return the contents of metrics.json.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    split
        ``train``, ``validation`` or ``test``.
    resamples, seed
        Of the materials, for intervals, by default as many as conf/evaluate.yaml has, fewer of many rows; the seed
        also of permutations and draws.
    """
    from rankaae_cli.analysis.evaluation.scores import fit_on_validation, score_split
    from rankaae_cli.analysis.evaluation.styles import describe_styles, find_associations
    from rankaae_cli.analysis.evaluation.tables import write_tables
    from rankaae_cli.core.statistics.bootstrap import affordable_resamples
    from rankaae_cli.reports.run.evaluation_figures import draw_evaluation

    resamples = _shipped_resamples() if resamples is None else resamples
    reading = read_split(model, family, split)
    resamples = affordable_resamples(len(reading.rows), resamples)
    validation = reading if split == "validation" else read_split(model, family, "validation")
    training = reading if split == "train" else read_split(model, family, "train")
    fitted = fit_on_validation(model, validation, training.spectra_NE.mean(axis=0))
    found = find_associations(model, family, reading, validation, training, seed)
    read = read_with_intervals(run_directory, model, family, reading)
    metrics = {
        "format_version": FORMAT_VERSION,
        "run": run_directory.name,
        "family": model.family,
        "element": model.element,
        "edge": model.edge,
        "source": model.source,
        "synthetic": model.is_synthetic,
        "rankaae_version": __version__,
        "checkpoint_sha256": checkpoint_sha256(run_directory),
        "resamples": resamples,
        "seed": seed,
        **score_split(model, reading, read, fitted, resamples, seed),
        **describe_styles(model, reading, validation, training, seed),
        "choice": fitted.choice,
        "associations": found.summary,
    }
    directory = evaluation_directory(run_directory, split)
    write_tables(directory, model, reading, read, metrics, found)
    draw_evaluation(directory, model, reading, metrics, found)
    # Last, so that metrics.json stands for a whole evaluation.
    write_text(directory / METRICS, strict_json(metrics))
    return metrics


def read_with_intervals(
    run_directory: Path, model: "TrainedModel", family: "Family", reading: SplitReading
) -> "Reading":
    """Read the rows of a split as `rankaae predict` does, with the same intervals and verdicts."""
    from rankaae_cli.analysis.prediction.calibration import calibration_of
    from rankaae_cli.analysis.prediction.reader import SpectrumReader
    from rankaae_cli.core.statistics.calibration import COVERAGE

    calibrated = calibration_of(run_directory, model, family)
    reader = SpectrumReader(model, calibrated, COVERAGE, nearest=0)  # no table of an evaluation names them
    return reader.read(reading.spectra_NE)


def read_split(model: "TrainedModel", family: "Family", split: str) -> SplitReading:
    """Encode and reconstruct the rows of one split in every trial.

    Raises
    ------
    UserError
        If there is no such split, it has no rows, or the family lacks a descriptor or the grid of the model.
    """
    import numpy as np

    from rankaae_cli.core.statistics.calibration import apply_calibration, reconstruction_mae_rows
    from rankaae_cli.core.styles.ensemble import ensemble_spectra, ensemble_styles
    from rankaae_cli.data.family.splits import SPLITS

    if split not in SPLITS:
        raise UserError(f"there is no split {split!r}; {nearest(split, SPLITS)}")
    rows = np.flatnonzero(family.split_N == SPLITS.index(split))
    if not len(rows):
        raise UserError(f"the {split} split of family {family.name} has no spectra\nchoose another split")
    absent = [name for name in model.descriptor_names if name not in family.descriptor_names]
    if absent:
        raise UserError(
            f"family {family.name} has no descriptor {', '.join(absent)}, which the run was trained on\n"
            f"it has {', '.join(family.descriptor_names)}"
        )
    columns = [family.descriptor_names.index(name) for name in model.descriptor_names]
    spectra_NE = family.spectra_NE[rows]
    styles_TNS = model.encode(spectra_NE)
    reconstructions_TNE = model.decode(styles_TNS)
    alive_T = model.alive_T
    averaged_NK = ensemble_styles(
        styles_TNS, model.style_mean_TS, model.style_std_TS, alive_T, len(model.descriptor_names)
    )
    averaged_NE = ensemble_spectra(reconstructions_TNE, alive_T)
    calibrations = model.calibration["ensemble"]["descriptors"]
    return SplitReading(
        split=split,
        rows=rows,
        spectra_NE=spectra_NE,
        descriptors_NK=family.descriptors_NK[rows][:, columns],
        material_N=family.material_N[rows],
        site_N=family.site_N[rows],
        styles_TNS=styles_TNS,
        reconstructions_TNE=reconstructions_TNE,
        alive_T=alive_T,
        ensemble_styles_NK=averaged_NK,
        ensemble_spectra_NE=averaged_NE,
        ensemble_values_NK=np.stack(
            [
                apply_calibration(calibrations[name], averaged_NK[:, k])
                for k, name in enumerate(model.descriptor_names)
            ],
            axis=1,
        ),
        error_N=reconstruction_mae_rows(spectra_NE, averaged_NE),
    )


def subject_of(model: "TrainedModel") -> "Subject":
    """Return what figures of a model say about it."""
    from rankaae_cli.core.labels import Subject

    return Subject(
        family=model.family,
        element=model.element,
        edge=model.edge,
        energy_unit=model.energy_unit,
        normalisation=model.normalisation,
        synthetic=model.is_synthetic,
    )


def strict_json(content: Any) -> str:
    """Return JSON that every reader takes: NaN and infinities become null."""
    return json.dumps(_without_nan(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _shipped_resamples() -> int:
    from importlib.resources import files

    from omegaconf import OmegaConf

    shipped = files("rankaae_cli.conf").joinpath("evaluate.yaml").read_text(encoding="utf-8")
    return int(OmegaConf.select(OmegaConf.create(shipped), "resamples"))


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    return content
