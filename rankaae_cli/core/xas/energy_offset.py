"""The offset between the energies of a code and those of a monochromator, from references of known valence.

A code's energy scale has an error of its own, of several eV, common to an element; the monochromator's is
calibrated by a foil. What is left is one number, to be added to measured energies. Measured references whose
valence (or structure) is known give it: each is moved until it fits the computed spectra of that valence best. A
spectrum whose valence is asked for is never aligned by itself: its chemical shift would be taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

STEP = 0.1  # eV
_NEAREST = 10  # computed spectra that a reference is compared with
# Of a measured spectrum and a computed one of the same compound, mean absolute difference in edge steps.
POOR_FIT = 0.05
# Codes are off by less; a larger offset is that of a monochromator that nothing calibrates.
LARGE = 10.0  # eV
# One reference cannot show how references differ among each other.
LEAST_OF_ONE = 1.0  # eV
_ROWS_AT_ONCE = 256
_LEVEL = 0.90  # of the interval in which one more compound is to lie


@dataclass(frozen=True)
class ReferenceShift:
    """The shift at which one reference fits computed spectra.

    Attributes
    ----------
    shift, deviation
        eV to be added to its energies: median over the nearest computed spectra, and their standard deviation.
    distance
        Mean absolute difference from them, in edge steps.
    nearest
        Their indices, nearest first.
    at_the_end
        Whether the best shift lies at an end of the search, and is none.
    """

    shift: float
    deviation: float
    distance: float
    nearest: np.ndarray
    at_the_end: bool


@dataclass(frozen=True)
class EnergyOffset:
    """An offset (eV, added to measured energies), and the standard deviation of a normal error of it."""

    offset: float
    uncertainty: float


def match_reference(
    energy_M: np.ndarray,
    absorption_M: np.ndarray,
    grid_E: np.ndarray,
    spectra_NE: np.ndarray,
    search: float,
) -> ReferenceShift:
    """Move a measured reference until it fits computed spectra of what it is known to be.

    Parameters
    ----------
    energy_M, absorption_M
        Shape (M,): calibrated energies, eV, and the absorption normalised to the edge step.
    grid_E, spectra_NE
        Energies and computed spectra, shapes (E,) and (N, E); N at least 1.
    search
        Largest shift tried, eV, either way.

    Returns
    -------
    ReferenceShift
        Of the ten nearest of the computed spectra.
    """
    steps = round(search / STEP)
    tried = STEP * np.arange(-steps, steps + 1)
    moved = np.stack([np.interp(grid_E - shift, energy_M, absorption_M) for shift in tried])
    # A grid point to which the scan does not reach says nothing.
    outside = (grid_E - tried[:, None] < energy_M[0]) | (grid_E - tried[:, None] > energy_M[-1])
    moved = np.where(outside, np.nan, moved)
    usable = outside.mean(axis=1) < 0.2
    best_N, at_N = np.empty(len(spectra_NE)), np.empty(len(spectra_NE), dtype=int)
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        distance_ND = np.full((len(spectra_NE[rows]), len(tried)), np.inf)
        for d in np.flatnonzero(usable):
            distance_ND[:, d] = np.nanmean(np.abs(spectra_NE[rows] - moved[d]), axis=1)
        at_N[rows] = distance_ND.argmin(axis=1)
        best_N[rows] = distance_ND.min(axis=1)
    nearest = np.argsort(best_N, kind="stable")[:_NEAREST]
    shifts = tried[at_N[nearest]]
    shift = float(np.median(shifts))
    reached = tried[usable]
    at_the_end = not reached.size or shift <= reached[0] + STEP or shift >= reached[-1] - STEP
    deviation = float(shifts.std(ddof=1)) if len(shifts) > 1 else 0.0
    return ReferenceShift(shift, deviation, float(best_N[nearest].mean()), nearest, at_the_end)


def disagreement(references: Sequence[ReferenceShift]) -> float | None:
    """Return by how much (eV) references differ, where that is more than each leaves open; None otherwise.

    More is 1 eV, and twice the standard deviation of the difference of the two that are furthest apart.
    """
    if len(references) < 2:
        return None
    lowest, highest = (end(references, key=lambda one: one.shift) for end in (min, max))
    apart = highest.shift - lowest.shift
    left_open = 2 * float(np.hypot(lowest.deviation, highest.deviation))
    return apart if apart > max(left_open, LEAST_OF_ONE) else None


def combine(references: Sequence[ReferenceShift]) -> EnergyOffset:
    """Return the offset that several references give, and how far off it may be for another compound.

    One more compound lies with 90 % within t s sqrt(1 + 1/n), with s the standard deviation among n references and
    t the quantile of Student's distribution of n - 1 degrees of freedom. The uncertainty is that of the normal
    distribution with the same interval, 3.8 s sqrt(1 + 1/n) of two references and 1.2 of eight, but not below what
    the references leave open each. One reference counts as uncertain by 1 eV at least.
    """
    shifts = np.array([one.shift for one in references])
    own = float(np.sqrt(np.mean([one.deviation**2 for one in references])))
    n = len(shifts)
    among = LEAST_OF_ONE
    if n > 1:
        upper = (1 + _LEVEL) / 2
        wider = stdtrit(n - 1, upper) / ndtri(upper)
        among = float(wider * shifts.std(ddof=1) * np.sqrt(1 + 1 / n))
    return EnergyOffset(float(shifts.mean()), max(own, among, STEP))
