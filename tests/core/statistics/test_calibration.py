import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from rankaae_cli.core.statistics.calibration import (
    apply_calibration,
    calibrate_model,
    conformal_quantile,
    fit_calibration,
    half_width,
    novelty_thresholds,
)


def drawn(n=400, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    style = rng.normal(size=n)
    descriptor = np.exp(style) + noise * rng.normal(size=n)
    return style, descriptor, rng.integers(0, n // 4, n)


def test_monotone_relation_is_recovered():
    style, descriptor, groups = drawn(noise=0.0)
    calibration = fit_calibration(style, descriptor, groups)
    read = apply_calibration(calibration, style)
    np.testing.assert_allclose(read, descriptor, atol=1e-9)


def test_function_increases_and_is_constant_beyond_the_data():
    style, descriptor, groups = drawn(noise=0.5)
    calibration = fit_calibration(style, descriptor, groups)
    read = apply_calibration(calibration, np.linspace(-10, 10, 500))
    assert (np.diff(read) >= 0).all()
    assert read[0] == calibration["y"][0] and read[-1] == calibration["y"][-1]


def test_reversed_relation_gives_the_mean_not_a_decreasing_function():
    style, descriptor, groups = drawn()
    read = apply_calibration(fit_calibration(-style, descriptor, groups), -style)
    np.testing.assert_allclose(read, descriptor.mean(), rtol=0.2)


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_standardisation_of_the_style_does_not_matter(scale, shift):
    style, descriptor, groups = drawn(n=60)
    a = fit_calibration(style, descriptor, groups)
    b = fit_calibration(scale * style + shift, descriptor, groups)
    np.testing.assert_allclose(
        apply_calibration(a, style), apply_calibration(b, scale * style + shift), rtol=1e-4, atol=1e-4
    )
    assert a["half_width"] == pytest.approx(b["half_width"], rel=1e-3)


def test_interval_covers_new_rows():
    style, descriptor, groups = drawn(n=600, noise=0.4)
    calibration = fit_calibration(style, descriptor, groups)
    new_style, new_descriptor, _ = drawn(n=4000, noise=0.4, seed=1)
    inside = np.abs(apply_calibration(calibration, new_style) - new_descriptor) <= calibration["half_width"]
    assert 0.86 <= inside.mean() <= 0.94


def test_half_width_knows_that_sites_of_a_material_are_alike():
    # Style and descriptor are independent; the function could only learn materials by heart.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    style, descriptor = np.repeat(rng.normal(size=40), 10), np.repeat(rng.normal(size=40), 10)
    seen = fit_calibration(style, descriptor, np.arange(400))["half_width"]
    unseen = fit_calibration(style, descriptor, groups)["half_width"]
    assert unseen > 1.05 * seen


def test_unknown_rows_are_left_out():
    style, descriptor, groups = drawn()
    with_gaps = np.where(np.arange(400) % 3 == 0, np.nan, descriptor)
    known = np.isfinite(with_gaps)
    assert fit_calibration(style, with_gaps, groups) == fit_calibration(
        style[known], descriptor[known], groups[known]
    )


def test_too_few_known_rows_give_nothing_and_nothing_is_read():
    style, descriptor, groups = drawn()
    descriptor[9:] = np.nan
    calibration = fit_calibration(style, descriptor, groups)
    assert calibration is None
    assert np.isnan(apply_calibration(calibration, style)).all() and math.isnan(half_width(calibration))


@pytest.mark.parametrize("style", [np.zeros(20), np.arange(20.0)])
def test_one_material_and_constant_style_are_no_fault(style):
    calibration = fit_calibration(style, np.arange(20.0), np.zeros(20))
    assert np.isfinite(apply_calibration(calibration, style)).all()


@pytest.mark.parametrize(("n", "expected"), [(10, 10), (19, 18), (99, 90), (5, 5)])
def test_conformal_quantile_is_the_right_order_statistic(n, expected):
    assert conformal_quantile(np.random.default_rng(0).permutation(np.arange(1.0, n + 1)), 0.9) == expected


def test_novelty_thresholds_are_quantiles():
    assert novelty_thresholds(np.linspace(0, 1, 1001)) == pytest.approx({"unusual": 0.95, "outside": 0.995})


def test_model_calibration_has_trials_ensemble_and_holes_for_diverged_trials():
    rng = np.random.default_rng(0)
    descriptors = np.stack([rng.normal(size=50), np.full(50, np.nan)], axis=1)
    styles = np.repeat(np.nan_to_num(descriptors)[None], 3, axis=0)
    calibration = calibrate_model(
        styles,
        np.full((3, 50), 0.1),
        np.full(50, 0.1),
        descriptors,
        [f"m{i}" for i in range(50)],
        ("OS", "CN"),
        np.zeros((3, 2)),
        np.ones((3, 2)),
        np.array([True, False, True]),
    )
    assert [trial is None for trial in calibration["trials"]] == [False, True, False]
    for part in (calibration["ensemble"], calibration["trials"][0]):
        assert part["descriptors"]["CN"] is None and part["descriptors"]["OS"]["n"] == 50
        assert part["novelty"]["unusual"] == pytest.approx(0.1)


def test_a_continuous_calibration_has_slopes_where_others_have_steps():
    rng = np.random.default_rng(4)
    style = rng.standard_normal(400)
    value = 2 + np.clip(style, -1, 1) + 0.3 * rng.standard_normal(400)
    steps, slopes = (fit_calibration(style, value, np.arange(400), continuous=c) for c in (False, True))
    read = np.linspace(-0.9, 0.9, 200)
    assert (
        len(np.unique(apply_calibration(steps, read)))
        < len(np.unique(apply_calibration(slopes, read)))
        == 200
    )
    assert np.abs(apply_calibration(slopes, read) - (2 + read)).max() < 0.25
    assert (np.diff(slopes["x"]) > 0).all() and (np.diff(slopes["y"]) > 0).all()
    # Each knot is the mean of the styles on a step.
    level = IsotonicRegression(out_of_bounds="clip").fit(style, value).predict(style)
    assert slopes["x"] == pytest.approx([style[level == one].mean() for one in np.unique(level)])
