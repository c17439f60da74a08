from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge

from rankaae_cli.core.statistics.metrics import spearman
from rankaae_cli.models.supervised.blend import (
    fit_blend,
    fit_derivative_trees,
    fit_kernel_ridge,
    readings_out_of_fold,
    with_derivatives,
)
from rankaae_cli.models.supervised.settings import KernelRidgeSettings, TreeSettings

FEW_TREES = TreeSettings(trees=10, min_samples_leaf=2, max_features=0.3)
RIDGE = KernelRidgeSettings(components=6, gamma=0.7, alpha=0.05)


def silent(done, total, standing):
    pass


def test_derivatives_of_a_cubic_are_exact():
    x_E = np.linspace(-2, 2, 41)
    cubic_E, step = x_E**3 - 2 * x_E, 0.1
    first_E, second_E = (3 * x_E**2 - 2) * step, 6 * x_E * step**2
    np.testing.assert_allclose(
        with_derivatives(cubic_E[None])[0], np.concatenate([cubic_E, first_E, second_E]), atol=1e-12
    )


@pytest.mark.parametrize("points", [2, 5, 9])
def test_derivatives_of_few_points(points):
    line_NE = np.arange(points, dtype=float)[None]
    expected = [*line_NE[0], *np.ones(points), *np.zeros(points)]
    np.testing.assert_allclose(with_derivatives(line_NE)[0], expected, atol=1e-9)


def test_kernel_ridge_is_that_of_scikit_learn(rows, held_out):
    """Fitted to descriptors less their mean."""
    baseline = fit_kernel_ridge(rows, RIDGE)
    features_NF, test_NF = (with_derivatives(s) for s in (rows.train_NE, held_out[0]))
    mean, deviation = features_NF.mean(0), features_NF.std(0)
    pca = PCA(6, svd_solver="full").fit((features_NF - mean) / deviation)
    train_NC, test_NC = (pca.transform((f - mean) / deviation) for f in (features_NF, test_NF))
    gamma = 0.7 / (train_NC**2).sum(axis=1).mean()
    read_NK = baseline.read(held_out[0])
    for k in (0, 1):
        known_N = np.isfinite(rows.train_NK[:, k])
        value_N = rows.train_NK[known_N, k]
        fit = KernelRidge(kernel="rbf", gamma=gamma, alpha=0.05).fit(
            train_NC[known_N], value_N - value_N.mean()
        )
        np.testing.assert_allclose(read_NK[:, k], fit.predict(test_NC) + value_N.mean(), atol=1e-6)
    assert np.isnan(read_NK[:, 2]).all()


def test_blend_reads_the_mean_of_its_parts(rows, held_out):
    parts = [fit_derivative_trees(rows, FEW_TREES, 3, 1, silent), fit_kernel_ridge(rows, RIDGE)]
    blend = fit_blend(rows, FEW_TREES, RIDGE, 3, 1, silent)
    trees_NK, ridge_NK = (part.read(held_out[0]) for part in parts)
    np.testing.assert_allclose(blend.read(held_out[0]), (trees_NK + ridge_NK) / 2, atol=1e-12)
    assert blend.parameters == sum(part.parameters for part in parts)
    assert spearman(blend.read(held_out[0])[:, 0], held_out[1][:, 0]) > 0.95


def test_no_row_is_read_by_what_was_fitted_on_its_material():
    """Each material has a descriptor of its own, drawn at random: only one who saw it can know it."""
    rng = np.random.default_rng(0)
    material_N = np.repeat(np.arange(60), 3)
    spectra_NE = rng.normal(size=(60, 20))[material_N] + 0.01 * rng.normal(size=(180, 20))
    descriptors_NK = rng.normal(size=(60, 2))[material_N]
    is_training_N = material_N < 45

    def read(descriptors_NK):
        return readings_out_of_fold(spectra_NE, descriptors_NK, material_N, is_training_N, FEW_TREES, RIDGE)

    read_NK = read(descriptors_NK)
    assert np.isfinite(read_NK).all()
    for k in (0, 1):
        assert abs(spearman(read_NK[is_training_N, k], descriptors_NK[is_training_N, k])) < 0.4
    seen_NK = readings_out_of_fold(
        spectra_NE, descriptors_NK, np.arange(180), is_training_N, FEW_TREES, RIDGE
    )
    assert spearman(seen_NK[is_training_N, 0], descriptors_NK[is_training_N, 0]) > 0.9
    other_NK = descriptors_NK.copy()
    other_NK[~is_training_N] = np.nan
    np.testing.assert_array_equal(read(other_NK), read_NK)
    other_NK[material_N == 7] += 5
    changed_N = (read(other_NK) != read_NK).any(axis=1)
    assert not changed_N[material_N == 7].any() and changed_N[~is_training_N].any()


def test_other_rows_are_read_by_a_blend_of_all_training_rows(rows, held_out):
    spectra_NE = np.concatenate([rows.train_NE, held_out[0]])
    descriptors_NK = np.concatenate([rows.train_NK, held_out[1]])
    is_training_N = np.arange(len(spectra_NE)) < len(rows.train_NE)
    read_NK = readings_out_of_fold(
        spectra_NE, descriptors_NK, np.arange(len(spectra_NE)), is_training_N, FEW_TREES, RIDGE, seed=2
    )
    plain = fit_blend(replace(rows, validation_NE=rows.train_NE), FEW_TREES, RIDGE, 2, 1, silent)
    np.testing.assert_array_equal(read_NK[~is_training_N], plain.read(held_out[0]))
