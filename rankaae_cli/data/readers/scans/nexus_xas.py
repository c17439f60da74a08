"""Spectra in NeXus files (HDF5) of the definitions NXxas and NXxasproc.

Three layouts are in use, and all are read: the application definition of 2010 (an instrument with monochromator,
incoming_beam and absorbed_beam); the definition of 2024 (energy and intensity in the entry, with element and edge);
and the one after XDI's names (data with energy, i0, itrans, ...; millenia.cars.aps.anl.gov/nxxas).
"""

import re
from collections.abc import Iterator

import h5py

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import edge_name, element_name
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.readers.scans.nexus_columns import (
    dataset_of,
    entry_columns,
    entry_rows,
    left_to_choose,
    text_of,
    value_of,
    value_within,
)
from rankaae_cli.data.readers.scans.raw_scan import Contents, Fault, RawScan

_ENTRIES = ("NXentry", "NXsubentry")


def is_nexus(contents: Contents) -> bool:
    """Tell whether a file may be NeXus: it is HDF5."""
    return contents.is_hdf5


def read_nexus(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan | Fault]:
    """Read a scan an entry of a NeXus file (or a row of a stack), and name the entries that hold none.

    Datasets are chosen by their names or their paths within the entry, where the definition leaves a choice or the
    file keeps to none, as those of BLISS do.

    Raises
    ------
    SpectrumError
        If the file cannot be read, or has no entry.
    """
    choice = choice or ColumnChoice()
    try:
        with h5py.File(contents.path, "r") as file:
            entries = list(_entries(file, choice))
            for name, entry in entries:
                label = contents.name if len(entries) == 1 else f"{contents.name}/{name}"
                try:
                    yield from _scans(name, label, entry, contents, choice)
                except SpectrumError as error:
                    yield Fault(name, str(error))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, SpectrumError):
            raise
        raise SpectrumError(f"HDF5 that cannot be read: {' '.join(str(error).split())[:150]}") from error
    if not entries:
        raise SpectrumError("HDF5 without an NXentry: neither NeXus nor a family file")


def _entries(file: h5py.File, choice: ColumnChoice) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the entries of a file: those marked so, else those with energies, else any if energies are chosen."""
    groups = [(name, item) for name, item in file.items() if isinstance(item, h5py.Group)]
    marked = [(n, g) for n, g in groups if text_of(g.attrs.get("NX_class")) in _ENTRIES or "definition" in g]
    energetic = [(n, g) for n, g in groups if dataset_of(g, "energy") is not None]
    yield from marked or energetic or (groups if choice.energy is not None else [])


def _scans(
    name: str, label: str, entry: h5py.Group, contents: Contents, choice: ColumnChoice
) -> list[RawScan]:
    definition = text_of(value_of(entry, "definition"))
    if definition and not definition.startswith("NXxas"):
        raise SpectrumError(f"the entry is of the definition {definition}, expected NXxas")
    columns, unit = entry_columns(entry, choice)
    metadata = _metadata(entry)
    rows, summed = entry_rows(entry, columns, choice)
    parts = [""] if len(rows) == 1 else [f"/{i}" for i in range(len(rows))]
    return [
        RawScan(
            name=f"{label}{part}",
            path=contents.path,
            columns=list(row.values()),
            names=list(row),
            units=[unit if key == "energy" else "" for key in row],
            record=f"{name}{part}",
            element=_element(entry),
            edge=_edge(entry),
            d_spacing=_float(metadata.get("mono.d_spacing")),
            is_computed=bool(_flag(entry, "calculated") or _flag(entry, "is_experimental") is False),
            metadata=metadata,
            choice=left_to_choose(choice),
            notes=(summed,) if summed else (),
        )
        for part, row in zip(parts, rows, strict=True)
    ]


def _metadata(entry: h5py.Group) -> dict[str, str]:
    metadata = {}
    places = {
        "sample.name": ("name", "NXsample"),
        "sample.prep": ("prep", "NXsample"),
        "facility.name": ("name", "NXsource"),
        "mono.d_spacing": ("d_spacing", "NXcrystal"),
    }
    for key, (name, kind) in places.items():
        if text := text_of(value_within(entry, name, within=kind)):
            metadata[key] = text
    for key, name in (("scan.start_time", "start_time"), ("sample.title", "title")):
        if text := text_of(value_of(entry, name)):
            metadata[key] = text
    for place in ("instrument/monochromator/d_spacing", "instrument/beamline/name"):
        if text := text_of(value_of(entry, place)):
            metadata["mono.d_spacing" if "mono" in place else "beamline.name"] = text
    return metadata


def _element(entry: h5py.Group) -> str | None:
    for place in ("element/symbol", "element", "data/element", "scan/xrayedge/element", "scan/edge/element"):
        text = text_of(value_of(entry, place))
        if re.fullmatch(r"[A-Za-z]{1,2}", text):
            return element_name(text)
    return None


def _edge(entry: h5py.Group) -> str | None:
    for place in ("edge/name", "edge", "data/edge", "scan/xrayedge/edge", "scan/edge/edge"):
        if text := text_of(value_of(entry, place)):
            return edge_name(text)
    return None


def _flag(entry: h5py.Group, name: str) -> bool | None:
    """Return a flag that is a boolean, a number or a word; None where nothing is said."""
    said = text_of(value_of(entry, name)).lower()
    return said not in ("false", "no", "0", "0.0", "n", "f") if said else None


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
