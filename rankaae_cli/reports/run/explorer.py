"""The explorer of a run's page: the networks of one trial, its styles, and real spectra to start from."""

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rankaae_cli.core.labels import descriptor_meaning, style_title, unit_text
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.models.rankaae.export import Layer, decoder_layers, encoder_layers
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.schema.ingest import IngestConfig

# As many spectra as the page holds: fewer where the networks or the grid are large, so that its size stays below
# a bound, but enough to look around in.
MOST_SPECTRA, _FEWEST_SPECTRA = 800, 100
_MOST_BYTES = 1_550_000
_BYTES_OF_A_NAME = 120  # of a spectrum's material, site and descriptors, about
_LEVELS = 2**16 - 1
_SPLIT = "test"


def explorer_data(
    model: TrainedModel, family: Family, ranges: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """Return the explorer of the selected trial, with spectra of the test split to start from, for JSON.

    Parameters
    ----------
    model, family
        The model, and the family of the spectra.
    ranges
        From the name of a style to the ends of its slider.

    Returns
    -------
    dict
        Plain values, arrays in base64, little-endian; null where not known. Matrices are in 16 bits, which moves a
        decoded spectrum by some 1e-4 edge steps, and a style by some 1e-3 of its standard deviation.
    """
    subject, t = model.subject, model.selected_trial
    trials = model.calibration.get("trials") or []
    # Empty where the model was saved before it was fitted.
    calibration = trials[t] or {} if trials else {}
    encoder, decoder = encoder_layers(model.autoencoder, t), decoder_layers(model.autoencoder, t)
    novelty = calibration.get("novelty")
    return {
        "model": _identity([*encoder, *decoder]),
        "trial": t,
        "energy": [float(energy) for energy in model.energy_E],
        "energyUnit": subject.energy_unit,
        "energyLabel": subject.energy_label,
        "absorptionLabel": subject.absorption_label,
        "edgeStep": subject.normalisation == "edge_step",
        # What `rankaae ingest` allows by default; the family file does not keep what it was made with.
        "maxTail": IngestConfig().max_tail,
        "styles": _styles_data(model, ranges, calibration.get("descriptors") or {}),
        "encoder": _layers_data(encoder),
        "decoder": _layers_data(decoder),
        "novelty": None if novelty is None else dict(novelty),
        "real": _real_data(family, most_spectra([*encoder, *decoder], len(model.energy_E))),
    }


def most_spectra(layers: Sequence[Layer], points: int) -> int:
    """Return how many spectra of `points` values the page can hold beside networks of `layers`."""
    weights = sum(array.size for layer in layers for array in layer.arrays.values())
    # Base64 writes three bytes as four characters: nearly all weights are 16-bit levels, as spectra are.
    room = _MOST_BYTES - weights * 2 * 4 / 3
    return int(np.clip(room / (points * 2 * 4 / 3 + _BYTES_OF_A_NAME), _FEWEST_SPECTRA, MOST_SPECTRA))


def evenly_chosen(n: int, most: int) -> np.ndarray:
    """Return all of `n` rows, or `most` of them, evenly spread."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(np.int64)


def quantised(values: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return lowest value, step and levels (uint16, same shape): the values are lowest + step * levels.

    The error is at most half a step, 1/131070 of the range of the values.
    """
    low, high = float(values.min()), float(values.max())
    step = (high - low) / _LEVELS or 1.0
    levels = np.rint((np.asarray(values, dtype=np.float64) - low) / step)
    return low, step, levels.astype("<u2")


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _layers_data(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    return [
        {
            "kind": layer.kind,
            "settings": dict(layer.settings),
            "arrays": {name: _array_data(array) for name, array in layer.arrays.items()},
        }
        for layer in layers
    ]


def _array_data(array: np.ndarray) -> dict[str, Any]:
    """Return an array of weights: matrices in 16 bits, the short rest, variances among it, in float32."""
    shape = list(array.shape)
    if array.ndim < 2:
        return {"shape": shape, "data": _base64(array.astype("<f4"))}
    low, step, levels = quantised(array)
    return {"shape": shape, "low": low, "step": step, "levels": _base64(levels)}


def _identity(layers: Sequence[Layer]) -> str:
    """Return a short name of the networks, by which a link knows whether it was made with them."""
    digest = hashlib.sha256()
    for layer in layers:
        for array in layer.arrays.values():
            digest.update(np.ascontiguousarray(array.astype("<f4")).tobytes())
    return digest.hexdigest()[:10]


def _styles_data(
    model: TrainedModel, ranges: Mapping[str, Sequence[float]], calibrations: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the sliders, those that belong to a descriptor first."""
    t = model.selected_trial
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    return [
        {
            "name": name,
            "title": name if name in units else style_title(name),
            "meaning": _meaning(name) if name in units else "tied to no descriptor",
            "unit": unit_text(units.get(name, "")),
            "low": ranges[name][0],
            "high": ranges[name][1],
            "mean": float(model.style_mean_TS[t, s]),
            "std": float(model.style_std_TS[t, s]),
            "named": name in units,
            "calibration": _calibration_data(calibrations.get(name)),
        }
        for s, name in enumerate(model.style_names)
    ]


def _meaning(name: str) -> str:
    meaning = descriptor_meaning(name)
    return "" if meaning == name else meaning


def _calibration_data(calibration: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return how a style becomes its descriptor, see `core.statistics.calibration.fit_calibration`."""
    if calibration is None:
        return None
    return {
        **{axis: [_rounded(value, 9) for value in calibration[axis]] for axis in ("x", "y")},
        "halfWidth": float(calibration["half_width"]),
        "coverage": float(calibration["coverage"]),
    }


def _real_data(family: Family, most: int) -> dict[str, Any]:
    """Return spectra of the test split, at most so many."""
    of_split = np.flatnonzero(family.split_N == SPLITS.index(_SPLIT))
    rows = of_split[evenly_chosen(len(of_split), most)]
    low, step, levels = quantised(family.spectra_NE[rows])
    return {
        "split": _SPLIT,
        "available": len(of_split),
        "low": low,
        "step": step,
        "levels": _base64(levels),
        "materials": [str(material) for material in family.material_N[rows]],
        "sites": [int(site) for site in family.site_N[rows]],
        "descriptors": [[_rounded(v, 6) for v in row] for row in family.descriptors_NK[rows].tolist()],
    }


def _rounded(value: float, digits: int) -> float | None:
    """Return a number to so many digits, as JSON can hold it: None for NaN."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
