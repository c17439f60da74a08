"""Scans in files of SPEC (Certified Scientific Software), and of programs that write its format.

A header of the file from `#F` on, then one of each scan from `#S` on, with its number and command; `#N` the number
of columns, `#L` their labels, two blanks between them; rows of numbers; `#C` comments; `@` lines with spectra of
multichannel analysers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import tabulated_edge
from rankaae_cli.data.measured.columns import ColumnChoice, canonical, choosing
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum, Readings
from rankaae_cli.data.readers.scans.text_columns import spectrum_of_columns
from rankaae_cli.data.readers.scans.xdi import numeric_rows

_SCAN = re.compile(r"#S\s+(\d+)\s*(.*)")
_LABELS = re.compile(r"^#L\s+\S", re.MULTILINE)
_STARTS = re.compile(r"^#S\s+\d+", re.MULTILINE)
_FEWEST = 30  # rows; fewer cannot be normalised
_STANDS_STILL = 1e-5  # of its value, that a motor moves by which was not scanned


@dataclass
class _Scan:
    """One scan: its number, its command, and its lines as they were split."""

    number: str
    command: str
    date: str = ""
    count: int = 0
    labels: str = ""
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def is_spec(text: str) -> bool:
    """Tell whether a text is of SPEC's format, by the lines that begin a scan and label its columns."""
    return bool(_STARTS.search(text) and _LABELS.search(text))


def parse_spec(
    text: str,
    path: Path,
    choice: ColumnChoice | None = None,
    element: str | None = None,
    edge: str | None = None,
) -> Readings:
    """Parse a file of SPEC's format: every scan over energies is a spectrum.

    Parameters
    ----------
    text
        The whole file.
    path
        Where it comes from. A spectrum is named by it, and by its scan's number where there are several:
        ``<file>/<number>``, the second scan of one number ``<number>.2``.
    choice
        Which columns to take, of all scans, by name or number.
    element, edge
        If known: they tell whether small energies are keV.

    Returns
    -------
    Readings
        The spectra, and by number the scans that are none: of other motors, or with too few rows.
    """
    choice = choice or ColumnChoice()
    scans = _scans(text)
    spectra: list[MeasuredSpectrum] = []
    faults: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for scan in scans:
        seen[scan.number] = seen.get(scan.number, 0) + 1
        record = scan.number if seen[scan.number] == 1 else f"{scan.number}.{seen[scan.number]}"
        try:
            spectrum = _spectrum(scan, path, choice, element, edge)
        except SpectrumError as error:
            faults.append((record, str(error)))
            continue
        name = path.name.removesuffix(path.suffix)
        spectra.append(replace(spectrum, name=name if len(scans) == 1 else f"{name}/{record}"))
    return Readings(tuple(spectra), tuple(faults))


def _scans(text: str) -> list[_Scan]:
    scans: list[_Scan] = []
    goes_on = False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        # Spectra of multichannel analysers go on over lines that end in a backslash.
        is_channels = goes_on or line.startswith("@")
        goes_on = is_channels and line.endswith("\\")
        if start := _SCAN.match(line):
            scans.append(_Scan(start[1], start[2]))
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


def _spectrum(
    scan: _Scan, path: Path, choice: ColumnChoice, element: str | None, edge: str | None
) -> MeasuredSpectrum:
    if len(scan.rows) < _FEWEST:
        raise SpectrumError(
            f"the scan ({scan.command}) has {len(scan.rows)} rows, at least {_FEWEST} are needed: was it aborted?"
        )
    table_MC = numeric_rows(scan.rows)
    names = _names(scan, table_MC.shape[1])
    if choice.energy is None:
        energy = _energies_of(names, table_MC, choice, element, edge)
        if energy is None:
            raise SpectrumError(
                f"the scan ({scan.command}) is over {names[0] or 'a column without a name'}, no energies; if they "
                f"are, say {choosing(energy=1)}, of angles of the monochromator "
                f"{choosing(energy=1, unit='degrees', d_spacing=3.1356)}"
            )
        choice = replace(choice, energy=energy + 1)
    spectrum = spectrum_of_columns(names, table_MC, path, choice, element=element, edge=edge)
    said = {"scan.command": scan.command, "scan.start_time": scan.date}
    return replace(spectrum, metadata={key: value for key, value in said.items() if value})


def _names(scan: _Scan, count: int) -> list[str]:
    """Return the labels of a scan's columns, which may hold single blanks."""
    apart = re.split(r"\s{2,}|\t", scan.labels) if scan.labels else []
    for labels in (apart, scan.labels.split()):
        if len(labels) == count:
            return labels
    raise SpectrumError(
        f"the rows of the scan ({scan.command}) have {count} columns, its #L line has labels for {len(apart)}"
        + (f" and its #N line says {scan.count}" if scan.count not in (0, count) else "")
    )


def _energies_of(
    names: Sequence[str], table_MC: np.ndarray, choice: ColumnChoice, element: str | None, edge: str | None
) -> int | None:
    """Return the column of the energies that a scan ran over, from 0 on; None where it ran over something else.

    An angle is the monochromator's only where its lattice spacing is given: others turn samples. A first column of
    another name counts where the absorber's edge lies among its numbers.
    """
    labels = [canonical(name) for name in names]
    wanted = ("energy", "angle") if choice.d_spacing is not None else ("energy",)
    for label in wanted:
        for i, found in enumerate(labels):
            if found == label and np.ptp(table_MC[:, i]) > _STANDS_STILL * np.abs(table_MC[:, i]).max():
                return i
    tabulated, first = tabulated_edge(element, edge), table_MC[:, 0]
    if tabulated is not None and tabulated / 2 < first.min() < tabulated < first.max() < 2 * tabulated:
        return 0
    return None
