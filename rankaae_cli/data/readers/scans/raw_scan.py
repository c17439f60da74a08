"""One scan as a file holds it, and what every reader of text does to its rows of numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import ColumnChoice


@dataclass(frozen=True)
class Contents:
    """A file that is to be read: its text, uncompressed, or that it is HDF5, which its reader opens itself."""

    path: Path
    text: str = ""
    is_hdf5: bool = False

    @property
    def name(self) -> str:
        """The file's name without its ending, which names its only spectrum."""
        return self.path.name.removesuffix(self.path.suffix)


class Fault(NamedTuple):
    """A record of a file (empty: the whole file) that cannot be used, and why."""

    record: str
    reason: str


@dataclass(frozen=True)
class RawScan:
    """One scan as its file has it: its columns, and what the header says. Letter M: its points.

    Attributes
    ----------
    name, path
        What to call its spectrum, and the file.
    columns
        Shape (M,) each.
    names
        What the file calls each column; empty where it does not.
    units
        What the file says each column is in; empty where it does not.
    record
        What the scan is called within the file; empty where it is the only one.
    element, edge
        The absorber, where the file says.
    d_spacing
        Of the monochromator, angstrom, where the file says.
    metadata
        See `rankaae_cli.data.measured.spectrum.MeasuredSpectrum`.
    comments
        Lines of the header that may tell the unit of the energies in words.
    is_labelled
        Whether the format demands that columns are named; what a text of columns calls them may be prose.
    command
        Of a scan of motors: which of them, so that the first column need not be energies. None for others.
    absorption
        What the absorption is made of, where the file holds the finished one: the columns are the energies in eV,
        mu and, where there is one, that of the reference, and nothing is left to choose.
    is_ordered
        Whether the energies surely ascend, each once, and all values are finite.
    is_normalised, is_computed
        Whether the file says so of a finished absorption; whether the scan comes from a simulation.
    choice
        What is left to choose of the columns; None: all that a user asks for.
    notes
        What was done on reading, one sentence each.
    """

    name: str
    path: Path
    columns: Sequence[np.ndarray]
    names: Sequence[str] = ()
    units: Sequence[str] = ()
    record: str = ""
    element: str | None = None
    edge: str | None = None
    d_spacing: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    comments: Sequence[str] = ()
    is_labelled: bool = True
    command: str | None = None
    absorption: str = ""
    is_ordered: bool = False
    is_normalised: bool = False
    is_computed: bool = False
    choice: ColumnChoice | None = None
    notes: tuple[str, ...] = ()


def numeric_rows(rows: Sequence[tuple[int, Sequence[str]]]) -> np.ndarray:
    """Return rows of text fields as numbers, shape (M, C).

    Parameters
    ----------
    rows
        Line number and fields of each.

    Raises
    ------
    SpectrumError
        If there are none, they are of different lengths, or a field is no number. Words after the last row are
        passed over.
    """
    while len(rows) > 1 and not _begins_like_number(rows[-1][1][0]):
        rows = rows[:-1]  # words after the last row
    if not rows:
        raise SpectrumError("there are no rows of numbers")
    count = len(rows[0][1])
    for line, fields in rows:
        if len(fields) != count:
            raise SpectrumError(
                f"line {line} has {len(fields)} columns, the first row has {count}: was it cut short? take the "
                "line out, or save the file again"
            )
    try:
        return np.array([fields for _, fields in rows], dtype=np.float64)
    except ValueError:
        return np.array([[_float(field, line) for field in fields] for line, fields in rows])


def leading_number(text: str | None) -> float | None:
    """Return the number that a field of a header begins with; None where there is none."""
    match = re.match(r"\s*([\d.]+)", text or "")
    try:
        return float(match[1]) if match else None
    except ValueError:
        return None


def _begins_like_number(field: str) -> bool:
    return bool(re.match(r"[+-]?(\d|\.\d|nan|inf)", field, re.IGNORECASE))


def _float(field: str, line: int) -> float:
    try:
        return float(re.sub(r"(?<=[\d.])[dD](?=[+-]?\d)", "e", field))
    except ValueError:
        raise SpectrumError(f"line {line} holds {field[:20]!r} where a number is expected") from None
