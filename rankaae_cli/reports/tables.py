"""Tables for papers: the same rows as CSV and as LaTeX."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rankaae_cli.data.files import write_text
from rankaae_cli.reports.latex import table_environment


class Ranged(NamedTuple):
    """A number and the ends of its interval, None or NaN where not known."""

    value: float | None
    low: float | None
    high: float | None


Cell = str | int | float | Ranged | None


@dataclass(frozen=True)
class Table:
    """Rows under headings.

    Attributes
    ----------
    name
        Of its files.
    keys
        Short names of the columns, for CSV.
    headings
        Printed names of the columns.
    rows
        One list of cells a row; a float is printed to `digits` significant digits, one with an interval to one
        fewer.
    caption
        What the table shows; where data are synthetic, it says so.
    """

    name: str
    keys: Sequence[str]
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str
    digits: int = 3

    def printed(self) -> list[list[str]]:
        """Return the cells as text; a dash where a number is not known."""
        return [[print_number(cell, self.digits) for cell in row] for row in self.rows]


def print_number(value: Cell, digits: int = 3) -> str:
    """Return a number in `digits` decimals (more where it is small), text as it is, a dash for nothing."""
    if isinstance(value, Ranged):
        return _print_ranged(value, digits - 1)
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "–"
    if isinstance(value, float):
        shown = f"{value:.{digits}f}" if abs(value) >= 10.0 ** (1 - digits) or value == 0 else f"{value:.2g}"
        return shown.replace("-", "−")
    return str(value)


def _print_ranged(cell: Ranged, digits: int) -> str:
    """Return ``value [low, high]``, all in `digits` decimals or as many as tell the ends apart."""
    ends = [end for end in (cell.low, cell.high) if end is not None and np.isfinite(end)]
    if cell.value is None or not np.isfinite(cell.value) or len(ends) < 2:
        return print_number(cell.value, digits)
    width = ends[1] - ends[0]
    decimals = max(digits, math.ceil(-math.log10(width))) if width > 0 else digits
    shown, low, high = (f"{number:.{decimals}f}".replace("-", "−") for number in (cell.value, *ends))
    return f"{shown} [{low}, {high}]"


def csv_text(table: Table) -> str:
    """Return a table as CSV, numbers in full and empty where not known.

    A column of numbers with intervals becomes three: the number, ``<key>_low`` and ``<key>_high``.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    ranged = [any(isinstance(row[i], Ranged) for row in table.rows) for i in range(len(table.keys))]
    keys = zip(table.keys, ranged, strict=True)
    writer.writerow(
        [part for key, r in keys for part in ((key, f"{key}_low", f"{key}_high") if r else (key,))]
    )
    for row in table.rows:
        cells: list[str] = []
        for cell, several in zip(row, ranged, strict=True):
            parts = cell if isinstance(cell, Ranged) else (cell, None, None)
            cells += [_full(part) for part in (parts if several else parts[:1])]
        writer.writerow(cells)
    return buffer.getvalue()


def latex_text(table: Table) -> str:
    """Return a table as LaTeX, see `latex.table_environment`."""
    numeric = [all(not isinstance(row[i], str) for row in table.rows) for i in range(len(table.keys))]
    return table_environment(table.name, table.headings, table.printed(), numeric, table.caption)


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write ``<folder>/<name>.csv`` and ``.tex``; return the paths."""
    return [
        write_text(folder / f"{table.name}.csv", csv_text(table)),
        write_text(folder / f"{table.name}.tex", latex_text(table)),
    ]


def _full(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and not np.isfinite(cell)):
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
