"""Spectra that are nearly the same as others: what tells a held-out spectrum from a copy."""

import numpy as np

# Of the deviation of spectra from their mean. Of sites of one copper oxide whose first two shells agree to 2 % of
# what all sites vary by, nine in ten differ by less (24 pairs).
NEARLY_THE_SAME = 0.05
_ROWS_AT_ONCE = 1024


def near_pairs(spectra_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which spectra are nearer than `NEARLY_THE_SAME`, see `nearest_others`, all pairs of them.

    Parameters
    ----------
    spectra_NE
        Shape (N, E).

    Returns
    -------
    pairs
        Rows, the smaller first, shape (P, 2).
    distance
        As a share of the root mean square deviation of the spectra from their mean, shape (P,).
    """
    if not len(spectra_NE):
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    deviation_NE = spectra_NE - spectra_NE.mean(axis=0, dtype=np.float64)
    scale = float((deviation_NE**2).mean())
    square_N = (deviation_NE**2).mean(axis=1)
    pairs, distances = [], []
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        block_BE = deviation_NE[first : first + _ROWS_AT_ONCE]
        product_BN = block_BE @ deviation_NE[first:].T / spectra_NE.shape[1]
        square_BN = square_N[first : first + len(block_BE), None] + square_N[first:] - 2 * product_BN
        row, other = np.nonzero(np.triu(square_BN < max(NEARLY_THE_SAME**2 * scale, 1e-12), 1))
        pairs.append(np.column_stack([row, other]) + first)
        distances.append(np.sqrt(np.maximum(square_BN[row, other], 0) / max(scale, 1e-300)))
    return np.concatenate(pairs), np.concatenate(distances)


def nearest_others(spectra_NE: np.ndarray, others_ME: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which other spectrum is nearest to each spectrum, and how far it is.

    Parameters
    ----------
    spectra_NE, others_ME
        Shapes (N, E) and (M, E), M at least 1.

    Returns
    -------
    nearest
        Indices of the others, shape (N,).
    distance
        Root mean square difference over energies, as a share of the root mean square deviation of the others from
        their mean spectrum, shape (N,); infinite where the others do not differ from each other.
    """
    mean_E = others_ME.mean(axis=0, dtype=np.float64)
    deviation_ME = others_ME - mean_E
    scale = float((deviation_ME**2).mean())
    square_M = (deviation_ME**2).sum(axis=1)
    nearest = np.empty(len(spectra_NE), dtype=np.int64)
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        block = slice(first, first + _ROWS_AT_ONCE)
        # |a - b|^2 without |a|^2, which is the same for all b.
        nearest[block] = (square_M - 2 * (spectra_NE[block] - mean_E) @ deviation_ME.T).argmin(axis=1)
    square_N = ((spectra_NE.astype(np.float64) - others_ME[nearest]) ** 2).mean(axis=1)
    return nearest, np.sqrt(square_N / scale) if scale > 0 else np.full(len(square_N), np.inf)
