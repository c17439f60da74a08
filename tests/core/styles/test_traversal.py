import numpy as np
import pytest

from rankaae_cli.core.styles.traversal import (
    draw_rows,
    draw_styles,
    interaction_share,
    largest_step,
    mean_response,
    response_correlation,
    stability,
    traverse_pair,
    traverse_style,
)

RNG = np.random.default_rng(0)
ENERGY = np.linspace(0, 1, 30)
STYLES = np.stack([RNG.normal(size=(200, 3)), 2 * RNG.normal(size=(200, 3)) + 1])
PEAK = np.exp(-((ENERGY - 0.5) ** 2) / 0.01)


def linear(styles_TDS):
    """Spectra that respond to style 0 with a peak and to style 1 with a slope."""
    return styles_TDS[..., :1] * PEAK + styles_TDS[..., 1:2] * ENERGY + 1


def test_levels_are_the_percentiles_of_each_trial():
    walk = traverse_style(linear, STYLES, 0, STYLES[:, :50])
    assert walk.percentiles.tolist() == [5, 14, 23, 32, 41, 50, 59, 68, 77, 86, 95]
    np.testing.assert_allclose(walk.level_TL[1], np.percentile(STYLES[1, :, 0], walk.percentiles))


def test_response_of_a_known_decoder_with_the_others_averaged():
    rows = np.arange(80)
    walk = traverse_style(linear, STYLES, 0, STYLES[:, rows])
    span = walk.level_TL[:, -1] - walk.level_TL[:, 0]
    np.testing.assert_allclose(walk.difference_TE, span[:, None] * PEAK, atol=1e-5)
    middle = walk.level_TL[:, 5:6] * PEAK + STYLES[:, rows, 1].mean(axis=1)[:, None] * ENERGY + 1
    np.testing.assert_allclose(walk.spectra_TLE[:, 5], middle, atol=1e-5)
    assert response_correlation(walk.difference_TE[0], PEAK) == pytest.approx(1)


def test_styles_without_an_effect_give_no_difference_and_interactions_a_band():
    none = traverse_style(linear, STYLES, 2, STYLES[:, :50])
    assert np.abs(none.difference_TE).max() < 1e-6
    product = traverse_style(lambda z: z[..., :1] * z[..., 1:2] * np.ones(4), STYLES, 0, STYLES)
    mean = mean_response(product, np.array([True, False]))
    assert (mean.draws_low_E < -1).all() and (mean.draws_high_E > 1).all()
    np.testing.assert_allclose(mean.draws_high_E, np.percentile(product.draws_TDE[0], 95, axis=0), rtol=1e-6)
    assert np.isnan(mean.trials_low_E).all()


def test_other_styles_stay_together_and_inputs_are_not_changed():
    seen = []

    def decode(styles_TDS):
        seen.append(styles_TDS.copy())
        return np.zeros((*styles_TDS.shape[:2], 4))

    before = STYLES.copy()
    traverse_style(decode, STYLES, 1, STYLES[:, [3, 8]], levels=3)
    assert len(seen) == 3 and (before == STYLES).all()
    for styles in seen:
        np.testing.assert_allclose(styles[:, :, [0, 2]], STYLES[:, [3, 8]][:, :, [0, 2]], rtol=1e-6)
        assert np.ptp(styles[:, :, 1], axis=1).max() == 0


def test_others_come_from_rows_kept_together_or_are_independent():
    drawn = draw_styles(STYLES, 50, 0)
    rows = draw_rows(200, 50, 0)
    np.testing.assert_array_equal(drawn, STYLES[:, rows].astype(np.float32))
    independent = draw_styles(STYLES, 20_000, 0, "independent")
    assert independent.shape == (2, 20_000, 3) and (independent[0] == independent[1]).all()
    np.testing.assert_allclose(np.cov(independent[1].T), np.eye(3), atol=0.05)
    assert (independent == draw_styles(STYLES, 20_000, 0, "independent")).all()


def test_mean_over_trials_has_its_range_and_leaves_others_out():
    walk = traverse_style(linear, STYLES, 0, STYLES[:, :50])
    mean = mean_response(walk, np.array([True, True]))
    assert mean.n_trials == 2
    np.testing.assert_allclose(mean.difference_E, walk.difference_TE.mean(axis=0))
    np.testing.assert_allclose(mean.difference_E, mean.spectra_LE[-1] - mean.spectra_LE[0], atol=1e-9)
    np.testing.assert_array_equal(mean.trials_low_E, walk.difference_TE.min(axis=0))
    np.testing.assert_array_equal(mean.trials_high_E, walk.difference_TE.max(axis=0))
    alone = mean_response(walk, np.array([False, True]))
    np.testing.assert_allclose(alone.difference_E, walk.difference_TE[1])


def test_stability():
    same = stability(np.stack([PEAK, 2 * PEAK, 3 * PEAK]))
    assert same["pearson_with_the_others"] == pytest.approx([1, 1, 1])
    assert same["relative_spread"] == pytest.approx(0.5)
    odd = stability(np.stack([PEAK, PEAK, -PEAK]))
    assert odd["pearson_with_the_others"][2] == pytest.approx(-1)
    assert np.isnan(stability(PEAK[None])["relative_spread"])


def test_largest_step():
    spectra = np.array([0.0, 0.1, 0.7, 0.8])[:, None] * PEAK
    step = largest_step(spectra, np.array([5.0, 35, 65, 95]))
    assert step == {"share": pytest.approx(0.75), "from": 35, "to": 65}
    assert np.isnan(largest_step(np.ones((3, 4)), np.array([5.0, 50, 95]))["share"])


def test_plane_of_two_styles_and_their_interaction():
    levels = np.array([[-1.0, 0, 1], [-2.0, 0, 2]])
    plane = traverse_pair(linear, STYLES[:, :40], (0, levels), (1, levels[:, ::-1]))
    assert plane.shape == (3, 3, 30) and interaction_share(plane) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(plane[2, 0], 1 + 1.5 * PEAK + 1.5 * ENERGY, atol=1e-6)

    def product(z):
        return z[..., :1] * z[..., 1:2] * np.ones(4)

    assert interaction_share(
        traverse_pair(product, STYLES[:, :40], (0, levels), (1, levels))
    ) == pytest.approx(1)
    assert np.isnan(interaction_share(np.ones((3, 3, 4))))


def test_interaction_of_one_quantity_is_none_in_a_sum_and_known_in_a_product():
    a, b = np.array([1.0, 2, 4]), np.array([0.5, 1, 3, 4])
    assert interaction_share(np.add.outer(a**2, b)) == pytest.approx(0, abs=1e-12)
    # Of a product of independent factors: Goodman, J. Am. Stat. Assoc. 55, 708 (1960).
    own = b.mean() ** 2 * a.var() + a.mean() ** 2 * b.var()
    both = a.var() * b.var()
    assert interaction_share(np.multiply.outer(a, b)) == pytest.approx(both / (own + both))
    # What varies less than single precision resolves has no share, nor has what is not known somewhere.
    assert np.isnan(interaction_share(7120 + 1e-7 * np.multiply.outer(a, b)))
    assert np.isnan(interaction_share(np.where(np.eye(3, 4) > 0, np.nan, np.add.outer(a, b))))


def test_draws_are_repeatable_and_without_repetition_where_there_are_enough():
    assert (draw_rows(600, 500, 1) == draw_rows(600, 500, 1)).all()
    assert len(set(draw_rows(600, 500, 1))) == 500
    assert len(draw_rows(20, 500, 1)) == 500 and draw_rows(20, 500, 1).max() < 20


def test_correlation_with_an_unknown_or_constant_response_is_nan():
    wave = np.sin(ENERGY)
    assert response_correlation(wave, -wave) == pytest.approx(-1)
    assert np.isnan(response_correlation(wave, np.full(30, np.nan)))
    assert np.isnan(response_correlation(wave, np.zeros(30)))
