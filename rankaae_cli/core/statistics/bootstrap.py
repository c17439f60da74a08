"""Bootstrap intervals over materials.

Sites of one material are alike, so rows are not independent and resampling them would give intervals that are
too narrow. Materials are resampled with replacement instead, all their rows going along (cluster bootstrap;
Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).

A resample of rows is known by how often each occurs, so R resamples are an array of weights, ``weights_NR``.
Rank correlations, errors and confusion matrices (`classification.confusion_matrix`) follow from the weights for
all resamples at once and equal what the gathered rows would give. One array of weights used for two models makes
their replicates paired, and the interval of the difference honest.

What is called ``resampled_...`` takes two columns, shape (N,), NaN where not known (such rows do not count), and
the weights of `material_weights`, and returns one number a resample, shape (R,), NaN where it is not defined.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

LEVEL = 0.95
_FEWEST_ROWS = 3  # as in `metrics`
_MOST_WEIGHTS, _FEWEST_RESAMPLES = 6_000_000, 100
_MOST_ROWS_IN_PAIRS = 20_000  # 400 million pairs, in seconds
_BLOCK = 1024  # rows of the matrix of pairs at once, to bound its memory


def material_weights(
    materials_N: Sequence[Any] | np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw resamples of materials.

    Parameters
    ----------
    materials_N
        Material of each row, shape (N,).
    resamples
        R, their number.
    rng
        Source of randomness.

    Returns
    -------
    np.ndarray
        How often each row occurs in each resample, shape (N, R), float64 whole numbers. As many materials are
        drawn as there are, so the number of rows varies. Shape (N, 0) where there are fewer than two materials:
        resampling one says nothing about another.
    """
    materials, row_material_N = np.unique(np.asarray(materials_N).astype(str), return_inverse=True)
    m = len(materials)
    if m < 2:
        return np.empty((len(row_material_N), 0))
    drawn = rng.multinomial(m, np.full(m, 1 / m), size=resamples)
    return np.ascontiguousarray(drawn.T[row_material_N], dtype=np.float64)


def permuted_rows(
    materials_N: Sequence[Any] | np.ndarray, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Return whose row each row is given where each material is given the rows of another, shape (R, N).

    A material takes the other's rows in their order from any of them on, and in turn again where it has more rows.

    Parameters
    ----------
    materials_N
        Material of each row, shape (N,).
    permutations
        R, their number.
    rng
        Source of randomness.
    """
    _, material_N, size_M = np.unique(
        np.asarray(materials_N).astype(str), return_inverse=True, return_counts=True
    )
    order = np.argsort(material_N, kind="stable")
    first_M = np.cumsum(size_M) - size_M
    within_N = np.empty(len(order), dtype=np.int64)
    within_N[order] = np.arange(len(order)) - first_M[material_N[order]]
    rows = np.empty((permutations, len(order)), dtype=np.int64)
    for r in range(permutations):
        source_N = rng.permutation(len(size_M))[material_N]
        begin_N = rng.integers(1 << 30, size=len(size_M))[material_N]
        rows[r] = order[first_M[source_N] + (begin_N + within_N) % size_M[source_N]]
    return rows


def affordable_resamples(rows: int, asked: int) -> int:
    """Return how many resamples are drawn of so many rows: as many as asked, fewer of more than 6,000 rows.

    Time and memory grow with rows times resamples; intervals get narrow with the rows, so that 100 resamples tell
    enough of them.
    """
    return min(asked, max(_FEWEST_RESAMPLES, _MOST_WEIGHTS // max(rows, 1)))


def percentile_interval(replicates: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the (1 - level) / 2 and (1 + level) / 2 quantiles of a statistic's replicates, shape (R,).

    Resamples where the statistic is not defined are left out; both ends are NaN where those are the most.
    """
    defined = replicates[np.isfinite(replicates)]
    if not len(defined) or 2 * len(defined) < len(replicates):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_spearman(a_N: np.ndarray, b_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation in each resample: Pearson's of average ranks.

    NaN where either column is constant in the resample, or it has fewer than three rows.
    """
    a, b, weights_NR = _known(a_N, b_N, weights_NR)
    n = weights_NR.sum(axis=0)
    # Average ranks of n rows have the mean (n + 1) / 2, ties or not.
    a_NR, b_NR = (_ranks(value, weights_NR) - (n + 1) / 2 for value in (a, b))
    weighted_NR = weights_NR * a_NR
    covariance = np.einsum("nr,nr->r", weighted_NR, b_NR)
    variance_a = np.einsum("nr,nr->r", weighted_NR, a_NR)
    variance_b = np.einsum("nr,nr,nr->r", weights_NR, b_NR, b_NR)
    return _ratio(covariance, np.sqrt(variance_a * variance_b), n)


def resampled_kendall(a_N: np.ndarray, b_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return Kendall's tau-b in each resample.

    With s_ij = sign(a_i - a_j) sign(b_i - b_j) and weights w of sum n,

        tau-b = w^T s w / sqrt((n^2 - A) (n^2 - B)),

    A and B the sums of squared weights of the distinct values of a and of b: n^2 - A counts the ordered pairs
    not tied in a, copies of a row being tied in both. One matrix product, O(N^2 R). NaN where either column is
    constant in the resample, or it has fewer than three rows, and for more than 20,000 rows.
    """
    a, b, weights_NR = _known(a_N, b_N, weights_NR)
    n = weights_NR.sum(axis=0)
    if len(a) > _MOST_ROWS_IN_PAIRS:
        return np.full(n.shape, np.nan)
    (sums_a, group_a), (sums_b, group_b) = (_group_sums(value, weights_NR) for value in (a, b))
    # Whole numbers below 2^24 and their sums are exact in single precision.
    rank_a, rank_b = group_a.astype(np.float32), group_b.astype(np.float32)
    weights_32 = weights_NR.astype(np.float32)
    agreement = np.zeros(weights_NR.shape[1])
    for start in range(0, len(a), _BLOCK):
        block = slice(start, start + _BLOCK)
        sign = np.sign(rank_a[block, None] - rank_a) * np.sign(rank_b[block, None] - rank_b)
        agreement += np.einsum("nr,nr->r", weights_NR[block], sign @ weights_32)
    untied_a, untied_b = (n**2 - (sums**2).sum(axis=0) for sums in (sums_a, sums_b))
    return _ratio(agreement, np.sqrt(untied_a * untied_b), n)


def resampled_r2(true_N: np.ndarray, predicted_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return 1 - (residual sum of squares) / (total sum of squares) in each resample."""
    true, predicted, weights_NR = _known(true_N, predicted_N, weights_NR)
    n = weights_NR.sum(axis=0)
    if not len(true):
        return np.full(n.shape, np.nan)
    true, predicted = true - true.mean(), predicted - true.mean()  # against cancellation below
    residual = ((true - predicted) ** 2) @ weights_NR
    total = (true**2) @ weights_NR - np.divide(
        (true @ weights_NR) ** 2, n, out=np.zeros(n.shape), where=n > 0
    )
    constant = (_group_sums(true, weights_NR)[0] > 0).sum(axis=0) < 2
    return 1 - np.divide(residual, total, out=np.full(n.shape, np.nan), where=~constant)


def resampled_mae(true_N: np.ndarray, predicted_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return the mean absolute error in each resample; NaN where it has no known row."""
    true, predicted, weights_NR = _known(true_N, predicted_N, weights_NR)
    n = weights_NR.sum(axis=0)
    return np.divide(np.abs(true - predicted) @ weights_NR, n, out=np.full(n.shape, np.nan), where=n > 0)


def _known(
    a_N: np.ndarray, b_N: np.ndarray, weights_NR: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a_N, b_N = np.asarray(a_N, dtype=np.float64), np.asarray(b_N, dtype=np.float64)
    known = np.isfinite(a_N) & np.isfinite(b_N)
    return a_N[known], b_N[known], weights_NR[known]


def _group_sums(value_N: np.ndarray, weights_NR: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of each of the U distinct values, ascending, shape (U, R), and each row's value, (N,)."""
    distinct, group_N = np.unique(value_N, return_inverse=True)
    if not len(distinct):
        return np.empty((0, weights_NR.shape[1])), group_N
    order = np.argsort(group_N, kind="stable")
    starts = np.searchsorted(group_N[order], np.arange(len(distinct)))
    return np.add.reduceat(weights_NR[order], starts, axis=0), group_N


def _ranks(value_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return the average rank, from 1, that a row has in each resample, shape (N, R)."""
    sums, group_N = _group_sums(value_N, weights_NR)
    ranks: np.ndarray = (sums.cumsum(axis=0) - (sums - 1) / 2)[group_N]
    return ranks


def _ratio(numerator: np.ndarray, denominator: np.ndarray, n: np.ndarray) -> np.ndarray:
    defined = (denominator > 0) & (n >= _FEWEST_ROWS)
    return np.divide(numerator, denominator, out=np.full(n.shape, np.nan), where=defined)
