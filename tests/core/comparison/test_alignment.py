"""Shifts that were planted are found again, whatever else was done to the spectra."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from rankaae_cli.core.comparison.agreement import agreement
from rankaae_cli.core.comparison.alignment import align, broadened
from rankaae_cli.core.comparison.published import compare_as_published

STEP = 0.25
ENERGY = 7100 + STEP * np.arange(256)


def edges(n, seed=0):
    """Edges with white lines and three oscillations, each of its own."""
    rng = np.random.default_rng(seed)
    spectra = []
    for _ in range(n):
        e0, width = 7115 + rng.normal(0, 1), rng.uniform(0.8, 1.5)
        mu = 0.5 + np.arctan((ENERGY - e0) / width) / np.pi
        for _ in range(4):
            centre, size = e0 + rng.uniform(2, 35), rng.uniform(0.1, 0.5)
            mu += size * np.exp(-0.5 * ((ENERGY - centre) / rng.uniform(1, 3)) ** 2)
        spectra.append(mu)
    return np.array(spectra)


def test_planted_shifts_are_found_under_broadening_noise_scale_and_cropping():
    rng = np.random.default_rng(1)
    own = edges(60)
    planted, found = [], []
    for spectrum in own:
        shift = rng.uniform(-10, 10)
        other = 0.7 * broadened(spectrum[None], 2.0, STEP)[0] + 0.2 + rng.normal(0, 0.007, 256)
        first, last = rng.integers(0, 30), 256 - rng.integers(0, 60)
        aligned = align(ENERGY[0], spectrum[None], ENERGY[first] + shift, other[None, first:last], STEP)
        planted.append(shift)
        found.append((aligned.shift_N[0], aligned.scale_N[0], aligned.width_N[0], aligned.error_N[0]))
    shift, scale, width, error = np.array(found).T
    off = np.abs(shift - planted)
    assert np.quantile(off, 0.9) < 0.1
    assert np.median(scale) == pytest.approx(0.7, abs=0.01)
    assert np.median(width) == pytest.approx(2, abs=0.15)
    assert 0.6 < (off < error).mean() < 0.9 and (off < 2 * error).mean() > 0.9


def test_errors_hold_where_a_code_differs_by_more_than_noise():
    """Smooth differences are alike over eV, so that there is less to fit than there are points."""
    rng = np.random.default_rng(2)
    own = edges(100)
    smooth = gaussian_filter1d(rng.normal(size=(100, 456)), 6, axis=1)[:, 100:-100]
    other = own + 0.03 * smooth / smooth.std()
    aligned = align(ENERGY[0], own, ENERGY[0] + 1.3, other, STEP, search=10)
    off = np.abs(aligned.shift_N - 1.3) / aligned.error_N
    assert 0.55 < (off < 1).mean() < 0.85 and (off < 2).mean() > 0.85


def test_a_noisy_spectrum_is_not_broadened_to_be_rid_of_its_noise():
    own = edges(40)
    noisy = own + np.random.default_rng(3).normal(0, 0.05, own.shape)
    for first, second in ((own, noisy), (noisy, own)):
        aligned = align(ENERGY[0], first, ENERGY[0], second, STEP, search=10)
        assert abs(np.median(aligned.width_N)) < 0.3


def test_the_misfit_is_what_least_squares_leave():
    own, other = edges(1)[0], edges(2, seed=5)[1]
    aligned = align(ENERGY[0], own[None], ENERGY[0], other[None], STEP, search=6.0, widths=(0.0,))
    left = []
    for lag in range(-24, 25):
        there = np.arange(256) + lag
        common = (there >= 0) & (there < 256)
        design = np.column_stack([own[there[common]], np.ones(common.sum())])
        rest = np.linalg.lstsq(design, other[common], rcond=None)[1][0]
        left.append(rest / ((other[common] - other[common].mean()) ** 2).sum())
    best = int(np.argmin(left))
    assert aligned.misfit_N[0] == pytest.approx(left[best], rel=1e-6)
    assert aligned.shift_N[0] == pytest.approx(-STEP * (best - 24), abs=STEP)


def test_broadening_is_a_convolution_with_a_lorentzian_of_that_width():
    # A line far from the ends, on a fine grid.
    energy = np.arange(-100, 100, 0.05)
    line = np.exp(-0.5 * (energy / 3) ** 2)
    lorentzian = 1 / (1 + (energy / 1.0) ** 2) / np.pi * 0.05
    expected = fftconvolve(line, lorentzian, mode="same")
    assert np.allclose(broadened(line[None], 2.0, 0.05)[0], expected, atol=0.02)


@pytest.mark.parametrize("other", [np.ones(256), np.zeros(256)])
def test_a_constant_spectrum_has_no_shift(other):
    aligned = align(ENERGY[0], edges(1), ENERGY[0], other[None], STEP)
    assert np.isnan([aligned.shift_N[0], aligned.scale_N[0], aligned.misfit_N[0]]).all()


def test_axes_too_far_apart_for_the_search_have_no_shift():
    own = edges(1)
    assert np.isnan(align(ENERGY[0], own, ENERGY[0] + 500, own, STEP, search=20.0).shift_N[0])
    assert align(ENERGY[0], own, ENERGY[0] + 500, own, STEP).shift_N[0] == pytest.approx(500)


@pytest.mark.parametrize("shift", [0.0, 0.04, -2.55, 3.0])
def test_a_shift_between_the_steps_is_found_within_the_search_alone(shift):
    own = edges(3)
    other = 0.3 * np.array([np.interp(ENERGY, ENERGY + shift, one) for one in own])
    assert align(ENERGY[0], own, ENERGY[0], other, STEP, search=5.0).shift_N == pytest.approx(shift, abs=0.03)
    assert np.isnan(align(ENERGY[0], own, ENERGY[0] + 6, other, STEP, search=2.5).shift_N).all()


def test_scores_of_a_spectrum_and_itself():
    own = edges(1)[0]
    scores = agreement(ENERGY, own, 2 * own)
    assert scores == pytest.approx(
        {"pearson": 1, "spearman": 1, "cosine": 1, "wasserstein": 0, "mae": 0}, abs=1e-9
    )
    # A line that is moved by 3 eV has to be moved by 3 eV.
    lines = [np.exp(-0.5 * ((ENERGY - centre) / 2) ** 2) for centre in (7120, 7123)]
    assert agreement(ENERGY, *lines)["wasserstein"] == pytest.approx(3, abs=1e-3)


def test_the_published_rule_on_a_moved_copy():
    own = np.maximum(edges(1)[0], 0)
    found = compare_as_published(ENERGY + 4.0, own, ENERGY, 3 * own)
    assert found.shift == pytest.approx(4.0, abs=0.011)
    assert found.spearman == pytest.approx(1, abs=1e-3)
    with pytest.raises(ValueError, match="nowhere positive"):
        compare_as_published(ENERGY, -own, ENERGY, own)
