"""Where the numbers of a text begin: its lines split into a header and the rows of one table."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rankaae_cli.core.xas.spectra import SpectrumError

Row = tuple[int, list[str]]  # line number, fields

_COMMENTS = "#%;!*"
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)
_ROW = re.compile(rf"(?:{NUMBER.pattern})(?:\s+(?:{NUMBER.pattern}))*", re.IGNORECASE)
_DATE = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
_TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_CLOCK = re.compile(rf"({_DATE})|{_TIME}|({_DATE})T{_TIME}(Z|[+-]\d\d:?\d\d)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
# Rows of numbers in a header are fewer than this share of the table's; where they are as wide, also fewer than so
# many and apart from it by words; where they are not, apart or the first so many lines.
_HEADER_SHARE, _HEADER_ROWS, _FIRST_ROWS = 0.5, 10, 2
_LONGEST_LINE = 2**18  # letters; the 4096 channels of an analyser have a third of them
_LONGEST_RECORD, _FEWEST_RECORDS = 20, 10  # lines; records


class Table(NamedTuple):
    """What a text of columns holds.

    Attributes
    ----------
    header
        The lines above the numbers, without their comment signs.
    rows
        Line number and fields of each; those of a date or a time of day are ``nan``.
    clock
        Which columns are dates and times of day, from 0 on, and which of the two each is.
    notes
        What was done on reading, one sentence each.
    """

    header: list[str]
    rows: list[Row]
    clock: dict[int, str]
    notes: tuple[str, ...]


class _Words(NamedTuple):
    """A line that is no row of numbers."""

    number: int
    text: str
    is_comment: bool = False
    is_half_row: bool = False

    def fault(self) -> SpectrumError:
        return SpectrumError(
            f"line {self.number} holds {self.text[:20]!r} amid the rows of numbers: take the line out, or "
            "write nan for a missing number"
        )


def split(text: str, skip_lines: int = 0) -> Table:
    """Split a text into its header and the rows of its table.

    Columns are separated by blanks, tabs, commas or semicolons; with semicolons, and between blanks, a comma may be
    the decimal sign. The table is the longest block of rows of one width, of equal ones the last; shorter ones
    above it belong to the header. A point's numbers may go on over several lines, if they do so at each point.
    Prose after the last row is passed over.

    Parameters
    ----------
    text
        The file's.
    skip_lines
        How many lines belong to the header, whatever they hold.

    Raises
    ------
    SpectrumError
        If there are no rows of numbers, or there are words or rows of another width amid them, or a line has more
        letters than a point.
    """
    longest = max(map(len, text.splitlines()), default=0)
    if longest > _LONGEST_LINE:
        raise SpectrumError(f"a line of it has {longest} letters, expected a point of a scan in each line")
    words: list[_Words] = []
    runs: list[list[Row]] = [[]]
    for line in _lines(text, skip_lines):
        if isinstance(line, _Words):
            words.append(line)
            if runs[-1] and not line.is_comment:
                runs.append([])
        else:
            runs[-1].append(line)
    notes: list[str] = []
    blocks = [block for run in runs if run for block in _blocks(run, notes)]
    if not blocks:
        raise SpectrumError("there are no rows of numbers: not a file of columns")
    rows = _table(blocks, words)
    clock = {i: kind for i, field in enumerate(rows[0][1]) if (kind := _clock(field))}
    if clock:
        rows = [
            (n, ["nan" if i in clock and _clock(f) else f for i, f in enumerate(fields)])
            for n, fields in rows
        ]
    header = [line.text for line in words if line.number < rows[0][0]]
    return Table(header, rows, clock, tuple(notes))


def row_fields(line: str) -> list[str]:
    """Return the fields of a line, by the separator and decimal sign that it has itself."""
    return _fields(line.strip(), _separator(line))


def _lines(text: str, skip_lines: int) -> Iterator[_Words | Row]:
    separator = _separator(text)
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = line.strip().replace("\N{MINUS SIGN}", "-")
        if not line:
            continue
        if line[0] in _COMMENTS:
            yield _Words(number, line.lstrip(_COMMENTS + " \t").strip(), is_comment=True)
        elif number <= skip_lines:
            yield _Words(number, line)
        elif separator is None and _ROW.fullmatch(line):
            yield number, line.split()
        else:
            fields = _fields(line, separator)
            if all(map(NUMBER.fullmatch, fields)) or _has_clock(fields):
                yield number, fields
            else:
                yield _Words(number, line, is_half_row=bool(NUMBER.fullmatch(fields[0])))


def _separator(text: str) -> str | None:
    """Return what separates the columns: a semicolon, a comma or blanks (None)."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line[0] in "+-.0123456789\"'"), "")
    if ";" in last:
        return ";"
    fields = last.split()
    decimal = len(fields) > 1 and all(_DECIMAL_COMMA.fullmatch(field) for field in fields)
    return "," if "," in last and not decimal else None


def _fields(line: str, separator: str | None) -> list[str]:
    if separator is None:
        fields = line.split()
        return [f.replace(",", ".") if _DECIMAL_COMMA.fullmatch(f) else f for f in fields]
    fields = [field.strip().strip("\"'") for field in line.rstrip(separator).split(separator)]
    return [field.replace(",", ".") for field in fields] if separator == ";" else fields


def _has_clock(fields: Sequence[str]) -> bool:
    """Tell whether fields are numbers, at least one, and dates or times of day."""
    others = [field for field in fields if not NUMBER.fullmatch(field)]
    return len(others) < len(fields) and all(map(_clock, others))


def _clock(field: str) -> str:
    """Return whether a field is a ``date``, perhaps with a time, or a ``time``; empty where it is neither."""
    match = _CLOCK.fullmatch(field.strip("\"'"))
    return "" if match is None else "date" if match[1] or match[4] else "time"


def _blocks(run: Sequence[Row], notes: list[str]) -> list[list[Row]]:
    """Return rows that follow each other by their width, those of points over several lines as one block."""
    widths = [len(fields) for _, fields in run]
    for length in range(1, min(_LONGEST_RECORD, len(run) // _FEWEST_RECORDS) + 1):
        if widths[length:] == widths[:-length]:
            return [_records(run, length, notes)]
    blocks = [[run[0]]]
    for row in run[1:]:
        if len(row[1]) == len(blocks[-1][-1][1]):
            blocks[-1].append(row)
        else:
            blocks.append([row])
    return blocks


def _records(run: Sequence[Row], length: int, notes: list[str]) -> list[Row]:
    """Return the rows of points that go on over so many lines each; an incomplete last one is noted."""
    if length == 1:
        return list(run)
    whole = len(run) - len(run) % length
    if whole < len(run):
        notes.append(f"the last point, from line {run[whole][0]} on, is incomplete and was left out")
    return [
        (run[i][0], [field for _, fields in run[i : i + length] for field in fields])
        for i in range(0, whole, length)
    ]


def _table(blocks: Sequence[list[Row]], words: Sequence[_Words]) -> list[Row]:
    """Return the rows of the table, after the blocks that belong to the header.

    Raises
    ------
    SpectrumError
        If there are words amid them. Rows of other widths come back with the others.
    """
    main = max(range(len(blocks)), key=lambda i: (len(blocks[i]), i))
    start = next(i for i in range(main + 1) if i == main or not _is_header(blocks[i], blocks[main], words))
    rows = [row for block in blocks[start:] for row in block]
    first, last = rows[0][0], rows[-1][0]
    for line in words:
        if line.is_half_row and line.number > first:
            raise line.fault()
        if not line.is_comment and first < line.number < last:
            raise line.fault()
    return rows


def _is_header(block: Sequence[Row], table: Sequence[Row], words: Sequence[_Words]) -> bool:
    if len(block) >= _HEADER_SHARE * len(table):
        return False
    is_apart = any(block[-1][0] < line.number < table[0][0] and not line.is_comment for line in words)
    if len(block[0][1]) != len(table[0][1]):
        return is_apart or len(block) <= _FIRST_ROWS
    return is_apart and len(block) < _HEADER_ROWS
