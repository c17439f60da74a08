import warnings

import numpy as np
import pytest

from rankaae_cli.core.statistics.calibration import apply_calibration, fit_calibration
from rankaae_cli.core.statistics.classification import fit_class_probabilities
from rankaae_cli.core.statistics.conformal import (
    Belt,
    ClassBelt,
    Intervals,
    difficulty_features,
    fit_belt,
    fit_class_belt,
    resolution_of,
    upper_quantile,
)


def world(n, seed):
    """Two styles; the descriptor follows the first, with a noise that the second tells."""
    rng = np.random.default_rng(seed)
    styles = rng.standard_normal((n, 2))
    noise = 0.15 * np.exp(styles[:, 1])
    value = styles[:, 0] + noise * rng.standard_normal(n)
    features = difficulty_features(styles, np.full((n, 2), 0.1), np.full(n, 0.02))[0]
    return styles[:, 0], value, features, np.repeat(np.arange(n // 2), 2)[:n]


@pytest.fixture(scope="module")
def fitted():
    style, value, features, material = world(600, 0)
    return fit_calibration(style, value, material), fit_belt(features, style, value, material)


def ends(fitted, style, features, coverage):
    value = apply_calibration(fitted[0], style)
    below, above = Intervals(fitted[1], coverage).reach(value, features)
    return value - below, value + above


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_holds_the_stated_share(fitted, coverage):
    style, value, features, _ = world(4000, 1)
    low, high = ends(fitted, style, features, coverage)
    # What lies between true values that belong is in the interval too, so it is rather more.
    assert -0.03 < np.mean((low <= value) & (value <= high)) - coverage < 0.08


def test_holds_it_of_extreme_true_values_too(fitted):
    """Intervals as wide for all true values hold too few of the outer ones, towards which readings shrink."""
    rng = np.random.default_rng(7)

    def shrunken(n):
        value = rng.standard_normal(n)
        style = value + rng.standard_normal(n)
        features = difficulty_features(style[:, None], np.full((n, 1), 0.1), np.full(n, 0.02))[0]
        return style, value, features, np.arange(n)

    style, value, features, material = shrunken(1000)
    calibration, belt = fit_calibration(style, value, material), fit_belt(features, style, value, material)
    alike = Belt(belt.score_N, np.zeros(1), np.zeros(1, dtype=int), belt.mean_error, belt.nodes, belt.root_T)
    style, value, features, _ = shrunken(6000)
    outer = np.abs(value) > np.quantile(np.abs(value), 0.9)
    shares = []
    for one in (belt, alike):
        low, high = ends((calibration, one), style, features, 0.9)
        shares.append(np.mean(((low <= value) & (value <= high))[outer]))
    assert shares[0] > 0.85 and shares[1] < 0.7


def test_an_interval_is_all_that_belongs_to_it_by_brute_force(fitted):
    style, _, features, _ = world(40, 6)
    read = apply_calibration(fitted[0], style)
    low, high = ends(fitted, style, features, 0.9)
    grid = np.linspace(-12, 12, 48001)
    edge = np.interp(grid, fitted[1].knot_M, fitted[1].edges(0.9))
    for n, difficulty in enumerate(fitted[1].difficulty(features)):
        belongs = grid[np.abs(grid - read[n]) <= edge * difficulty]
        assert (low[n], high[n]) == pytest.approx((belongs[0], belongs[-1]), abs=0.002)


@pytest.mark.parametrize("coverage", [0.01, 0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_that_of_crepes_to_the_last_bit(coverage):
    with warnings.catch_warnings():  # the package changes what is shown
        from crepes import ConformalRegressor

        rng = np.random.default_rng(0)
        for n in (1, 2, 9, 10, 19, 20, 99, 100, 999):
            residual, difficulty = rng.standard_normal(n), rng.uniform(0.1, 2, n)
            theirs = ConformalRegressor().fit(residual, sigmas=difficulty)
            warnings.simplefilter("ignore")  # too few rows
            half = theirs.predict_int(np.zeros(1), sigmas=np.ones(1), confidence=coverage)[0, 1]
            ours = upper_quantile(np.abs(residual) / difficulty, coverage)
            assert ours == half or (np.isnan(ours) and np.isinf(half)), n


def test_is_as_wide_as_a_row_is_hard(fitted):
    style, _, features, _ = world(4000, 2)
    low, high = ends(fitted, style, features, 0.9)
    assert np.median((high - low)[features[:, 1] > 1]) > 3 * np.median((high - low)[features[:, 1] < -1])


def test_of_few_rows_is_not_known_rather_than_wrong():
    style, value, features, material = world(20, 3)
    belt = fit_belt(features, style, value, material)
    assert np.isfinite(Intervals(belt, 0.9).reach(value, features)).all()
    assert np.isnan(Intervals(belt, 0.99).reach(value, features)).all()  # needs 99 rows
    assert fit_belt(features[:9], style[:9], value[:9], material[:9]) is None
    assert np.isnan(Intervals(None, 0.9).reach(value, features)).all()


def test_unknown_values_do_not_calibrate():
    style, value, features, material = world(100, 4)
    unknown = value.copy()
    unknown[::4] = np.nan
    known = np.isfinite(unknown)
    with_gaps = fit_belt(features, style, unknown, material)
    without = fit_belt(features[known], style[known], value[known], material[known])
    np.testing.assert_array_equal(with_gaps.score_N, without.score_N)
    np.testing.assert_array_equal(with_gaps.knot_M, without.knot_M)


def test_a_material_does_not_calibrate_itself():
    """A material of a hundred rows, all off by 10: no other row tells, so they read strangely."""
    style, value, features, material = world(300, 5)
    value[:100] += 10
    material[:100] = 1000
    belt = fit_belt(features, style, value, material)
    assert float(belt.mean_error) > 2.5


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (lambda style: np.where(style > 0, 3.0, 2.0), 0.5),  # read exactly but at the border
        (lambda style: np.where(style > 0.97, 0.4, 0.0), 0.2),  # nearly always the same
    ],
)
def test_intervals_without_a_width_have_half_the_resolution(value, least):
    style = np.linspace(-1, 1, 400)
    value = value(style)
    features = difficulty_features(style[:, None], np.full((400, 1), 0.1), np.full(400, 0.02))[0]
    belt = fit_belt(features, style, value, np.arange(400))
    exact = Belt(0 * belt.score_N, belt.knot_M, belt.rank_M, belt.mean_error, belt.nodes, belt.root_T)
    for reach in Intervals(exact, 0.9, resolution_of(value)).reach(value, features):
        np.testing.assert_allclose(reach, least)


def test_the_resolution_is_no_floor_of_intervals_that_have_a_width(fitted):
    _, value, features, _ = world(600, 0)
    coarse = Intervals(fitted[1], 0.9, 1e3).reach(value, features)
    np.testing.assert_array_equal(coarse, Intervals(fitted[1], 0.9).reach(value, features))


def test_sets_hold_each_class_as_often_as_stated():
    rng = np.random.default_rng(8)

    def rows(n):
        value = rng.choice([1.0, 2.0, 3.0], n, p=[0.1, 0.8, 0.1])
        return (value + rng.normal(0, 0.5, n))[:, None], value, np.arange(n)

    styles, value, material = rows(1500)
    fitted = fit_class_probabilities(styles, value, [1, 2, 3])
    belt = fit_class_belt(fitted, styles, value, material, np.ones(len(value)))
    assert belt.counts.tolist() == [(value == one).sum() for one in (1, 2, 3)]
    styles, value, _ = rows(6000)
    alike = ClassBelt(belt.likelihood_N, np.array([len(belt.likelihood_N), 0, 0]))
    shares = []
    for one in (belt, alike):
        low, high = one.ends(fitted.classes, fitted.of(styles), 0.9)
        shares.append([np.mean(((low <= value) & (value <= high))[value == of]) for of in (1, 2, 3)])
    # The likeliest class always belongs, so that common ones are held rather more often.
    assert min(shares[0]) > 0.86 and max(shares[0]) < 0.99
    assert shares[1][0] < 0.8 and shares[1][2] < 0.8


def test_a_class_of_few_rows_of_which_one_read_badly_belongs_sooner():
    belt = ClassBelt(np.array([0.02, 0.9, *np.linspace(0.01, 1, 100)]), np.array([2, 100]))
    assert belt.least_likely(0.9)[0] == 0.02


def test_the_set_of_what_is_novel_makes_up_the_coverage():
    belt = ClassBelt(np.full(90, 0.99), np.full(3, 30))
    probability = np.array([[0.1, 0.56, 0.34], [0.02, 0.05, 0.93], [0.25, 0.5, 0.25]])
    classes, novel = np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool)
    assert list(zip(*belt.ends(classes, probability, 0.9, novel), strict=True)) == [(2, 3), (3, 3), (1, 3)]
    assert list(zip(*belt.ends(classes, probability, 0.9), strict=True)) == [(2, 2), (3, 3), (2, 2)]


def test_a_class_of_too_few_rows_takes_what_holds_of_all():
    belt = ClassBelt(np.array([0.5, *np.linspace(0.01, 1, 100)]), np.array([1, 100]))
    rare, common = belt.least_likely(0.9)
    assert common == pytest.approx(0.1) and rare == pytest.approx(common, abs=0.01)
    classes = np.array([4.0, 5.0])
    low, high = belt.ends(classes, np.array([[0.95, 0.05], [0.5, 0.5], [0.02, 0.98]]), 0.9)
    assert list(zip(low, high, strict=True)) == [(4, 4), (4, 5), (5, 5)]


def test_the_resolution_of_a_descriptor():
    assert resolution_of(np.array([3.0, 2.0, np.nan, 1.0, 3.0, 3.0])) == 1
    assert resolution_of(np.array([4.0, 4.0, np.nan])) == resolution_of(np.array([np.nan])) == 0
    assert 0 < resolution_of(np.random.default_rng(0).normal(size=1000)) < 0.01
