"""The tables of an evaluation: predictions, trials, and what stands behind each of its figures."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import EncodedRun
from rankaae_cli.core.styles.normality import normal_quantiles
from rankaae_cli.core.styles.replication import Repeats
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import HasStyles, Predicts, ReadsMixtures, Reconstructs, Trained, recipe_of

if TYPE_CHECKING:  # scipy's statistics take a second to load, which a report need not wait for
    from rankaae_cli.analysis.prediction.predictor import Prediction

# Of what an evaluation leaves: counted up with every change of it, so that a report replaces what is older.
FORMAT_VERSION = 6
PREDICTIONS, TRIALS, ERRORS = "predictions.csv", "trials.csv", "reconstruction_error.csv"
LEAKAGE, ASSOCIATIONS, NEAR_DUPLICATES = "leakage.csv", "associations.csv", "near_duplicates.csv"
_IMPORTANCE, _MIXTURES = "importance.csv", "mixtures.csv"
_STYLES, _CONFUSION, _EXAMPLES = "style_vs_descriptor.csv", "confusion.csv", "reconstruction_examples.csv"
_WORST, _QUANTILES, _COUPLING = "worst_spectra.csv", "normality.csv", "coupling.csv"
_MOST_WORST = 6  # spectra
_JUDGED = ("max_abs_spearman", "excess", "reconstruction_mae", "relative_error", "shapiro_min")


def table_of(figure: str) -> str:
    """Return the name of the table that a figure shows."""
    return PREDICTIONS if figure == "prediction_vs_truth" else f"{figure}.csv"


@dataclass(frozen=True)
class Evaluation:
    """What the tables of one split are made of.

    Attributes
    ----------
    run, prediction
        The split, read by the model.
    metrics
        Contents of metrics.json.
    repeats
        What the free styles go with; None where there is none.
    near_duplicates
        Of `find_near_duplicates`.
    importance
        Of `rankaae_cli.analysis.reading.importance.find_importance`.
    mixtures
        Of `rankaae_cli.analysis.reading.mixtures.score_mixtures`; without rows where none are read.
    """

    run: EncodedRun
    prediction: "Prediction"
    metrics: Mapping[str, Any]
    repeats: Repeats | None
    near_duplicates: pd.DataFrame
    importance: pd.DataFrame
    mixtures: pd.DataFrame


def table_names(model: Trained) -> tuple[str, ...]:
    """Return the names of the tables of an evaluation of a model."""
    empty = set()
    if not any(model.descriptor_classes.get(name) for name in model.descriptor_names):
        empty.add(_CONFUSION)
    if isinstance(model, HasStyles) and len(model.style_names) == len(model.descriptor_names):
        empty.add(ASSOCIATIONS)
    if recipe_of(model) is None:
        empty.add(_MIXTURES)
    return tuple(
        name for name, (needs, _) in _TABLES.items() if name not in empty and isinstance(model, needs)
    )


def evaluation_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """Return all tables of one split by the names of their files."""
    return {name: _TABLES[name][1](evaluation) for name in table_names(evaluation.run.model)}


def write_tables(directory: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables to `directory`."""
    for name, table in tables.items():
        with replacing(directory / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")


def _predictions(evaluation: Evaluation) -> pd.DataFrame:
    model, encoded, prediction = evaluation.run.model, evaluation.run.split, evaluation.prediction
    columns: dict[str, Any] = {"material": encoded.material_N, "site": encoded.site_N}
    for k, name in enumerate(model.descriptor_names):
        columns[name] = prediction.value_NK[:, k]
        columns |= {f"{name}_low": prediction.low_NK[:, k], f"{name}_high": prediction.high_NK[:, k]}
        columns[f"{name}_true"] = encoded.descriptors_NK[:, k]
    columns |= {
        "reconstruction_mae": prediction.error_N,
        "novelty": prediction.novelty_N,
        "verdict": prediction.verdict_N,
    }
    return pd.DataFrame(columns)


def _trials(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row a trial: its scores and what they are made of on validation, then numbers on the split."""
    about = ("trial", "rank", "selected", "validation_score", "published_rank", "published_score")
    rows = []
    for trial, judged in zip(metrics["trials"], metrics["choice"]["trials"], strict=True):
        row = {key: trial[key] for key in (*about, "best_epoch", "failed") if key in trial}
        row["validation_mean_spearman"] = judged["mean_spearman"]
        row |= {f"validation_{key}": judged[key] for key in _JUDGED if key in judged}
        row["mean_spearman"] = trial["mean_spearman"]
        for name, scores in trial["descriptors"].items():
            keys = (
                "spearman",
                "spearman_attainable",
                "kendall",
                "r2",
                "mae",
                "rmse",
                "f1",
                "balanced_accuracy",
            )
            row |= {f"{name}_{key}": scores[key] for key in keys if key in scores}
        for part in ("inter_style", "inter_style_named", "reconstruction"):
            row |= {f"{part}_{key}": value for key, value in trial.get(part, {}).items()}
        row |= {key: trial[key] for key in ("shapiro_min",) if key in trial}
        rows.append(row)
    return pd.DataFrame(rows)


def _errors(evaluation: Evaluation) -> pd.DataFrame:
    """Return the error of the ensemble's reconstruction at each energy."""
    model, encoded = evaluation.run.model, evaluation.run.split
    residual_NE = np.asarray(encoded.ensemble_spectra_NE, dtype=np.float64) - encoded.spectra_NE
    low_E, high_E = np.percentile(residual_NE, [5, 95], axis=0)
    return pd.DataFrame(
        {
            "energy": model.energy_E,
            "mean_spectrum": encoded.spectra_NE.mean(axis=0),
            "mean_error": residual_NE.mean(axis=0),
            "mean_absolute_error": np.abs(residual_NE).mean(axis=0),
            "error_p05": low_E,
            "error_p95": high_E,
        }
    )


def _leakage(leakage: Mapping[str, Any]) -> pd.DataFrame:
    """Return the selected trial's leakage matrix: walked style, then how far each style moved."""
    table = pd.DataFrame(leakage["matrix"], columns=leakage["styles"], dtype=float)
    table.insert(0, "walked", leakage["styles"])
    return table


def _styles(evaluation: Evaluation) -> pd.DataFrame:
    """Return material, site, and of each descriptor the ensemble's style and the true value."""
    model, encoded = evaluation.run.model, evaluation.run.split
    columns: dict[str, Any] = {"material": encoded.material_N, "site": encoded.site_N}
    for k, name in enumerate(model.descriptor_names):
        columns[f"{name}_style"] = encoded.ensemble_indicators_NK[:, k]
        columns[f"{name}_true"] = encoded.descriptors_NK[:, k]
    return pd.DataFrame(columns)


def _typical(evaluation: Evaluation) -> pd.DataFrame:
    """Return the best, the median and the worst reconstruction."""
    encoded = evaluation.run.split
    order = np.argsort(encoded.error_N, kind="stable")
    typical = {"best: ": order[0], "median: ": order[len(order) // 2], "worst: ": order[-1]}
    return pd.concat([_example(evaluation, row, title) for title, row in typical.items()])


def _worst(evaluation: Evaluation) -> pd.DataFrame:
    """Return the worst reconstructions; sites of one material are much alike: of each only its worst."""
    encoded = evaluation.run.split
    order = np.argsort(encoded.error_N, kind="stable")[::-1]
    _, first = np.unique(encoded.material_N[order].astype(str), return_index=True)
    return pd.concat([_example(evaluation, row) for row in order[np.sort(first)[:_MOST_WORST]]])


def _example(evaluation: Evaluation, row: int, title: str = "") -> pd.DataFrame:
    """Return a spectrum and its reconstruction, a row an energy."""
    model, encoded = evaluation.run.model, evaluation.run.split
    return pd.DataFrame(
        {
            "example": f"{title}{encoded.material_N[row]}, site {encoded.site_N[row]}",
            "material": encoded.material_N[row],
            "site": encoded.site_N[row],
            "mae": encoded.error_N[row],
            "energy": model.energy_E,
            "given": encoded.spectra_NE[row],
            "reconstructed": encoded.ensemble_spectra_NE[row],
        }
    )


def _quantiles(evaluation: Evaluation) -> pd.DataFrame:
    """Return the selected trial's styles against normal quantiles: ``style``, ``normal_quantile``, ``value``."""
    model: Any = evaluation.run.model
    encoded, parts = evaluation.run.split, []
    for name, style_N in zip(model.style_names, encoded.styles_TNS[model.selected_trial].T, strict=True):
        normal_N, value_N = normal_quantiles(style_N)
        parts.append(pd.DataFrame({"style": name, "normal_quantile": normal_N, "value": value_N}))
    return pd.concat(parts)


def _coupling(coupling: Mapping[str, Any]) -> pd.DataFrame:
    """Return correlations of styles below the diagonal, of descriptors above it; NaN where neither."""
    names = list(coupling["styles"])
    between_SS = np.array(coupling["between_styles"], dtype=float)
    between_KK = np.array(coupling["between_descriptors"], dtype=float)
    value_SS = np.where(np.tri(len(names), k=-1, dtype=bool), between_SS, np.nan)
    upper = np.triu_indices(len(between_KK), 1)
    value_SS[upper] = between_KK[upper]
    table = pd.DataFrame(value_SS, columns=names)
    table.insert(0, "style", names)
    return table


def _confusion(scores: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return counts of spectra: ``descriptor``, ``true``, ``read``, ``spectra``."""
    rows = [
        {"descriptor": name, "true": true, "read": read, "spectra": count}
        for name, score in scores.items()
        if score.get("confusion") is not None
        for true, counts in zip(score["classes"], score["confusion"], strict=True)
        for read, count in zip(score["classes"], counts, strict=True)
    ]
    return pd.DataFrame(rows, columns=["descriptor", "true", "read", "spectra"])


def _associations(evaluation: Evaluation) -> pd.DataFrame:
    repeats = evaluation.repeats
    return pd.DataFrame([] if repeats is None else [asdict(pair) for pair in repeats.pairs])


# Each table, with what a model has to be able to do for it and what makes it.
_TABLES: Mapping[str, tuple[type, Callable[[Evaluation], pd.DataFrame]]] = {
    PREDICTIONS: (Predicts, _predictions),
    TRIALS: (Trained, lambda e: _trials(e.metrics)),
    ERRORS: (Reconstructs, _errors),
    LEAKAGE: (HasStyles, lambda e: _leakage(e.metrics["leakage"])),
    NEAR_DUPLICATES: (Predicts, lambda e: e.near_duplicates),
    _IMPORTANCE: (Predicts, lambda e: e.importance),
    _MIXTURES: (ReadsMixtures, lambda e: e.mixtures),
    _STYLES: (HasStyles, _styles),
    _EXAMPLES: (Reconstructs, _typical),
    _WORST: (Reconstructs, _worst),
    _QUANTILES: (HasStyles, _quantiles),
    _COUPLING: (HasStyles, lambda e: _coupling(e.metrics["coupling"])),
    _CONFUSION: (Predicts, lambda e: _confusion(e.metrics["ensemble"]["descriptors"])),
    ASSOCIATIONS: (HasStyles, _associations),
}
