"""The number of clusters is found blind, and none is found where there are none."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from rankaae_cli.core.comparison.fingerprints.clusterings import CLUSTERINGS, assigned, partitions
from rankaae_cli.core.comparison.fingerprints.representations import fit_representation
from rankaae_cli.core.comparison.fingerprints.stability import least_recovery, resampled_stability
from tests.core.comparison.fingerprints.planted import spectra_of, spectra_without_clusters

KIND = np.arange(160) % 4
NAMES = np.arange(160)


def stability_of(coordinates, clustering="ward", names=NAMES, numbers=range(2, 7), resamples=3):
    return resampled_stability(coordinates, names, clustering, numbers, resamples, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["cumulative", "components"])
def test_planted_clusters_are_found_blind_and_new_rows_given_to_them(kind):
    representation = fit_representation(spectra_of(KIND), kind)
    coordinates = representation.coordinates(spectra_of(KIND))
    assert stability_of(coordinates).number == 4
    found = partitions(coordinates, "ward", [4])[0]
    new_kind = np.arange(60) % 4
    new = assigned(coordinates, found, representation.coordinates(spectra_of(new_kind, seed=1)))
    assert adjusted_mutual_info_score(KIND, found) > 0.98
    assert adjusted_mutual_info_score(new_kind, new) > 0.98


@pytest.mark.parametrize("clustering", CLUSTERINGS)
def test_planted_clusters_are_found_by_each_clustering(clustering):
    coordinates = fit_representation(spectra_of(KIND), "cumulative").coordinates(spectra_of(KIND))
    stability = stability_of(coordinates, clustering)
    found = partitions(coordinates, clustering, [4])[0]
    assert adjusted_mutual_info_score(KIND, found) > 0.98
    assert stability.reliable_J[2] and (stability.stability_JR[2] > 0.98).all()  # four clusters


@pytest.mark.parametrize("clustering", CLUSTERINGS)
def test_no_clusters_are_said_to_be_none(clustering):
    spectra = spectra_without_clusters(160)
    for kind in ("cumulative", "components"):
        coordinates = fit_representation(spectra, kind).coordinates(spectra)
        assert stability_of(coordinates, clustering).number is None


def test_a_long_cloud_cut_at_the_same_place_each_time_has_no_clusters():
    cloud = np.random.default_rng(0).normal(size=(600, 2)) * (10, 1)
    stability = stability_of(cloud, "kmeans", np.arange(600), (2, 3), 8)
    assert stability.stability_JR[0].mean() > 0.7
    assert stability.number is None


def test_copies_of_a_material_stay_together():
    """Materials of eight nearly equal spectra each: halved by row, both halves would hold the same ones."""
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(40), 8)
    coordinates = np.repeat(rng.normal(size=(40, 5)), 8, axis=0) + rng.normal(0, 1e-3, (320, 5))
    by_material = stability_of(coordinates, names=names).stability_JR.mean()
    by_row = stability_of(coordinates, names=np.arange(320)).stability_JR.mean()
    assert by_material < by_row - 0.2


def test_recovery_is_that_of_the_cluster_found_again_worst():
    rng = np.random.default_rng(0)
    own, given = rng.integers(0, 3, 40), rng.integers(0, 2, 40)
    sets = [[set(np.flatnonzero(one == c)) for c in np.unique(one)] for one in (own, given)]
    worst = min(max(len(a & b) / len(a | b) for b in sets[1]) for a in sets[0])
    assert least_recovery(own, given) == pytest.approx(worst)
    assert least_recovery(own, 2 - own) == 1
