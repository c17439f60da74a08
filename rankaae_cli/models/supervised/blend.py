"""Trees and kernel ridge on spectra and their derivatives, and their blend, which is hard to beat in reading.

A blend averages readings in the units of the descriptors. Letters beyond the legend: F features of a spectrum.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.signal import savgol_filter
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rankaae_cli.core.statistics.calibration import material_folds
from rankaae_cli.models.baselines import FittedBaseline, FittingRows, Report, known_rows
from rankaae_cli.models.supervised.classical import fit_forests
from rankaae_cli.models.supervised.settings import KernelRidgeSettings, TreeSettings

_WINDOW, _DEGREE = 9, 3  # of the smoothing: points, and the degree of the polynomial through them
_DERIVATIVES = (1, 2)
# Fewer trees than a baseline has, since readings out of fold take six blends.
TREES = TreeSettings(trees=60, min_samples_leaf=2, max_features=0.05)
RIDGE = KernelRidgeSettings(components=40, gamma=1.0, alpha=0.1)


def with_derivatives(spectra_NE: np.ndarray) -> np.ndarray:
    """Return spectra and their smoothed first and second derivatives a point, side by side, shape (N, 3 E).

    Smoothed by a cubic through nine points (Savitzky & Golay, Anal. Chem. 36, 1627 (1964)); the derivatives of
    spectra of fewer points are not smoothed.
    """
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    if spectra_NE.shape[1] >= _WINDOW:
        smoothed = [savgol_filter(spectra_NE, _WINDOW, _DEGREE, deriv=order) for order in _DERIVATIVES]
    else:
        first_NE = np.gradient(spectra_NE, axis=1)
        smoothed = [first_NE, np.gradient(first_NE, axis=1)]
    return np.concatenate([spectra_NE, *smoothed], axis=1)


def fit_derivative_trees(
    rows: FittingRows, settings: TreeSettings, seed: int, threads: int, report: Report
) -> FittedBaseline:
    """Fit extremely randomised trees, a forest a descriptor, on spectra and their derivatives."""
    extended = replace(rows, train_NE=with_derivatives(rows.train_NE))
    forests = fit_forests("extra_trees", extended, settings, seed, threads, report)
    return replace(forests, read=lambda spectra_NE: forests.read(with_derivatives(spectra_NE)))


def fit_kernel_ridge(rows: FittingRows, settings: KernelRidgeSettings) -> FittedBaseline:
    """Fit ridge regression with a Gaussian kernel on principal components of spectra and their derivatives.

    Every feature is standardised first. exp(-gamma |t - t'|^2) is the kernel of components t, whose mean square
    length over the training rows is 1, so that gamma has no unit and fits families alike (Hastie, Tibshirani and
    Friedman, The Elements of Statistical Learning, 2009, section 5.8).
    """
    components, train_NC = _components(rows.train_NE, settings.components)
    known = known_rows(rows.train_NK)
    fits = [
        _kernel_weights(train_NC[known_N], values_N, settings) if len(values_N) else None
        for known_N, values_N in known
    ]

    def read(spectra_NE: np.ndarray) -> np.ndarray:
        kernel_NM = _kernel(components(spectra_NE), train_NC, settings.gamma)
        columns = [
            np.full(len(spectra_NE), np.nan) if fit is None else fit[0] + kernel_NM[:, known_N] @ fit[1]
            for fit, (known_N, _) in zip(fits, known, strict=True)
        ]
        return np.stack(columns, axis=1)

    return FittedBaseline(read=read, parameters=sum(1 + len(fit[1]) for fit in fits if fit is not None))


def fit_blend(
    rows: FittingRows,
    trees: TreeSettings,
    ridge: KernelRidgeSettings,
    seed: int,
    threads: int,
    report: Report,
) -> FittedBaseline:
    """Fit trees and kernel ridge on spectra and their derivatives; what the blend reads is their mean."""
    parts = [fit_derivative_trees(rows, trees, seed, threads, report), fit_kernel_ridge(rows, ridge)]
    return FittedBaseline(
        read=lambda spectra_NE: np.mean([part.read(spectra_NE) for part in parts], axis=0),
        parameters=sum(part.parameters for part in parts),
    )


def readings_out_of_fold(
    spectra_NE: np.ndarray,
    descriptors_NK: np.ndarray,
    material_N: np.ndarray,
    is_training_N: np.ndarray,
    trees: TreeSettings = TREES,
    ridge: KernelRidgeSettings = RIDGE,
    seed: int = 0,
    threads: int = 1,
) -> np.ndarray:
    """Return what a blend reads of every row, none of which it was fitted on.

    Training rows are read by blends fitted on the training rows of other materials, in up to five folds; the
    others by one fitted on all training rows.

    Parameters
    ----------
    spectra_NE, descriptors_NK, material_N
        All rows; a descriptor is NaN where not known. Only those of training rows are fitted to.
    is_training_N
        Shape (N,), bool.
    trees, ridge, seed, threads
        Of the blends.

    Returns
    -------
    np.ndarray
        Shape (N, K), in the units of the descriptors; NaN for one that the rows fitted on do not know.
    """
    read_NK = np.full(descriptors_NK.shape, np.nan)
    training = np.flatnonzero(is_training_N)
    others = np.flatnonzero(~np.asarray(is_training_N, dtype=bool))
    group_N = np.unique(np.asarray(material_N)[training].astype(str), return_inverse=True)[1]
    parts = [(training[seen], training[unseen]) for seen, unseen in material_folds(group_N)]
    for seen, unseen in [*parts, (training, others)]:
        if len(unseen):
            fitted_on = FittingRows(
                spectra_NE[seen], descriptors_NK[seen], spectra_NE[:0], descriptors_NK[:0]
            )
            blend = fit_blend(fitted_on, trees, ridge, seed, threads, lambda *_: None)
            read_NK[unseen] = blend.read(spectra_NE[unseen])
    return read_NK


def _components(spectra_NE: np.ndarray, most: int) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Return what gives components of spectra, scaled to a mean square length of 1 over these, and theirs."""
    train_NF = with_derivatives(spectra_NE)
    pipeline = make_pipeline(StandardScaler(), PCA(min(most, *train_NF.shape), svd_solver="full"))
    train_NC = np.asarray(pipeline.fit_transform(train_NF))
    length = float(np.sqrt((train_NC**2).sum(axis=1).mean())) or 1.0
    return lambda spectra_NE: pipeline.transform(with_derivatives(spectra_NE)) / length, train_NC / length


def _kernel(a_NC: np.ndarray, b_MC: np.ndarray, gamma: float) -> np.ndarray:
    squared_NM = (a_NC**2).sum(axis=1)[:, None] + (b_MC**2).sum(axis=1) - 2 * a_NC @ b_MC.T
    return np.asarray(np.exp(-gamma * np.maximum(squared_NM, 0.0)))


def _kernel_weights(
    train_NC: np.ndarray, values_N: np.ndarray, settings: KernelRidgeSettings
) -> tuple[float, np.ndarray]:
    """Return the mean of the values and the weights of the training rows."""
    mean = float(values_N.mean())
    penalised_NN = _kernel(train_NC, train_NC, settings.gamma) + settings.alpha * np.eye(len(train_NC))
    return mean, np.asarray(cho_solve(cho_factor(penalised_NN, lower=True), values_N - mean))
