import numpy as np
import pytest

from rankaae_cli.core.statistics.matching import (
    Bins,
    amplitude_ratio,
    bins_of,
    match_rows,
    matched_difference,
    row_weights,
    unmatched_difference,
)

ENERGY = np.linspace(0, 1, 40)
PEAK = np.exp(-((ENERGY - 0.3) ** 2) / 0.01)
WAVE = np.sin(9 * ENERGY)
CLASSES = [4, 5, 6]


def correlated(n=1500, seed=0, curved=0.0):
    """Spectra that respond to d0 with a peak and, three times as strongly, to d1, which goes with d0."""
    rng = np.random.default_rng(seed)
    d1 = rng.normal(size=n)
    d0 = 0.8 * d1 + 0.6 * rng.normal(size=n)
    d2 = rng.integers(4, 7, n).astype(float)
    d = np.stack([d0, d1, d2], axis=1)
    spectra = d0[:, None] * PEAK + 3 * (d1 + curved * d1**2)[:, None] * WAVE + d2[:, None] * ENERGY
    spectra += 0.05 * rng.normal(size=spectra.shape)
    return d, spectra, np.arange(n) // 3


def difference(d, spectra, materials, k=0, classes=None):
    bins = bins_of(d[:, k], classes)
    pairs = match_rows(d, k, bins, materials, {2: CLASSES} if d.shape[1] > 2 else {})
    return bins, pairs, matched_difference(spectra, d, k, bins, pairs, materials)


@pytest.mark.parametrize("curved", [0.0, 0.2])
def test_matched_difference_is_the_response_where_the_unmatched_is_another(curved):
    d, spectra, materials = correlated(curved=curved)
    bins, _, matched = difference(d, spectra, materials)
    unmatched = unmatched_difference(spectra, bins)
    assert np.corrcoef(unmatched, PEAK)[0, 1] < 0.3
    assert np.corrcoef(matched.difference_E, PEAK)[0, 1] > 0.97
    expected = matched.descriptor_change * PEAK
    assert np.abs(matched.difference_E - expected).max() < 0.15 * expected.max()
    assert amplitude_ratio(matched.difference_E, expected) == pytest.approx(1, abs=0.1)
    assert abs(matched.imbalance_after[1]) < 0.4 < matched.imbalance_before[1]
    assert matched.imbalance_after[2] == 0
    low, high = matched.band()
    assert (low <= high).all() and len(matched.resampled_difference) > 150


def test_pairs_obey_caliper_classes_and_materials():
    d, _, materials = correlated()
    bins = bins_of(d[:, 0])
    pairs = match_rows(d, 0, bins, materials, classes={2: CLASSES}, caliper=0.3)
    assert bins.high_N[pairs.high].all() and bins.low_N[pairs.low].all()
    assert (materials[pairs.high] != materials[pairs.low]).all()
    assert (d[pairs.high, 2] == d[pairs.low, 2]).all()
    assert np.abs(d[pairs.high, 1] - d[pairs.low, 1]).max() <= 0.3 * d[:, 1].std() + 1e-9
    assert pairs.weight.sum() == pytest.approx(1) and pairs.matched_on == (1, 2)


def test_classes_agree_by_the_nearest_and_need_not_be_whole():
    d, _, materials = correlated()
    bins, exact = bins_of(d[:, 0]), match_rows(d, 0, bins_of(d[:, 0]), materials, {2: CLASSES})
    d[:, 2] += np.random.default_rng(1).uniform(-0.3, 0.3, len(d))  # as averages over sites are
    about = match_rows(d, 0, bins, materials, {2: CLASSES})
    assert (about.high == exact.high).all() and (about.low == exact.low).all()
    assert (about.weight == exact.weight).all()
    one_class = match_rows(d, 0, bins, materials, {2: [5]})
    assert one_class.matched_on == (1,)
    unknown = np.where(np.arange(len(d)) % 7 == 0, np.nan, d[:, 2])
    low, high = bins_of(unknown, CLASSES).low_N, bins_of(unknown, CLASSES).high_N
    assert (low == (unknown < 4.5)).all() and (high == (unknown > 5.5)).all()


def test_partners_are_the_nearest_of_other_materials():
    d, _, materials = correlated(200)
    bins = bins_of(d[:, 0])
    pairs = match_rows(d, 0, bins, materials)
    scale = d[:, [1, 2]].std(axis=0)
    row = np.flatnonzero(bins.high_N)[0]
    low = np.flatnonzero(bins.low_N & (materials != materials[row]))
    distance = np.abs((d[low][:, [1, 2]] - d[row, [1, 2]]) / scale).max(axis=1)
    nearest = low[np.argsort(distance)[:3]][np.sort(distance)[:3] <= 1]
    assert set(nearest) <= set(pairs.low[pairs.high == row])


def test_partners_are_found_beyond_any_number_of_rows_of_the_same_material():
    rng = np.random.default_rng(0)
    own, other = 60, 12  # 60 low rows of the high rows' own material lie nearer than any other
    d = np.zeros((2 * own + other, 2))
    d[:own, 0] = 1
    d[own : 2 * own, 1] = 0.01 * rng.normal(size=own)
    d[2 * own :, 1] = 0.1 + 0.01 * np.arange(other)
    materials = np.where(np.arange(len(d)) < 2 * own, "own", "other")
    bins = Bins(d[:, 0] == 0, d[:, 0] == 1, "0", "1")
    pairs = match_rows(d, 0, bins, materials, caliper=100.0)
    for row in range(own):
        partners = set(pairs.low[pairs.high == row])
        assert {120, 121, 122} <= partners and min(partners) >= 2 * own


def test_rows_with_unknown_others_are_left_out_and_mostly_unknown_descriptors_are_not_matched_on():
    d, spectra, materials = correlated()
    d[::4, 1] = np.nan
    _, pairs, _ = difference(d, spectra, materials)
    assert np.isfinite(d[pairs.high]).all() and np.isfinite(d[pairs.low]).all()
    d[: len(d) * 3 // 4, 1] = np.nan
    _, pairs, matched = difference(d, spectra, materials)
    assert pairs.matched_on == (2,) and set(matched.imbalance_after) == {2}


def test_one_descriptor_alone_needs_no_matching():
    d, spectra, materials = correlated()
    bins, pairs, matched = difference(d[:, 1:2], spectra, materials)
    assert pairs.matched_on == ()
    assert np.corrcoef(matched.difference_E, unmatched_difference(spectra, bins))[0, 1] > 0.95


def test_nothing_comparable_is_none():
    d, _, materials = correlated(300)
    d[:, 1] = 100 * d[:, 0]  # whatever differs in one differs in the other
    bins = bins_of(d[:, 0])
    assert match_rows(d, 0, bins, materials, caliper=0.1) is None
    assert match_rows(d, 0, bins, np.zeros(300)) is None
    empty = Bins(bins.low_N & False, bins.high_N, "", "")
    assert match_rows(d, 0, empty, materials) is None


def test_bins():
    values = np.array([4, 4, 5, 6, np.nan, 4.9])
    bins = bins_of(values, [4, 5, 6, 7])
    assert bins.low_N.tolist() == [1, 1, 0, 0, 0, 0] and bins.high_N.tolist() == [0, 0, 0, 1, 0, 0]
    assert (bins.low_text, bins.high_text) == ("4", "6")
    bins = bins_of(np.arange(9.0))
    assert bins.low_N.sum() == bins.high_N.sum() == 3
    assert bins_of(np.full(5, np.nan)) is None
    assert bins_of(np.ones(5)) is None and bins_of(np.ones(5), [1, 2]) is None


def test_ceiling_falls_with_noise():
    d, spectra, materials = correlated(300)
    noise = np.random.default_rng(5).normal(size=spectra.shape)
    clean = difference(d, spectra, materials)[2].pearson_ceiling()
    noisy = difference(d, spectra + 10 * noise, materials)[2]
    assert 0.9 < clean <= 1 and noisy.pearson_ceiling() < clean - 0.1


def test_ceiling_is_the_correlation_with_the_truth():
    """Over many samples, the mean square of the correlation is near the mean reliability."""
    reached, ceilings = [], []
    for seed in range(12):
        d, spectra, materials = correlated(240, seed)
        spectra = spectra + 4 * np.random.default_rng(seed + 50).normal(size=spectra.shape)
        matched = difference(d, spectra, materials)[2]
        reached.append(np.corrcoef(matched.difference_E, PEAK)[0, 1])
        ceilings.append(matched.pearson_ceiling())
    assert np.mean(reached) == pytest.approx(np.mean(ceilings), abs=0.15)


def test_row_weights_give_the_mean_difference_of_the_pairs():
    d, spectra, materials = correlated()
    _, pairs, _ = difference(d, spectra, materials)
    expected = pairs.weight @ (spectra[pairs.high] - spectra[pairs.low])
    np.testing.assert_allclose(row_weights(pairs, len(spectra)) @ spectra, expected)
