"""Distances of the representations are those that they are said to be."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

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
