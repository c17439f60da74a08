"""Slopes of spectra with descriptors, and what chance gives, on numbers whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from rankaae_cli.core.styles.slopes import contrasts_by_chance, design, reading, slope
from rankaae_cli.data.family.synthetic import synthetic_family

NAMES = ("OS", "CN", "OCN", "NNRS", "MOOD")
PEAK = np.exp(-(np.linspace(-3, 3, 30) ** 2))


def materials_of(rng, count=150, most=4):
    """Return the name of each row's material: `count` materials of one to `most` rows."""
    return np.repeat([f"m-{i}" for i in range(count)], rng.integers(1, most + 1, count))


def of_materials(rng, material_N, within=0.3):
    """Return values that the rows of a material share but for a part."""
    _, number_N = np.unique(material_N, return_inverse=True)
    return rng.normal(size=number_N.max() + 1)[number_N] + within * rng.normal(size=len(material_N))


def test_the_slope_is_the_coefficient_of_least_squares():
    rng = np.random.default_rng(0)
    material_N = materials_of(rng)
    a, b = of_materials(rng, material_N), of_materials(rng, material_N)
    c = rng.choice([4.0, 5, 6], len(a))
    descriptors = np.column_stack([a + 0.7 * b, b, c])
    descriptors[::9, 1] = np.nan
    spectra = rng.normal(size=(len(a), 30)) + np.outer(a, PEAK) + np.outer(b**2, 1 - PEAK)
    given = design(descriptors, 0, material_N, {2: (4, 5, 6)})
    known = np.isfinite(descriptors[:, 1])
    np.testing.assert_array_equal(given.rows, np.flatnonzero(known))
    assert given.held_equal == (1, 2)
    columns = [
        descriptors[known, 0],
        np.ones(known.sum()),
        b[known],
        b[known] ** 2,
        c[known] == 5,
        c[known] == 6,
    ]
    expected = np.linalg.lstsq(np.column_stack(columns).astype(float), spectra[known], rcond=None)[0][0]
    found = slope(spectra[known], given)
    np.testing.assert_allclose(found.slope_E, expected, atol=1e-10)
    low_E, high_E = found.band()
    assert ((low_E < expected) & (expected < high_E)).all()
    # The bootstrap is that of the same regression.
    spread = found.resampled_slope.std(axis=0)
    assert spread == pytest.approx(np.full(30, 1 / np.sqrt((given.left_n**2).sum())), rel=0.4)


def test_errors_of_the_style_do_not_change_the_slope():
    rng = np.random.default_rng(1)
    material_N = materials_of(rng, 600)
    descriptor = of_materials(rng, material_N)
    style = descriptor + 1.5 * rng.normal(size=len(descriptor))  # reads it at 0.56
    decoded = 1 + np.outer(style, 0.3 * PEAK)
    given = design(descriptor[:, None], 0, material_N)
    found = slope(decoded, given)
    assert found.slope_E == pytest.approx(0.3 * PEAK, rel=0.15)
    spread_E = found.resampled_slope.std(axis=0)
    assert (np.abs(found.slope_E - 0.3 * PEAK) < 3 * spread_E).all()
    # What the calibrated range gives instead is too large by the share of the style that is error.
    calibrated = np.polyval(np.polyfit(style, descriptor, 1), style)
    assert np.polyfit(calibrated, decoded[:, 15], 1)[0] > 2.5 * 0.3 * PEAK[15]


def test_significance_is_as_rare_as_it_says_where_rows_of_a_material_are_alike():
    rng = np.random.default_rng(2)
    material_N = materials_of(rng, 40, 6)
    anywhere, share = [], []
    for _ in range(60):
        descriptors = np.column_stack([of_materials(rng, material_N, 0.1) for _ in range(2)])
        shape = rng.normal(size=(3, 30)).cumsum(axis=1)
        spectra = np.column_stack([of_materials(rng, material_N, 0.1) for _ in range(3)]) @ shape
        significant_E = slope(spectra, design(descriptors, 0, material_N)).significant_E
        anywhere.append(significant_E.any())
        share.append(significant_E.mean())
    assert np.mean(anywhere) <= 0.15 and np.mean(share) < 0.06


def test_a_response_is_significant_where_it_is():
    rng = np.random.default_rng(3)
    material_N = materials_of(rng)
    descriptor = of_materials(rng, material_N)
    spectra = np.outer(descriptor, PEAK) + 0.5 * rng.normal(size=(len(descriptor), 30))
    significant_E = slope(spectra, design(descriptor[:, None], 0, material_N)).significant_E
    assert significant_E[PEAK > 0.5].all() and not significant_E[PEAK < 1e-3].any()
    nothing = slope(np.ones((len(descriptor), 30)), design(descriptor[:, None], 0, material_N))
    assert not nothing.significant_E.any() and nothing.slope_E == pytest.approx(np.zeros(30))


def test_no_slope_of_few_materials_or_of_what_the_others_hold():
    rng = np.random.default_rng(4)
    few = materials_of(rng, 9)
    assert design(rng.normal(size=(len(few), 2)), 0, few) is None
    many = materials_of(rng, 30)
    value = rng.normal(size=len(many))
    assert design(np.column_stack([value, 2 * value + 1]), 0, many) is None
    # A descriptor that is mostly unknown, or does not vary, is not held equal.
    sparse = np.where(rng.random(len(many)) < 0.3, value, np.nan)
    assert design(np.column_stack([value, sparse, np.ones(len(many))]), 0, many).held_equal == ()


def test_chance_gives_a_contrast_the_spectra_of_whole_materials():
    material = np.array(["a", "b", "b", "c"])
    spectra = np.array([[1.0], [10.0], [100.0], [1000.0]])
    found = contrasts_by_chance(np.array([0, 1.0, 1.0, 0]), spectra, material, np.random.default_rng(0))
    # b is given a twice, c twice, or its own two.
    assert set(found[:, 0]) == {2.0, 2000.0, 110.0}


def test_slopes_of_synthetic_spectra_are_the_true_ones():
    family = synthetic_family("Fe_oxides", "Fe", "K", np.linspace(7111, 7175, 64), list(NAMES), 800)
    classes = {0: (2, 3, 4), 1: (4, 5, 6)}
    for k, name in enumerate(NAMES):
        given = design(family.descriptors_NK, k, family.material_N, classes)
        found = slope(family.spectra_NE[given.rows], given)
        truth_E = family.true_response_KE[k] / np.subtract(
            *np.percentile(family.descriptors_NK[:, k], [95, 5])
        )
        assert np.corrcoef(found.slope_E, truth_E)[0, 1] > 0.98, name
        assert truth_E @ found.slope_E / (truth_E @ truth_E) == pytest.approx(1, abs=0.15), name


class TestReading:
    def test_what_is_read_is_read_and_what_is_random_is_not(self):
        rng = np.random.default_rng(5)
        material_N = materials_of(rng)
        descriptor = of_materials(rng, material_N)
        style = descriptor + rng.normal(size=len(descriptor))
        read = reading(style, descriptor, material_N)
        assert read.is_read and read.p_value == pytest.approx(0.001)
        assert read.spearman == pytest.approx(stats.spearmanr(style, descriptor)[0])
        against = reading(-descriptor, descriptor, material_N)
        assert not against.is_read and against.p_value == 1

    def test_random_labels_are_rarely_read_though_materials_have_many_rows(self):
        rng = np.random.default_rng(6)
        material_N = materials_of(rng, 40, 8)
        called = [
            reading(
                of_materials(rng, material_N, 0.1), of_materials(rng, material_N, 0.1), material_N
            ).p_value
            for _ in range(200)
        ]
        assert np.mean(np.array(called) <= 0.05) < 0.1 and np.mean(np.array(called) <= 0.01) <= 0.03

    def test_too_few_materials_or_no_variation_is_not_read(self):
        rng = np.random.default_rng(7)
        few, many = materials_of(rng, 9), materials_of(rng, 30)
        value = rng.normal(size=len(few))
        assert not reading(value, value, few).is_read and reading(value, value, few).materials == 9
        assert np.isnan(reading(np.ones(len(many)), rng.normal(size=len(many)), many).spearman)
