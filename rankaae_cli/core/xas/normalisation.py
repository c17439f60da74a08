"""The normalisation of a measured absorption spectrum to its edge step.

The procedure is the community's, as in Athena (Ravel and Newville, J. Synchrotron Rad. 12, 537 (2005)) and
Larch's `pre_edge`: the edge energy E0 from the derivative, a line through the pre-edge, a polynomial through the
post-edge, the edge step as their difference at E0. Letter M: points of a measured spectrum.
"""

from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.xas.edge_position import find_edge, main_edge
from rankaae_cli.core.xas.edges import edge_energy
from rankaae_cli.core.xas.ranges import NormalisationRanges
from rankaae_cli.core.xas.spectra import SpectrumError, check_spectrum

MIN_PRE_EDGE, MIN_POST_EDGE = 10.0, 40.0  # eV of the scan below and above the edge
_FEWEST_PRE, _FEWEST_POST = 3, 5  # points in the fitted ranges
_FEWEST_POINTS = 30
_LEVEL = (50.0, 200.0)  # eV above the edge, between which a normalised spectrum is about 1
# eV; monochromators of 3d metals' scans are off by 0.1 to 2.5 eV. One that is further off than this was never
# calibrated, or the edge is not the foil's.
_LARGEST_SHIFT = 10.0
_BEFORE_FOIL = 5.0  # eV of the scan before the foil's edge
# What a curve that repeats another may differ by, of its scatter. Foils behind compounds differ by 0.3 to 0.8.
_SAME_CURVE = 0.03


@dataclass(frozen=True)
class Normalised:
    """A spectrum normalised to its edge step, and what was done.

    Attributes
    ----------
    energy_M, mu_M
        Shape (M,): eV, ascending, and the absorption as measured.
    e0
        Edge energy, eV: the steepest point of the main edge; no pre-edge peak, be it as steep as that of a
        tetrahedral ion.
    edge_step
        Post-edge minus pre-edge at E0, in units of `mu_M`.
    pre_edge_M, post_edge_M
        Shape (M,): the fitted curves over the whole scan, in units of `mu_M`.
    normalised_M
        Shape (M,): (mu - pre-edge) / edge step; flattened above E0 if `ranges.flatten`.
    half_step
        Energy (eV) from which on `normalised_M` stays above 0.5: half-way up the main edge, above what
        pre-edge peaks there are.
    noise
        Standard deviation about the pre-edge curve in its range, in edge steps.
    ranges
        The ranges used, nothing left open.
    """

    energy_M: np.ndarray
    mu_M: np.ndarray
    e0: float
    edge_step: float
    pre_edge_M: np.ndarray
    post_edge_M: np.ndarray
    normalised_M: np.ndarray
    half_step: float
    noise: float
    ranges: NormalisationRanges


def normalise(
    energy_M: np.ndarray,
    mu_M: np.ndarray,
    ranges: NormalisationRanges | None = None,
    *,
    e0: float | None = None,
    expected: float | None = None,
    span: float = 0.0,
) -> Normalised:
    """Normalise a spectrum to its edge step.

    Where the steepest point turns out to lie on a pre-edge peak, the spectrum is normalised again at the steepest
    point of the main edge, as one would set E0 by hand; the edge step of a chromate is 2.5 % smaller there. (The
    half-step energy would change the steps of metals by up to 3 % from what others report.)

    Parameters
    ----------
    energy_M
        Shape (M,), eV, ascending.
    mu_M
        Shape (M,), absorption in any unit, rising at the edge.
    ranges
        Where to fit, and what; open ends are chosen by the length of the scan.
    e0
        The edge energy (eV), if it is not to be searched for.
    expected
        Where (eV) the edge is expected, if that is known; see `rankaae_cli.core.xas.edge_position.find_edge`.
    span
        How far (eV) above it lies another edge that is normalised along, such as L2 above L3: the edge step is then
        that of both, and the first white line is no pre-edge peak.

    Raises
    ------
    SpectrumError
        If there is no edge, the scan is too short on either side of it, has too few points or NaN, or the
        edge step is not positive.
    """
    check_spectrum(energy_M, mu_M)
    if len(energy_M) < _FEWEST_POINTS:
        raise SpectrumError(f"{len(energy_M)} points, at least {_FEWEST_POINTS} are needed to normalise")
    ranges = ranges or NormalisationRanges()
    if e0 is not None:
        return _normalised_at(e0, energy_M, mu_M, ranges, span)
    steepest = find_edge(energy_M, mu_M, expected)
    first = _normalised_at(steepest, energy_M, mu_M, ranges, span)
    if span:
        return first
    main = main_edge(energy_M, first.normalised_M, steepest, first.half_step)
    return first if main == steepest else _normalised_at(main, energy_M, mu_M, ranges)


def _normalised_at(
    e0: float, energy_M: np.ndarray, mu_M: np.ndarray, ranges: NormalisationRanges, span: float = 0.0
) -> Normalised:
    _require_reach(energy_M, e0, span)
    first, second, last = energy_M[[0, 1, -1]] - e0
    used = ranges.fitted_to(first, second, last, span)
    if span and (used.norm1 or 0.0) < span:
        raise SpectrumError(
            f"the post-edge begins {used.norm1:g} eV above the edge, below the second edge {span:.1f} eV above it"
        )
    pre = _fit(energy_M - e0, mu_M, used.pre1, used.pre2, used.pre_order, "pre-edge", _FEWEST_PRE)
    pre_edge_M = pre(energy_M - e0)
    post = _fit(
        energy_M - e0, mu_M - pre_edge_M, used.norm1, used.norm2, used.norm_order, "post-edge", _FEWEST_POST
    )
    step, rise_M = float(post(0.0)), post(energy_M - e0)
    if not step > 0:
        raise SpectrumError(
            f"the edge step at {e0:.1f} eV is {step:.3g}, not positive: does mu fall at the edge, or are the "
            "ranges of the fits wrong?"
        )
    normalised_M = (mu_M - pre_edge_M) / step
    if used.flatten:
        normalised_M = normalised_M - np.where(energy_M >= e0, rise_M / step - 1, 0)
    in_pre = _within(energy_M - e0, used.pre1, used.pre2)
    return Normalised(
        energy_M=energy_M,
        mu_M=mu_M,
        e0=e0,
        edge_step=step,
        pre_edge_M=pre_edge_M,
        post_edge_M=pre_edge_M + rise_M,
        normalised_M=normalised_M,
        half_step=_half_step(energy_M, normalised_M, e0, span),
        noise=float(np.std((mu_M - pre_edge_M)[in_pre]) / step),
        ranges=used,
    )


def require_normalised(
    energy_M: np.ndarray, mu_M: np.ndarray, expected: float | None = None, span: float = 0.0
) -> None:
    """Check that a spectrum that is said to be normalised is: near 0 before the edge and 1 after it.

    The level after it is that from 50 to 200 eV above the edge: far above, what is normalised may leave 1. Of a
    scan that ends before, it is that of the last fifth of the points.

    Parameters
    ----------
    energy_M, mu_M
        Shape (M,): eV, ascending, and what is said to be normalised.
    expected
        Where (eV) the edge is expected, if that is known.
    span
        How far (eV) above it another edge lies that belongs to the spectrum.

    Raises
    ------
    SpectrumError
        If the median of the first twentieth of the points is not between -0.3 and 0.5, or the mean level after the
        edge is not between 0.6 and 1.6.
    """
    check_spectrum(energy_M, mu_M)
    start = float(np.median(mu_M[: max(1, len(mu_M) // 20)]))
    after, where = mu_M[-max(1, len(mu_M) // 5) :], "in its last fifth"
    try:
        behind = energy_M - find_edge(energy_M, mu_M, expected) - span
    except SpectrumError:
        behind = np.full(len(mu_M), np.nan)
    inside = (behind > _LEVEL[0]) & (behind < _LEVEL[1])
    if inside.sum() >= _FEWEST_POST:
        after, where = mu_M[inside], f"from {_LEVEL[0]:g} to {_LEVEL[1]:g} eV above the edge"
    end = float(np.mean(after))
    if not (-0.3 < start < 0.5 and 0.6 < end < 1.6):
        raise SpectrumError(
            f"said to be normalised, but mu is {start:.3g} where the scan begins and {end:.3g} {where}, not 0 and "
            "1: it is not normalised to its edge step"
        )


def calibration_shift(
    energy_M: np.ndarray, reference_M: np.ndarray, element: str, edge: str = "K"
) -> tuple[float, float]:
    """Return how far to shift the energies so that a foil's edge lies where it is tabulated.

    Parameters
    ----------
    energy_M
        Shape (M,), eV.
    reference_M
        Shape (M,), absorption of a foil of `element` measured in the same scan.
    element, edge
        Of the foil.

    Returns
    -------
    tuple of float
        The shift and the foil's edge energy as measured, eV.

    Raises
    ------
    SpectrumError
        If the foil shows no edge, or one more than 10 eV away, or the scan begins less than 5 eV before it.
    """
    tabulated = edge_energy(element, edge)
    e0 = find_edge(energy_M, reference_M, tabulated)
    shift = tabulated - e0
    if abs(shift) > _LARGEST_SHIFT:
        raise SpectrumError(
            f"its edge at {e0:.1f} eV is {abs(shift):.1f} eV from {element} {edge} ({tabulated:g} eV), more than "
            f"{_LARGEST_SHIFT:g} eV: it is no foil of {element}, or the monochromator is far off"
        )
    # Where the foil's own edge lies before the scan, something after it is taken for it.
    if energy_M[0] > min(e0, tabulated) - _BEFORE_FOIL:
        raise SpectrumError(
            f"the scan begins at {energy_M[0]:.1f} eV, too late to show the foil's edge ({element} {edge}, "
            f"{tabulated:g} eV); {_BEFORE_FOIL:g} eV before it are needed"
        )
    return shift, e0


def repeats(reference_M: np.ndarray, mu_M: np.ndarray) -> bool:
    """Tell whether a reference is the sample's own absorption up to a scale and an offset: no foil.

    Parameters
    ----------
    reference_M, mu_M
        Shape (M,).
    """
    apart = reference_M - np.polyval(np.polyfit(mu_M - mu_M.mean(), reference_M, 1), mu_M - mu_M.mean())
    return bool(np.std(apart) < _SAME_CURVE * np.std(reference_M))


def _require_reach(energy_M: np.ndarray, e0: float, span: float) -> None:
    below, above = e0 - energy_M[0], energy_M[-1] - e0 - span
    if below < MIN_PRE_EDGE:
        raise SpectrumError(
            f"the scan begins {below:.1f} eV below its edge at {e0:.1f} eV: too short a pre-edge, at least "
            f"{MIN_PRE_EDGE:g} eV are needed"
        )
    if above < MIN_POST_EDGE:
        raise SpectrumError(
            f"the scan ends {above:.1f} eV above its edge at {e0 + span:.1f} eV: too short a post-edge, at least "
            f"{MIN_POST_EDGE:g} eV are needed"
        )


def _within(relative_M: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    assert low is not None and high is not None
    return (relative_M >= low - 1e-6) & (relative_M <= high + 1e-6)


def _fit(
    relative_M: np.ndarray,
    mu_M: np.ndarray,
    low: float | None,
    high: float | None,
    order: int | None,
    what: str,
    fewest: int,
) -> np.polynomial.Polynomial:
    """Fit a polynomial in E - E0 between `low` and `high`."""
    assert order is not None
    inside = _within(relative_M, low, high)
    count = int(inside.sum())
    needed = max(fewest, order + 2)
    if count < needed:
        raise SpectrumError(
            f"{count} points in the {what} range, {low:.0f} to {high:.0f} eV from the edge; at least {needed} "
            "are needed"
        )
    return np.polynomial.Polynomial.fit(relative_M[inside], mu_M[inside], order)


def _half_step(energy_M: np.ndarray, normalised_M: np.ndarray, e0: float, span: float) -> float:
    # Of L3 and L2 the first has two thirds of the step, of which this is half.
    level, above = (1 / 3, span / 2) if span else (0.5, 40.0)
    near = (energy_M > e0 - 40) & (energy_M < e0 + above)
    energy, value = energy_M[near], normalised_M[near]
    rises = np.flatnonzero((value[:-1] < level) & (value[1:] >= level))
    if not rises.size:
        raise SpectrumError(
            f"the normalised spectrum does not rise through {level:.2g} within 40 eV of {e0:.1f} eV"
        )
    i = rises[-1]
    part = (level - value[i]) / (value[i + 1] - value[i])
    return float(energy[i] + part * (energy[i + 1] - energy[i]))
