"""Clusterings of coordinates, and how further rows are given to the clusters found."""

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier

WARD, KMEANS, MIXTURE, DENSITY = "ward", "kmeans", "mixture", "density"
CLUSTERINGS = (WARD, KMEANS, MIXTURE, DENSITY)
_STARTS = 4
_LEAST_VARIANCE = 1e-3  # added to a mixture's covariances, as a share of the mean variance of a coordinate
_NEIGHBOURS = 5


def partitions(
    coordinates_NC: np.ndarray, clustering: str, numbers: Sequence[int], seed: int = 0
) -> np.ndarray:
    """Return a partition of the rows into each of so many clusters.

    Parameters
    ----------
    coordinates_NC
        Shape (N, C).
    clustering
        One of `CLUSTERINGS`. `WARD` joins what adds least variance within clusters, `KMEANS` moves centres,
        `MIXTURE` is of normal distributions with covariances of their own; `DENSITY` (HDBSCAN) finds the number by
        itself, given that a cluster has at least half of an equal share of the rows, and rows outside of all go to
        the cluster of their neighbours.
    numbers
        How many clusters, no more than N; of `DENSITY` about the most.
    seed
        Of the random starts.

    Returns
    -------
    numpy.ndarray
        Clusters from 0 on, one row a number, shape (len(numbers), N).
    """
    if clustering == WARD:
        tree = linkage(coordinates_NC, "ward")
        return np.stack([fcluster(tree, number, "maxclust") - 1 for number in numbers])
    return np.stack([_partition(coordinates_NC, clustering, number, seed) for number in numbers])


def assigned(coordinates_NC: np.ndarray, cluster_N: np.ndarray, new_MC: np.ndarray) -> np.ndarray:
    """Return the clusters of new rows: that of their five nearest, nearer ones counting more.

    Rows of a negative cluster are left out; where all are, so are the new ones, in cluster 0.
    """
    known_N = cluster_N >= 0
    if not known_N.any() or not len(new_MC):
        return np.zeros(len(new_MC), dtype=np.int64)
    neighbours = KNeighborsClassifier(min(_NEIGHBOURS, int(known_N.sum())), weights="distance")
    return neighbours.fit(coordinates_NC[known_N], cluster_N[known_N]).predict(new_MC)


def _partition(coordinates_NC: np.ndarray, clustering: str, number: int, seed: int) -> np.ndarray:
    number = min(number, len(coordinates_NC))
    if clustering == KMEANS:
        return KMeans(number, n_init=_STARTS, random_state=seed).fit_predict(coordinates_NC)
    if clustering == MIXTURE:
        least = max(_LEAST_VARIANCE * float(coordinates_NC.var(axis=0).mean()), 1e-12)
        mixture = GaussianMixture(number, reg_covar=least, random_state=seed)
        return mixture.fit_predict(coordinates_NC)
    smallest = max(2, len(coordinates_NC) // (2 * number))
    cluster_N = HDBSCAN(min_cluster_size=smallest, min_samples=min(10, smallest), copy=True).fit_predict(
        coordinates_NC
    )
    outside_N = cluster_N < 0
    cluster_N[outside_N] = assigned(coordinates_NC, cluster_N, coordinates_NC[outside_N])
    return cluster_N
