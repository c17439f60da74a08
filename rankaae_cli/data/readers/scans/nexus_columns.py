"""The arrays of a NeXus entry by XDI's names, and those of each of its spectra."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import (
    SIGNALS,
    ColumnChoice,
    canonical,
    choosing,
    is_channel,
)

# XDI's names of what the groups of detectors are called.
_DETECTORS = {"incoming_beam": "i0", "absorbed_beam": "absorbed", "i0": "i0"}
# What may come as a stack: a row a spectrum. Other arrays of two dimensions are left aside.
_STACKED = frozenset(("energy", "i0", "irefer", "murefer", "normrefer", *SIGNALS))
# What may come as the channels of one detector, a row or a column each.
_FLUORESCENCE = ("ifluor", "absorbed")
_ROLES = ("mu", "i0", "itrans", "ifluor", "irefer")
_NOT_ABSORPTION = ("yield", "fluor", "tey", "tfy", "pfy", "herfd")


def entry_columns(entry: h5py.Group, choice: ColumnChoice) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of an entry by XDI's names, and the unit of the energies.

    Parameters
    ----------
    entry
        A group that may hold one scan, or a stack of them.
    choice
        Which datasets to take instead: by name or path within the entry. They are searched in its collections
        too, such as ``measurement`` of the files that BLISS writes.

    Returns
    -------
    dict
        Shape (M,) each; (N, M) for a stack; (C, M) or (M, C) for the channels of a detector of fluorescence.
    str
        Empty where nothing is said.

    Raises
    ------
    SpectrumError
        If there are no energies, or no dataset of a chosen name.
    """
    columns: dict[str, np.ndarray] = {}
    processed = text_of(value_of(entry, "definition")).startswith("NXxasproc")
    energy = _energies(entry, choice)
    if energy is not None:
        _take(columns, "energy", energy)
        if choice.energy is not None and "energy" not in columns:
            raise SpectrumError(f"the dataset {choice.energy!r} is no array of numbers, expected energies")
    # The entry's own groups last: its monitor need not be the intensity before the sample.
    for group in [*_groups(entry), entry]:
        for key, item in group.items():
            if isinstance(item, h5py.Group):
                _take(columns, _DETECTORS.get(key, canonical(key)), item.get("data"))
            elif processed and key == "data":
                _take(columns, "mu", item)
            else:
                _take(columns, "mu" if key == "intensity" else canonical(key), item)
    if "energy" not in columns:
        raise SpectrumError(
            "the entry has no energies: expected monochromator/energy, data/energy or energy, or names, such as by "
            f"{choosing(energy='energy_enc', mu='mu')}"
        )
    count = columns["energy"].shape[-1]
    columns = {k: v for k, v in columns.items() if _fits(k, v, count)}
    _choose(columns, entry, choice, count)
    return columns, "" if energy is None else text_of(energy.attrs.get("units"))


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


def _energies(entry: h5py.Group, choice: ColumnChoice) -> Any:
    if choice.energy is not None:
        return _named(entry, choice.energy)
    energy = dataset_of(entry, "monochromator/energy")
    return dataset_of(entry, "energy") if energy is None else energy


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
    taken: dict[str, np.ndarray] = {}
    label, exact = canonical(str(wanted)), _exactly_named(entry, str(wanted))
    if exact is None and label in columns:
        taken[role] = columns[label]
    else:
        _take(taken, role, _named(entry, wanted, columns) if exact is None else exact)
    values = taken.get(role)
    if values is None or not _fits(role, values, count):
        shape = "no array of numbers" if values is None else f"of the shape {values.shape}"
        raise SpectrumError(
            f"the dataset {wanted!r} is {shape}, expected {count} points as the energies have"
        )
    return values


def _named(entry: h5py.Group, wanted: str | int, columns: Mapping[str, np.ndarray] | None = None) -> Any:
    """Return the dataset of a name or path, wherever in an entry it lies."""
    name = str(wanted)
    item = _exactly_named(entry, name)
    if item is None:
        item = _found(entry, lambda key: canonical(key) == canonical(name))
    if item is not None:
        return item
    places = [*_groups(entry), entry, *_collections(entry)]
    datasets = [key for group in places for key, x in group.items() if isinstance(x, h5py.Dataset)]
    there = ", ".join(dict.fromkeys([*(columns or ()), *datasets])) or "none"
    raise SpectrumError(f"there is no dataset {wanted!r}; there are {there}")


def _exactly_named(entry: h5py.Group, wanted: str) -> h5py.Dataset | None:
    """Return the dataset of that very name or path, in whichever case; None where there is none."""
    name = wanted.strip()
    if isinstance(item := entry.get(name), h5py.Dataset):
        return item
    return _found(entry, lambda key: key.lower() == name.lower())


def _found(entry: h5py.Group, is_it: Callable[[str], bool]) -> h5py.Dataset | None:
    for group in (*_groups(entry), entry, *_collections(entry)):
        for key, item in group.items():
            if is_it(key):
                item = item.get("data") if isinstance(item, h5py.Group) else item
                if isinstance(item, h5py.Dataset):
                    return item
    return None


def _fits(label: str, values: np.ndarray, count: int) -> bool:
    """Tell whether an array has a value for each energy, or is of channels that have."""
    return values.shape[-1] == count or (label in _FLUORESCENCE and values.shape[0] == count)


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
            kind = text_of(item.attrs.get("NX_class"))
            if kind in ("NXdata", "NXinstrument") or (not kind and key in ("data", "instrument")):
                yield item


def _collections(entry: h5py.Group) -> Iterator[h5py.Group]:
    """Yield an entry's NXcollection groups and `measurement`, where only chosen names are searched."""
    for key, item in entry.items():
        if isinstance(item, h5py.Group):
            kind = text_of(item.attrs.get("NX_class"))
            if kind == "NXcollection" or (not kind and key == "measurement"):
                yield item


def _is_transmission(entry: h5py.Group) -> bool:
    """Tell from the mode, which the definition demands, what absorbed_beam is."""
    mode = text_of(value_within(entry, "mode", within="NXdata")).lower()
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
    energy, intensity = (np.asarray(group[key][()], dtype=np.float64) for key in ("energy", "intensity"))
    same = energy.shape == energy_M.shape == intensity.shape and np.allclose(energy, energy_M, rtol=1e-7)
    return intensity if same else None


def dataset_of(entry: h5py.Group, name: str) -> Any:
    """Return a dataset of an entry, or of its instrument or data, whatever these are called."""
    for group in [entry, *_groups(entry)]:
        item = group.get(name)
        if isinstance(item, h5py.Dataset):
            return item
    return None


def value_within(entry: h5py.Group, name: str, within: str) -> Any:
    """Return the value of a dataset in the first group of a class, at any depth."""
    values: list[Any] = []

    def visit(_: str, item: Any) -> bool | None:
        if isinstance(item, h5py.Group) and text_of(item.attrs.get("NX_class")) == within and name in item:
            values.append(value_of(item, name))
            return True
        return None

    entry.visititems(visit)
    return values[0] if values else None


def value_of(group: h5py.Group, place: str) -> Any:
    """Return what a dataset holds; None where there is none."""
    item = group.get(place)
    return item[()] if isinstance(item, h5py.Dataset) else None


def text_of(value: Any) -> str:
    """Return a value, or the first of several, as text; empty where there is none."""
    if value is None or isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()
