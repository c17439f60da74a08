"""The reader of spectra that knows nothing of styles."""

import numpy as np

from rankaae_cli.core.styles.reader import fit_reader

ENERGY = np.linspace(-10, 40, 80)


def spectra_of(descriptors_NK):
    """An edge that shifts with the first, a peak that grows with the second."""
    shift, height = descriptors_NK.T[:, :, None]
    edge = 0.5 + np.arctan((ENERGY - shift) / 2) / np.pi
    return edge + height * np.exp(-((ENERGY - shift - 5) ** 2) / 8)


def rows(n, seed):
    descriptors_NK = np.random.default_rng(seed).uniform([-2, 0], [2, 1], size=(n, 2))
    return spectra_of(descriptors_NK), descriptors_NK


def test_descriptors_are_read_off_spectra_it_has_not_seen():
    spectra, descriptors = rows(300, 0)
    half_known = descriptors.copy()
    half_known[::2, 1] = np.nan
    reader = fit_reader(spectra, half_known, *rows(80, 1))
    asked, true = rows(200, 2)
    read = reader.read(asked)
    assert (np.abs(read - true).max(axis=0) < 0.1).all()


def test_what_is_hardly_known_is_not_read_and_the_rest_is():
    spectra, descriptors = rows(100, 0)
    descriptors[5:, 1] = np.nan
    read = fit_reader(spectra, descriptors, *rows(30, 1)).read(spectra)
    assert np.isnan(read[:, 1]).all() and np.abs(read[:, 0] - descriptors[:, 0]).max() < 0.2
