"""The arrays of a NeXus entry by XDI's names, and those of each of its spectra."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import h5py
import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import (
    SIGNALS,
    SIGNALS_AND_COUNTS,
    ColumnChoice,
    canonical,
    choosing,
    is_channel,
    is_scanned,
)
from rankaae_cli.data.readers.scans.nexus_tree import items_of, names_in, text_of, texts_within, value_of

# XDI's names of what the groups of detectors are called.
_DETECTORS = {"incoming_beam": "i0", "absorbed_beam": "absorbed", "i0": "i0"}
# What may come as a stack: a row a spectrum. Other arrays of two dimensions are left aside.
_STACKED = SIGNALS_AND_COUNTS | {"energy", "normrefer"}
# What is called by XDI's names; others keep their own, which may tell an element's fluorescence.
_KNOWN = _STACKED | {"angle", "absorbed"}
# What may come as the channels of one detector, a row or a column each.
_FLUORESCENCE = ("ifluor", "absorbed")
_ROLES = ("mu", "i0", "itrans", "ifluor", "irefer")
_LARGEST = 2**24  # values of an array that may be columns; images are larger
_NOT_ABSORPTION = ("yield", "fluor", "tey", "tfy", "pfy", "herfd")


class EntryColumns(NamedTuple):
    """The arrays of an entry by XDI's names, the unit of the energies, and where these are from if that is unusual.

    The arrays are of shape (M,) each; (N, M) for a stack; (C, M) or (M, C) for the channels of a detector of
    fluorescence.
    """

    columns: dict[str, np.ndarray]
    unit: str
    note: str


def entry_columns(entry: h5py.Group, choice: ColumnChoice) -> EntryColumns:
    """Return the arrays of an entry by XDI's names.

    Only those are read that may belong to a spectrum: images and the like stay in the file. Where no energies are
    at their places, those of a scanned motor or its encoder are taken, and the counters of the entry's collections,
    such as ``measurement`` of the files that BLISS writes.

    Parameters
    ----------
    entry
        A group that may hold one scan, or a stack of them.
    choice
        Which datasets to take instead: by name or path within the entry. They are searched in its collections too.

    Raises
    ------
    SpectrumError
        If there are no energies, or no dataset of a chosen name.
    """
    places = [*_groups(entry), entry]
    energy, motor = _energies(entry, choice, places)
    columns = {"energy": _read(energy)}
    count = columns["energy"].shape[-1]
    # The entry's own groups last: its monitor need not be the intensity before the sample.
    _fill(columns, [*_collections(entry), *places] if motor else places, entry, count)
    if not (motor or choice.chooses_signal or columns.keys() & {*SIGNALS, "absorbed"}):
        _fill(columns, _collections(entry), entry, count)
    columns.pop(motor, None)
    _choose(columns, entry, choice, count)
    note = f"the energies are those of {motor}" if motor else ""
    return EntryColumns(columns, text_of(energy.attrs.get("units")), note)


def entry_rows(
    entry: h5py.Group, columns: Mapping[str, np.ndarray], choice: ColumnChoice
) -> tuple[list[dict[str, np.ndarray]], str]:
    """Return the columns of each spectrum in an entry, more than one where the intensity is a stack; and a note.

    Several channels of fluorescence beside one intensity before the sample are summed.

    Parameters
    ----------
    entry, columns, choice
        As for `entry_columns`, and what it returns.

    Raises
    ------
    SpectrumError
        If it cannot be told what was absorbed, or stacks do not belong together.
    """
    named = dict(columns)
    if "absorbed" in named and not choice.chooses_signal:
        named["itrans" if _is_transmission(entry) else "ifluor"] = named["absorbed"]
    reference = _reference(entry, named["energy"])
    if reference is not None:
        named.setdefault("murefer", reference)
    note = _sum_channels(named)
    stacks = {key: value for key, value in named.items() if value.ndim == 2 and key in _STACKED}
    plain = {key: value for key, value in named.items() if value.ndim == 1}
    if not stacks:
        return [plain], note
    lengths = {len(value) for value in stacks.values()}
    if len(lengths) > 1 or not stacks.keys() & set(SIGNALS):
        shown = ", ".join(f"{key} {len(value)}" for key, value in stacks.items())
        raise SpectrumError(
            f"stacks of rows that do not belong together ({shown}): expected an absorption or its detectors, as "
            "many rows in each"
        )
    return [plain | {key: value[i] for key, value in stacks.items()} for i in range(lengths.pop())], note


def left_to_choose(choice: ColumnChoice) -> ColumnChoice:
    """Return what is to be chosen of an entry's arrays: each that was asked for is called by its role now."""
    roles: dict[str, Any] = {role: role for role in ("energy", *_ROLES) if getattr(choice, role) is not None}
    return replace(choice, **roles)


def _energies(
    entry: h5py.Group, choice: ColumnChoice, places: Sequence[h5py.Group]
) -> tuple[h5py.Dataset, str]:
    """Return the energies and, where they are not at one of their places, what they are called."""
    if choice.energy is not None:
        energy = _named(entry, choice.energy)
        if not _is_numeric(energy):
            raise SpectrumError(f"the dataset {choice.energy!r} is no array of numbers, expected energies")
        return energy, ""
    for place in ("monochromator/energy", "energy"):
        if _is_numeric(energy := dataset_of(entry, place)):
            return energy, ""
    for group in places:
        for _, item in items_of(group, [key for key in names_in(group) if canonical(key) == "energy"]):
            if _is_numeric(dataset := _data_of(item)):
                return dataset, ""
    for group in [*_collections(entry), *places]:
        for key, dataset in _scan_axes(group):
            return dataset, key
    raise SpectrumError(
        "the entry has no energies: expected monochromator/energy, data/energy or energy, or names, such as by "
        f"{choosing(energy='energy_enc', mu='mu')}"
    )


def _scan_axes(group: h5py.Group) -> list[tuple[str, h5py.Dataset]]:
    """Return the datasets of a group that are called after an energy and move, those of encoders first."""
    scanned = []
    for key, item in items_of(group, [key for key in names_in(group) if "energy" in key.lower()]):
        dataset = _data_of(item, "data", "value")
        if _is_numeric(dataset) and dataset.ndim == 1 and is_scanned(_read(dataset)):
            scanned.append((key, dataset))
    return sorted(scanned, key=lambda one: "enc" not in one[0].lower().replace("energy", ""))


def _fill(
    columns: dict[str, np.ndarray], groups: Iterable[h5py.Group], entry: h5py.Group, count: int
) -> None:
    """Put the arrays of some groups that have a value for each energy under XDI's names, the first of a name."""
    processed = text_of(value_of(entry, "definition")).startswith("NXxasproc")
    signals = {"intensity": "mu", **({"data": "mu"} if processed else {})}
    for group in groups:
        # Opening takes longest, and a counter is often in two groups.
        keys = [
            key
            for key in names_in(group)
            if key in _DETECTORS or key in signals or not {key, canonical(key)} & columns.keys()
        ]
        for key, item in items_of(group, keys):
            names = _DETECTORS if isinstance(item, h5py.Group) else signals
            label, dataset = names.get(key, canonical(key)), _data_of(item)
            label = label if label in _KNOWN else key
            if label in columns or not _is_numeric(dataset):
                continue
            is_of_use = dataset.ndim == 1 or label in _STACKED or label in _FLUORESCENCE
            if is_of_use and _fits(label, _shape(dataset), count):
                columns[label] = _read(dataset)


def _data_of(item: Any, *names: str) -> Any:
    """Return a dataset, or that of a detector."""
    if not isinstance(item, h5py.Group):
        return item
    return next((dataset for name in names or ("data",) if (dataset := item.get(name)) is not None), None)


def _choose(columns: dict[str, np.ndarray], entry: h5py.Group, choice: ColumnChoice, count: int) -> None:
    """Put the chosen datasets under their roles, those of a list as their sum."""
    for role in _ROLES:
        wanted = getattr(choice, role)
        if wanted is None or (role == "ifluor" and wanted == role and any(map(is_channel, columns))):
            continue
        several = wanted if isinstance(wanted, tuple) else (wanted,)
        columns[role] = np.sum([_chosen(columns, entry, name, role, count) for name in several], axis=0)


def _chosen(
    columns: Mapping[str, np.ndarray], entry: h5py.Group, wanted: str | int, role: str, count: int
) -> np.ndarray:
    # The name as it is before what else it may be called: a monitor need not be the i0 beside it.
    label, exact = canonical(str(wanted)), _exactly_named(entry, str(wanted))
    if exact is None and label in columns:
        values = columns[label]
        if _fits(role, values.shape, count):
            return values
        shape = f"of the shape {values.shape}"
    else:
        dataset = _named(entry, wanted, columns) if exact is None else exact
        if not _is_numeric(dataset):
            shape = "no array of numbers"
        elif _fits(role, _shape(dataset), count):
            return _read(dataset)
        else:
            shape = f"of the shape {dataset.shape}"
    raise SpectrumError(f"the dataset {wanted!r} is {shape}, expected {count} points as the energies have")


def _named(entry: h5py.Group, wanted: str | int, columns: Mapping[str, np.ndarray] | None = None) -> Any:
    """Return the dataset of a name or path, wherever in an entry it lies."""
    if (item := _dataset(entry, wanted)) is not None:
        return item
    places = [*_groups(entry), entry, *_collections(entry)]
    datasets = [key for group in places for key, x in items_of(group) if isinstance(x, h5py.Dataset)]
    there = ", ".join(dict.fromkeys([*(columns or ()), *datasets])) or "none"
    raise SpectrumError(f"there is no dataset {wanted!r}; there are {there}")


def _dataset(entry: h5py.Group, wanted: str | int) -> h5py.Dataset | None:
    name = str(wanted)
    exact = _exactly_named(entry, name)
    return _first_dataset(entry, lambda key: canonical(key) == canonical(name)) if exact is None else exact


def _exactly_named(entry: h5py.Group, wanted: str) -> h5py.Dataset | None:
    """Return the dataset of that very name or path, in whichever case; None where there is none."""
    name = wanted.strip()
    if isinstance(item := entry.get(name), h5py.Dataset):
        return item
    return _first_dataset(entry, lambda key: key.lower() == name.lower())


def _first_dataset(entry: h5py.Group, is_it: Callable[[str], bool]) -> h5py.Dataset | None:
    for group in (*_groups(entry), entry, *_collections(entry)):
        for key, item in items_of(group):
            if is_it(key):
                item = item.get("data") if isinstance(item, h5py.Group) else item
                if isinstance(item, h5py.Dataset):
                    return item
    return None


def _fits(label: str, shape: tuple[int, ...], count: int) -> bool:
    """Tell whether an array has a value for each energy, or is of channels that have."""
    return shape[-1] == count or (label in _FLUORESCENCE and shape[0] == count)


def _is_numeric(item: Any) -> bool:
    """Tell a dataset of one or two dimensions that may be columns of numbers."""
    return (
        isinstance(item, h5py.Dataset)
        and item.dtype.kind in "fiu"
        and item.ndim in (1, 2)
        and 0 < item.size <= _LARGEST
    )


def _shape(dataset: h5py.Dataset) -> tuple[int, ...]:
    """Return the shape of an array as `_read` gives it."""
    shape: tuple[int, ...] = dataset.shape
    return shape[1:] if len(shape) == 2 and shape[0] == 1 else shape


def _read(dataset: h5py.Dataset) -> np.ndarray:
    return np.asarray(dataset[()], dtype=np.float64).reshape(_shape(dataset))


def _sum_channels(named: dict[str, np.ndarray]) -> str:
    """Sum the channels of a detector of fluorescence where there is one scan of the other columns; say so."""
    energy, i0, note = named["energy"], named.get("i0"), ""
    values = named.get("ifluor")
    if values is None:
        return note
    if energy.ndim == 1 and i0 is not None and i0.ndim == 1 and values.ndim == 2:
        axis = 0 if values.shape[-1] == len(energy) else 1
        note = f"{values.shape[axis]} channels of fluorescence were summed"
        values = named["ifluor"] = values.sum(axis=axis)
    if values.shape[-1] != energy.shape[-1]:
        del named["ifluor"]
    return note


def _groups(
    entry: h5py.Group,
    classes: Sequence[str] = ("NXdata", "NXinstrument"),
    names: Sequence[str] = ("data", "instrument"),
) -> Iterator[h5py.Group]:
    """Yield an entry's groups of some classes, whatever their names, and those of some names without a class."""
    for key, item in items_of(entry):
        if isinstance(item, h5py.Group):
            kind = text_of(item.attrs.get("NX_class"))
            if kind in classes or (not kind and key in names):
                yield item


def _collections(entry: h5py.Group) -> Iterator[h5py.Group]:
    """Yield the groups of an entry that may hold counters of any name, each of which is read only if need be."""
    return _groups(entry, ("NXcollection",), ("measurement",))


def _is_transmission(entry: h5py.Group) -> bool:
    """Tell from the mode, which the definition demands, what absorbed_beam is."""
    mode = texts_within(entry, {"mode": ("mode", "NXdata")}).get("mode", "").lower()
    if not mode:
        raise SpectrumError(
            "data/mode is missing, which tells whether absorbed_beam is a transmission or a yield: choose, such as "
            f"by {choosing(i0='i0', itrans='absorbed')}"
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
    datasets = (group["energy"], group["intensity"])
    if not all(_is_numeric(item) for item in datasets):
        return None
    energy, intensity = (np.asarray(item[()], dtype=np.float64) for item in datasets)
    same = energy.shape == energy_M.shape == intensity.shape and np.allclose(energy, energy_M, rtol=1e-7)
    return intensity if same else None


def dataset_of(entry: h5py.Group, name: str) -> Any:
    """Return a dataset of an entry, or of its instrument or data, whatever these are called."""
    for group in [entry, *_groups(entry)]:
        item = group.get(name)
        if isinstance(item, h5py.Dataset):
            return item
    return None


def has_dataset(entry: h5py.Group, name: str | int) -> bool:
    """Tell whether a dataset of a name or path lies in an entry where chosen ones are searched."""
    return _dataset(entry, name) is not None
