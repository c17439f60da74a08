"""Resamples by their rows, one at a time, against which those by weights are held."""

import numpy as np


def gathered_rows(statistic, weights):
    """Return a statistic of the row numbers of each resample, repeated as often as they were drawn."""
    rows = np.arange(len(weights))
    return np.array([statistic(np.repeat(rows, w)) for w in weights.T.astype(np.int64)], dtype=float)
