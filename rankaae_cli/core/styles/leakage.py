"""How far styles move when one of them is walked in the decoder: the leakage matrix.

A spectrum decoded from styles should give these styles back when encoded. Where walking one style moves
another, the decoder and the encoder do not agree on what they mean, or the styles are entangled.

That is how the networks read their own spectra. `reading_change` is how another reader does, one that was fitted to
measured or computed spectra and their descriptors alone.
"""

from collections.abc import Callable

import numpy as np

from rankaae_cli.core.styles.traversal import FIRST_PERCENTILE, LAST_PERCENTILE, with_styles
from rankaae_cli.core.styles.walk import WalkPoints, even_choice

LEAST_MOVED = (
    0.1  # spreads, by which the walked descriptor has to be read to change for a ratio to mean anything
)
_MOST_READ = 600  # spectra of a walk and trial


def leakage_matrix(
    encode: Callable[[np.ndarray], np.ndarray],
    decode: Callable[[np.ndarray], np.ndarray],
    styles_TNS: np.ndarray,
    rows: np.ndarray,
    style_std_TS: np.ndarray,
) -> np.ndarray:
    """Move each style from its 5th to its 95th percentile, decode, encode, and see what moved.

    With D drawn rows, their other styles kept together as they occur, Enc and Dec the networks and a_k, b_k the
    percentiles of style k,

        leakage[k, l] = mean over rows |Enc_l(Dec(z with z_k = b_k)) - Enc_l(Dec(z with z_k = a_k))| / std_l
                        divided by (b_k - a_k) / std_k.

    Absolute changes do not cancel over rows, so an interaction shows although its mean effect is none.

    Parameters
    ----------
    encode
        Takes spectra, shape (T, D, E), each trial its own, and gives styles, shape (T, D, S).
    decode
        Takes styles, shape (T, D, S), float32, and gives spectra, shape (T, D, E).
    styles_TNS
        Styles whose percentiles are walked, shape (T, N, S); of the training rows for comparable numbers.
    rows
        Indices of the D rows that give the other styles; see `traversal.draw_rows`.
    style_std_TS
        Standard deviation of each style over the training rows, shape (T, S).

    Returns
    -------
    np.ndarray
        Shape (T, S, S), float64, dimensionless: walked style, then moved style. The identity for a faithful
        model with independent styles. NaN in the row and the column of a style that does not vary.
    """
    std_TS = np.asarray(style_std_TS, dtype=np.float64)
    std_TS = np.where(std_TS > 0, std_TS, np.nan)
    trials, _, s = styles_TNS.shape
    others_TDS = np.asarray(styles_TNS[:, rows], dtype=np.float32)
    leakage_TSS = np.empty((trials, s, s))
    for k in range(s):
        low_T, high_T = np.percentile(styles_TNS[:, :, k], [FIRST_PERCENTILE, LAST_PERCENTILE], axis=1)
        first_TDS, last_TDS = (
            np.asarray(encode(decode(with_styles(others_TDS, {k: level_T}))), dtype=np.float64)
            for level_T in (low_T, high_T)
        )
        moved_TS = np.abs(last_TDS - first_TDS).mean(axis=1) / std_TS
        intended_T = (high_T - low_T) / std_TS[:, k]
        leakage_TSS[:, k] = moved_TS / np.where(intended_T > 0, intended_T, np.nan)[:, None]
    return leakage_TSS


def reading_change(
    decode: Callable[[np.ndarray], np.ndarray],
    read: Callable[[np.ndarray], np.ndarray],
    points: WalkPoints,
    members_T: np.ndarray,
) -> np.ndarray:
    """Return by how much the descriptors change along a walk to a reader, shape (T, K), of the members.

    The differences of each step are averaged over its rows and added up over the steps, as those of the spectra
    are in `core.styles.walk`, so the reader meets single decoded spectra and no averages. At most 600 spectra of a
    trial are read.

    Parameters
    ----------
    decode
        Takes styles, shape (T, D, S), and gives spectra, shape (T, D, E).
    read
        Takes spectra, shape (N, E), and gives descriptors, shape (N, K).
    points
        The walk.
    members_T
        The trials to read, shape (T,), bool.
    """
    steps, _, draws, _ = points.others_MTDS.shape
    chosen = even_choice(draws, _MOST_READ // (2 * steps))
    change_TK = 0.0
    for step in range(steps):
        low_TDK, high_TDK = (
            read(spectra_TDE.reshape(-1, spectra_TDE.shape[-1])).reshape(*spectra_TDE.shape[:2], -1)
            for spectra_TDE in (
                np.asarray(decode(end_TDS[:, chosen]))[members_T] for end_TDS in points.ends(step)
            )
        )
        change_TK = change_TK + (high_TDK - low_TDK).mean(axis=1)
    return np.asarray(change_TK)


def per_walked(changes: np.ndarray, walked: int) -> np.ndarray:
    """Return changes in spreads, shape (..., K), by that of the walked descriptor; NaN where it hardly moves."""
    moved = changes[..., walked]
    return np.asarray(changes / np.where(np.abs(moved) >= LEAST_MOVED, moved, np.nan)[..., None])


def strongest_leak(matrix_SS: np.ndarray) -> tuple[int, int] | None:
    """Return the walked and the moved style of the largest entry beside the diagonal; None where none is known."""
    others_SS = np.where(np.isfinite(matrix_SS), matrix_SS, -np.inf)
    np.fill_diagonal(others_SS, -np.inf)
    if not np.isfinite(others_SS).any():
        return None
    walked, moved = np.unravel_index(int(others_SS.argmax()), others_SS.shape)
    return int(walked), int(moved)


def largest_off_diagonal(matrix_SS: np.ndarray) -> float:
    """Return the most that a style moves when another is walked; NaN where none is known."""
    place = strongest_leak(matrix_SS)
    return float("nan") if place is None else float(matrix_SS[place])
