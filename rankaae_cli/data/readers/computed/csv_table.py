"""Tables of spectra in RankAAE's public format: one row a site, AUX_ and ENE_ columns."""

import csv
import io
import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.descriptors import require_usable_names
from rankaae_cli.core.xas.spectra import LARGEST, SpectrumError, regrid
from rankaae_cli.data.compression import opened
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Sites, gather, require_overlap, site_index
from rankaae_cli.data.files import require_file
from rankaae_cli.data.spectra_rows import Spectra, blocks_of

_FORMAT = "expected two index columns (material, site), then AUX_<descriptor> and ENE_<eV> columns"
# Sites are written as 3, 003, 003_Cu, or 3.0 where pandas took the column for floats.
_SITE = re.compile(r"(\d+)(?:\.0)?(?:_.*)?")
_LONGEST_LINE = 2**24  # letters; a row of 4096 values has a thousandth of them
# Letters of a row: material, site and two values with what separates them. Files of many shorter lines are none.
_SHORTEST_ROW, _MOST_SHORT = 7, 100_000
_SHOWN = 30  # letters of a column's name
# How programs write that a number is not known.
_UNKNOWN = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none"})


@dataclass(frozen=True)
class _Columns:
    """Where in the rows what is."""

    names: list[str]
    index: tuple[int, int]
    descriptors: list[int]
    energies: list[int]
    energy_E: np.ndarray

    @property
    def descriptor_names(self) -> tuple[str, ...]:
        return tuple(self.names[i].removeprefix("AUX_") for i in self.descriptors)


def read_csv(path: str | Path, spec: FamilySpec, *, to_grid: bool, max_tail: float) -> Sites:
    """Read a table of spectra with descriptors.

    Descriptors are those of the table, whatever the family's are, and no row is left out for its
    coordination: what to keep was decided by whoever made the table.

    Parameters
    ----------
    path
        A CSV file, plain or compressed, with two index columns (material, site; of any name or none),
        ``AUX_<descriptor>`` and ``ENE_<eV>`` columns.
    spec
        The family.
    to_grid
        Whether to bring the spectra to the family's grid; otherwise the table's own is kept.
    max_tail
        eV that a spectrum may begin after the family's grid.

    Returns
    -------
    Sites
        Normalisation ``edge_step`` where the ends of the spectra are near 1, ``unknown`` otherwise.

    Raises
    ------
    UserError
        If the file is not such a table, names a descriptor twice or so that no file can have the name, holds
        a site twice, or is of energies far from the family's.
    """
    path = require_file(path)
    rejected: list[Rejection] = []
    lines = _Lines()
    with _opened(path) as table:
        columns = _columns(path, next(table, []))
        require_overlap(columns.energy_E, spec, str(path), to_grid)
        sites = gather(
            _rows(table, columns, lines, rejected, spec.energy_E if to_grid else None, max_tail),
            rejected,
            energy_E=spec.energy_E if to_grid else columns.energy_E,
            descriptor_names=columns.descriptor_names,
            energy_unit=spec.energy_unit,
        )
    if not len(sites) and not sites.rejected:
        raise UserError(f"{path} has a header but no rows\n{_FORMAT}")
    lines.require_unique(path)
    return replace(sites, normalisation=_normalisation(sites.spectra_NE))


def _rows(
    table: Any,
    columns: _Columns,
    lines: "_Lines",
    rejected: list[Rejection],
    grid_E: np.ndarray | None,
    max_tail: float,
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Yield what `gather` takes of each row that can be used; put the others into `rejected`."""
    for cells in table:
        if not "".join(cells).strip() and len(cells) < 2:
            continue  # an empty line
        material, site = _index(cells, columns)
        try:
            index = _site(cells, columns, table.line_num)
            lines.note(material, index, table.line_num)
            values_K, spectrum_E = _values(cells, columns)
            if grid_E is not None:
                spectrum_E = regrid(columns.energy_E, spectrum_E, grid_E, max_tail)
            yield material, index, spectrum_E, values_K
        except SpectrumError as error:
            rejected.append(Rejection(material, site, str(error)))


class _Lines:
    """On which lines of a table which sites are."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.number_N, self.site_N, self.line_N = array("q"), array("q"), array("q")

    def note(self, material: str, site: int, line: int) -> None:
        """Take a line."""
        self.number_N.append(self.names.setdefault(material, len(self.names)))
        self.site_N.append(site)
        self.line_N.append(line)

    def require_unique(self, path: Path) -> None:
        """Raise UserError if a site is on two lines."""
        number_N, site_N, line_N = (np.array(a) for a in (self.number_N, self.site_N, self.line_N))
        order = np.lexsort((line_N, site_N, number_N))
        again = np.flatnonzero((np.diff(number_N[order]) == 0) & (np.diff(site_N[order]) == 0))
        if len(again):
            first = again[line_N[order[again + 1]].argmin()]
            row = order[first + 1]
            raise UserError(
                f"{path} has {len(again)} duplicate rows, the first of material {list(self.names)[number_N[row]]}, "
                f"site {site_N[row]} (lines {line_N[order[first]]} and {line_N[row]})\n"
                "leave one row for each material and site"
            )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a table, whatever its line ends and compression, and give a `csv.reader` of it."""
    try:
        with opened(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            yield csv.reader(_whole_lines(text), strict=True)
        return
    except UnicodeDecodeError:
        why = "it is not text in UTF-8"
    except SpectrumError as error:
        why = str(error)
    except csv.Error:
        why = "its cells cannot be told apart: is a quote left open?"
    except OSError as error:
        why = error.strerror or "the drive gives no reason"
    raise UserError(f"{path} cannot be read as a CSV file: {why}\n{_FORMAT}")


def _whole_lines(text: io.TextIOWrapper) -> Iterator[str]:
    short = 0
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise SpectrumError(f"a line in it has more than {_LONGEST_LINE} letters")
        short += len(line) < _SHORTEST_ROW
        if short > _MOST_SHORT:
            raise SpectrumError(f"more than {_MOST_SHORT} of its lines are too short for a spectrum")
        yield line


def _columns(path: Path, names: list[str]) -> _Columns:
    energies = [i for i, name in enumerate(names) if name.startswith("ENE_")]
    descriptors = [i for i, name in enumerate(names) if name.startswith("AUX_")]
    index = [i for i, name in enumerate(names) if not name.startswith(("AUX_", "ENE_"))]
    if len(energies) < 2:
        raise UserError(f"{path} has {len(energies)} ENE_ columns (it has {_shown(names)})\n{_FORMAT}")
    if len(index) != 2:
        shown = _shown([names[i] for i in index])
        raise UserError(f"{path} has {len(index)} index columns ({shown})\n{_FORMAT}")
    columns = _Columns(names, (index[0], index[1]), descriptors, energies, _energies(path, names, energies))
    require_usable_names(columns.descriptor_names, str(path))
    return columns


def _energies(path: Path, names: list[str], energies: list[int]) -> np.ndarray:
    """Return the energies in the names of the ENE_ columns, shape (E,)."""
    values = []
    for i in energies:
        try:
            values.append(float(names[i].removeprefix("ENE_")))
        except ValueError:
            raise UserError(
                f"{path}: no energy can be read from column {names[i][:_SHOWN]}\nexpected ENE_<eV>"
            ) from None
    energy_E = np.array(values)
    falls = np.flatnonzero(~(np.diff(energy_E) > 0))
    if falls.size or not np.isfinite(energy_E).all():
        i = int(falls[0]) if falls.size else 0
        raise UserError(
            f"{path}: the ENE_ columns do not ascend: {names[energies[i + 1]][:_SHOWN]} follows "
            f"{names[energies[i]][:_SHOWN]}\n"
            "sort the columns by energy, each once"
        )
    return energy_E


def _index(cells: list[str], columns: _Columns) -> tuple[str, str]:
    """Return the material and the site of a row as they are written, empty where they are missing."""
    material, site = ((cells[i].strip() if i < len(cells) else "") for i in columns.index)
    return material, site


def _site(cells: list[str], columns: _Columns, line: int) -> int:
    """Return the index of a row's site; raise SpectrumError if the row is not whole or not named."""
    if len(cells) != len(columns.names):
        raise SpectrumError(f"row {line} has {len(cells)} columns, expected {len(columns.names)}")
    material, site = _index(cells, columns)
    match = _SITE.fullmatch(site)
    if not material or not match:
        raise SpectrumError(f"row {line}: material {material!r}, site {site!r}: no name or no site index")
    return site_index(match.group(1))


def _values(cells: list[str], columns: _Columns) -> tuple[np.ndarray, np.ndarray]:
    """Return the descriptors (K,), NaN where not known, and the spectrum (E,) of a row."""
    values_K = _numbers(cells, columns.descriptors, columns.names)
    spectrum_E = _numbers(cells, columns.energies, columns.names)
    bad = np.flatnonzero(~(np.abs(spectrum_E) < LARGEST))
    if bad.size:
        raise SpectrumError(f"NaN or infinite values: ENE_{columns.energy_E[bad[0]]:g} ({bad.size} in all)")
    if np.isinf(values_K).any():
        raise SpectrumError("infinite values: a descriptor")
    return values_K, spectrum_E


def _numbers(cells: list[str], wanted: list[int], names: list[str]) -> np.ndarray:
    try:
        return np.array([float(cells[i]) for i in wanted], dtype=np.float64)
    except ValueError:
        return np.array([_number(cells[i], names[i]) for i in wanted], dtype=np.float64)


def _number(cell: str, name: str) -> float:
    if cell.strip().lower() in _UNKNOWN:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise SpectrumError(f"{name} holds {cell[:20]!r} where a number is expected") from None


def _normalisation(spectra_NE: Spectra) -> str:
    """Tell whether the spectra end near 1, as those do that are normalised to the edge step."""
    if not len(spectra_NE):
        return "unknown"
    tail = max(1, spectra_NE.shape[1] // 10)
    ends = [block_NE[:, -tail:].mean(axis=1, dtype=np.float64) for block_NE in blocks_of(spectra_NE)]
    return "edge_step" if 0.8 < float(np.median(np.concatenate(ends))) < 1.25 else "unknown"


def _shown(names: list[str]) -> str:
    some = ", ".join(name[:_SHOWN] or "unnamed" for name in names[:6])
    return (some + (", ..." if len(names) > 6 else "")) or "no columns"
