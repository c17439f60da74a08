"""Spectra in NeXus files (HDF5) of the definitions NXxas and NXxasproc.

Three layouts are in use, and all are read: the application definition of 2010 (an instrument with monochromator,
incoming_beam and absorbed_beam); the definition of 2024 (energy and intensity in the entry, with element and edge);
and the one after XDI's names (data with energy, i0, itrans, ...; millenia.cars.aps.anl.gov/nxxas). An entry may lie
anywhere: in the file, as a subentry beside the raw data of an entry, in an entry within an entry.
"""

import re
from collections.abc import Iterator, Sequence

import h5py

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import edge_name, element_name
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.readers.scans.nexus_columns import (
    entry_columns,
    entry_rows,
    left_to_choose,
)
from rankaae_cli.data.readers.scans.nexus_entries import Entry, entries_of
from rankaae_cli.data.readers.scans.nexus_tree import text_of, texts_within, value_of
from rankaae_cli.data.readers.scans.raw_scan import Contents, Fault, RawScan, leading_number

# What h5py raises for a file that is damaged.
_UNREADABLE = (OSError, RuntimeError, KeyError, ValueError, TypeError)
# What is called so in a spectrum's metadata: a dataset of a group of some class, or one at a place in the entry.
_TEXTS = {
    "sample.name": ("name", "NXsample"),
    "sample.prep": ("prep", "NXsample"),
    "facility.name": ("name", "NXsource"),
    "mono.d_spacing": ("d_spacing", "NXcrystal"),
}
_PLACES = {
    "scan.start_time": "start_time",
    "sample.title": "title",
    "mono.d_spacing": "instrument/monochromator/d_spacing",
    "beamline.name": "instrument/beamline/name",
}
_ELEMENTS = (
    "element/symbol",
    "element/name",
    "element",
    "data/element",
    "scan/xrayedge/element",
    "scan/edge/element",
)
_EDGES = (
    "edge/name",
    "absorption_edge/name",
    "edge",
    "absorption_edge",
    "data/edge",
    "scan/xrayedge/edge",
    "scan/edge/edge",
)


def is_nexus(contents: Contents) -> bool:
    """Tell whether a file may be NeXus: it is HDF5."""
    return contents.is_hdf5


def read_nexus(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan | Fault]:
    """Read a scan an entry of a NeXus file (or a row of a stack), and name the entries that hold none.

    Datasets are chosen by their names or their paths within the entry, where the definition leaves a choice or the
    file keeps to none, as those of BLISS do. One of several spectra is named ``<file>/<path of the entry>``.

    Raises
    ------
    SpectrumError
        If the file cannot be read, or has no entry.
    """
    choice = choice or ColumnChoice()
    try:
        # Without a lock, which would keep the beamline's program from writing meanwhile.
        with h5py.File(contents.path, "r", locking=False) as file:
            entries = entries_of(file, choice)
            for entry in entries:
                label = contents.name if len(entries) == 1 else f"{contents.name}/{entry.name}"
                try:
                    yield from _scans(label, entry, contents, choice)
                except SpectrumError as error:
                    yield Fault(entry.name, str(error))
                except _UNREADABLE as error:
                    yield Fault(entry.name, _why(error))
    except SpectrumError:
        raise
    except _UNREADABLE as error:
        raise SpectrumError(_why(error)) from error
    if not entries:
        raise SpectrumError("HDF5 without an NXentry: neither NeXus nor a family file")


def _why(error: Exception) -> str:
    """Return what is wrong where HDF5 raises: something is damaged, or compressed in an unknown way."""
    if "not registered" in str(error) or "plugin" in str(error):
        return (
            "HDF5 whose numbers are compressed by a filter that is not installed: write it again without, such as "
            "by h5repack -f NONE"
        )
    return "HDF5 that is damaged or cut short"


def _scans(label: str, entry: Entry, contents: Contents, choice: ColumnChoice) -> list[RawScan]:
    definition = text_of(value_of(entry.group, "definition"))
    if definition and not definition.startswith("NXxas"):
        raise SpectrumError(f"the entry is of the definition {definition}, expected NXxas")
    columns, unit, note = entry_columns(entry.group, choice)
    metadata = _metadata(entry)
    rows, summed = entry_rows(entry.group, columns, choice)
    parts = [""] if len(rows) == 1 else [f"/{i}" for i in range(len(rows))]
    return [
        RawScan(
            name=f"{label}{part}",
            path=contents.path,
            columns=list(row.values()),
            names=list(row),
            units=[unit if key == "energy" else "" for key in row],
            record=f"{entry.name}{part}",
            element=_element(entry),
            edge=_edge(entry),
            d_spacing=leading_number(metadata.get("mono.d_spacing")),
            is_computed=bool(
                _flag(entry.group, "calculated") or _flag(entry.group, "is_experimental") is False
            ),
            metadata=metadata,
            choice=left_to_choose(choice),
            notes=tuple(n for n in (note, summed) if n),
        )
        for part, row in zip(parts, rows, strict=True)
    ]


def _metadata(entry: Entry) -> dict[str, str]:
    metadata = texts_within(entry.group, _TEXTS)
    for group in entry.above:  # what a subentry does not say, the entry does that it is in
        metadata = texts_within(group, _TEXTS) | metadata
    for key, place in _PLACES.items():
        if text := _first(entry, [place]):
            metadata[key] = text
    return metadata


def _element(entry: Entry) -> str | None:
    text = _first(entry, _ELEMENTS, r"[A-Za-z]{1,2}")
    return element_name(text) if text else None


def _edge(entry: Entry) -> str | None:
    text = _first(entry, _EDGES)
    return edge_name(text) if text else None


def _first(entry: Entry, places: Sequence[str], pattern: str = ".+") -> str:
    """Return the first text of a pattern at some places of an entry, else of the entries that it is in."""
    texts = (text_of(value_of(group, place)) for group in (entry.group, *entry.above) for place in places)
    return next((text for text in texts if re.fullmatch(pattern, text, re.DOTALL)), "")


def _flag(entry: h5py.Group, name: str) -> bool | None:
    """Return a flag that is a boolean, a number or a word; None where nothing is said."""
    said = text_of(value_of(entry, name)).lower()
    return said not in ("false", "no", "0", "0.0", "n", "f") if said else None
