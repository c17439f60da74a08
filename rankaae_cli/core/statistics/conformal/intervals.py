"""Intervals of numbers; see `rankaae_cli.core.statistics.conformal`.

What lies between true values that belong to an interval belongs too, so that intervals hold more than is asked of
each true value. This is therefore lowered, less so for outer true values, until intervals of validation rows, by
belts that did not see their material, hold together what they are to hold.

Letters: N rows, K descriptors, F what the difficulty is estimated from, M true values at which belts are known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.core.statistics.calibration import (
    MIN_ROWS,
    apply_calibration,
    fit_calibration,
    material_folds,
)
from rankaae_cli.core.statistics.conformal.quantile import upper_quantile
from rankaae_cli.core.statistics.forest import Forest, fit_forest

_TREES, _LEAF = 60, 8  # rows in a leaf: the mean of eight absolute residuals is a local width
# A forest may find a corner where all residuals are small by luck; no interval is narrower than this share of them.
_LEAST_DIFFICULTY = 0.15
_NO_WIDTH = 1e-6  # of the least half width: what rounding leaves of zero
_KNOTS = 60  # at most, of a belt
# The following were chosen on validation rows of copper oxides. A share of the rows counts as next to a true value:
# those up to the nearer end, within limits. With a fifth at the ends, outer deciles hold 0.80, with a tenth 0.84
# and more; with a tenth everywhere, intervals of MOOD are 6 % wider.
_FEWEST_NEXT, _MOST_NEXT = 0.1, 0.3
_FEWEST_BEYOND = 5  # rows next to a true value that lie outside the belt, so that its edge is no single row
_OUTER, _OUTER_MISSES = 0.1, 0.6  # share of the rows at either end, and how many are missed for one elsewhere
_FEWEST_ADAPTED = 100  # rows, of which a share of missed ones is known well enough to adapt levels to it
# Of shares of rows that are read by fits to fewer rows than there are: intervals that are to hold 0.90 hold 0.915.
_PESSIMISM = 0.015
_LEVELS = np.linspace(0.3, 0.99, 70)


@dataclass(frozen=True)
class Belt:
    """What the intervals of one descriptor rest on, learnt from N validation rows.

    Attributes
    ----------
    score_N
        Absolute residuals over difficulty, in ascending order of the true value.
    knot_M, rank_M
        True values, ascending, and how many rows lie below each. A single one: nothing is known of the order.
    mean_error
        Mean absolute residual, in the descriptor's unit, shape ().
    nodes, root_T
        Of the forest that estimates the absolute residual, less a floor, from `difficulty_features`.
    shares
        Which share of the rows intervals hold by belts that did not see their material, where each of `_LEVELS` is
        the share that is asked of the rows next to a true value. Empty where rows are too few.
    """

    score_N: np.ndarray
    knot_M: np.ndarray
    rank_M: np.ndarray
    mean_error: np.ndarray
    nodes: np.ndarray
    root_T: np.ndarray
    shares: np.ndarray

    def difficulty(self, features_NF: np.ndarray) -> np.ndarray:
        """Return the absolute residual to be expected of each row, shape (N,)."""
        return Forest(self.nodes, self.root_T).predict(features_NF) + _floor(float(self.mean_error))

    def edges(self, coverage: float) -> np.ndarray:
        """Return the greatest score that is not strange at each knot, shape (M,); NaN for too few rows."""
        level = coverage
        if len(self.shares) and coverage <= _LEVELS[-1]:
            ascending = np.maximum.accumulate(self.shares)
            level = min(coverage, float(np.interp(coverage - _PESSIMISM, ascending, _LEVELS)))
        return _edges(self.score_N, self.rank_M, level, _OUTER_MISSES if len(self.shares) else 1.0)


class Intervals:
    """Intervals of one descriptor.

    Parameters
    ----------
    belt
        From `fit_belt`; None where too few rows are known: the intervals are then not known.
    coverage
        Share of true values that the intervals are to hold, between 0 and 1.
    resolution
        Of the descriptor, in its unit; see `resolution_of`. Where so many rows are read exactly that the
        quantile is zero, half of it is the half width, or the mean absolute residual where that is larger: no
        factor would widen an interval without a width.
    """

    def __init__(self, belt: Belt | None, coverage: float, resolution: float = 0.0) -> None:
        self._belt = belt
        if belt is not None:
            self._least = max(resolution / 2, float(belt.mean_error))
            self._edge_M = belt.edges(coverage)

    def reach(
        self, value_N: np.ndarray, features_NF: np.ndarray, times_N: np.ndarray | float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how far each row's interval reaches below and above its value, in the descriptor's unit.

        Parameters
        ----------
        value_N, features_NF
            Readings, and what the difficulty is estimated from, shapes (N,) and (N, F).
        times_N
            How many times harder than the difficulty the rows are.

        Returns
        -------
        tuple of numpy.ndarray
            Shape (N,) each; NaN where the intervals are not known, or the rows too few for the coverage.
        """
        if self._belt is None or len(features_NF) == 0:
            return np.full(len(value_N), np.nan), np.full(len(value_N), np.nan)
        scale_N = self._belt.difficulty(features_NF) * times_N
        knot_M, edge_M = self._belt.knot_M, self._edge_M
        below_N = _reach_up(-value_N, scale_N, -knot_M[::-1], edge_M[::-1])
        above_N = _reach_up(value_N, scale_N, knot_M, edge_M)
        # Not known stays not known.
        no_width_N = below_N + above_N <= 2 * _NO_WIDTH * self._least
        return np.where(no_width_N, self._least, below_N), np.where(no_width_N, self._least, above_N)


def resolution_of(descriptor_N: np.ndarray) -> float:
    """Return the usual distance between neighbouring values of a descriptor, such as 1 of an oxidation state.

    `descriptor_N` has shape (N,), NaN where not known; 0 where it has a single value.
    """
    values = np.unique(descriptor_N[np.isfinite(descriptor_N)].round(6))
    return float(np.median(np.diff(values))) if len(values) > 1 else 0.0


def difficulty_features(styles_NK: np.ndarray, spread_NK: np.ndarray, error_N: np.ndarray) -> np.ndarray:
    """Return what tells how hard each row is to read, for each descriptor.

    Parameters
    ----------
    styles_NK
        Named styles of the ensemble.
    spread_NK
        Standard deviation of each over the trials.
    error_N
        Mean absolute error of the ensemble's reconstruction.

    Returns
    -------
    numpy.ndarray
        Shape (K, N, F): all named styles, log of the spread of that descriptor's own, log of the error.
    """
    tiny = np.finfo(np.float64).tiny
    shared = np.column_stack([styles_NK, np.log(np.maximum(error_N, tiny))])
    log_spread_NK = np.log(np.maximum(spread_NK, 1e-6))
    return np.stack([np.column_stack([shared, own_N]) for own_N in log_spread_NK.T])


def fit_belt(
    features_NF: np.ndarray,
    style_N: np.ndarray,
    descriptor_N: np.ndarray,
    groups_N: Sequence[Any] | np.ndarray,
    times_N: np.ndarray | float = 1.0,
    continuous: bool = False,
) -> Belt | None:
    """Learn how strangely validation rows read, each by fits that did not see its material.

    Parameters
    ----------
    features_NF
        Shape (N, F), of the descriptor at hand.
    style_N, descriptor_N
        Its style and its true value, NaN where not known, shape (N,).
    groups_N
        Material of each row, shape (N,). Where there is only one, the folds are over rows.
    times_N
        How many times harder than their difficulty the rows are held to be; see `Intervals.reach`.
    continuous
        As of `rankaae_cli.core.statistics.calibration.fit_calibration`.

    Returns
    -------
    Belt or None
        None where fewer than ten rows are known.
    """
    known = np.isfinite(descriptor_N) & np.isfinite(style_N)
    if known.sum() < MIN_ROWS:
        return None
    features, style, value = features_NF[known], style_N[known], descriptor_N[known]
    groups = np.unique(np.asarray(groups_N).astype(str)[known], return_inverse=True)[1]
    residual, difficulty = np.full(len(style), np.nan), np.empty(len(style))
    folds = material_folds(groups)
    for seen, held_out in folds:
        calibration = fit_calibration(style[seen], value[seen], groups[seen], continuous)
        residual[held_out] = value[held_out] - apply_calibration(calibration, style[held_out])
    if not np.isfinite(residual).all():  # a fold left fewer rows than a calibration needs
        return None
    size = np.abs(residual)
    for seen, held_out in folds:
        difficulty[held_out] = fit_difficulty(features[seen], residual[seen]).predict(features[held_out])
    times = np.broadcast_to(times_N, known.shape)[known]
    scale = (difficulty + _floor(float(size.mean()))) * times
    order = np.argsort(value, kind="stable")
    knot, rank = _knots(value[order])
    forest = fit_difficulty(features, residual)
    shares = _shares(value, residual, scale, folds) if len(value) >= _FEWEST_ADAPTED else np.empty(0)
    score = (size / scale)[order]
    return Belt(score, knot, rank, np.array(size.mean()), forest.nodes, forest.root_T, shares)


def fit_difficulty(features_NF: np.ndarray, residual_N: np.ndarray) -> Forest:
    """Return a forest that estimates absolute residuals, shape (N,), from what tells how hard rows are."""
    return fit_forest(features_NF, np.abs(residual_N), _TREES, _LEAF)


def _edges(score_N: np.ndarray, rank_M: np.ndarray, level: float, outer_misses: float) -> np.ndarray:
    """Return the score that the rows next to each knot do not exceed but for a share, shape (M,).

    The share is 1 - level, and `outer_misses` times that at outer knots.
    """
    n, edges = len(score_N), []
    for rank in rank_M:
        depth = min(rank, n - rank) / n if len(rank_M) > 1 else 1.0
        misses = (1 - level) * (outer_misses if depth < _OUTER else 1.0)
        share = min(max(2 * depth, _FEWEST_NEXT), _MOST_NEXT) if len(rank_M) > 1 else 1.0
        size = min(n, max(math.ceil(share * n), math.ceil(_FEWEST_BEYOND / misses)))
        first = min(max(rank - size // 2, 0), n - size)
        edges.append(upper_quantile(score_N[first : first + size], 1 - misses))
    return np.array(edges)


def _shares(
    value_N: np.ndarray,
    residual_N: np.ndarray,
    scale_N: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """Return the share of rows that the intervals of other folds' belts hold, for each of `_LEVELS`."""
    read_N, score_N = value_N - residual_N, np.abs(residual_N) / scale_N
    misses = np.zeros(len(_LEVELS))
    for seen, held_out in folds:
        ascending = seen[np.argsort(value_N[seen], kind="stable")]
        knot_M, rank_M = _knots(value_N[ascending])
        true, read, scale = value_N[held_out], read_N[held_out], scale_N[held_out]
        for index, level in enumerate(_LEVELS):
            edge_M = _edges(score_N[ascending], rank_M, level, _OUTER_MISSES)
            below = _reach_up(-read, scale, -knot_M[::-1], edge_M[::-1])
            above = _reach_up(read, scale, knot_M, edge_M)
            misses[index] += ((true < read - below) | (read + above < true)).sum()
    return np.asarray(1 - misses / len(value_N))


def _reach_up(value_N: np.ndarray, scale_N: np.ndarray, knot_M: np.ndarray, edge_M: np.ndarray) -> np.ndarray:
    """Return how far above each value the last true value lies that belongs to its interval.

    A true value y belongs where (y - value) / scale is at most the edge, which is linear between knots and constant
    beyond them; so the end lies where a line crosses zero.
    """
    beyond_NM = knot_M - value_N[:, None] - edge_M * scale_N[:, None]
    belongs_NM = (knot_M >= value_N[:, None]) & (beyond_NM <= 0)
    any_N, last_N = belongs_NM.any(axis=1), len(knot_M) - 1 - belongs_NM[:, ::-1].argmax(axis=1)
    from_N = np.where(any_N, knot_M[last_N], value_N)
    from_edge_N = np.where(any_N, edge_M[last_N], np.interp(value_N, knot_M, edge_M))
    after_N = np.where(any_N, last_N + 1, np.searchsorted(knot_M, value_N, side="left"))
    next_N = np.minimum(after_N, len(knot_M) - 1)
    inside_N = from_edge_N * scale_N - (from_N - value_N)
    outside_N = beyond_NM[np.arange(len(value_N)), next_N]
    ends_N = after_N == len(knot_M)  # beyond the last knot
    step_N = (knot_M[next_N] - from_N) * inside_N / np.where(ends_N, 1.0, inside_N + outside_N)
    return np.where(ends_N, edge_M[-1] * scale_N, from_N + step_N - value_N)


def _knots(ascending_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return quantiles of ascending values, each once, and how many rows lie below the middle of each."""
    rank = np.unique(np.linspace(0, len(ascending_N) - 1, _KNOTS).astype(int))
    knot = np.unique(ascending_N[rank])
    first, last = (np.searchsorted(ascending_N, knot, side=side) for side in ("left", "right"))
    return knot, (first + last) // 2


def _floor(mean_error: float) -> float:
    # Residuals that are all zero, as of a descriptor that is read exactly, still need a scale.
    return max(_LEAST_DIFFICULTY * mean_error, 1e-12)
