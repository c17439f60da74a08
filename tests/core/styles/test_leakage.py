import numpy as np
import pytest

from rankaae_cli.core.styles.leakage import (
    largest_off_diagonal,
    leakage_matrix,
    per_walked,
    reading_change,
    strongest_leak,
)
from rankaae_cli.core.styles.walk import walk_points

RNG = np.random.default_rng(0)
SCALE = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 1.0]])
STYLES = RNG.normal(size=(2, 400, 3)) * SCALE[:, None] + 1
STD = STYLES.std(axis=1)
ROWS = np.arange(60)
MIX = RNG.normal(size=(3, 12))


def decode(styles_TDS):
    return styles_TDS @ MIX


def encode(spectra_TDE):
    return spectra_TDE @ np.linalg.pinv(MIX)


def test_a_faithful_model_does_not_leak():
    leakage = leakage_matrix(encode, decode, STYLES, ROWS, STD)
    assert leakage.shape == (2, 3, 3)
    np.testing.assert_allclose(leakage, np.stack([np.eye(3)] * 2), atol=1e-5)


def test_a_linear_mixture_leaks_by_its_coefficients_in_standard_deviations():
    mixture = np.array([[0.9, 0.4, 0.0], [0.0, 1.0, -0.3], [0.0, 0.0, 0.0]])  # walked, moved
    leakage = leakage_matrix(lambda x: encode(x) @ mixture, decode, STYLES, ROWS, STD)
    expected = np.abs(mixture) * STD[:, :, None] / STD[:, None, :]
    np.testing.assert_allclose(leakage, expected, atol=1e-5)


def test_an_interaction_shows_although_it_cancels_on_average():
    def encode_product(spectra):
        styles = encode(spectra)
        styles[..., 2] = (styles[..., 0] - 1) * (styles[..., 1] - 1)
        return styles

    leakage = leakage_matrix(encode_product, decode, STYLES, np.arange(400), STD)
    expected = np.abs(STYLES[..., 1] - 1).mean(axis=1) * STD[:, 0] / STD[:, 2]
    np.testing.assert_allclose(leakage[:, 0, 2], expected, rtol=1e-4)


def test_trials_keep_to_themselves_and_the_walk_is_from_the_5th_to_the_95th_percentile():
    seen = []

    def look(styles_TDS):
        seen.append(styles_TDS.copy())
        return decode(styles_TDS)

    before = STYLES.copy()
    leakage_matrix(encode, look, STYLES, np.array([3, 8]), STD)
    assert len(seen) == 6 and (before == STYLES).all()
    for walk, styles in enumerate(seen):
        k, end = divmod(walk, 2)
        level = np.percentile(STYLES[:, :, k], [5, 95][end], axis=1)
        np.testing.assert_allclose(styles[:, :, k], np.stack([level] * 2, axis=1), rtol=1e-5)
        others = [s for s in range(3) if s != k]
        np.testing.assert_allclose(styles[:, :, others], STYLES[:, [3, 8]][:, :, others], rtol=1e-5)


def test_a_constant_style_is_nan_and_the_rest_stands():
    styles = STYLES.copy()
    styles[0, :, 1] = 2
    leakage = leakage_matrix(encode, decode, styles, ROWS, styles.std(axis=1))
    assert np.isnan(leakage[0, 1]).all() and np.isnan(leakage[0, :, 1]).all()
    assert leakage[0, 0, 0] == pytest.approx(1, abs=1e-5) and np.isfinite(leakage[1]).all()


def test_the_strongest_leak_is_beside_the_diagonal_and_known():
    matrix = np.array([[9.0, 0.1, np.nan], [0.3, 9.0, 0.2], [np.nan, 0.0, 9.0]])
    assert strongest_leak(matrix) == (1, 0) and largest_off_diagonal(matrix) == 0.3
    assert matrix[0, 0] == 9  # what is given stays as it was
    assert strongest_leak(np.ones((1, 1))) is None
    assert np.isnan(largest_off_diagonal(np.full((2, 2), np.nan)))


def test_a_reader_sees_what_the_decoder_takes_along():
    points = walk_points(STYLES, 0, 11, 500, 0)
    span = points.level_TL[:, -1] - points.level_TL[:, 0]
    # The decoder puts 0.3 of style 0 into what makes style 2.
    mixed = np.eye(3) + 0.3 * np.outer([1, 0, 0], [0, 0, 1])
    change = reading_change(lambda z: z @ mixed @ MIX, encode, points, np.array([True, True]))
    np.testing.assert_allclose(change, span[:, None] * [1, 0, 0.3], atol=1e-5)
    assert reading_change(decode, encode, points, np.array([False, True])).shape == (1, 3)
    np.testing.assert_allclose(per_walked(change, 0)[1], [1, 0, 0.3], atol=1e-5)
    assert np.isnan(per_walked(np.array([0.05, 1.0]), 0)).all()
