"""Baselines without networks: the mean spectrum, principal components, forests of trees."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from rankaae_cli.core.statistics.metrics import mean_of_known
from rankaae_cli.models.baselines import (
    FittedBaseline,
    FittingRows,
    Report,
    known_rows,
    linear_reading,
    predicted_columns,
)
from rankaae_cli.models.supervised.settings import TreeSettings


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


def fit_forests(
    name: str, rows: FittingRows, settings: TreeSettings, seed: int, threads: int, report: Report
) -> FittedBaseline:
    """Fit one forest a descriptor.

    ``extra_trees``: extremely randomised trees (Geurts et al., Mach. Learn. 63, 3 (2006)); ``random_forest``:
    Breiman, Mach. Learn. 45, 5 (2001).
    """
    kind = {"extra_trees": ExtraTreesRegressor, "random_forest": RandomForestRegressor}[name]
    forests: list[Any] = []
    report(0, rows.train_NK.shape[1], "")
    for known_N, descriptor_N in known_rows(rows.train_NK):
        forest = kind(
            settings.trees,
            min_samples_leaf=settings.min_samples_leaf,
            max_features=settings.max_features,
            random_state=seed,
            n_jobs=threads,
        )
        forests.append(forest.fit(rows.train_NE[known_N], descriptor_N) if len(descriptor_N) else None)
        # Several threads add up the trees in any order, and the last digit with it.
        forest.set_params(n_jobs=1)
        report(len(forests), rows.train_NK.shape[1], "")
    return FittedBaseline(
        read=lambda spectra_NE: predicted_columns(spectra_NE, forests),
        parameters=sum(_numbers_in(forest) for forest in forests if forest is not None),
    )


def _numbers_in(forest: Any) -> int:
    """Return how many numbers a forest holds: an energy and a threshold a split, a value a leaf."""
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    leaves = sum(tree.tree_.n_leaves for tree in forest.estimators_)
    return int(2 * (nodes - leaves) + leaves)
