"""How many clusters there are, without labels: as many as are found again in other spectra.

The materials are halved at random, each half is clustered by itself, and the clusters of the first are given to the
rows of the second (`clusterings.assigned`). The adjusted mutual information of these with the second's own is the
stability: 1 where both are the same partition, 0 where they agree by chance (Lange et al., Neural Computation 16,
1299 (2004)). Prediction strength (Tibshirani and Walther, J. Comput. Graph. Stat. 14, 511 (2005)), the share of
pairs of a cluster that the other half joins too, in the cluster where it is least, is given beside it.

A long cloud without clusters is cut in two at the same place each time, so stability alone shows none. The rule:
clusters are reliable where their stability is at least `LEAST_STABILITY`, and by at least `LEAST_GAIN` above that
of rows drawn from one normal distribution with the same covariance. Of the numbers for which it is so, the largest
is taken whose stability is within `NEARLY_AS_STABLE` of the highest: the finest partition about as reliable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from rankaae_cli.core.comparison.fingerprints.clusterings import assigned, partitions

LEAST_STABILITY, LEAST_GAIN, NEARLY_AS_STABLE = 0.8, 0.2, 0.05


@dataclass(frozen=True)
class Stability:
    """Stability of partitions into each number of clusters.

    Attributes
    ----------
    numbers
        Of clusters, ascending, shape (J,).
    stability_JR, strength_JR
        Adjusted mutual information and prediction strength of each resample, shape (J, R).
    without_JR
        The stability of rows without clusters, shape (J, R).
    """

    numbers: np.ndarray
    stability_JR: np.ndarray
    strength_JR: np.ndarray
    without_JR: np.ndarray

    @property
    def reliable_J(self) -> np.ndarray:
        """Which partitions are reliable, shape (J,); the rule stands in the head of this file."""
        mean_J = self.stability_JR.mean(axis=1)
        return (mean_J >= LEAST_STABILITY) & (mean_J - self.without_JR.mean(axis=1) >= LEAST_GAIN)

    @property
    def number(self) -> int | None:
        """The number of clusters, or None where no partition is reliable."""
        mean_J, reliable_J = self.stability_JR.mean(axis=1), self.reliable_J
        if not reliable_J.any():
            return None
        return int(self.numbers[reliable_J & (mean_J >= mean_J[reliable_J].max() - NEARLY_AS_STABLE)].max())

    @property
    def most_stable(self) -> int:
        """The number of clusters whose partition is furthest above that of rows without clusters."""
        return int(self.numbers[(self.stability_JR.mean(axis=1) - self.without_JR.mean(axis=1)).argmax()])


def resampled_stability(
    coordinates_NC: np.ndarray,
    material_N: np.ndarray,
    clustering: str,
    numbers: Sequence[int],
    resamples: int,
    rng: np.random.Generator,
) -> Stability:
    """Cluster random halves of the materials, and as many of rows that have no clusters.

    Parameters
    ----------
    coordinates_NC
        Shape (N, C).
    material_N
        Rows of one material stay together, shape (N,).
    clustering, numbers
        As `clusterings.partitions` takes them; numbers that a half has not rows enough for are left out.
    resamples
        How many halvings.
    rng
        Draws the halves, and the rows without clusters anew for each.
    """
    code_N = np.unique(material_N, return_inverse=True)[1]
    sought = [number for number in sorted(numbers) if 4 * number <= len(code_N)]
    covariance_CC = np.atleast_2d(np.cov(coordinates_NC, rowvar=False))
    own, without = [], []
    for _ in range(resamples):
        first_N = _half(code_N, rng)
        own.append(_agreements(coordinates_NC, first_N, clustering, sought))
        drawn_NC = rng.multivariate_normal(np.zeros(len(covariance_CC)), covariance_CC, size=len(code_N))
        without.append(_agreements(drawn_NC, first_N, clustering, sought))
    own_JR, without_JR = np.array(own).swapaxes(0, 1), np.array(without).swapaxes(0, 1)
    return Stability(np.array(sought), own_JR[..., 0], own_JR[..., 1], without_JR[..., 0])


def prediction_strength(own_N: np.ndarray, given_N: np.ndarray) -> float:
    """Return of the clusters of `own_N` the least share of pairs of its rows that `given_N` joins too.

    Clusters of one row count as nothing; NaN where there are no others.
    """
    shares = []
    for cluster in np.unique(own_N):
        sizes = np.unique(given_N[own_N == cluster], return_counts=True)[1]
        n = sizes.sum()
        if n > 1:
            shares.append((sizes * (sizes - 1)).sum() / (n * (n - 1)))
    return float(min(shares)) if shares else float("nan")


def _half(code_N: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return which rows are of a random half of the materials."""
    order = rng.permutation(code_N.max() + 1)
    return order[code_N] < len(order) // 2


def _agreements(
    coordinates_NC: np.ndarray, first_N: np.ndarray, clustering: str, numbers: Sequence[int]
) -> list[tuple[float, float]]:
    first_MC, second_MC = coordinates_NC[first_N], coordinates_NC[~first_N]
    agreements = []
    for one_M, other_M in zip(
        partitions(first_MC, clustering, numbers),
        partitions(second_MC, clustering, numbers),
        strict=True,
    ):
        given_M = assigned(first_MC, one_M, second_MC)
        # One cluster in both halves would count as perfect agreement.
        trivial = len(np.unique(given_M)) < 2 or len(np.unique(other_M)) < 2
        score = 0.0 if trivial else float(adjusted_mutual_info_score(other_M, given_M))
        agreements.append((score, prediction_strength(other_M, given_M)))
    return agreements
