"""Distances of the representations are those that they are said to be."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from rankaae_cli.core.comparison.fingerprints.clusterings import assigned
from rankaae_cli.core.comparison.fingerprints.representations import fit_representation
from tests.core.comparison.fingerprints.planted import spectra_of

SPECTRA = spectra_of(np.arange(15) % 3)  # few enough for the components to hold them whole


@pytest.mark.parametrize(
    ("kind", "described"),
    [
        ("components", SPECTRA),
        (
            "cumulative",
            np.array([[one[: i + 1].sum() / one.sum() for i in range(len(one))] for one in SPECTRA]),
        ),
    ],
)
def test_distances_are_those_of_the_definition(kind, described):
    coordinates = fit_representation(SPECTRA, kind).coordinates(SPECTRA)
    np.testing.assert_allclose(pdist(coordinates), pdist(described), rtol=1e-9)


def test_scale_leaves_cumulative_distances_alone():
    representation = fit_representation(SPECTRA, "cumulative")
    np.testing.assert_allclose(
        representation.coordinates(3.7 * SPECTRA), representation.coordinates(SPECTRA), atol=1e-12
    )


def test_factors_of_new_spectra_are_like_those_of_their_kind():
    kind = np.arange(90) % 3
    representation = fit_representation(spectra_of(kind), "factors")
    known = representation.coordinates(spectra_of(kind))
    new = assigned(known, kind, representation.coordinates(spectra_of(kind[:30], seed=1)))
    np.testing.assert_array_equal(new, kind[:30])
