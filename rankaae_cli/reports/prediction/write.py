"""The files of a prediction: tables, all that is known as JSON, figures, the page."""

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankaae_cli.core.statistics.novelty import SIGNS
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.reports.prediction.tables import Prediction

if TYPE_CHECKING:
    from omegaconf import DictConfig

PREDICTIONS, REJECTED, CONTENT, PAGE = "predictions.csv", "rejected.csv", "predictions.json", "page.html"


def write_prediction(
    output: Path, prediction: Prediction, cfg: "DictConfig"
) -> tuple[Path | None, list[Path]]:
    """Write everything below `output`; return the page, None where none is wanted, and the contact sheets."""
    write_text(output / PREDICTIONS, _csv(_columns(prediction)))
    if prediction.faults:
        files, reasons = zip(*prediction.faults, strict=True)
        write_text(output / REJECTED, _csv({"file": files, "reason": reasons}))
    write_text(output / CONTENT, strict_json(_content(prediction)))
    if cfg.figures == 0:
        return None, []
    from rankaae_cli.reports.prediction.draw import write_normalisation, write_page

    most = len(prediction.spectra) if cfg.figures < 0 else cfg.figures
    sheets = write_normalisation(output, prediction, most) if cfg.measured.figures else []
    return write_page(output, prediction, most, sheets), sheets


def _columns(prediction: Prediction) -> dict[str, Any]:
    reading, spectra = prediction.reading, prediction.spectra
    columns: dict[str, Any] = {}
    if all(one.material is not None for one in spectra):
        columns |= {"material": [one.material for one in spectra], "site": [one.site for one in spectra]}
    else:
        columns["file"] = [one.file for one in spectra]
    for k, name in enumerate(prediction.descriptor_names):
        columns[name] = reading.value_NK[:, k]
        columns |= {f"{name}_low": reading.low_NK[:, k], f"{name}_high": reading.high_NK[:, k]}
    columns |= {
        "reconstruction_mae": reading.error_N,
        "novelty": reading.novelty_N,
        "verdict": reading.verdict_N,
    }
    columns["novelty_p"] = reading.p_N
    for name, (classes, probability_NC) in reading.probabilities.items():
        columns[f"{name}_class"] = np.array(classes)[probability_NC.argmax(axis=1)]
        columns |= {f"{name}_p_{c:g}": probability_NC[:, i] for i, c in enumerate(classes)}
    for name, mixtures in prediction.mixtures.items():
        for i, c in enumerate(mixtures[0].classes):
            for end in ("share", "low", "high"):
                key = f"{name}_share_{c:g}" + ("" if end == "share" else f"_{end}")
                columns[key] = [getattr(m, f"{end}")[i] for m in mixtures]
    columns |= {f"{name}_style": reading.style_NK[:, k] for k, name in enumerate(prediction.descriptor_names)}
    columns["nearest"] = [names[0] if names else "" for names in prediction.nearest]
    columns["offset"] = [None if one.is_computed else _offset(prediction)[0] for one in spectra]
    columns["offset_uncertainty"] = [None if one.is_computed else _offset(prediction)[1] for one in spectra]
    if prediction.best_shift_N is not None:
        columns["best_shift"] = prediction.best_shift_N
    columns["warnings"] = ["; ".join(said) for said in prediction.warnings]
    return columns


def _offset(prediction: Prediction) -> tuple[float | None, float | None]:
    offset = prediction.offset
    return (None, None) if offset is None else (offset.value, offset.uncertainty)


def _csv(columns: dict[str, Any]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return f"{value:.9g}" if np.isfinite(value) else ""
    return value


def _content(prediction: Prediction) -> dict[str, Any]:
    offset = prediction.offset
    return {
        **prediction.provenance,
        "family": prediction.subject.family,
        "element": prediction.subject.element,
        "edge": prediction.subject.edge,
        "synthetic": prediction.subject.synthetic,
        "coverage": prediction.coverage,
        "units": dict(zip(prediction.descriptor_names, prediction.descriptor_units, strict=True)),
        "offset": None if offset is None else vars(offset),
        "energy": prediction.energy_E.tolist(),
        "spectra": [_spectrum(prediction, n) for n in range(len(prediction.spectra))],
        "rejected": [{"file": file, "reason": reason} for file, reason in prediction.faults],
    }


def _spectrum(prediction: Prediction, n: int) -> dict[str, Any]:
    reading, one = prediction.reading, prediction.spectra[n]
    descriptors: dict[str, Any] = {}
    for k, name in enumerate(prediction.descriptor_names):
        descriptors[name] = {
            "value": float(reading.value_NK[n, k]),
            "low": float(reading.low_NK[n, k]),
            "high": float(reading.high_NK[n, k]),
            "style": float(reading.style_NK[n, k]),
            "deviation_by_offset": float(reading.offset_part_NK[n, k]),
            "deviation_by_discrepancy": float(reading.discrepancy_part_NK[n, k]),
        }
        if name in reading.probabilities:
            classes, probability_NC = reading.probabilities[name]
            descriptors[name]["probabilities"] = {
                f"{c:g}": float(p) for c, p in zip(classes, probability_NC[n], strict=True)
            }
    return {
        "file": one.file,
        "path": os.fspath(one.prepared.spectrum.path),
        "material": one.material,
        "site": one.site,
        "computed": one.is_computed,
        "descriptors": descriptors,
        "reconstruction_mae": float(reading.error_N[n]),
        "novelty": {
            "score": float(reading.novelty_N[n]),
            "p": float(reading.p_N[n]),
            "verdict": reading.verdict_N[n],
            **{name.replace(" ", "_"): float(v) for name, v in zip(SIGNS, reading.signs_N3[n], strict=True)},
        },
        "nearest": [
            {"spectrum": name, "mean_absolute_difference": float(d)}
            for name, d in zip(prediction.nearest[n], reading.distance_NP[n], strict=True)
        ],
        "mixtures": {
            name: {
                "shares": {f"{c:g}": [float(v) for v in ends] for c, *ends in zip(
                    m[n].classes, m[n].share, m[n].low, m[n].high, strict=True)},
                "mean_absolute_difference": m[n].error,
            }
            for name, m in prediction.mixtures.items()
        },
        "best_shift": None if prediction.best_shift_N is None else float(prediction.best_shift_N[n]),
        "normalisation": _normalisation(one.prepared),
        "warnings": prediction.warnings[n],
        "spectrum": [round(float(v), 5) for v in prediction.spectra_NE[n]],
        "reconstruction": [round(float(v), 5) for v in reading.reconstruction_NE[n]],
    }  # fmt: skip


def _normalisation(prepared: Any) -> dict[str, Any] | None:
    done = prepared.normalised
    if done is None:
        return None
    return {
        "e0": done.e0,
        "half_step": done.half_step,
        "edge_step": done.edge_step,
        "noise": done.noise,
        "calibrated_by": prepared.calibration.shift if prepared.calibration else None,
        "ranges": vars(done.ranges),
        "absorption": prepared.spectrum.columns_used,
    }
