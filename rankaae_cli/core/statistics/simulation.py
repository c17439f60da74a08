"""How well simulated spectra meet true ones, and how far bands about them hold these."""

from typing import Any

import numpy as np

from rankaae_cli.core.statistics.bootstrap import percentile_interval


def squared_errors(true_NE: np.ndarray, simulated_NE: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each spectrum, shape (N,)."""
    return np.asarray(((np.asarray(simulated_NE, dtype=np.float64) - true_NE) ** 2).mean(axis=1))


def error_ratio(true_NE: np.ndarray, simulated_NE: np.ndarray, mean_E: np.ndarray) -> float:
    """Return eta: the median squared error of the mean spectrum over that of simulated ones.

    Kwon et al., arXiv:2409.19552, equation 3. NaN without rows or without an error.
    """
    if not len(true_NE):
        return float("nan")
    own, of_mean = squared_errors(true_NE, simulated_NE), squared_errors(true_NE, mean_E)
    return float(np.median(of_mean) / np.median(own)) if np.median(own) > 0 else float("nan")


def score_simulations(
    true_NE: np.ndarray, simulated_NE: np.ndarray, mean_E: np.ndarray, weights_NR: np.ndarray
) -> dict[str, Any]:
    """Return the errors of simulated spectra, with 95 % intervals from resamples of materials.

    Parameters
    ----------
    true_NE, simulated_NE
        Spectra.
    mean_E
        The mean spectrum of training rows, which is what a model has to beat; of several families one a row.
    weights_NR
        Of `core.statistics.bootstrap.material_weights`.

    Returns
    -------
    dict
        ``eta`` (see `error_ratio`), ``eta_of_means`` (the same of means), ``mae``, ``interval`` of these three;
        ``mse`` and ``median_squared_error``; ``mean_spectrum`` with its errors.
    """
    own_N, base_N = squared_errors(true_NE, simulated_NE), squared_errors(true_NE, mean_E)
    absolute_N = np.abs(np.asarray(simulated_NE, dtype=np.float64) - true_NE).mean(axis=1)
    replicates = {
        "eta": resampled_ratio(true_NE, simulated_NE, mean_E, weights_NR),
        "eta_of_means": (base_N @ weights_NR) / (own_N @ weights_NR),
        "mae": (absolute_N @ weights_NR) / weights_NR.sum(axis=0),
    }
    return {
        "eta": float(np.median(base_N) / np.median(own_N)),
        "eta_of_means": float(base_N.mean() / own_N.mean()),
        "mae": float(absolute_N.mean()),
        "mse": float(own_N.mean()),
        "median_squared_error": float(np.median(own_N)),
        "mean_spectrum": {
            "mae": float(np.abs(true_NE - mean_E).mean()),
            "mse": float(base_N.mean()),
            "median_squared_error": float(np.median(base_N)),
        },
        "interval": {name: list(percentile_interval(values_R)) for name, values_R in replicates.items()},
    }


def resampled_ratio(
    true_NE: np.ndarray, simulated_NE: np.ndarray, mean_E: np.ndarray, weights_NR: np.ndarray
) -> np.ndarray:
    """Return `error_ratio` in each resample of materials, shape (R,)."""
    of_mean_N, own_N = squared_errors(true_NE, mean_E), squared_errors(true_NE, simulated_NE)
    return weighted_medians(of_mean_N, weights_NR) / weighted_medians(own_N, weights_NR)


def weighted_medians(values_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return the median of values in each resample, shape (R,): the lowest that half of the rows do not exceed."""
    order = np.argsort(values_N, kind="stable")
    below_NR = weights_NR[order].cumsum(axis=0)
    return np.asarray(values_N[order][(2 * below_NR >= below_NR[-1]).argmax(axis=0)])


def score_bands(
    true_NE: np.ndarray, simulated_NE: np.ndarray, points_NE: np.ndarray, curves_NE: np.ndarray
) -> dict[str, float]:
    """Return which share of points, and of whole curves, lie in bands of these half widths, and their mean.

    Parameters
    ----------
    true_NE, simulated_NE
        Spectra.
    points_NE, curves_NE
        Half widths of bands by energy, and of those that are to hold whole curves.
    """
    error_NE = np.abs(np.asarray(simulated_NE, dtype=np.float64) - true_NE)
    return {
        "points": float((error_NE <= points_NE).mean()),
        "curves": float((error_NE <= curves_NE).all(axis=1).mean()),
        "points_half_width": float(points_NE.mean()),
        "curves_half_width": float(curves_NE.mean()),
    }
