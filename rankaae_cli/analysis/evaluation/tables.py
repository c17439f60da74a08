"""The tables of an evaluation: predictions, trials, and what stands behind each of its figures."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import EncodedRun, EncodedSplit
from rankaae_cli.core.statistics.metrics import normal_quantiles
from rankaae_cli.core.styles.replication import Repeats
from rankaae_cli.data.files import replacing
from rankaae_cli.models.rankaae.trained import TrainedModel

if TYPE_CHECKING:  # scipy's statistics take a second to load, which a report need not wait for
    from rankaae_cli.analysis.prediction.predictor import Prediction

# Of what an evaluation leaves: counted up with every change of it, so that a report replaces what is older.
FORMAT_VERSION = 5
PREDICTIONS, TRIALS, ERRORS = "predictions.csv", "trials.csv", "reconstruction_error.csv"
LEAKAGE, ASSOCIATIONS, NEAR_DUPLICATES = "leakage.csv", "associations.csv", "near_duplicates.csv"
_STYLES, _CONFUSION, _EXAMPLES = "style_vs_descriptor.csv", "confusion.csv", "reconstruction_examples.csv"
_WORST, _QUANTILES, _COUPLING = "worst_spectra.csv", "normality.csv", "coupling.csv"
_MOST_WORST = 6  # spectra
_JUDGED = ("max_abs_spearman", "excess", "reconstruction_mae", "relative_error", "shapiro_min")


def table_of(figure: str) -> str:
    """Return the name of the table that a figure shows."""
    return PREDICTIONS if figure == "prediction_vs_truth" else f"{figure}.csv"


def table_names(model: TrainedModel) -> tuple[str, ...]:
    """Return the names of the tables of an evaluation of a model."""
    names = [
        PREDICTIONS,
        TRIALS,
        ERRORS,
        LEAKAGE,
        NEAR_DUPLICATES,
        _STYLES,
        _EXAMPLES,
        _WORST,
        _QUANTILES,
        _COUPLING,
    ]
    if any(model.descriptor_classes.get(name) for name in model.descriptor_names):
        names.append(_CONFUSION)
    if len(model.style_names) > len(model.descriptor_names):
        names.append(ASSOCIATIONS)
    return tuple(names)


def evaluation_tables(
    run: EncodedRun,
    prediction: "Prediction",
    metrics: Mapping[str, Any],
    repeats: Repeats | None,
    near_duplicates: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return all tables of one split by the names of their files.

    Parameters
    ----------
    run, prediction
        The split, encoded and read by the model.
    metrics
        Contents of metrics.json.
    repeats
        What the free styles go with; None where the model has none.
    near_duplicates
        Rows of the split that are nearly the same as others; see `near_duplicates.find_near_duplicates`.
    """
    model, encoded = run.model, run.split
    # Stable, so that of equal errors the first row comes first.
    order = np.argsort(encoded.error_N, kind="stable")
    typical = {"Best: ": order[0], "Median: ": order[len(order) // 2], "Worst: ": order[-1]}
    # Sites of one material are much alike: of each only its worst.
    _, first = np.unique(encoded.material_N[order[::-1]].astype(str), return_index=True)
    worst = order[::-1][np.sort(first)[:_MOST_WORST]]
    tables = {
        PREDICTIONS: _predictions(model, encoded, prediction),
        TRIALS: _trials(metrics),
        ERRORS: _errors(model, encoded),
        LEAKAGE: _leakage(metrics["leakage"]),
        NEAR_DUPLICATES: near_duplicates,
        _STYLES: _styles(model, encoded),
        _EXAMPLES: pd.concat([_example(model, encoded, row, title) for title, row in typical.items()]),
        _WORST: pd.concat([_example(model, encoded, row) for row in worst]),
        _QUANTILES: _quantiles(model, encoded),
        _COUPLING: _coupling(metrics["coupling"]),
        _CONFUSION: _confusion(metrics["ensemble"]["descriptors"]),
        ASSOCIATIONS: pd.DataFrame([] if repeats is None else [asdict(pair) for pair in repeats.pairs]),
    }
    return {name: tables[name] for name in table_names(model)}


def write_tables(directory: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables to `directory`."""
    for name, table in tables.items():
        with replacing(directory / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")


def _predictions(model: TrainedModel, encoded: EncodedSplit, prediction: "Prediction") -> pd.DataFrame:
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
    """Return a row a trial: both scores and what they are made of on validation, then numbers on the split."""
    about = ("trial", "rank", "selected", "validation_score", "published_rank", "published_score")
    rows = []
    for trial, judged in zip(metrics["trials"], metrics["choice"]["trials"], strict=True):
        row = {key: trial[key] for key in (*about, "best_epoch", "failed")}
        row["validation_mean_spearman"] = judged["mean_spearman"]
        row |= {f"validation_{key}": judged[key] for key in _JUDGED}
        row["mean_spearman"] = trial["mean_spearman"]
        for name, scores in trial["descriptors"].items():
            keys = ("spearman", "spearman_attainable", "kendall", "r2", "mae", "f1", "balanced_accuracy")
            row |= {f"{name}_{key}": scores[key] for key in keys if key in scores}
        for part in ("inter_style", "inter_style_named"):
            row |= {f"{part}_{key}": value for key, value in trial[part].items()}
        row |= {f"reconstruction_{key}": value for key, value in trial["reconstruction"].items()}
        row["shapiro_min"] = trial["shapiro_min"]
        rows.append(row)
    return pd.DataFrame(rows)


def _errors(model: TrainedModel, encoded: EncodedSplit) -> pd.DataFrame:
    """Return the error of the ensemble's reconstruction at each energy."""
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


def _styles(model: TrainedModel, encoded: EncodedSplit) -> pd.DataFrame:
    """Return material, site, and of each descriptor the ensemble's style and the true value."""
    columns: dict[str, Any] = {"material": encoded.material_N, "site": encoded.site_N}
    for k, name in enumerate(model.descriptor_names):
        columns[f"{name}_style"] = encoded.ensemble_styles_NK[:, k]
        columns[f"{name}_true"] = encoded.descriptors_NK[:, k]
    return pd.DataFrame(columns)


def _example(model: TrainedModel, encoded: EncodedSplit, row: int, title: str = "") -> pd.DataFrame:
    """Return a spectrum and its reconstruction, a row an energy."""
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


def _quantiles(model: TrainedModel, encoded: EncodedSplit) -> pd.DataFrame:
    """Return the selected trial's styles against normal quantiles: ``style``, ``normal_quantile``, ``value``."""
    parts = []
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
