import numpy as np
import pytest

from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.data.structures.structure_text import cif, extended_xyz

LATTICE = np.array([[5.0, 0, 0], [1.2, 6, 0], [-0.7, 0.4, 7]])
POSITIONS = np.array([[0.1, 0.2, 0.3], [2, 8, 1], [-1, 3, 4.0]])
STRUCTURE = Structure(LATTICE, POSITIONS, ("C", "C", "O"))


def test_files_are_read_by_others(tmp_path):
    """ase and pymatgen, which other programs read such files by, find the same atoms."""
    read = pytest.importorskip("ase.io").read
    parser = pytest.importorskip("pymatgen.io.cif").CifParser
    (tmp_path / "a.extxyz").write_text(2 * extended_xyz(STRUCTURE, {"sample": "1", "density": 2.5}))
    (tmp_path / "a.cif").write_text(cif(STRUCTURE, "a"))
    frames = read(tmp_path / "a.extxyz", index=":")
    assert len(frames) == 2 and frames[0].pbc.all() and frames[0].info["density"] == 2.5
    assert frames[0].get_chemical_symbols() == ["C", "C", "O"]
    assert np.allclose(frames[0].cell, LATTICE)
    assert np.allclose(frames[0].get_all_distances(mic=True), distances(), atol=1e-6)
    structure = parser(tmp_path / "a.cif").parse_structures(primitive=False)[0]
    assert [site.species_string for site in structure] == ["C", "C", "O"]
    assert np.allclose(structure.distance_matrix, distances(), atol=1e-6)


def distances():
    fractions = POSITIONS @ np.linalg.inv(LATTICE)
    shifts = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    apart = fractions[:, None] - fractions
    apart -= apart.round()
    return np.linalg.norm((apart[:, :, None] + shifts) @ LATTICE, axis=3).min(axis=2)
