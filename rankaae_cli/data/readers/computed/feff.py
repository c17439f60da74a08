"""FEFF's ``xmu.dat``, and the folders and archives of them beside their structures."""

import re
from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.xas.edges import parts_of
from rankaae_cli.core.xas.spectra import SpectrumError

_COLUMNS = 6  # omega e k mu mu0 chi
# The line that names the columns, and the one with the edge step; headers hold a line for each path, any number.
_NAMES = re.compile(r"^[ \t#]*omega[ \t]+e[ \t]+k[ \t]+mu\b.*$", re.MULTILINE)
_EDGE_STEP = re.compile(r"^[ \t#]*xsedge\b", re.MULTILINE)
_ABSORBER = re.compile(r"Abs\s+Z=\s*(\d+)")
_SHELL = re.compile(r"\b(K|[LMNO][1-7]?)\s+shell")
# Fortran drops the E of an exponent with three digits: 1.234-101.
_EXPONENT = re.compile(r"(?<=[\d.])([+-]\d{2,4})$")
_ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb "
    "Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr"
)


@dataclass(frozen=True)
class Xmu:
    """A spectrum of FEFF.

    Attributes
    ----------
    energy
        Shape (M,), eV (column omega).
    mu
        Shape (M,), normalised to the edge step by FEFF.
    element, edge
        The absorber and its shell as the header gives them; empty where it does not.
    """

    energy: np.ndarray
    mu: np.ndarray
    element: str = ""
    edge: str = ""


def is_xmu_text(text: str) -> bool:
    """Tell FEFF's ``xmu.dat``, whatever the file is called, by its header or, where it has none, by its columns.

    These are six, e is omega but for a constant, and chi is mu - mu0 (FEFF 8 on) or mu / mu0 - 1 (FEFF 6).
    """
    if _NAMES.search(text) or _EDGE_STEP.search(text):
        return True
    try:
        omega_M, e_M, _, mu_M, mu0_M, chi_M = _table(text.splitlines())[0].T
    except SpectrumError:
        return False
    shifts_M = omega_M - e_M
    off_M = np.minimum(np.abs(mu_M - mu0_M - chi_M), np.abs(mu_M - mu0_M - chi_M * mu0_M))
    is_shifted = np.ptp(omega_M) > 1 and np.ptp(shifts_M) < 0.01 < np.abs(shifts_M).min()
    return len(omega_M) > 9 and bool(is_shifted and off_M.max() < 1e-3 * np.abs(mu_M).max())


def parse_xmu(data: bytes) -> Xmu:
    """Parse an ``xmu.dat`` of FEFF 6, 8, 9 or 10.

    The header is of any length: lines with ``#`` (FEFF 8), ``# #`` (FEFF 9) or none of these (FEFF 6), up to the
    line that names the columns; where there is no such line, up to the first line of six numbers.

    Raises
    ------
    SpectrumError
        If there are no rows, a row has too few columns, or a field is not a number.
    """
    lines = data.decode("utf-8", errors="replace").splitlines()
    table, header = _table(lines)
    absorber, shell = _ABSORBER.search(header), _SHELL.search(header)
    return Xmu(
        energy=table[:, 0],
        mu=table[:, 3],
        element=_symbol(int(absorber.group(1))) if absorber else "",
        edge=shell.group(1) if shell else "",
    )


def require_absorber(xmu: Xmu, element: str, edge: str) -> None:
    """Raise SpectrumError if the header names another element or edge than these; L2 or L3 are of L23."""
    if xmu.element and xmu.element != element:
        raise SpectrumError(f"the spectrum is of {xmu.element}, the family is of {element}")
    if xmu.edge and xmu.edge not in parts_of(edge):
        raise SpectrumError(f"the spectrum is of the {xmu.edge} edge, the family is of the {edge} edge")


def _table(lines: list[str]) -> tuple[np.ndarray, str]:
    """Return the numbers, shape (M, 6), and the header above them."""
    start = _first_row(lines)
    rows = [line for line in lines[start:] if line.strip() and not line.lstrip().startswith("#")]
    if not rows:
        raise SpectrumError("truncated: xmu.dat has no rows of numbers")
    fields = " ".join(rows).split()
    if len(fields) != _COLUMNS * len(rows) or len(rows[-1].split()) != _COLUMNS:
        raise SpectrumError(_ragged(lines, start))
    return np.array(_numbers(fields)).reshape(-1, _COLUMNS), "\n".join(lines[:start])


def _first_row(lines: list[str]) -> int:
    # Without #, the lines of the paths in the header are six numbers too: the names of the columns come after them.
    named = (i for i, line in enumerate(lines) if "omega" in line and _NAMES.match(line))
    unnamed = (i for i, line in enumerate(lines) if _is_row(line))
    return next(named, -1) + 1 or next(unnamed, len(lines))


def _is_row(line: str) -> bool:
    words = line.split()
    try:
        return len(words) == _COLUMNS and not words[0].startswith("#") and bool(_numbers(words))
    except SpectrumError:
        return False


def _ragged(lines: list[str], start: int) -> str:
    for number, line in enumerate(lines[start:], start + 1):
        if (n := len(line.split())) and n != _COLUMNS:
            return f"truncated: line {number} of xmu.dat has {n} columns, expected {_COLUMNS}"
    return "truncated: the rows of xmu.dat have no even number of columns"


def _numbers(fields: list[str]) -> list[float]:
    try:
        return [float(f) for f in fields]
    except ValueError:
        return [_number(f) for f in fields]


def _number(field: str) -> float:
    try:
        return float(_EXPONENT.sub(r"e\1", field.replace("D", "e").replace("d", "e")))
    except ValueError:
        raise SpectrumError(f"xmu.dat holds {field[:20]!r} where a number is expected") from None


def _symbol(z: int) -> str:
    symbols = _ELEMENTS.split()
    return symbols[z - 1] if 0 < z <= len(symbols) else f"Z={z}"
