"""Tables of spectra in RankAAE's public format: one row a site, AUX_ and ENE_ columns."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.spectra import SpectrumError, regrid
from rankaae_cli.data.sites import FamilySpec, Rejection, Sites, gather, require_overlap

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = "expected two index columns (material, site), then AUX_<descriptor> and ENE_<eV> columns"
# Sites are written as 3, 003, 003_Cu, or 3.0 where pandas took the column for floats.
_SITE = re.compile(r"\s*(\d+)(?:\.0)?(?:_.*)?\s*")


@dataclass(frozen=True)
class _Columns:
    """Where in the rows what is."""

    count: int
    index: tuple[int, int]
    descriptors: dict[str, int]
    energies: list[int]
    energy_E: np.ndarray


def read_csv(path: str | Path, spec: FamilySpec, *, to_grid: bool, max_tail: float) -> Sites:
    """Read a table of spectra with descriptors.

    Descriptors are those of the table, whatever the family's are, and no row is left out for its
    coordination: what to keep was decided by whoever made the table.

    Parameters
    ----------
    path
        A CSV file with two index columns (material, site; of any name or none), ``AUX_<descriptor>`` and
        ``ENE_<eV>`` columns.
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
        If the file is not such a table, holds a site twice, or is of energies far from the family's.
    """
    path = Path(path)
    columns = _header(path)
    require_overlap(columns.energy_E, spec, str(path))
    table = _table(path, columns)
    _require_unique(table, columns, path)
    grid_E = spec.energy_E if to_grid else columns.energy_E
    values_NK, spectra_NE, text_faults = _numbers(table, columns)
    rows, rejected = [], []
    for n, (material, site) in enumerate(_index(table, columns)):
        try:
            match = _SITE.fullmatch(site)
            if not material or not match:
                raise SpectrumError(
                    f"row {n + 2}: material {material!r}, site {site!r}: no name or no site index"
                )
            if n in text_faults:
                raise SpectrumError(text_faults[n])
            _require_finite(values_NK[n], spectra_NE[n], columns)
            spectrum_E = spectra_NE[n]
            if to_grid:
                spectrum_E = regrid(columns.energy_E, spectrum_E, grid_E, max_tail)
            rows.append((material, int(match.group(1)), spectrum_E, values_NK[n]))
        except SpectrumError as error:
            rejected.append(Rejection(material, site, str(error)))
    return gather(
        rows,
        rejected,
        energy_E=grid_E,
        descriptor_names=tuple(columns.descriptors),
        energy_unit=spec.energy_unit,
        normalisation=_normalisation([row[2] for row in rows]),
    )


def _header(path: Path) -> _Columns:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV file ({error})\n{_FORMAT}") from error
    energies = [i for i, name in enumerate(names) if name.startswith("ENE_")]
    descriptors = {name.removeprefix("AUX_"): i for i, name in enumerate(names) if name.startswith("AUX_")}
    index = [i for i, name in enumerate(names) if not name.startswith(("AUX_", "ENE_"))]
    if len(energies) < 2:
        raise UserError(f"{path} has {len(energies)} ENE_ columns (it has {_shown(names)})\n{_FORMAT}")
    if len(index) != 2:
        found = _shown([names[i] for i in index])
        raise UserError(f"{path} has {len(index)} index columns ({found})\n{_FORMAT}")
    return _Columns(len(names), (index[0], index[1]), descriptors, energies, _energies(path, names, energies))


def _energies(path: Path, names: list[str], energies: list[int]) -> np.ndarray:
    """Return the energies in the names of the ENE_ columns, shape (E,)."""
    values = []
    for i in energies:
        try:
            values.append(float(names[i].removeprefix("ENE_")))
        except ValueError:
            raise UserError(
                f"{path}: no energy can be read from column {names[i]}\nexpected ENE_<eV>"
            ) from None
    energy_E = np.array(values)
    falls = np.flatnonzero(~(np.diff(energy_E) > 0))
    if falls.size or not np.isfinite(energy_E).all():
        i = int(falls[0]) if falls.size else 0
        raise UserError(
            f"{path}: the ENE_ columns do not ascend: {names[energies[i + 1]]} follows {names[energies[i]]}\n"
            "sort the columns by energy, each once"
        )
    return energy_E


def _table(path: Path, columns: _Columns) -> "pd.DataFrame":
    import pandas as pd

    try:
        table = pd.read_csv(
            path,
            header=None,
            skiprows=1,
            names=list(range(columns.count)),
            index_col=False,
            converters=dict.fromkeys(columns.index, str.strip),
            encoding="utf-8-sig",
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    except (pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path} cannot be read as a CSV file ({str(error).strip()})\n{_FORMAT}") from error
    if not len(table):
        raise UserError(f"{path} has a header but no rows\n{_FORMAT}")
    return table


def _index(table: "pd.DataFrame", columns: _Columns) -> Iterator[tuple[str, str]]:
    material, site = columns.index
    return zip(table[material].astype(str), table[site].astype(str), strict=True)


def _require_unique(table: "pd.DataFrame", columns: _Columns, path: Path) -> None:
    seen: dict[tuple[str, str], int] = {}
    again = []
    for n, (material, site) in enumerate(_index(table, columns)):
        match = _SITE.fullmatch(site)
        key = (material, str(int(match.group(1))) if match else site)
        if key in seen:
            again.append((key, n, seen[key]))
        seen.setdefault(key, n)
    if again:
        (material, site), second, first = again[0]
        raise UserError(
            f"{path} has {len(again)} duplicate rows, the first of material {material}, site {site} "
            f"(lines {first + 2} and {second + 2})\nleave one row for each material and site"
        )


def _numbers(table: "pd.DataFrame", columns: _Columns) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Return descriptors (N, K) and spectra (N, E), NaN where no number is, and the rows that hold text."""
    import pandas as pd

    faults: dict[int, str] = {}

    def column(i: int, name: str) -> np.ndarray:
        if pd.api.types.is_numeric_dtype(table[i]):
            return table[i].to_numpy(np.float64)
        numbers = pd.to_numeric(table[i], errors="coerce").to_numpy(np.float64)
        for n in np.flatnonzero(np.isnan(numbers) & table[i].notna().to_numpy()):
            faults.setdefault(
                int(n), f"{name} holds {str(table[i].iloc[n])[:20]!r} where a number is expected"
            )
        return numbers

    values = [column(i, f"AUX_{name}") for name, i in columns.descriptors.items()]
    spectra = [column(i, f"ENE_{e:g}") for i, e in zip(columns.energies, columns.energy_E, strict=True)]
    values_NK = np.stack(values, axis=1) if values else np.empty((len(table), 0))
    return values_NK, np.stack(spectra, axis=1), faults


def _require_finite(values_K: np.ndarray, spectrum_E: np.ndarray, columns: _Columns) -> None:
    bad = np.flatnonzero(~np.isfinite(spectrum_E))
    if bad.size:
        raise SpectrumError(f"NaN or infinite values: ENE_{columns.energy_E[bad[0]]:g} ({bad.size} in all)")
    if np.isinf(values_K).any():
        raise SpectrumError("infinite values: a descriptor")


def _normalisation(spectra: list[np.ndarray]) -> str:
    """Tell whether the spectra end near 1, as those do that are normalised to the edge step."""
    if not spectra:
        return "unknown"
    tail = max(1, len(spectra[0]) // 10)
    end = float(np.median([s[-tail:].mean() for s in spectra]))
    return "edge_step" if 0.8 < end < 1.25 else "unknown"


def _shown(names: list[str]) -> str:
    some = ", ".join(name or "unnamed" for name in names[:6])
    return (some + (", ..." if len(names) > 6 else "")) or "no columns"
