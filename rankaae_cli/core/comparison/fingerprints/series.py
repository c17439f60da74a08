"""Shares of clusters along a series, such as spectra taken while a battery charges, and where they change."""

import numpy as np

_MOST_STEPS = 200
_LEAST_ROWS = 5  # of a piece


def change_points(value_N: np.ndarray, cluster_N: np.ndarray) -> np.ndarray:
    """Return the values of a series at which the shares of the clusters change, ascending.

    The series is cut where that lowers -log likelihood + penalty most, each piece having shares of its own; a cut
    costs log(N) / 2 for each further free share and log(N) for its place (Zhang and Siegmund, Biometrics 63, 22
    (2007)). All cuts are found together, by dynamic programming over at most 200 steps; a piece has 5 rows or more.

    Parameters
    ----------
    value_N
        Where in the series each row is, shape (N,); rows that are not finite are left out.
    cluster_N
        Shape (N,).

    Returns
    -------
    numpy.ndarray
        Half way between the last value of a piece and the first of the next.
    """
    known_N = np.isfinite(value_N)
    order = np.argsort(value_N[known_N], kind="stable")
    value_N, code_N = value_N[known_N][order], np.unique(cluster_N[known_N][order], return_inverse=True)[1]
    rows = len(value_N)
    if rows < 2 * _LEAST_ROWS:
        return np.empty(0)
    kinds = int(code_N.max()) + 1
    total_NC = np.vstack([np.zeros(kinds), np.cumsum(np.eye(kinds)[code_N], axis=0)])
    # Rows of one value are not parted.
    edge_M = np.flatnonzero(np.r_[True, np.diff(value_N) > 0, True])
    if len(edge_M) > _MOST_STEPS + 1:
        edge_M = edge_M[np.unique(np.linspace(0, len(edge_M) - 1, _MOST_STEPS + 1).astype(int))]
    sum_MC = total_NC[edge_M]
    penalty = (kinds + 1) / 2 * np.log(rows)
    best_M, before_M = np.full(len(edge_M), np.inf), np.zeros(len(edge_M), dtype=np.int64)
    best_M[0] = -penalty
    for end in range(1, len(edge_M)):
        count_PC = sum_MC[end] - sum_MC[:end]
        size_P = count_PC.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            term_PC = np.where(count_PC > 0, count_PC * np.log(count_PC / size_P[:, None]), 0.0)
        cost_P = best_M[:end] - term_PC.sum(axis=1) + penalty
        cost_P[size_P < _LEAST_ROWS] = np.inf
        before_M[end] = int(cost_P.argmin())
        best_M[end] = cost_P[before_M[end]]
    cuts, end = [], len(edge_M) - 1
    while np.isfinite(best_M[end]) and before_M[end] > 0:
        end = int(before_M[end])
        cuts.append((value_N[edge_M[end] - 1] + value_N[edge_M[end]]) / 2)
    return np.array(cuts[::-1])


def shares(
    value_N: np.ndarray, cluster_N: np.ndarray, clusters: np.ndarray, windows: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean value of consecutive windows of a series, and the share of each cluster in them.

    Parameters
    ----------
    value_N, cluster_N
        As for `change_points`.
    clusters
        Whose shares, shape (C,).
    windows
        How many at most, of about equal numbers of rows.

    Returns
    -------
    value_M, share_MC
        Shapes (M,) and (M, C).
    """
    known = np.flatnonzero(np.isfinite(value_N))
    known = known[np.argsort(value_N[known], kind="stable")]
    ends = np.linspace(0, len(known), min(windows, len(known)) + 1).astype(int)[1:-1]
    # Rows of one value are not parted.
    ends = np.unique(np.searchsorted(value_N[known], value_N[known][ends]))
    parts = [part for part in np.split(known, ends) if len(part)]
    value_M = np.array([value_N[part].mean() for part in parts])
    share_MC = np.array([(cluster_N[part][:, None] == clusters).mean(axis=0) for part in parts])
    return value_M, share_MC.reshape(len(parts), len(clusters))
