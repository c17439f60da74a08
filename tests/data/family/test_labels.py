"""Descriptors from another family file, and what files say of their fidelity."""

import csv
from dataclasses import replace

import h5py
import numpy as np
import pytest

from rankaae_cli.data.family.families import read_families
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family, write_family

GRID = 8983.5 + 0.25 * np.arange(256)
NPZ = ("source=npz", "path=v.npz", "npz.energy_start=8983.5", "npz.energy_step=0.25", "output=v.h5")


def spectra(n, points=256):
    energy = GRID[:points]
    rise = 0.5 + np.arctan((energy - 8990) / 1.5) / np.pi
    return rise + 0.1 * np.arange(1, n + 1)[:, None] * np.exp(-(((energy - 8996) / 2) ** 2))


@pytest.fixture
def files(tmp_path):
    """Write three labelled sites, and four spectra of which two are theirs, in another order."""
    family = Family(
        name="Cu_oxides",
        element="Cu",
        edge="K",
        energy_E=GRID,
        spectra_NE=spectra(3).astype(np.float32),
        descriptors_NK=np.array([[1.0, 4.0], [2.0, 5.0], [np.nan, 6.0]]),
        descriptor_names=("OS", "CN"),
        descriptor_units=("", ""),
        material_N=np.array(["mp-1", "mp-1", "mp-2"], dtype=object),
        site_N=np.array([0, 2, 0]),
        split_N=np.zeros(3, dtype=np.uint8),
        source="feff",
        quantities_NQ=np.array([[1.9], [2.0], [2.1]]),
        quantity_names=("MBL",),
        quantity_units=("angstrom",),
    )
    write_family(tmp_path / "labels.h5", family)
    ids = np.array(["mp-2_000", "mp-1_002", "mp-1_1", "mp-3_2"])
    np.savez(tmp_path / "v.npz", spectra=spectra(4, 141), ids=ids)
    return tmp_path


def ingest(rankaae, *arguments):
    done = rankaae("ingest", "+family=Cu_oxides", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_descriptors_come_by_material_and_site(rankaae, files):
    out = ingest(rankaae, *NPZ, "labels=labels.h5", "fidelity=vasp")
    family = read_family(files / "v.h5")
    assert list(zip(family.material_N, family.site_N.tolist(), strict=True)) == [("mp-1", 2), ("mp-2", 0)]
    assert np.array_equal(family.descriptors_NK, [[2, 5], [np.nan, 6]], equal_nan=True)
    assert family.quantity_names == ("MBL",) and family.quantities_NQ.tolist() == [[2.0], [2.1]]
    assert np.allclose(family.spectra_NE, spectra(4, 141)[[1, 0]])
    assert family.fidelity == "VASP" and "VASP" in out
    with (files / "v.h5.rejected.csv").open(newline="") as file:
        rows = [(row["material"], row["site"], row["reason"]) for row in csv.DictReader(file)]
    reason = "no descriptors: the file of labels= does not have this site"
    assert rows == [("mp-1", "1", reason), ("mp-3", "2", reason)]


def test_labels_without_a_common_site_are_refused(refused, files):
    np.savez(files / "v.npz", spectra=spectra(2, 141), ids=np.array(["mp-1_1", "mp-3_0"]))
    message = refused("ingest", "+family=Cu_oxides", *NPZ, "labels=labels.h5")
    assert "labels=labels.h5 has no site of these 2 spectra" in message
    assert not (files / "v.h5").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("source=family", "path=labels.h5", "output=v.h5", "labels=labels.h5"), "not of source=family"),
        (("source=synthetic", "output=v.h5", "fidelity=VASP"), "which are synthetic"),
        ((*NPZ, "fidelity=synthetic"), "which are not synthetic"),
        ((*NPZ, "fidelity='VASP+FEFF'"), "is no name"),
        ((*NPZ, "labels=nowhere.h5"), "there is no family file nowhere.h5"),
    ],
)
def test_what_does_not_go_together_is_refused(refused, files, arguments, expected):
    assert expected in refused("ingest", "+family=Cu_oxides", *arguments)
    assert not (files / "v.h5").exists()


def test_labels_of_another_element_or_range_of_energies_are_refused(refused, files):
    assert "element is Cu" in refused("ingest", "+family=Fe_oxides", *NPZ, "labels=labels.h5")
    family = read_family(files / "labels.h5")
    write_family(files / "labels.h5", replace(family, energy_E=GRID - 8000))
    assert "do not meet those of family" in refused("ingest", "+family=Cu_oxides", *NPZ, "labels=labels.h5")


def test_synthetic_spectra_stay_synthetic(rankaae, refused, files):
    ingest(rankaae, "source=synthetic", "synthetic.spectra=30", "output=s.h5")
    call = ("source=family", "path=s.h5", "output=v.h5", "fidelity=VASP")
    assert "which are synthetic" in refused("ingest", "+family=Cu_oxides", *call)


def test_a_dry_run_tells_of_labels_and_writes_nothing(rankaae, files):
    before = sorted(files.iterdir())
    out = ingest(rankaae, *NPZ, "labels=labels.h5", "fidelity=VASP", "dry_run=true")
    assert "would be kept: 2 spectra of 2 materials" in out and "fidelity    VASP" in out
    assert "OS 1, CN 2" in out
    assert "2  no descriptors: the file of labels= does not have this site" in out
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    ("source", "fidelity"),
    [("feff", "FEFF"), ("measured", "measured"), ("synthetic", "synthetic"), ("csv", "unknown")],
)
def test_older_files_have_the_fidelity_of_their_source(files, source, fidelity):
    with h5py.File(files / "labels.h5", "r+") as file:
        del file.attrs["fidelity"]
        file.attrs["source"] = source
    assert read_family(files / "labels.h5").fidelity == fidelity


def test_two_codes_meet_on_one_grid(rankaae, files):
    np.savez(files / "w.npz", spectra=spectra(1, 141), ids=np.array(["mp-1_0"]))
    own = ("npz.energy_start=8983.173", "npz.energy_step=0.25")
    both = ("source=npz", "path=[v.npz,w.npz]", *own, "labels=labels.h5", "fidelity=VASP", "output=v.h5")
    ingest(rankaae, *both)
    cut = ("family.energy.start=8983.173", "family.energy.points=141", "source=family", "path=labels.h5")
    ingest(rankaae, *cut, "regrid=true", "output=f.h5")
    vasp, feff = read_family(files / "v.h5"), read_family(files / "f.h5")
    assert np.allclose(vasp.energy_E, 8983.173 + 0.25 * np.arange(141))
    assert np.array_equal(feff.energy_E, vasp.energy_E)
    assert feff.site_N.tolist() == vasp.site_N.tolist() and feff.fidelity == "FEFF"
    assert np.array_equal(feff.descriptors_NK, vasp.descriptors_NK, equal_nan=True)
    assert read_families([files / "v.h5", files / "f.h5"])[0].fidelity == "VASP+FEFF"


def test_a_grid_that_ends_behind_the_spectra_is_refused_with_one_that_does_not(rankaae, refused, files):
    call = ("source=npz", "path=v.npz", "npz.energy_start=8983.173", "npz.energy_step=0.25", "output=v.h5")
    call = (*call, "labels=labels.h5", "regrid=true")
    said = refused("ingest", "+family=Cu_oxides", "family.energy.points=141", *call)
    assert "end at 9018.173 eV, before the grid of family Cu_oxides at 9018.5" in said
    assert "give family.energy.points=139, with which it ends at 9018" in said
    ingest(rankaae, "family.energy.points=139", *call)
    assert np.allclose(read_family(files / "v.h5").energy_E, GRID[:139])
    short = ("source=family", "path=v.h5", "output=w.h5", "regrid=true")
    assert "give family.energy.points=139" in refused("ingest", "+family=Cu_oxides", *short)


def test_only_npz_takes_several_files(refused, files):
    call = ("source=family", "path=[a.h5,b.h5]", "output=v.h5")
    assert "names 2 files, of which source=family reads one" in refused("ingest", "+family=Cu_oxides", *call)
    assert "path= is missing" in refused("ingest", "+family=Cu_oxides", *NPZ, "path=[]")


def test_a_longer_file_is_cut_to_a_shortened_grid_and_keeps_its_fidelity(rankaae, files):
    grid = ("family.energy.points=141", "regrid=true")
    ingest(rankaae, "source=family", "path=labels.h5", "output=short.h5", *grid)
    family = read_family(files / "short.h5")
    assert np.allclose(family.energy_E, GRID[:141])
    assert np.allclose(family.spectra_NE, spectra(3, 141), atol=1e-5)
    assert family.fidelity == "FEFF"
