"""The offset between the energies of two codes, from spectra of the same sites by both.

Each spectrum of one code is moved, and scaled by a factor of its own, until it fits that of the same site by the
other code. The median over materials is the offset, whatever a few of the pairs say.

Letters: N pairs, B of them at once, E energies of the one code, M of the other, D shifts of the search.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

STEP = 0.1  # eV
FEWEST_MATERIALS = 5  # that show a spread
_LEAST_OVERLAP = 0.5  # of the shorter grid, that both have to cover at a shift
_ONE_MATERIAL = 1.0  # eV, spread that is assumed where one material cannot show any
_FAR = 3.0  # spreads from the median
_ROWS_AT_ONCE = 256
_NORMAL = 1.4826  # standard deviation over median absolute deviation, of a normal distribution


@dataclass(frozen=True)
class PairShifts:
    """The shifts at which the spectra of one code fit those of another.

    Attributes
    ----------
    shift_N
        eV to be added to the energies of the one; NaN where the best shift lies at an end of the search, and is
        none.
    amplitude_N
        Factor on the absorption of the one.
    difference_N
        Mean absolute difference that is left, in units of the mean absorption.
    """

    shift_N: np.ndarray
    amplitude_N: np.ndarray
    difference_N: np.ndarray


@dataclass(frozen=True)
class PairOffset:
    """What the pairs amount to.

    Attributes
    ----------
    offset, spread, standard_error
        eV: median over materials of the median over their sites, the robust standard deviation among materials,
        and that of the median.
    amplitude, amplitude_spread
        The same of the factor on the absorption.
    sites
        How many give it.
    material_shifts
        eV, of each of their materials.
    """

    offset: float
    spread: float
    standard_error: float
    amplitude: float
    amplitude_spread: float
    sites: int
    material_shifts: np.ndarray

    @property
    def materials(self) -> int:
        """How many materials give it."""
        return len(self.material_shifts)

    @property
    def far(self) -> int:
        """How many of the materials lie more than three spreads from the offset."""
        return int((np.abs(self.material_shifts - self.offset) > _FAR * self.spread).sum())


def match_pairs(
    energy_E: np.ndarray,
    spectra_NE: Any,
    energy_M: np.ndarray,
    spectra_NM: Any,
    search: float,
) -> PairShifts:
    """Move the spectra of one code until each fits that of the same site by another code.

    At each shift the factor on the absorption is that of least squares, and what is left is compared with the
    variance of the other spectrum over the energies that both have. A parabola through the best shift and its
    neighbours finds the shift between them.

    Parameters
    ----------
    energy_E, spectra_NE
        Of the code whose energies are moved, eV; spectra as an array or rows that are read where asked for.
    energy_M, spectra_NM
        Of the other code, the same sites in the same order.
    search
        Largest shift, eV, either way.

    Returns
    -------
    PairShifts
        Of every pair.

    Raises
    ------
    ValueError
        If at no shift within the search both grids cover half of the shorter one.
    """
    steps = round(search / STEP)
    shifts = STEP * np.arange(-steps, steps + 1)
    overlap = _overlap(energy_E, energy_M, shifts)
    usable = np.flatnonzero(overlap.any(axis=1))
    if len(usable) < 3:
        raise ValueError("the grids do not share half of the shorter one")
    shifts, overlap = shifts[usable], overlap[usable]
    parts = []
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        spline = CubicSpline(energy_E, np.asarray(spectra_NE[rows], dtype=np.float64), axis=1)
        parts.append(_match(spline, energy_M, np.asarray(spectra_NM[rows], np.float64), shifts, overlap))
    return PairShifts(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def combine_pairs(material_N: Sequence[str], pairs: PairShifts) -> PairOffset:
    """Return the offset that pairs give; the sites of one material count together.

    Parameters
    ----------
    material_N
        Of each pair.
    pairs
        At least one of them with a shift.
    """
    known_N = np.isfinite(pairs.shift_N)
    table = pd.DataFrame({"shift": pairs.shift_N, "amplitude": pairs.amplitude_N})[known_N]
    by_material = table.groupby(np.asarray(material_N, dtype=str)[known_N]).median()
    material_shifts, amplitudes = by_material["shift"].to_numpy(), by_material["amplitude"].to_numpy()
    offset, spread = _centre(material_shifts)
    if len(material_shifts) == 1:
        spread = _ONE_MATERIAL
    amplitude, amplitude_spread = _centre(amplitudes)
    return PairOffset(
        offset=offset,
        spread=spread,
        # Of the median of a normal sample.
        standard_error=float(np.sqrt(np.pi / 2 / len(material_shifts)) * spread),
        amplitude=amplitude,
        amplitude_spread=amplitude_spread,
        sites=int(known_N.sum()),
        material_shifts=material_shifts,
    )


def _overlap(energy_E: np.ndarray, energy_M: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return which energies of the other code the moved one covers at each shift, (D, M); none where too few."""
    unmoved = energy_M - shifts[:, None]
    overlap = (unmoved >= energy_E[0]) & (unmoved <= energy_E[-1])
    last = np.minimum(energy_E[-1] + shifts, energy_M[-1])
    width = last - np.maximum(energy_E[0] + shifts, energy_M[0])
    overlap[width < _LEAST_OVERLAP * min(np.ptp(energy_E), np.ptp(energy_M))] = False
    return overlap


def _match(
    spline: CubicSpline,
    energy_M: np.ndarray,
    spectra_BM: np.ndarray,
    shifts: np.ndarray,
    overlap: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the best shift of each pair, the factor there and the mean absolute difference; shape (B,) each."""
    misfit_BD, amplitude_BD = (np.empty((len(spectra_BM), len(shifts))) for _ in range(2))
    for d, (shift, overlap_M) in enumerate(zip(shifts, overlap, strict=True)):
        own, other = spline(energy_M[overlap_M] - shift), spectra_BM[:, overlap_M]
        size_B = np.maximum((own**2).sum(axis=1), np.finfo(float).tiny)
        amplitude_BD[:, d] = (own * other).sum(axis=1) / size_B
        residual_B = ((other - amplitude_BD[:, d, None] * own) ** 2).sum(axis=1)
        variance_B = ((other - other.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        misfit_BD[:, d] = residual_B / np.maximum(variance_B, np.finfo(float).tiny)
    best_B = misfit_BD.argmin(axis=1)
    at_end_B = (best_B == 0) | (best_B == len(shifts) - 1)
    row_B, inner_B = np.arange(len(best_B)), np.clip(best_B, 1, len(shifts) - 2)
    below_B, at_B, above_B = (misfit_BD[row_B, inner_B + k] for k in (-1, 0, 1))
    bend_B = np.maximum(below_B - 2 * at_B + above_B, np.finfo(float).tiny)
    between_B = np.clip(0.5 * (below_B - above_B) / bend_B, -0.5, 0.5)
    difference_B = np.empty(len(best_B))
    for d in np.unique(best_B):
        here_B, overlap_M = best_B == d, overlap[d]
        own, other = spline(energy_M[overlap_M] - shifts[d])[here_B], spectra_BM[here_B][:, overlap_M]
        remainder = np.abs(other - amplitude_BD[here_B, d, None] * own)
        difference_B[here_B] = remainder.mean(axis=1) / np.abs(other).mean(axis=1)
    shift_B = np.where(at_end_B, np.nan, shifts[best_B] + STEP * between_B)
    return shift_B, amplitude_BD[row_B, best_B], difference_B


def _centre(values: np.ndarray) -> tuple[float, float]:
    """Return the median and the robust standard deviation about it."""
    centre = float(np.median(values))
    return centre, _NORMAL * float(np.median(np.abs(values - centre)))
