"""Structures in files as users have them, POSCAR, CIF and extended XYZ, and the absorbers that differ in them."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import material_names
from rankaae_cli.data.structures.pymatgen_structure import require_possible, structure_of

_POSCARS, _CIF, _XYZ = ("poscar", "contcar", "vasp"), "cif", ("xyz", "extxyz")
FORMATS = "POSCAR, CONTCAR, *.vasp, *.cif or *.extxyz"
_LARGEST, _LONGEST_LINE, _DIGITS = (
    2**26,
    10_000,
    10,
)  # letters of an extended XYZ, of a line, of a number of atoms
_COLUMNS = re.compile(r":[A-Za-z]:(\d+)")  # how many hold a property of the atoms
_SYMMETRY = 0.01  # angstrom, as of the Materials Project


@dataclass(frozen=True)
class StructureFile:
    """A structure by its name, as pymatgen has it, or why it cannot be used."""

    name: str
    structure: Any = None
    fault: str = ""


@dataclass(frozen=True)
class Absorber:
    """A site, 0-based, that stands for as many as are alike by symmetry."""

    site: int
    multiplicity: int


def given_structures(given: Sequence[Any]) -> tuple[Iterator[StructureFile], int]:
    """Return structures, and of how many files and objects: paths, or structures as pymatgen or ase have them.

    Those without a file are called by their formula, with their number where there are several.

    Raises
    ------
    UserError
        If a path is not there, there is no structure among them, or something is none.
    """
    paths = [str(one) for one in given if isinstance(one, str | Path)]
    objects = [one for one in given if not isinstance(one, str | Path)]
    files = structure_files(paths) if paths or not objects else []
    named = [_named(one, f"#{i}" if len(objects) > 1 else "") for i, one in enumerate(objects)]
    return chain(structures_in(files), named), len(files) + len(named)


def structure_files(paths: Sequence[str]) -> list[Path]:
    """Return the files of structures that paths name, those in folders and folders below too, sorted.

    Raises
    ------
    UserError
        If a path is not there, or there is no structure among them.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise UserError(f"there is no file or folder {path}\ncorrect input=")
        found = sorted(p for p in path.rglob("*") if p.is_file() and _kind(p)) if path.is_dir() else [path]
        files += found
    if not files:
        raise UserError(f"{', '.join(map(str, paths))}: no structure is there\nexpected {FORMATS}")
    return list(dict.fromkeys(files))


def structures_in(files: Sequence[Path]) -> Iterator[StructureFile]:
    """Yield the structures of files, each called as its file or, a POSCAR, as its folder."""
    in_folder = Counter(path.parent for path in files if _kind(path) in _POSCARS[:2])
    keys = {path: _key(path.resolve(), in_folder[path.parent]) for path in files}
    names = material_names(keys.values(), "/")
    for path, key in keys.items():
        try:
            read = list(_read(path))
        except SpectrumError as error:
            yield StructureFile(names[key], fault=str(error))
            continue
        for i, structure in enumerate(read):
            yield StructureFile(names[key] + (f"#{i}" if len(read) > 1 else ""), structure)


def _key(path: Path, alike: int) -> tuple[str, ...]:
    """Return what names a structure: its path, of a POSCAR that is alone in its folder that of the folder."""
    own = path.stem if path.suffix else path.name
    return path.parent.parts if _kind(path) in _POSCARS[:2] and alike == 1 else (*path.parent.parts, own)


def distinct_absorbers(structure: Any, element: str) -> list[Absorber]:
    """Return a site of each set of sites of an element that are alike by symmetry.

    Raises
    ------
    SpectrumError
        If the structure holds no such element.
    """
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    sites = [i for i, site in enumerate(structure) if element in (e.symbol for e in site.species.elements)]
    if not sites:
        elements = ", ".join(sorted(map(str, structure.composition.element_composition.elements)))
        raise SpectrumError(f"the structure holds no {element}; it is of {elements}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alike = SpacegroupAnalyzer(structure, _SYMMETRY).get_symmetry_dataset().equivalent_atoms
        count = Counter(int(alike[i]) for i in sites)
    except Exception:  # spglib finds no group for some cells; then all sites differ
        count = Counter(sites)
    return [Absorber(site, multiplicity) for site, multiplicity in sorted(count.items())]


def _kind(path: Path) -> str:
    """Return how a file of a structure is written by its name; empty for others."""
    stem, suffix = path.name.lower(), path.suffix.lower().lstrip(".")
    if suffix in (_CIF, *_XYZ, "vasp", "poscar"):
        return "vasp" if suffix == "poscar" else suffix
    return next((kind for kind in _POSCARS[:2] if stem.startswith(kind)), "")


def _read(path: Path) -> Iterator[Any]:
    kind = _kind(path)
    if not kind:
        raise SpectrumError(f"its name is not one of {FORMATS}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpectrumError(f"it cannot be read ({error.strerror})") from error
    if kind in _POSCARS:
        yield structure_of(data)
        return
    read = _of_cif if kind == _CIF else _of_xyz
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structures = read(path)
            for structure in structures:
                require_possible(structure)
    except (UserError, SpectrumError):
        raise
    except Exception as error:  # pymatgen and ase raise all kinds for damaged files
        raise SpectrumError(f"no crystal can be read from it as {kind}: is it whole?") from error
    yield from structures


def _of_cif(path: Path) -> list[Any]:
    from pymatgen.io.cif import CifParser

    _short_lines(path)
    return list(CifParser(path, check_cif=False).parse_structures(primitive=False))


def _of_xyz(path: Path) -> list[Any]:
    if find_spec("ase") is None:
        raise SpectrumError('extended XYZ needs ase: pip install "rankaae[features]"')
    from ase.io import iread  # an extra, which others need not have

    _require_whole_frames(path)
    structures = []
    for atoms in iread(path, index=":", format="extxyz"):
        structures.append(_of_atoms(atoms))
    return structures


def _require_whole_frames(path: Path) -> None:
    """Raise SpectrumError where ase would read on for ever."""
    lines, at = _short_lines(path), 0
    while at < len(lines) and lines[at].strip().isdecimal():
        atoms = int(lines[at]) if len(lines[at].strip()) < _DIGITS else len(lines)
        if at + atoms + 2 > len(lines):
            raise SpectrumError(f"its line {at + 1} says that more atoms follow than do: is it cut short?")
        if any(len(n) > 3 for n in _COLUMNS.findall(lines[at + 1])):
            raise SpectrumError(f"its line {at + 2} says that there are more than 999 columns")
        at += atoms + 2


def _short_lines(path: Path) -> list[str]:
    """Return the lines of a file; raise SpectrumError where one is so long that to read it takes minutes."""
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = file.read(_LARGEST).splitlines()
    if max(map(len, lines), default=0) > _LONGEST_LINE:
        raise SpectrumError(f"a line of it has more than {_LONGEST_LINE} letters")
    return lines


def _of_atoms(atoms: Any) -> Any:
    """Return atoms of ase as pymatgen has them."""
    from pymatgen.io.ase import AseAtomsAdaptor

    if not atoms.pbc.all():
        raise SpectrumError("it has no cell that repeats in three directions (Lattice= in its comment)")
    return AseAtomsAdaptor.get_structure(atoms)


def _named(structure: Any, number: str) -> StructureFile:
    """Return a structure of pymatgen or ase as one by its name."""
    if hasattr(structure, "get_chemical_formula"):
        name = structure.get_chemical_formula(empirical=True) + number
        try:
            structure = _of_atoms(structure)
        except SpectrumError as error:
            return StructureFile(name, fault=str(error))
    elif not hasattr(structure, "frac_coords"):
        raise UserError(
            f"{type(structure).__name__} is no structure\nexpected a path, a Structure of pymatgen or Atoms of ase"
        )
    name = structure.composition.reduced_formula + number
    try:
        require_possible(structure)
    except SpectrumError as error:
        return StructureFile(name, fault=str(error))
    return StructureFile(name, structure)
