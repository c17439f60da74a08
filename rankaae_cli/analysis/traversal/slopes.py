"""How much the decoded spectrum changes with each descriptor, and whether the descriptor is read at all."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import encode_split
from rankaae_cli.analysis.traversal.check import Sample, class_values
from rankaae_cli.analysis.traversal.findings import sensitivity_unit
from rankaae_cli.analysis.traversal.walks import energy_ranges
from rankaae_cli.core.statistics.matching import amplitude_ratio
from rankaae_cli.core.styles.slopes import FEWEST_MATERIALS, Design, Slope, design, reading, slope
from rankaae_cli.core.xas.trends import trends_per_unit
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TEST
from rankaae_cli.models.rankaae.trained import TrainedModel

CRITERION = (
    "chance gives such a slope at any energy in at most 5 % of permutations of the materials "
    "(Westfall and Young)"
)
_UNKNOWN = (
    f"fewer than {FEWEST_MATERIALS} materials of these rows know it and the other descriptors, "
    "or the others leave nothing of it"
)
_COLUMNS = ("sensitivity", "low", "high", "own_style", "p_value", "significant")


@dataclass(frozen=True)
class Sensitivity:
    """The slope of decoded spectra with a descriptor.

    Spectra are decoded with every style as it is, so all that goes with the descriptor is in the slope. `own_E` is
    the part that its own style makes: where that style reads it badly, the others hold some of it, and a walk along
    the style alone shows too little.

    Attributes
    ----------
    slope
        Of the mean over trials, shape (E,).
    own_E
        The same with only the own style following the descriptor, shape (E,).
    mean_E
        Mean decoded spectrum, shape (E,).
    change
        From the 5th to the 95th percentile of the descriptor.
    held_equal
        Names of the descriptors that are held equal.
    """

    slope: Slope
    own_E: np.ndarray
    mean_E: np.ndarray
    change: float
    held_equal: tuple[str, ...]


def sensitivity(
    model: TrainedModel, index: int, sample: Sample, decoded_NE: np.ndarray, seed: int
) -> Sensitivity | None:
    """Return the slope of a sample's decoded spectra with a descriptor; None where it cannot be told.

    `decoded_NE` is the mean over trials, shape (N, E); see `core.styles.ensemble.ensemble_spectra`.
    """
    regression = design(sample.descriptors_NK, index, sample.material_N, class_values(model))
    if regression is None:
        return None
    decoded_nE = decoded_NE[regression.rows]  # noqa: N806
    low, high = np.percentile(regression.descriptor_n, [5, 95])
    return Sensitivity(
        slope=slope(decoded_nE, regression, seed),
        own_E=regression.contrast_n @ (decoded_nE - _without_own(model, sample, regression, index)),
        mean_E=decoded_nE.mean(axis=0, dtype=np.float64),
        change=float(high - low) or float(np.ptp(regression.descriptor_n)),
        held_equal=tuple(model.descriptor_names[k] for k in regression.held_equal),
    )


def describe_sensitivity(
    model: TrainedModel, index: int, sample: Sample, estimate: Sensitivity | None
) -> dict[str, Any]:
    """Return the numbers of a sensitivity, for traversal.json."""
    name = model.descriptor_names[index]
    about = {
        "unit": sensitivity_unit(name, model.descriptor_units[index]),
        "n_trials": int(model.alive_T.sum()),
        "rows": sample.key,
        "rows_text": sample.text,
    }
    if estimate is None:
        return {**about, "unknown_because": f"{name}: {_UNKNOWN}"}
    slope_E, significant_E = estimate.slope.slope_E, estimate.slope.significant_E
    largest = int(np.abs(slope_E).argmax())
    trends = None
    if model.energy_unit == "eV":
        trends = trends_per_unit(
            estimate.mean_E, slope_E, estimate.slope.resampled_slope, estimate.change, model.energy_E
        )
    return {
        **about,
        "unknown_because": None,
        "n_materials": estimate.slope.materials,
        "held_equal": list(estimate.held_equal),
        "criterion": CRITERION,
        "largest": float(slope_E[largest]),
        "energy_of_largest": float(model.energy_E[largest]),
        "own_share": amplitude_ratio(estimate.own_E, slope_E),
        "significant_share": float(significant_E.mean()),
        "significant_ranges": energy_ranges(model.energy_E, significant_E),
        "trends": trends,
    }


def sensitivity_table(
    model: TrainedModel, decoded_NE: np.ndarray, estimate: Sensitivity | None
) -> pd.DataFrame:
    """Return ``<descriptor>_sensitivity.csv``; all but the mean spectrum is empty where it is not known."""
    if estimate is None:
        mean_E = decoded_NE.mean(axis=0) if len(decoded_NE) else np.full(len(model.energy_E), np.nan)
        table = pd.DataFrame({"energy": model.energy_E, "mean_spectrum": mean_E})
        return table.reindex(columns=[*table.columns, *_COLUMNS])
    values = (
        *(estimate.slope.slope_E, *estimate.slope.band(), estimate.own_E, estimate.slope.p_value_E),
        estimate.slope.significant_E.astype(int),
    )
    return pd.DataFrame(
        {
            "energy": model.energy_E,
            "mean_spectrum": estimate.mean_E,
            **dict(zip(_COLUMNS, values, strict=True)),
        }
    )


def readings(model: TrainedModel, family: Family, seed: int) -> dict[str, dict[str, Any]]:
    """Return whether each descriptor is read, on test rows, whose labels trained and chose nothing."""
    names = model.descriptor_names
    if not (np.asarray(family.split_N) == TEST).any():
        unknown = {"spearman": None, "chance": None, "p_value": None, "materials": 0, "is_read": False}
        return {name: dict(unknown) for name in names}
    test = encode_split(model, family, "test")
    each = {
        name: reading(test.ensemble_indicators_NK[:, k], test.descriptors_NK[:, k], test.material_N, seed)
        for k, name in enumerate(names)
    }
    return {name: {**asdict(one), "is_read": one.is_read} for name, one in each.items()}


def _without_own(model: TrainedModel, sample: Sample, regression: Design, index: int) -> np.ndarray:
    """Return the rows decoded with what the descriptor makes of its own style taken out, shape (n, E)."""
    styles_TnS = np.array(sample.styles_TNS[:, regression.rows])
    slope_T = styles_TnS[:, :, index].astype(np.float64) @ regression.contrast_n
    styles_TnS[:, :, index] -= slope_T[:, None] * regression.left_n
    return np.asarray(model.decode(styles_TnS)[model.alive_T].mean(axis=0, dtype=np.float64))
