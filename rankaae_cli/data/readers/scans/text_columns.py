"""Spectra in text files of two or more columns, as beamlines and Athena write them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import tabulated_edge
from rankaae_cli.data.measured.absorption import absorption
from rankaae_cli.data.measured.columns import (
    SIGNALS,
    ColumnChoice,
    abscissa_index,
    canonical,
    choosing,
    is_channel,
    labelled,
)
from rankaae_cli.data.measured.energy import asking_for_unit, energies, settled_unit, unit_by_size
from rankaae_cli.data.measured.spectrum import LONGEST, MeasuredSpectrum, ordered
from rankaae_cli.data.readers.scans.xdi import numeric_rows

_COMMENTS = "#%;!*"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
_ENERGY_UNIT = re.compile(r"\bk?ev\b", re.IGNORECASE)
_ANGLE_UNIT = re.compile(r"\b(deg(rees?)?|rad(ians?)?)\b", re.IGNORECASE)
_SIGNALS_AND_COUNTS = frozenset({"i0", "irefer", "murefer", *SIGNALS})
_RIGHT_ANGLE = 90.0  # degrees
_FIELD = re.compile(r"([A-Za-z][\w .]{0,30}?)\s*[:=]\s*(.+)")


def parse_text(
    text: str,
    path: Path,
    choice: ColumnChoice | None = None,
    element: str | None = None,
    edge: str | None = None,
) -> MeasuredSpectrum:
    """Parse a text file of columns, with a header or without.

    Lines before the numbers are the header, whatever they begin with. The last of them that has as many words
    as there are columns, and names among them the energies or a signal, names the columns. Prose after the last
    row is passed over. Columns are separated by blanks, tabs, commas or semicolons; with semicolons a comma may
    be the decimal sign. A file of two columns without names holds energy and mu.

    Parameters
    ----------
    text
        The whole file.
    path
        Where it comes from; its name without the ending names the spectrum.
    choice
        Which columns to take, by name or number, and their unit.
    element, edge
        If known: they tell whether small energies are keV.

    Raises
    ------
    SpectrumError
        With the reason, if it is not such a file, more than two columns have no names and none is chosen, or
        the energies are neither eV nor surely keV.
    """
    choice = choice or ColumnChoice()
    header, rows = _split(text)
    table_MC = numeric_rows(rows)
    count = table_MC.shape[1]
    if count < 2:
        raise SpectrumError("one column of numbers, expected energy and absorption side by side")
    return spectrum_of_columns(
        _column_names(header, table_MC), table_MC, path, choice, header, element=element, edge=edge
    )


def spectrum_of_columns(
    names: Sequence[str],
    table_MC: np.ndarray,
    path: Path,
    choice: ColumnChoice,
    header: Sequence[str] = (),
    *,
    element: str | None = None,
    edge: str | None = None,
) -> MeasuredSpectrum:
    """Make a spectrum of the columns of a scan.

    Parameters
    ----------
    names
        One a column, empty where there is none.
    table_MC
        Shape (M, C).
    path, choice, element, edge
        As for `parse_text`.
    header
        The lines before the numbers, which may tell the unit of the energies.

    Raises
    ------
    SpectrumError
        As `parse_text` does.
    """
    columns, summed, mu_label = _columns(names, table_MC, choice)
    used = abscissa_index(names, choice)
    abscissa = table_MC[:, used]
    metadata = _metadata(header)
    unit = choice.unit
    if not unit:
        said = _unit_of_label(names[used]) or _unit_of_prose(header, abscissa, element, edge)
        unit = settled_unit(said, abscissa, element, edge)
    energy_M, note = energies(abscissa, unit, choice.d_spacing)
    made = absorption(columns, choice, energy_M, tabulated_edge(element, edge), mu_label)
    return ordered(
        MeasuredSpectrum(
            name=path.name.removesuffix(path.suffix),
            path=path,
            element=element,
            edge=edge,
            energy_M=energy_M[made.kept],
            mu_M=made.mu_M,
            reference_M=made.reference_M,
            is_normalised=made.is_normalised,
            metadata=metadata,
            columns_used=made.columns_used,
            notes=tuple(n for n in (note, summed, *made.notes) if n),
            doubts=made.doubts,
        )
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


def _columns(
    names: Sequence[str], table_MC: np.ndarray, choice: ColumnChoice
) -> tuple[dict[str, np.ndarray], str, str]:
    """Return the columns by XDI's labels, a note on what was summed to them, and what mu is called in the file."""
    columns, summed = labelled(names, table_MC, choice)
    # Of two columns the fluorescence is already divided.
    is_divided = table_MC.shape[1] == 2 and "ifluor" in columns
    if not choice.chooses_signal and (is_divided or not columns.keys() & set(SIGNALS)):
        if table_MC.shape[1] > 2:
            shown = ", ".join(name or "unnamed" for name in names)
            raise SpectrumError(
                f"{len(names)} columns ({shown}), and none is known for an absorption: choose, such as by "
                f"{choosing(energy=1, mu=2)} or {choosing(energy=1, i0=2, itrans=3)}"
            )
        other = 1 - abscissa_index(names, choice)
        return {"mu": table_MC[:, other]}, summed, names[other] or str(other + 1)
    return columns, summed, ""


def _unit_of_label(label: str) -> str:
    """Return the unit that a column's own label tells, or nothing."""
    if match := _ENERGY_UNIT.search(label) or _ANGLE_UNIT.search(label):
        return match[0]
    return "degrees" if canonical(label) == "angle" else ""


def _unit_of_prose(header: Sequence[str], values: np.ndarray, element: str | None, edge: str | None) -> str:
    """Return the unit of energies whose label has none, by the header's lines and their size.

    Any angle may stand in a header, such as the sample's: it counts only where the numbers may be angles and
    nothing else tells.
    """
    by_size = unit_by_size(values, element, edge)
    lines = [x for x in header if re.search(r"\b(energy|angle|theta|bragg)\b", x, re.IGNORECASE)]
    if by_size is None:
        for pattern in (_ENERGY_UNIT, _ANGLE_UNIT):
            for line in lines:
                if match := pattern.search(line):
                    return match[0]
        raise SpectrumError(asking_for_unit(values))
    return by_size


def _metadata(header: Sequence[str]) -> dict[str, str]:
    found = {}
    for line in header:
        if match := _FIELD.fullmatch(line):
            found[match[1].strip().lower()] = match[2].strip()
    return found
