"""Spectra of different materials of a family that are nearly the same, as they are or once moved and scaled."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from rankaae_cli.analysis.comparison.moved_copies import moved_copies
from rankaae_cli.core.statistics.near_duplicates import near_pairs
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import FORMULA, SPLITS

_FEWEST_POINTS = 20  # of a spectrum that can be moved
_SITES = ["material", "site", "other_material", "other_site"]


def near_duplicates(family: Family, spectra_NE: np.ndarray) -> pd.DataFrame:
    """Return the pairs of nearly the same spectra with their sides of the split, the nearest first."""
    pairs, distance = near_pairs(spectra_NE)
    first, second = pairs.T
    others = family.material_N[first] != family.material_N[second]
    return _pairs(family, first[others], second[others], {"distance": distance[others]})


def moved_duplicates(family: Family, spectra_NE: np.ndarray, copies: pd.DataFrame) -> pd.DataFrame:
    """Return further pairs, of sites that are not in a pair of `copies`, with shift (eV) and scale."""
    if spectra_NE.shape[1] < _FEWEST_POINTS or len(set(family.material_N)) < 2:
        empty = np.empty(0, dtype=np.int64)
        return _pairs(family, empty, empty, dict.fromkeys(("shift", "scale", "distance"), np.empty(0)))
    moved = moved_copies(family.energy_E, spectra_NE, family.material_N)
    values = {"shift": moved.shift_P, "scale": moved.scale_P, "distance": moved.distance_P}
    table = _pairs(family, moved.pairs_P2[:, 0], moved.pairs_P2[:, 1], values)
    known = set(copies[_SITES].itertuples(index=False, name=None))
    is_new_P = [row not in known for row in table[_SITES].itertuples(index=False, name=None)]
    return table[np.array(is_new_P, dtype=bool)].reset_index(drop=True)


def _pairs(
    family: Family, first: np.ndarray, second: np.ndarray, values: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Return a row for each pair of sites, the nearest first."""
    sides = np.array(SPLITS)[family.split_N]
    formula_N = family.groups.get(FORMULA)
    table = pd.DataFrame(
        {
            "material": family.material_N[first],
            "site": family.site_N[first],
            "split": sides[first],
            "other_material": family.material_N[second],
            "other_site": family.site_N[second],
            "other_split": sides[second],
            **values,
            "across_split": (sides[first] != sides[second])
            & ((sides[first] == SPLITS[0]) | (sides[second] == SPLITS[0])),
        }
    )
    if formula_N is not None:
        table["same_formula"] = (formula_N[first] == formula_N[second]) & (formula_N[first] != "")
    return table.sort_values("distance", kind="stable", ignore_index=True)
