"""``rankaae evaluate``: how well a run reads descriptors and reconstructs spectra, on one split."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.data.files import replacing, write_text

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from rankaae_cli.data.family_file import Family
    from rankaae_cli.reports.labels import Subject
    from rankaae_cli.training.trained import TrainedModel

METRICS = "metrics.json"
FIGURES = ("style_vs_descriptor", "prediction_vs_truth", "reconstruction_examples", "reconstruction_error")


@dataclass(frozen=True)
class SplitReading:
    """What a model makes of the rows of one split.

    Attributes
    ----------
    split
        ``train``, ``validation`` or ``test``.
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

    from rankaae_cli.commands.evaluate_baselines import check_settings, chosen_baselines, evaluate_baselines
    from rankaae_cli.commands.run_directory import load_run
    from rankaae_cli.reports.baseline_table import print_baselines
    from rankaae_cli.reports.console import print_evaluation

    baselines = chosen_baselines(cfg.baselines)
    settings: Any = OmegaConf.to_object(cfg.baseline_settings) if baselines else None
    if baselines:
        check_settings(settings, cfg.threads)
    run_directory, model, family = load_run(cfg.run)
    split = cfg.split.value
    directory = evaluation_directory(run_directory, split)
    metrics = evaluate(run_directory, model, family, split)
    print_evaluation(metrics, dict(zip(model.descriptor_names, model.descriptor_units, strict=True)))
    if baselines:
        content = evaluate_baselines(
            run_directory, directory, model, family, metrics, baselines, settings, cfg.threads
        )
        print_baselines(content)
    print(directory)
    return metrics


def evaluation_directory(run_directory: Path, split: str) -> Path:
    """Return where the evaluation of a split lies: of the test split directly in ``evaluation/``."""
    directory = run_directory / "evaluation"
    return directory if split == "test" else directory / split


def evaluation_files(run_directory: Path, split: str) -> list[Path]:
    """Return all files that `evaluate` writes for a split."""
    from rankaae_cli.reports.drawing import FORMATS

    directory = evaluation_directory(run_directory, split)
    figures = [directory / f"{name}.{suffix}" for name in FIGURES for suffix in FORMATS]
    return [*figures, *(directory / name for name in ("predictions.csv", "trials.csv", METRICS))]


def checkpoint_sha256(run_directory: Path) -> str:
    """Return the digest of the run's best checkpoint, by which outputs are known to belong to it."""
    from rankaae_cli.commands.run_directory import BEST, sha256

    return sha256(run_directory / BEST)


def evaluate(run_directory: Path, model: "TrainedModel", family: "Family", split: str) -> dict[str, Any]:
    """Write the evaluation of one split below `run_directory` and return the contents of metrics.json."""
    reading = read_split(model, family, split)
    metrics = {
        "run": run_directory.name,
        "family": model.family,
        "element": model.element,
        "edge": model.edge,
        "source": model.source,
        "synthetic": model.is_synthetic,
        "rankaae_version": __version__,
        "checkpoint_sha256": checkpoint_sha256(run_directory),
        **_scores(model, reading),
    }
    directory = evaluation_directory(run_directory, split)
    _write_predictions(directory / "predictions.csv", model, reading)
    _write_trials(directory / "trials.csv", metrics)
    _draw(directory, model, reading, metrics)
    # Last, so that metrics.json stands for a whole evaluation.
    write_text(directory / METRICS, strict_json(metrics))
    return metrics


def read_split(model: "TrainedModel", family: "Family", split: str) -> SplitReading:
    """Encode and reconstruct the rows of one split in every trial.

    Raises
    ------
    UserError
        If there is no such split, it has no rows, or the family lacks a descriptor or the grid of the model.
    """
    import numpy as np

    from rankaae_cli.core.calibration import apply_calibration, reconstruction_mae_rows
    from rankaae_cli.core.ensemble import ensemble_spectra, ensemble_styles
    from rankaae_cli.data.splits import SPLITS

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
    from rankaae_cli.reports.labels import Subject

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


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    return content


def _scores(model: "TrainedModel", reading: SplitReading) -> dict[str, Any]:
    import numpy as np

    from rankaae_cli.core.metrics import score_styles

    def score(
        styles_NS: "np.ndarray", spectra_NE: "np.ndarray", calibration: dict[str, Any]
    ) -> dict[str, Any]:
        return score_styles(
            styles_NS,
            spectra_NE,
            reading.spectra_NE,
            reading.descriptors_NK,
            calibration["descriptors"],
            model.descriptor_classes,
        )

    ensemble = score(reading.ensemble_styles_NK, reading.ensemble_spectra_NE, model.calibration["ensemble"])
    order = np.argsort(-np.nan_to_num(np.asarray(model.scores_T, dtype=float), nan=-np.inf), kind="stable")
    trials: list[dict[str, Any]] = [
        {
            "trial": t,
            "selected": t == model.selected_trial,
            "rank": int(np.flatnonzero(order == t)[0]) + 1,
            "validation_score": float(model.scores_T[t]),
            "best_epoch": int(model.best_epoch_T[t]),
            "failed": model.failed_T[t],
            **(
                _without_measures(ensemble)
                if calibration is None
                else score(reading.styles_TNS[t], reading.reconstructions_TNE[t], calibration)
            ),
        }
        for t, calibration in enumerate(model.calibration["trials"])
    ]
    return {
        "split": reading.split,
        "n": len(reading.error_N),
        "n_materials": len(set(reading.material_N)),
        "selected_trial": int(model.selected_trial),
        "n_trials": model.n_trials,
        "ensemble": {"n_trials": int(reading.alive_T.sum()), **ensemble},
        "trials": trials,
        "verdicts": _verdict_counts(model, reading.error_N),
    }


def _without_measures(scores: Any) -> Any:
    """Return the numbers of a trial that diverged: counts as in `scores` of another, no measure known."""
    if isinstance(scores, dict):
        return {key: _without_measures(value) for key, value in scores.items()}
    return math.nan if isinstance(scores, float) else scores


def _verdict_counts(model: "TrainedModel", error_N: "np.ndarray") -> dict[str, int]:
    from rankaae_cli.core.calibration import IN_RANGE, OUTSIDE, UNUSUAL, judge_novelty

    _, verdicts = judge_novelty(model.calibration["ensemble"]["novelty"], error_N)
    return {verdict: verdicts.count(verdict) for verdict in (IN_RANGE, UNUSUAL, OUTSIDE)}


def _write_predictions(path: Path, model: "TrainedModel", reading: SplitReading) -> None:
    import pandas as pd

    from rankaae_cli.core.calibration import half_width, judge_novelty

    ensemble = model.calibration["ensemble"]
    columns: dict[str, Any] = {"material": reading.material_N, "site": reading.site_N}
    for k, name in enumerate(model.descriptor_names):
        value_N, half = reading.ensemble_values_NK[:, k], half_width(ensemble["descriptors"][name])
        columns |= {name: value_N, f"{name}_low": value_N - half, f"{name}_high": value_N + half}
        columns[f"{name}_true"] = reading.descriptors_NK[:, k]
    error_N = reading.error_N
    novelty_N, verdict_N = judge_novelty(ensemble["novelty"], error_N)
    columns |= {"reconstruction_mae": error_N, "novelty": novelty_N, "verdict": verdict_N}
    with replacing(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False, float_format="%.6g")


def _write_trials(path: Path, metrics: dict[str, Any]) -> None:
    import pandas as pd

    rows = []
    for trial in metrics["trials"]:
        row = {
            key: trial[key]
            for key in ("trial", "rank", "selected", "validation_score", "best_epoch", "failed")
        }
        row["mean_spearman"] = trial["mean_spearman"]
        for name, scores in trial["descriptors"].items():
            row |= {f"{name}_{key}": scores[key] for key in ("spearman", "r2", "mae", "f1") if key in scores}
        row |= {f"inter_style_{key}": value for key, value in trial["inter_style"].items()}
        row |= {f"reconstruction_{key}": value for key, value in trial["reconstruction"].items()}
        row["shapiro_min"] = trial["shapiro_min"]
        rows.append(row)
    with replacing(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.6g")


def _draw(directory: Path, model: "TrainedModel", reading: SplitReading, metrics: dict[str, Any]) -> None:
    from rankaae_cli.reports import figures
    from rankaae_cli.reports.drawing import save_figure

    subject, ensemble = subject_of(model), metrics["ensemble"]
    panels = [
        figures.DescriptorReading(
            name=name,
            unit=unit,
            style_N=reading.ensemble_styles_NK[:, k],
            true_N=reading.descriptors_NK[:, k],
            predicted_N=reading.ensemble_values_NK[:, k],
            calibration=model.calibration["ensemble"]["descriptors"][name],
            classes=model.descriptor_classes.get(name),
            **{key: ensemble["descriptors"][name][key] for key in ("spearman", "r2", "mae")},
        )
        for k, (name, unit) in enumerate(zip(model.descriptor_names, model.descriptor_units, strict=True))
    ]
    spectra_NE, made_NE = reading.spectra_NE, reading.ensemble_spectra_NE
    makers: dict[str, Callable[[], Any]] = {
        "style_vs_descriptor": lambda: figures.style_vs_descriptor(subject, panels, reading.split),
        "prediction_vs_truth": lambda: figures.prediction_vs_truth(subject, panels, reading.split),
        "reconstruction_examples": lambda: figures.reconstruction_examples(
            subject, model.energy_E, _examples(reading), reading.split
        ),
        "reconstruction_error": lambda: figures.reconstruction_error(
            subject, model.energy_E, spectra_NE, made_NE, reading.split
        ),
    }
    for name in FIGURES:
        save_figure(makers[name](), directory / name)


def _examples(reading: SplitReading) -> list[Any]:
    """Return the best, the median and the worst reconstruction of the split."""
    import numpy as np

    from rankaae_cli.reports.figures import ReconstructionExample

    order = np.argsort(reading.error_N, kind="stable")
    return [
        ReconstructionExample(
            title=f"{which}: {reading.material_N[row]}, site {reading.site_N[row]}",
            spectrum_E=reading.spectra_NE[row],
            reconstruction_E=reading.ensemble_spectra_NE[row],
            mae=float(reading.error_N[row]),
        )
        for which, row in (("Best", order[0]), ("Median", order[len(order) // 2]), ("Worst", order[-1]))
    ]
