"""Layouts of FEFF folders, and the reason against each site that cannot be used."""

import bz2
import gzip
import lzma
import os
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import FamilySpec, Neighbours
from rankaae_cli.data.readers.computed.feff import parse_xmu
from rankaae_cli.data.readers.computed.feff_sites import read_feff
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions
from tests.data.feff_folder import (
    GRID,
    close,
    cuprite,
    good_folder,
    rock_salt,
    site,
    slow_cell,
    tenorite,
    write,
    xmu_text,
)

pytest.importorskip("pymatgen")
# By a cutoff, which is fast; CrystalNN is tested where structures are.
SPEC = FamilySpec(
    "Cu_oxides",
    "Cu",
    "K",
    GRID,
    descriptor_names=("CN", "MOOD"),
    neighbours=Neighbours("cutoff", 2.4),
    ligands=("O",),
    coordination=(4, 5, 6),
)


@pytest.fixture
def read(tmp_path):
    def call(path, spec=SPEC, keep_all=False, time_limit=60):
        options = ShellOptions(time_limit, Workers(jobs=1), tmp_path / "cache.sqlite")
        return read_feff(path, spec, max_tail=8.0, keep_all=keep_all, options=options)

    return call


def reasons(sites):
    return {(r.material, r.site): r.reason for r in sites.rejected}


def assert_good(sites):
    assert list(zip(sites.material_N, sites.site_N, strict=True)) == [
        ("m-big", 2),
        ("m-rock", 0),
        ("m-tenorite", 0),
        ("m-tenorite", 1),
    ]
    assert sites.rejected == ()
    assert sites.descriptors_NK[:, 0].tolist() == [6, 6, 4, 4]
    assert sites.spectra_NE.shape == (4, 256)
    assert sites.descriptor_units == ("1", "angstrom")
    assert sites.quantities_NQ.shape == (4, len(sites.quantity_names))
    quantity = dict(zip(sites.quantity_names, sites.quantities_NQ.T, strict=True))
    assert not {"CN", "MOOD"} & set(quantity)  # the descriptors
    assert "OS" not in quantity  # not known of any site, as the neighbours are found without
    assert np.allclose(quantity["q4"], [0.7638, 0.7638, 0.8292, 0.8292], atol=0.03)
    assert quantity["VOL"].tolist()[2:] == [0, 0]
    assert quantity["NEN"].tolist() == [3.44] * 4
    assert sites.quantity_units[sites.quantity_names.index("VOL")] == "angstrom^3"


def test_both_layouts_and_every_header(tmp_path, read):
    assert_good(read(write(tmp_path / "runs", good_folder())))


def test_the_folder_may_be_packed(tmp_path, read):
    root = write(tmp_path / "runs", good_folder())
    with tarfile.open(tmp_path / "runs.tar.xz", "w:xz") as file:
        file.add(root, "some/where")
    with zipfile.ZipFile(tmp_path / "runs.zip", "w") as file:
        for path in sorted(root.rglob("*"), reverse=True):  # spectra before structures
            file.write(path, path.relative_to(root))
    assert_good(read(tmp_path / "runs.tar.xz"))
    assert_good(read(tmp_path / "runs.zip"))


def test_the_path_may_be_one_material(tmp_path, read):
    write(tmp_path / "m-1", {"POSCAR": rock_salt(), **{k[2:]: v for k, v in site("x", 0).items()}})
    sites = read(tmp_path / "m-1")
    assert (sites.material_N.tolist(), sites.site_N.tolist()) == (["m-1"], [0])


def test_every_site_is_a_row_or_has_its_reason(tmp_path, read):
    late = xmu_text(first=8993, last=9130)
    falling = xmu_text().splitlines(keepends=True)
    falling[30], falling[31] = falling[31], falling[30]
    files = good_folder() | {
        "b/POSCAR": rock_salt(),
        **site("b", 0, xmu_text(last=9040)),
        **site("b", 1, late),
        **site("b", 2, xmu_text()[:-31]),
        **site("b", 3, "".join(falling)),
        **site("b", 4),
        **site("b", 8),
        **site("b", 9, element="Fe"),
        "c/POSCAR": rock_salt("Fe"),
        **site("c", 0),
        "d/POSCAR": rock_salt(anion="Cl", a=4.4),
        **site("d", 0),
        "e/POSCAR": cuprite(),
        **site("e", 0),
        **site("f", 0),
        "g/POSCAR": "no structure",
        **site("g", 0),
        "h/POSCAR": rock_salt(),
        "h/FEFF-XANES/000_Cu/feff.inp": "",
        "h/FEFF-XANES/first/xmu.dat": xmu_text(),
        **site("h", 1, xmu_text(z=30)),
        **site("h", 2, xmu_text(edge="L3")),
        **site("h", 3, xmu_text(points=20).replace(" 9125.000", "      NaN")),
        "i/POSCAR": rock_salt(),
        "j/calculation/xmu.dat": xmu_text(),
        "j/README": "",
    }
    sites = read(write(tmp_path / "runs", files))
    assert reasons(sites) == {
        ("b", "0"): "ends at 9040 before the grid's end 9047.25",
        (
            "b",
            "1",
        ): "starts at 8993, 9.5 above the grid's start 8983.5: more than the 8 that a tail may bridge",
        ("b", "2"): "truncated: line 182 of xmu.dat has 4 columns, expected 6",
        ("b", "3"): "the energy column does not ascend: 8989.357 follows 8989.732 at point 23",
        ("b", "4"): "site 4 of the structure is O, the family is of Cu",
        ("b", "8"): "site index 8 is out of range: the structure has atoms 0 to 7",
        ("b", "9"): "the site's folder names Fe, the family is of Cu",
        ("c", "0"): "the structure holds no Cu; it is of Fe, O",
        ("d", "0"): "first shell is Cl6, not all O",
        ("e", "0"): "coordination number 2, the family keeps 4, 5, 6",
        ("f", "0"): "no POSCAR or CONTCAR in the folder of the material",
        ("g", "0"): reasons(sites)["g", "0"],
        ("h", "0"): "no xmu.dat in the folder of the site",
        ("h", "1"): "the spectrum is of Zn, the family is of Cu",
        ("h", "2"): "the spectrum is of the L3 edge, the family is of the K edge",
        ("h", "3"): "NaN or infinite values: energy of point 20 (1 in all)",
        ("h", "first"): "the name of the site's folder is not <site>_<El>",
        ("i", ""): "no spectrum beside this structure",
        ("j/calculation", ""): reasons(sites)["j/calculation", ""],
    }
    assert reasons(sites)["g", "0"].startswith("the structure cannot be read: ")
    assert reasons(sites)["j/calculation", ""].startswith(
        "unknown layout: xmu.dat is not at <material>/FEFF-XANES"
    )
    assert len(sites) == 4


def test_compressed_files_and_relaxed_structures_are_read(tmp_path, read):
    """As programs that run VASP and FEFF leave them."""
    files = {
        "a/POSCAR.gz": gzip.compress(rock_salt().encode()),
        "a/FEFF-XANES/000_Cu/xmu.dat.gz": gzip.compress(xmu_text().encode()),
        "b/CONTCAR.bz2": bz2.compress(rock_salt().encode()),
        "b/feff_001_Cu-K/XANES/xmu.dat.xz": lzma.compress(xmu_text().encode()),
        "c/CONTCAR": "damaged",
        "c/POSCAR": rock_salt(),
        **site("c", 2),
        "d/POSCAR": rock_salt(),
        "d/FEFF-XANES/003_Cu/xmu.dat.zst": b"(\xb5/\xfd\x04\x00",
    }
    root = write(tmp_path / "runs", files)
    with zipfile.ZipFile(tmp_path / "runs.zip", "w") as archive:
        for path in sorted(root.rglob("*"), reverse=True):
            archive.write(path, path.relative_to(root))
    for path in (root, tmp_path / "runs.zip"):
        sites = read(path)
        assert list(zip(sites.material_N, sites.site_N, strict=True)) == [("a", 0), ("b", 1), ("c", 2)]
        assert reasons(sites) == {
            ("d", "3"): "xmu.dat is compressed by zstd, which is not read: unpack it, such as by unzstd"
        }


def test_one_site_found_twice_is_a_row_and_a_reason(tmp_path, read):
    files = {"a/m/POSCAR": rock_salt(), **site("a/m", 0), "a/m/feff_000_x/XANES/xmu.dat": xmu_text()}
    files["a/m/feff_001_x/XANES/xmu.dat"] = xmu_text()
    sites = read(write(tmp_path / "runs", files))
    assert sites.site_N.tolist() == [0, 1]
    assert reasons(sites) == {("m", "0"): "duplicate: this material and site came before"}


def test_materials_of_one_name_in_different_folders_stay_apart(tmp_path, read):
    files = {"setA/m1/POSCAR": rock_salt(), **site("setA/m1", 0), "setA/m2/POSCAR": rock_salt()}
    files |= {"setB/m1/POSCAR": tenorite(), **site("setB/m1", 0), **site("setA/m2", 0), **site("setB/m3", 0)}
    sites = read(write(tmp_path / "runs", files))
    assert sites.material_N.tolist() == ["m2", "setA/m1", "setB/m1"]
    assert sites.descriptors_NK[:, 0].tolist() == [6, 6, 4]
    assert set(reasons(sites)) == {("m3", "0")}


def test_a_lone_spectrum_is_rejected_with_the_layouts(tmp_path, read):
    sites = read(write(tmp_path / "lone", {"xmu.dat": xmu_text()}))
    assert len(sites) == 0
    assert "unknown layout: xmu.dat is not at <material>/FEFF-XANES" in reasons(sites)["lone", ""]


def test_a_site_index_beyond_64_bits_is_rejected(tmp_path, read):
    folder = "m/FEFF-XANES/" + "9" * 30 + "_Cu"
    sites = read(write(tmp_path / "runs", {"m/POSCAR": rock_salt(), f"{folder}/xmu.dat": xmu_text()}))
    assert reasons(sites) == {("m", "9" * 30 + "_Cu"): "the name of the site's folder is not <site>_<El>"}


def test_folders_that_cannot_be_read_are_listed(tmp_path, read, monkeypatch):
    files = good_folder() | {"closed/POSCAR": rock_salt(), **site("all/m-rock", 3)}
    root = write(tmp_path / "runs", files)
    (root / "all" / "up").symlink_to(root)
    close(monkeypatch, "closed", "003_Cu")
    sites = read(root)
    assert reasons(sites) == {
        ("all/up", ""): "the folder is a link to a folder above it",
        ("closed", ""): "the folder cannot be read: Permission denied",
        ("m-rock", "3"): "the folder cannot be read: Permission denied",
    }
    assert len(sites) == 4


def test_a_poscar_without_elements_is_rejected(tmp_path, read):
    lines = rock_salt().splitlines(keepends=True)
    sites = read(write(tmp_path / "runs", {"m/POSCAR": "".join(lines[:5] + lines[6:]), **site("m", 0)}))
    assert reasons(sites)["m", "0"].startswith("the POSCAR names no elements (VASP 4)")


def test_a_material_may_have_any_name(tmp_path, read):
    names = ["<script>", "Fe\u2082O\u2083", 'it\'s "quoted"', "a,b"]
    files = {}
    for name in names:
        files |= {f"{name}/POSCAR": rock_salt(), **site(name, 0)}
    root = write(tmp_path / "runs", files)
    write(Path(os.fsdecode(os.fsencode(root) + b"/\xff")), {"POSCAR": rock_salt(), **site(".", 0)})
    assert set(read(root).material_N) == {*names, "\\xff"}


def test_all_sites_can_be_kept(tmp_path, read):
    files = {"d/POSCAR": rock_salt(anion="Cl", a=4.4), **site("d", 0), "e/POSCAR": cuprite(), **site("e", 0)}
    sites = read(write(tmp_path / "runs", files), keep_all=True)
    assert sites.descriptors_NK[:, 0].tolist() == [6, 2]


def test_a_site_without_valences_is_kept_with_its_oxidation_state_unknown(tmp_path, read):
    spec = FamilySpec("x", "Cu", "K", GRID, descriptor_names=("OS", "CN"), neighbours=SPEC.neighbours)
    sites = read(write(tmp_path / "runs", {"m/POSCAR": rock_salt(anion="Cu", a=4.2), **site("m", 0)}), spec)
    assert np.isnan(sites.descriptors_NK[0, 0])
    assert sites.descriptors_NK[0, 1] == 6


def test_a_time_out_is_a_reason_of_its_own(tmp_path, read):
    # An alarm may go off where Python swallows it, as in a destructor: one is not enough.
    root = write(tmp_path / "runs", {"m/POSCAR": slow_cell(), **site("m", 0)})
    slow = replace(SPEC, neighbours=Neighbours("crystal_nn"))
    sites = read(root, slow, time_limit=1e-4)
    assert reasons(sites) == {("m", "0"): "time-out: the structure took more than 0.0001 s (time_limit=)"}
    assert len(read(root)) == 1


@pytest.mark.parametrize("files", [{}, {"a/POSCAR": rock_salt(), "a/FEFF-XANES/000_Cu/feff.inp": ""}])
def test_a_folder_without_spectra_is_refused(tmp_path, read, files):
    (tmp_path / "runs").mkdir()
    with pytest.raises(UserError, match=r"runs holds no xmu.dat\nexpected <material>/FEFF-XANES"):
        read(write(tmp_path / "runs", files))


def test_names_that_lead_out_of_an_archive_get_a_reason(tmp_path, read):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name, text in ({"m/POSCAR": rock_salt(), **site("m", 0), **site("../n", 0)}).items():
            file.writestr(name, text)
    sites = read(tmp_path / "x.zip")
    assert len(sites) == 1
    assert reasons(sites) == {("n", "0"): "xmu.dat has a name that leads out of the archive"}


def test_a_family_of_unknown_descriptors_names_the_nearest(tmp_path, read):
    with pytest.raises(UserError, match="asks for descriptor MOD: did you mean MOOD"):
        read(tmp_path, FamilySpec("x", "Cu", "K", GRID, descriptor_names=("MOD",)))


def test_a_family_without_an_energy_axis_is_refused(tmp_path, read):
    with pytest.raises(UserError, match="no energy axis in eV"):
        read(tmp_path, FamilySpec("x", "C", "K", np.arange(100.0), "index"))


L_GRID = 924.0 + 0.25 * np.arange(256)


def l_edge(edge, e0, **options):
    """An xmu.dat of an L edge: that of the K edge on other energies."""
    k_edge = xmu_text(edge=edge, **options)
    head, _, rows = k_edge.rpartition("@#\n")
    fields = [line.split() for line in rows.splitlines()]
    lines = [[f"{float(f[0]) - 8992 + e0:.3f}", f"{float(f[1]) - 8992 + e0:.3f}", *f[2:]] for f in fields]
    return head + "@#\n" + "".join("  ".join(line) + "\n" for line in lines)


def test_spectra_of_both_l_edges_are_added_up_with_their_weights(read, tmp_path):
    l3, l2 = l_edge("L3", 932.7), l_edge("L2", 952.3)
    nameless = {text: re.sub(r"L\d  shell", "", text) for text in (l3, l2)}
    files = {
        "m1/POSCAR": tenorite(),
        "m1/FEFF-XANES-L3/000_Cu/xmu.dat": l3,
        "m1/FEFF-XANES-L2/000_Cu/xmu.dat": l2,
        "m1/FEFF-XANES-L3/001_Cu/xmu.dat": nameless[l3],
        "m1/FEFF-XANES-L2/001_Cu/xmu.dat": nameless[l2],
        "m2/POSCAR": rock_salt(),
        "m2/feff_000_Cu-L3/XANES/xmu.dat": l3,
        "m2/feff_000_Cu-L2/XANES/xmu.dat": l2,
        "m2/feff_001_Cu-L3/XANES/xmu.dat": l3,
        "m2/feff_002_Cu/XANES/xmu.dat": nameless[l3],
        "m2/feff_003_Cu/XANES/xmu.dat": xmu_text(),
    }
    sites = read(write(tmp_path / "x", files), replace(SPEC, edge="L23", energy_E=L_GRID))
    assert list(zip(sites.material_N, sites.site_N, strict=True)) == [("m1", 0), ("m1", 1), ("m2", 0)]
    texts = {weight: parse_xmu(text.encode()) for weight, text in ((2 / 3, l3), (1 / 3, l2))}
    expected = sum(weight * np.interp(L_GRID, xmu.energy, xmu.mu) for weight, xmu in texts.items())
    for spectrum_E in sites.spectra_NE:
        inside = L_GRID > 946
        np.testing.assert_allclose(spectrum_E[inside], expected[inside], atol=0.02)
    assert sites.spectra_NE[0, 60] == pytest.approx(2 / 3, abs=0.15), "L3 alone has risen there"
    why = reasons(sites)
    assert why["m2", "1"] == "L3 alone: L3 and L2 make L23"
    assert why["m2", "2"].endswith("says which edge of L23 it is of")
    assert "is of the K edge, the family is of the L23 edge" in why["m2", "3"]
