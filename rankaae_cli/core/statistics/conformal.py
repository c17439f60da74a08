"""Prediction intervals of a stated coverage, held at each true value and not only on average.

A reading shrinks towards what is common, so intervals that hold 90 % of all true values hold fewer of the rare
ones. These are label-conditional instead: Mondrian conformal prediction, of which the confidence belt of Neyman
(Phil. Trans. A 236, 333 (1937)) is the form for numbers. A true value belongs to the interval of a spectrum unless
the spectrum reads more strangely than 90 % of the validation rows of that true value do: of a class its rows, of a
number those next to it in order. How strange a reading is: of a number |true - read| over an estimate of how hard
the row is to read (Papadopoulos et al., Neural Comput. Appl. 20, 843 (2011)), of a class how unlikely it is.
Validation rows are read by fits that did not see their material. The quantile is that of the package crepes
(Boström, PMLR 179, 24 (2022)), a line of which the package would take half a second to load.

Letters: N rows, K descriptors, C classes, F what the difficulty is estimated from, M true values at which belts are
known.
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
from rankaae_cli.core.statistics.classification import (
    ClassProbabilities,
    fit_class_probabilities,
    nearest_class,
    softened,
)
from rankaae_cli.core.statistics.forest import Forest, fit_forest

_TREES, _LEAF = 60, 8  # rows in a leaf: the mean of eight absolute residuals is a local width
# A forest may find a corner where all residuals are small by luck; no interval is narrower than this share of them.
_LEAST_DIFFICULTY = 0.15
_NO_WIDTH = 1e-6  # of the least half width: what rounding leaves of zero
_KNOTS = 60  # at most, of a belt
# Chosen on validation rows of copper oxides: with a fifth, outer deciles hold 0.80, with a tenth 0.84 and more.
_NEIGHBOURS = 0.1  # share of the rows whose true values count as next to one
_FEWEST_BEYOND = 5  # rows next to a true value that lie outside the belt, so that its edge is no single row


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
    """

    score_N: np.ndarray
    knot_M: np.ndarray
    rank_M: np.ndarray
    mean_error: np.ndarray
    nodes: np.ndarray
    root_T: np.ndarray

    def difficulty(self, features_NF: np.ndarray) -> np.ndarray:
        """Return the absolute residual to be expected of each row, shape (N,)."""
        return Forest(self.nodes, self.root_T).predict(features_NF) + _floor(float(self.mean_error))

    def edges(self, coverage: float) -> np.ndarray:
        """Return the greatest score that is not strange at each knot, shape (M,); NaN for too few rows."""
        n = len(self.score_N)
        size = min(n, max(math.ceil(_NEIGHBOURS * n), math.ceil(_FEWEST_BEYOND / (1 - coverage))))
        if len(self.knot_M) == 1:
            size = n
        first_M = np.clip(self.rank_M - size // 2, 0, n - size)
        return np.array([upper_quantile(self.score_N[first : first + size], coverage) for first in first_M])


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


@dataclass(frozen=True)
class ClassBelt:
    """How unlikely validation rows read in their own class.

    Attributes
    ----------
    likelihood_N
        Probability of its true class for each row, the classes after one another.
    counts
        Rows of each class.
    """

    likelihood_N: np.ndarray
    counts: np.ndarray

    def least_likely(self, coverage: float) -> np.ndarray:
        """Return the probability from which on each class belongs to a set, shape (C,).

        A class of too few rows for the coverage takes that of all rows, or of the least likely of its own where
        that is lower; 0 where all are too few.
        """
        parts = np.split(self.likelihood_N, np.cumsum(self.counts)[:-1])
        of_all = np.nan_to_num(-upper_quantile(-self.likelihood_N, coverage))
        least = [
            -quantile
            if np.isfinite(quantile := upper_quantile(-part, coverage))
            else part.min(initial=of_all)
            for part in parts
        ]
        return np.array(least)

    def ends(
        self,
        classes: np.ndarray,
        probability_NC: np.ndarray,
        coverage: float,
        is_novel_N: np.ndarray | bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest class of each row's set, shape (N,) each.

        Parameters
        ----------
        classes
            Ascending.
        probability_NC
            Of the classes; the likeliest always belongs.
        coverage
            Share of each class's rows whose set is to hold it.
        is_novel_N
            Whether a row is unlike those that the probabilities were learnt from: its set also holds the likeliest
            classes that make up the coverage together.
        """
        order_NC = np.argsort(-probability_NC, axis=1, kind="stable")
        sorted_NC = np.take_along_axis(probability_NC, order_NC, axis=1)
        likelier_NC = np.empty(probability_NC.shape)  # the sum of what is likelier than each
        np.put_along_axis(likelier_NC, order_NC, sorted_NC.cumsum(axis=1) - sorted_NC, axis=1)
        needed_NC = likelier_NC < np.where(is_novel_N, coverage, 1e-12).reshape(
            -1, 1
        )  # the likeliest at least
        belongs_NC = (probability_NC >= self.least_likely(coverage)) | needed_NC
        last_N = len(classes) - 1 - belongs_NC[:, ::-1].argmax(axis=1)
        return classes[belongs_NC.argmax(axis=1)], classes[last_N]


def upper_quantile(score_N: np.ndarray, coverage: float) -> float:
    """Return the quantile of scores as crepes counts it: in descending order at rank (1 - coverage) (n + 1).

    Parameters
    ----------
    score_N
        Of n rows.
    coverage
        Share of rows that are to lie at or below it, between 0 and 1.

    Returns
    -------
    float
        NaN where there are too few rows for the quantile to be one of them.
    """
    rank = int((1 - coverage) * (len(score_N) + 1))
    return float(np.sort(score_N)[::-1][rank - 1]) if rank >= 1 else np.nan


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
        calibration = fit_calibration(style[seen], value[seen], groups[seen])
        residual[held_out] = value[held_out] - apply_calibration(calibration, style[held_out])
    if not np.isfinite(residual).all():  # a fold left fewer rows than a calibration needs
        return None
    size = np.abs(residual)
    for seen, held_out in folds:
        difficulty[held_out] = fit_difficulty(features[seen], residual[seen]).predict(features[held_out])
    times = np.broadcast_to(times_N, known.shape)[known]
    score = size / ((difficulty + _floor(float(size.mean()))) * times)
    order = np.argsort(value, kind="stable")
    knot, rank = _knots(value[order])
    forest = fit_difficulty(features, residual)
    return Belt(score[order], knot, rank, np.array(size.mean()), forest.nodes, forest.root_T)


def fit_difficulty(features_NF: np.ndarray, residual_N: np.ndarray) -> Forest:
    """Return a forest that estimates absolute residuals, shape (N,), from what tells how hard rows are."""
    return fit_forest(features_NF, np.abs(residual_N), _TREES, _LEAF)


def fit_class_belt(
    fitted: ClassProbabilities | None,
    styles_NK: np.ndarray,
    descriptor_N: np.ndarray,
    groups_N: Sequence[Any] | np.ndarray,
    times_N: np.ndarray,
) -> ClassBelt | None:
    """Learn how likely validation rows read as what they are, each by a fit that did not see its material.

    Parameters
    ----------
    fitted
        Probabilities fitted to all these rows; None of a descriptor that has none.
    styles_NK, descriptor_N
        As `fit_class_probabilities` takes them.
    groups_N
        Material of each row, shape (N,).
    times_N
        By how much the probabilities are softened, shape (N,).
    """
    if fitted is None:
        return None
    known = np.isfinite(descriptor_N)
    label = np.full(len(descriptor_N), np.nan)
    label[known] = nearest_class(descriptor_N[known], fitted.classes.tolist())
    known &= np.isin(label, fitted.classes)
    styles, label, times = styles_NK[known], label[known], times_N[known]
    groups = np.unique(np.asarray(groups_N).astype(str)[known], return_inverse=True)[1]
    likelihood = np.zeros(len(label))
    for seen, held_out in material_folds(groups):
        fold = fit_class_probabilities(styles[seen], label[seen], fitted.classes.tolist())
        if fold is None:
            continue
        probability = softened(fold.of(styles[held_out]), times[held_out])
        likelihood[held_out] = np.where(label[held_out, None] == fold.classes, probability, 0.0).sum(axis=1)
    order = np.argsort(label, kind="stable")
    return ClassBelt(likelihood[order], np.array([(label == one).sum() for one in fitted.classes]))


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
