"""The files that codes write, one function each: text to energies (eV) and absorption."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import PurePath
from xml.etree import ElementTree

import numpy as np

from rankaae_cli.core.xas.spectra import LARGEST, SpectrumError
from rankaae_cli.data.readers.computed.feff import is_xmu_text, parse_xmu
from rankaae_cli.data.readers.scans.dialects import fdmnes_zero
from rankaae_cli.data.readers.scans.text_rows import NUMBER, row_fields, split

Curve = tuple[np.ndarray, np.ndarray]

_OCEAN, _EXCITING, _XSPECTRA, _VASP = "OCEAN", "exciting", "XSpectra", "VASP"
_FEFF, _FDMNES = "FEFF", "FDMNES"
TABLE = "table"
POLARISED = (_OCEAN, _EXCITING, _XSPECTRA)  # codes whose files are each of one polarisation
CORE_HOLE = (*POLARISED, _VASP)  # whose files hold no edge step
_LEAST_SPAN = 2.0  # eV; a spectrum over keV spans less
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
    if base.startswith(("OUTCAR", "CORE_DIELECTRIC_IMAG")) or base == "vasprun.xml":
        return _VASP
    if text.startswith("# Final state angular momentum"):
        return _XSPECTRA
    if base == "xmu.dat" or is_xmu_text(text):
        return _FEFF
    if fdmnes_zero(text, np.empty(0)) is not None:
        return _FDMNES
    return TABLE if base.endswith((".txt", ".dat", ".csv", ".xy")) and _is_table(text) else None


def parse_table(text: str) -> Curve:
    """Return the first two columns of the longest block of numbers, as `split` finds it: energy and absorption."""
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
    """Return energy and the trace of the imaginary dielectric tensor.

    Of an ``OUTCAR``, a ``vasprun.xml``, or a table of two columns that was cut from one.
    """
    if text.lstrip().startswith("<?xml"):
        return _vasprun(text)
    if _is_table(text):
        return _columns(text, 0, 1)
    head = _IMAGINARY.search(text)
    if head is None:
        raise SpectrumError("an OUTCAR without an imaginary dielectric function: the run did not get there")
    rows = []
    for line in text[head.end() :].splitlines():
        words = line.split()
        if not words:
            break
        rows.append(words)
    return _trace(rows)


def parse_feff(text: str) -> Curve:
    """Return energy and normalised absorption of ``xmu.dat``."""
    xmu = parse_xmu(text.encode())
    return _curve(list(zip(xmu.energy, xmu.mu, strict=True)))


def parse_fdmnes(text: str) -> Curve:
    """Return energy, from the edge that the first line gives, and the first spectrum of FDMNES's output."""
    energy_M, absorption_M = _columns(text.partition("\n")[2], 0, 1)
    return energy_M + (fdmnes_zero(text, energy_M) or 0.0), absorption_M


PARSERS: Mapping[str, Callable[[str], Curve]] = {
    _OCEAN: parse_ocean,
    _EXCITING: parse_exciting,
    _XSPECTRA: parse_xspectra,
    _VASP: parse_vasp,
    _FEFF: parse_feff,
    _FDMNES: parse_fdmnes,
    TABLE: parse_table,
}


def _is_table(text: str) -> bool:
    """Tell whether one of the first two lines but for comments is of numbers; the first may name columns."""
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    for line in islice(lines, 2):
        fields = row_fields(line)
        if len(fields) > 1 and all(map(NUMBER.fullmatch, fields)):
            return True
    return False


def _columns(text: str, *wanted: int) -> Curve:
    """Return two columns of the rows of numbers."""
    rows = []
    for number, fields in split(text).rows:
        try:
            rows.append([float(re.sub("[dD]", "e", fields[i])) for i in wanted])
        except IndexError:
            raise SpectrumError(
                f"line {number} has {len(fields)} numbers, expected {max(wanted) + 1}"
            ) from None
        except ValueError:
            row = " ".join(fields)[:40]
            raise SpectrumError(f"line {number} holds {row!r} where numbers are expected") from None
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


def _curve(rows: Sequence[Sequence[float]]) -> Curve:
    if len(rows) < 5:
        raise SpectrumError(f"truncated: {len(rows)} rows of numbers, at least 5 are needed")
    energy_M, absorption_M = np.array(rows, dtype=np.float64).T
    if not (np.abs([energy_M, absorption_M]) < LARGEST).all():
        raise SpectrumError("a number that is not finite, or too large for a spectrum")
    order = np.argsort(energy_M, kind="stable")
    energy_M, absorption_M = energy_M[order], absorption_M[order]
    if (np.diff(energy_M) <= 0).any():
        raise SpectrumError("two rows of one energy")
    if np.ptp(energy_M) < _LEAST_SPAN:
        raise SpectrumError(
            f"energies from {energy_M[0]:g} to {energy_M[-1]:g}, expected eV over {_LEAST_SPAN:g} or more"
        )
    return energy_M, absorption_M
