"""What is on two sides of a run's split under two names: nearly the same spectra, the same structures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.comparison.copies import moved_duplicates, near_duplicates
from rankaae_cli.analysis.comparison.moved_copies import NEARLY_THE_SAME as MOVED_NEARLY_THE_SAME
from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.core.statistics.near_duplicates import NEARLY_THE_SAME
from rankaae_cli.core.structure.same_structures import THE_SAME, same_structures, surroundings
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.models.base import Trained

AUDIT_JSON, SPECTRA_CSV, STRUCTURES_CSV = "leakage_audit.json", "copied_spectra.csv", "copied_structures.csv"
_MOST_NAMED = 20  # pairs of materials


@dataclass(frozen=True)
class LeakageAudit:
    """What an audit found.

    Attributes
    ----------
    about
        Contents of leakage_audit.json: how many ``spectra``, ``moved`` spectra and ``structures`` (pairs) are on
        two sides, ``structures`` None where there are none to compare; ``materials``, pairs of their names.
    tables
        By file name: a row a pair, the nearest first; ``distance`` of spectra is a share of their deviation from
        their mean, of structures in angstrom.
    """

    about: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def lines(self) -> list[str]:
        """Return the finding in sentences, and the materials."""
        number, moved, structures = (self.about[key] for key in ("spectra", "moved", "structures"))
        compared = (
            "structures are not known" if structures is None else f"{structures} pairs of the same structures"
        )
        found = (
            f"across the split, of different materials: {number} pairs of nearly the same spectra, "
            f"{moved} more once moved and scaled; {compared}"
        )
        if not self.about["materials"]:
            return [f"{found}\nno leak was found"]
        named = [
            f"  {one['material']} ({one['split']}) and {one['other_material']} ({one['other_split']}): {one['as']}"
            for one in self.about["materials"][:_MOST_NAMED]
        ]
        left = len(self.about["materials"]) - _MOST_NAMED
        return [found, *named, *([f"  and {left} more"] if left > 0 else [])]


def audit_leakage(
    run_directory: Path,
    model: Trained,
    family: Family,
    unlabelled: Family | None,
    structures: Mapping[str, Structure],
) -> LeakageAudit:
    """Seek copies across the split.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    unlabelled
        Rows of a second file that the run was trained on too.
    structures
        Of the family's materials, as far as they are known.
    """
    parts = [_copies(one, name) for name, one in _edges(family)]
    if unlabelled is not None:
        parts += [_copies(_with(family, unlabelled), "")]
    table = pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
    of_structures = _structures(family, structures)
    is_moved = table["shift_eV"].notna()
    about = {
        **origin_of(run_directory, model),
        "thresholds": {
            "spectra": NEARLY_THE_SAME,
            "moved": MOVED_NEARLY_THE_SAME,
            "structures_angstrom": THE_SAME,
        },
        "spectra": int((~is_moved).sum()),
        "moved": int(is_moved.sum()),
        "structures": len(of_structures) if structures else None,
        "materials": _materials(table, of_structures),
    }
    return LeakageAudit(about, {SPECTRA_CSV: table, STRUCTURES_CSV: of_structures})


def _edges(family: Family) -> list[tuple[str, Family]]:
    """Return the family, or of a joint axis each of its edges by itself, since a row may lack one."""
    names = [segment.name for segment in family.segments]
    return [(name, family.with_edges([name])) for name in names] or [("", family)]


def _with(family: Family, unlabelled: Family) -> Family:
    """Return the spectra of the family's held-out rows and of a file without labels, which is on the train side."""
    held = family.with_rows(family.split_N != SPLITS.index("train"))
    spectra_NE = np.concatenate([held.spectra_NE[:], unlabelled.spectra_NE[:]])
    names = [
        np.concatenate([getattr(f, key) for f in (held, unlabelled)]) for key in ("material_N", "site_N")
    ]
    split_N = np.concatenate([held.split_N, np.zeros(len(unlabelled), dtype=held.split_N.dtype)])
    return Family(
        name=family.name,
        element=family.element,
        edge=family.edge,
        energy_E=family.energy_E,
        energy_unit=family.energy_unit,
        spectra_NE=spectra_NE,
        descriptors_NK=np.empty((len(split_N), 0)),
        descriptor_names=(),
        descriptor_units=(),
        material_N=names[0],
        site_N=names[1],
        split_N=split_N,
    )


def _copies(family: Family, edge: str) -> pd.DataFrame:
    """Return pairs of spectra of different materials on two sides of the split."""
    spectra_NE = np.asarray(family.spectra_NE[:], dtype=np.float64)
    near = near_duplicates(family, spectra_NE)
    moved = moved_duplicates(family, spectra_NE, near).rename(columns={"shift": "shift_eV"})
    both = pd.concat([near.assign(shift_eV=np.nan, scale=np.nan)[moved.columns], moved], ignore_index=True)
    across = both[both["split"] != both["other_split"]].drop(columns=["across_split"])
    return across.assign(edge=edge or family.edge)


def _structures(family: Family, structures: Mapping[str, Structure]) -> pd.DataFrame:
    sides = dict(zip(family.material_N, np.array(SPLITS)[family.split_N], strict=True))
    described = {
        name: surroundings(one.lattice, one.positions, one.species)
        for name, one in structures.items()
        if name in sides
    }
    pairs = [
        (one, sides[one], other, sides[other], distance)
        for one, other, distance in same_structures(described)
        if sides[one] != sides[other]
    ]
    columns = ["material", "split", "other_material", "other_split", "distance_angstrom"]
    table = pd.DataFrame(pairs, columns=columns)
    return table.sort_values(columns[-1], kind="stable", ignore_index=True)


def _materials(spectra: pd.DataFrame, structures: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the pairs of materials, those that share most first, and what they share."""
    shared: dict[tuple[str, str, str, str], list[int]] = {}
    for k, table in enumerate((structures, spectra)):
        for row in table.itertuples(index=False):
            names = (str(row.material), str(row.split), str(row.other_material), str(row.other_split))
            swapped = (*names[2:], *names[:2])
            key = swapped if swapped in shared else names
            shared.setdefault(key, [0, 0])[k] += 1
    keys = ("material", "split", "other_material", "other_split")
    ordered = sorted(shared.items(), key=lambda item: (-item[1][0], -item[1][1]))
    return [{**dict(zip(keys, names, strict=True)), "as": _said(*number)} for names, number in ordered]


def _said(structures: int, spectra: int) -> str:
    of_spectra = f"{spectra} pair{'s' * (spectra != 1)} of spectra"
    if not structures:
        return of_spectra
    return f"the same structure, {of_spectra}" if spectra else "the same structure"
