"""The position of the absorption edge in a measured spectrum: its steepest rise to a level that stays.

Letter M: points of a measured spectrum.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from rankaae_cli.core.xas.spectra import SpectrumError

_GRID = 0.1  # eV, of the even grid on which the derivative is taken
_SMOOTHING = 0.6  # eV, standard deviation of the Gaussian: half that of the core hole of a 3d metal's K edge
# The level before and after a rise is taken between these distances from it, so that glitches, which come back,
# do not count: eV.
_NEAR, _FAR = 3.0, 25.0
_STEEP = 0.25  # of the steepest: rises that are looked at
_STAYS = 0.5  # of the largest lasting rise: what counts as the edge
_ABOVE_NOISE = 5.0
_EXPECTED_BELOW, _EXPECTED_ABOVE = 30.0, 45.0  # eV about the tabulated energy
_WORTH = 0.15  # of the largest lasting rise: an edge where one is expected
# A pre-edge peak falls by this share of its height before the main edge rises. Those of tetrahedral V(V) and Cr(VI)
# fall by 0.77 to 0.81, the shoulders at the foot of metals' edges by less than 0.04.
_PEAK_FALL = 0.4
_SMALLEST_FALL = 0.1  # edge steps
_MAIN_ABOVE = 8.0  # eV above the half-step energy up to which the main edge's steepest point is looked for


def find_edge(energy_M: np.ndarray, mu_M: np.ndarray, expected: float | None = None) -> float:
    """Return the energy of the absorption edge, E0: the maximum of the smoothed derivative.

    The derivative is that of a Gaussian of 0.6 eV over the linearly interpolated spectrum, so uneven steps do
    not matter and E0 need not be a measured point. A rise counts only if the level after it (3 to 25 eV above)
    is higher than before by at least half of the largest such difference: glitches do not, noise at the start of
    a scan neither. Single bad points are taken out first.

    Parameters
    ----------
    energy_M
        Shape (M,), eV, ascending.
    mu_M
        Shape (M,), absorption, any unit.
    expected
        Where (eV) the edge is tabulated, if the element is known. A rise from 30 eV below to 45 eV above it that
        is worth 15 % of the largest is preferred, as for a scan that goes on into another element's edge.

    Raises
    ------
    SpectrumError
        If there is no rise beyond the noise, or a larger fall than rise.
    """
    if np.ptp(mu_M) == 0:
        raise SpectrumError(f"no edge: mu is constant ({mu_M[0]:.6g})")
    energy, mu = _evenly(energy_M, mu_M)
    # A rise needs a point of the grid that has a level on both sides.
    if len(energy) <= 2 * round(_NEAR / _GRID):
        raise SpectrumError(f"no edge: the scan is {energy_M[-1] - energy_M[0]:.1f} eV long")
    slope = _smoothed(mu, order=1) / _GRID
    where, rise = _lasting_rises(energy, mu, slope)
    _, fall = _lasting_rises(energy, -mu, -slope)
    noise = point_noise(mu_M)
    largest, largest_fall = rise.max(initial=0.0), fall.max(initial=0.0)
    if largest_fall > max(2 * largest, _ABOVE_NOISE * noise):
        raise SpectrumError(
            f"no edge: mu falls by {largest_fall:.3g} and never rises like that: are the columns exchanged, or "
            "the logarithm's sign?"
        )
    background = np.median(slope)
    if not (largest > _ABOVE_NOISE * noise and slope[where].max(initial=0) > 4 * max(background, 0)):
        raise SpectrumError(
            f"no edge found between {energy_M[0]:.1f} and {energy_M[-1]:.1f} eV: mu nowhere rises beyond its "
            f"noise ({noise:.2g}) and slope"
        )
    lasting = rise >= _STAYS * largest
    if expected is not None:
        about = (energy[where] > expected - _EXPECTED_BELOW) & (energy[where] < expected + _EXPECTED_ABOVE)
        worth = about & (rise >= max(_WORTH * largest, _ABOVE_NOISE * noise))
        if worth.any():
            lasting = about & (rise >= _STAYS * rise[worth].max())
    candidates = where[lasting]
    return _peak(energy, slope, int(candidates[np.argmax(slope[candidates])]))


def main_edge(energy_M: np.ndarray, normalised_M: np.ndarray, e0: float, half_step: float) -> float:
    """Return the steepest point of the main edge where `e0` lies on a pre-edge peak below it; else `e0`.

    The pre-edge peak of a tetrahedral ion is often steeper than the edge itself. Athena's manual ("Setting E0")
    calls it a failure of the search when a point of that peak is taken rather than one of the main edge.

    Parameters
    ----------
    energy_M
        Shape (M,), eV, ascending.
    normalised_M
        Shape (M,), absorption in edge steps, as normalised at `e0`.
    e0
        The steepest point, eV.
    half_step
        Half-way up the main edge, eV.
    """
    energy, absorption = _evenly(energy_M, normalised_M)
    smooth, slope = _smoothed(absorption), _smoothed(absorption, order=1)
    between = np.flatnonzero((energy >= e0) & (energy < half_step))
    if not between.size:
        return e0
    height = np.maximum.accumulate(smooth[between])
    fall = height - smooth[between]
    lowest = int(fall.argmax())
    if fall[lowest] < max(_PEAK_FALL * height[lowest], _SMALLEST_FALL):
        return e0
    rising = (energy > energy[between[lowest]]) & (energy < min(half_step + _MAIN_ABOVE, energy[-2]))
    candidates = np.flatnonzero(rising)
    return _peak(energy, slope, int(candidates[slope[candidates].argmax()]))


def point_noise(mu_M: np.ndarray) -> float:
    """Return the standard deviation of a point about its neighbours, insensitive to the edge itself."""
    return float(1.4826 * np.median(np.abs(np.diff(mu_M, 2))) / np.sqrt(6))


def _evenly(energy_M: np.ndarray, mu_M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return even energies and the spectrum at them, without single bad points."""
    energy = np.arange(energy_M[0], energy_M[-1], _GRID)
    # A median of three points leaves an edge as it is.
    return energy, np.interp(energy, energy_M, median_filter(mu_M, 3, mode="nearest"))


def _smoothed(mu: np.ndarray, order: int = 0) -> np.ndarray:
    return gaussian_filter1d(mu, _SMOOTHING / _GRID, order=order, mode="nearest")


def _lasting_rises(energy: np.ndarray, mu: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of steep rises, and by how much the level after each is higher than before."""
    near, far = round(_NEAR / _GRID), round(_FAR / _GRID)
    inside = slice(near, len(energy) - near)
    top = slope[inside].max()
    peak = (slope[1:-1] >= slope[:-2]) & (slope[1:-1] > slope[2:]) & (slope[1:-1] > max(_STEEP * top, 0.0))
    where = np.flatnonzero(peak) + 1
    where = where[(where >= near) & (where < len(energy) - near)]
    rise = np.array(
        [_median(mu[i + near : i + far]) - _median(mu[max(i - far, 0) : i - near + 1]) for i in where]
    )
    return where, rise


def _median(mu: np.ndarray) -> float:
    """Return the median of a few finite values, for which most of the time of np.median goes into checks."""
    ordered = np.sort(mu)
    return 0.5 * float(ordered[(len(mu) - 1) // 2] + ordered[len(mu) // 2])


def _peak(energy: np.ndarray, slope: np.ndarray, i: int) -> float:
    """Return where the parabola through three points about a maximum has its top."""
    before, at, after = slope[i - 1 : i + 2]
    curvature = before - 2 * at + after
    return float(energy[i] + (_GRID * 0.5 * (before - after) / curvature if curvature < 0 else 0.0))
