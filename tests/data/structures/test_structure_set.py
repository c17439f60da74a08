import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.structures.structure_set import (
    Rows,
    Structure,
    read_structures,
    structures_of,
    structures_path,
    write_structures,
)
from tests.data.feff_folder import poscar

CELL = np.array([[4.0, 0, 0], [1, 5, 0], [0, 0.5, 6]])
FRACTIONS = np.array([[0.0, 0, 0], [0.25, 0.5, 0.75], [0.5, 0, 0]])
ROWS = Rows(np.array(["b", "a", "a"], dtype=object), np.array([1, 0, 1]), "C")


@pytest.fixture
def structures():
    data = poscar(CELL, ["C", "C", "O"], FRACTIONS).encode()
    return structures_of([("b", data), ("unused", data), ("a", data), ("damaged", data[:60])])


def test_positions_of_a_poscar(structures):
    assert list(structures) == ["a", "b", "unused"]
    one = structures["a"]
    assert np.allclose(one.lattice, CELL) and np.allclose(one.positions, FRACTIONS @ CELL)
    assert one.species == ("C", "C", "O") and one.volume == pytest.approx(120)


def test_a_volume_for_a_scale_and_cartesian_positions():
    lines = poscar(CELL, ["C"], [(0, 0, 0)]).splitlines()
    lines[1], lines[7:] = "-960", ["Cartesian", "1 2 3"]  # eight times the volume: twice the lengths
    one = structures_of([("a", "\n".join(lines).encode())])["a"]
    assert np.allclose(one.lattice, 2 * CELL) and np.allclose(one.positions, [[2, 4, 6]])


def test_what_is_written_is_read_again(structures, tmp_path):
    path = structures_path(tmp_path / "c.h5")
    assert path.name == "c.h5.structures.h5"
    write_structures(path, structures, ROWS)
    first = path.read_bytes()
    write_structures(path, structures, ROWS)
    assert path.read_bytes() == first
    read = read_structures(tmp_path / "c.h5", ROWS)
    assert list(read) == ["a", "b"]  # those of the rows
    for name, one in read.items():
        assert one.species == structures[name].species
        assert (one.positions == structures[name].positions).all()
        assert (one.lattice == structures[name].lattice).all()


def test_structures_of_other_rows_are_refused(structures, tmp_path):
    with pytest.raises(UserError, match=r"has no structures beside it \(c.h5.structures.h5\)\ningest it"):
        read_structures(tmp_path / "c.h5", ROWS)
    path = structures_path(tmp_path / "c.h5")
    write_structures(path, structures, ROWS)
    with pytest.raises(UserError, match="structures of other rows"):
        read_structures(tmp_path / "c.h5", Rows(ROWS.material_N, np.array([1, 0, 0]), "C"))
    with pytest.raises(UserError, match="atom 1 of structure 'b' is C, expected O"):
        read_structures(tmp_path / "c.h5", Rows(ROWS.material_N, ROWS.site_N, "O"))


def test_damaged_structures_are_said(structures, tmp_path):
    path = structures_path(tmp_path / "c.h5")
    write_structures(path, structures, ROWS)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"structures.h5 cannot be read as HDF5"):
        read_structures(tmp_path / "c.h5", ROWS)
    path.write_bytes(b"no HDF5")
    with pytest.raises(UserError, match=r"structures.h5 cannot be read as HDF5"):
        read_structures(tmp_path / "c.h5", ROWS)


@pytest.mark.parametrize(
    ("lattice", "positions", "why"),
    [
        (np.zeros((3, 3)), np.zeros((1, 3)), "has no volume"),
        (np.eye(3), np.full((1, 3), np.nan), "not finite"),
        (np.eye(3), np.zeros((2, 3)), "shape"),
    ],
)
def test_impossible_structures(lattice, positions, why):
    with pytest.raises(UserError, match=why):
        Structure(lattice, positions, ("C",))
