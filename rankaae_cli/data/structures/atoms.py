"""Structure files beside tables with one row of spectrum values an atom."""

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import LARGEST, SpectrumError
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import (
    FamilySpec,
    Gauge,
    Sites,
    described,
    gather,
    material_names,
    require_known_descriptors,
    silent,
)
from rankaae_cli.data.features.featurisers import empty_features
from rankaae_cli.data.readers.computed.archive import Member, members
from rankaae_cli.data.structures.poscar import structure_groups
from rankaae_cli.data.structures.shell_task import MaterialShells, ShellTask
from rankaae_cli.data.structures.shells import ShellOptions, first_shells
from rankaae_cli.data.structures.structure_set import structures_of

_LAYOUT = "poscar/<name>.vasp with xanes/<name>.txt or xanes/<name>.csv, one row of values an atom"
_STRUCTURES, _TABLES = (".vasp", ".poscar"), (".txt", ".csv")
_Key = tuple[str, ...]
_Row = tuple[str, int, np.ndarray, list[float]]


@dataclass
class _Pair:
    """A structure and its table; None or a fault where there is none."""

    structure: bytes | str | None = None
    rows: list[np.ndarray] | str | None = None
    faults: dict[int, str] = field(default_factory=dict)

    def take_structure(self, member: Member) -> None:
        """Put in what a structure file holds."""
        if self.structure is not None:
            self.structure = "there are two structure files of this name"
        else:
            self.structure = f"the structure file {member.fault}" if member.fault else member.data

    def take_table(self, member: Member, points: int) -> None:
        """Put in what a table of spectra holds, of `points` values a row."""
        if self.rows is not None:
            self.rows = "there are two tables of spectra of this name"
        elif member.fault:
            self.rows = f"the table {member.fault}"
        else:
            try:
                self.rows = table_rows(member.data or b"", points, self.faults)
            except SpectrumError as error:
                self.rows = str(error)


def read_atoms(
    path: str | Path,
    spec: FamilySpec,
    *,
    keep_all: bool,
    options: ShellOptions,
    progress: Gauge = silent,
) -> Sites:
    """Read structures and, for each, a table with one row of values an atom, in the structure's order.

    A structure and its table have the same name, and are in the same folder or in folders of the same name
    below ``poscar`` and ``xanes``. The material is called by that name; where it occurs in several folders,
    see `rankaae_cli.data.family.sites.material_names`. The values are taken to be at the points of the family's
    grid.

    Parameters
    ----------
    path
        A folder, or an archive of one.
    spec
        The family.
    keep_all
        Whether to keep sites whose first shell is not one the family keeps.
    options
        How first shells are computed.
    progress
        Called with (structures done, structures in all).

    Returns
    -------
    Sites
        With the family's energy unit, and normalisation ``unknown``.

    Raises
    ------
    UserError
        If the path cannot be read or holds no such pair.
    """
    require_known_descriptors(spec.descriptor_names, spec.name)
    path = Path(path)
    pairs, rejected = _pairs(path, len(spec.energy_E))
    shells = _shells(_tasks(pairs, spec), options, progress)
    names = material_names(pairs, path)
    rows: list[_Row] = []
    for key, pair in pairs.items():
        shells_of_it = shells.get("/".join(key))
        reason = _fault_of(pair, shells_of_it)
        if reason or shells_of_it is None:
            rejected.extend(Rejection(names[key], site, reason) for site in _all_sites(pair, shells_of_it))
        else:
            _sort_out(names[key], pair, shells_of_it, spec, keep_all, rows, rejected)
    return gather(
        rows,
        rejected,
        energy_E=spec.energy_E,
        descriptor_names=spec.descriptor_names,
        quantity_names=spec.quantity_names,
        energy_unit=spec.energy_unit,
        normalisation="unknown",
        features=empty_features(options.featurisers),
        groups={
            names[key]: structure_groups(pair.structure)
            for key, pair in pairs.items()
            if isinstance(pair.structure, bytes)
        },
        structures=structures_of(
            (names[key], pair.structure) for key, pair in pairs.items() if isinstance(pair.structure, bytes)
        ),
    )


def _shells(tasks: dict[str, ShellTask], options: ShellOptions, progress: Gauge) -> dict[str, MaterialShells]:
    shells = {}
    # Closed at once when something is raised here, so that what is computed gets into the cache.
    with closing(first_shells(tasks, options)) as results:
        for name, shells_of_it in results:
            shells[name] = shells_of_it
            progress(len(shells), len(tasks), f"{len(shells)} of {len(tasks)} structures")
    return shells


def _tasks(pairs: dict[_Key, _Pair], spec: FamilySpec) -> dict[str, ShellTask]:
    tasks = {
        "/".join(key): ShellTask(
            pair.structure, tuple(range(len(pair.rows))), spec.neighbours, spec.needs_oxidation_states
        )
        for key, pair in pairs.items()
        if isinstance(pair.structure, bytes) and isinstance(pair.rows, list)
    }
    return dict(sorted(tasks.items(), key=lambda item: -len(item[1].poscar)))  # the largest takes longest


def _sort_out(
    material: str,
    pair: _Pair,
    shells: MaterialShells,
    spec: FamilySpec,
    keep_all: bool,
    rows: list[_Row],
    rejected: list[Rejection],
) -> None:
    """Put each atom of a pair without fault into `rows`, or into `rejected` with its reason."""
    assert isinstance(pair.rows, list)
    for i, spectrum_E in enumerate(pair.rows):
        try:
            if i in pair.faults:
                raise SpectrumError(pair.faults[i])
            values = described(shells.of_site(i, spec.element), spec, keep_all)
            values += shells.features_of(i)
            rows.append((material, i, spectrum_E, values))
        except SpectrumError as error:
            rejected.append(Rejection(material, str(i), str(error)))


def _pairs(path: Path, points: int) -> tuple[dict[_Key, _Pair], list[Rejection]]:
    """Return structures with their tables, sorted by name, and the folders that cannot be read."""
    pairs: dict[_Key, _Pair] = {}
    rejected = []
    for member in members(path, lambda name: name.endswith(_STRUCTURES + _TABLES)):
        if member.is_folder:
            if member.fault:
                rejected.append(Rejection("/".join(member.parts), "", f"the folder {member.fault}"))
            continue
        stem, _, suffix = member.parts[-1].rpartition(".")
        if f".{suffix}" not in _STRUCTURES + _TABLES:
            continue
        folders = tuple(part for part in member.parts[:-1] if part not in ("poscar", "xanes"))
        pair = pairs.setdefault((*folders, stem), _Pair())
        if f".{suffix}" in _STRUCTURES:
            pair.take_structure(member)
        else:
            pair.take_table(member, points)
    if not rejected and not any(pair.structure and pair.rows for pair in pairs.values()):
        raise UserError(
            f"{path} holds no structure with a table of spectra of the same name\nexpected {_LAYOUT}"
        )
    return dict(sorted(pairs.items())), rejected


def table_rows(data: bytes, points: int, faults: dict[int, str]) -> list[np.ndarray]:
    """Return the rows of a table, each of shape (E,); put what is wrong with single ones into `faults`."""
    lines = [line.replace(",", " ").split() for line in data.decode("utf-8", errors="replace").splitlines()]
    lines = [line for line in lines if line and not line[0].startswith("#")]
    if lines and lines[0] == [str(i) for i in range(len(lines[0]))]:
        del lines[0]  # a header of column indices
    if not lines:
        raise SpectrumError("the table is empty")
    rows = []
    for i, line in enumerate(lines):
        row = np.zeros(points)
        try:
            values = np.array(line, dtype=np.float64)
            if len(values) != points:
                faults[i] = f"the row has {len(values)} values, the family's grid {points}"
            elif bad := np.count_nonzero(~(np.abs(values) < LARGEST)):
                faults[i] = f"NaN or infinite values ({bad} of {points})"
            else:
                row = values
        except ValueError:
            faults[i] = "the row holds text where numbers are expected"
        rows.append(row)
    return rows


def _fault_of(pair: _Pair, shells: MaterialShells | None) -> str:
    """Return why none of a pair's sites can be used, or nothing."""
    if pair.structure is None or pair.rows is None:
        return (
            "no structure of the same name"
            if pair.structure is None
            else "no table of spectra of the same name"
        )
    if isinstance(pair.structure, str) or isinstance(pair.rows, str):
        return pair.structure if isinstance(pair.structure, str) else str(pair.rows)
    if shells is None or shells.fault:
        return shells.fault if shells else "no first shells"
    if shells.atoms != len(pair.rows):
        return f"the table has {len(pair.rows)} rows, the structure {shells.atoms} atoms"
    return ""


def _all_sites(pair: _Pair, shells: MaterialShells | None) -> list[str]:
    """Return a name for each site there is or could be; one without a name where their number is unknown."""
    rows = len(pair.rows) if isinstance(pair.rows, list) else 0
    count = max(rows, shells.atoms if shells else 0)
    return [str(i) for i in range(count)] or [""]
