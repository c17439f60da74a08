"""Training on changed spectra."""

import numpy as np

from rankaae_cli.models.rankaae.fit import fit

SHIFT = 1.0  # eV
WIDTH = 3.0  # eV


def shifted(grid, mu_E):
    return np.interp(grid - SHIFT, grid, mu_E)


def broadened(grid, mu_E):
    """Return a spectrum with a Lorentzian's tails to 40 times its width, its end values going on."""
    step = grid[1] - grid[0]
    offset = np.arange(-round(40 * WIDTH / step), round(40 * WIDTH / step) + 1)
    kernel = 1 / ((offset * step) ** 2 + (WIDTH / 2) ** 2)
    return np.convolve(np.pad(mu_E, len(offset) // 2, mode="edge"), kernel / kernel.sum(), mode="valid")


def movement(request, change):
    """Train, change the test spectra, and return how far the named styles move, in standard deviations."""
    family = request.family
    model = fit(request, lambda done, total, standing: None)
    spectra_NE = family.spectra_NE[family.split_N == 2]
    changed_NE = np.stack([change(family.energy_E, mu_E) for mu_E in spectra_NE]).astype(np.float32)
    k = len(family.descriptor_names)
    return float(np.abs(model.encode(changed_NE) - model.encode(spectra_NE))[..., :k].mean())


def test_an_encoder_trained_on_shifted_spectra_minds_a_shift_less(request_of):
    without = movement(request_of(max_epochs=80, batch_size=64), shifted)
    changes = ("augmentation=measured", f"objective.augmentation.energy_shift={4 * SHIFT}")
    within = movement(request_of(*changes, max_epochs=80, batch_size=64), shifted)
    assert within < 0.85 * without


def test_an_encoder_trained_with_a_core_hole_minds_its_broadening_less(request_of):
    without = movement(request_of(max_epochs=15, batch_size=64), broadened)
    change = f"objective.augmentation.core_hole={WIDTH}"
    within = movement(request_of(change, max_epochs=15, batch_size=64), broadened)
    assert within < 0.7 * without
