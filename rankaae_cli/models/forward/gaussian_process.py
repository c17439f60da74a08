"""A Gaussian process from features to spectra, all energies with one kernel.

Its mean is kernel ridge regression. Letters beyond the legend: F features, M rows fitted to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.spatial.distance import cdist, pdist

_ROWS_AT_ONCE = 1024
_LEAST_ERROR = 1e-8  # of a spectrum, squared edge steps; so that no logarithm is of 0


@dataclass(frozen=True)
class GaussianProcess:
    """A process with the kernel exp(-|x - x'| / length) of standardised features x (Matern's of order 1/2).

    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equations 2.25 and 2.26. A feature that
    is not known counts as its mean.

    Attributes
    ----------
    mean_F, scale_F
        Of the features of the rows fitted to.
    rows_MF
        These, standardised, float32.
    mean_E
        The mean spectrum.
    weights_ME
        Of the rows fitted to, float32.
    length, noise
        Of the kernel, in standardised features; variance of the noise over that of the process.
    """

    mean_F: np.ndarray
    scale_F: np.ndarray
    rows_MF: np.ndarray
    mean_E: np.ndarray
    weights_ME: np.ndarray
    length: float
    noise: float

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        return self.weights_ME.size + self.mean_E.size + 2

    def predict(self, features_NF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (N, E), and the deviation of each, (N,), over that of the process, noise included."""
        parts = [
            self._predict(features_NF[i : i + _ROWS_AT_ONCE])
            for i in range(0, len(features_NF), _ROWS_AT_ONCE)
        ]
        if not parts:
            return np.empty((0, len(self.mean_E))), np.empty(0)
        return np.concatenate([mean for mean, _ in parts]), np.concatenate(
            [deviation for _, deviation in parts]
        )

    def _predict(self, features_NF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows_NF = standardised(features_NF, self.mean_F, self.scale_F)
        kernel_NM = np.exp(-cdist(rows_NF, self.rows_MF) / self.length)
        explained_MN = solve_triangular(self._factor_MM, kernel_NM.T, lower=True)
        variance_N = 1 + self.noise - (explained_MN**2).sum(axis=0)
        return self.mean_E + kernel_NM @ self.weights_ME, np.sqrt(np.maximum(variance_N, self.noise))

    @cached_property
    def _factor_MM(self) -> np.ndarray:
        kernel_MM = np.exp(-cdist(self.rows_MF, self.rows_MF) / self.length)
        return np.linalg.cholesky(kernel_MM + self.noise * np.eye(len(kernel_MM)))


def standardised(features_NF: np.ndarray, mean_F: np.ndarray, scale_F: np.ndarray) -> np.ndarray:
    """Return features less their mean over their scale, float32; 0 where they are not known."""
    return np.nan_to_num((features_NF - mean_F) / scale_F).astype(np.float32)


def fit_process(
    features_MF: np.ndarray, spectra_ME: np.ndarray, length: float, noise: float
) -> GaussianProcess:
    """Fit a process to rows; its length is given in median distances of these."""
    mean_F, scale_F = moments(features_MF)
    rows_MF = standardised(features_MF, mean_F, scale_F)
    length *= median_distance(rows_MF)
    kernel_MM = np.exp(-cdist(rows_MF, rows_MF) / length)
    kernel_MM[np.diag_indices(len(kernel_MM))] += noise
    mean_E = spectra_ME.mean(axis=0, dtype=np.float64)
    weights_ME = cho_solve(cho_factor(kernel_MM, lower=True, overwrite_a=True), spectra_ME - mean_E)
    return GaussianProcess(
        mean_F, scale_F, rows_MF, mean_E, weights_ME.astype(np.float32), float(length), float(noise)
    )


def moments(features_MF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of each feature over the rows that know it; 0, 1 where none does or all are alike."""
    known_MF = np.isfinite(features_MF)
    count_F = np.maximum(known_MF.sum(axis=0), 1)
    values_MF = np.where(known_MF, features_MF, 0.0).astype(np.float64)
    mean_F = values_MF.sum(axis=0) / count_F
    centred_MF = np.where(known_MF, values_MF - mean_F, 0.0)
    scale_F = np.sqrt((centred_MF**2).sum(axis=0) / count_F)
    return mean_F, np.where(scale_F > 0, scale_F, 1.0)


def median_distance(rows_MF: np.ndarray) -> float:
    """Return the median distance between two rows, of evenly chosen ones where there are many; 1 where it is 0."""
    some = rows_MF[:: max(len(rows_MF) // _ROWS_AT_ONCE, 1)]
    return float(np.median(pdist(some))) if len(some) > 1 and np.ptp(some) > 0 else 1.0


@dataclass(frozen=True)
class LeftOut:
    """What a process makes of rows when all rows of their material are left out, length and noise given.

    Attributes
    ----------
    residual_ME
        True less predicted spectra.
    deviation_M
        As of `GaussianProcess.predict`.
    """

    residual_ME: np.ndarray
    deviation_M: np.ndarray

    @property
    def score(self) -> float:
        """The mean logarithm of the mean squared error of a spectrum: low where typical spectra are near."""
        return float(np.log((self.residual_ME**2).mean(axis=1) + _LEAST_ERROR).mean())


def left_out(
    features_MF: np.ndarray, spectra_ME: np.ndarray, material_M: np.ndarray, length: float, noise: float
) -> LeftOut:
    """Leave out each material in turn, in closed form: one inverse for all.

    The residuals of rows g are (K^-1)_gg^-1 (K^-1 y)_g and their covariance is (K^-1)_gg^-1 (Rasmussen and
    Williams, equations 5.10 to 5.12, for several rows). The mean spectrum stays that of all.
    """
    rows_MF = standardised(features_MF, *moments(features_MF))
    kernel_MM = np.exp(-cdist(rows_MF, rows_MF) / (length * median_distance(rows_MF)))
    kernel_MM[np.diag_indices(len(kernel_MM))] += noise
    inverse_MM = cho_solve(cho_factor(kernel_MM, lower=True, overwrite_a=True), np.eye(len(rows_MF)))
    centred_ME = spectra_ME - spectra_ME.mean(axis=0, dtype=np.float64)
    residual_ME, deviation_M = inverse_MM @ centred_ME, np.empty(len(rows_MF))
    for rows in _materials(material_M):
        covariance = np.linalg.inv(inverse_MM[np.ix_(rows, rows)])
        residual_ME[rows] = covariance @ residual_ME[rows]
        deviation_M[rows] = np.sqrt(np.maximum(np.diag(covariance), noise))
    return LeftOut(residual_ME, deviation_M)


def _materials(material_M: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of each material."""
    number_M = np.unique(np.asarray(material_M).astype(str), return_inverse=True)[1]
    order = np.argsort(number_M, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(number_M[order])) + 1)
