"""Tables: rows under headings, as CSV and on the terminal."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from rankaae_cli.core.labels import Cell, Ranged, print_number


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


def csv_text(table: Table) -> str:
    """Return a table as CSV, numbers in full and empty where not known.

    A column of numbers with intervals becomes three: the number, ``<key>_low`` and ``<key>_high``.
    """
    columns: dict[str, list[str]] = {}
    for i, key in enumerate(table.keys):
        cells = [row[i] for row in table.rows]
        names = [key, f"{key}_low", f"{key}_high"] if any(isinstance(c, Ranged) for c in cells) else [key]
        parts = [cell if isinstance(cell, Ranged) else (cell, None, None) for cell in cells]
        columns |= {name: [_full(part[j]) for part in parts] for j, name in enumerate(names)}
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def print_table(title: str, table: Table, synthetic: bool) -> None:
    """Print one table; the first column is text, the others are numbers. Nothing in it is read as markup."""
    # Wide enough that nothing is cut where the output is not a terminal.
    console = Console(highlight=False, width=1000)
    console.print(Text(f"{title}{', SYNTHETIC DATA' if synthetic else ''}", style="bold"), soft_wrap=True)
    grid = RichTable(box=None, pad_edge=False)
    for index, heading in enumerate(table.headings):
        grid.add_column(Text(heading), justify="left" if index == 0 else "right", no_wrap=True)
    for row in table.printed():
        grid.add_row(*(Text(cell) for cell in row))
    console.print(grid)


def _full(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and not np.isfinite(cell)):
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
