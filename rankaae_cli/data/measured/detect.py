"""Reading measured and computed spectra of any format, told apart by their contents."""

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.compression import opened
from rankaae_cli.data.hdf5 import is_damaged
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.computed import (
    is_family,
    is_output,
    is_table,
    is_xmu,
    read_family_spectra,
    read_output,
    read_table,
    read_xmu,
)
from rankaae_cli.data.measured.from_scan import spectrum_of
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum
from rankaae_cli.data.readers.scans.athena import is_athena, read_athena
from rankaae_cli.data.readers.scans.nexus_xas import is_nexus, read_nexus
from rankaae_cli.data.readers.scans.raw_scan import Contents, Fault, RawScan
from rankaae_cli.data.readers.scans.spec_scans import is_spec, read_spec
from rankaae_cli.data.readers.scans.text_columns import read_text
from rankaae_cli.data.readers.scans.xdi import is_xdi, read_xdi


class Format(NamedTuple):
    """A format of files: its name, how its files are recognised, and what reads the scans in them."""

    name: str
    is_it: Callable[[Contents], bool]
    read: Callable[[Contents, ColumnChoice], Iterable[RawScan | Fault]]


# A file is read by the first format that recognises it.
FORMATS = [
    Format("family file", is_family, read_family_spectra),
    Format("NeXus", is_nexus, read_nexus),
    Format("XDI", is_xdi, read_xdi),
    Format("Athena's project", is_athena, read_athena),
    Format("SPEC", is_spec, read_spec),
    Format("FEFF's xmu.dat", is_xmu, read_xmu),
    Format("output of OCEAN, exciting, XSpectra or VASP", is_output, read_output),
    Format("table in RankAAE's public CSV format", is_table, read_table),
    Format("text columns", lambda contents: True, read_text),
]

# Of text, uncompressed, but for tables, which are read row by row: a spectrum has a few hundred kilobytes, and
# numbers as text take ten times the memory of the file. SPEC may log a whole beamtime in one.
_SIZE_LIMIT, _SPEC_SIZE_LIMIT, _LINES_LIMIT = 32 * 2**20, 256 * 2**20, 1_000_000
_HEAD = 2**16  # bytes that a format is told by where a file is large
_HDF5 = b"\x89HDF\r\n\x1a\n"
# How begins, and where, what is only read once it is unpacked.
_UNPACKED = (
    (_HDF5, 0, "an HDF5 file that is compressed as a whole"),
    (b"ustar", 257, "a tar archive, expected a file of spectra or a folder"),
    (b"PK\x03\x04", 0, "a zip archive, expected a file of spectra or a folder"),
)
# How a text begins that is not UTF-8; the longer marks first, as one begins with another.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Columns = ColumnChoice | Mapping[str, Any] | Sequence[str | int] | None


def read_measured(
    path: str | Path, columns: Columns = None, element: str | None = None, edge: str | None = None
) -> list[MeasuredSpectrum]:
    """Read the spectra of one file, whatever its format: the contents decide, not the name's ending.

    XDI, Athena projects (Perl or JSON), scans of SPEC, text of columns (all of these compressed or not), NeXus
    NXxas, FEFF's xmu.dat, tables in RankAAE's public CSV format, family files.

    Parameters
    ----------
    path
        The file.
    columns
        Which columns to take: a `ColumnChoice`, a mapping of its fields, or a pair (energy, mu), each by name
        or by number from 1 on.
    element, edge
        Of spectra whose file does not say.

    Returns
    -------
    list of MeasuredSpectrum
        At least one. Records of the file that are no spectra are left out; `read_folder` names them.

    Raises
    ------
    SpectrumError
        With the reason, if the file holds no spectrum that can be used.
    UserError
        If there is no such file, or `columns` is impossible.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file {path}\ncorrect the path")
    spectra, faults = _read(path, ColumnChoice.of(columns), element, edge)
    if not spectra:
        record, reason = faults[0] if faults else ("", "it holds no spectrum")
        raise SpectrumError(f"{record}: {reason}" if record else reason)
    return spectra


def read_folder(
    path: str | Path, columns: Columns = None, element: str | None = None, edge: str | None = None
) -> tuple[list[MeasuredSpectrum], list[tuple[Path, str]]]:
    """Read the spectra of all files of a folder and the folders in it, or of one file.

    Parameters
    ----------
    path
        A folder, or a file. Hidden files and folders are passed over.
    columns, element, edge
        As for `read_measured`, of all files.

    Returns
    -------
    list of MeasuredSpectrum
        In the order of the files' names. Names that occur more than once have as much of the file's path in
        front as the folder adds.
    list of (path, reason)
        What could not be used: a file, or ``<file>/<record>`` of one with several. No bad file stops the others.

    Raises
    ------
    UserError
        If there is no such folder or file, or `columns` is impossible.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"there is no file or folder {path}\ncorrect the path")
    choice = ColumnChoice.of(columns)
    spectra: list[MeasuredSpectrum] = []
    faults: list[tuple[Path, str]] = []
    for file in files_below(path):
        try:
            read, unusable = _read(file, choice, element, edge)
        except (SpectrumError, UserError) as error:
            # The first line says what is wrong, without the path that it is listed under.
            reason = str(error).splitlines()[0].removeprefix(f"{file}").lstrip(": ")
            faults.append((file, reason))
            continue
        except Exception as error:  # a fault of ours, which is to cost this file alone
            faults.append(
                (file, f"it cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:150]}")
            )
            continue
        spectra += read
        faults += [(file / record, reason) for record, reason in unusable]
        if not read and not unusable:
            faults.append((file, "it holds no spectrum"))
    return _uniquely_named(spectra, path), faults


def files_below(path: Path) -> Iterator[Path]:
    """Return the files of a folder and the folders in it that are not hidden, by name; or the file itself."""
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.is_file() and not hidden:
            yield file


def _uniquely_named(spectra: list[MeasuredSpectrum], top: Path) -> list[MeasuredSpectrum]:
    """Put folders and, if that is not enough, numbers to names that occur more than once."""
    count: dict[str, int] = {}
    for spectrum in spectra:
        count[spectrum.name] = count.get(spectrum.name, 0) + 1
    used: set[str] = set()
    named = []
    for spectrum in spectra:
        name = spectrum.name
        if count[name] > 1 and top.is_dir():
            relative = spectrum.path.relative_to(top)
            name = str(relative) if relative.stem == name else f"{relative}/{name}"
        plain, n = name, 1
        while name in used:
            n += 1
            name = f"{plain} ({n})"
        used.add(name)
        named.append(spectrum if name == spectrum.name else replace(spectrum, name=name))
    return named


def _read(
    path: Path, choice: ColumnChoice, element: str | None, edge: str | None
) -> tuple[list[MeasuredSpectrum], list[Fault]]:
    """Tell the format of a file by its contents; return its spectra, and what in it cannot be used."""
    spectra, faults = [], []
    # Numbers that no detector gives overflow, and what they lead to is checked.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for scan in raw_scans(path, choice)[1]:
            if isinstance(scan, Fault):
                faults.append(scan)
                continue
            try:
                spectra.append(spectrum_of(scan, choice, element, edge))
            except SpectrumError as error:
                faults.append(Fault(scan.record, str(error)))
    return spectra, faults


def raw_scans(path: Path, choice: ColumnChoice) -> tuple[str, Iterable[RawScan | Fault]]:
    """Return the format of a file, and its scans and what in it cannot be used.

    Raises
    ------
    SpectrumError
        If it is none that can be read; some formats only when they are iterated over.
    """
    contents = _contents(path)
    kind = next(kind for kind in FORMATS if kind.is_it(contents))
    return kind.name, kind.read(contents, choice)


def _contents(path: Path) -> Contents:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_HDF5))
        if magic == _HDF5:
            if is_damaged(path):
                raise SpectrumError("an HDF5 file that is damaged or cut short")
            return Contents(path, is_hdf5=True)
        data = _bytes(path)
    except OSError as error:
        raise SpectrumError(f"it cannot be read: {error.strerror or error}") from error
    if not data.strip():
        raise SpectrumError("the file is empty")
    text = _decoded(data)
    if "\x00" in text[:4096]:
        raise SpectrumError(
            "a binary file of no known kind, expected XDI, Athena, text columns, NeXus or xmu.dat"
        )
    return Contents(path, text)


def _decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, or what its byte-order mark says, as Windows' programs write it."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    return data.decode(encoding, errors="replace").removeprefix("\ufeff")


def _bytes(path: Path) -> bytes:
    """Return the bytes of a file, uncompressed; raise SpectrumError if they are of what is only read unpacked."""
    with opened(path) as file:
        data, limit = file.read(_SIZE_LIMIT + 1), _SIZE_LIMIT
        if len(data) > limit and is_spec(Contents(path, _decoded(data[:_HEAD]))):
            limit = _SPEC_SIZE_LIMIT
            data += file.read(limit + 1 - len(data))
    for start, offset, what in _UNPACKED:
        if data.startswith(start, offset):
            raise SpectrumError(f"{what}: unpack it")
    is_large = len(data) > limit or max(data.count(b"\n"), data.count(b"\r")) > _LINES_LIMIT
    if is_large and not is_table(Contents(path, _decoded(data[:_HEAD]))):
        raise SpectrumError(
            f"it holds more than {limit // 2**20} MiB of text or {_LINES_LIMIT} lines: no file of spectra; "
            "split it, or take out what are none"
        )
    return data[:_HEAD] if is_large else data
