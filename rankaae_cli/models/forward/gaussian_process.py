"""A Gaussian process from features to spectra of one family or several, all energies with one kernel.

Its mean is kernel ridge regression. Letters beyond the legend: F features, M rows fitted to, J families.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.spatial.distance import cdist, pdist

_ROWS_AT_ONCE = 1024
_LEAST_ERROR = 1e-8  # of a spectrum, squared edge steps; so that no logarithm is of 0


@dataclass(frozen=True)
class Rows:
    """What a process is fitted to.

    Attributes
    ----------
    features_MF, spectra_ME
        NaN where a feature is not known.
    material_M
        Which rows are left out together.
    family_M
        Of which of J families each row is, by index; none is without rows.
    """

    features_MF: np.ndarray
    spectra_ME: np.ndarray
    material_M: np.ndarray
    family_M: np.ndarray

    def __len__(self) -> int:
        return len(self.spectra_ME)

    def chosen(self, rows: np.ndarray) -> "Rows":
        """Return some of the rows, by their indices."""
        return Rows(self.features_MF[rows], self.spectra_ME[rows], self.material_M[rows], self.family_M[rows])

    def and_then(self, others: "Rows") -> "Rows":
        """Return these rows and others, the families without rows among them left out."""
        features_MF, spectra_ME, material_M, family_M = (
            np.concatenate([getattr(rows, name) for rows in (self, others)])
            for name in self.__dataclass_fields__
        )
        return Rows(features_MF, spectra_ME, material_M, np.unique(family_M, return_inverse=True)[1])

    @property
    def families(self) -> int:
        """J."""
        return int(self.family_M.max()) + 1


@dataclass(frozen=True)
class Kernel:
    """The kernel exp(-|x - x'| / length) of standardised features x (Matern's of order 1/2), and what it is times.

    Attributes
    ----------
    length
        In median distances of rows, or in standardised features; as said where it is used.
    noise
        Its variance over that of the process.
    share
        The covariance of two families: the process is the sum of one that all share and one of each family's own
        (Bonilla, Chai and Williams, Adv. Neural Inf. Process. Syst. 20, 153 (2008), of one parameter).
    """

    length: float
    noise: float
    share: float = 0.0

    def between(
        self, rows_NF: np.ndarray, others_MF: np.ndarray, family_N: np.ndarray, family_M: np.ndarray
    ) -> np.ndarray:
        """Return the covariances of rows, (N, M), with the length in standardised features."""
        kernel_NM = np.exp(-cdist(rows_NF, others_MF) / self.length)
        kernel_NM *= np.where(family_N[:, None] == family_M, 1.0, self.share)
        return kernel_NM

    def covariance(self, rows_MF: np.ndarray, family_M: np.ndarray) -> np.ndarray:
        """Return the covariances of rows with each other, (M, M), noise included."""
        kernel_MM = self.between(rows_MF, rows_MF, family_M, family_M)
        kernel_MM[np.diag_indices(len(kernel_MM))] += self.noise
        return kernel_MM


@dataclass(frozen=True)
class GaussianProcess:
    """A process of the spectra of J families, each less its mean and over its scale.

    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equations 2.25 and 2.26. A feature that
    is not known counts as its mean.

    Attributes
    ----------
    mean_JF, scale_JF
        Of the features of each family's rows, so that what is near in a family is near in another.
    rows_MF, family_M
        The features of the rows fitted to, standardised, float32; of which family each is.
    mean_JE, scale_J
        The mean spectrum of each family, and the root mean square of what spectra differ from it by.
    weights_ME
        Of the rows fitted to, float32.
    kernel
        Its length in standardised features.
    """

    mean_JF: np.ndarray
    scale_JF: np.ndarray
    rows_MF: np.ndarray
    family_M: np.ndarray
    mean_JE: np.ndarray
    scale_J: np.ndarray
    weights_ME: np.ndarray
    kernel: Kernel

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        return (
            self.weights_ME.size + self.mean_JE.size + self.scale_J.size + (3 if len(self.scale_J) > 1 else 2)
        )

    def moments_of(self, family: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and scale of the features of a family."""
        return self.mean_JF[family], self.scale_JF[family]

    def predict(self, features_NF: np.ndarray, family: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (N, E) of a family, and the deviation of each, (N,), noise included."""
        parts = [
            self._predict(features_NF[i : i + _ROWS_AT_ONCE], family)
            for i in range(0, len(features_NF), _ROWS_AT_ONCE)
        ]
        if not parts:
            return np.empty((0, self.mean_JE.shape[1])), np.empty(0)
        return np.concatenate([mean for mean, _ in parts]), np.concatenate(
            [deviation for _, deviation in parts]
        )

    def _predict(self, features_NF: np.ndarray, family: int) -> tuple[np.ndarray, np.ndarray]:
        rows_NF = standardised(features_NF, *self.moments_of(family))
        of_family_N = np.full(len(rows_NF), family)
        kernel_NM = self.kernel.between(rows_NF, self.rows_MF, of_family_N, self.family_M)
        explained_MN = solve_triangular(self._factor_MM, kernel_NM.T, lower=True)
        variance_N = 1 + self.kernel.noise - (explained_MN**2).sum(axis=0)
        deviation_N = np.sqrt(np.maximum(variance_N, self.kernel.noise))
        scale = self.scale_J[family]
        return self.mean_JE[family] + scale * (kernel_NM @ self.weights_ME), scale * deviation_N

    @cached_property
    def _factor_MM(self) -> np.ndarray:
        return np.linalg.cholesky(self.kernel.covariance(self.rows_MF, self.family_M))


def standardised(features_NF: np.ndarray, mean_F: np.ndarray, scale_F: np.ndarray) -> np.ndarray:
    """Return features less their mean over their scale, float32; 0 where they are not known."""
    return np.nan_to_num((features_NF - mean_F) / scale_F).astype(np.float32)


def fit_process(rows: Rows, kernel: Kernel) -> GaussianProcess:
    """Fit a process to rows; the kernel's length is given in median distances of rows of a family."""
    mean_JF, scale_JF, rows_MF = _by_family(rows)
    kernel = _scaled(kernel, rows_MF, rows.family_M)
    factor = cho_factor(kernel.covariance(rows_MF, rows.family_M), lower=True, overwrite_a=True)
    mean_JE, scale_J, centred_ME = _centred(rows)
    weights_ME = cho_solve(factor, centred_ME).astype(np.float32)
    return GaussianProcess(mean_JF, scale_JF, rows_MF, rows.family_M, mean_JE, scale_J, weights_ME, kernel)


def _by_family(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and scale of the features of each family, and all features standardised."""
    of_families = [moments(rows.features_MF[rows.family_M == j]) for j in range(rows.families)]
    mean_JF, scale_JF = (np.array(moment) for moment in zip(*of_families, strict=True))
    rows_MF = standardised(rows.features_MF, mean_JF[rows.family_M], scale_JF[rows.family_M])
    return mean_JF, scale_JF, rows_MF


def _scaled(kernel: Kernel, rows_MF: np.ndarray, family_M: np.ndarray) -> Kernel:
    """Return the kernel with its length in standardised features, given in median distances."""
    distances = [_median_distance(rows_MF[family_M == j]) for j in np.unique(family_M)]
    return replace(kernel, length=kernel.length * float(np.median(distances)))


def _centred(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and scale of the spectra of each family, and all spectra less the mean over the scale."""
    of_families = [rows.spectra_ME[rows.family_M == j] for j in range(rows.families)]
    mean_JE = np.array([spectra_ME.mean(axis=0, dtype=np.float64) for spectra_ME in of_families])
    centred_ME = rows.spectra_ME - mean_JE[rows.family_M]
    square_M = (centred_ME**2).mean(axis=1)
    scale_J = np.sqrt([square_M[rows.family_M == j].mean() for j in range(len(mean_JE))])
    scale_J[scale_J == 0] = 1.0
    return mean_JE, scale_J, centred_ME / scale_J[rows.family_M][:, None]


def moments(features_MF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of each feature over the rows that know it; 0, 1 where none does or all are alike."""
    known_MF = np.isfinite(features_MF)
    count_F = np.maximum(known_MF.sum(axis=0), 1)
    values_MF = np.where(known_MF, features_MF, 0.0).astype(np.float64)
    mean_F = values_MF.sum(axis=0) / count_F
    centred_MF = np.where(known_MF, values_MF - mean_F, 0.0)
    scale_F = np.sqrt((centred_MF**2).sum(axis=0) / count_F)
    return mean_F, np.where(scale_F > 0, scale_F, 1.0)


def _median_distance(rows_MF: np.ndarray) -> float:
    """Return the median distance between two rows, of evenly chosen ones where there are many; 1 where it is 0."""
    some = rows_MF[:: max(len(rows_MF) // _ROWS_AT_ONCE, 1)]
    return float(np.median(pdist(some))) if len(some) > 1 and np.ptp(some) > 0 else 1.0


@dataclass(frozen=True)
class LeftOut:
    """What a process makes of rows when all rows of their material are left out, its kernel given.

    Attributes
    ----------
    residual_ME
        True less predicted spectra.
    deviation_M
        As of `GaussianProcess.predict`.
    """

    residual_ME: np.ndarray
    deviation_M: np.ndarray

    def score(self, rows: np.ndarray | slice = slice(None)) -> float:
        """Return the mean logarithm of the mean squared error of a spectrum: low where typical ones are near."""
        return float(np.log((self.residual_ME[rows] ** 2).mean(axis=1) + _LEAST_ERROR).mean())


def left_out(rows: Rows, kernel: Kernel) -> LeftOut:
    """Leave out each material in turn, in closed form: one inverse for all.

    The residuals of rows g are (K^-1)_gg^-1 (K^-1 y)_g and their covariance is (K^-1)_gg^-1 (Rasmussen and
    Williams, equations 5.10 to 5.12, for several rows). Means and scales stay those of all.
    """
    *_, rows_MF = _by_family(rows)
    kernel = _scaled(kernel, rows_MF, rows.family_M)
    factor = cho_factor(kernel.covariance(rows_MF, rows.family_M), lower=True, overwrite_a=True)
    _, scale_J, centred_ME = _centred(rows)
    residual_ME, deviation_M = cho_solve(factor, centred_ME), np.empty(len(rows_MF))
    inverse_MM, _ = dpotri(factor[0], lower=True, overwrite_c=True)
    for of_material in _materials(rows.material_M):
        # The upper half is not made.
        lower = np.tril(inverse_MM[np.ix_(of_material, of_material)])
        covariance = np.linalg.inv(lower + np.tril(lower, -1).T)
        residual_ME[of_material] = covariance @ residual_ME[of_material]
        deviation_M[of_material] = np.sqrt(np.maximum(np.diag(covariance), kernel.noise))
    scale_M = scale_J[rows.family_M]
    return LeftOut(residual_ME * scale_M[:, None], deviation_M * scale_M)


def _materials(material_M: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of each material."""
    number_M = np.unique(np.asarray(material_M).astype(str), return_inverse=True)[1]
    order = np.argsort(number_M, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(number_M[order])) + 1)
