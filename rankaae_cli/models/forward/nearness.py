"""How far the features of a site are from those of the rows that a model was fitted to."""

import numpy as np
from scipy.spatial.distance import cdist

from rankaae_cli.core.statistics.novelty import Novelty

_NEIGHBOURS = 5
_ROWS_AT_ONCE = 1024


def distances(rows_NF: np.ndarray, fitted_MF: np.ndarray) -> np.ndarray:
    """Return the mean distance of each row to the five nearest ones fitted to, both standardised, shape (N,)."""
    return _means_of_nearest(rows_NF, fitted_MF, np.zeros(len(rows_NF)), np.ones(len(fitted_MF)))


def usual_distances(rows_MF: np.ndarray, material_M: np.ndarray, family_M: np.ndarray) -> Novelty:
    """Return which distances are usual: those of rows to rows of other materials of their family."""
    number_M = np.unique(np.asarray(material_M).astype(str), return_inverse=True)[1]
    distance_M = np.empty(len(rows_MF))
    for of in (family_M == family for family in np.unique(family_M)):
        distance_M[of] = _means_of_nearest(rows_MF[of], rows_MF[of], number_M[of], number_M[of])
    known_M = distance_M[np.isfinite(distance_M)]
    return Novelty.of((known_M if len(known_M) else np.ones(1))[:, None])


def _means_of_nearest(
    rows_NF: np.ndarray, fitted_MF: np.ndarray, group_N: np.ndarray, group_M: np.ndarray
) -> np.ndarray:
    """Return the mean distance to the five nearest rows of other groups; infinite where there is none."""
    out_N = np.full(len(rows_NF), np.inf)
    for first in range(0, len(rows_NF), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        apart_NM = cdist(rows_NF[part], fitted_MF)
        apart_NM[group_N[part, None] == group_M] = np.inf
        count = min(_NEIGHBOURS, len(fitted_MF))
        nearest_NK = np.partition(apart_NM, count - 1, axis=1)[:, :count]
        known_N = np.isfinite(nearest_NK).sum(axis=1)
        total_N = np.where(np.isfinite(nearest_NK), nearest_NK, 0.0).sum(axis=1)
        out_N[part] = np.where(known_N > 0, total_N / np.maximum(known_N, 1), np.inf)
    return out_N
