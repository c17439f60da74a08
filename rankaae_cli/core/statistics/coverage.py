"""Whether intervals hold what they promise in each class and each decile of the true value, not only on average."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from rankaae_cli.core.statistics.classification import nearest_class

_DECILES = 10
_LEVEL = 0.95  # of the intervals of shares


@dataclass(frozen=True)
class GroupCoverage:
    """Share of a group's true values that their intervals hold.

    Attributes
    ----------
    group
        ``class`` or ``decile``, of the true value.
    low, high
        The least and the greatest true value of the group.
    n, n_materials
        Rows and materials of it.
    coverage, interval
        The share, and its 95 % interval (Wilson, J. Am. Stat. Assoc. 22, 209 (1927)), in which each material
        counts once, as its sites are read alike.
    width
        Mean width of the intervals, in the descriptor's unit.
    """

    group: str
    low: float
    high: float
    n: int
    n_materials: int
    coverage: float
    interval: tuple[float, float]
    width: float


def coverage_by_group(
    true_N: np.ndarray,
    low_N: np.ndarray,
    high_N: np.ndarray,
    material_N: np.ndarray,
    classes: Sequence[float] | None = None,
) -> list[GroupCoverage]:
    """Return the coverage of intervals by class, or by decile of the true value.

    Parameters
    ----------
    true_N, low_N, high_N
        True values, NaN where not known, and the ends of their intervals, shape (N,).
    material_N
        Material of each row.
    classes
        Of the descriptor. Without, and where few values make deciles fall together, groups are deciles, those
        that hold a row.
    """
    known = np.isfinite(true_N) & np.isfinite(low_N) & np.isfinite(high_N)
    true, low, high, material = true_N[known], low_N[known], high_N[known], material_N[known]
    if not len(true):
        return []
    if classes:
        of = nearest_class(true, classes)
    else:
        inner = np.quantile(true, np.arange(1, _DECILES) / _DECILES)
        of = np.searchsorted(inner, true, side="left")
    groups = []
    for one in np.unique(of):
        rows = of == one
        share = float(((low <= true) & (true <= high))[rows].mean())
        n_materials = len(np.unique(material[rows].astype(str)))
        groups.append(
            GroupCoverage(
                group="class" if classes else "decile",
                low=float(true[rows].min()),
                high=float(true[rows].max()),
                n=int(rows.sum()),
                n_materials=n_materials,
                coverage=share,
                interval=wilson_interval(share, n_materials),
                width=float((high - low)[rows].mean()),
            )
        )
    return groups


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share among n."""
    z2 = float(ndtri((1 + _LEVEL) / 2)) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)
