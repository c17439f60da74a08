"""The quantile of scores that conformal prediction rests on."""

import numpy as np


def upper_quantile(score_N: np.ndarray, coverage: float) -> float:
    """Return the quantile of scores as crepes counts it: in descending order at rank (1 - coverage) (n + 1).

    Parameters
    ----------
    score_N
        Of n rows.
    coverage
        Share of rows that are to lie at or below it, between 0 and 1.

    Returns
    -------
    float
        NaN where there are too few rows for the quantile to be one of them.
    """
    rank = int((1 - coverage) * (len(score_N) + 1))
    return float(np.sort(score_N)[::-1][rank - 1]) if rank >= 1 else np.nan
