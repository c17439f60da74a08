import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import FamilySpec, Neighbours
from rankaae_cli.data.structures.atoms import read_atoms
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions
from tests.data.feff_folder import close, poscar, write

pytest.importorskip("pymatgen")
SPEC = FamilySpec(
    "amorphous_carbon",
    "C",
    "K",
    np.arange(6.0),
    "index",
    descriptor_names=("CN", "MBL", "NNRS", "MBA"),
    neighbours=Neighbours("cutoff", 1.85),
)
CORNERS = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
INNER = [(x + 0.25, y + 0.25, z + 0.25) for x, y, z in CORNERS]
DIAMOND = poscar(np.eye(3) * 3.567, ["C"] * 8, CORNERS + INNER)


def rows(count=8, points=6, separator=" "):
    return "".join(separator.join(f"{i + p / 10}" for p in range(points)) + "\n" for i in range(count))


@pytest.fixture
def read(tmp_path):
    def call(files, spec=SPEC):
        options = ShellOptions(60, Workers(jobs=1), tmp_path / "cache.sqlite")
        return read_atoms(write(tmp_path / "data", files), spec, keep_all=False, options=options)

    return call


def test_one_row_an_atom(read):
    sites = read(
        {
            "poscar/train/d1.5_10.vasp": DIAMOND,
            "xanes/train/d1.5_10.txt": rows(),
            "poscar/misc/diamond.vasp": DIAMOND,
            "xanes/misc/diamond.csv": "0,1,2,3,4,5\n" + rows(separator=","),
        }
    )
    assert sites.material_N.tolist() == ["d1.5_10"] * 8 + ["diamond"] * 8
    assert sites.site_N.tolist() == [*range(8), *range(8)]
    expected = np.arange(8)[:, None] + np.arange(6) / 10
    assert np.allclose(sites.spectra_NE, [*expected, *expected])
    assert (sites.energy_unit, sites.normalisation) == ("index", "unknown")
    assert sites.descriptor_units == ("1", "angstrom", "angstrom", "degree")
    bond = 3.567 * np.sqrt(3) / 4
    assert np.allclose(sites.descriptors_NK, [4, bond, 0, np.degrees(np.arccos(-1 / 3))], atol=1e-5)
    quantity = dict(zip(sites.quantity_names, sites.quantities_NQ.T, strict=True))
    assert not {"CN", "MBL", "NNRS", "MBA"} & set(quantity)  # the descriptors
    assert not {"OS", "OCN", "BVS"} & set(quantity)  # not known of carbon
    assert np.allclose(quantity["q4"], 0.5092, atol=1e-4)
    assert quantity["SSN"].tolist() == [12] * 16
    assert np.allclose(quantity["SSD"], 3.567 / np.sqrt(2), atol=1e-5)
    assert sites.rejected == ()
    # 8 atoms in a cube of 0.3567 nm: 176.3 atoms a cubic nm.
    assert set(sites.groups["formula"]) == {"C"} and set(sites.groups["density"]) == {"175"}


def test_every_atom_is_a_row_or_has_its_reason(read):
    table = rows().splitlines()
    table[2] = "nan" + table[2][3:]
    table[3] = "1 2 3"
    table[4] = table[4].replace("4.1", "abc")
    sites = read(
        {
            "a.vasp": DIAMOND,
            "a.txt": "\n".join(table),
            "b.vasp": DIAMOND,
            "b.txt": rows(10),
            "c.vasp": DIAMOND,
            "c.txt": rows(7),
            "d.vasp": DIAMOND,
            "e.txt": rows(2),
            "f.vasp": "no structure",
            "f.txt": rows(3),
            "g.vasp": DIAMOND.replace("\nC\n8\n", "\nC H\n7 1\n"),
            "g.txt": rows(),
            "h.vasp": DIAMOND,
            "h.txt": "",
            "i.vasp": DIAMOND.replace("\n8\n", "\n9\n") + "0 0 0\n",
            "i.txt": rows(9),
        }
    )
    found = {}
    for r in sites.rejected:
        found.setdefault((r.material, r.reason), []).append(r.site)
    unreadable = next(reason for material, reason in found if material == "f")
    assert unreadable.startswith("the structure cannot be read: ")
    assert found == {
        ("a", "NaN or infinite values (1 of 6)"): ["2"],
        ("a", "the row has 3 values, the family's grid 6"): ["3"],
        ("a", "the row holds text where numbers are expected"): ["4"],
        ("b", "the table has 10 rows, the structure 8 atoms"): [str(i) for i in range(10)],
        ("c", "the table has 7 rows, the structure 8 atoms"): [str(i) for i in range(8)],
        ("d", "no table of spectra of the same name"): [""],
        ("e", "no structure of the same name"): ["0", "1"],
        ("f", unreadable): ["0", "1", "2"],
        ("g", "site 7 of the structure is H, the family is of C"): ["7"],
        ("h", "the table is empty"): [""],
        ("i", next(r for m, r in found if m == "i")): [str(i) for i in range(9)],
    }
    assert any("two atoms at one place: C (site 0) and C (site 8)" in reason for _, reason in found)
    assert len(sites) == 5 + 7


def test_structures_of_one_name_in_different_folders_stay_apart(read):
    wider = DIAMOND.replace("3.56700000", "3.60000000")
    sites = read(
        {
            "poscar/a/d.vasp": DIAMOND,
            "xanes/a/d.txt": rows(),
            "poscar/b/d.vasp": wider,
            "xanes/b/d.txt": rows(),
            "poscar/b/e.vasp": DIAMOND,
            "xanes/b/e.txt": rows(),
        }
    )
    assert sites.material_N.tolist() == ["a/d"] * 8 + ["b/d"] * 8 + ["e"] * 8
    bonds = np.array([3.567, 3.6, 3.567]).repeat(8) * np.sqrt(3) / 4
    assert np.allclose(sites.descriptors_NK[:, 1], bonds, atol=1e-5)
    assert sites.rejected == ()


def test_two_files_for_one_structure_are_no_pair(read):
    sites = read(
        {
            "a.vasp": DIAMOND,
            "a.poscar": DIAMOND,
            "a.txt": rows(2),
            "b.vasp": DIAMOND,
            "b.txt": rows(),
            "b.csv": rows(),
        }
    )
    assert [(r.material, r.site, r.reason) for r in sites.rejected] == [
        ("a", "0", "there are two structure files of this name"),
        ("a", "1", "there are two structure files of this name"),
        ("b", "", "there are two tables of spectra of this name"),
    ]


def test_folders_that_cannot_be_read_are_listed(read, monkeypatch):
    close(monkeypatch, "closed")
    sites = read({"a.vasp": DIAMOND, "a.txt": rows(), "closed/b.vasp": DIAMOND})
    assert [(r.material, r.reason) for r in sites.rejected] == [
        ("closed", "the folder cannot be read: Permission denied")
    ]


@pytest.mark.parametrize("files", [{}, {"poscar/a.vasp": DIAMOND, "xanes/b.txt": rows()}])
def test_a_folder_without_pairs_is_refused(read, files, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(UserError, match=r"holds no structure with a table .*\nexpected poscar/<name>.vasp"):
        read(files)
