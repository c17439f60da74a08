"""Augmentations against numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from rankaae_cli.models.rankaae.augmentation import (
    broaden,
    broaden_lorentzian,
    damp,
    shift_energy,
    stretch_energy,
)


@pytest.fixture
def spectra_TBE():
    return torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_shift_is_linear_interpolation(spectra_TBE):
    shift_TB = torch.tensor([[0.0, 1.0, -2.3], [0.4, 60.0, -60.0]], dtype=torch.float64)
    shifted = shift_energy(spectra_TBE, shift_TB)
    grid = np.arange(40)
    for t in range(2):
        for b in range(3):
            expected = np.interp(grid - float(shift_TB[t, b]), grid, spectra_TBE[t, b].numpy())
            np.testing.assert_allclose(shifted[t, b].numpy(), expected, atol=1e-12)


def test_stretch_draws_out_about_the_middle(spectra_TBE):
    stretch_TB = torch.tensor([[0.0, 0.1, -0.2]] * 2, dtype=torch.float64)
    stretched, grid = stretch_energy(spectra_TBE, stretch_TB), np.arange(40)
    for b, stretch in enumerate((0.0, 0.1, -0.2)):
        expected = np.interp(19.5 + (grid - 19.5) / (1 + stretch), grid, spectra_TBE[1, b].numpy())
        np.testing.assert_allclose(stretched[1, b].numpy(), expected, atol=1e-12)


def test_damping_lowers_white_lines_and_leaves_the_edge_step():
    mu_TBE = torch.tensor([[[0.0, 1.0, 1.5]]])
    torch.testing.assert_close(damp(mu_TBE, torch.tensor([[0.2]])), torch.tensor([[[0.0, 1.0, 1.5 / 1.1]]]))


@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.0, 30.0])
def test_broadening_is_a_gaussian_filter(spectra_TBE, sigma):
    out = broaden(spectra_TBE, torch.tensor([sigma, 0.0], dtype=torch.float64))
    expected = gaussian_filter1d(spectra_TBE[0].numpy(), sigma, mode="nearest", radius=40)
    np.testing.assert_allclose(out[0].numpy(), expected, atol=1e-10)
    torch.testing.assert_close(out[1], spectra_TBE[1])


def test_broadening_keeps_a_constant(spectra_TBE):
    constant = torch.full_like(spectra_TBE, 0.7)
    torch.testing.assert_close(broaden(constant, torch.tensor([3.0, 12.0], dtype=torch.float64)), constant)


@pytest.mark.parametrize("fwhm", [0.3, 1.0, 6.0, 25.0])
def test_core_hole_broadening_is_a_convolution_with_a_lorentzian(spectra_TBE, fwhm):
    out = broaden_lorentzian(spectra_TBE, torch.tensor([fwhm, 0.0], dtype=torch.float64))
    # Numerically, on a grid of 1/25 point: what lies beyond the ends goes on with the end values.
    parts, beyond = 25, 3000
    offset = np.arange(-beyond * parts, beyond * parts + 1) / parts
    kernel = 1 / (offset**2 + (fwhm / 2) ** 2)
    for row, spectrum in zip(out[0].numpy(), spectra_TBE[0].numpy(), strict=True):
        fine = np.pad(np.repeat(spectrum, parts), beyond * parts, mode="edge")
        expected = fftconvolve(fine, kernel / kernel.sum(), mode="valid")[parts // 2 :: parts]
        np.testing.assert_allclose(row, expected, atol=3e-3)
    torch.testing.assert_close(out[1], spectra_TBE[1])


def test_core_hole_widths_add_up():
    energy = torch.arange(-400, 401, dtype=torch.float64)
    edge = (torch.atan(energy / 4) / torch.pi + 0.5).view(1, 1, -1)
    out = broaden_lorentzian(edge, torch.tensor([6.0], dtype=torch.float64))
    expected = torch.atan(energy / (4 + 3)) / torch.pi + 0.5
    torch.testing.assert_close(out[0, 0, 300:501], expected[300:501], atol=2e-3, rtol=0)


def test_core_hole_broadening_keeps_a_constant(spectra_TBE):
    constant = torch.full_like(spectra_TBE, 0.7)
    width_T = torch.tensor([5.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(broaden_lorentzian(constant, width_T), constant)
