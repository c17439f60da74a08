"""What the groups of an HDF5 file hold: groups, texts, and no links that lead to nothing."""

import mmap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# Classes of groups that are many, and hold none of what is searched.
_CLOSED = frozenset(("NXdetector", "NXpositioner", "NXdata", "NXcollection", "NXentry", "NXsubentry"))
_FEW = 1000  # texts and settings are one or a few
_HEAP = b"GCOL\x01\0\0\0"  # begins a heap of texts
_SEARCHED = 64 * 2**20  # bytes of a file in which a heap is looked for


def is_endless(path: Path) -> bool:
    """Tell whether HDF5 would read on for ever: a damaged heap of texts has free space of no size.

    The layout is that of the global heap in the HDF5 File Format Specification 3.0, section III.E.
    """
    size = min(path.stat().st_size, _SEARCHED)
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
        # Numbers of eight bytes, as all programs have them, which the file's beginning says.
        if data[14 if data[8:9] < b"\x02" else 10 :][:1] != b"\x08":
            return False
        start = data.find(_HEAP)
        while start >= 0:
            if _is_endless(data, start):
                return True
            start = data.find(_HEAP, start + 1)
    return False


def _is_endless(data: mmap.mmap, heap: int) -> bool:
    end = min(heap + _whole(data, heap + 8, 8), len(data))
    place = heap + 16
    while place + 16 <= end:
        index, size = _whole(data, place, 2), _whole(data, place + 8, 8)
        if index == size == 0:
            return True
        place += size if index == 0 else (16 + (size + 7) // 8 * 8) % 2**64
    return False


def _whole(data: mmap.mmap, place: int, size: int) -> int:
    return int.from_bytes(data[place : place + size], "little")


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
