"""The traversal of a model that simulates: how the spectrum responds to the descriptors among its features.

Features stand where a RankAAE has styles, and simulating where it decodes, so the walk is that of
`core.styles.walk`: a descriptor goes from its 5th to its 95th percentile over the training rows. Other features go
with it, so by default each short step takes the rows that lie in it and changes the descriptor alone (accumulated
local effects); with independent others each level is given to the same rows of all (partial dependence: Friedman,
Ann. Stat. 29, 1189 (2001)). Rows of which a descriptor is not known are left out of its walk; another feature that
is not known counts as its mean, as in training.

``traversal/`` of the run holds of the files of `analysis.traversal.traverse` ``<descriptor>.csv``,
``overview.csv``, ``support.csv``, ``columns.csv`` and ``traversal.json``; and, where a RankAAE was walked
beside it, ``answers.csv``: a row a descriptor and energy, with the difference along the walk of either model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.analysis.traversal.traverse import (
    ANSWERS,
    COLUMNS,
    OVERVIEW,
    SUPPORT,
    Traversal,
    about_traversal,
    columns_table,
    write_tables,
)
from rankaae_cli.analysis.traversal.walks import (
    AXIS_LEVELS,
    StyleWalk,
    describe_walk,
    overview_table,
    support_of,
    support_table,
    true_response,
    walk_style,
    walk_table,
)
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import is_known, listed
from rankaae_cli.core.styles.support import Support
from rankaae_cli.core.styles.traversal import (
    INDEPENDENT,
    draw_rows,
    percentile_levels,
    response_correlation,
)
from rankaae_cli.core.styles.walk import WalkPoints, mean_response, traverse_style, walk_points
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.base import Simulates
from rankaae_cli.models.rankaae.trained import TrainedModel

_FILES = ("<style>.csv", f"{OVERVIEW}.csv", f"{SUPPORT}.csv", f"{ANSWERS}.csv")


def walked_descriptors(model: Simulates) -> tuple[str, ...]:
    """Return the descriptors that a model's features hold.

    Raises
    ------
    UserError
        If they hold none.
    """
    names = tuple(name for name in model.descriptor_names if name in model.features.names)
    if not names:
        raise UserError(
            f"this run's model simulates from features of {model.features.title}, none of which is a descriptor\n"
            "there is nothing to walk: train on data ingested with features=descriptors, alone or beside others"
        )
    return names


def traverse_simulations(
    run_directory: Path,
    model: Simulates,
    family: Family,
    levels: int = 11,
    draws: int = 500,
    seed: int = 0,
    others: str = "data",
    against: tuple[Path, TrainedModel, Family] | None = None,
) -> Traversal:
    """Walk every descriptor among the features of a run, and write the csv files of ``traversal/``.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    levels, draws, seed
        Of the walk; see `core.styles.walk`.
    others
        Where the features that are not walked come from: ``data`` or ``independent``.
    against
        The run of a RankAAE whose walks these are held against, likewise.

    Raises
    ------
    UserError
        If no feature is a descriptor, or none varies, or the other run's energies are not these.
    """
    names, settings = walked_descriptors(model), (levels, draws, seed, others)
    walks = walk_descriptors(model, family, names, settings)
    still = [name for name in names if name not in {walk.name for walk in walks}]
    if not walks:
        raise UserError(
            f"no descriptor varies over the training sites: {listed(names)}\ntrain on more materials"
        )
    content = {
        **about_traversal(run_directory, model),
        "features": model.features.title,
        **dict(zip(("levels", "draws", "seed", "others"), settings, strict=True)),
        "styles": {walk.name: describe_walk(model, walk) for walk in walks},
        "still": still,
        "against": None,
    }
    tables = {walk.name: walk_table(model, walk) for walk in walks}
    tables |= {OVERVIEW: overview_table(model, walks), SUPPORT: support_table(walks)}
    if against is not None:
        content["against"], tables[ANSWERS] = _held_against(model, walks, *against, settings)
    tables[COLUMNS] = columns_table(model, _FILES if against else _FILES[:-1])
    write_tables(run_directory, tables)
    return Traversal(content, tables, {walk.name: walk.axis for walk in walks})


def walk_descriptors(
    model: Simulates, family: Family, names: Sequence[str], settings: tuple[int, int, int, str]
) -> list[StyleWalk]:
    """Return the walks of those of the descriptors that vary; levels, draws, seed and others are the `settings`."""
    training = family.with_rows(np.flatnonzero(family.split_N == TRAIN))
    held_out = family.with_rows(np.flatnonzero(family.split_N != TRAIN))
    walks = [_walk(model, name, training, held_out, settings) for name in names]
    return [walk for walk in walks if walk is not None]


def simulation_findings(traversal: Mapping[str, Any]) -> list[str]:
    """Return what a traversal of a model that simulates says, a sentence each; `traversal` is traversal.json."""
    lines = []
    if traversal["still"]:
        lines.append(f"not walked, the same at nearly all training sites: {listed(traversal['still'])}")
    if traversal["against"] is None:
        return [
            *lines,
            "no RankAAE was trained on these data: there is no second answer to hold this against",
        ]
    run, pearson = traversal["against"]["run"], traversal["against"]["pearson"]
    known = {name: r for name, r in pearson.items() if is_known(r)}
    if known:
        each = ", ".join(f"{name} {r:.2f}".replace("-", "−") for name, r in known.items())
        lines.append(f"correlation of this response with that of the decoder of {run}: {each}")
    if unknown := [name for name in traversal["styles"] if name not in known]:
        lines.append(f"{run} has no response to {listed(unknown)}")
    return lines


def _walk(
    model: Simulates, name: str, training: Family, held_out: Family, settings: tuple[int, int, int, str]
) -> StyleWalk | None:
    """Return the walk of one descriptor; None where it does not vary."""
    levels, draws, seed, others = settings
    index, of = model.features.names.index(name), model.descriptor_names.index(name)
    values_NF, held_out_NF = _features(training), _features(held_out)
    known_NF = np.isfinite(values_NF)
    known = np.flatnonzero(known_NF[:, index])
    if len(known) < 2 or np.ptp(np.percentile(values_NF[known, index], [5, 95])) == 0:
        return None
    mean_F = np.where(known_NF, values_NF, 0.0).sum(axis=0) / np.maximum(known_NF.sum(axis=0), 1)
    features_1NF, held_out_1NF = (  # noqa: N806
        np.where(np.isfinite(some_NF), some_NF, mean_F)[None] for some_NF in (values_NF[known], held_out_NF)
    )
    support = Support.of(features_1NF, training.material_N[known], held_out_1NF)
    if others == INDEPENDENT:
        points = _same_rows(features_1NF, index, levels, draws, seed)
    else:
        points = walk_points(features_1NF, index, levels, draws, seed, others, support.usual())

    def simulate(features_1DF: np.ndarray) -> np.ndarray:  # noqa: N803
        return model.simulate(replace(model.features, values_NF=features_1DF[0]))[0][None]

    walk, one = traverse_style(simulate, points), np.ones(1, dtype=bool)
    percentiles, value_1P = percentile_levels(features_1NF, index, AXIS_LEVELS)  # noqa: N806
    classes = tuple(model.descriptor_classes.get(name) or ())
    return StyleWalk(
        name=name,
        index=of,
        walk=walk,
        points=points,
        members_T=one,
        mean=mean_response(walk, one),
        descriptor_TL=walk.level_TL,
        support_L=support.share(points, one),
        truth_E=true_response(training, name),
        axis=StyleAxis(name, model.descriptor_units[of], percentiles, value_1P[0], classes),
    )


def _features(family: Family) -> np.ndarray:
    assert family.features is not None, "a model that simulates is evaluated on data with features"
    return family.features.values_NF


def _same_rows(features_1NF: np.ndarray, index: int, levels: int, draws: int, seed: int) -> WalkPoints:  # noqa: N803
    """Return points at which each level is given to the same rows, drawn from all."""
    percentiles, level_1L = percentile_levels(features_1NF, index, levels)  # noqa: N806
    rows = draw_rows(features_1NF.shape[1], min(draws, features_1NF.shape[1]), seed)
    shape = (levels - 1, 1, len(rows))
    return WalkPoints(
        index,
        1,
        percentiles,
        level_1L,
        np.broadcast_to(features_1NF[:, rows], (*shape, features_1NF.shape[2])),
        np.broadcast_to(rows, shape),
    )


def _held_against(
    model: Simulates,
    walks: list[StyleWalk],
    run: Path,
    other: TrainedModel,
    family: Family,
    settings: tuple[int, int, int, str],
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return how the walks of a RankAAE correlate with these, and both side by side."""
    if other.energy_E.shape != model.energy_E.shape or not np.allclose(other.energy_E, model.energy_E):
        raise UserError(f"the energies of {run} are not those of this run\ngive another run as against=")
    levels, draws, seed, others = settings
    styles_TNS = other.encode(family.spectra_NE[family.split_N == TRAIN])
    support = support_of(other, family, styles_TNS)
    answers, ranges = [], {}
    for walk in walks:
        response_E = np.full(len(model.energy_E), np.nan)
        if walk.name in other.style_names:
            index = other.style_names.index(walk.name)
            points = walk_points(styles_TNS, index, levels, draws, seed, others, support.usual())
            theirs = walk_style(other, family, styles_TNS, points, support)
            response_E, ranges[walk.name] = (
                theirs.mean.difference_E,
                describe_walk(other, theirs)["descriptor"],
            )
        columns = {"energy": model.energy_E, "simulated": walk.mean.difference_E, "decoded": response_E}
        answers.append(pd.DataFrame({"style": walk.name, **columns}))
    content = {
        "run": run.name,
        "n_trials": int(other.alive_T.sum()),
        "descriptor": ranges,
        "pearson": {
            one["style"].iloc[0]: response_correlation(one["simulated"].to_numpy(), one["decoded"].to_numpy())
            for one in answers
        },
    }
    return content, pd.concat(answers, ignore_index=True)
