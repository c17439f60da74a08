import numpy as np
import pytest
from scipy import stats

from rankaae_cli.core.styles.normality import normal_quantiles, shapiro, shapiro_min


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_shapiro_tells_normal_from_not(rng):
    normal = rng.normal(size=(6000, 2))
    assert shapiro_min(normal) > 0.99
    assert shapiro_min(np.stack([normal[:, 0], rng.integers(0, 2, 6000)], axis=1)) < 0.8
    assert np.isnan(shapiro_min(np.ones((20, 1)))) and np.isnan(shapiro_min(normal[:2]))


def test_shapiro_of_each_style(rng):
    styles = np.stack([rng.normal(size=200), rng.exponential(size=200), np.ones(200)], axis=1)
    w = shapiro(styles)
    assert w[:2] == pytest.approx([stats.shapiro(style).statistic for style in styles.T[:2]])
    assert np.isnan(w[2]) and np.isnan(shapiro_min(styles)) and shapiro_min(styles[:, :2]) == w[1]
    assert np.isnan(shapiro(styles[:2])).tolist() == [True] * 3
    assert len(shapiro(styles[:, :0])) == 0 and np.isnan(shapiro_min(styles[:, :0]))


def test_quantiles_of_a_normal_style_lie_on_a_line(rng):
    style = 3 * rng.normal(size=2001) + 2
    style[7] = np.nan
    theoretical, sample = normal_quantiles(style)
    assert theoretical.shape == sample.shape == (2000,)
    assert (np.diff(sample) >= 0).all() and sample[0] == np.nanmin(style)
    np.testing.assert_allclose(np.polyfit(theoretical, sample, 1), [3, 2], atol=0.15)
    # Filliben's median of the largest of M is 2^(-1/M).
    assert stats.norm.cdf(theoretical[-1]) == pytest.approx(0.5 ** (1 / 2000))
    assert theoretical[0] == pytest.approx(-theoretical[-1])
    assert [len(quantiles) for quantiles in normal_quantiles(np.full(4, np.nan))] == [0, 0]
