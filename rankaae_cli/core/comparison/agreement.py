"""How well two aligned spectra agree, by what such studies use."""

import numpy as np
from scipy.stats import wasserstein_distance

from rankaae_cli.core.statistics.metrics import spearman

SCORES = ("pearson", "spearman", "cosine", "wasserstein", "mae")


def pearson(one_E: np.ndarray, other_E: np.ndarray) -> float:
    """Return Pearson's correlation; NaN where one is constant."""
    a_E, b_E = one_E - one_E.mean(), other_E - other_E.mean()
    return cosine(a_E, b_E)


def cosine(one_E: np.ndarray, other_E: np.ndarray) -> float:
    """Return the cosine of the angle between two spectra; NaN where one is zero."""
    size = np.sqrt((one_E @ one_E) * (other_E @ other_E))
    return float(one_E @ other_E / size) if size > 0 else float("nan")


def agreement(energy_E: np.ndarray, one_E: np.ndarray, other_E: np.ndarray) -> dict[str, float]:
    """Return the scores of `SCORES` of two spectra on the same energies.

    Pearson's and Spearman's correlation and the cosine do not depend on the scale. The Wasserstein distance, eV, is
    that of the spectra above their lowest value, each with a sum of one: how far absorption has to be moved. The
    mean absolute error is that which is left when the first is scaled and offset onto the second, over the mean
    absorption of the second.
    """
    weights = [each - each.min() for each in (one_E, other_E)]
    distance = (
        wasserstein_distance(energy_E, energy_E, *weights)
        if all(weight.sum() > 0 for weight in weights)
        else float("nan")
    )
    scale, offset = np.polyfit(one_E, other_E, 1) if np.ptp(one_E) > 0 else (0.0, other_E.mean())
    error = np.abs(scale * one_E + offset - other_E).mean() / max(np.abs(other_E).mean(), 1e-300)
    values = (
        pearson(one_E, other_E),
        spearman(one_E, other_E),
        cosine(one_E, other_E),
        float(distance),
        float(error),
    )
    return dict(zip(SCORES, values, strict=True))
