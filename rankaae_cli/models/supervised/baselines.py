"""Baselines that are no networks: the mean spectrum, principal components, and the readers of `reader`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from rankaae_cli.core.statistics.calibration import material_folds
from rankaae_cli.core.statistics.metrics import mean_of_known
from rankaae_cli.models.baselines import FittedBaseline, FittingRows, Report, linear_reading
from rankaae_cli.models.supervised.inputs import DERIVATIVES
from rankaae_cli.models.supervised.reader import fit_reader
from rankaae_cli.models.supervised.settings import KernelRidgeSettings, TreeSettings

# Fewer trees than a baseline has, since readings out of fold take six blends.
TREES = TreeSettings(trees=60, min_samples_leaf=2, max_features=0.05)
RIDGE = KernelRidgeSettings(components=40, gamma=1.0, alpha=0.1)


def fit_mean_spectrum(rows: FittingRows) -> FittedBaseline:
    """Return what answers every spectrum with the means of the training rows."""
    spectrum_E = rows.train_NE.mean(axis=0, dtype=np.float64)
    values_K = np.array([mean_of_known(column_N) for column_N in rows.train_NK.T])
    return FittedBaseline(
        read=lambda spectra_NE: np.tile(values_K, (len(spectra_NE), 1)),
        rebuild=lambda spectra_NE: np.tile(spectrum_E, (len(spectra_NE), 1)),
        parameters=len(spectrum_E) + len(values_K),
        reads=False,
    )


def fit_pca_linear(rows: FittingRows, components: int) -> FittedBaseline:
    """Fit principal components and, from their scores, each descriptor by least squares.

    Parameters
    ----------
    rows
        Only the training rows are used.
    components
        As many as the model has styles; fewer where there are fewer rows or energies.
    """
    train_NE = np.asarray(rows.train_NE, dtype=np.float64)
    pca = PCA(min(components, *train_NE.shape), svd_solver="full").fit(train_NE)

    def scores(spectra_NE: np.ndarray) -> np.ndarray:
        return np.asarray(pca.transform(np.asarray(spectra_NE, dtype=np.float64)))

    read, parameters = linear_reading(scores(train_NE), rows.train_NK)
    return FittedBaseline(
        read=lambda spectra_NE: read(scores(spectra_NE)),
        rebuild=lambda spectra_NE: np.asarray(pca.inverse_transform(scores(spectra_NE))),
        styles=scores,
        parameters=pca.mean_.size + pca.components_.size + parameters,
    )


def fit_reading(
    rows: FittingRows,
    parts: Mapping[str, Any],
    inputs: tuple[str, ...],
    trials: int,
    seed: int,
    threads: int,
    report: Report,
) -> FittedBaseline:
    """Fit a reader, whose trials are averaged; the parameters are those of `reader.fit_reader`."""
    reader = fit_reader(rows, parts, inputs, trials, seed, threads, report)
    return FittedBaseline(
        read=lambda spectra_NE: reader.read(spectra_NE).mean(axis=0), parameters=reader.parameters
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
    parts = {"extra_trees": trees, "kernel_ridge": ridge}
    folds = [(training[seen], training[unseen]) for seen, unseen in material_folds(group_N)]
    for seen, unseen in [*folds, (training, others)]:
        if len(unseen):
            fitted_on = FittingRows(
                spectra_NE[seen], descriptors_NK[seen], spectra_NE[:0], descriptors_NK[:0]
            )
            blend = fit_reader(fitted_on, parts, DERIVATIVES, 1, seed, threads, lambda *_: None)
            read_NK[unseen] = blend.read(spectra_NE[unseen])[0]
    return read_NK
