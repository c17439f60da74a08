"""Featurisers: what they refuse, what they warn of, and what CHGNet computes."""

from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.features import featurisers
from rankaae_cli.data.features.featurisers import Featuriser, empty_features, featurisers_of
from rankaae_cli.data.features.site_features import cached_features, computed_features
from rankaae_cli.data.structures import shell_workers
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.data.structures.shell_cache import ShellCache
from rankaae_cli.data.structures.shell_task import ShellTask
from tests.data.feff_folder import rock_salt

pytest.importorskip("pymatgen")


@pytest.fixture
def protons():
    """A featuriser of an atom's protons and their square, and the structures that it was asked for."""
    asked = []

    def compute(structure):
        asked.append(structure)
        z = np.array([site.specie.Z for site in structure], dtype=float)
        return np.stack([z, z**2], axis=1)

    return Featuriser("protons", "1", "", ("Z", "Z2"), 94, compute), asked


def task(poscar, *sites):
    return ShellTask(poscar.encode(), sites, Neighbours("cutoff", 2.4), False)


def site_features(name, asked, featurisers, cache):
    kept = cached_features(asked, featurisers, cache)
    return kept or next(computed_features([name], {name: asked}, featurisers, cache, jobs=1))[1]


def test_many_structures_are_described_in_processes_as_in_one(protons, tmp_path, monkeypatch):
    monkeypatch.setattr(shell_workers, "_FIRST", 2)
    featuriser = replace(
        protons[0], compute=lambda structure: np.outer(structure.distance_matrix[:, 1], [1, 2])
    )
    tasks = {f"m-{n}": task(rock_salt(a=4 + 0.1 * n), 0) for n in range(9)} | {"bad": task("no POSCAR", 0)}
    read = []
    for jobs in (1, 2):
        with ShellCache(tmp_path / f"{jobs}.sqlite") as cache:
            read.append(dict(computed_features(list(tasks), tasks, [featuriser], cache, jobs)))
    assert list(read[0]) == list(read[1]) == list(tasks) and read[1]["bad"].fault
    for name in tasks:
        assert [one[name].to_json() for one in read[1:]] == [read[0][name].to_json()]


def test_features_come_from_the_cache_where_they_are_known(protons, tmp_path):
    featuriser, asked = protons
    with ShellCache(tmp_path / "cache.sqlite") as cache:
        first = site_features("m-1", task(rock_salt(), 0, 99), [featuriser], cache)
    with ShellCache(tmp_path / "cache.sqlite") as cache:
        again = site_features("m-1", task(rock_salt(), 0, 99), [featuriser], cache)
        assert len(asked) == 1
        site_features("m-1", task(rock_salt(), 0, 99), [replace(featuriser, version="2")], cache)
        site_features("m-1", task(rock_salt(a=4.3), 0, 99), [featuriser], cache)
    assert len(asked) == 3
    z = structure_of(rock_salt().encode())[0].specie.Z
    assert first.sites[0].tolist() == again.sites[0].tolist() == [z, z**2]
    assert list(first.sites) == [0]  # no features of an atom that is not there


def test_several_stand_side_by_side(protons, tmp_path):
    other = replace(protons[0], model="other", names=("A", "B"))
    with ShellCache(tmp_path / "cache.sqlite") as cache:
        features = site_features("m-1", task(rock_salt(), 0), [protons[0], other], cache)
    assert features.sites[0].shape == (4,)
    assert empty_features([protons[0], other]).names == ("Z", "Z2", "A", "B")
    assert empty_features([]) is None


def test_overlapping_atoms_have_no_features(protons, tmp_path):
    lines = rock_salt().splitlines()
    lines[-1] = lines[-2]
    with ShellCache(tmp_path / "cache.sqlite") as cache:
        features = site_features("m-1", task("\n".join(lines), 0), [protons[0]], cache)
    assert features.sites == {} and "two atoms at one place" in features.fault


def test_partial_occupancies_and_unknown_elements_are_refused(protons):
    from pymatgen.core import DummySpecies

    featuriser, _ = protons
    structure = structure_of(rock_salt().encode())
    shared, unknown, heavy = structure.copy(), structure.copy(), structure.copy()
    shared[1] = {"Cu": 0.5, "Ni": 0.5}
    with pytest.raises(
        SpectrumError, match=r"site 1 is occupied in part \(.*0\.5.*\): protons needs whole atoms"
    ):
        featuriser.features(shared, "m-1")
    unknown[0] = DummySpecies("X")
    heavy[0] = "Cm"
    for one in (unknown, heavy):
        with pytest.raises(SpectrumError, match=r"protons does not know the element .* \(site 0\)"):
            featuriser.features(one, "m-1")


def test_large_structures_are_warned_of(protons, capsys):
    structure = structure_of(rock_salt().encode())
    structure.make_supercell([6, 6, 4])
    assert len(structure) > 1000
    assert protons[0].features(structure, "mp-7").shape == (len(structure), 2)
    assert "mp-7 has 1152 atoms" in capsys.readouterr().err.replace("\n", " ")


def test_unknown_features_and_absent_packages_are_refused(monkeypatch):
    with pytest.raises(UserError, match="there are no features=chgnett: did you mean chgnet"):
        featurisers_of(["chgnett"])
    monkeypatch.setattr(featurisers, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'needs the package chgnet\npip install "rankaae\[features\]"'):
        featurisers_of(["chgnet"])


def test_chgnet_describes_atoms_alike_wherever_the_cell_begins():
    pytest.importorskip("chgnet")
    (featuriser,) = featurisers_of(["chgnet"])
    assert featuriser.version == "0.3.0" and len(featuriser.weights) == 64 and len(featuriser.names) == 64
    structure = structure_of(rock_salt().encode())
    features = featuriser.features(structure, "m-1")
    assert features.shape == (len(structure), 64) and features.dtype == np.float32
    moved = structure.copy()
    moved.translate_sites(range(len(moved)), [0.1, 0.2, 0.3])
    np.testing.assert_allclose(featuriser.features(moved, "m-1"), features, atol=1e-4)
    assert np.abs(features[0] - features[-1]).max() > 0.1  # a metal and an oxygen


def test_chgnet_needs_atoms_that_are_not_alone():
    pytest.importorskip("chgnet")
    structure = structure_of(rock_salt().encode())
    structure.scale_lattice(1e5)
    with pytest.raises(SpectrumError, match="a neighbour of each atom within 6 angstrom"):
        featurisers_of(["chgnet"])[0].features(structure, "m-1")
