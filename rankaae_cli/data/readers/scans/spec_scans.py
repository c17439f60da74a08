"""Scans in files of SPEC (Certified Scientific Software), and of programs that write its format.

A header of the file from `#F` on, then one of each scan from `#S` on, with its number and command; `#N` the number
of columns, `#L` their labels, two blanks between them; rows of numbers; `#C` comments; `@` lines with spectra of
multichannel analysers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import ColumnChoice, unit_in
from rankaae_cli.data.readers.scans.raw_scan import Contents, Fault, RawScan, numeric_rows

_SCAN = re.compile(r"#S\s+(\d+)\s*(.*)")
_LABELS = re.compile(r"^#L\s+\S", re.MULTILINE)
_STARTS = re.compile(r"^#S\s+\d+", re.MULTILINE)
_FEWEST = 30  # rows; fewer cannot be normalised


@dataclass
class _Lines:
    """The lines of one scan as they were split, its number and its command."""

    number: str
    command: str
    date: str = ""
    count: int = 0
    labels: str = ""
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def is_spec(contents: Contents) -> bool:
    """Tell whether a text is of SPEC's format, by the lines that begin a scan and label its columns."""
    return bool(_STARTS.search(contents.text) and _LABELS.search(contents.text))


def read_spec(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan | Fault]:
    """Read the scans of a file of SPEC's format, and name those with too few rows.

    A scan is named by the file, and by its number where there are several: ``<file>/<number>``, the second scan of
    one number ``<number>.2``.
    """
    scans = _scans(contents.text)
    seen: dict[str, int] = {}
    for scan in scans:
        seen[scan.number] = seen.get(scan.number, 0) + 1
        record = scan.number if seen[scan.number] == 1 else f"{scan.number}.{seen[scan.number]}"
        name = contents.name if len(scans) == 1 else f"{contents.name}/{record}"
        try:
            yield _raw_scan(scan, contents, name, record)
        except SpectrumError as error:
            yield Fault(record, str(error))


def _scans(text: str) -> list[_Lines]:
    scans: list[_Lines] = []
    goes_on = False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        # Spectra of multichannel analysers go on over lines that end in a backslash.
        is_channels = goes_on or line.startswith("@")
        goes_on = is_channels and line.endswith("\\")
        if start := _SCAN.match(line):
            scans.append(_Lines(start[1], start[2]))
        elif not scans or not line or is_channels:
            continue
        elif line.startswith("#N"):
            numbers = re.findall(r"\d+", line)
            scans[-1].count = int(numbers[0]) if numbers else 0
        elif line.startswith("#L"):
            scans[-1].labels = line[2:].strip()
        elif line.startswith("#D"):
            scans[-1].date = line[2:].strip()
        elif not line.startswith("#"):
            scans[-1].rows.append((number, line.split()))
    return scans


def _raw_scan(scan: _Lines, contents: Contents, name: str, record: str) -> RawScan:
    if len(scan.rows) < _FEWEST:
        raise SpectrumError(
            f"the scan ({scan.command}) has {len(scan.rows)} rows, at least {_FEWEST} are needed: was it aborted?"
        )
    table_MC = numeric_rows(scan.rows)
    names = _names(scan, table_MC.shape[1])
    said = {"scan.command": scan.command, "scan.start_time": scan.date}
    return RawScan(
        name=name,
        path=contents.path,
        columns=list(table_MC.T),
        names=names,
        units=[unit_in(label) for label in names],
        record=record,
        metadata={key: value for key, value in said.items() if value},
        is_labelled=False,
        command=scan.command,
    )


def _names(scan: _Lines, count: int) -> list[str]:
    """Return the labels of a scan's columns, which may hold single blanks."""
    apart = re.split(r"\s{2,}|\t", scan.labels) if scan.labels else []
    for labels in (apart, scan.labels.split()):
        if len(labels) == count:
            return labels
    raise SpectrumError(
        f"the rows of the scan ({scan.command}) have {count} columns, its #L line has labels for {len(apart)}"
        + (f" and its #N line says {scan.count}" if scan.count not in (0, count) else "")
    )
