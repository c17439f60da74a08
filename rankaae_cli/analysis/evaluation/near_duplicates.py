"""What a held-out split shares with what was trained on: nearly the same spectra, the same formulas."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import EncodedRun
from rankaae_cli.core.statistics.near_duplicates import NEARLY_THE_SAME, nearest_others
from rankaae_cli.data.family.splits import FORMULA


def find_near_duplicates(run: EncodedRun) -> tuple[dict[str, Any], pd.DataFrame]:
    """Compare the rows of a split with those of the training side, or of validation where training is evaluated.

    Returns
    -------
    dict
        ``near_duplicates`` of metrics.json: ``of``, the side compared with; ``threshold``, the relative distance
        (see `core.statistics.near_duplicates.nearest_others`) below which spectra count as nearly the same;
        ``spectra`` of the split that have such a one; ``materials`` of the split with a formula of the other
        side, None where formulas are not known.
    pandas.DataFrame
        A row for each spectrum of either kind: the nearest spectrum of the other side, its ``distance``, whether it
        is ``nearly_the_same``; ``formula``, and how many materials of the other side have it (``same_formula``).
    """
    split = run.split
    other = run.validation if split.split == "train" else run.training
    nearest_N, distance_N = nearest_others(split.spectra_NE, other.spectra_NE)
    near_N = distance_N < NEARLY_THE_SAME
    formula_N, shared_N = _formulas(run, other.rows)
    table = pd.DataFrame(
        {
            "material": split.material_N,
            "site": split.site_N,
            f"{other.split}_material": other.material_N[nearest_N],
            f"{other.split}_site": other.site_N[nearest_N],
            "distance": distance_N,
            "nearly_the_same": near_N,
            "formula": formula_N,
            "same_formula": shared_N,
        }
    )
    known = (formula_N != "").any()
    about = {
        "of": other.split,
        "threshold": NEARLY_THE_SAME,
        "spectra": int(near_N.sum()),
        "materials": len(set(split.material_N[shared_N > 0])) if known else None,
    }
    return about, table[near_N | (shared_N > 0)].sort_values("distance", kind="stable")


def _formulas(run: EncodedRun, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the formula of each row of the split, empty where not known, and how many other materials have it."""
    family, rows = run.family, run.split.rows
    formula_N = family.groups.get(FORMULA, np.full(len(family), "", dtype=object))
    of_others = dict(zip(family.material_N[others], formula_N[others], strict=True))
    materials = Counter(formula for formula in of_others.values() if formula)
    return formula_N[rows], np.array([materials[formula] for formula in formula_N[rows]], dtype=np.int64)
