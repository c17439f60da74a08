"""Training on changed spectra."""

import numpy as np

from rankaae_cli.training.fit import fit

SHIFT = 1.0  # eV


def movement(request):
    """Train, shift the test spectra, and return how far the named styles move, in standard deviations."""
    family = request.family
    model = fit(request, lambda done, total, standing: None)
    spectra_NE = family.spectra_NE[family.split_N == 2]
    grid = family.energy_E
    shifted_NE = np.stack([np.interp(grid - SHIFT, grid, mu_E) for mu_E in spectra_NE]).astype(np.float32)
    k = len(family.descriptor_names)
    return float(np.abs(model.encode(shifted_NE) - model.encode(spectra_NE))[..., :k].mean())


def test_an_encoder_trained_on_shifted_spectra_minds_a_shift_less(request_of):
    without = movement(request_of(max_epochs=150, batch_size=64))
    changes = ("augmentation=measured", f"objective.augmentation.energy_shift={4 * SHIFT}")
    within = movement(request_of(*changes, max_epochs=150, batch_size=64))
    assert within < 0.85 * without
