import numpy as np
import pytest

from rankaae_cli.core.traversal import draw_rows, response_correlation, traverse_style

RNG = np.random.default_rng(0)
ENERGY = np.linspace(0, 1, 30)
STYLES = np.stack([RNG.normal(size=(200, 3)), 2 * RNG.normal(size=(200, 3)) + 1])


def linear(styles_TDS):
    """Spectra that respond to style 0 with a peak and to style 1 with a slope."""
    peak = np.exp(-((ENERGY - 0.5) ** 2) / 0.01)
    return styles_TDS[..., :1] * peak + styles_TDS[..., 1:2] * ENERGY + 1


def test_levels_are_the_percentiles_of_each_trial():
    walk = traverse_style(linear, STYLES, 0, np.arange(50))
    assert walk.percentiles.tolist() == [5, 14, 23, 32, 41, 50, 59, 68, 77, 86, 95]
    np.testing.assert_allclose(walk.level_TL[1], np.percentile(STYLES[1, :, 0], walk.percentiles))


def test_response_of_a_known_decoder_with_the_others_averaged():
    rows = np.arange(80)
    walk = traverse_style(linear, STYLES, 0, rows)
    span = walk.level_TL[:, -1] - walk.level_TL[:, 0]
    peak = np.exp(-((ENERGY - 0.5) ** 2) / 0.01)
    np.testing.assert_allclose(walk.difference_TE, span[:, None] * peak, atol=1e-5)
    middle = walk.level_TL[:, 5:6] * peak + STYLES[:, rows, 1].mean(axis=1)[:, None] * ENERGY + 1
    np.testing.assert_allclose(walk.spectra_TLE[:, 5], middle, atol=1e-5)
    assert response_correlation(walk.difference_TE[0], peak) == pytest.approx(1)


def test_styles_without_an_effect_give_no_difference_and_interactions_a_band():
    none = traverse_style(linear, STYLES, 2, np.arange(50))
    assert np.abs(none.difference_TE).max() < 1e-6
    product = traverse_style(lambda z: z[..., :1] * z[..., 1:2] * np.ones(4), STYLES, 0, np.arange(200))
    assert (product.draws_low_TE < -1).all() and (product.draws_high_TE > 1).all()


def test_other_styles_stay_together_and_inputs_are_not_changed():
    seen = []

    def decode(styles_TDS):
        seen.append(styles_TDS.copy())
        return np.zeros((*styles_TDS.shape[:2], 4))

    before = STYLES.copy()
    traverse_style(decode, STYLES, 1, np.array([3, 8]), levels=3)
    assert len(seen) == 3 and (before == STYLES).all()
    for styles in seen:
        np.testing.assert_allclose(styles[:, :, [0, 2]], STYLES[:, [3, 8]][:, :, [0, 2]], rtol=1e-6)
        assert np.ptp(styles[:, :, 1], axis=1).max() == 0


def test_draws_are_repeatable_and_without_repetition_where_there_are_enough():
    assert (draw_rows(600, 500, 1) == draw_rows(600, 500, 1)).all()
    assert len(set(draw_rows(600, 500, 1))) == 500
    assert len(draw_rows(20, 500, 1)) == 500 and draw_rows(20, 500, 1).max() < 20


def test_correlation_with_an_unknown_or_constant_response_is_nan():
    wave = np.sin(ENERGY)
    assert response_correlation(wave, -wave) == pytest.approx(-1)
    assert np.isnan(response_correlation(wave, np.full(30, np.nan)))
    assert np.isnan(response_correlation(wave, np.zeros(30)))
