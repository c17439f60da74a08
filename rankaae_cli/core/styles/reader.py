"""A reader of spectra that knows nothing of styles: kernel ridge regression from spectra to descriptors.

It tells how the descriptors change along a walk to one who has not seen the networks; the networks' own encoder
was trained together with the decoder and reads of decoded spectra what it put there.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.styles.walk import even_choice

READER = "kernel ridge regression on principal components of the spectra and their derivatives"
_COMPONENTS = 40
_RIDGES = (1e-3, 1e-2, 1e-1)
_WIDTHS = (0.5, 1.0)  # of the kernel, in median distances
_MOST_ROWS = 1500
_FEWEST_ROWS = 10


@dataclass(frozen=True)
class SpectrumReader:
    """Reads K descriptors off spectra: y(x) = mean + sum over rows i of c_i exp(-|p(x) - p_i|^2 / 2 w^2).

    Attributes
    ----------
    mean, axes
        Of the principal components p of F features: a spectrum and its derivative, of like variance.
    derivative_scale
        What the derivative is multiplied with.
    place_NC
        Components of the fitted rows.
    width_K, coefficient_NK, mean_K
        Of each descriptor; NaN where too few of its values are known.
    """

    mean: np.ndarray
    axes: np.ndarray
    derivative_scale: float
    place_NC: np.ndarray
    width_K: np.ndarray
    coefficient_NK: np.ndarray
    mean_K: np.ndarray

    def read(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors of spectra, shape (N, K)."""
        place_NC = (_features(spectra_NE, self.derivative_scale) - self.mean) @ self.axes
        square_NN = scipy.spatial.distance.cdist(place_NC, self.place_NC, "sqeuclidean")
        values_NK = np.empty((len(place_NC), len(self.width_K)))
        for width in np.unique(self.width_K):
            of_width = self.width_K == width
            values_NK[:, of_width] = np.exp(square_NN / (-2 * width**2)) @ self.coefficient_NK[:, of_width]
        return values_NK + self.mean_K


def fit_reader(
    spectra_NE: np.ndarray, descriptors_NK: np.ndarray, check_NE: np.ndarray, check_NK: np.ndarray
) -> SpectrumReader:
    """Fit a reader to training rows; width and ridge are those that read validation rows best.

    Parameters
    ----------
    spectra_NE, descriptors_NK
        Training rows, of which at most 1,500 are used; descriptors NaN where not known.
    check_NE, check_NK
        Validation rows.
    """
    chosen = even_choice(len(spectra_NE), _MOST_ROWS)
    spectra_NE, descriptors_NK = spectra_NE[chosen], descriptors_NK[chosen]
    plain_NF = _features(spectra_NE, 1.0)
    variance = plain_NF.var(axis=0)
    points = spectra_NE.shape[1]
    slope_variance = float(variance[points:].sum())
    scale = float(np.sqrt(variance[:points].sum() / slope_variance)) if slope_variance > 0 else 1.0
    features_NF = _features(spectra_NE, scale)
    mean = features_NF.mean(axis=0)
    axes = np.linalg.svd(features_NF - mean, full_matrices=False)[2][:_COMPONENTS].T
    place_NC = (features_NF - mean) @ axes
    check_NC = (_features(check_NE, scale) - mean) @ axes
    square_NN = scipy.spatial.distance.cdist(place_NC, place_NC, "sqeuclidean")
    check_square = scipy.spatial.distance.cdist(check_NC, place_NC, "sqeuclidean")
    median = float(np.sqrt(np.median(square_NN))) or 1.0

    width_K, coefficient_NK, mean_K = [], np.zeros_like(descriptors_NK, dtype=np.float64), []
    for k, value_N in enumerate(descriptors_NK.T):
        best = _fit(square_NN, value_N, check_square, check_NK[:, k], median)
        width_K.append(best[0])
        mean_K.append(best[1])
        coefficient_NK[:, k] = best[2]
    return SpectrumReader(mean, axes, scale, place_NC, np.array(width_K), coefficient_NK, np.array(mean_K))


def _features(spectra_NE: np.ndarray, derivative_scale: float) -> np.ndarray:
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    return np.hstack([spectra_NE, derivative_scale * np.gradient(spectra_NE, axis=1)])


def _fit(
    square_NN: np.ndarray,
    value_N: np.ndarray,
    check_square: np.ndarray,
    check_value: np.ndarray,
    median: float,
) -> tuple[float, float, np.ndarray]:
    """Return width, mean and coefficients, shape (N,), of one descriptor; 0 for rows where it is not known."""
    known_N, check_known = np.isfinite(value_N), np.isfinite(check_value)
    coefficient_N = np.zeros(len(value_N))
    if known_N.sum() < _FEWEST_ROWS:
        return median, float("nan"), coefficient_N
    mean = float(value_N[known_N].mean())
    best = (np.inf, median, coefficient_N[known_N])
    for width in (factor * median for factor in _WIDTHS):
        kernel = np.exp(square_NN[np.ix_(known_N, known_N)] / (-2 * width**2))
        check = np.exp(check_square[np.ix_(check_known, known_N)] / (-2 * width**2))
        for ridge in _RIDGES:
            damped = kernel + ridge * np.eye(len(kernel))
            coefficient = scipy.linalg.solve(damped, value_N[known_N] - mean, assume_a="pos")
            error = float(((mean + check @ coefficient - check_value[check_known]) ** 2).sum())
            if error < best[0]:
                best = (error, width, coefficient)
    coefficient_N[known_N] = best[2]
    return best[1], mean, coefficient_N
