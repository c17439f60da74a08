"""Augmentations against numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from rankaae_cli.core.augmentation import broaden, rescale, shift_energy


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


@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.0, 30.0])
def test_broadening_is_a_gaussian_filter(spectra_TBE, sigma):
    out = broaden(spectra_TBE, torch.tensor([sigma, 0.0], dtype=torch.float64))
    expected = gaussian_filter1d(spectra_TBE[0].numpy(), sigma, mode="nearest", radius=40)
    np.testing.assert_allclose(out[0].numpy(), expected, atol=1e-10)
    torch.testing.assert_close(out[1], spectra_TBE[1])


def test_broadening_keeps_a_constant(spectra_TBE):
    constant = torch.full_like(spectra_TBE, 0.7)
    torch.testing.assert_close(broaden(constant, torch.tensor([3.0, 12.0], dtype=torch.float64)), constant)


def test_scale(spectra_TBE):
    factor_TB = torch.tensor([[1.0, 2.0, 0.5], [1.0, 1.0, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(rescale(spectra_TBE, factor_TB)[0, 1], 2 * spectra_TBE[0, 1])
