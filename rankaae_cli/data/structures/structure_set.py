"""The structures of a family's sites: cells, positions and elements of all atoms, in a file beside the family's."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.compression import unpacking
from rankaae_cli.data.datasets import (
    AGAIN,
    put_array,
    put_texts,
    read_numbers,
    read_strings,
    read_text,
    read_texts,
    read_whole_numbers,
)
from rankaae_cli.data.hdf5 import is_damaged
from rankaae_cli.data.structures.poscar import cell_of

FORMAT, FORMAT_VERSION = "rankaae-structures", 1


@dataclass(frozen=True)
class Structure:
    """A periodic structure.

    Attributes
    ----------
    lattice
        Vectors of the cell as rows, (3, 3), angstrom.
    positions
        Of the atoms, Cartesian, angstrom.
    species
        Their elements.
    """

    lattice: np.ndarray
    positions: np.ndarray
    species: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = (len(self.species), 3)
        if self.lattice.shape != (3, 3) or self.positions.shape != shape or not self.species:
            raise UserError(f"a structure whose positions have shape {self.positions.shape}, not {shape}")
        if not (np.isfinite(self.lattice).all() and np.isfinite(self.positions).all()):
            raise UserError("a structure with a number that is not finite")
        if self.volume < 1e-3:
            raise UserError("a structure whose cell has no volume")

    def __len__(self) -> int:
        return len(self.species)

    @property
    def volume(self) -> float:
        """Of the cell, cubic angstrom."""
        return float(abs(np.linalg.det(self.lattice)))


@dataclass(frozen=True)
class Rows:
    """What of a family's rows tells which atoms of which structures they are: materials, sites, the element."""

    material_N: np.ndarray
    site_N: np.ndarray
    element: str

    def digest(self) -> str:
        """Return what tells these rows from those of other files."""
        text = "\n".join(f"{site} {name}" for name, site in zip(self.material_N, self.site_N, strict=True))
        return hashlib.sha256(text.encode()).hexdigest()

    def require(self, structures: Mapping[str, Structure]) -> None:
        """Raise UserError where a row is no atom of the element in one of the structures."""
        for name, site in zip(self.material_N, self.site_N, strict=True):
            species = structures[name].species if name in structures else ()
            if site >= len(species) or species[site] != self.element:
                there = species[site] if site < len(species) else "not there"
                raise UserError(
                    f"atom {site} of structure {name!r} is {there}, expected {self.element}\n{AGAIN}"
                )


def structures_of(poscars: Iterable[tuple[str, bytes]]) -> dict[str, Structure]:
    """Return the structures of POSCARs by name, sorted; one that cannot be read is left out."""
    structures = {}
    for name, data in sorted(poscars):
        try:
            structures[name] = Structure(*cell_of(data))
        except (SpectrumError, UserError):  # its sites are among the rejected, with the reason
            continue
    return structures


def structures_path(family_path: str | Path) -> Path:
    """Return the path of the structures beside a family file."""
    path = Path(family_path)
    return path.with_name(f"{path.name}.structures.h5")


def write_structures(path: Path, structures: Mapping[str, Structure], rows: Rows) -> None:
    """Write the structures of those materials that a family's rows are of; equal ones make equal files."""
    held = {name: structures[name] for name in sorted(set(rows.material_N))}
    elements = tuple(sorted({element for one in held.values() for element in one.species}))
    index = {element: i for i, element in enumerate(elements)}
    species = [index[element] for one in held.values() for element in one.species]
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        put_array(file, "name", np.array(list(held), dtype=object), h5py.string_dtype())
        put_array(file, "lattice", np.array([one.lattice for one in held.values()]), "<f8")
        put_array(file, "atoms", np.array([len(one) for one in held.values()]), "<i8")
        put_array(file, "positions", np.concatenate([one.positions for one in held.values()]), "<f8")
        put_texts(put_array(file, "species", np.array(species), "u1"), elements=elements)
        file.attrs["format"], file.attrs["rows"] = FORMAT, rows.digest()
        file.attrs["format_version"] = FORMAT_VERSION


def read_structures(family_path: str | Path, rows: Rows) -> dict[str, Structure]:
    """Read the structures beside a family file, whose rows are given.

    Raises
    ------
    UserError
        If there are none, or the file is damaged, newer, or of other rows than these.
    """
    path = structures_path(family_path)
    if not path.is_file():
        raise UserError(
            f"{family_path} has no structures beside it ({path.name})\n"
            "ingest it from structures again: source=atoms or source=feff"
        )
    try:
        if is_damaged(path):
            raise ValueError("texts longer than the file")
        with h5py.File(path, "r") as file:
            return _read(file, rows)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except OSError as error:
        why = error.strerror or unpacking(path) or "it is no HDF5 file, or cut short"
        raise UserError(f"{path} cannot be read as HDF5 ({why})\n{AGAIN}") from error
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
        OverflowError,
        IndexError,
    ) as error:
        raise UserError(
            f"{path} is a damaged file of structures: not all in it can be read\n{AGAIN}"
        ) from error


def _read(file: h5py.File, rows: Rows) -> dict[str, Structure]:
    if read_text(file.attrs.get("format", "")) != FORMAT:
        raise UserError(f"it is HDF5 but holds no structures (no attribute format = {FORMAT})\n{AGAIN}")
    version = int(file.attrs["format_version"])
    if version > FORMAT_VERSION:
        raise UserError(
            f"it is of version {version}; this program reads up to {FORMAT_VERSION}\ninstall a newer rankaae"
        )
    if read_text(file.attrs["rows"]) != rows.digest():
        raise UserError(f"it holds the structures of other rows than the family file beside it\n{AGAIN}")
    elements = read_texts(file["species"], "elements")
    species = tuple(elements[i] for i in read_whole_numbers(file, "species"))
    lattices, positions = (read_numbers(file, name).astype(np.float64) for name in ("lattice", "positions"))
    atoms = read_whole_numbers(file, "atoms")
    if atoms.sum() != len(species):
        raise ValueError("numbers of atoms that do not fit")
    ends = np.cumsum(atoms)
    structures = {
        name: Structure(lattice, positions[end - n : end], species[end - n : end])
        for name, lattice, end, n in zip(read_strings(file, "name"), lattices, ends, atoms, strict=True)
    }
    rows.require(structures)
    return structures
