"""What the groups of an HDF5 file hold: groups, texts, and no links that lead to nothing."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

# Classes of groups that are many, and hold none of what is searched.
_CLOSED = frozenset(("NXdetector", "NXpositioner", "NXdata", "NXcollection", "NXentry", "NXsubentry"))
_FEW = 1000  # texts and settings are one or a few


def texts_within(entry: h5py.Group, wanted: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return texts of the groups in an entry by what they are called in `wanted`, which gives dataset and NX_class.

    Groups lie at any depth, but not in a detector, nor in an entry within the entry.
    """
    texts: dict[str, str] = {}
    waiting, seen = [entry], {identity(entry)}
    while waiting:
        for _, group in subgroups(waiting.pop()):
            kind = text_of(group.attrs.get("NX_class"))
            for key, (name, within) in wanted.items():
                if kind == within and key not in texts and (text := text_of(value_of(group, name))):
                    texts[key] = text
            if kind not in _CLOSED and identity(group) not in seen:
                seen.add(identity(group))
                waiting.append(group)
    return texts


def subgroups(group: h5py.Group) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the groups in a group by name, without what links lead to."""
    for key in names_in(group):
        with suppress(KeyError, OSError, RuntimeError):
            if h5py.h5g.get_objinfo(group.id, key.encode(), follow_link=False).type == h5py.h5g.GROUP:
                yield key, group[key]


def names_in(group: h5py.Group) -> list[str]:
    """Return the names of what is in a group, without those that a damaged file spells in no encoding."""
    return [name for name in group if isinstance(name, str)]


def identity(group: h5py.Group) -> tuple[int, int]:
    """Return what tells a group from others, whatever links lead to it."""
    info = h5py.h5o.get_info(group.id)
    return info.fileno, info.addr


def items_of(group: h5py.Group, keys: Iterable[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Yield what is in a group by name, all or those of some names, without links that lead to nothing."""
    for key in names_in(group) if keys is None else keys:
        with suppress(KeyError, OSError, RuntimeError):
            yield key, group[key]


def value_of(group: h5py.Group, place: str) -> Any:
    """Return what a dataset of few values holds; None where there is none."""
    item = group.get(place)
    is_small = isinstance(item, h5py.Dataset) and (item.size or 0) <= _FEW
    return item[()] if is_small else None


def text_of(value: Any) -> str:
    """Return a value, or the first of several, as text; empty where there is none."""
    if value is None or isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()
