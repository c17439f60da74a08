"""What is to be known of a family before anybody trains on it: copies, outliers, spectra and labels."""

from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.comparison.copies import moved_duplicates, near_duplicates
from rankaae_cli.analysis.comparison.moved_copies import NEARLY_THE_SAME as MOVED_NEARLY_THE_SAME
from rankaae_cli.core.statistics.near_duplicates import NEARLY_THE_SAME
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.soundness import sound_rows
from rankaae_cli.data.family.splits import SPLITS

NEAR_DUPLICATES, MOVED, OUTLIERS, UNSOUND, LABELS = (
    "near_duplicates.csv",
    "moved_duplicates.csv",
    "outliers.csv",
    "unsound.csv",
    "labels.csv",
)
_FAR = 4.0  # robust deviations of the logarithm of the distance to the fifth nearest spectrum
_NEIGHBOUR = 5
_NORMAL = 1.4826
_ROWS_AT_ONCE = 1024


def check_family(family: Family) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Check a family for what spoils a training or its evaluation.

    Returns
    -------
    dict
        Counts: ``spectra``, ``materials``, those of each side, ``near_duplicates`` (pairs of spectra),
        ``across`` (those with a side each, one of them training), ``moved`` and ``moved_across`` (further ones,
        once moved and scaled), ``outliers``, ``unsound``, ``doubtful``,
        ``without_labels`` (materials).
    dict of pandas.DataFrame
        By file name. `NEAR_DUPLICATES`: pairs of nearly the same spectra of different materials, with their sides.
        `MOVED`: further ones that are so once moved and scaled. `OUTLIERS`: spectra further from their fifth
        nearest than others are. `UNSOUND`: spectra that are none, or are doubted, and why. `LABELS`: how far each
        descriptor is known.
    """
    spectra_NE = np.asarray(family.spectra_NE[:], dtype=np.float64)
    copies = near_duplicates(family, spectra_NE)
    moved = moved_duplicates(family, spectra_NE, copies)
    outliers = _outliers(family, spectra_NE)
    _, rejected, doubts = sound_rows(family)
    unsound = pd.DataFrame(
        [
            *((one.material, one.site, "not sound", one.reason) for one in rejected),
            *((*name.rsplit(" ", 1), "doubt", doubt) for name, doubt in doubts),
        ],
        columns=["material", "site", "verdict", "reason"],
    )
    labels = _labels(family)
    known_N = np.isfinite(family.descriptors_NK).any(axis=1)
    materials = set(family.material_N)
    sides = {name: int((family.split_N == i).sum()) for i, name in enumerate(SPLITS)}
    about = {
        "family": family.name,
        "element": family.element,
        "edge": family.edge,
        "fidelity": family.fidelity,
        "normalisation": family.normalisation,
        "energies": [len(family.energy_E), float(family.energy_E[0]), float(family.energy_E[-1])],
        "energy_unit": family.energy_unit,
        "spectra": len(family),
        "materials": len(materials),
        "split": sides,
        "threshold": NEARLY_THE_SAME,
        "near_duplicates": len(copies),
        "across": int(copies["across_split"].sum()),
        "moved_threshold": MOVED_NEARLY_THE_SAME,
        "moved": len(moved),
        "moved_across": int(moved["across_split"].sum()),
        "outliers": len(outliers),
        "unsound": len(rejected),
        "doubtful": len(doubts),
        "without_labels": len(materials - set(family.material_N[known_N])),
    }
    return about, {
        NEAR_DUPLICATES: copies,
        MOVED: moved,
        OUTLIERS: outliers,
        UNSOUND: unsound,
        LABELS: labels,
    }


def _outliers(family: Family, spectra_NE: np.ndarray) -> pd.DataFrame:
    """Return the spectra whose fifth nearest is as far as that of hardly any other."""
    if len(spectra_NE) <= 2 * _NEIGHBOUR:
        return pd.DataFrame(columns=["material", "site", "distance", "deviations"])
    deviation_NE = spectra_NE - spectra_NE.mean(axis=0)
    scale = max(float((deviation_NE**2).mean()), 1e-300)
    square_N = (deviation_NE**2).mean(axis=1)
    distance_N = np.empty(len(spectra_NE))
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        block = slice(first, first + _ROWS_AT_ONCE)
        product_BN = deviation_NE[block] @ deviation_NE.T / spectra_NE.shape[1]
        square_BN = square_N[block, None] + square_N - 2 * product_BN
        # The nearest of all is the spectrum itself.
        distance_N[block] = np.sqrt(
            np.maximum(np.partition(square_BN, _NEIGHBOUR, axis=1)[:, _NEIGHBOUR], 0) / scale
        )
    logarithm_N = np.log(np.maximum(distance_N, 1e-6))
    centre = np.median(logarithm_N)
    spread = max(_NORMAL * float(np.median(np.abs(logarithm_N - centre))), 1e-6)
    deviations_N = (logarithm_N - centre) / spread
    far = np.flatnonzero(deviations_N > _FAR)
    table = pd.DataFrame(
        {
            "material": family.material_N[far],
            "site": family.site_N[far],
            "distance": distance_N[far],
            "deviations": deviations_N[far],
        }
    )
    return table.sort_values("deviations", ascending=False, kind="stable", ignore_index=True)


def _labels(family: Family) -> pd.DataFrame:
    rows, materials = [], set(family.material_N)
    for name, unit, values_N in zip(
        family.descriptor_names, family.descriptor_units, family.descriptors_NK.T, strict=True
    ):
        known = values_N[np.isfinite(values_N)]
        quantiles = np.quantile(known, [0, 0.05, 0.5, 0.95, 1]) if len(known) else np.full(5, np.nan)
        ends = dict(zip(("min", "low", "median", "high", "max"), quantiles, strict=True))
        without = len(materials - set(family.material_N[np.isfinite(values_N)]))
        rows.append(
            {"descriptor": name, "unit": unit, "known": len(known), "unknown": len(values_N) - len(known)}
            | {"materials_without": without}
            | ends
        )
    return pd.DataFrame(
        rows,
        columns=[
            "descriptor",
            "unit",
            "known",
            "unknown",
            "materials_without",
            "min",
            "low",
            "median",
            "high",
            "max",
        ],
    )
