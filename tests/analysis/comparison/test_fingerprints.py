"""Fingerprints of spectra with planted kinds: what is found, described and compared with labels."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from rankaae_cli.analysis.comparison.fingerprints import (
    COMPONENT_SPECTRA,
    FINGERPRINTS,
    NUMBERS,
    SERIES,
    SPECTRA,
    FingerprintOptions,
    find_fingerprints,
)
from rankaae_cli.core.errors import UserError
from tests.core.comparison.fingerprints.planted import ENERGY, spectra_of, spectra_without_clusters

OPTIONS = FingerprintOptions(most=6, resamples=3, rows=200)
KIND = np.repeat([0, 1, 2], (120, 90, 60))
NAMES = np.array([f"m{i // 2}" for i in range(270)])
SPECTRA_NE = spectra_of(KIND)
LABELS = {
    "bond": np.array(["", "double", "triple"])[KIND],
    "angle": np.where(np.arange(270) % 3 == 0, np.nan, np.random.default_rng(0).integers(0, 2, 270)),
}


@pytest.fixture(scope="module")
def planted():
    return find_fingerprints(SPECTRA_NE, ENERGY, NAMES, OPTIONS, LABELS, np.arange(270.0))


def test_clusters_are_found_blind_and_further_spectra_given_to_them(planted):
    assert planted.metrics["reliable"] and planted.metrics["clusters"] == 3
    assert [group["size"] for group in planted.metrics["groups"]] == [120, 90, 60]
    new = np.arange(50) % 3
    assert adjusted_mutual_info_score(new, planted.assign(spectra_of(new, seed=5))) > 0.98


def test_tables_hold_means_bands_and_differences(planted):
    table = planted.tables[SPECTRA]
    second = table[table["cluster"] == 2]
    own, other = SPECTRA_NE[KIND == 1], SPECTRA_NE[KIND != 1]
    np.testing.assert_allclose(second["mean"], own.mean(axis=0))
    np.testing.assert_allclose(second["low"], np.quantile(own, 0.05, axis=0))
    np.testing.assert_allclose(second["difference"], own.mean(axis=0) - other.mean(axis=0))
    assert list(planted.tables[NUMBERS]["clusters"]) == [2, 3, 4, 5, 6]
    assert planted.tables[NUMBERS].set_index("clusters")["chosen"].idxmax() == 3
    rows = planted.tables[FINGERPRINTS]
    assert len(rows) == 270 and rows["x"].notna().sum() == 200
    assert all(
        KIND[group["typical_rows"]].tolist() == [i] * 3 for i, group in enumerate(planted.metrics["groups"])
    )


def test_components_are_those_of_the_singular_values(planted):
    centred = SPECTRA_NE - SPECTRA_NE.mean(axis=0)
    _, size, rows = np.linalg.svd(centred, full_matrices=False)
    own = planted.tables[COMPONENT_SPECTRA]["component_1"].to_numpy()
    np.testing.assert_allclose(np.abs(own), np.abs(rows[0]) * size[0] / np.sqrt(270), atol=1e-9)
    np.testing.assert_allclose(planted.metrics["components"], (size**2 / (size**2).sum())[:3])


def test_labels_are_compared_where_known(planted):
    bond, angle = planted.metrics["labels"]["bond"], planted.metrics["labels"]["angle"]
    assert bond["n"] == 150 and angle["n"] == 180
    assert bond["shared"] > 0.98 and bond["ceiling"] > 0.98
    assert abs(angle["shared"]) < 0.05 and abs(angle["ceiling"]) < 0.1


def test_a_series_changes_where_the_kinds_do(planted):
    np.testing.assert_allclose(planted.metrics["changes"], [119.5, 209.5], atol=3)
    assert planted.tables[SERIES].groupby("value")["share"].sum().to_numpy() == pytest.approx(1)


def test_no_clusters_are_said_to_be_none():
    none = find_fingerprints(spectra_without_clusters(250), ENERGY, np.arange(250).astype(str), OPTIONS)
    assert not none.metrics["reliable"] and none.metrics["clusters"] == 0
    assert set(none.tables[FINGERPRINTS]["cluster"]) == {0}
    assert not none.tables[NUMBERS]["chosen"].any()


@pytest.mark.parametrize(
    ("spectra", "names", "says"),
    [
        (SPECTRA_NE[:10], NAMES[:10], "too few"),
        (np.ones((30, 80)), np.arange(30), "the same"),
        (SPECTRA_NE[:30], np.arange(30) % 5, "5 materials"),
    ],
)
def test_what_cannot_have_clusters_is_refused(spectra, names, says):
    with pytest.raises(UserError, match=says):
        find_fingerprints(spectra, ENERGY, names, OPTIONS)


def test_coordinates_that_are_there_already_are_taken_as_they_are():
    class Means:
        kind = "mean of two halves"

        def coordinates(self, spectra_NE):
            return np.stack([spectra_NE[:, :60].mean(axis=1), spectra_NE[:, 60:].mean(axis=1)], axis=1)

    found = find_fingerprints(SPECTRA_NE, ENERGY, NAMES, OPTIONS, styles=Means())
    assert found.metrics["representation"] == "mean of two halves"
    assert found.coordinates_NC.shape == (270, 2) and len(found.assign(SPECTRA_NE[:7])) == 7
