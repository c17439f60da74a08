import numpy as np
import pytest

from rankaae_cli.core.styles.traversal import (
    draw_rows,
    draw_styles,
    interaction_share,
    largest_step,
    response_correlation,
    stability,
    traverse_pair,
)

RNG = np.random.default_rng(0)
ENERGY = np.linspace(0, 1, 30)
STYLES = np.stack([RNG.normal(size=(200, 3)), 2 * RNG.normal(size=(200, 3)) + 1])
PEAK = np.exp(-((ENERGY - 0.5) ** 2) / 0.01)


def linear(styles_TDS):
    """Spectra that respond to style 0 with a peak and to style 1 with a slope."""
    return styles_TDS[..., :1] * PEAK + styles_TDS[..., 1:2] * ENERGY + 1


def test_others_come_from_rows_kept_together_or_are_independent():
    drawn = draw_styles(STYLES, 50, 0)
    rows = draw_rows(200, 50, 0)
    np.testing.assert_array_equal(drawn, STYLES[:, rows].astype(np.float32))
    independent = draw_styles(STYLES, 20_000, 0, "independent")
    assert independent.shape == (2, 20_000, 3) and (independent[0] == independent[1]).all()
    np.testing.assert_allclose(np.cov(independent[1].T), np.eye(3), atol=0.05)
    assert (independent == draw_styles(STYLES, 20_000, 0, "independent")).all()


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
