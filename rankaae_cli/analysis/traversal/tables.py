"""The csv files of ``traversal/`` that belong to no single style, and what every column of all of them means.

Every figure has a csv of its stem with the numbers drawn.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rankaae_cli.analysis.traversal.walks import StyleWalk, differences_of_trials, walk_table
from rankaae_cli.models.rankaae.trained import TrainedModel

COLUMNS = "columns"
ENERGY, ABSORPTION, OWN = "energy unit", "absorption unit", "unit of the descriptor"
SENSITIVITY = "absorption unit per unit of the descriptor"

# By kind of file: column, unit, meaning. A column that ends with _N stands for one a trial or percentile.
_WALK = (
    ("energy", ENERGY, "energy grid"),
    ("p_N", ABSORPTION, "mean decoded spectrum with the style at its N-th percentile over the training rows"),
    ("difference", ABSORPTION, "mean spectrum at the last percentile minus that at the first"),
    ("trials_low", ABSORPTION, "smallest difference of a trial; empty where one trial is shown"),
    ("trials_high", ABSORPTION, "largest difference of a trial; empty where one trial is shown"),
    ("draws_low", ABSORPTION, "5th percentile of the difference over draws of the other styles"),
    ("draws_high", ABSORPTION, "95th percentile of the difference over draws of the other styles"),
    ("true_response_synthetic", ABSORPTION, "known response of a synthetic family; no column elsewhere"),
)
_STYLE = ("style", "", "the style that is walked")
_PAIR = tuple(
    column
    for side in ("first", "second")
    for column in (
        (side, "", f"the {side} style"),
        (f"{side}_percentile", "percentile", f"where the {side} style stands, over the training rows"),
        (
            f"{side}_value",
            OWN,
            f"its calibrated descriptor there, mean over the trials; its unit: {side}_unit",
        ),
        (f"{side}_unit", "", f"unit of {side}_value; 1 for a pure number"),
    )
)
_SHARE = (
    "interaction_share",
    "1",
    "share of the variance of the mapped quantity over the pair's plane that is not a sum of a function of the "
    "one style and a function of the other (two-way analysis of variance), 0 to 1",
)
DESCRIBED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "<style>.csv": (*_WALK, ("difference_trial_N", ABSORPTION, "the difference in trial N")),
    "overview.csv": (_STYLE, *_WALK),
    "overview_free.csv": (_STYLE, *_WALK),
    "stability.csv": (
        _STYLE,
        ("energy", ENERGY, "energy grid"),
        ("difference", ABSORPTION, "mean over the trials of the last minus the first spectrum of the walk"),
        ("difference_trial_N", ABSORPTION, "the difference in trial N"),
        (
            "relative_spread",
            "1",
            "root mean square over energies of the standard deviation over trials, by that of the mean difference",
        ),
    ),
    "<descriptor>_sensitivity.csv": (
        ("energy", ENERGY, "energy grid"),
        ("mean_spectrum", ABSORPTION, "mean decoded spectrum over the levels of the walk"),
        (
            "sensitivity",
            SENSITIVITY,
            "slope of the spectrum against the calibrated descriptor, mean over trials",
        ),
        (
            "low",
            SENSITIVITY,
            "lower end of its 95 % confidence interval; of one trial, 5th percentile of draws",
        ),
        (
            "high",
            SENSITIVITY,
            "upper end of its 95 % confidence interval; of one trial, 95th percentile of draws",
        ),
        ("significant", "1", "1 where significant by sensitivity.criterion of traversal.json, else 0"),
    ),
    "<descriptor>_check.csv": (
        ("energy", ENERGY, "energy grid"),
        ("traversal", ABSORPTION, "the network's difference along the walk, as in <style>.csv; not drawn"),
        ("data_difference", ABSORPTION, "mean difference of matched spectra, high minus low bin"),
        ("data_low", ABSORPTION, "5th percentile of it over bootstrap samples of materials"),
        ("data_high", ABSORPTION, "95th percentile of it over bootstrap samples of materials"),
        ("data_unmatched", ABSORPTION, "difference of the bins' means, nothing matched; not drawn"),
        (
            "model_same_change",
            ABSORPTION,
            "the network's difference over the same change as the matched spectra",
        ),
        ("data_spectrum_low_bin", ABSORPTION, "mean spectrum of the matched rows of the low bin"),
        ("data_spectrum_high_bin", ABSORPTION, "the same plus data_difference"),
        ("model_spectrum_low_bin", ABSORPTION, "decoded at the low bin's style; not drawn"),
        ("model_spectrum_high_bin", ABSORPTION, "decoded at the high bin's style; not drawn"),
    ),
    "map_main_peak.csv": (
        *_PAIR,
        ("main_peak_height", ABSORPTION, "height of the main peak"),
        ("main_peak_energy", ENERGY, "energy of the main peak; not drawn"),
        _SHARE,
    ),
    "map_edge.csv": (
        *_PAIR,
        ("edge_energy", ENERGY, "energy where the spectrum first rises through half the edge step"),
        _SHARE,
    ),
}


def columns_table(model: TrainedModel) -> pd.DataFrame:
    """Return ``columns.csv``: file, column, unit and meaning of every column of the other csv files."""
    units = {
        ENERGY: model.energy_unit,
        ABSORPTION: "edge step" if model.normalisation == "edge_step" else "arbitrary",
    }
    units[SENSITIVITY] = f"{units[ABSORPTION]} per unit of the descriptor"
    rows = [
        (file, name, units.get(unit, unit), meaning)
        for file, columns in DESCRIBED.items()
        for name, unit, meaning in columns
    ]
    return pd.DataFrame(rows, columns=["file", "column", "unit", "meaning"])


def overview_table(model: TrainedModel, walks: Sequence[StyleWalk]) -> pd.DataFrame:
    """Return the walks of several styles below one another, the columns of ``<style>.csv`` but the trials'."""
    parts = {walk.name: walk_table(model, walk) for walk in walks}
    return pd.concat(parts, names=["style"]).reset_index("style").reset_index(drop=True)


def stability_table(
    model: TrainedModel, walks: Sequence[StyleWalk], described: dict[str, Any]
) -> pd.DataFrame:
    """Return every trial's difference and their mean, the named styles below one another."""
    parts = [
        {
            "style": walk.name,
            "energy": model.energy_E,
            "difference": walk.mean.difference_E,
            **differences_of_trials(walk),
            "relative_spread": described[walk.name]["stability"]["relative_spread"],
        }
        for walk in walks
    ]
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
