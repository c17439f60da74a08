"""What a model looks at in a spectrum: how its readings depend on each region of the energies.

Two questions, which differ where regions say the same. How much worse does it read where the region of each
spectrum is that of another material's (permutation importance; Breiman, Mach. Learn. 45, 5 (2001), of groups of
features Gregorutti et al., Comput. Stat. Data Anal. 90, 15 (2015))? And how does a reading change where the
absorption in the region is a little larger? What is permuted is seldom a spectrum that occurs: a region on which a
model hangs is found, and one that others stand in for is not.

Letters: M windows of energy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.statistics.bootstrap import permuted_rows
from rankaae_cli.core.statistics.metrics import spearman

_MOST_WINDOWS, _FEWEST_POINTS = 32, 3
_CHANGE = 0.02  # of the absorption, either way: trees read in steps, so that far less would change nothing


@dataclass(frozen=True)
class Windows:
    """Smooth windows that together are 1 at every energy.

    Attributes
    ----------
    centre_M
        Ascending and evenly apart, in the unit of the energies.
    weight_ME
        cos² that falls to 0 at the centres next to its own, so that neither a permuted nor a changed spectrum has a
        step, which derivatives would take for an edge.
    width_M
        Integral of each over the energies.
    """

    centre_M: np.ndarray
    weight_ME: np.ndarray
    width_M: np.ndarray

    @classmethod
    def over(cls, energy_E: np.ndarray) -> "Windows":
        """Return at most 33 windows, at least three points of an even grid apart."""
        span = float(energy_E[-1] - energy_E[0])
        n = max(1, min(_MOST_WINDOWS, (len(energy_E) - 1) // _FEWEST_POINTS))
        centre_M = energy_E[0] + np.arange(n + 1) * span / n
        apart_ME = np.minimum(np.abs(energy_E - centre_M[:, None]) * n / span, 1.0)
        weight_ME = np.cos(0.5 * np.pi * apart_ME) ** 2
        return cls(centre_M, weight_ME, scipy.integrate.trapezoid(weight_ME, energy_E, axis=1))


@dataclass(frozen=True)
class Importance:
    """By how much Spearman's correlation falls where a window is permuted.

    Attributes
    ----------
    drop_MK
        Of the mean of the members, on average over the repeats; NaN where there is no correlation.
    of_repeats_MK, of_members_MK
        Standard deviation of its repeats, and of the members' own averages; 0 of one.
    """

    drop_MK: np.ndarray
    of_repeats_MK: np.ndarray
    of_members_MK: np.ndarray


def permutation_importance(
    indicators: Callable[[np.ndarray], np.ndarray],
    spectra_NE: np.ndarray,
    descriptors_NK: np.ndarray,
    material_N: Sequence[Any] | np.ndarray,
    windows: Windows,
    repeats: int,
    rng: np.random.Generator,
) -> Importance:
    """Measure how far readings rest on each window.

    Parameters
    ----------
    indicators
        From spectra (N, E) to what rises with the descriptors in every member of an ensemble, shape (T, N, K), on a
        common scale: their mean is what is read.
    spectra_NE, descriptors_NK, material_N
        Rows that the model was not trained on; a descriptor is NaN where not known.
    windows
        Of the energies.
    repeats
        Permutations of the materials of each window.
    rng
        Source of randomness.
    """
    usual = _correlations(indicators(spectra_NE), descriptors_NK)
    differences = [spectra_NE[order] - spectra_NE for order in permuted_rows(material_N, repeats, rng)]
    fallen = np.array(
        [
            [
                usual - _correlations(indicators(spectra_NE + weight_E * to_other_NE), descriptors_NK)
                for to_other_NE in differences
            ]
            for weight_E in windows.weight_ME
        ]
    )  # windows, repeats, the mean and the members, descriptors
    return Importance(
        fallen[:, :, 0].mean(axis=1), fallen[:, :, 0].std(axis=1), fallen[:, :, 1:].mean(axis=1).std(axis=1)
    )


def window_responses(
    read: Callable[[np.ndarray], np.ndarray], spectra_NE: np.ndarray, windows: Windows
) -> np.ndarray:
    """Return how each reading changes with the absorption in each window.

    Parameters
    ----------
    read
        From spectra (N, E) to readings (N, K).
    spectra_NE, windows
        The spectra, and windows of their energies.

    Returns
    -------
    numpy.ndarray
        Shape (M, N, K): the reading's change, in its unit, a per cent more absorption over a unit of energy (eV).
    """
    changes = []
    for weight_E, width in zip(windows.weight_ME, windows.width_M, strict=True):
        more, less = (read(spectra_NE * (1 + change * weight_E)) for change in (_CHANGE, -_CHANGE))
        changes.append((more - less) / (2 * 100 * _CHANGE * width))
    return np.array(changes)


def _correlations(indicators_TNK: np.ndarray, descriptors_NK: np.ndarray) -> np.ndarray:
    """Return Spearman's correlations of the members' mean, then of each member, shape (1 + T, K)."""
    of_all = np.concatenate([indicators_TNK.mean(axis=0)[None], indicators_TNK])
    columns = descriptors_NK.T
    return np.array(
        [[spearman(one_NK[:, k], value_N) for k, value_N in enumerate(columns)] for one_NK in of_all]
    )
