"""Spectra in NeXus files (HDF5) of the definitions NXxas and NXxasproc.

Three layouts are in use, and all are read: the application definition of 2010 (an instrument with monochromator,
incoming_beam and absorbed_beam); the definition of 2024 (energy and intensity in the entry, with element and edge);
and the one after XDI's names (data with energy, i0, itrans, ...; millenia.cars.aps.anl.gov/nxxas).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rankaae_cli.core.spectra import SpectrumError
from rankaae_cli.data.absorber import edge_name, element_name
from rankaae_cli.data.measured_absorption import absorption
from rankaae_cli.data.measured_columns import SIGNALS, ColumnChoice, canonical
from rankaae_cli.data.measured_energy import energies, settled_unit
from rankaae_cli.data.measured_spectrum import MeasuredSpectrum, Readings, ordered

_ENTRIES = ("NXentry", "NXsubentry")
# XDI's names of what the groups of detectors are called.
_DETECTORS = {"incoming_beam": "i0", "absorbed_beam": "absorbed", "i0": "i0"}
# What may come as a stack: a row a spectrum. Other arrays of two dimensions are left aside.
_STACKED = frozenset(("energy", "i0", "irefer", "murefer", "normrefer", *SIGNALS))
_NOT_ABSORPTION = ("yield", "fluor", "tey", "tfy", "pfy", "herfd")


def parse_nexus(path: Path, choice: ColumnChoice | None = None) -> Readings:
    """Read the spectra of a NeXus file.

    Parameters
    ----------
    path
        The file.
    choice
        Columns to take, by the names of the datasets, where the definition leaves a choice.

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
            entries = list(_entries(file))
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


def _entries(file: h5py.File) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the entries of a file; where no group says that it is one, the groups that hold energies."""
    groups = [(name, item) for name, item in file.items() if isinstance(item, h5py.Group)]
    marked = [(n, g) for n, g in groups if _text(g.attrs.get("NX_class")) in _ENTRIES or "definition" in g]
    yield from marked or [(n, g) for n, g in groups if _found(g, "energy") is not None]


def _spectra(
    name: str, entry: h5py.Group, path: Path, choice: ColumnChoice, *, alone: bool
) -> tuple[list[MeasuredSpectrum], list[tuple[str, str]]]:
    """Return the spectra of an entry, and its rows that hold none, with the reason."""
    definition = _text(_value(entry, "definition"))
    if definition and not definition.startswith("NXxas"):
        raise SpectrumError(f"the entry is of the definition {definition}, expected NXxas")
    columns, unit = _columns(entry)
    if "energy" not in columns:
        raise SpectrumError("the entry has no energies: expected monochromator/energy, data/energy or energy")
    metadata, element, edge = _metadata(entry), _element(entry), _edge(entry)
    d_spacing = choice.d_spacing or _float(metadata.get("mono.d_spacing"))
    label = path.stem if alone else f"{path.stem}/{name}"
    rows = _rows(entry, columns, choice)
    computed = _flag(entry, "calculated") or _flag(entry, "is_experimental") is False
    spectra, faults = [], []
    for i, row in enumerate(rows):
        part = "" if len(rows) == 1 else f"/{i}"
        try:
            used = choice.unit or settled_unit(unit, row["energy"], element, edge)
            energy_M, note = energies(row["energy"], used, d_spacing)
            made = absorption(row, choice)
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
                    notes=tuple(n for n in (note, *made.notes) if n),
                )
            )
        except SpectrumError as error:
            faults.append((f"{name}{part}", str(error)))
        else:
            spectra.append(spectrum)
    return spectra, faults


def _columns(entry: h5py.Group) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of an entry by XDI's names, and the unit of the energies."""
    columns: dict[str, np.ndarray] = {}
    processed = _text(_value(entry, "definition")).startswith("NXxasproc")
    energy = _found(entry, "monochromator/energy")
    if energy is None:
        energy = _found(entry, "energy")
    if energy is not None:
        _take(columns, "energy", energy)
    # The entry's own groups last: its monitor need not be the intensity before the sample.
    for group in [*_groups(entry), entry]:
        for key, item in group.items():
            if isinstance(item, h5py.Group):
                _take(columns, _DETECTORS.get(key, canonical(key)), item.get("data"))
            elif processed and key == "data":
                _take(columns, "mu", item)
            else:
                _take(columns, "mu" if key == "intensity" else canonical(key), item)
    count = columns["energy"].shape[-1] if "energy" in columns else 0
    unit = "" if energy is None else _text(energy.attrs.get("units"))
    return {k: v for k, v in columns.items() if v.shape[-1] == count}, unit


def _take(columns: dict[str, np.ndarray], label: str, dataset: Any) -> None:
    """Put a dataset of numbers among the columns, unless there is one of that label."""
    if label in columns or not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
        return
    if dataset.ndim in (1, 2) and dataset.size:
        values = np.asarray(dataset[()], dtype=np.float64)
        columns[label] = values[0] if values.ndim == 2 and len(values) == 1 else values


def _groups(entry: h5py.Group) -> Iterator[h5py.Group]:
    """Yield an entry's NXdata and NXinstrument groups, whatever their names, and such names without a class."""
    for key, item in entry.items():
        if isinstance(item, h5py.Group):
            kind = _text(item.attrs.get("NX_class"))
            if kind in ("NXdata", "NXinstrument") or (not kind and key in ("data", "instrument")):
                yield item


def _rows(
    entry: h5py.Group, columns: Mapping[str, np.ndarray], choice: ColumnChoice
) -> list[dict[str, np.ndarray]]:
    """Return the columns of each spectrum in an entry; more than one where the intensity is a stack."""
    named = dict(columns)
    for role in ("mu", "i0", "itrans", "ifluor", "irefer"):
        wanted = getattr(choice, role)
        if wanted is not None:
            if canonical(str(wanted)) not in columns:
                raise SpectrumError(f"there is no dataset {wanted!r}; there are {', '.join(columns)}")
            named[role] = columns[canonical(str(wanted))]
    if "absorbed" in named and not choice.chooses_signal:
        named["itrans" if _is_transmission(entry) else "ifluor"] = named["absorbed"]
    reference = _reference(entry, named["energy"])
    if reference is not None:
        named.setdefault("murefer", reference)
    stacks = {key: value for key, value in named.items() if value.ndim == 2 and key in _STACKED}
    plain = {key: value for key, value in named.items() if value.ndim == 1}
    if not stacks:
        return [plain]
    lengths = {len(value) for value in stacks.values()}
    if len(lengths) > 1 or not stacks.keys() & set(SIGNALS):
        shown = ", ".join(f"{key} {len(value)}" for key, value in stacks.items())
        raise SpectrumError(
            f"stacks of rows that do not belong together ({shown}): expected an absorption or its detectors, as "
            "many rows in each"
        )
    return [plain | {key: value[i] for key, value in stacks.items()} for i in range(lengths.pop())]


def _is_transmission(entry: h5py.Group) -> bool:
    """Tell from the mode, which the definition demands, what absorbed_beam is."""
    mode = _text(_found_value(entry, "mode", within="NXdata")).lower()
    if not mode:
        raise SpectrumError(
            "data/mode is missing, which tells whether absorbed_beam is a transmission or a yield: choose by "
            "columns=, such as columns={i0: i0, itrans: absorbed}"
        )
    if mode.startswith("trans"):
        return True
    if any(word in mode for word in _NOT_ABSORPTION):
        return False
    raise SpectrumError(f"data/mode is {mode!r}, expected Transmission, Fluorescence or a yield")


def _reference(entry: h5py.Group, energy_M: np.ndarray) -> np.ndarray | None:
    group = entry.get("reference")
    if not isinstance(group, h5py.Group) or "intensity" not in group or "energy" not in group:
        return None
    energy, intensity = (np.asarray(group[key][()], dtype=np.float64) for key in ("energy", "intensity"))
    same = energy.shape == energy_M.shape == intensity.shape and np.allclose(energy, energy_M, rtol=1e-7)
    return intensity if same else None


def _metadata(entry: h5py.Group) -> dict[str, str]:
    found = {}
    places = {
        "sample.name": ("name", "NXsample"),
        "sample.prep": ("prep", "NXsample"),
        "facility.name": ("name", "NXsource"),
        "mono.d_spacing": ("d_spacing", "NXcrystal"),
    }
    for key, (name, kind) in places.items():
        if text := _text(_found_value(entry, name, within=kind)):
            found[key] = text
    for key, name in (("scan.start_time", "start_time"), ("sample.title", "title")):
        if text := _text(_value(entry, name)):
            found[key] = text
    for place in ("instrument/monochromator/d_spacing", "instrument/beamline/name"):
        if text := _text(_value(entry, place)):
            found["mono.d_spacing" if "mono" in place else "beamline.name"] = text
    return found


def _element(entry: h5py.Group) -> str | None:
    for place in ("element/symbol", "element", "data/element", "scan/xrayedge/element", "scan/edge/element"):
        text = _text(_value(entry, place))
        if re.fullmatch(r"[A-Za-z]{1,2}", text):
            return element_name(text)
    return None


def _edge(entry: h5py.Group) -> str | None:
    for place in ("edge/name", "edge", "data/edge", "scan/xrayedge/edge", "scan/edge/edge"):
        if text := _text(_value(entry, place)):
            return edge_name(text)
    return None


def _found(entry: h5py.Group, name: str) -> Any:
    """Return a dataset of an entry, or of its instrument or data, whatever these are called."""
    for group in [entry, *_groups(entry)]:
        item = group.get(name)
        if isinstance(item, h5py.Dataset):
            return item
    return None


def _found_value(entry: h5py.Group, name: str, within: str) -> Any:
    """Return the value of a dataset in the first group of a class, at any depth."""
    found: list[Any] = []

    def visit(_: str, item: Any) -> bool | None:
        if isinstance(item, h5py.Group) and _text(item.attrs.get("NX_class")) == within and name in item:
            found.append(_value(item, name))
            return True
        return None

    entry.visititems(visit)
    return found[0] if found else None


def _value(group: h5py.Group, place: str) -> Any:
    item = group.get(place)
    return item[()] if isinstance(item, h5py.Dataset) else None


def _flag(entry: h5py.Group, name: str) -> bool | None:
    value = _value(entry, name)
    return None if value is None else bool(np.ravel(value)[0])


def _text(value: Any) -> str:
    if value is None or isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
