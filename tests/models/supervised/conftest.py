"""Spectra whose descriptors are easy to read, for baselines."""

import numpy as np
import pytest

from rankaae_cli.models.baselines import FittingRows


def easy(rows, seed, noise=0.02):
    """Peaks whose position and width are the first two descriptors; a tenth of the first is not known."""
    rng = np.random.default_rng(seed)
    known_NK = rng.uniform((8, 2), (22, 5), (rows, 2))
    energy_E = np.arange(30.0)
    spectra_NE = np.exp(-(((energy_E - known_NK[:, :1]) / known_NK[:, 1:]) ** 2))
    descriptors_NK = np.column_stack([known_NK, np.full(rows, np.nan)])
    descriptors_NK[rng.random(rows) < 0.1, 0] = np.nan
    return (spectra_NE + noise * rng.normal(size=spectra_NE.shape)).astype(np.float32), descriptors_NK


@pytest.fixture(scope="module")
def rows():
    return FittingRows(*easy(300, 0), *easy(100, 1))


@pytest.fixture(scope="module")
def held_out():
    return easy(120, 2)
