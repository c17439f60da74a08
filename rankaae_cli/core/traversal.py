"""The spectrum's response to one style, the others averaged over the data.

Style k walks from its 5th to its 95th percentile over the training rows. The other styles are those of rows
drawn from the data, kept together as they occur, so that only combinations that exist are averaged.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FIRST_PERCENTILE = 5.0
LAST_PERCENTILE = 95.0


@dataclass(frozen=True)
class Traversal:
    """Walk along one style in every trial; L levels.

    Attributes
    ----------
    percentiles
        Percentiles of the style, shape (L,).
    level_TL
        The style's values there in each trial, shape (T, L).
    spectra_TLE
        Mean decoded spectrum at each level, shape (T, L, E).
    difference_TE
        Last minus first mean spectrum, shape (T, E).
    draws_low_TE, draws_high_TE
        5th and 95th percentile, over the drawn rows, of each row's own difference; shape (T, E).
    """

    percentiles: np.ndarray
    level_TL: np.ndarray
    spectra_TLE: np.ndarray
    difference_TE: np.ndarray
    draws_low_TE: np.ndarray
    draws_high_TE: np.ndarray


def draw_rows(n: int, draws: int, seed: int) -> np.ndarray:
    """Return `draws` row numbers below `n`, none twice unless there are fewer rows than draws."""
    return np.sort(np.random.default_rng(seed).choice(n, draws, replace=draws > n))


def traverse_style(
    decode: Callable[[np.ndarray], np.ndarray],
    styles_TNS: np.ndarray,
    style: int,
    rows: np.ndarray,
    levels: int = 11,
) -> Traversal:
    """Walk one style and decode, the other styles being those of `rows`.

    Parameters
    ----------
    decode
        Takes styles, shape (T, D, S), and gives spectra, shape (T, D, E).
    styles_TNS
        Styles of the training rows, shape (T, N, S).
    style
        Index of the style to walk.
    rows
        Indices of the D rows that give the other styles; see `draw_rows`.
    levels
        How many values the style takes, at least 2.

    Returns
    -------
    Traversal
    """
    percentiles = np.linspace(FIRST_PERCENTILE, LAST_PERCENTILE, levels)
    level_TL = np.percentile(styles_TNS[:, :, style], percentiles, axis=1).T
    drawn_TDS = np.array(styles_TNS[:, rows], dtype=np.float32)
    spectra, ends = [], []
    for index in range(levels):  # one level at a time keeps the memory at T x D x E
        drawn_TDS[:, :, style] = level_TL[:, index, None]
        decoded_TDE = np.asarray(decode(drawn_TDS))
        spectra.append(decoded_TDE.mean(axis=1, dtype=np.float64))
        if index in (0, levels - 1):
            ends.append(decoded_TDE)
    spectra_TLE = np.stack(spectra, axis=1)
    low_TE, high_TE = np.percentile(ends[1] - ends[0], [FIRST_PERCENTILE, LAST_PERCENTILE], axis=1)
    return Traversal(
        percentiles, level_TL, spectra_TLE, spectra_TLE[:, -1] - spectra_TLE[:, 0], low_TE, high_TE
    )


def response_correlation(difference_E: np.ndarray, true_response_E: np.ndarray) -> float:
    """Return Pearson's correlation of two responses; NaN where either is constant or not known."""
    if not (np.isfinite(difference_E).all() and np.isfinite(true_response_E).all()):
        return float("nan")
    if np.ptp(difference_E) == 0 or np.ptp(true_response_E) == 0:
        return float("nan")
    return float(np.corrcoef(difference_E, true_response_E)[0, 1])
