"""Spectra in text files of two or more columns, as beamlines and Athena write them."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import SIGNALS, ColumnChoice, canonical, is_channel, unit_in
from rankaae_cli.data.measured.spectrum import LONGEST
from rankaae_cli.data.readers.scans.raw_scan import Contents, RawScan, numeric_rows

_COMMENTS = "#%;!*"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
_SIGNALS_AND_COUNTS = frozenset({"i0", "irefer", "murefer", *SIGNALS})
_RIGHT_ANGLE = 90.0  # degrees
_FIELD = re.compile(r"([A-Za-z][\w .]{0,30}?)\s*[:=]\s*(.+)")


def read_text(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan]:
    """Read the scan of a text file of columns, with a header or without.

    Lines before the numbers are the header, whatever they begin with. The last of them that has as many words
    as there are columns, and names among them the energies or a signal, names the columns. Prose after the last
    row is passed over. Columns are separated by blanks, tabs, commas or semicolons; with semicolons a comma may
    be the decimal sign.

    Raises
    ------
    SpectrumError
        With the reason, if it is not such a file.
    """
    header, rows = _split(contents.text)
    table_MC = numeric_rows(rows)
    if table_MC.shape[1] < 2:
        raise SpectrumError("one column of numbers, expected energy and absorption side by side")
    names = _column_names(header, table_MC)
    yield RawScan(
        name=contents.name,
        path=contents.path,
        columns=list(table_MC.T),
        names=names,
        units=[unit_in(name) for name in names],
        metadata=_metadata(header),
        comments=header,
        is_labelled=False,
    )


def _split(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header's lines without their comment signs, and the rows: line number, fields."""
    header: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    separator, after = _separator(text), ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = line.strip()
        if not line:
            continue
        fields = _fields(line, separator)
        if line[0] in _COMMENTS:
            header += [] if rows else [line.lstrip(_COMMENTS).strip()]
        elif all(_NUMBER.fullmatch(field) for field in fields):
            if after:
                raise SpectrumError(after)
            rows.append((number, fields))
        elif not rows:
            header.append(line)
        else:
            # Words are passed over if no row of numbers follows them; half a row is not.
            after = after or f"line {number} holds {line[:20]!r} amid the rows of numbers"
            if _NUMBER.fullmatch(fields[0]):
                raise SpectrumError(after)
    if not rows:
        raise SpectrumError("there are no rows of numbers: not a file of columns")
    return header, rows


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


def _column_names(header: list[str], table_MC: np.ndarray) -> list[str]:
    """Return the words of the last line that names the columns; empty ones where none does."""
    count = table_MC.shape[1]
    for line in reversed(header):
        # A unit may stand apart from its name.
        for text, separator in ((line, ","), (line, ";"), (line, "\t"), (line, None), (_joined(line), None)):
            words = [w.strip().strip("\"'") for w in text.split(separator)]
            if len(words) == count and _are_labels(words, table_MC):
                return words
    return [""] * count


def _joined(line: str) -> str:
    return re.sub(r"\s+(?=[\[(])", "", line)


def _are_labels(words: list[str], table_MC: np.ndarray) -> bool:
    """Tell labels from prose of as many words: they put energies or angles, or signals, where these can be.

    In a table of two columns only energies or angles make labels, for the other column is the absorption anyway;
    in a wider one a known signal does too that does not stand first.
    """
    labels = [canonical(word) for word in words]
    has_number = any(_NUMBER.fullmatch(word) for word in words)
    has_signal = any(label in _SIGNALS_AND_COUNTS or is_channel(label) for label in labels)
    for label in ("energy", "angle"):
        if label in labels:
            i = labels.index(label)
            may_be = label == "energy" or not np.nanmax(table_MC[:, i], initial=0) >= _RIGHT_ANGLE
            return may_be and (i == 0 or (has_signal and not has_number and _is_one_way(table_MC[:, i])))
    return len(words) > 2 and has_signal and not has_number and labels[0] not in _SIGNALS_AND_COUNTS


def _is_one_way(values_M: np.ndarray) -> bool:
    """Tell whether numbers run like a scan's, up or down over a length that one has."""
    finite = values_M[np.isfinite(values_M)]
    steps = np.diff(finite)
    return bool(steps.size and np.ptp(finite) < LONGEST and abs(np.sign(steps).sum()) > 0.8 * steps.size)


def _metadata(header: Sequence[str]) -> dict[str, str]:
    fields = {}
    for line in header:
        if match := _FIELD.fullmatch(line):
            fields[match[1].strip().lower()] = match[2].strip()
    return fields
