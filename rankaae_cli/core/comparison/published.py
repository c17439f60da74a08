"""The comparison of two spectra as published with ten Ti-O compounds (arXiv:2303.17089).

Of each spectrum 35 eV count, from 2 % of its maximum on; it is the shift within 12 eV at which the cosine of the
angle between both is largest.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from rankaae_cli.core.comparison.agreement import cosine, pearson
from rankaae_cli.core.statistics.metrics import spearman

_RANGE, _THRESHOLD = 35.0, 0.02  # eV; of the maximum
_SEARCH, _STEP = 12.0, 0.01  # eV
_POINTS = 300
_DECAY = 0.9  # to the power of half the shorter range over the overlap, where that is less


@dataclass(frozen=True)
class PublishedComparison:
    """The shift, eV to be added to the energies of the second, and the correlations at it."""

    shift: float
    pearson: float
    spearman: float
    cosine: float


def compare_as_published(
    energy_E: np.ndarray, first_E: np.ndarray, energy_M: np.ndarray, second_M: np.ndarray
) -> PublishedComparison:
    """Compare two spectra over ascending energies, eV.

    Raises
    ------
    ValueError
        If one of them is not positive anywhere, or has too few points in the range.
    """
    begin, x_E, y_E = _cut(energy_E, first_E)
    other_begin, x_M, y_M = _cut(energy_M, second_M)
    curves = CubicSpline(x_E, y_E), CubicSpline(x_M, y_M)
    half = 0.5 * min(x_E[-1], x_M[-1])

    def pair(shift: float) -> tuple[np.ndarray, np.ndarray, float]:
        grid = np.linspace(max(0.0, shift), min(x_E[-1], x_M[-1] + shift), _POINTS)
        overlap = float(grid[-1] - grid[0])
        decay = _DECAY ** (half / overlap) if overlap < half else 1.0
        return curves[0](grid), curves[1](grid - shift), decay

    shifts = np.arange(_SEARCH, -_SEARCH, -_STEP)
    shifts = shifts[(shifts < x_E[-1]) & (shifts > -x_M[-1])]
    cosines = [decay * cosine(one, other) for one, other, decay in map(pair, shifts)]
    best = float(shifts[int(np.argmax(cosines))])
    one, other, decay = pair(best)
    return PublishedComparison(
        shift=best + begin - other_begin,
        pearson=decay * pearson(one, other),
        spearman=decay * spearman(one, other),
        cosine=max(cosines),
    )


def _cut(energy_E: np.ndarray, spectrum_E: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return where the range begins, and energies from there on with the spectrum."""
    highest = spectrum_E.max()
    if not highest > 0:
        raise ValueError("a spectrum that is nowhere positive")
    first = int(np.argmax(spectrum_E > _THRESHOLD * highest))
    last = int(np.flatnonzero(energy_E < energy_E[first] + _RANGE)[-1])
    if last - first < 4:
        raise ValueError(f"fewer than five points in the {_RANGE:g} eV from the foot of the edge on")
    begin, rows = float(energy_E[first]), slice(first, last + 1)
    return begin, energy_E[rows] - begin, spectrum_E[rows]
