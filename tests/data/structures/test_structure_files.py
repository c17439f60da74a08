"""Structures in files as users have them."""

import warnings

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.data.structures.structure_files import distinct_absorbers, structure_files, structures_in
from tests.data.feff_folder import rock_salt, tenorite, write

pytest.importorskip("pymatgen")


def names_of(*paths):
    return {one.name: one for one in structures_in(structure_files([str(path) for path in paths]))}


def test_each_file_has_a_name_of_its_own(tmp_path):
    files = {
        "a/x/POSCAR": tenorite(),
        "b/x/POSCAR": rock_salt(),
        "c/m.vasp": rock_salt(),
        "c/notes.txt": "none",
    }
    files |= {"d/POSCAR": tenorite(), "d/CONTCAR": tenorite()}
    structures = names_of(write(tmp_path / "all", files))
    assert sorted(structures) == ["CONTCAR", "POSCAR", "a/x", "b/x", "m"]
    assert len(structures["a/x"].structure) == 8


def test_cif_and_extended_xyz_are_read(tmp_path):
    structure = structure_of(tenorite().encode())
    structure.to(filename=str(tmp_path / "tenorite.cif"))
    assert names_of(tmp_path)["tenorite"].structure.composition == structure.composition
    pytest.importorskip("ase")
    cell = " ".join(f"{x:.6f}" for x in structure.lattice.matrix.ravel())
    rows = "".join(f"{s.specie} {' '.join(f'{x:.6f}' for x in s.coords)}\n" for s in structure)
    frame = f'8\nLattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"\n{rows}'
    (tmp_path / "two.extxyz").write_text(frame * 2)
    assert {"two#0", "two#1"} <= set(names_of(tmp_path))
    (tmp_path / "two.extxyz").write_text(f"8\nno cell\n{rows}")
    assert "no cell that repeats" in names_of(tmp_path)["two"].fault


def test_what_cannot_be_read_has_a_reason(tmp_path):
    long = f"data_c\n_symmetry_space_group_name_H-M {'x' * 20_000}\n"
    write(tmp_path, {"a.cif": "data_a\nnothing", "b.vasp": "b\n1.0\n", "c.cif": long})
    structures = names_of(tmp_path)
    assert "no crystal can be read from it as cif" in structures["a"].fault
    assert structures["c"].fault == "a line of it has more than 10000 letters"
    assert "the structure cannot be read" in structures["b"].fault
    (tmp_path / "empty").mkdir()
    for name, words in (("c", "there is no file or folder"), ("empty", "no structure is there")):
        with pytest.raises(UserError, match=words):
            structure_files([str(tmp_path / name)])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Cu O\n", "", "the POSCAR names no elements"),
        ("4.20000000 0.00000000 0.00000000", "4.2 -1e308 1e308", "cell and atoms take more than"),
        ("1.0\n", "-inf\n", "cell and atoms take more than"),
        ("0.50000000 0.50000000 0.00000000", "900 -900 900", "cell and atoms take more than 1e\\+08 cubic"),
    ],
)
def test_numbers_of_no_structure_are_refused_without_warnings_or_much_memory(old, new, said):
    assert old in rock_salt()
    with warnings.catch_warnings(action="error"), pytest.raises(SpectrumError, match=said):
        structure_of(rock_salt(a=4.2).replace(old, new, 1).encode())


def test_absorbers_alike_by_symmetry_are_one():
    structure = structure_of(tenorite().encode())
    assert [(a.site, a.multiplicity) for a in distinct_absorbers(structure, "Cu")] == [(0, 4)]
    structure.translate_sites([1], [0.05, 0.02, 0.01])
    assert sum(a.multiplicity for a in distinct_absorbers(structure, "Cu")) == 4
    assert len(distinct_absorbers(structure, "Cu")) > 1
    with pytest.raises(SpectrumError, match="the structure holds no Fe; it is of Cu, O"):
        distinct_absorbers(structure, "Fe")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '2\nLattice="4 0 0 0 4 0 0 0 4"\nNi 0 0 0\nO 2 2 2\n99999999999999999999\n',
            "more atoms follow than do",
        ),
        ("1\nProperties=species:S:1:pos:R:2147483648\nNi 0 0 0\n", "more than 999 columns"),
        ("1\n" + "x" * 20_000 + "\nNi 0 0 0\n", "more than 10000 letters"),
    ],
)
def test_an_xyz_that_would_not_end_is_refused(tmp_path, text, said):
    (tmp_path / "x.extxyz").write_text(text)
    (one,) = structures_in([tmp_path / "x.extxyz"])
    assert said in one.fault
