"""The files of a prediction: tables, and all that is known as JSON."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from rankaae_cli.analysis.prediction.against import NUMBER
from rankaae_cli.analysis.prediction.input import Fault
from rankaae_cli.analysis.prediction.predict import PredictionResult
from rankaae_cli.core.statistics.novelty import SIGNS
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.data.measured.prepared import Prepared
from rankaae_cli.reports.prediction.tables import references_table
from rankaae_cli.reports.tables import csv_text

PREDICTIONS, REJECTED, CONTENT = "predictions.csv", "rejected.csv", "predictions.json"
_REFERENCES = "references.csv"
# What is written of each descriptor, and which attribute of a prediction it is.
_OF_DESCRIPTOR = {
    "value": "value_NK",
    "low": "low_NK",
    "high": "high_NK",
    "style": "style_NK",
    "deviation_by_nuisances": "nuisance_part_NK",
    "deviation_by_discrepancy": "discrepancy_part_NK",
}


def write_prediction(output: Path, result: PredictionResult) -> None:
    """Write tables and all that is known as JSON below the folder `output`."""
    by_site = all(one.material is not None for one in result.spectra)
    write_text(output / PREDICTIONS, "".join(prediction_lines(result, by_site)))
    if result.faults:
        write_rejected(output, result.faults)
    if result.references:
        write_text(output / _REFERENCES, csv_text(references_table(result)))
    write_text(output / CONTENT, strict_json(_content(result)))


def write_rejected(output: Path, faults: Sequence[Fault]) -> None:
    """Write the table of what could not be read."""
    files, reasons = zip(*faults, strict=True) if faults else ((), ())
    write_text(output / REJECTED, "".join(_csv_lines({"file": files, "reason": reasons})))


def prediction_lines(result: PredictionResult, by_site: bool = False) -> list[str]:
    """Return the table of a prediction as lines of CSV, that of the headings and one a spectrum.

    Spectra are named by material and site, or by their files.
    """
    return _csv_lines(prediction_columns(result, by_site))


def prediction_columns(result: PredictionResult, by_site: bool = False) -> dict[str, Any]:
    """Return the columns of the table of a prediction, a value a spectrum each; see `prediction_lines`."""
    prediction, spectra = result.prediction, result.spectra
    columns: dict[str, Any] = {}
    if by_site:
        columns |= {"material": [one.material for one in spectra], "site": [one.site for one in spectra]}
    else:
        columns["file"] = [one.file for one in spectra]
    for k, name in enumerate(result.model.descriptor_names):
        columns[name] = prediction.value_NK[:, k]
        columns |= {f"{name}_low": prediction.low_NK[:, k], f"{name}_high": prediction.high_NK[:, k]}
    columns |= {"reconstruction_mae": prediction.error_N, "novelty": prediction.novelty_N}
    columns |= {"verdict": prediction.verdict_N, "novelty_p": prediction.p_N}
    for name, (classes, probability_NC) in prediction.probabilities.items():
        columns[f"{name}_class"] = np.array(classes)[probability_NC.argmax(axis=1)]
        columns |= {f"{name}_p_{c:g}": probability_NC[:, i] for i, c in enumerate(classes)}
    for name, mixtures in result.mixtures.items():
        for i, c in enumerate(mixtures[0].classes):
            for attribute, end in (("share", ""), ("low", "_low"), ("high", "_high")):
                columns[f"{name}_share_{c:g}{end}"] = [getattr(m, attribute)[i] for m in mixtures]
    columns |= {
        f"{name}_style": prediction.style_NK[:, k] for k, name in enumerate(result.model.descriptor_names)
    }
    columns["nearest"] = [names[0] if names else "" for names in result.nearest]
    for key, attribute in (("offset", "value"), ("offset_uncertainty", "uncertainty")):
        shift = getattr(result.offset, attribute, None)
        columns[key] = [None if one.is_computed else shift for one in spectra]
    if result.against is not None and result.against.key != NUMBER:
        columns[result.against.key] = result.against.value_N
    columns["warnings"] = ["; ".join(lines) for lines in result.warnings]
    return columns


def _csv_lines(columns: Mapping[str, Iterable[Any]]) -> list[str]:
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_printed, row) for row in zip(*columns.values(), strict=True))
    return lines


def _printed(cell: Any) -> Any:
    """Return a number to nine digits, nothing for one that is not known, and anything else as it is."""
    if isinstance(cell, float | np.floating):
        return f"{cell:.9g}" if np.isfinite(cell) else ""
    return cell


def _content(result: PredictionResult) -> dict[str, Any]:
    offset = result.offset
    return {
        **result.provenance,
        "family": result.model.subject.family,
        "element": result.model.subject.element,
        "edge": result.model.subject.edge,
        "synthetic": result.model.subject.synthetic,
        "fidelity": result.model.fidelity,
        "coverage": result.coverage,
        "units": dict(zip(result.model.descriptor_names, result.model.descriptor_units, strict=True)),
        "offset": None if offset is None else vars(offset),
        "energy": result.model.energy_E.tolist(),
        "spectra": [_spectrum(result, n) for n in range(len(result.spectra))],
        "references": [{**vars(one), "inside": one.is_inside} for one in result.references],
        "rejected": [{"file": file, "reason": reason} for file, reason in result.faults],
    }


def _spectrum(result: PredictionResult, n: int) -> dict[str, Any]:
    prediction, one = result.prediction, result.spectra[n]
    descriptors: dict[str, Any] = {}
    for k, name in enumerate(result.model.descriptor_names):
        descriptors[name] = {key: float(getattr(prediction, of)[n, k]) for key, of in _OF_DESCRIPTOR.items()}
        if name in prediction.probabilities:
            classes, probability_NC = prediction.probabilities[name]
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
        "reconstruction_mae": float(prediction.error_N[n]),
        "novelty": {
            "score": float(prediction.novelty_N[n]),
            "p": float(prediction.p_N[n]),
            "verdict": prediction.verdict_N[n],
            **{name.replace(" ", "_"): float(v) for name, v in zip(SIGNS, prediction.signs_N3[n], strict=True)},
        },
        "nearest": [
            {"spectrum": name, "mean_absolute_difference": float(d)}
            for name, d in zip(result.nearest[n], prediction.distance_NP[n], strict=True)
        ],
        "mixtures": {
            name: {
                "shares": {f"{c:g}": [float(v) for v in ends] for c, *ends in zip(
                    m[n].classes, m[n].share, m[n].low, m[n].high, strict=True)},
                "mean_absolute_difference": m[n].error,
            }
            for name, m in result.mixtures.items()
        },
        "normalisation": _normalisation(one.prepared),
        "warnings": result.warnings[n],
        "nuisances": result.nuisances[n],
        "spectrum": [round(float(v), 5) for v in result.prediction.spectra_NE[n]],
        "reconstruction": [round(float(v), 5) for v in prediction.reconstruction_NE[n]],
    }  # fmt: skip


def _normalisation(prepared: Prepared) -> dict[str, Any] | None:
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
