"""Baselines that are no networks: the mean spectrum, principal components, and the readers of `reader`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from rankaae_cli.core.statistics.metrics import mean_of_known
from rankaae_cli.models.baselines import FittedBaseline, FittingRows, Report, linear_reading
from rankaae_cli.models.supervised.reader import fit_reader


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
