"""What is read off walks along styles: where a style lies, stability, and planes of two styles.

The walk itself is `core.styles.walk`.
"""

from collections.abc import Callable

import numpy as np

FIRST_PERCENTILE = 5.0
LAST_PERCENTILE = 95.0
DATA, INDEPENDENT = "data", "independent"
_SINGLE_PRECISION = float(np.finfo(np.float32).eps)

Decode = Callable[[np.ndarray], np.ndarray]


def draw_rows(n: int, draws: int, seed: int) -> np.ndarray:
    """Return `draws` row numbers below `n`, none twice unless there are fewer rows than draws."""
    return np.sort(np.random.default_rng(seed).choice(n, draws, replace=draws > n))


def draw_styles(styles_TNS: np.ndarray, draws: int, seed: int, others: str = DATA) -> np.ndarray:
    """Return styles that fix what is not walked, shape (T, D, S), float32.

    Parameters
    ----------
    styles_TNS
        Styles of the training rows, shape (T, N, S).
    draws, seed
        D, and the seed of the draws; every trial has the same rows, or the same numbers.
    others
        ``data``: those of drawn rows; ``independent``: standard normal and independent of one another.
    """
    if others == INDEPENDENT:
        normal = np.random.default_rng(seed).standard_normal((draws, styles_TNS.shape[2]))
        return np.repeat(normal[None].astype(np.float32), len(styles_TNS), axis=0)
    assert others == DATA, others
    return np.array(styles_TNS[:, draw_rows(styles_TNS.shape[1], draws, seed)], dtype=np.float32)


def percentile_levels(styles_TNS: np.ndarray, style: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return even percentiles from the 5th to the 95th, shape (L,), and a style's values there, (T, L)."""
    percentiles = np.linspace(FIRST_PERCENTILE, LAST_PERCENTILE, levels)
    return percentiles, np.percentile(styles_TNS[:, :, style], percentiles, axis=1).T


def with_styles(styles_TDS: np.ndarray, level_of: dict[int, np.ndarray]) -> np.ndarray:
    """Return a copy of styles, float32, with some set in each trial to one value, shape (T,)."""
    placed_TDS = np.array(styles_TDS, dtype=np.float32)
    for style, level_T in level_of.items():
        placed_TDS[:, :, style] = level_T[:, None]
    return placed_TDS


def stability(difference_TE: np.ndarray) -> dict[str, float | list[float]]:
    """Return how alike the trials' responses are.

    Parameters
    ----------
    difference_TE
        Shape (T, E), of the trials to compare.

    Returns
    -------
    dict
        ``relative_spread``: root mean square over energies of the standard deviation over trials, by that of
        the mean response; ``pearson_with_the_others``: of each trial's response with the mean of the others.
        NaN for a single trial.
    """
    n = len(difference_TE)
    if n < 2:
        return {"relative_spread": float("nan"), "pearson_with_the_others": [float("nan")] * n}
    mean_E = difference_TE.mean(axis=0)
    size = np.sqrt((mean_E**2).mean())
    spread = np.sqrt((difference_TE.std(axis=0, ddof=1) ** 2).mean())
    return {
        "relative_spread": float(spread / size) if size > 0 else float("nan"),
        "pearson_with_the_others": [
            response_correlation(own_E, (n * mean_E - own_E) / (n - 1)) for own_E in difference_TE
        ],
    }


def largest_step(spectra: np.ndarray, percentiles: np.ndarray) -> dict[str, float]:
    """Return how much of a walk's change lies between two neighbouring levels.

    Parameters
    ----------
    spectra
        Mean spectrum at each level, shape (L, E).
    percentiles
        Of the levels, shape (L,).

    Returns
    -------
    dict
        ``share``, the largest root-mean-square change between neighbours by the sum of all, and the
        percentiles it lies between, ``from`` and ``to``. NaN where nothing changes.
    """
    size = np.sqrt((np.diff(spectra, axis=0) ** 2).mean(axis=1))
    if not size.sum() > 0:
        return dict.fromkeys(("share", "from", "to"), float("nan"))
    at = int(size.argmax())
    share = float(size[at] / size.sum())
    return {"share": share, "from": float(percentiles[at]), "to": float(percentiles[at + 1])}


def traverse_pair(
    decode: Decode, others_TDS: np.ndarray, first: tuple[int, np.ndarray], second: tuple[int, np.ndarray]
) -> np.ndarray:
    """Return mean spectra over the plane of two styles, shape (L, L, E), averaged over trials and draws.

    Parameters
    ----------
    decode
        Takes styles, shape (T, D, S), and gives spectra, shape (T, D, E).
    others_TDS
        The other styles, shape (T, D, S).
    first, second
        Index of the style and its values in each trial, shape (T, L); the first gives the first axis.
    """
    (one, level_TL), (other, level_TM) = first, second
    plane = [
        np.mean(
            decode(with_styles(others_TDS, {one: level_T, other: other_T})), axis=(0, 1), dtype=np.float64
        )
        for level_T in level_TL.T
        for other_T in level_TM.T
    ]
    return np.stack(plane).reshape(level_TL.shape[1], level_TM.shape[1], -1)


def interaction_share(plane: np.ndarray) -> float:
    """Return which share of the variance over a plane is no sum of the two styles' own responses, 0 to 1.

    With y_ij at level i of the one style and j of the other, it is the sum of (y_ij - y_i. - y_.j + y..)^2 by
    that of (y_ij - y..)^2, a dot standing for the mean over that index: the interaction's share of the sum of
    squares in an analysis of variance of two factors.

    Parameters
    ----------
    plane
        One quantity over the plane, shape (L, M); or whole spectra, shape (L, M, E), whose sums go over all
        energies.

    Returns
    -------
    float
        NaN where the plane holds NaN, or varies no more than the single precision of spectra can tell.
    """
    deviation = plane - plane.mean(axis=(0, 1))
    interaction = deviation - deviation.mean(axis=0) - deviation.mean(axis=1)[:, None]
    total = (deviation**2).sum()
    resolved = total > _SINGLE_PRECISION**2 * (plane**2).sum()  # False for NaN too
    return float((interaction**2).sum() / total) if resolved else float("nan")


def response_correlation(difference_E: np.ndarray, true_response_E: np.ndarray) -> float:
    """Return Pearson's correlation of two responses; NaN where either is constant or not known."""
    if not (np.isfinite(difference_E).all() and np.isfinite(true_response_E).all()):
        return float("nan")
    if np.ptp(difference_E) == 0 or np.ptp(true_response_E) == 0:
        return float("nan")
    return float(np.corrcoef(difference_E, true_response_E)[0, 1])
