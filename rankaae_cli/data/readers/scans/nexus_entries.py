"""The entries of a NeXus file, wherever in its tree they lie."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import h5py

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.readers.scans.nexus_columns import dataset_of, has_dataset
from rankaae_cli.data.readers.scans.nexus_tree import (
    identity,
    items_of,
    names_in,
    subgroups,
    text_of,
    value_of,
)

_ENTRIES = ("NXentry", "NXsubentry")
# Groups of these classes may hold entries; others, such as detectors, hold what belongs to one.
_ABOVE_ENTRIES = frozenset(("", "NXroot", "NXcollection", *_ENTRIES))
_MOST_GROUPS = 200_000


class Entry(NamedTuple):
    """A group that may hold a scan: its path in the file, and the groups above it in the file, nearest first."""

    name: str
    group: h5py.Group
    above: tuple[h5py.Group, ...]


def entries_of(file: h5py.File, choice: ColumnChoice) -> list[Entry]:
    """Return the entries of a file: those marked so, else groups with energies, else any that has the chosen ones.

    An entry without a spectrum of its own, whose subentries have one, is left out. So is a subentry of no
    definition in an entry of NXxas, such as a reference.

    Raises
    ------
    SpectrumError
        If there are too many groups to search.
    """
    groups = list(_groups_of(file))
    marked = [e for e in groups if e.name and (_kind(e.group) in _ENTRIES or "definition" in e.group)]
    if marked:
        return _scans_among(marked, choice)
    energetic = [e for e in groups if _has_energies(e)]
    names = {entry.name for entry in energetic}
    # A group named data is looked into where the group above it is read.
    apart = [
        e for e in energetic if not (_leaf(e.name) in ("data", "instrument") and _parent(e.name) in names)
    ]
    return (
        apart or [e for e in groups if choice.energy is not None and has_dataset(e.group, choice.energy)][:1]
    )


def _scans_among(marked: Sequence[Entry], choice: ColumnChoice) -> list[Entry]:
    definitions = {e.name: text_of(value_of(e.group, "definition")) for e in marked}
    is_xas = {name: definition.startswith("NXxas") for name, definition in definitions.items()}
    chosen, owners = [], set()
    for entry in marked:
        above = [name for name in _paths_above(entry.name) if name in is_xas]
        if choice.energy is None:
            is_own = is_xas[entry.name]
            may_be = not definitions[entry.name] and not any(is_xas[name] for name in above)
        else:
            is_own, may_be = has_dataset(entry.group, choice.energy), False
        if not above or is_own or (may_be and _has_energies(entry)):
            chosen.append(entry)
        if is_own:
            owners.add(entry.name)
    holders = {name for entry in chosen for name in _paths_above(entry.name)}
    return [entry for entry in chosen if entry.name in owners or entry.name not in holders]


def _has_energies(entry: Entry) -> bool:
    if not entry.name:  # the file itself, whose groups may be scans of their own
        return isinstance(entry.group.get("energy"), h5py.Dataset)
    places = (dataset_of(entry.group, "monochromator/energy"), dataset_of(entry.group, "energy"))
    return any(energy is not None and energy.ndim > 0 for energy in places)


def _groups_of(file: h5py.File) -> Iterator[Entry]:
    """Yield the file and the groups that may hold entries, each once, by its own path rather than by a link."""
    seen: set[tuple[int, int]] = set()
    waiting, links = [Entry("", file["/"], ())], deque[Entry]()
    while waiting or links:
        if not waiting:
            waiting = _linked(links.popleft())[::-1]
            continue
        entry = waiting.pop()
        if identity(entry.group) in seen:
            continue
        seen.add(identity(entry.group))
        if len(seen) > _MOST_GROUPS:
            raise SpectrumError(f"HDF5 of more than {_MOST_GROUPS} groups: no file of spectra")
        yield entry
        kind = _kind(entry.group)
        if not entry.name or kind in _ABOVE_ENTRIES:
            waiting += [_below(entry, key, group) for key, group in subgroups(entry.group)][::-1]
            if kind != "NXcollection":  # whose many links are to arrays
                links.append(entry)


def _linked(entry: Entry) -> list[Entry]:
    """Return the groups that links in a group lead to."""
    keys = [
        k for k in names_in(entry.group) if not isinstance(entry.group.get(k, getlink=True), h5py.HardLink)
    ]
    return [_below(entry, k, item) for k, item in items_of(entry.group, keys) if isinstance(item, h5py.Group)]


def _below(entry: Entry, key: str, group: h5py.Group) -> Entry:
    if not entry.name:
        return Entry(key, group, ())
    return Entry(f"{entry.name}/{key}", group, (entry.group, *entry.above))


def _kind(group: h5py.Group) -> str:
    return text_of(group.attrs.get("NX_class"))


def _paths_above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _leaf(name: str) -> str:
    return name.rpartition("/")[2]
