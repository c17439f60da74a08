"""Walks along a style: local differences of real rows, added up."""

import numpy as np
import pytest

from rankaae_cli.core.styles.traversal import response_correlation
from rankaae_cli.core.styles.walk import mean_response, traverse_style, walk_points

RNG = np.random.default_rng(0)
ENERGY = np.linspace(0, 1, 30)
STYLES = np.stack([RNG.normal(size=(200, 3)), 2 * RNG.normal(size=(200, 3)) + 1])
PEAK = np.exp(-((ENERGY - 0.5) ** 2) / 0.01)
# Style 1 goes with style 0, as descriptors of a material do.
COUPLED = RNG.multivariate_normal([0, 0, 0], [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], size=2000)[None]


def linear(styles_TDS):
    """Spectra that respond to style 0 with a peak and to style 1 with a slope."""
    return styles_TDS[..., :1] * PEAK + styles_TDS[..., 1:2] * ENERGY + 1


def along(decode, styles_TNS=STYLES, style=0, others="data", draws=500):
    return traverse_style(decode, walk_points(styles_TNS, style, 11, draws, 0, others))


def test_levels_are_the_percentiles_of_each_trial():
    walk = along(linear, COUPLED)
    assert walk.percentiles.tolist() == [5, 14, 23, 32, 41, 50, 59, 68, 77, 86, 95]
    np.testing.assert_allclose(walk.level_TL[0], np.percentile(COUPLED[0, :, 0], walk.percentiles))


@pytest.mark.parametrize("others", ["data", "independent"])
def test_a_style_alone_is_walked_however_it_goes_with_others(others):
    walk = along(linear, COUPLED, others=others)
    np.testing.assert_allclose(walk.difference_TE, np.ptp(walk.level_TL) * PEAK[None], atol=1e-5)
    steps = np.diff(walk.level_TL[0])[:, None] * PEAK
    np.testing.assert_allclose(np.diff(walk.spectra_TLE[0], axis=0), steps, atol=1e-5)


def test_a_decoder_that_is_wrong_where_no_data_are_is_not_asked_there():
    def decode(styles_TDS):
        away = np.abs(styles_TDS[..., :1] - styles_TDS[..., 1:2]) > 2  # more than four standard deviations
        return np.where(away, 50 * ENERGY, styles_TDS[..., :1] * PEAK)

    assert response_correlation(along(decode, COUPLED).difference_TE[0], PEAK) > 0.999
    far = along(decode, COUPLED, others="independent")
    assert response_correlation(far.difference_TE[0], PEAK) < 0.9


def test_the_response_of_an_interaction_is_that_of_the_rows_that_have_the_value():
    # d/dz0 of z0 z1 is z1, which is 0.9 z0 on average among these: the integral of 0.9 z0.
    walk = along(lambda z: z[..., :1] * z[..., 1:2] * np.ones(4), COUPLED)
    expected = 0.45 * walk.level_TL[0] ** 2
    np.testing.assert_allclose(
        walk.spectra_TLE[0, :, 0] - walk.spectra_TLE[0, 5, 0], expected - expected[5], atol=0.08
    )


def test_independent_others_give_the_mean_decoded_spectra():
    points = walk_points(STYLES, 0, 5, 40, 3, "independent")
    normal = np.random.default_rng(3).standard_normal((40, 3))

    def curved(z):
        return np.sin(z[..., :1]) * PEAK + z[..., :1] * z[..., 1:2] * ENERGY

    walk = traverse_style(curved, points)
    for level in range(5):
        placed = np.repeat(normal[None], 2, axis=0)
        placed[:, :, 0] = walk.level_TL[:, level, None]
        np.testing.assert_allclose(walk.spectra_TLE[:, level], curved(placed).mean(axis=1), atol=1e-5)


def test_a_step_takes_the_rows_that_lie_in_it_and_moves_one_style_to_its_ends():
    points = walk_points(COUPLED, 0, 11, 500, 0)
    before = COUPLED.copy()
    assert points.shown == 5 and len(points.others_MTDS) == 50
    for step in (0, 20, 49):
        rows, (low, high) = points.rows_MTD[step, 0], points.ends(step)
        ends = points.level_TL[0, step : step + 2]
        assert (low[0, :, 0] == np.float32(ends[0])).all() and (high[0, :, 0] == np.float32(ends[1])).all()
        for end in (low, high):
            np.testing.assert_allclose(end[0, :, 1:], COUPLED[0, rows, 1:], rtol=1e-6)
        inside = (ends[0] <= COUPLED[0, :, 0]) & (COUPLED[0, :, 0] <= ends[1])
        assert np.isin(rows, np.flatnonzero(inside)).mean() > 0.9 and len(rows) >= inside.sum() - 2
    assert (before == COUPLED).all()


@pytest.mark.parametrize(("n", "draws"), [(7, 500), (60, 500), (2000, 30)])
def test_few_rows_and_few_draws(n, draws):
    points = walk_points(COUPLED[:, :n], 0, 11, draws, 0)
    steps, _, rows, _ = points.others_MTDS.shape
    assert steps % 10 == 0 and 1 <= rows <= min(n, max(20, draws))
    walk = traverse_style(linear, points)
    np.testing.assert_allclose(walk.difference_TE, np.ptp(walk.level_TL) * PEAK[None], atol=1e-5)


def test_styles_without_an_effect_give_no_difference_and_interactions_a_band():
    none = along(linear, style=2)
    assert np.abs(none.difference_TE).max() < 1e-6
    mean = mean_response(along(lambda z: z[..., :1] * z[..., 1:2] * np.ones(4)), np.array([True, False]))
    assert (mean.draws_low_E < -1).all() and (mean.draws_high_E > 1).all()
    assert np.isnan(mean.trials_low_E).all()


def test_mean_over_trials_has_its_range_and_leaves_others_out():
    walk = along(linear)
    mean = mean_response(walk, np.array([True, True]))
    assert mean.n_trials == 2
    np.testing.assert_allclose(mean.difference_E, walk.difference_TE.mean(axis=0))
    np.testing.assert_allclose(mean.difference_E, mean.spectra_LE[-1] - mean.spectra_LE[0], atol=1e-9)
    np.testing.assert_array_equal(mean.trials_low_E, walk.difference_TE.min(axis=0))
    np.testing.assert_array_equal(mean.trials_high_E, walk.difference_TE.max(axis=0))
    alone = mean_response(walk, np.array([False, True]))
    np.testing.assert_allclose(alone.difference_E, walk.difference_TE[1])
