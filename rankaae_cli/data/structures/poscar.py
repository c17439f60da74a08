"""A POSCAR line by line: what is wrong with one that cannot be read, and three scales written as one."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rankaae_cli.core.structure.composition import reduced_formula
from rankaae_cli.core.xas.spectra import SpectrumError

# An element as VASP writes it: Cu, Cu_pv, Cu_pv/f474ac0d.
_NAME = re.compile(r"[A-Z][a-z]{0,2}(?:[_/].*)?")
_SHOWN = 40  # characters of a line
_FARTHEST = 1e5  # angstrom


class _Layout(NamedTuple):
    """Scales, cell and elements of a POSCAR, and where its positions are: their first line's number, from 1 on."""

    scales: list[float]
    vectors: list[list[float]]
    names: list[str]
    counts: list[int]
    is_cartesian: bool
    first: int

    @property
    def atoms(self) -> int:
        return sum(self.counts)


def poscar_fault(text: str, is_element: Callable[[str], bool]) -> str:
    """Return which line of a POSCAR is wrong and what was expected there, in a clause; empty where none is.

    Parameters
    ----------
    text
        The file.
    is_element
        Tells the symbols of elements from other words.
    """
    try:
        layout = _layout(text.splitlines())
    except SpectrumError as error:
        return str(error)
    unknown = [name for name in layout.names if not is_element(name.split("/")[0].split("_")[0])]
    return f"line 6 of the POSCAR holds {unknown[0]!r}, expected symbols of elements" if unknown else ""


def cell_of(data: bytes) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the vectors of a POSCAR's cell, (3, 3), its atoms' positions, (A, 3), both in angstrom, and elements.

    Raises
    ------
    SpectrumError
        If it cannot be read or names no elements.
    """
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    layout = _layout(lines)
    if not layout.names:
        raise SpectrumError("the POSCAR names no elements (VASP 4)")
    vectors = np.array(layout.vectors)
    scale = np.resize(layout.scales, 3)
    last = layout.first - 1 + layout.atoms
    positions = np.array([[float(w) for w in line.split()[:3]] for line in lines[layout.first - 1 : last]])
    positions = positions.reshape(-1, 3)
    with np.errstate(all="ignore"):
        if layout.scales[0] < 0:  # a volume in VASP's convention
            scale = np.full(3, (-layout.scales[0] / abs(np.linalg.det(vectors))) ** (1 / 3))
        lattice = vectors * scale
        positions = positions * scale if layout.is_cartesian else positions @ lattice
    if not np.abs(np.concatenate([lattice, positions])).max() < _FARTHEST:
        raise SpectrumError(f"the POSCAR's cell or atoms reach beyond {_FARTHEST:g} angstrom")
    elements = [re.split("[_/]", name)[0] for name in layout.names]
    species = tuple(e for e, n in zip(elements, layout.counts, strict=True) for _ in range(n))
    return lattice, positions, species


def structure_groups(data: bytes) -> dict[str, str]:
    """Return what a structure shares with others: its reduced formula, and its density in atoms per cubic nm.

    The density is rounded to five, 0.1 g/cm3 of carbon, so that snapshots of one network have the same.

    Parameters
    ----------
    data
        The POSCAR; nothing is returned of one that cannot be read or names no elements.
    """
    try:
        layout = _layout(data.decode("utf-8-sig", errors="replace").splitlines())
    except SpectrumError:
        return {}
    atoms: Counter[str] = Counter()
    for name, count in zip(layout.names, layout.counts, strict=False):
        atoms[re.split("[_/]", name)[0]] += count
    if not any(atoms.values()):
        return {}
    volume = abs(np.linalg.det(np.array(layout.vectors)))
    if layout.scales[0] < 0:  # a volume in VASP's convention
        volume = -layout.scales[0]
    else:
        volume *= np.prod(np.resize(layout.scales, 3))
    return {"formula": reduced_formula(atoms), "density": f"{5 * round(200 * layout.atoms / volume):d}"}


def with_one_scale(text: str) -> str:
    """Return a POSCAR whose three scales, one each for x, y and z as VASP 6 takes, are put into its vectors.

    Others come back as they are.
    """
    lines = text.splitlines()
    if len(lines) < 2 or len(lines[1].split()) < 3:
        return text
    try:
        layout = _layout(lines)
    except SpectrumError:
        return text
    if len(layout.scales) == 3:
        positions = range(layout.first, layout.first + layout.atoms) if layout.is_cartesian else ()
        for number in (3, 4, 5, *positions):
            words = lines[number - 1].split()
            scaled = [f"{float(w) * s:.16g}" for w, s in zip(words, layout.scales, strict=False)]
            lines[number - 1] = " ".join([*scaled, *words[3:]])
        lines[1] = "1.0"
    return "\n".join(lines) + "\n"


def _layout(lines: Sequence[str]) -> _Layout:
    scales = _scales(lines)
    vectors = [_numbers(lines, n, "three numbers, a vector of the cell") for n in (3, 4, 5)]
    if abs(np.linalg.det(np.array(vectors))) < 1e-9:
        raise SpectrumError("lines 3 to 5 of the POSCAR are vectors of a cell without a volume")
    names, number = _names(lines)
    counts: list[int] = []
    wanted = "whole numbers of atoms" + (f", one for each of {' '.join(names)}" if names else " or elements")
    while len(counts) < max(len(names), 1):
        words = _words(lines, number, wanted)
        if not all(word.isdecimal() for word in words):
            raise _wrong(lines, number, wanted)
        counts += [int(word) for word in words]
        number += 1
    if names and len(counts) != len(names):
        raise _wrong(lines, number - 1, wanted)
    number += _words(lines, number, "Direct or Cartesian")[0][0] in "sS"
    mode = _words(lines, number, "Direct or Cartesian")[0]
    if not mode[0].isalpha():
        raise _wrong(lines, number, "Direct or Cartesian")
    atoms = sum(counts)
    for i in range(atoms):
        _numbers(lines, number + 1 + i, f"three numbers, the position of atom {i + 1} of {atoms}")
    return _Layout(scales, vectors, names, counts, mode[0] in "cCkK", number + 1)


def _scales(lines: Sequence[str]) -> list[float]:
    expected = "a scale, or three that are positive"
    words = _words(lines, 2, expected)
    scales = [_number(word) for word in words[:3]]
    count = next((i for i, scale in enumerate(scales) if scale is None), len(scales))
    values = [scale for scale in scales[:count] if scale is not None]
    if count == 3 and min(values) > 0:
        return values
    if count == 0 or values[0] == 0 or count == 3:
        raise _wrong(lines, 2, expected)
    return values[:1]


def _names(lines: Sequence[str]) -> tuple[list[str], int]:
    """Return the elements, none in a POSCAR of VASP 4, and the number of the line with their numbers of atoms."""
    names: list[str] = []
    number = 6
    expected = "symbols of elements"
    while not (words := _words(lines, number, expected))[0].isdecimal():
        if not all(map(_NAME.fullmatch, words)):
            raise _wrong(lines, number, expected)
        expected = f"whole numbers of atoms, one for each of {' '.join([*names, *words])}"
        names += words
        number += 1
    return names, number


def _words(lines: Sequence[str], number: int, expected: str) -> list[str]:
    if number > len(lines):
        last = f" with {lines[-1].strip()[:_SHOWN]!r}" if lines else ""
        raise SpectrumError(
            f"the POSCAR ends at line {len(lines)}{last}, expected {expected} on line {number}"
        )
    words = lines[number - 1].split()
    if not words:
        raise SpectrumError(f"line {number} of the POSCAR is empty, expected {expected}")
    return words


def _numbers(lines: Sequence[str], number: int, expected: str) -> list[float]:
    values = [_number(word) for word in _words(lines, number, expected)[:3]]
    numbers = [value for value in values if value is not None]
    if len(numbers) < 3:
        raise _wrong(lines, number, expected)
    return numbers


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _wrong(lines: Sequence[str], number: int, expected: str) -> SpectrumError:
    shown = lines[number - 1].strip()[:_SHOWN]
    return SpectrumError(f"line {number} of the POSCAR holds {shown!r}, expected {expected}")
