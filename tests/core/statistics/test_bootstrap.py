import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rankaae_cli.core.statistics import bootstrap as bs
from rankaae_cli.core.statistics import metrics
from rankaae_cli.core.statistics.classification import confusion_macro_f1, confusion_matrix, score_classes
from tests.core.resampling import gathered_rows


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def sample(rng, n=80):
    """Two related columns with ties and gaps, and their materials."""
    a = rng.normal(size=n)
    b = np.round(a + 0.7 * rng.normal(size=n))
    a[::11], b[::13] = np.nan, np.nan
    return a, b, rng.integers(0, n // 4, n)


BY_WEIGHTS = {
    bs.resampled_spearman: metrics.spearman,
    bs.resampled_kendall: metrics.kendall,
    bs.resampled_r2: metrics.r2,
    bs.resampled_mae: metrics.mae,
}


def interval_of_mean(values, materials, resamples=1000):
    weights = bs.material_weights(materials, resamples, np.random.default_rng(0))
    return bs.percentile_interval(values @ weights / weights.sum(axis=0))


@pytest.mark.parametrize("by_weights", BY_WEIGHTS)
def test_weights_give_what_the_gathered_rows_give(rng, by_weights):
    a, b, materials = sample(rng)
    weights = bs.material_weights(materials, 50, rng)
    gathered = gathered_rows(lambda rows: BY_WEIGHTS[by_weights](a[rows], b[rows]), weights)
    assert np.ptp(gathered) > 0
    np.testing.assert_allclose(by_weights(a, b, weights), gathered, rtol=1e-12)


@pytest.mark.parametrize("by_weights", BY_WEIGHTS)
@settings(max_examples=50)
@given(st.data())
def test_few_rows_many_ties_and_empty_resamples_too(by_weights, data):
    n = data.draw(st.integers(1, 6))
    whole = st.lists(st.integers(0, 2), min_size=n, max_size=n)
    a, b = (np.array(data.draw(whole), dtype=float) for _ in range(2))
    weights = np.array([data.draw(whole) for _ in range(4)], dtype=float).T
    gathered = gathered_rows(lambda rows: BY_WEIGHTS[by_weights](a[rows], b[rows]), weights)
    np.testing.assert_allclose(by_weights(a, b, weights), gathered, rtol=1e-9, atol=1e-12)


def test_kendall_in_blocks_is_kendall(rng, monkeypatch):
    a, b, materials = sample(rng)
    weights = bs.material_weights(materials, 20, rng)
    whole = bs.resampled_kendall(a, b, weights)
    monkeypatch.setattr(bs, "_BLOCK", 7)
    np.testing.assert_allclose(bs.resampled_kendall(a, b, weights), whole, rtol=1e-14)


def test_kendall_sees_differences_beyond_single_precision():
    a = 1 + 1e-12 * np.arange(5.0)
    assert bs.resampled_kendall(a, a, np.ones((5, 1))) == pytest.approx(1)


def test_r2_keeps_its_digits_far_from_zero(rng):
    true = 1e6 + rng.normal(size=50)
    predicted = true + 0.1 * rng.normal(size=50)
    whole = bs.resampled_r2(true, predicted, np.ones((50, 1)))
    assert whole == pytest.approx(metrics.r2(true, predicted), abs=1e-7)


def test_confusion_matrices_of_resamples_are_those_of_gathered_rows(rng):
    true, read = rng.integers(4, 7, (2, 60)).astype(float)
    true[4] = np.nan
    weights = bs.material_weights(np.arange(60) // 3, 30, rng)
    counts = confusion_matrix(true, read, [4, 5, 6], weights)
    assert counts.shape == (30, 3, 3)
    gathered = gathered_rows(
        lambda rows: score_classes(true[rows], read[rows], [4, 5, 6])["macro_f1"], weights
    )
    np.testing.assert_allclose(confusion_macro_f1(counts), gathered)


def test_materials_go_whole_and_as_many_are_drawn_as_there_are(rng):
    materials = np.array(["b", "a", "b", "c", "a", "b"])
    weights = bs.material_weights(materials, 200, rng)
    assert weights.shape == (6, 200)
    assert (weights[0] == weights[2]).all() and (weights[0] == weights[5]).all()
    assert (weights[1] == weights[4]).all()
    assert (weights[0] + weights[1] + weights[3] == 3).all()
    # Each material is drawn once a resample on average; the standard error is 0.06.
    np.testing.assert_allclose(weights.mean(axis=1), 1, atol=0.2)


def test_seed_decides(rng):
    one, same, other = (bs.material_weights(np.arange(9), 5, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_interval_of_a_mean_is_that_of_theory(rng):
    values = rng.normal(size=400)
    low, high = interval_of_mean(values, np.arange(400), 2000)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_copies_of_a_material_do_not_narrow_the_interval(rng):
    values = np.repeat(rng.normal(size=50), 10)
    by_material = np.ptp(interval_of_mean(values, np.repeat(np.arange(50), 10)))
    by_row = np.ptp(interval_of_mean(values, np.arange(500)))
    assert by_material == pytest.approx(np.sqrt(10) * by_row, rel=0.15)


def test_interval_covers_the_truth_about_as_often_as_it_says(rng):
    # Spearman's rho of a normal pair with correlation 0.6 is (6 / pi) asin(0.3).
    rho = 6 / np.pi * np.arcsin(0.3)
    covered = 0
    for _ in range(200):
        a = rng.normal(size=100)
        b = 0.6 * a + 0.8 * rng.normal(size=100)
        weights = bs.material_weights(np.arange(100), 300, rng)
        low, high = bs.percentile_interval(bs.resampled_spearman(a, b, weights))
        covered += low <= rho <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_level_sets_the_quantiles():
    assert bs.percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))
    assert bs.percentile_interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_undefined_resamples_are_left_out_unless_they_are_the_most():
    some = np.array([np.nan, 1.0, 2.0, 3.0])
    assert bs.percentile_interval(some, 1.0) == (1, 3)
    assert np.isnan(bs.percentile_interval(np.array([np.nan, np.nan, 1.0]))).all()


def test_one_material_has_no_interval():
    weights = bs.material_weights(["a"] * 5, 100, np.random.default_rng(0))
    assert weights.shape == (5, 0)
    assert np.isnan(bs.percentile_interval(bs.resampled_spearman(np.arange(5), np.arange(5), weights))).all()


@pytest.mark.parametrize("by_weights", BY_WEIGHTS)
def test_nothing_known_is_nan(by_weights):
    unknown = np.full(4, np.nan)
    assert np.isnan(by_weights(unknown, np.arange(4.0), np.ones((4, 3)))).all()


def test_permuted_style_has_an_interval_about_zero(rng):
    a, b = rng.normal(size=(2, 300))
    assert stats.spearmanr(a, b).pvalue > 0.05
    low, high = bs.percentile_interval(
        bs.resampled_spearman(a, b, bs.material_weights(np.arange(300), 500, rng))
    )
    assert low < 0 < high


@pytest.mark.parametrize(
    ("rows", "asked", "drawn"),
    [(600, 1000, 1000), (6000, 1000, 1000), (30_000, 1000, 200), (10**6, 1000, 100)],
)
def test_many_rows_are_resampled_less_often(rows, asked, drawn):
    assert bs.affordable_resamples(rows, asked) == drawn
    assert bs.affordable_resamples(rows, 20) == 20


def test_pairs_of_very_many_rows_are_not_counted():
    value = np.arange(20_001.0)
    assert np.isnan(bs.resampled_kendall(value, value, np.ones((20_001, 2)))).all()


def test_permuted_rows_are_those_of_whole_materials_in_turn():
    materials = np.array(["c", "a", "b", "a", "c", "a"])
    rows = bs.permuted_rows(materials, 200, np.random.default_rng(0))
    assert rows.shape == (200, 6)
    for received in rows:
        sources = {name: set(materials[received[materials == name]]) for name in "abc"}
        assert all(len(source) == 1 for source in sources.values()), "one material each"
        assert set.union(*sources.values()) == set("abc"), "every material is received once"
        long = received[materials == "a"]
        (source,) = sources["a"]
        # Three rows of a material of as many are all of them; of two, both and one again; of one, that one.
        assert len(set(long)) == (materials == source).sum()
    assert {tuple(row) for row in rows} > {tuple(rows[0])}
