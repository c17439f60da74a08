"""Spectra in NeXus files (HDF5) of the definitions NXxas and NXxasproc.

Three layouts are in use, and all are read: the application definition of 2010 (an instrument with monochromator,
incoming_beam and absorbed_beam); the definition of 2024 (energy and intensity in the entry, with element and edge);
and the one after XDI's names (data with energy, i0, itrans, ...; millenia.cars.aps.anl.gov/nxxas).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import h5py

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import edge_name, element_name, tabulated_edge
from rankaae_cli.data.measured.absorption import absorption
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.energy import energies, settled_unit
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum, Readings, ordered
from rankaae_cli.data.readers.scans.nexus_columns import (
    dataset_of,
    entry_columns,
    entry_rows,
    text_of,
    value_of,
    value_within,
)

_ENTRIES = ("NXentry", "NXsubentry")


def parse_nexus(path: Path, choice: ColumnChoice | None = None) -> Readings:
    """Read the spectra of a NeXus file.

    Parameters
    ----------
    path
        The file.
    choice
        Columns to take, by the names of the datasets or their paths within the entry, where the definition leaves
        a choice or the file keeps to none, as those of BLISS do.

    Returns
    -------
    Readings
        A spectrum an entry (or a row of a stack), and the entries or rows that hold none, with the reason.

    Raises
    ------
    SpectrumError
        If the file cannot be read, or has no entry.
    """
    choice = choice or ColumnChoice()
    spectra: list[MeasuredSpectrum] = []
    faults: list[tuple[str, str]] = []
    try:
        with h5py.File(path, "r") as file:
            entries = list(_entries(file, choice))
            for name, entry in entries:
                try:
                    found, bad = _spectra(name, entry, path, choice, alone=len(entries) == 1)
                    spectra += found
                    faults += bad
                except SpectrumError as error:
                    faults.append((name, str(error)))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, SpectrumError):
            raise
        raise SpectrumError(f"HDF5 that cannot be read: {' '.join(str(error).split())[:150]}") from error
    if not entries:
        raise SpectrumError("HDF5 without an NXentry: neither NeXus nor a family file")
    return Readings(tuple(spectra), tuple(faults))


def _entries(file: h5py.File, choice: ColumnChoice) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the entries of a file: those marked so, else those with energies, else any if energies are chosen."""
    groups = [(name, item) for name, item in file.items() if isinstance(item, h5py.Group)]
    marked = [(n, g) for n, g in groups if text_of(g.attrs.get("NX_class")) in _ENTRIES or "definition" in g]
    energetic = [(n, g) for n, g in groups if dataset_of(g, "energy") is not None]
    yield from marked or energetic or (groups if choice.energy is not None else [])


def _spectra(
    name: str, entry: h5py.Group, path: Path, choice: ColumnChoice, *, alone: bool
) -> tuple[list[MeasuredSpectrum], list[tuple[str, str]]]:
    """Return the spectra of an entry, and its rows that hold none, with the reason."""
    definition = text_of(value_of(entry, "definition"))
    if definition and not definition.startswith("NXxas"):
        raise SpectrumError(f"the entry is of the definition {definition}, expected NXxas")
    columns, unit = entry_columns(entry, choice)
    metadata, element, edge = _metadata(entry), _element(entry), _edge(entry)
    d_spacing = choice.d_spacing or _float(metadata.get("mono.d_spacing"))
    label = path.stem if alone else f"{path.stem}/{name}"
    rows, summed = entry_rows(entry, columns, choice)
    computed = _flag(entry, "calculated") or _flag(entry, "is_experimental") is False
    spectra, faults = [], []
    for i, row in enumerate(rows):
        part = "" if len(rows) == 1 else f"/{i}"
        try:
            used = choice.unit or settled_unit(unit, row["energy"], element, edge)
            energy_M, note = energies(row["energy"], used, d_spacing)
            made = absorption(row, choice, energy_M, tabulated_edge(element, edge))
            spectrum = ordered(
                MeasuredSpectrum(
                    name=f"{label}{part}",
                    path=path,
                    element=element,
                    edge=edge,
                    energy_M=energy_M[made.kept],
                    mu_M=made.mu_M,
                    reference_M=made.reference_M,
                    is_normalised=made.is_normalised,
                    is_computed=bool(computed),
                    metadata=metadata,
                    columns_used=made.columns_used,
                    notes=tuple(n for n in (note, summed, *made.notes) if n),
                    doubts=made.doubts,
                )
            )
        except SpectrumError as error:
            faults.append((f"{name}{part}", str(error)))
        else:
            spectra.append(spectrum)
    return spectra, faults


def _metadata(entry: h5py.Group) -> dict[str, str]:
    found = {}
    places = {
        "sample.name": ("name", "NXsample"),
        "sample.prep": ("prep", "NXsample"),
        "facility.name": ("name", "NXsource"),
        "mono.d_spacing": ("d_spacing", "NXcrystal"),
    }
    for key, (name, kind) in places.items():
        if text := text_of(value_within(entry, name, within=kind)):
            found[key] = text
    for key, name in (("scan.start_time", "start_time"), ("sample.title", "title")):
        if text := text_of(value_of(entry, name)):
            found[key] = text
    for place in ("instrument/monochromator/d_spacing", "instrument/beamline/name"):
        if text := text_of(value_of(entry, place)):
            found["mono.d_spacing" if "mono" in place else "beamline.name"] = text
    return found


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
