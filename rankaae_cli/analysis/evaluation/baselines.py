"""The baselines of ``rankaae evaluate``: fitted on the run's own rows, shown beside the model."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rankaae_cli.analysis.encoded import encode_spectra
from rankaae_cli.analysis.evaluation.published_score import lead
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.statistics.bootstrap import LEVEL, material_weights
from rankaae_cli.core.statistics.metrics import mean_spearman, resampled_mean_spearman
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS, TRAIN, VALIDATION
from rankaae_cli.models.base import ReadingModel
from rankaae_cli.models.baselines import BASELINES, FittedBaseline, FittingRows, Report, score_baseline
from rankaae_cli.models.readings import ensemble_values
from rankaae_cli.runs.directory import plain_config
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.schema.finished_run import BaselineSettings

BASELINES_JSON, BASELINES_CSV, FIGURE = "baselines.json", "baselines.csv", "baselines"
# Of baselines.json: counted up with every change that its readers have to know of, so that older ones are not mixed
# with newer. Earlier rows may lack `ensemble_ahead`.
FORMAT_VERSION = 1
# The row of the model's ensemble averaged with the blend, which is made with the blend.
AVERAGE, _BLEND = "average", "blend"


@dataclass(frozen=True)
class Ensemble:
    """The model's ensemble, which every baseline is compared with, on the rows of one split.

    Attributes
    ----------
    indicators_NK
        Its standardised indicators there.
    weights_NR
        Resamples of the materials, see `bootstrap.material_weights`.
    values
        From spectra (N, E) to descriptors (N, K) as it reads them.
    parameters
        How many numbers were fitted.
    """

    indicators_NK: np.ndarray
    weights_NR: np.ndarray
    values: Callable[[np.ndarray], np.ndarray]
    parameters: int

    def ahead_of(self, read_NK: np.ndarray, descriptors_NK: np.ndarray) -> dict[str, Any]:
        """Return by how much its mean Spearman's correlation is above that of another's readings, (N, K).

        Both are taken over the same resamples of the materials, so the interval is that of the difference.

        Returns
        -------
        dict
            As of `published_score.lead`, with ``level`` and ``resamples``.
        """
        first, second = (
            resampled_mean_spearman(of_NK, descriptors_NK, self.weights_NR)
            for of_NK in (self.indicators_NK, read_NK)
        )
        difference = mean_spearman(self.indicators_NK, descriptors_NK) - mean_spearman(
            read_NK, descriptors_NK
        )
        return {"level": LEVEL, "resamples": self.weights_NR.shape[1], **lead(first, second, difference)}


def chosen_baselines(asked: Any) -> list[str]:
    """Return the names of the baselines asked for, in the order of the table.

    Raises
    ------
    UserError
        If one is not known.
    """
    several = isinstance(asked, Sequence) and not isinstance(asked, str)
    names = [str(name) for name in (asked if several else ["none" if asked is None else asked])]
    if names in ([], ["none"], ["all"]):
        return list(BASELINES) if names == ["all"] else []
    for name in names:
        if name not in BASELINES:
            known = ["all", "none", *BASELINES]
            meant = nearest(name, known, [])
            hint = f"; {meant}" if meant.startswith("did you mean") else ""
            raise UserError(f"there is no baseline {name!r}{hint}\nthere are: {', '.join(known)}")
    return [name for name in BASELINES if name in names]


def evaluate_baselines(
    run_directory: Path,
    model: ReadingModel,
    family: Family,
    metrics: dict[str, Any],
    names: Sequence[str],
    settings: BaselineSettings,
    threads: int,
    kept: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Fit baselines on the training rows and return how they do on a split, the contents of baselines.json.

    Parameters
    ----------
    run_directory, model, family
        A run, with its split and its descriptors.
    metrics
        Contents of metrics.json of the split; the rows of the model come from it.
    names
        Of the baselines.
    settings, threads
        Of the baselines, and of the processor.
    kept
        Rows of other baselines that were fitted before, see `kept_baselines`.
    """
    torch.set_num_threads(threads)
    on_split = np.flatnonzero(family.split_N == SPLITS.index(metrics["split"]))
    fitted = fit_and_score(
        fitting_rows(family),
        family.spectra_NE[on_split],
        family.descriptors_NK[on_split],
        model.descriptor_names,
        names,
        settings,
        styles=model.dimensions,
        seed=int(plain_config(run_directory).get("seed", 0)),
        threads=threads,
        ensemble=ensemble_on(model, family, on_split, metrics["resamples"], metrics["seed"]),
    )
    of_name = {row["name"]: row for row in (*kept, *fitted)}
    return {
        "format_version": FORMAT_VERSION,
        **{key: metrics[key] for key in _SHARED},
        "rows": [
            *_rows_of_model(run_directory, model, metrics),
            *(of_name[name] for name in (AVERAGE, *BASELINES) if name in of_name),
        ],
    }


def ensemble_on(
    model: ReadingModel, family: Family, on_split: np.ndarray, resamples: int, seed: int
) -> Ensemble:
    """Return the model's ensemble on some rows, with as many resamples of their materials, as an evaluation has."""
    rng = np.random.default_rng(seed)
    return Ensemble(
        indicators_NK=encode_spectra(model, family.spectra_NE[on_split]).ensemble_indicators_NK,
        weights_NR=material_weights(family.material_N[on_split], resamples, rng),
        values=lambda spectra_NE: ensemble_values(model, spectra_NE),
        parameters=int(model.alive_T.sum()) * model.parameters_a_trial,
    )


def known_baselines(directory: Path, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of all but the model that stand beside an evaluation, of the same model and split."""
    try:
        content = json.loads((directory / BASELINES_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION:
        return []
    if any(content.get(key) != metrics[key] for key in _SAME):
        return []
    return [row for row in content["rows"] if row["kind"] != "model"]


def kept_baselines(
    directory: Path, metrics: dict[str, Any], names: Sequence[str], settings: BaselineSettings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of other baselines than `names`: those fitted with the same settings, and the rest."""
    anew = {*names, *([AVERAGE] if _BLEND in names else [])}
    others = [row for row in known_baselines(directory, metrics) if row["name"] not in anew]
    same = [row for row in others if row.get("settings") == _settings_of(row["name"], settings)]
    return same, [row for row in others if row not in same]


def _settings_of(name: str, settings: BaselineSettings) -> dict[str, Any]:
    """Return the settings of one baseline as JSON gives them back; empty for one that has none."""
    if name in (AVERAGE, _BLEND):
        return {part: _settings_of(part, settings) for part in ("derivative_trees", "kernel_ridge")}
    own = getattr(settings, name, None)
    plain: dict[str, Any] = {} if own is None else json.loads(json.dumps(asdict(own), default=str))
    return plain


_SHARED = (
    *("run", "family", "element", "edge", "source", "synthetic", "split", "n", "n_materials", "n_trials"),
    *("selected_trial", "rankaae_version", "checkpoint_sha256"),
)
_SAME = ("split", "n", "checkpoint_sha256")


def fitting_rows(family: Family) -> FittingRows:
    """Return what baselines may see of a family: its training and its validation rows."""
    train, validation = family.split_N == TRAIN, family.split_N == VALIDATION
    return FittingRows(
        family.spectra_NE[train],
        family.descriptors_NK[train],
        family.spectra_NE[validation],
        family.descriptors_NK[validation],
    )


def fit_and_score(
    rows: FittingRows,
    spectra_NE: np.ndarray,
    descriptors_NK: np.ndarray,
    descriptor_names: Sequence[str],
    names: Sequence[str],
    settings: BaselineSettings,
    *,
    styles: int,
    seed: int,
    threads: int,
    ensemble: Ensemble | None = None,
) -> list[dict[str, Any]]:
    """Fit the baselines `names` one after another and score each on the given spectra.

    With the blend comes what the ensemble and the blend read averaged, both in the units of the descriptors.

    Returns
    -------
    list of dict
        One a baseline: ``name``, ``label``, ``kind`` (``baseline``, or ``average``), ``seconds`` it took to fit,
        its ``settings``, the numbers of `models.baselines.score_baseline` and ``ensemble_ahead``, of
        `Ensemble.ahead_of`; None where it reads nothing or there is no ensemble.
    """

    def row(name: str, label: str, kind: str, baseline: FittedBaseline, seconds: float) -> dict[str, Any]:
        scores = score_baseline(baseline, rows, spectra_NE, descriptors_NK, descriptor_names)
        ahead = None
        if ensemble is not None and baseline.reads:
            ahead = ensemble.ahead_of(baseline.read(spectra_NE), descriptors_NK)
        about = {"name": name, "label": label, "kind": kind, "seconds": round(seconds, 3)}
        return {**about, "settings": _settings_of(name, settings), **scores, "ensemble_ahead": ahead}

    scored = []
    for name in names:
        fit, unit = _fits(rows, settings, styles, seed, threads)[name]
        start = time.monotonic()
        with Progress(BASELINES[name], unit) as progress:
            baseline = fit(progress)
        seconds = time.monotonic() - start
        scored.append(row(name, BASELINES[name], "baseline", baseline, seconds))
        if name == _BLEND and ensemble is not None:
            average = _averaged(ensemble, baseline)
            scored.append(row(AVERAGE, "Model and blend, averaged", "average", average, seconds))
    return scored


def _fits(
    rows: FittingRows, settings: BaselineSettings, styles: int, seed: int, threads: int
) -> dict[str, tuple[Callable[[Report], FittedBaseline], str]]:
    """Return how each baseline is fitted, and the unit of its progress."""
    # Lightning and scikit-learn: seconds that a report, which only reads what was fitted, need not wait.
    from rankaae_cli.models.rankaae.unconstrained import fit_aae
    from rankaae_cli.models.supervised.baselines import fit_mean_spectrum, fit_pca_linear, fit_reading
    from rankaae_cli.models.supervised.inputs import DERIVATIVES, SPECTRUM
    from rankaae_cli.models.supervised.networks import fit_vae

    s = settings
    trees, ridge = {"extra_trees": s.derivative_trees}, {"kernel_ridge": s.kernel_ridge}

    def reading(parts: dict[str, Any], *inputs: str, trials: int = 1) -> Callable[[Report], FittedBaseline]:
        return lambda report: fit_reading(rows, parts, inputs, trials, seed, threads, report)

    members = s.supervised_network.members
    return {
        "mean_spectrum": (lambda report: fit_mean_spectrum(rows), ""),
        "pca_linear": (lambda report: fit_pca_linear(rows, styles), ""),
        "extra_trees": (reading({"extra_trees": s.extra_trees}, SPECTRUM), "descriptors"),
        "random_forest": (reading({"random_forest": s.random_forest}, SPECTRUM), "descriptors"),
        "derivative_trees": (reading(trees, *DERIVATIVES), "descriptors"),
        "kernel_ridge": (reading(ridge, *DERIVATIVES), ""),
        "blend": (reading({**trees, **ridge}, *DERIVATIVES), "steps"),
        "supervised_network": (
            reading({"network": s.supervised_network}, SPECTRUM, trials=members),
            "epochs",
        ),
        "aae": (lambda report: fit_aae(rows, s.aae, styles, seed, report), "epochs"),
        "vae": (lambda report: fit_vae(rows, s.vae, styles, seed, report), "epochs"),
    }


def _averaged(ensemble: Ensemble, baseline: FittedBaseline) -> FittedBaseline:
    """Return the mean of what the ensemble and a baseline read."""
    return replace(
        baseline,
        read=lambda spectra_NE: (ensemble.values(spectra_NE) + baseline.read(spectra_NE)) / 2,
        parameters=baseline.parameters + ensemble.parameters,
    )


def _rows_of_model(run_directory: Path, model: ReadingModel, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the selected trial and the ensemble as rows like those of the baselines."""
    seconds = read_provenance(run_directory).get("wall_s")
    a_trial = model.parameters_a_trial
    averaged, single = metrics["ensemble"]["n_trials"], metrics["trials"][metrics["selected_trial"]]
    a_time = None if seconds is None else round(seconds / model.n_trials, 3)
    rows = [("trial", "Model, one trial", single, a_time, a_trial)]
    if averaged > 1:
        label = f"Model, mean of {averaged} trials"
        rows.append(("ensemble", label, metrics["ensemble"], seconds, averaged * a_trial))
    return [
        {**_row_of_scores(scores), "name": name, "label": label, "seconds": duration, "parameters": weights}
        for name, label, scores, duration, weights in rows
    ]


def _row_of_scores(scores: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a trial or ensemble of metrics.json as those of a baseline.

    What a named style says of its descriptor is both the reading and the one style's share in it. The coupling
    is that of the named styles, which a single trial and the ensemble both have, where a model has styles.
    """
    descriptors = scores["descriptors"]
    r2 = [score["r2"] for score in descriptors.values() if score["r2"] is not None]
    known = [value for value in r2 if np.isfinite(value)]
    return {
        "kind": "model",
        "reads": True,
        "generates": True,
        "has_styles": "inter_style_named" in scores,
        "mean_spearman": scores["mean_spearman"],
        "mean_r2": float(np.mean(known)) if known else float("nan"),
        "descriptors": {
            name: {key: score[key] for key in ("spearman", "r2", "mae")}
            for name, score in descriptors.items()
        },
        "reconstruction": scores["reconstruction"],
        "styles": {
            "spearman": {name: score["spearman"] for name, score in descriptors.items()},
            "mean_spearman": scores["mean_spearman"],
            "inter_style": scores["inter_style_named"],
        }
        if "inter_style_named" in scores
        else None,
        "validation": None,
        "ensemble_ahead": None,
    }
