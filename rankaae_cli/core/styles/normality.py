"""Whether styles are normally distributed, as their prior is."""

import numpy as np
import scipy  # whose parts are loaded where they are used

_SHAPIRO_ROWS = 5000  # beyond this scipy's W stands, but its reference distribution does not
_FEWEST_ROWS = 3


def shapiro(styles_NS: np.ndarray) -> np.ndarray:
    """Return the Shapiro-Wilk W of each style (1 for a normal distribution), shape (S,), on at most 5000 rows.

    A constant style has no W and gets NaN, as all styles do for fewer than three rows. Of more than 5000 rows
    a random 5000 are taken, the same for every style.
    """
    styles_NS = np.asarray(styles_NS, dtype=np.float64)
    n, s = styles_NS.shape
    if n < _FEWEST_ROWS:
        return np.full(s, np.nan)
    varies_S = np.ptp(styles_NS, axis=0) > 0
    if n > _SHAPIRO_ROWS:
        styles_NS = styles_NS[np.random.default_rng(0).choice(n, _SHAPIRO_ROWS, replace=False)]
    return np.array(
        [
            float(scipy.stats.shapiro(style_N).statistic) if varies else np.nan
            for style_N, varies in zip(styles_NS.T, varies_S, strict=True)
        ]
    )


def shapiro_min(styles_NS: np.ndarray) -> float:
    """Return the smallest Shapiro-Wilk W over styles; NaN where one of them has none (see `shapiro`)."""
    w_S = shapiro(styles_NS)
    return float(w_S.min()) if len(w_S) else float("nan")


def normal_quantiles(style_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a Q-Q plot of a style against the standard normal distribution shows.

    Parameters
    ----------
    style_N
        Shape (N,); rows that are not finite are left out, M remain.

    Returns
    -------
    theoretical
        Quantiles of N(0, 1) at Filliben's estimates of the medians of M order statistics
        (`scipy.stats.probplot`), ascending, shape (M,).
    sample
        The style, sorted, shape (M,). On the diagonal where the style is standard normal, on a straight line
        where it is normal.
    """
    style = np.asarray(style_N, dtype=np.float64)
    style = style[np.isfinite(style)]
    if not len(style):
        return np.empty(0), np.empty(0)
    theoretical, sample = scipy.stats.probplot(style, dist="norm", fit=False)
    return np.asarray(theoretical), np.asarray(sample)
