from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rankaae_cli.core.statistics.metrics import spearman
from rankaae_cli.models.baselines import linear_reading, score_baseline, score_unnamed_styles
from rankaae_cli.models.supervised.baselines import (
    fit_mean_spectrum,
    fit_pca_linear,
    fit_reading,
)
from rankaae_cli.models.supervised.inputs import DERIVATIVES, SPECTRUM
from rankaae_cli.models.supervised.settings import KernelRidgeSettings, TreeSettings

FEW_TREES = TreeSettings(trees=20, min_samples_leaf=2, max_features=0.3)
RIDGE = KernelRidgeSettings(components=6, gamma=0.7, alpha=0.05)
NAMES = ["position", "width", "never known"]


def silent(done, total, standing):
    pass


def fit_forests(name, rows):
    return fit_reading(rows, {name: FEW_TREES}, (SPECTRUM,), 1, 0, 1, silent)


def fit_blend(rows, seed):
    parts = {"extra_trees": FEW_TREES, "kernel_ridge": RIDGE}
    return fit_reading(rows, parts, DERIVATIVES, 1, seed, 1, silent)


def score(baseline, rows, held_out):
    return score_baseline(baseline, rows, *held_out, NAMES)


def test_mean_spectrum_by_an_independent_formula(rows, held_out):
    spectra_NE, descriptors_NK = held_out
    scores = score(fit_mean_spectrum(rows), rows, held_out)
    mean_E = [sum(float(row[e]) for row in rows.train_NE) / len(rows.train_NE) for e in range(30)]
    errors = [abs(float(row[e]) - mean_E[e]) for row in spectra_NE for e in range(30)]
    assert scores["reconstruction"]["mae"] == pytest.approx(sum(errors) / len(errors), rel=1e-9)
    guess = np.nanmean(rows.train_NK[:, 1])
    assert scores["descriptors"]["width"]["mae"] == pytest.approx(np.abs(descriptors_NK[:, 1] - guess).mean())
    assert np.isnan(scores["mean_spearman"]) and np.isnan(scores["descriptors"]["width"]["spearman"])
    assert scores["reads"] is False and scores["styles"] is None and scores["parameters"] == 30 + 3


def test_pca_by_singular_values_and_normal_equations(rows, held_out):
    spectra_NE = held_out[0]
    baseline = fit_pca_linear(rows, 4)
    mean_E = rows.train_NE.mean(0, dtype=np.float64)
    axes_SE = np.linalg.svd(rows.train_NE - mean_E, full_matrices=False)[2][:4]
    projected_NE = mean_E + (spectra_NE - mean_E) @ axes_SE.T @ axes_SE
    np.testing.assert_allclose(baseline.rebuild(spectra_NE), projected_NE, atol=1e-6)
    known_N = np.isfinite(rows.train_NK[:, 0])
    design = np.column_stack([np.ones(known_N.sum()), (rows.train_NE[known_N] - mean_E) @ axes_SE.T])
    weights = np.linalg.solve(design.T @ design, design.T @ rows.train_NK[known_N, 0])
    read_N = weights[0] + (spectra_NE - mean_E) @ axes_SE.T @ weights[1:]
    np.testing.assert_allclose(baseline.read(spectra_NE)[:, 0], read_N, atol=1e-5)
    assert baseline.parameters == 30 + 4 * 30 + 2 * 5


def test_pca_of_few_rows_has_as_many_components_as_it_can(rows):
    few = replace(rows, train_NE=rows.train_NE[:3], train_NK=rows.train_NK[:3])
    assert fit_pca_linear(few, 8).styles(rows.validation_NE).shape == (100, 3)


@pytest.mark.parametrize("name", ["extra_trees", "random_forest"])
def test_forests_read_better_than_the_mean_and_a_line(name, rows, held_out):
    forest = score(fit_forests(name, rows), rows, held_out)
    line = score(fit_pca_linear(rows, 2), rows, held_out)
    floor = score(fit_mean_spectrum(rows), rows, held_out)
    for name in ("position", "width"):
        assert forest["descriptors"][name]["mae"] < line["descriptors"][name]["mae"]
        assert forest["descriptors"][name]["mae"] < 0.3 * floor["descriptors"][name]["mae"]
        assert forest["descriptors"][name]["spearman"] > 0.97
    assert forest["validation"]["mean_spearman"] > 0.97
    assert (forest["generates"], forest["has_styles"], forest["reconstruction"]) == (False, False, None)


def test_an_unknown_descriptor_is_not_read(rows, held_out):
    for baseline in (
        fit_mean_spectrum(rows),
        fit_pca_linear(rows, 4),
        fit_forests("extra_trees", rows),
    ):
        read_NK = baseline.read(held_out[0])
        assert np.isnan(read_NK[:, 2]).all() and np.isfinite(read_NK[:, :2]).all()
        assert np.isnan(score(baseline, rows, held_out)["descriptors"]["never known"]["mae"])


def test_linear_reading_recovers_a_line():
    rng = np.random.default_rng(0)
    styles_NS = rng.normal(size=(50, 3))
    descriptors_NK = (styles_NS @ [1.0, -2.0, 0.5] + 4)[:, None]
    descriptors_NK[::3] = np.nan
    read, parameters = linear_reading(styles_NS, descriptors_NK)
    np.testing.assert_allclose(read(np.eye(3))[:, 0], [5.0, 2.0, 4.5], atol=1e-9)
    assert parameters == 4


def test_each_descriptor_has_an_unnamed_style_of_its_own():
    rng = np.random.default_rng(1)
    descriptors_NK = rng.normal(size=(400, 2))
    # The first style follows b more than a, and more than the last one does; but a has no other.
    first_N = descriptors_NK[:, 0] + 1.2 * descriptors_NK[:, 1]
    last_N = -descriptors_NK[:, 1] + rng.normal(size=400)
    styles_NS = np.column_stack([first_N, rng.normal(size=400), last_N])
    half = slice(None, 200), slice(200, None)
    scores = score_unnamed_styles(
        styles_NS[half[1]], descriptors_NK[half[1]], styles_NS[half[0]], descriptors_NK[half[0]], ["a", "b"]
    )
    a = stats.spearmanr(first_N[half[1]], descriptors_NK[half[1], 0])[0]
    b = stats.spearmanr(-last_N[half[1]], descriptors_NK[half[1], 1])[0]
    assert scores["spearman"] == {"a": pytest.approx(a), "b": pytest.approx(b)}
    assert scores["mean_spearman"] == pytest.approx((a + b) / 2) and b < abs(
        stats.spearmanr(first_N, descriptors_NK[:, 1])[0]
    )


def test_fewer_styles_than_descriptors_leave_one_without():
    descriptors_NK = np.random.default_rng(0).normal(size=(40, 2))
    styles_NS = descriptors_NK[:, 1:]
    scores = score_unnamed_styles(styles_NS, descriptors_NK, styles_NS, descriptors_NK, ["a", "b"])
    assert np.isnan(scores["spearman"]["a"]) and scores["spearman"]["b"] == pytest.approx(1.0)


def test_blend_reads_the_mean_of_its_parts(rows, held_out):
    parts = [
        fit_reading(rows, part, DERIVATIVES, 1, 3, 1, silent)
        for part in ({"extra_trees": FEW_TREES}, {"kernel_ridge": RIDGE})
    ]
    blend = fit_blend(rows, 3)
    trees_NK, ridge_NK = (part.read(held_out[0]) for part in parts)
    np.testing.assert_allclose(blend.read(held_out[0]), (trees_NK + ridge_NK) / 2, atol=1e-12)
    assert blend.parameters == sum(part.parameters for part in parts)
    assert spearman(blend.read(held_out[0])[:, 0], held_out[1][:, 0]) > 0.95
