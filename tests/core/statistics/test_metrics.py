import json
import warnings

import numpy as np
import pytest
from scipy import stats

from rankaae_cli.core.statistics.bootstrap import material_weights, percentile_interval
from rankaae_cli.core.statistics.calibration import fit_calibration
from rankaae_cli.core.statistics.classification import fit_cuts, score_classes
from rankaae_cli.core.statistics.metrics import (
    attainable_spearman,
    inter_style,
    kendall,
    mae,
    mean_spearman,
    r2,
    rank_correlations,
    resampled_mean_spearman,
    rmse,
    score_descriptor,
    score_readings,
    score_rebuilding,
    score_styles,
    spearman,
)
from rankaae_cli.core.styles.ensemble import ensemble_spectra, ensemble_styles, trials_to_average
from tests.core.resampling import gathered_rows


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_spearman_agrees_with_scipy_with_ties_and_gaps(rng):
    a, b = rng.integers(0, 5, 200).astype(float), rng.normal(size=200)
    a[::7], b[::5] = np.nan, np.nan
    both = np.isfinite(a) & np.isfinite(b)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a[both], b[both]).statistic)


@pytest.mark.parametrize("a", [np.full(9, np.nan), np.ones(9), np.array([1.0, 2.0, *[np.nan] * 7])])
def test_spearman_is_nan_where_not_defined(a):
    assert np.isnan(spearman(a, np.arange(9.0)))


def test_kendall_counts_pairs(rng):
    a, b = rng.integers(0, 4, 40).astype(float), rng.normal(size=40)
    a[3], b[7] = np.nan, np.nan
    rows = [i for i in range(40) if i not in (3, 7)]
    signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i in rows for j in rows if i < j]
    agreement = sum(s * t for s, t in signs)
    untied = sum(s != 0 for s, _ in signs) * sum(t != 0 for _, t in signs)
    assert kendall(a, b) == pytest.approx(agreement / np.sqrt(untied))


@pytest.mark.parametrize("a", [np.full(9, np.nan), np.ones(9), np.array([1.0, 2.0, *[np.nan] * 7])])
def test_kendall_is_nan_where_not_defined(a):
    assert np.isnan(kendall(a, np.arange(9.0)))


def test_r2_and_mae_of_known_cases():
    true = np.array([0.0, 1.0, 2.0, 3.0, np.nan])
    assert r2(true, true) == 1 and mae(true, true) == 0
    assert r2(true, np.full(5, 1.5)) == pytest.approx(0) and mae(true, true + 0.5) == 0.5
    assert np.isnan(mae(true[-1:], true[-1:])) and np.isnan(r2(np.ones(4), np.ones(4)))


def test_errors_weigh_as_their_names_say_whatever_the_precision_of_what_is_read():
    true, predicted = np.array([0.0, 0.1, 0.2, np.nan]), np.array([0.1, 0.3, 0.4, 5.0])
    assert mae(true, predicted) == pytest.approx(0.5 / 3) and rmse(true, predicted) == pytest.approx(
        0.03**0.5
    )
    assert r2(true, predicted) == pytest.approx(1 - 0.09 / 0.02)
    single = np.float32(true), np.float32(predicted)
    for score in (mae, rmse, r2):
        assert score(*single) == score(*(one.astype(float) for one in single))


def test_macro_f1_moves_values_to_the_nearest_class():
    true = np.array([4.0, 4.0, 5.0, 6.0, np.nan])
    assert score_classes(true, np.array([4.2, 3.0, 5.4, 9.0, 1.0]), [4, 5, 6])["macro_f1"] == 1
    # By hand: class 4 has F1 2/3, class 5 has 2/3, class 6 has 1.
    assert score_classes(true, np.array([4.0, 5.0, 5.0, 6.0, 1.0]), [6, 5, 4])["macro_f1"] == pytest.approx(
        (2 / 3 + 2 / 3 + 1) / 3
    )


def test_identical_styles_are_wholly_coupled_unless_their_descriptors_are(rng):
    z = rng.normal(size=300)
    styles, unlike = np.stack([z, z], axis=1), rng.normal(size=(300, 2))
    free = inter_style(styles, np.empty((300, 0)))
    assert free["max_abs_spearman"] == pytest.approx(1) and free["excess"] == pytest.approx(1)
    same = inter_style(styles, np.stack([z, z], axis=1))
    assert same["max_abs_spearman"] == pytest.approx(1) and same["excess"] == pytest.approx(0)
    assert inter_style(styles, unlike)["excess"] == pytest.approx(1 - max(spearman(*unlike.T), 0))


@pytest.mark.parametrize(
    ("of_styles", "of_descriptors", "excess"),
    [(0.6, -0.6, 0.6), (-0.6, 0.6, 0.6), (-0.6, -0.4, 0.2), (0.2, 0.5, -0.3)],
)
def test_descriptors_account_for_a_coupling_of_their_own_sign_alone(rng, of_styles, of_descriptors, excess):
    def pair(rho):
        z = rng.normal(size=(20000, 2))
        return np.stack([z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]], axis=1)

    assert inter_style(pair(of_styles), pair(of_descriptors))["excess"] == pytest.approx(excess, abs=0.05)


def test_a_free_style_inherits_nothing(rng):
    z = rng.normal(size=(300, 3))
    z[:, 2] = z[:, 0]
    coupling = inter_style(z, np.stack([z[:, 0], z[:, 0]], axis=1))
    assert coupling["excess"] == pytest.approx(1)


def test_independent_styles_have_the_excess_of_chance(rng):
    # Eight independent styles on 535 rows give 0.10.
    coupling = inter_style(rng.normal(size=(535, 8)), np.empty((535, 0)))
    assert coupling["excess_permuted"] == pytest.approx(0.10, abs=0.02)
    assert coupling["excess"] < 0.2


def test_permuting_destroys_coupling_and_is_repeatable(rng):
    z = rng.normal(size=300)
    styles = np.stack([z, z + 0.01 * rng.normal(size=300)], axis=1)
    first, second = (inter_style(styles, np.full((300, 2), np.nan)) for _ in range(2))
    assert first == second
    assert first["excess"] > 0.99 and first["excess_permuted"] < 0.2


def test_single_style_has_no_pairs(rng):
    coupling = inter_style(rng.normal(size=(20, 1)), np.empty((20, 0)))
    assert list(coupling) == list(inter_style(rng.normal(size=(20, 2)), np.empty((20, 0))))
    assert np.isnan(list(coupling.values())).all()


def test_a_style_that_does_not_vary_is_coupled_to_none(rng):
    z = rng.normal(size=(30, 2))
    assert np.isnan(list(inter_style(z * [1, 0], np.empty((30, 0))).values())).all()
    against = z[:, 1] - 2 * z[:, 0]
    opposed = inter_style(np.column_stack([z[:, 0], against, np.ones(30)]), np.empty((30, 0)))
    assert -0.99 < spearman(z[:, 0], against) == pytest.approx(-opposed["max_abs_spearman"])


def test_three_rows_are_enough_for_a_coupling(rng):
    assert np.isfinite(list(inter_style(rng.normal(size=(3, 2)), np.empty((3, 0))).values())).all()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_rows_have_no_coupling_and_cause_no_warning(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coupling = inter_style(np.arange(3.0 * rows).reshape(rows, 3), np.full((rows, 1), np.nan))
        assert np.isnan(list(coupling.values())).all()
        assert np.isnan(mean_spearman(np.ones((rows, 2)), np.ones((rows, 2))))


def test_mean_spearman_does_not_reward_collapse(rng):
    z = rng.normal(size=(50, 3))
    descriptors = z.copy()
    descriptors[:, 2] = np.nan
    assert mean_spearman(z, descriptors) == pytest.approx(1)
    z[:, 1] = 0
    assert mean_spearman(z, descriptors) == pytest.approx(0.5)
    assert mean_spearman(z, descriptors[:, :1]) == pytest.approx(1)


def test_a_collapsed_style_counts_in_resamples_as_in_all_rows(rng):
    styles, descriptors = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    styles[:, 1] = 7.0
    descriptors[:, 0] = np.arange(30) == 0  # in many a resample all the same
    weights = material_weights(np.arange(30), 50, rng)
    expected = gathered_rows(lambda rows: mean_spearman(styles[rows], descriptors[rows]), weights)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(resampled_mean_spearman(styles, descriptors, weights), expected)
        alone = resampled_mean_spearman(styles, descriptors[:, :1], weights)
    absent = weights[0] == 0
    assert absent.any() and np.array_equal(np.isnan(alone), absent)


def scored(styles, descriptors, spectra, made, weights=None):
    groups = np.arange(len(styles))
    calibrations = {
        name: fit_calibration(styles[:, k], descriptors[:, k], groups) for k, name in enumerate(("CN", "OS"))
    }
    cuts = {"CN": fit_cuts(styles[:, 0], descriptors[:, 0], [4, 5, 6])}
    named = styles[:, :2]
    readings = score_readings(named, descriptors, calibrations, {"CN": [4, 5, 6]}, cuts, weights)
    rebuilding = score_rebuilding(made, spectra, weights)
    interval = {**readings.pop("interval", {}), **rebuilding.pop("interval", {})}
    scores = {**readings, **score_styles(styles, descriptors), **rebuilding}
    return {**scores, "interval": interval} if interval else scores


def test_perfect_model_scores_perfectly(rng):
    descriptors = np.stack([rng.integers(4, 7, 200).astype(float), rng.normal(size=200)], axis=1)
    spectra = rng.random((200, 16))
    scores = scored(descriptors, descriptors, spectra, spectra)
    assert scores["mean_spearman"] == pytest.approx(1) and scores["reconstruction"] == {
        "mae": 0.0,
        "mse": 0.0,
    }
    for score in scores["descriptors"].values():
        assert (
            score["r2"] > 0.9999
            and score["mae"] < 1e-9
            and score["rmse"] < 1e-9
            and score["interval_coverage"] > 0.89
        )
        assert score["kendall"] == pytest.approx(1)
    cn = scores["descriptors"]["CN"]
    assert cn["f1"] == cn["balanced_accuracy"] == 1 and "f1" not in scores["descriptors"]["OS"]
    assert np.array_equal(cn["confusion"], np.diag(np.bincount(descriptors[:, 0].astype(int))[4:]))
    assert cn["cuts"] == [4.5, 5.5] and cn["classes"] == [4, 5, 6] and cn["n"] == 200
    assert scores["shapiro"] == pytest.approx([stats.shapiro(column).statistic for column in descriptors.T])
    assert scores["shapiro_min"] == min(scores["shapiro"])


def test_shuffled_styles_score_nothing(rng):
    descriptors = np.stack([rng.integers(4, 7, 600).astype(float), rng.normal(size=600)], axis=1)
    scores = scored(rng.permutation(descriptors), descriptors, np.zeros((600, 4)), np.full((600, 4), 2.0))
    assert abs(scores["mean_spearman"]) < 0.1 and scores["descriptors"]["OS"]["r2"] < 0.15
    assert scores["reconstruction"] == {"mae": 2.0, "mse": 4.0}


def test_unknown_descriptor_is_nan_and_the_rest_stands(rng):
    descriptors = np.stack([np.full(60, np.nan), rng.normal(size=60)], axis=1)
    scores = scored(rng.normal(size=(60, 3)), descriptors, np.zeros((60, 4)), np.zeros((60, 4)))
    unknown = scores["descriptors"]["CN"]
    not_numbers = ("n", "classes", "cuts", "confusion")
    assert unknown["n"] == 0 and unknown["cuts"] is None
    assert all(np.isnan(v) for k, v in unknown.items() if k not in not_numbers)
    assert np.isfinite(scores["mean_spearman"]) and np.isfinite(scores["inter_style"]["excess"])
    json.dumps(scores)


def test_intervals_are_those_of_gathered_rows(rng):
    descriptors = np.stack([rng.integers(4, 7, 90).astype(float), rng.normal(size=90)], axis=1)
    descriptors[::7, 1] = np.nan
    styles = np.nan_to_num(descriptors) + rng.normal(size=(90, 2))
    spectra, made = rng.random((90, 5)), rng.random((90, 5))
    weights = material_weights(np.arange(90) // 3, 40, rng)
    scores = scored(styles, descriptors, spectra, made, weights)
    calibration = fit_calibration(styles[:, 0], descriptors[:, 0], np.arange(90))
    cuts = fit_cuts(styles[:, 0], descriptors[:, 0], [4, 5, 6])

    def of_rows(rows):
        return score_descriptor(styles[rows, 0], descriptors[rows, 0], calibration, [4, 5, 6], cuts)

    for name, interval in scores["descriptors"]["CN"]["interval"].items():
        gathered = gathered_rows(lambda rows, name=name: of_rows(rows)[name], weights)
        np.testing.assert_allclose(interval, percentile_interval(gathered))
    means = gathered_rows(lambda rows: mean_spearman(styles[rows], descriptors[rows]), weights)
    np.testing.assert_allclose(scores["interval"]["mean_spearman"], percentile_interval(means))
    low, high = scores["interval"]["reconstruction_mae"]
    assert low < scores["reconstruction"]["mae"] < high
    assert "interval" not in scored(styles, descriptors, spectra, made)


def test_one_material_has_no_interval_and_causes_no_warning(rng):
    weights = material_weights(["a"] * 20, 30, rng)
    z = rng.normal(size=(20, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = scored(z, 5 + 0 * z, z, z, weights)
    assert np.isnan(scores["interval"]["mean_spearman"]).all()
    assert np.isnan(scores["descriptors"]["CN"]["interval"]["f1"]).all()


@pytest.mark.parametrize(
    ("descriptor", "best"),
    [
        ([1, 2, 3, 4], 1.0),
        # Ranks 1.5, 1.5, 3.5, 3.5 against 1, 2, 3, 4: their squares about the mean sum to 4 and 5.
        ([4, 4, 6, 6], np.sqrt(4 / 5)),
        ([np.nan, 4, 4, 6, np.nan, 6], np.sqrt(4 / 5)),
        ([1, 2, 2, 2], np.sqrt(3 / 5)),  # ranks 1, 3, 3, 3
        ([2, 2, 2, 2], np.nan),
        ([1, 2], np.nan),
    ],
)
def test_attainable_spearman_by_hand(descriptor, best):
    assert attainable_spearman(np.array(descriptor, dtype=float)) == pytest.approx(best, nan_ok=True)


def test_attainable_spearman_is_reached_by_breaking_ties_and_never_passed(rng):
    descriptor = rng.integers(4, 7, 90).astype(float)
    best = attainable_spearman(descriptor)
    assert 0.8 < best < 1
    for _ in range(20):
        assert spearman(descriptor + 0.5 * rng.random(90), descriptor) == pytest.approx(best)
        assert spearman(descriptor + rng.normal(size=90), descriptor) < best


def test_named_styles_are_coupled_apart_from_free_ones(rng):
    descriptors = np.stack([rng.integers(4, 7, 200).astype(float), rng.normal(size=200)], axis=1)
    styles = np.column_stack([rng.normal(size=(200, 2)), np.zeros(200)])
    styles[:, 2] = styles[:, 1]  # a free style that says what a named one says
    scores = scored(styles, descriptors, np.zeros((200, 4)), np.zeros((200, 4)))
    assert scores["inter_style"]["excess"] == pytest.approx(1)
    assert scores["inter_style_named"] == inter_style(styles[:, :2], descriptors)
    assert scores["inter_style_named"]["excess"] < 0.3
    assert scores["mean_spearman_attainable"] == pytest.approx(
        (attainable_spearman(descriptors[:, 0]) + 1) / 2
    )


def test_rank_correlations_are_pairwise(rng):
    columns = rng.normal(size=(40, 3))
    columns[:, 2] = np.nan
    rho = rank_correlations(columns)
    assert rho[0, 1] == rho[1, 0] == pytest.approx(stats.spearmanr(*columns[:, :2].T).statistic)
    assert np.isnan(rho[2, :2]).all() and np.array_equal(np.diag(rho), np.ones(3))


def test_ensemble_averages_standardised_named_styles_of_living_trials(rng):
    z = rng.normal(size=(40, 3))
    styles = np.stack([z, 3 * z + 7, np.full((40, 3), np.nan)])
    mean, std = styles.mean(axis=1), styles.std(axis=1)
    averaged = ensemble_styles(styles, mean, std, np.array([True, True, False]), 2)
    np.testing.assert_allclose(averaged, (z[:, :2] - z[:, :2].mean(0)) / z[:, :2].std(0))
    np.testing.assert_allclose(ensemble_spectra(styles, np.array([True, True, False])), 2 * z + 3.5)


def test_a_run_whose_trials_all_diverged_stands_on_its_selected_one():
    assert trials_to_average([None, "NaN", None], 0).tolist() == [True, False, True]
    assert trials_to_average(["NaN", "NaN"], 1).tolist() == [False, True]


def test_f1_is_not_given_where_the_classes_are_not_those_of_the_data():
    true = np.array([-4.0, -3.0, -2.0])
    assert np.isnan(score_classes(true, true, [2, 3, 4])["macro_f1"])


def test_errors_of_reconstructions_are_those_of_their_definition(rng):
    rebuilt, spectra = rng.normal(size=(2, 6, 5)).astype(np.float32)
    scores = score_rebuilding(rebuilt, spectra)["reconstruction"]
    residuals = [float(a) - float(b) for a, b in zip(rebuilt.flat, spectra.flat, strict=True)]
    assert scores["mse"] == pytest.approx(sum(r**2 for r in residuals) / 30, rel=1e-12)
    assert scores["mae"] == pytest.approx(sum(map(abs, residuals)) / 30, rel=1e-12)


def test_a_value_on_the_edge_of_its_interval_is_within_and_one_beyond_is_not():
    calibration = {"x": [0.0, 1.0], "y": [0.0, 1.0], "half_width": 0.1}
    style = np.full(8, 0.5)
    true = 0.5 + np.array([0, 0.05, 0.1, 0.1001, 0.12, 0.19, -0.19, -0.1])
    score = score_descriptor(style, true, calibration)
    assert score["interval_coverage"] == 0.5 and score["interval_half_width"] == 0.1


def test_too_few_rows_have_no_scores_and_three_do():
    nothing = np.full(2, np.nan)
    assert np.isnan(r2(nothing, nothing)) and np.isnan(r2(np.ones(3), np.arange(3.0)))
    assert np.isnan(spearman(np.arange(2.0), np.arange(2.0)))
    assert spearman(np.arange(3.0), np.arange(3.0)) == pytest.approx(1)
