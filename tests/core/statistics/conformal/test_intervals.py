from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.statistics.calibration import apply_calibration, fit_calibration
from rankaae_cli.core.statistics.conformal.intervals import (
    Intervals,
    difficulty_features,
    fit_belt,
    resolution_of,
)


def world(n, seed):
    """Two styles; the descriptor follows the first, with a noise that the second tells."""
    rng = np.random.default_rng(seed)
    styles = rng.standard_normal((n, 2))
    noise = 0.15 * np.exp(styles[:, 1])
    value = styles[:, 0] + noise * rng.standard_normal(n)
    features = difficulty_features(styles, np.full((n, 2), 0.1), np.full(n, 0.02))[0]
    return styles[:, 0], value, features, np.repeat(np.arange(n // 2), 2)[:n]


def rows_of_world(n):
    style, value, features, material = world(n, 0)
    return features, style, value, material


@pytest.fixture(scope="module")
def fitted():
    style, value, features, material = world(600, 0)
    return fit_calibration(style, value, material), fit_belt(features, style, value, material)


def ends(fitted, style, features, coverage):
    value = apply_calibration(fitted[0], style)
    below, above = Intervals(fitted[1], coverage).reach(value, features)
    return value - below, value + above


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_holds_the_stated_share(fitted, coverage):
    style, value, features, _ = world(4000, 1)
    low, high = ends(fitted, style, features, coverage)
    # What lies between true values that belong is in the interval too, so it may be rather more.
    assert -0.03 < np.mean((low <= value) & (value <= high)) - coverage < (0.08 if coverage < 0.6 else 0.03)


def test_what_lies_between_does_not_widen_intervals(fitted):
    """Readings that also hold what lies between values that belong: asking less of each makes up for it."""
    calibration, belt = fitted
    style, value, features, _ = world(4000, 1)
    shares, widths = [], []
    for one in (belt, replace(belt, shares=np.empty(0))):
        low, high = ends((calibration, one), style, features, 0.9)
        shares.append(np.mean((low <= value) & (value <= high)))
        widths.append(np.mean(high - low))
    assert shares[0] < shares[1] and widths[0] < widths[1]


def test_few_rows_do_not_adapt_what_is_asked():
    assert fit_belt(*rows_of_world(98)).shares.shape == (0,)
    belt = fit_belt(*rows_of_world(100))
    assert (np.diff(belt.shares) > -0.03).all() and belt.shares[0] < 0.6 and belt.shares[-1] > 0.95
    # No more is asked than is stated, whatever the rows say.
    never = replace(belt, shares=np.zeros(len(belt.shares)))
    assert (belt.edges(0.8) <= never.edges(0.8)).all() and np.isfinite(never.edges(0.8)).all()


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
    none, zero = np.zeros(1), np.zeros(1, dtype=int)
    alike = replace(belt, knot_M=none, rank_M=zero, shares=np.empty(0))
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
    exact = replace(belt, score_N=0 * belt.score_N)
    for reach in Intervals(exact, 0.9, resolution_of(value)).reach(value, features):
        np.testing.assert_allclose(reach, least)


def test_the_resolution_is_no_floor_of_intervals_that_have_a_width(fitted):
    _, value, features, _ = world(600, 0)
    coarse = Intervals(fitted[1], 0.9, 1e3).reach(value, features)
    np.testing.assert_array_equal(coarse, Intervals(fitted[1], 0.9).reach(value, features))


def test_the_resolution_of_a_descriptor():
    assert resolution_of(np.array([3.0, 2.0, np.nan, 1.0, 3.0, 3.0])) == 1
    assert resolution_of(np.array([4.0, 4.0, np.nan])) == resolution_of(np.array([np.nan])) == 0
    assert 0 < resolution_of(np.random.default_rng(0).normal(size=1000)) < 0.01
