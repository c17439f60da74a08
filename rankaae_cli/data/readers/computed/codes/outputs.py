"""The files that codes write, one function each: text to energies (eV) and absorption."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from xml.etree import ElementTree

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.readers.computed.feff import is_xmu_text, parse_xmu

Curve = tuple[np.ndarray, np.ndarray]

_OCEAN, _EXCITING, _XSPECTRA, _VASP, _FEFF = "OCEAN", "exciting", "XSpectra", "VASP", "FEFF"
TABLE = "table"
POLARISED = (_OCEAN, _EXCITING, _XSPECTRA)  # codes whose files are each of one polarisation
_IMAGINARY = re.compile(r"IMAGINARY DIELECTRIC FUNCTION.*\n.*\n[ -]*\n")
# A component of exciting's dielectric tensor; the average over directions is of those on the diagonal.
_COMPONENT = re.compile(r"EPSILON_.*OC(\d)(\d)\.OUT$")


def code_of(name: str, text: str) -> str | None:
    """Return what wrote a file, by its name and, where that says little, by how it begins.

    Returns
    -------
    str or None
        A key of `PARSERS`; None of what is no output with a spectrum, a component of a tensor off its diagonal too.
    """
    base = PurePath(name).name
    if base.startswith("absspct"):
        return _OCEAN
    if component := _COMPONENT.search(base):
        return _EXCITING if component.group(1) == component.group(2) else None
    if base.startswith("OUTCAR") or base == "vasprun.xml":
        return _VASP
    if text.startswith("# Final state angular momentum"):
        return _XSPECTRA
    if base == "xmu.dat" or is_xmu_text(text):
        return _FEFF
    return TABLE if base.endswith((".txt", ".dat", ".csv", ".xy")) and _is_table(text) else None


def parse_table(text: str) -> Curve:
    """Return the first two columns of numbers: energy and absorption; `#` begins a comment."""
    return _columns(text, 0, 1)


def parse_ocean(text: str) -> Curve:
    """Return energy and spectrum of OCEAN's ``absspct``; the energies are from a zero of their own."""
    return _columns(text, 0, 1)


def parse_exciting(text: str) -> Curve:
    """Return energy and the imaginary part of exciting's ``EPSILON``."""
    return _columns(text, 0, 2)


def parse_xspectra(text: str) -> Curve:
    """Return energy and cross-section of ``xanes.dat``; the energies are from the Fermi level or a given zero."""
    return _columns(text, 0, 1)


def parse_vasp(text: str) -> Curve:
    """Return energy and the trace of the imaginary dielectric tensor, of an ``OUTCAR`` or a ``vasprun.xml``."""
    if text.lstrip().startswith("<?xml"):
        return _vasprun(text)
    head = _IMAGINARY.search(text)
    if head is None:
        raise SpectrumError("an OUTCAR without an imaginary dielectric function: the run did not get there")
    rows = []
    for line in text[head.end() :].splitlines():
        words = line.split()
        if len(words) != 7:
            break
        rows.append(words)
    return _trace(rows)


def parse_feff(text: str) -> Curve:
    """Return energy and normalised absorption of ``xmu.dat``."""
    xmu = parse_xmu(text.encode())
    return xmu.energy, xmu.mu


PARSERS: Mapping[str, Callable[[str], Curve]] = {
    _OCEAN: parse_ocean,
    _EXCITING: parse_exciting,
    _XSPECTRA: parse_xspectra,
    _VASP: parse_vasp,
    _FEFF: parse_feff,
    TABLE: parse_table,
}


def _is_table(text: str) -> bool:
    first = next(
        (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), ""
    )
    try:
        return len([float(word) for word in _words(first)]) > 1
    except ValueError:
        return False


def _words(line: str) -> list[str]:
    return line.replace(",", " ").replace(";", " ").split()


def _columns(text: str, *wanted: int) -> Curve:
    """Return two columns of the rows of numbers."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = _words(line)
        if not words or words[0].startswith(("#", "!", "%")):
            continue
        try:
            rows.append([float(words[i].replace("D", "E")) for i in wanted])
        except (ValueError, IndexError):
            if not rows:  # a heading
                continue
            raise SpectrumError(
                f"line {number} is {line.strip()[:40]!r}, expected {max(wanted) + 1} numbers"
            ) from None
    return _curve(rows)


def _vasprun(text: str) -> Curve:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise SpectrumError(f"a vasprun.xml that is damaged or cut short: {error}") from error
    rows = root.findall(".//dielectricfunction/imag//r")
    if not rows:
        raise SpectrumError("a vasprun.xml without a dielectric function: the run did not get there")
    return _trace((row.text or "").split() for row in rows)


def _trace(rows: Iterable[list[str]]) -> Curve:
    """Return energy and the mean of xx, yy and zz, the first block where there are several."""
    numbers: list[list[float]] = []
    for words in rows:
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise SpectrumError(f"the dielectric function holds {' '.join(words)[:40]!r}") from None
        if len(values) != 7:
            raise SpectrumError(f"a row of the dielectric function has {len(values)} numbers, expected 7")
        if numbers and values[0] <= numbers[-1][0]:
            break
        numbers.append([values[0], sum(values[1:4]) / 3])
    return _curve(numbers)


def _curve(rows: list[list[float]]) -> Curve:
    if len(rows) < 5:
        raise SpectrumError(f"truncated: {len(rows)} rows of numbers, at least 5 are needed")
    energy_M, absorption_M = np.array(rows, dtype=np.float64).T
    if not (np.isfinite(energy_M).all() and np.isfinite(absorption_M).all()):
        raise SpectrumError("a number that is not finite")
    order = np.argsort(energy_M, kind="stable")
    energy_M, absorption_M = energy_M[order], absorption_M[order]
    if (np.diff(energy_M) <= 0).any():
        raise SpectrumError("two rows of one energy")
    return energy_M, absorption_M
