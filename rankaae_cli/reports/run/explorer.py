"""The explorer of a run's page: the networks of one trial, its styles, and real spectra to start from."""

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.core.labels import Subject, descriptor_meaning, style_title, unit_text
from rankaae_cli.data.family.family_file import Family
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


@dataclass(frozen=True)
class Style:
    """One slider.

    Attributes
    ----------
    name, title, meaning, unit
        Name in files; as printed; in words; the descriptor's unit.
    low, high
        Its range: the 1st and the 99th percentile of the style over the training rows.
    mean, std
        Of the style over the training rows.
    named
        Whether it belongs to a descriptor.
    calibration
        From the style to the descriptor, see `core.calibration.fit_calibration`; None where there is none.
    """

    name: str
    title: str
    meaning: str
    unit: str
    low: float
    high: float
    mean: float
    std: float
    named: bool
    calibration: Mapping[str, Any] | None


@dataclass(frozen=True)
class RealSpectra:
    """Spectra of one split, N of the `available` it has.

    Attributes
    ----------
    split
        ``test``.
    available
        How many spectra the split has.
    spectra_NE
        Shape (N, E).
    descriptors_NK
        Shape (N, K), NaN where not known.
    material_N, site_N
        Shape (N,).
    """

    split: str
    available: int
    spectra_NE: np.ndarray
    descriptors_NK: np.ndarray
    material_N: np.ndarray
    site_N: np.ndarray


@dataclass(frozen=True)
class Explorer:
    """The explorer of one trial.

    Attributes
    ----------
    subject
        Labels of the axes.
    trial
        The trial whose networks run in the page.
    energy_E
        The grid, shape (E,).
    styles
        The S sliders, the K named ones first.
    encoder, decoder
        The trial's networks.
    novelty
        Reconstruction errors beyond which a spectrum is ``unusual`` and ``outside``; None where not known.
    real
        Real spectra to start from.
    max_tail
        How far a foreign spectrum may begin above the grid's start, in the unit of the grid.
    """

    subject: Subject
    trial: int
    energy_E: np.ndarray
    styles: Sequence[Style]
    encoder: Sequence[Layer]
    decoder: Sequence[Layer]
    novelty: Mapping[str, float] | None
    real: RealSpectra
    max_tail: float

    @property
    def data(self) -> dict[str, Any]:
        """Return all of it as plain values for JSON: arrays in base64, little-endian; null where not known."""
        encoder, decoder = _layers_data(self.encoder), _layers_data(self.decoder)
        return {
            "model": _identity([*self.encoder, *self.decoder]),
            "trial": self.trial,
            "energy": [float(energy) for energy in self.energy_E],
            "energyUnit": self.subject.energy_unit,
            "energyLabel": self.subject.energy_label,
            "absorptionLabel": self.subject.absorption_label,
            "edgeStep": self.subject.normalisation == "edge_step",
            "maxTail": self.max_tail,
            "styles": [_style_data(style) for style in self.styles],
            "encoder": encoder,
            "decoder": decoder,
            "novelty": None if self.novelty is None else dict(self.novelty),
            "real": _real_data(self.real),
        }


def explorer_of(model: TrainedModel, family: Family, ranges: Mapping[str, Sequence[float]]) -> Explorer:
    """Return the explorer of the selected trial, with spectra of the test split to start from.

    Parameters
    ----------
    model, family
        The model, and the family of the spectra.
    ranges
        From the name of a style to the ends of its slider.
    """
    t = model.selected_trial
    calibration = _calibration(model)
    encoder, decoder = encoder_layers(model.autoencoder, t), decoder_layers(model.autoencoder, t)
    return Explorer(
        subject=model.subject,
        trial=t,
        energy_E=model.energy_E,
        styles=_styles(model, ranges, calibration.get("descriptors") or {}),
        encoder=encoder,
        decoder=decoder,
        novelty=calibration.get("novelty"),
        real=_real_spectra(family, most_spectra([*encoder, *decoder], len(model.energy_E))),
        # What `rankaae ingest` allows by default; the family file does not keep what it was made with.
        max_tail=IngestConfig().max_tail,
    )


def most_spectra(layers: Sequence[Layer], points: int) -> int:
    """Return how many spectra of `points` values the page can hold beside networks of `layers`."""
    weights = sum(array.size for layer in layers for array in layer.arrays.values())
    # Base64 writes three bytes as four characters: float32 weights, 16-bit levels.
    room = _MOST_BYTES - weights * 4 * 4 / 3
    return int(np.clip(room / (points * 2 * 4 / 3 + _BYTES_OF_A_NAME), _FEWEST_SPECTRA, MOST_SPECTRA))


def evenly_chosen(n: int, most: int) -> np.ndarray:
    """Return all of `n` rows, or `most` of them, evenly spread."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(np.int64)


def quantised(spectra_NE: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return lowest value, step and levels (uint16, same shape): spectra are lowest + step * levels.

    The error is at most half a step, 1/131070 of the range of the values.
    """
    low, high = float(spectra_NE.min()), float(spectra_NE.max())
    step = (high - low) / _LEVELS or 1.0
    levels = np.rint((np.asarray(spectra_NE, dtype=np.float64) - low) / step)
    return low, step, levels.astype("<u2")


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _layers_data(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    return [
        {
            "kind": layer.kind,
            "settings": dict(layer.settings),
            "arrays": {
                name: {"shape": list(array.shape), "data": _base64(array.astype("<f4"))}
                for name, array in layer.arrays.items()
            },
        }
        for layer in layers
    ]


def _identity(layers: Sequence[Layer]) -> str:
    """Return a short name of the networks, by which a link knows whether it was made with them."""
    digest = hashlib.sha256()
    for layer in layers:
        for array in layer.arrays.values():
            digest.update(np.ascontiguousarray(array.astype("<f4")).tobytes())
    return digest.hexdigest()[:10]


def _style_data(style: Style) -> dict[str, Any]:
    known = style.calibration
    return {
        "name": style.name,
        "title": style.title,
        "meaning": "" if style.meaning in (style.name, style.title) else style.meaning,
        "unit": unit_text(style.unit),
        "low": style.low,
        "high": style.high,
        "mean": style.mean,
        "std": style.std,
        "named": style.named,
        "calibration": None
        if known is None
        else {
            "x": [_rounded(x, 9) for x in known["x"]],
            "y": [_rounded(y, 9) for y in known["y"]],
            "halfWidth": float(known["half_width"]),
            "coverage": float(known["coverage"]),
        },
    }


def _real_data(real: RealSpectra) -> dict[str, Any]:
    low, step, levels = quantised(real.spectra_NE)
    return {
        "split": real.split,
        "available": real.available,
        "low": low,
        "step": step,
        "levels": _base64(levels),
        "materials": [str(material) for material in real.material_N],
        "sites": [int(site) for site in real.site_N],
        "descriptors": [[_rounded(value, 6) for value in row] for row in real.descriptors_NK.tolist()],
    }


def _rounded(value: float, digits: int) -> float | None:
    """Return a number to so many digits, as JSON can hold it: None for NaN."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _calibration(model: TrainedModel) -> dict[str, Any]:
    """Return the selected trial's calibration; empty where the model was saved before it was fitted."""
    trials = model.calibration.get("trials") or []
    return trials[model.selected_trial] or {} if trials else {}


def _styles(
    model: TrainedModel, ranges: Mapping[str, Sequence[float]], calibrations: dict[str, Any]
) -> list[Style]:
    t = model.selected_trial
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    return [
        Style(
            name=name,
            title=name if name in units else style_title(name),
            meaning=descriptor_meaning(name) if name in units else "tied to no descriptor",
            unit=units.get(name, ""),
            low=ranges[name][0],
            high=ranges[name][1],
            mean=float(model.style_mean_TS[t, s]),
            std=float(model.style_std_TS[t, s]),
            named=name in units,
            calibration=calibrations.get(name),
        )
        for s, name in enumerate(model.style_names)
    ]


def _real_spectra(family: Family, most: int) -> RealSpectra:
    of_split = np.flatnonzero(family.split_N == SPLITS.index(_SPLIT))
    rows = of_split[evenly_chosen(len(of_split), most)]
    return RealSpectra(
        split=_SPLIT,
        available=len(of_split),
        spectra_NE=family.spectra_NE[rows],
        descriptors_NK=family.descriptors_NK[rows],
        material_N=family.material_N[rows],
        site_N=family.site_N[rows],
    )
