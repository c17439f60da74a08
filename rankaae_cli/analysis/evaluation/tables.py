"""The tables that ``rankaae evaluate`` leaves: predictions, trials, errors, leakage and associations."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.data.files import replacing

if TYPE_CHECKING:
    import pandas as pd

    from rankaae_cli.analysis.encoded import EncodedSplit
    from rankaae_cli.analysis.evaluation.styles import Found
    from rankaae_cli.analysis.prediction.result import Reading
    from rankaae_cli.models.rankaae.trained import TrainedModel

PREDICTIONS, TRIALS, ERRORS = "predictions.csv", "trials.csv", "reconstruction_error.csv"
LEAKAGE, ASSOCIATIONS = "leakage.csv", "associations.csv"
_JUDGED = ("max_abs_spearman", "excess", "reconstruction_mae", "relative_error", "shapiro_min")


def table_names(model: "TrainedModel") -> tuple[str, ...]:
    """Return the names of the tables that `write_tables` leaves of a model."""
    always = (PREDICTIONS, TRIALS, ERRORS, LEAKAGE)
    return (*always, ASSOCIATIONS) if len(model.style_names) > len(model.descriptor_names) else always


def write_tables(
    directory: Path,
    model: "TrainedModel",
    reading: "EncodedSplit",
    read: "Reading",
    metrics: dict[str, Any],
    found: "Found",
) -> None:
    """Write all tables of one split to `directory`."""
    import pandas as pd

    tables = {
        PREDICTIONS: _predictions(model, reading, read),
        TRIALS: _trials(metrics),
        ERRORS: _errors(model, reading),
        LEAKAGE: _leakage(metrics),
    }
    if found.repeats is not None:
        tables[ASSOCIATIONS] = pd.DataFrame([asdict(pair) for pair in found.repeats.pairs])
    for name, table in tables.items():
        with replacing(directory / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")


def _predictions(model: "TrainedModel", reading: "EncodedSplit", read: "Reading") -> "pd.DataFrame":
    import pandas as pd

    columns: dict[str, Any] = {"material": reading.material_N, "site": reading.site_N}
    for k, name in enumerate(model.descriptor_names):
        columns[name] = read.value_NK[:, k]
        columns |= {f"{name}_low": read.low_NK[:, k], f"{name}_high": read.high_NK[:, k]}
        columns[f"{name}_true"] = reading.descriptors_NK[:, k]
    columns |= {
        "reconstruction_mae": read.error_N,
        "novelty": read.novelty_N,
        "verdict": read.verdict_N,
    }
    return pd.DataFrame(columns)


def _trials(metrics: dict[str, Any]) -> "pd.DataFrame":
    """Return a row a trial: both scores and what they are made of on validation, then numbers on the split."""
    import pandas as pd

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


def _errors(model: "TrainedModel", reading: "EncodedSplit") -> "pd.DataFrame":
    """Return the error of the ensemble's reconstruction at each energy."""
    import numpy as np
    import pandas as pd

    residual_NE = np.asarray(reading.ensemble_spectra_NE, dtype=np.float64) - reading.spectra_NE
    low_E, high_E = np.percentile(residual_NE, [5, 95], axis=0)
    return pd.DataFrame(
        {
            "energy": model.energy_E,
            "mean_spectrum": reading.spectra_NE.mean(axis=0),
            "mean_error": residual_NE.mean(axis=0),
            "mean_absolute_error": np.abs(residual_NE).mean(axis=0),
            "error_p05": low_E,
            "error_p95": high_E,
        }
    )


def _leakage(metrics: dict[str, Any]) -> "pd.DataFrame":
    """Return the selected trial's leakage matrix: walked style, then how far each style moved."""
    import pandas as pd

    leakage = metrics["leakage"]
    table = pd.DataFrame(leakage["matrix"], columns=leakage["styles"], dtype=float)
    table.insert(0, "walked", leakage["styles"])
    return table
