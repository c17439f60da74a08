"""The error of predictions that comes of measured spectra being unlike computed ones.

What a model cannot reconstruct of a measured spectrum, beyond what it usually leaves of computed ones, is a
difference between measurement and code. Its other part, which the model takes for something else, is unknown, but
is assumed to be as large and as smooth: random differences of that size, drawn many times over, show how far the
predictions go. This is the model discrepancy of computer experiments (Kennedy and O'Hagan, J. R. Stat. Soc. B 63,
425 (2001)), with a Gaussian process of fixed shape whose size is that of the spectrum at hand.
"""

import numpy as np
from scipy.linalg import cholesky

DRAWS = 48
# Two and eight eV give predictions of the copper library the same spread, to a tenth.
CORRELATION_LENGTH = 4.0  # eV
_JITTER = 1e-6


def smooth_differences(energy_E: np.ndarray, draws: int = DRAWS) -> np.ndarray:
    """Return random differences between spectra, shape (M, E), each point of mean absolute value 1 over many draws.

    Parameters
    ----------
    energy_E
        eV, shape (E,).
    draws
        M, their number; the same ones in every call.
    """
    covariance_EE = smooth_correlation(energy_E) + _JITTER * np.eye(len(energy_E))
    normal_EM = np.random.default_rng(0).standard_normal((len(energy_E), draws))
    # |x| of a standard normal x is sqrt(2 / pi) on average.
    return np.asarray((cholesky(covariance_EE, lower=True) @ normal_EM).T / np.sqrt(2 / np.pi))


def smooth_correlation(energy_E: np.ndarray) -> np.ndarray:
    """Return the correlation of such differences between energies, eV, shape (E, E)."""
    return np.asarray(np.exp(-0.5 * ((energy_E[:, None] - energy_E) / CORRELATION_LENGTH) ** 2))


def discrepancy(error_N: np.ndarray, usual_error: float) -> np.ndarray:
    """Return how large the difference between measurement and code is, mean absolute, shape (N,).

    Parameters
    ----------
    error_N
        Mean absolute error of the reconstruction of each measured spectrum.
    usual_error
        That of computed spectra on other materials than those of training.
    """
    return np.sqrt(np.maximum(np.asarray(error_N) ** 2 - usual_error**2, 0.0))
