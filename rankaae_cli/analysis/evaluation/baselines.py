"""The baselines of ``rankaae evaluate``: fitted on the run's own rows, shown beside the model."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family_file import Family
from rankaae_cli.data.family.splits import SPLITS, TRAIN, VALIDATION
from rankaae_cli.models.baselines import BASELINES, FittedBaseline, FittingRows, Report, score_baseline
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.runs.directory import plain_config
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.schema.finished_run import BaselineSettings

BASELINES_JSON, BASELINES_CSV, FIGURE = "baselines.json", "baselines.csv", "baselines"
# Of baselines.json: counted up with every change of it, so that older ones are not mixed with newer.
FORMAT_VERSION = 1


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
    model: TrainedModel,
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
        styles=len(model.style_names),
        seed=int(plain_config(run_directory).get("seed", 0)),
        threads=threads,
    )
    of_name = {row["name"]: row for row in (*kept, *fitted)}
    return {
        "format_version": FORMAT_VERSION,
        **{key: metrics[key] for key in _SHARED},
        "rows": [
            *_rows_of_model(run_directory, model, metrics),
            *(of_name[name] for name in BASELINES if name in of_name),
        ],
    }


def known_baselines(directory: Path, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the baselines that stand beside an evaluation and belong to the same model and split."""
    try:
        content = json.loads((directory / BASELINES_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION:
        return []
    if any(content.get(key) != metrics[key] for key in _SAME):
        return []
    return [row for row in content["rows"] if row["kind"] == "baseline"]


def kept_baselines(
    directory: Path, metrics: dict[str, Any], names: Sequence[str], settings: BaselineSettings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of other baselines than `names`: those fitted with the same settings, and the rest."""
    others = [row for row in known_baselines(directory, metrics) if row["name"] not in names]
    same = [row for row in others if row.get("settings") == _settings_of(row["name"], settings)]
    return same, [row for row in others if row not in same]


def _settings_of(name: str, settings: BaselineSettings) -> dict[str, Any]:
    """Return the settings of one baseline as JSON gives them back; empty for one that has none."""
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
) -> list[dict[str, Any]]:
    """Fit the baselines `names` one after another and score each on the given spectra.

    Returns
    -------
    list of dict
        One a baseline: ``name``, ``label``, ``kind`` (``baseline``), ``seconds`` it took to fit, its ``settings``
        and the numbers of `models.baselines.score_baseline`.
    """
    scored = []
    for name in names:
        fit, unit = _fits(rows, settings, styles, seed, threads)[name]
        start = time.monotonic()
        with Progress(BASELINES[name], unit) as progress:
            baseline = fit(progress)
        seconds = time.monotonic() - start
        scores = score_baseline(baseline, rows, spectra_NE, descriptors_NK, descriptor_names)
        scored.append(
            {
                "name": name,
                "label": BASELINES[name],
                "kind": "baseline",
                "seconds": round(seconds, 3),
                "settings": _settings_of(name, settings),
                **scores,
            }
        )
    return scored


def _fits(
    rows: FittingRows, settings: BaselineSettings, styles: int, seed: int, threads: int
) -> dict[str, tuple[Callable[[Report], FittedBaseline], str]]:
    """Return how each baseline is fitted, and the unit of its progress."""
    # Lightning and scikit-learn: seconds that a report, which only reads what was fitted, need not wait.
    from rankaae_cli.models.rankaae.unconstrained import fit_aae
    from rankaae_cli.models.supervised import classical, networks

    s = settings
    return {
        "mean_spectrum": (lambda report: classical.fit_mean_spectrum(rows), ""),
        "pca_linear": (lambda report: classical.fit_pca_linear(rows, styles), ""),
        **{
            name: (partial(classical.fit_forests, name, rows, getattr(s, name), seed, threads), "descriptors")
            for name in ("extra_trees", "random_forest")
        },
        "supervised_network": (
            lambda report: networks.fit_supervised_network(rows, s.supervised_network, seed, report),
            "epochs",
        ),
        "aae": (lambda report: fit_aae(rows, s.aae, styles, seed, report), "epochs"),
        "vae": (lambda report: networks.fit_vae(rows, s.vae, styles, seed, report), "epochs"),
    }


def _rows_of_model(run_directory: Path, model: TrainedModel, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the selected trial and the ensemble as rows like those of the baselines."""
    seconds = read_provenance(run_directory).get("wall_s")
    a_trial = sum(parameter.numel() for parameter in model.autoencoder.parameters()) // model.n_trials
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
    is that of the named styles, which a single trial and the ensemble both have.
    """
    descriptors = scores["descriptors"]
    r2 = [score["r2"] for score in descriptors.values() if score["r2"] is not None]
    known = [value for value in r2 if np.isfinite(value)]
    return {
        "kind": "model",
        "reads": True,
        "generates": True,
        "has_styles": True,
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
        },
        "validation": None,
    }
