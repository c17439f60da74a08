import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from rankaae_cli.core.statistics import ranks
from rankaae_cli.core.statistics.ranks import pair_counts, prior_correlation, rank_weights, spearman


def counted(z, d):
    """Pair counts by the double loop."""
    n = len(z)
    a, b, w = np.zeros(n), np.zeros(n), np.zeros(n)
    concordant = discordant = pairs = 0
    for i in range(n):
        for j in range(n):
            if np.isnan(d[i]) or np.isnan(d[j]):
                continue
            sign = np.sign(d[i] - d[j]) * np.sign(z[i] - z[j])
            concordant += sign > 0
            discordant += sign < 0
            pairs += d[i] != d[j]
            w[i] += np.sign(d[i] - d[j])
            a[i] += d[j] < d[i] and z[j] < z[i]
            b[i] += d[j] > d[i] and z[j] > z[i]
    return a - b, concordant, discordant, w, pairs


values = st.integers(-3, 3).map(float)
unknown_or_value = st.one_of(values, st.just(float("nan")))


@given(st.lists(st.tuples(values, unknown_or_value), min_size=1, max_size=40))
@settings(max_examples=150)
def test_counts_equal_the_double_loop_with_ties_and_unknowns(rows):
    z, d = (np.array(column) for column in zip(*rows, strict=True))
    expected_weights, expected_c, expected_d, expected_w, expected_pairs = counted(z, d)
    counts = pair_counts(torch.tensor(z), torch.tensor(d))
    np.testing.assert_array_equal(counts.concordant_weights, expected_weights)
    assert (int(counts.concordant), int(counts.discordant)) == (expected_c, expected_d)
    for weights, pairs in ((counts.weights, counts.pairs), rank_weights(torch.tensor(d))):
        np.testing.assert_array_equal(weights, expected_w)
        assert int(pairs) == expected_pairs


@pytest.mark.parametrize("n", [2, 63, 64, 65, 200])
def test_counts_on_continuous_values_with_leading_dimensions(n):
    generator = torch.Generator().manual_seed(n)
    z = torch.randn(2, 3, n, generator=generator)
    d = torch.randn(2, 3, n, generator=generator)
    counts = pair_counts(z, d)
    for t in range(2):
        for k in range(3):
            expected, c, dis, *_ = counted(z[t, k].numpy(), d[t, k].numpy())
            np.testing.assert_array_equal(counts.concordant_weights[t, k], expected)
            assert (int(counts.concordant[t, k]), int(counts.discordant[t, k])) == (c, dis)


def test_spearman_equals_scipy_with_ties_and_unknowns():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, 50))
    d = rng.integers(0, 4, size=(3, 50)).astype(float)
    d[1, :20] = np.nan
    rho = spearman(torch.tensor(z), torch.tensor(d))
    for row in range(3):
        known = ~np.isnan(d[row])
        assert rho[row] == pytest.approx(spearmanr(z[row][known], d[row][known]).statistic, abs=1e-12)


def test_spearman_of_many_rows_is_worked_out_in_parts(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    styles, descriptors = (torch.rand(shape, generator=generator) for shape in ((2, 3, 30), (3, 30)))
    whole = spearman(styles, descriptors)
    monkeypatch.setattr(ranks, "_AT_ONCE", 31)
    torch.testing.assert_close(spearman(styles, descriptors), whole)


def test_spearman_of_a_constant_is_not_defined():
    assert torch.isnan(spearman(torch.arange(5.0), torch.ones(5)))


def test_draws_from_the_prior_have_the_descriptors_rank_correlations():
    rng = np.random.default_rng(0)
    first = rng.normal(size=400)
    descriptors = np.stack([np.exp(first), -first + rng.normal(size=400), rng.normal(size=400)])
    descriptors[1, :50] = np.nan
    correlation = prior_correlation(torch.tensor(descriptors), 5).double().numpy()
    drawn = rng.multivariate_normal(np.zeros(5), correlation, size=40000)
    known = ~np.isnan(descriptors[1])
    expected = spearmanr(descriptors[0, known], descriptors[1, known])[0]
    assert spearmanr(drawn[:, 0], drawn[:, 1])[0] == pytest.approx(expected, abs=0.02)
    np.testing.assert_allclose(correlation[3:], np.eye(5)[3:])
    np.testing.assert_allclose(np.diag(correlation), 1, rtol=1e-6)


def test_prior_of_equal_descriptors_is_still_positive_definite():
    same = torch.arange(20.0).expand(3, -1)
    assert np.linalg.eigvalsh(prior_correlation(same, 3).double().numpy()).min() > 0
