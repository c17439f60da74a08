"""How well a yes/no class is read: accuracy, ranking, calibration, and what rejecting the least certain brings.

Rows whose class is not known are left out by whoever calls. ``true_N`` and ``yes_N`` are bool, shape (N,); weights
of resamples, (N, R), are those of `core.statistics.bootstrap.material_weights`.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

FEWEST = 10  # rows of yes, and of no: a score of fewer says nothing
BINS = 10


class Bin(NamedTuple):
    """Rows whose probability of yes is alike: its mean, the share of yes among them, and how many they are."""

    probability: float
    share: float
    rows: int


def is_readable(true_N: np.ndarray) -> bool:
    """Tell whether a class has ten rows of yes and ten of no."""
    return min(int(true_N.sum()), int((~true_N).sum())) >= FEWEST


def balanced_accuracy(true_N: np.ndarray, yes_N: np.ndarray) -> float:
    """Return the mean of the shares of true yes read as yes and of true no read as no; NaN without rows of both."""
    return float(resampled_balanced_accuracy(true_N, yes_N, np.ones((len(true_N), 1)))[0])


def resampled_balanced_accuracy(true_N: np.ndarray, yes_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return the balanced accuracy in each resample, shape (R,); NaN where it lacks rows of yes or of no."""
    right_N = true_N == yes_N
    shares = []
    for side_N in (true_N, ~true_N):
        totals = weights_NR[side_N].sum(axis=0)
        rights = weights_NR[side_N & right_N].sum(axis=0)
        shares.append(np.divide(rights, totals, out=np.full(len(totals), np.nan), where=totals > 0))
    return np.asarray(np.mean(shares, axis=0))


def area_under_curve(true_N: np.ndarray, score_N: np.ndarray) -> float:
    """Return the area under the receiver operating characteristic: how often yes scores above no, ties half.

    By the ranks of yes (Mann and Whitney, Ann. Math. Stat. 18, 50 (1947)); NaN without rows of both.
    """
    yes, no = int(true_N.sum()), int((~true_N).sum())
    if not (yes and no):
        return float("nan")
    return float((rankdata(score_N)[true_N].sum() - yes * (yes + 1) / 2) / (yes * no))


def resampled_area_under_curve(true_N: np.ndarray, score_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return that area in each resample, shape (R,); NaN where it lacks rows of yes or of no."""
    _, level_N = np.unique(score_N, return_inverse=True)
    levels = int(level_N.max(initial=-1)) + 1
    yes, no = (np.zeros((levels, weights_NR.shape[1])) for _ in range(2))
    np.add.at(yes, level_N[true_N], weights_NR[true_N])
    np.add.at(no, level_N[~true_N], weights_NR[~true_N])
    below = no.cumsum(axis=0) - no / 2
    pairs = yes.sum(axis=0) * no.sum(axis=0)
    above = (yes * below).sum(axis=0)
    return np.divide(above, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def reliability(true_N: np.ndarray, probability_N: np.ndarray) -> list[Bin]:
    """Return what probabilities of yes come true, in bins of equal width; those without rows are left out."""
    index_N = np.minimum((probability_N * BINS).astype(int), BINS - 1)
    return [
        Bin(float(probability_N[index_N == b].mean()), float(true_N[index_N == b].mean()), int(count))
        for b, count in enumerate(np.bincount(index_N, minlength=BINS))
        if count
    ]


def calibration_error(true_N: np.ndarray, probability_N: np.ndarray) -> float:
    """Return the expected calibration error: how far probabilities are from the shares of yes, over all rows.

    Naeini, Cooper and Hauskrecht, AAAI 2015, of the probability of yes; NaN without rows.
    """
    if not len(true_N):
        return float("nan")
    parts = reliability(true_N, probability_N)
    return sum(one.rows * abs(one.probability - one.share) for one in parts) / len(true_N)


def accuracy_when_rejecting(
    true_N: np.ndarray, yes_N: np.ndarray, certainty_N: np.ndarray, share: float
) -> float:
    """Return the balanced accuracy of the rows that are left where a share, the least certain, is rejected."""
    kept = np.argsort(certainty_N, kind="stable")[round(share * len(true_N)) :]
    return balanced_accuracy(true_N[kept], yes_N[kept])
