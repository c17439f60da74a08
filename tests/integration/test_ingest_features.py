"""`rankaae ingest features=`: what describes the sites, from structures, from a file, or from the descriptors."""

import numpy as np
import pytest

from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.features.featurisers import featurisers_of
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from tests.data.feff_folder import good_folder, rock_salt, write

pytest.importorskip("pymatgen")


@pytest.fixture
def ingest(rankaae, tmp_path):
    def call(*arguments):
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        done = rankaae("ingest", "+family=Cu_oxides", *arguments, "output=x.h5", "overwrite=true", **cache)
        assert done.returncode == 0, done.stderr
        return read_family(tmp_path / "x.h5"), done.stdout

    return call


@pytest.fixture
def arrays(tmp_path):
    """A file of spectra with features of ten materials, as `np.savez` writes it."""
    energy = 8983 + 0.5 * np.arange(150)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(10, 3)).astype(np.float32)
    step = 1 / (1 + np.exp(-(energy - 8992) / 2))
    spectra = step * (1 + 0.3 * np.exp(-(((energy - 8998) / 3) ** 2)) * rng.uniform(0.5, 1, (10, 1)))
    ids = np.array([f"m{i}_0" for i in range(10)])
    np.savez(tmp_path / "x.npz", spectra=spectra, ids=ids, features=features, energy=energy)
    return features


def test_structures_get_features_beside_their_descriptors(ingest, tmp_path):
    pytest.importorskip("chgnet")
    root = write(tmp_path / "feff", good_folder())
    family, out = ingest(
        "source=feff", f"path={root}", "parallel.jobs=1", "features=[chgnet,descriptors,quantities]"
    )
    assert "of chgnet+descriptors+quantities 0.3.0" in out
    features = family.features
    (chgnet,) = featurisers_of(["chgnet"])
    assert features.names[:64] == chgnet.names and features.names[64:69] == family.descriptor_names
    assert features.names[69:] and set(features.names[69:]) <= set(family.quantity_names)
    row = family.material_N.tolist().index("m-rock")
    expected = chgnet.features(structure_of(rock_salt().encode()), "m-rock")[0]
    np.testing.assert_allclose(features.values_NF[row, :64], expected, atol=1e-5)
    np.testing.assert_allclose(features.values_NF[:, 64], family.descriptors_NK[:, 0].astype(np.float32))


def test_a_file_brings_its_features_and_another_ingest_keeps_them(ingest, arrays, tmp_path):
    family, out = ingest("source=npz", "path=x.npz", "npz.features=m3gnet 2021.2.8")
    assert "3 of m3gnet 2021.2.8" in out
    np.testing.assert_array_equal(family.features.values_NF, arrays)
    (tmp_path / "x.h5").rename(tmp_path / "y.h5")
    for chosen in ((), ("features=m3gnet",)):
        again, _ = ingest("source=family", "path=y.h5", *chosen)
        np.testing.assert_array_equal(again.features.values_NF, arrays)
        assert again.features.difference(family.features) == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            ("source=csv", "path=x.csv", "features=chgnet"),
            "features=chgnet needs structures, which source=csv",
        ),
        (("source=feff", "path=x", "features=chgnt"), "there are no features=chgnt: did you mean chgnet"),
        (("source=npz", "path=x.npz", "features=chgnet"), "source=npz reads: it has those of unknown"),
        (("source=npz", "path=x.npz", "features=descriptors"), "no descriptor is known of any site"),
    ],
)
def test_features_that_cannot_be_had_are_refused(refused, arrays, call, words):
    assert words in refused("ingest", "+family=Cu_oxides", *call)
