"""Spectra in text files of two or more columns, as beamlines, control programs and Athena write them."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import (
    SIGNALS_AND_COUNTS,
    ColumnChoice,
    canonical,
    is_channel,
    labels_of,
    unit_in,
)
from rankaae_cli.data.measured.spectrum import LONGEST
from rankaae_cli.data.readers.scans.dialects import legend_of
from rankaae_cli.data.readers.scans.raw_scan import Contents, RawScan, numeric_rows
from rankaae_cli.data.readers.scans.text_rows import NUMBER, split

_RIGHT_ANGLE = 90.0  # degrees
_FIELD = re.compile(r"([A-Za-z][\w .]{0,30}?)\s*[:=]\s*(.+)")
_LABEL_LINES = 40  # last lines of a header, among which labels are looked for that are no bare words
_BLANKS = re.compile(r"[ \t]{3,}")
_BRACKETS_APART = re.compile(r"\s+(?=[\[({<])")
_QUOTED, _APART = re.compile(r'"([^"]*)"'), re.compile(r"\s{2,}|\t|\s*\*\s+")
_NUMBERED = re.compile(r"(?:^|\s)(\d+)[_).:]\s*([^\d\s].*?)(?=\s+\d+[_).:]|\s*$)")  # 1_Energy (keV) 2_sec
_COUNTED = re.compile(r"(.+)_c(\d+)")  # Energy_c1
_UNIT = re.compile(
    r"[\[({<]?(?:[km]?eV|deg(?:rees?)?|counts?|cts|cps|[pnuµμm]?[AV]|m?s|a\.?u\.?|-)[\])}>]?", re.IGNORECASE
)
_TAG = re.compile(r"^[LCN]\s+")  # SPEC's, before the labels


def read_text(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan]:
    """Read the scan of a text file of columns, with a header or without.

    See `rankaae_cli.data.readers.scans.text_rows` for where the numbers begin. Their names come from the header's
    dialect; else from the last line with as many words as there are columns, and names among them the energies or
    a signal; else, of three columns and more, from the line right above the numbers if it has one word a column.

    Raises
    ------
    SpectrumError
        With the reason, if it is not such a file.
    """
    table = split(contents.text, choice.skip_lines if choice else 0)
    table_MC = numeric_rows(table.rows)
    if table_MC.shape[1] < 2:
        raise SpectrumError("one column of numbers, expected energy and absorption side by side")
    legend = legend_of(table.header, table_MC)
    names = list(legend.names or _column_names(table.header, table_MC))
    for i, kind in table.clock.items():
        names[i] = kind
    columns = list(table_MC.T)
    columns[0] = columns[0] + legend.zero if legend.zero else columns[0]
    yield RawScan(
        name=contents.name,
        path=contents.path,
        columns=columns,
        names=names,
        units=legend.units or [unit_in(name) for name in names],
        d_spacing=legend.d_spacing,
        metadata=_metadata(table.header),
        comments=table.header,
        is_labelled=False,
        notes=(*table.notes, *legend.notes),
    )


def _column_names(header: Sequence[str], table_MC: np.ndarray) -> list[str]:
    """Return the words of the last line that names the columns; empty ones where none does.

    Units may stand in a line of their own below the names.
    """
    count = table_MC.shape[1]
    for units in _word_lists(header[-1]) if len(header) > 1 else ():
        if len(units) == count and all(map(_UNIT.fullmatch, units)) and unit_in(*units):
            names = _column_names(header[:-1], table_MC)
            if any(names):
                pairs = zip(names, units, strict=True)
                return [
                    f"{name} ({unit_in(unit)})" if unit_in(unit) and not unit_in(name) else name
                    for name, unit in pairs
                ]
    for line in reversed(header):
        for words in _word_lists(line):
            if len(words) == count and _are_labels(words, table_MC):
                return words
    lines = [list(_splittings(line, count)) for line in reversed(header[-_LABEL_LINES:])]
    likely = (words for line in lines for words in line if _are_likely_labels(words, table_MC))
    above = (words for line in lines[:1] for words in line if _are_names(words, table_MC))
    return next(likely, None) or next(above, None) or [""] * count


def _word_lists(line: str) -> Iterator[list[str]]:
    # A unit may stand apart from its name.
    joined = _BRACKETS_APART.sub("", _BLANKS.sub("  ", line))
    for text, separator in ((line, ","), (line, ";"), (line, "\t"), (line, None), (joined, None)):
        yield [word.strip().strip("\"'") for word in text.rstrip(separator).split(separator)]


def _splittings(line: str, count: int) -> Iterator[list[str]]:
    """Give the ways in which a line names so many columns: by separators, quotes, numbers, blanks, after a tag."""
    line = _BLANKS.sub("  ", line)
    untagged = _TAG.sub("", line)
    numbered = _NUMBERED.findall(line)
    in_order = [int(number) for number, _ in numbered] == list(range(1, count + 1))
    for words in (
        [name for _, name in numbered] if in_order else [],
        *(words for text in dict.fromkeys((line, untagged)) for words in _word_lists(text)),
        _QUOTED.findall(line),
        [word for word in _APART.split(untagged) if word],
    ):
        if len(words) == count and all(words):
            counted = [match for word in words if (match := _COUNTED.fullmatch(word))]
            is_counted = [match[2] for match in counted] == [str(i + 1) for i in range(count)]
            yield [match[1] for match in counted] if is_counted else words


def _are_labels(words: Sequence[str], table_MC: np.ndarray) -> bool:
    """Tell labels from prose of as many words: they put energies or angles, or signals, where these can be.

    In a table of two columns only energies or angles make labels, for the other column is the absorption anyway;
    in a wider one a known signal does too that does not stand first.
    """
    labels = [canonical(word) for word in words]
    has_signal = _have_signal(labels)
    for label in ("energy", "angle"):
        if label in labels:
            i = labels.index(label)
            may_be = label == "energy" or not np.nanmax(table_MC[:, i], initial=0) >= _RIGHT_ANGLE
            in_midst = has_signal and not _have_number(words) and _is_one_way(table_MC[:, i])
            return may_be and (i == 0 or in_midst)
    return len(words) > 2 and has_signal and not _have_number(words) and labels[0] not in SIGNALS_AND_COUNTS


def _are_likely_labels(words: Sequence[str], table_MC: np.ndarray) -> bool:
    """Tell labels by the longer names that control programs give energies and detectors."""
    labels = labels_of(words)
    if len(words) < 3 or "energy" not in labels:
        return _are_labels(words, table_MC)
    is_energy = _is_one_way(table_MC[:, labels.index("energy")])
    return is_energy and _have_signal(labels) and not _have_number(words)


def _are_names(words: Sequence[str], table_MC: np.ndarray) -> bool:
    """Tell whether words right above three columns or more may name them, although none is known for a signal."""
    labels = [canonical(word) for word in words]
    axes = [i for i, label in enumerate(labels) if label in ("energy", "angle")]
    if len(words) < 3 or _have_signal(labels) or _have_number(words):
        return False
    return all(_is_one_way(table_MC[:, i]) for i in axes)


def _have_signal(labels: Sequence[str]) -> bool:
    return any(label in SIGNALS_AND_COUNTS or is_channel(label) for label in labels)


def _have_number(words: Sequence[str]) -> bool:
    return any(NUMBER.fullmatch(word) for word in words)


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
