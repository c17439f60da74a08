import numpy as np
import pytest

from rankaae_cli.core.xas.pair_offset import STEP, PairShifts, combine_pairs, match_pairs

LONG, SHORT = 8983.5 + 0.25 * np.arange(256), 8984.1 + 0.2 * np.arange(170)
SHIFT, AMPLITUDE = -1.37, 1.05


def spectra(energy, shift_N, seed=0, width=2.0):
    """Edges with white lines of several heights and places, moved by `shift_N`, shape (N, E)."""
    rng = np.random.default_rng(seed)
    edge_N, height_N, place_N = (rng.uniform(*ends, len(shift_N)) for ends in ((8989, 8992), (0, 1), (5, 9)))
    place = energy - (edge_N + shift_N)[:, None]
    white = np.exp(-(((place - place_N[:, None]) / width) ** 2))
    return 0.5 + np.arctan(place / (width / 2)) / np.pi + height_N[:, None] * white


@pytest.mark.parametrize("width", [2.0, 3.0])
@pytest.mark.parametrize(("moved", "onto"), [(LONG, SHORT), (SHORT, LONG)])
def test_the_shift_and_the_factor_are_found_among_noise_and_outliers(moved, onto, width):
    """Sixty materials, one in ten of which is off by eV; the other code has broader white lines."""
    rng = np.random.default_rng(1)
    own_N = SHIFT + 0.2 * rng.standard_normal(60)
    own_N[::10] += rng.choice([-4.0, 3.0], 6)
    other = AMPLITUDE * spectra(onto, own_N, width=width) + 0.01 * rng.standard_normal((60, len(onto)))
    pairs = match_pairs(moved, spectra(moved, np.zeros(60)), onto, other, 8.0)
    result = combine_pairs([f"mp-{n}" for n in range(60)], pairs)
    assert result.offset == pytest.approx(SHIFT, abs=0.05)
    assert result.spread == pytest.approx(0.2, abs=0.07)
    assert result.amplitude == pytest.approx(AMPLITUDE, abs=0.03)
    assert (result.sites, result.materials) == (60, 60) and result.far >= 5


@pytest.mark.parametrize("shift", [0.0, 0.04, -2.55, 3.0])
def test_the_shift_of_one_pair_is_found_between_the_steps_of_the_search(shift):
    shifts = np.full(3, shift)
    pairs = match_pairs(LONG, spectra(LONG, 0 * shifts), SHORT, 0.3 * spectra(SHORT, shifts), 5.0)
    assert pairs.shift_N == pytest.approx(shifts, abs=0.1 * STEP)
    assert pairs.amplitude_N == pytest.approx(0.3, rel=0.02) and (pairs.difference_N < 0.01).all()


def test_a_shift_beyond_the_search_is_none():
    pairs = match_pairs(LONG, spectra(LONG, np.zeros(2)), LONG, spectra(LONG, np.array([1.0, 9.0])), 4.0)
    assert np.isfinite(pairs.shift_N).tolist() == [True, False]
    assert combine_pairs(["a", "b"], pairs).sites == 1


@pytest.mark.parametrize("further", [70.0, 50.0])
def test_grids_that_share_too_little_cannot_be_matched(further):
    with pytest.raises(ValueError, match="half of the shorter"):
        match_pairs(LONG, spectra(LONG, np.zeros(2)), LONG + further, spectra(LONG, np.zeros(2)), 5.0)


def known(shift_N):
    return PairShifts(np.asarray(shift_N, float), np.ones(len(shift_N)), np.zeros(len(shift_N)))


def test_the_sites_of_one_material_count_together():
    result = combine_pairs(["a"] * 6 + ["b", "c"], known([5, 5, 5, 5, 5, 6, 1, 2]))
    assert result.offset == 2 and result.materials == 3 and sorted(result.material_shifts) == [1, 2, 5]


def test_one_material_does_not_show_how_materials_differ():
    result = combine_pairs(["a", "a"], known([1.0, 1.2]))
    assert result.offset == pytest.approx(1.1) and result.spread == 1.0


def test_the_offset_lies_within_its_standard_error_as_often_as_it_should():
    rng = np.random.default_rng(0)
    within = []
    for _ in range(400):
        result = combine_pairs([str(n) for n in range(40)], known(rng.normal(SHIFT, 0.5, 40)))
        within.append(abs(result.offset - SHIFT) < 2 * result.standard_error)
    assert 0.9 < np.mean(within) < 0.98
