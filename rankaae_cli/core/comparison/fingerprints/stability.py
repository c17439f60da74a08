"""How many clusters there are, without labels: as many as are found again in other spectra.

The materials are halved at random, each half is clustered by itself, and the clusters of the first are given to
the rows of the second (`clusterings.assigned`). Two numbers say how well these agree with the second's own.
Stability is their adjusted mutual information: 1 where both are the same partition, 0 where they agree by chance
(Lange et al., Neural Computation 16, 1299 (2004)). Recovery is that of the cluster that is found again worst: the
rows that it shares with the given cluster most like it, over the rows of either (Jaccard), so that one cluster cut
at random, or a few outliers taken for a cluster, show. Where it is below 0.5 the cluster has dissolved (Hennig,
Comput. Stat. Data Anal. 52, 258 (2007)).

A long cloud without clusters is cut in two at the same place each time, so neither alone shows that there are none.
The rule: a partition is reliable where, on average over the halvings, recovery is at least 0.5 and stability at
least 0.8 and nearer to 1 than to that of as many rows drawn from one normal distribution with the same covariance.
The number of clusters is the largest with a reliable partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from rankaae_cli.core.comparison.fingerprints.clusterings import assigned, partitions

LEAST_STABILITY, LEAST_RECOVERY = 0.8, 0.5


@dataclass(frozen=True)
class Stability:
    """Stability of partitions into each number of clusters.

    Attributes
    ----------
    numbers
        Of clusters, ascending, shape (J,).
    stability_JR, recovery_JR
        Stability and recovery of each halving, shape (J, R).
    without_JR
        The stability of rows without clusters, shape (J, R).
    """

    numbers: np.ndarray
    stability_JR: np.ndarray
    recovery_JR: np.ndarray
    without_JR: np.ndarray

    @property
    def reliable_J(self) -> np.ndarray:
        """Which partitions are reliable, shape (J,); the rule stands in the head of this file."""
        stability_J = self.stability_JR.mean(axis=1)
        return (
            (stability_J >= LEAST_STABILITY)
            & (self.recovery_JR.mean(axis=1) >= LEAST_RECOVERY)
            & (1 - stability_J <= stability_J - self.without_JR.mean(axis=1))
        )

    @property
    def number(self) -> int | None:
        """The largest number of clusters with a reliable partition; None where there is none."""
        return int(self.numbers[self.reliable_J].max()) if self.reliable_J.any() else None

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


def least_recovery(own_N: np.ndarray, given_N: np.ndarray) -> float:
    """Return the Jaccard similarity of the cluster of `own_N` that any of `given_N` is least like."""
    own_NC = (own_N[:, None] == np.unique(own_N)).astype(float)
    given_NC = (given_N[:, None] == np.unique(given_N)).astype(float)
    both_CC = own_NC.T @ given_NC
    either_CC = own_NC.sum(axis=0)[:, None] + given_NC.sum(axis=0) - both_CC
    return float((both_CC / either_CC).max(axis=1).min())


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
        agreements.append((score, least_recovery(other_M, given_M)))
    return agreements
