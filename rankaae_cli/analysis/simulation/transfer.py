"""What a run of simulations that began from another brought: beside that one, and beside its family alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.analysis.evaluation.transfer import (
    AFTER,
    BEFORE,
    SCRATCH,
    from_scratch,
    start_at_hand,
    transfer_content,
)
from rankaae_cli.analysis.simulation.evaluate import simulation_of
from rankaae_cli.core.statistics.bootstrap import material_weights
from rankaae_cli.core.statistics.simulation import resampled_ratio, score_simulations
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.base import Simulates
from rankaae_cli.runs.provenance import read_provenance


def evaluate_simulation_transfer(
    run_directory: Path,
    model: Simulates,
    family: Family,
    metrics: Mapping[str, Any],
    scratch: bool | None = True,
    announce: Callable[[str], None] = print,
) -> dict[str, Any] | None:
    """Return how a run with ``start=`` does beside the run that it began from, and beside its rows alone.

    The parameters and returns are those of `evaluation.transfer.evaluate_transfer`.
    """
    begun = read_provenance(run_directory).get("start")
    if begun is None:
        return None
    models = {
        BEFORE: _as_it_was(run_directory, model, announce),
        SCRATCH: from_scratch(run_directory, model, family, bool(scratch), announce),
        AFTER: model,
    }
    simulations = {
        name: simulation_of(run_directory, one, family, metrics["split"])
        for name, one in models.items()
        if one is not None
    }
    rng = np.random.default_rng(int(metrics["seed"]))
    weights_NR = material_weights(simulations[AFTER].rows.material_N, int(metrics["resamples"]), rng)
    scores = {
        name: score_simulations(s.true_NE, s.simulated_NE, s.mean_NE, weights_NR)
        for name, s in simulations.items()
    }
    resampled = {
        name: resampled_ratio(s.true_NE, s.simulated_NE, s.mean_NE, weights_NR)
        for name, s in simulations.items()
    }
    about = {"start": begun, "scratch": scratch}
    return transfer_content(model, family, metrics, about, scores, resampled)


def _as_it_was(run_directory: Path, model: Simulates, announce: Callable[[str], None]) -> Simulates | None:
    """Return the model that a run began from, of several families that of the same element; None for none."""
    start = start_at_hand(run_directory, announce)
    if start is None:
        return None
    before: Any = start.model
    if not before.members:
        return before
    of_element = [j for j, member in enumerate(before.members) if member.element == model.element]
    same = [j for j in of_element if before.members[j].fidelity == model.fidelity]
    if not of_element:
        announce(f"the run that this one began from does not know {model.element}: it has no scores here")
        return None
    return before.of_member((same or of_element)[0])
