"""The walk along one style: its average over trials, its numbers and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.core.statistics.calibration import apply_calibration
from rankaae_cli.core.styles.support import Support
from rankaae_cli.core.styles.traversal import (
    largest_step,
    percentile_levels,
    response_correlation,
    stability,
)
from rankaae_cli.core.styles.walk import (
    MeanResponse,
    Walk,
    WalkPoints,
    mean_response,
    traverse_style,
    walk_points,
)
from rankaae_cli.core.xas.trends import trend_with_range
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.base import Trained
from rankaae_cli.models.rankaae.trained import TrainedModel

AXIS_LEVELS = 91


@dataclass(frozen=True)
class StyleWalk:
    """The walk along one style and what follows from it.

    Attributes
    ----------
    name, index
        Of the style.
    walk, points
        Of every trial, and where it is decoded.
    members_T
        The trials averaged, shape (T,), bool: of a named style those of the ensemble, of a free one, which
        has no common meaning, the selected.
    mean
        The walk averaged over them.
    descriptor_TL
        The calibrated descriptor at each level, shape (T, L); NaN where not known; None for a free style.
    support_L
        Share of the points at each level that lie where training styles are; mean over the trials averaged.
    truth_E
        The known response of a synthetic family, else None.
    axis
        The mean calibrated descriptor along the walk, for axes.
    """

    name: str
    index: int
    walk: Walk
    points: WalkPoints
    members_T: np.ndarray
    mean: MeanResponse
    descriptor_TL: np.ndarray | None
    support_L: np.ndarray  # noqa: N815
    truth_E: np.ndarray | None
    axis: StyleAxis

    @property
    def named(self) -> bool:
        """Whether the style belongs to a descriptor."""
        return self.descriptor_TL is not None


def walk_style(
    model: TrainedModel,
    family: Family,
    styles_TNS: np.ndarray,
    points: WalkPoints,
    support: Support,
) -> StyleWalk:
    """Walk one style of every trial and average those that can be averaged."""
    index = points.style
    name = model.style_names[index]
    named = name in model.descriptor_names
    members_T = model.alive_T if named else np.arange(model.n_trials) == model.selected_trial
    walk = traverse_style(model.decode, points)
    return StyleWalk(
        name=name,
        index=index,
        walk=walk,
        points=points,
        members_T=members_T,
        mean=mean_response(walk, members_T),
        descriptor_TL=_calibrated(model, name, walk.level_TL) if named else None,
        support_L=support.share(points, members_T),
        truth_E=true_response(family, name),
        axis=_axis(model, styles_TNS, index, members_T),
    )


def walk_styles(
    model: TrainedModel,
    family: Family,
    styles_TNS: np.ndarray,
    names: Sequence[str],
    settings: tuple[int, int, int, str],
) -> list[StyleWalk]:
    """Walk the styles of these names; `styles_TNS` are those of training rows, `settings` of `walk_points`."""
    support = support_of(model, family, styles_TNS)
    where = *settings, support.usual()
    return [
        walk_style(model, family, styles_TNS, walk_points(styles_TNS, index, *where), support)
        for index in map(model.style_names.index, names)
    ]


def support_of(model: TrainedModel, family: Family, styles_TNS: np.ndarray) -> Support:
    """Return where training rows, whose styles are given, lie, and how far from them held-out rows do."""
    training_N = np.asarray(family.split_N) == TRAIN
    held_out_TNS = model.encode(family.spectra_NE[~training_N])
    return Support.of(styles_TNS, np.asarray(family.material_N)[training_N], held_out_TNS)


def describe_walk(model: Trained, style: StyleWalk) -> dict[str, Any]:
    """Return the numbers of one walk, for traversal.json."""
    walk, mean, members_T = style.walk, style.mean, style.members_T
    content: dict[str, Any] = {
        "n_trials": mean.n_trials,
        "percentile": walk.percentiles.tolist(),
        "style": walk.level_TL[members_T].mean(axis=0).tolist(),
        "descriptor": None,
        "unit": None,
        "support": {"at_levels": style.support_L.tolist(), "share": float(style.support_L.mean())},
        **_largest(model, mean.difference_E),
        "pearson_true_response": float("nan"),
        "pearson_true_response_trials": None,
        "trials": _describe_trials(model, style),
        "largest_step": largest_step(mean.spectra_LE, walk.percentiles),
        "stability": stability(walk.difference_TE[members_T]),
        "sensitivity": None,
        "trends": None,
        "check": None,
    }
    if style.descriptor_TL is not None:
        content["descriptor"] = _mean_of_known(style.descriptor_TL[members_T]).tolist()
        content["unit"] = model.descriptor_units[style.index]
        if model.energy_unit == "eV":
            each = walk.spectra_TLE[members_T]
            content["trends"] = trend_with_range(
                mean.spectra_LE[0], mean.spectra_LE[-1], each[:, 0], each[:, -1], model.energy_E
            )
    if style.truth_E is not None:
        content["pearson_true_response"] = response_correlation(mean.difference_E, style.truth_E)
        content["pearson_true_response_trials"] = [
            response_correlation(difference_E, style.truth_E) for difference_E in walk.difference_TE
        ]
    return content


def walk_table(model: Trained, style: StyleWalk) -> pd.DataFrame:
    """Return what is drawn of a walk, a row an energy: spectra, the difference, its bands, the truth."""
    mean = style.mean
    columns: dict[str, Any] = {"energy": model.energy_E}
    for percentile, spectrum_E in zip(style.walk.percentiles, mean.spectra_LE, strict=True):
        rounded = percentile == round(percentile)
        columns[f"p{percentile:02.0f}" if rounded else f"p{percentile:.4g}"] = spectrum_E
    columns |= {
        "difference": mean.difference_E,
        "trials_low": mean.trials_low_E,
        "trials_high": mean.trials_high_E,
        "draws_low": mean.draws_low_E,
        "draws_high": mean.draws_high_E,
    }
    return pd.DataFrame(
        columns | ({} if style.truth_E is None else {"true_response_synthetic": style.truth_E})
    )


def support_table(walks: Sequence[StyleWalk]) -> pd.DataFrame:
    """Return ``support.csv``: which share of each walk's points lies where training styles are, a row a level."""
    parts = [
        pd.DataFrame({
            "style": walk.name, "percentile": walk.walk.percentiles, "supported": walk.support_L,
            "supported_whole_walk": walk.support_L.mean(),
        })
        for walk in walks
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def differences_of_trials(style: StyleWalk) -> dict[str, np.ndarray]:
    """Return the difference of each trial that is averaged, shape (E,) each, by column."""
    return {f"difference_trial_{t}": style.walk.difference_TE[t] for t in np.flatnonzero(style.members_T)}


def overview_table(model: Trained, walks: Sequence[StyleWalk]) -> pd.DataFrame:
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


def true_response(family: Family, name: str) -> np.ndarray | None:
    """Return the known response to a descriptor, shape (E,); None but of synthetic families."""
    if family.true_response_KE is None or name not in family.descriptor_names:
        return None
    return family.true_response_KE[family.descriptor_names.index(name)]


def energy_ranges(energy_E: np.ndarray, where_E: np.ndarray) -> list[list[float]]:
    """Return first and last energy of every unbroken stretch where `where_E` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(where_E, dtype=int), [0]])))
    return [[float(energy_E[a]), float(energy_E[b - 1])] for a, b in edges.reshape(-1, 2)]


def _calibrated(model: TrainedModel, name: str, level_TL: np.ndarray) -> np.ndarray:
    return np.stack([
        apply_calibration(None if trial is None else trial["descriptors"][name], level_L)
        for trial, level_L in zip(model.calibration["trials"], level_TL, strict=True)
    ])  # fmt: skip


def _axis(model: TrainedModel, styles_TNS: np.ndarray, index: int, members_T: np.ndarray) -> StyleAxis:
    name = model.style_names[index]
    percentiles, level_TP = percentile_levels(styles_TNS, index, AXIS_LEVELS)
    if name not in model.descriptor_names:
        return StyleAxis(name, "", percentiles, None)
    return StyleAxis(
        name,
        model.descriptor_units[index],
        percentiles,
        _mean_of_known(_calibrated(model, name, level_TP)[members_T]),
        tuple(model.descriptor_classes.get(name) or ()),
    )


def _mean_of_known(value_TL: np.ndarray) -> np.ndarray:
    """Return the mean over the trials that have a calibration, shape (L,); NaN where none has."""
    known = value_TL[np.isfinite(value_TL).all(axis=1)]
    return np.asarray(known.mean(axis=0)) if len(known) else np.full(value_TL.shape[1], np.nan)


def _largest(model: Trained, difference_E: np.ndarray) -> dict[str, float]:
    largest = int(np.abs(difference_E).argmax())
    return {
        "largest_change": float(difference_E[largest]),
        "energy_of_largest_change": float(model.energy_E[largest]),
    }


def _describe_trials(model: Trained, style: StyleWalk) -> list[dict[str, Any]]:
    """Return the walk of each trial that is averaged, and of the selected one."""
    members = set(np.flatnonzero(style.members_T).tolist()) | {int(model.selected_trial)}
    return [
        {
            "trial": t,
            "selected": t == model.selected_trial,
            "averaged": bool(style.members_T[t]),
            "style": style.walk.level_TL[t].tolist(),
            "descriptor": None if style.descriptor_TL is None else style.descriptor_TL[t].tolist(),
            **_largest(model, style.walk.difference_TE[t]),
        }
        for t in sorted(members)
    ]
