import warnings

import numpy as np
import pytest

from rankaae_cli.core.statistics.calibration import apply_calibration, fit_calibration
from rankaae_cli.core.statistics.conformal import (
    Intervals,
    calibrate_intervals,
    difficulty_features,
    normalised_quantile,
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


@pytest.fixture(scope="module")
def fitted():
    style, value, features, material = world(600, 0)
    return fit_calibration(style, value, material), Intervals(
        calibrate_intervals(features, style, value, material)
    )


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_holds_the_stated_share(fitted, coverage):
    style, value, features, _ = world(4000, 1)
    off = np.abs(value - apply_calibration(fitted[0], style))
    assert np.mean(off <= fitted[1].half_width(features, coverage)) == pytest.approx(coverage, abs=0.03)


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
            ours = normalised_quantile(residual, difficulty, coverage)
            assert ours == half or (np.isnan(ours) and np.isinf(half)), n


def test_is_as_wide_as_a_row_is_hard(fitted):
    style, value, features, _ = world(4000, 2)
    half = fitted[1].half_width(features, 0.9)
    off = np.abs(value - apply_calibration(fitted[0], style))
    one_width = np.quantile(off, 0.9)
    hard = features[:, 1] > 1
    assert np.median(half[hard]) > 3 * np.median(half[features[:, 1] < -1])
    assert half.mean() < 0.9 * one_width
    # One width holds too few of the hard rows.
    assert np.mean(off[hard] <= half[hard]) > np.mean(off[hard] <= one_width) + 0.1


def test_of_few_rows_is_not_known_rather_than_wrong():
    style, value, features, material = world(20, 3)
    intervals = Intervals(calibrate_intervals(features, style, value, material))
    assert np.isfinite(intervals.half_width(features, 0.9)).all()
    assert np.isnan(intervals.half_width(features, 0.99)).all()  # needs 99 rows
    assert calibrate_intervals(features[:9], style[:9], value[:9], material[:9]) is None
    assert np.isnan(Intervals(None).half_width(features, 0.9)).all()


def test_unknown_values_do_not_calibrate():
    style, value, features, material = world(100, 4)
    unknown = value.copy()
    unknown[::4] = np.nan
    with_gaps = calibrate_intervals(features, style, unknown, material)
    known = np.isfinite(unknown)
    without = calibrate_intervals(features[known], style[known], value[known], material[known])
    np.testing.assert_array_equal(with_gaps.residual_N, without.residual_N)
    np.testing.assert_array_equal(with_gaps.difficulty_N, without.difficulty_N)


def test_a_material_does_not_calibrate_itself():
    """A material of a hundred rows, all off by 10: no other row tells, so its residuals stay 10."""
    style, value, features, material = world(300, 5)
    value[:100] += 10
    material[:100] = 1000
    rows = calibrate_intervals(features, style, value, material)
    assert np.median(rows.residual_N[:100]) > 8


def test_a_descriptor_that_is_read_exactly_has_narrow_intervals():
    style = np.linspace(-1, 1, 60)
    features = difficulty_features(style[:, None], np.full((60, 1), 0.1), np.full(60, 0.02))[0]
    half = Intervals(calibrate_intervals(features, style, np.ones(60), np.arange(60))).half_width(
        features, 0.9
    )
    assert half.max() < 1e-6


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
    rows = calibrate_intervals(features, style, value, np.arange(400))
    assert Intervals(rows).half_width(features, 0.9).max() < least / 5
    np.testing.assert_allclose(Intervals(rows, resolution_of(value)).half_width(features, 0.9), least)


def test_the_resolution_is_no_floor_of_intervals_that_have_a_width(fitted):
    style, value, features, material = world(600, 0)
    rows = calibrate_intervals(features, style, value, material)
    coarse = Intervals(rows, 100.0).half_width(features, 0.9)
    np.testing.assert_array_equal(coarse, fitted[1].half_width(features, 0.9))


def test_the_resolution_of_a_descriptor():
    assert resolution_of(np.array([3.0, 2.0, np.nan, 1.0, 3.0, 3.0])) == 1
    assert resolution_of(np.array([4.0, 4.0, np.nan])) == resolution_of(np.array([np.nan])) == 0
    assert 0 < resolution_of(np.random.default_rng(0).normal(size=1000)) < 0.01
