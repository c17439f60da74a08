"""Whether spectra on a grid can be what they are taken for: the one check of them wherever they enter.

A spectrum that claims an edge step is judged by that; one of unknown normalisation by what the others of its set
are like, so that a set of any scale passes, and one row a thousand times too large does not.

Letters: N spectra, B of them at once, E energies.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

_ROWS_AT_ONCE = 4096
_FEWEST_OTHERS, _FEWEST_ALIKE = 5, 20  # that tell of a scale; of how far spectra lie from their median
_END = (0.3, 3.0)  # mean of the last fifth of the energies, in edge steps
_SCALES = 10.0  # times smaller or larger than the others
# In edge steps, or the height of a usual spectrum of the set. White lines and pi* resonances rise to ten edge
# steps, and computed spectra fall 0.01 below zero.
_HIGHEST, _IMPOSSIBLE, _NEGATIVE = 30.0, -1.0, -0.1
# Least mu over mu at the end: where that of the others is below the first, one above the second shows no edge.
_WITH_EDGE, _WITHOUT_EDGE = 0.3, 0.6
# Robust deviations of the distances from the median spectrum. None of 12 sets of computed spectra holds a row
# beyond 5.5; that of twice the others' scale is 20 off. Sets of nearly equal spectra differ by less than a
# fiftieth of their mean.
_FAR, _LEAST_DEVIATION = 10.0, 0.02
_CONSTANT = 1e-6


class SpectraOnGrid(Protocol):
    """Spectra of shape (N, E), an array or rows that are read when asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class Soundness:
    """What is wrong with some of N spectra, by their index.

    Attributes
    ----------
    reasons
        Why a spectrum cannot be used.
    doubts
        What is to be said of one that can.
    """

    reasons: dict[int, str] = field(default_factory=dict)
    doubts: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Usual:
    """What most spectra of a set are like: medians over them, NaN where they are too few to tell.

    Attributes
    ----------
    level, typical, height
        Mean, median and largest size of mu.
    lowest, least_share
        Least mu, and that over mu at the end.
    """

    level: float = np.nan
    typical: float = np.nan
    height: float = np.nan
    lowest: float = np.nan
    least_share: float = np.nan


@dataclass(frozen=True)
class _Distances:
    """The median spectrum of a set, how far from it most of them lie, and the robust deviation of that."""

    median_E: np.ndarray
    distance: float
    deviation: float


def check_spectra(
    energy_E: np.ndarray,
    spectra_NE: SpectraOnGrid,
    has_edge_step: bool | np.ndarray,
    usual: Usual | None = None,
) -> Soundness:
    """Check spectra on one grid, by themselves and by what most of them are like.

    Parameters
    ----------
    energy_E
        Shape (E,), by which faults are told.
    spectra_NE
        Shape (N, E).
    has_edge_step
        Whether they are said to be normalised to the edge step: all, or each, shape (N,).
    usual
        What spectra to compare with instead of `spectra_NE` are like: those that a model knows, at the same
        energies. How far spectra lie from the median of these is not judged.

    Returns
    -------
    Soundness
        Reasons: no finite numbers, constant, single values that are marks of missing ones, not normalised where
        that is said, another scale than the others', no edge. Doubts: negative, or many robust deviations
        further from the median spectrum than the others.
    """
    distances: _Distances | None = None
    if usual is None:
        some_BE = _some(spectra_NE)
        usual = _usual(some_BE)
        distances = _distances(some_BE, usual.level)
    claims_N = np.broadcast_to(np.asarray(has_edge_step, dtype=bool), len(spectra_NE))
    soundness = Soundness()
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        block_BE = np.asarray(spectra_NE[first : first + _ROWS_AT_ONCE], dtype=np.float64)
        rows = _Rows(energy_E, block_BE, claims_N[first : first + len(block_BE)], usual, distances)
        for kinds, texts in ((_REASONS, soundness.reasons), (_DOUBTS, soundness.doubts)):
            for is_so, text in kinds:
                for b in np.flatnonzero(is_so(rows)).tolist():
                    if first + b not in soundness.reasons:
                        texts.setdefault(first + b, text(rows, b))
    return soundness


def usual_of(spectra_NE: SpectraOnGrid) -> Usual:
    """Return what most spectra, shape (N, E), are like."""
    return _usual(_some(spectra_NE))


def _some(spectra_NE: SpectraOnGrid) -> np.ndarray:
    """Return those of some evenly spaced spectra that are finite, shape (B, E)."""
    index = np.unique(np.linspace(0, len(spectra_NE) - 1, min(len(spectra_NE), _ROWS_AT_ONCE)).astype(int))
    some_BE = np.asarray(spectra_NE[index], dtype=np.float64)
    return np.asarray(some_BE[np.isfinite(some_BE).all(axis=1)])


def _usual(some_BE: np.ndarray) -> Usual:
    if len(some_BE) < _FEWEST_OTHERS:
        return Usual()
    size_BE, lowest_B, end_B = np.abs(some_BE), some_BE.min(axis=1), _ends(some_BE)
    share_B = np.divide(lowest_B, end_B, out=np.zeros(len(some_BE)), where=end_B != 0)
    of_each = (size_BE.mean(axis=1), np.median(size_BE, axis=1), size_BE.max(axis=1), lowest_B, share_B)
    return Usual(*(float(np.median(values_B)) for values_B in of_each))


def _distances(some_BE: np.ndarray, level: float) -> _Distances | None:
    """Return how far spectra lie from their median; None where they are too few to tell."""
    if len(some_BE) < _FEWEST_ALIKE:
        return None
    median_E = np.median(some_BE, axis=0)
    distance_B = np.abs(some_BE - median_E).mean(axis=1)
    distance = float(np.median(distance_B))
    deviation = max(1.4826 * float(np.median(np.abs(distance_B - distance))), _LEAST_DEVIATION * level)
    return _Distances(median_E, distance, deviation)


class _Rows:
    """Some of the spectra, and what is judged of each of them; shape (B,) where not said otherwise."""

    def __init__(
        self,
        energy_E: np.ndarray,
        mu_BE: np.ndarray,
        claims_B: np.ndarray,
        usual: Usual,
        distances: _Distances | None,
    ) -> None:
        self.energy_E, self.claims_B, self.usual = energy_E, claims_B, usual
        self.is_finite_BE = np.isfinite(mu_BE)
        self.mu_BE = mu_BE if self.is_finite_BE.all() else np.where(self.is_finite_BE, mu_BE, 0.0)
        self.lowest_B, self.highest_B = self.mu_BE.min(axis=1), self.mu_BE.max(axis=1)
        self.level_B = np.abs(self.mu_BE).mean(axis=1)
        self.end_B = _ends(self.mu_BE)
        # Edge steps of those that claim one; of others a usual height, which is not always known.
        self.unit_B = np.where(claims_B, 1.0, usual.height if usual.height > 0 else np.nan)
        self.deviations_B = np.full(len(mu_BE), np.nan)
        if distances is not None:
            distance_B = np.abs(self.mu_BE - distances.median_E).mean(axis=1)
            self.deviations_B = (distance_B - distances.distance) / distances.deviation

    @property
    def scale_B(self) -> np.ndarray:
        """The median size of mu over a usual one: a few marks of missing values do not change it."""
        usual_B = np.where(self.claims_B, 1.0, self.usual.typical if self.usual.typical > 0 else np.nan)
        return np.median(np.abs(self.mu_BE), axis=1) / usual_B

    def at(self, b: int, value: float) -> str:
        """Return a value of mu and where it is."""
        return f"{value:.4g} at {self.energy_E[int(np.argmin(np.abs(self.mu_BE[b] - value)))]:.8g}"

    def largest(self, b: int) -> float:
        """Return the value that is furthest from 0."""
        return max(self.lowest_B[b], self.highest_B[b], key=abs)


def _is_marked(rows: _Rows) -> np.ndarray:
    """Tell where single values are impossible, but the scale of the others is right."""
    unit_B = rows.unit_B
    is_beyond_B = np.maximum(rows.highest_B, -rows.lowest_B) > _HIGHEST * unit_B
    # Where the others fall as low, it is no absorption whose sign is wrong.
    if not rows.usual.lowest < _NEGATIVE * rows.usual.height:
        is_beyond_B |= rows.lowest_B < _IMPOSSIBLE * unit_B
    if is_beyond_B.any():
        is_beyond_B &= ~((rows.scale_B < 1 / _SCALES) | (rows.scale_B > _SCALES))
    return np.asarray(is_beyond_B)


def _is_of_other_scale(rows: _Rows) -> np.ndarray:
    ratio_B = rows.level_B / (rows.usual.level if rows.usual.level > 0 else np.nan)
    return ~rows.claims_B & ((ratio_B < 1 / _SCALES) | (ratio_B > _SCALES))


def _is_without_edge(rows: _Rows) -> np.ndarray:
    if not rows.usual.least_share < _WITH_EDGE:
        return np.zeros(len(rows.mu_BE), dtype=bool)
    return rows.claims_B & (rows.lowest_B > _WITHOUT_EDGE * rows.end_B)


def _is_negative(rows: _Rows) -> np.ndarray:
    usual = rows.usual
    if usual.lowest < _NEGATIVE * usual.height:
        return np.zeros(len(rows.mu_BE), dtype=bool)
    return np.asarray(rows.lowest_B < _NEGATIVE * rows.unit_B)


def _ends(mu_BE: np.ndarray) -> np.ndarray:
    """Return the mean of the last fifth of each spectrum, shape (B,)."""
    return np.asarray(mu_BE[:, -max(mu_BE.shape[1] // 5, 1) :].mean(axis=1))


_Kind = tuple[Callable[[_Rows], np.ndarray], Callable[[_Rows, int], str]]
# The first that is so is the reason.
_REASONS: tuple[_Kind, ...] = (
    (
        lambda rows: ~rows.is_finite_BE.all(axis=1),
        lambda rows, b: f"NaN or infinite values ({int((~rows.is_finite_BE[b]).sum())} in all)",
    ),
    (
        lambda rows: rows.highest_B - rows.lowest_B <= _CONSTANT * np.abs(rows.highest_B),
        lambda rows, b: f"no spectrum: mu is {rows.highest_B[b]:.4g} at all energies",
    ),
    (
        _is_marked,
        lambda rows, b: f"mu is {rows.at(b, rows.largest(b))}: does that mark a missing value?",
    ),
    (
        lambda rows: rows.claims_B & ~((rows.end_B > _END[0]) & (rows.end_B < _END[1])),
        lambda rows, b: (
            f"not normalised to the edge step: mu is {rows.end_B[b]:.3g} on average at the end, not about 1"
        ),
    ),
    (
        _is_of_other_scale,
        lambda rows, b: (
            f"on another scale than most: on average {rows.level_B[b] / rows.usual.level:.2g} of their values"
        ),
    ),
    (
        _is_without_edge,
        lambda rows, b: (
            f"no edge: mu is {rows.lowest_B[b]:.3g} at least and {rows.end_B[b]:.3g} on average at the end"
            f"; does it rise below {rows.energy_E[0]:.8g}, as where an energy offset is not allowed for?"
        ),
    ),
)
_DOUBTS: tuple[_Kind, ...] = (
    (_is_negative, lambda rows, b: f"negative absorption: mu is {rows.at(b, rows.lowest_B[b])}"),
    (
        lambda rows: rows.deviations_B > _FAR,
        lambda rows, b: (
            f"unlike the others: {rows.deviations_B[b]:.0f} robust deviations further than they from their median"
        ),
    ),
)
