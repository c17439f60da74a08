"""Structures along each descriptor: its mean over the atoms is asked for, and measured in what is generated."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.generation.generate import Request, bond_length, generate, part_of
from rankaae_cli.analysis.generation.targets import condition_values, even_draws, weights_of_mean
from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.descriptors import DESCRIPTORS, Shell, describe
from rankaae_cli.core.structure.periodic import pairs_within
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import Gauge
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.models.base import Samples

FORMAT_VERSION = 1
STEERING = "steering.csv"
_PERCENTILES = (5, 95)


def steer(
    run_directory: Path,
    model: Samples,
    family: Family,
    request: Request,
    lattice: np.ndarray,
    levels: int,
    radius: float | None,
    progress: Gauge,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Generate structures along each descriptor of the family, and measure it in them.

    A value is asked for by giving the atoms conditions of atoms of training, drawn with those weights nearest to
    even by which the descriptor has this mean. So the other descriptors go along as they do in training.

    Parameters
    ----------
    run_directory, model, family
        Of the run; the family with its split and structures.
    request, lattice
        How many structures a value, and how, in which cell (3, 3), angstrom.
    levels
        Values, between the 5th and the 95th percentile over the atoms of training.
    radius
        Up to which distance atoms are bonded; None where the family does not say.
    progress
        Called with steps done, and in all.

    Returns
    -------
    dict
        The contents of traversal.json: of each descriptor the slope of what was found over what was asked for, and
        the root mean square of what is between them.
    DataFrame
        A row a structure: what was asked for and what was found.

    Raises
    ------
    UserError
        If no descriptor varies over the atoms of training and can be measured.
    """
    trained = family.with_rows(np.isin(family.split_N, (TRAIN, VALIDATION)))
    trained = trained.with_rows(np.isfinite(trained.descriptors_NK).all(axis=1))
    spread_K = trained.descriptors_NK.std(axis=0) if len(trained) else np.zeros(0)
    walked = [k for k in np.flatnonzero(spread_K) if trained.descriptor_names[k] in DESCRIPTORS]
    if not walked:
        raise UserError(
            f"no descriptor of {family.name} varies over the atoms of training and can be measured in structures\n"
            "generate structures by predict"
        )
    condition_MC, bond = model.conditions(condition_values(model, trained)[1]), bond_length(family, radius)
    rows = []
    for n, k in enumerate(walked):
        name, known_M = trained.descriptor_names[k], trained.descriptors_NK[:, k]
        low, high = np.percentile(known_M, _PERCENTILES)
        for step, value in enumerate(np.linspace(low, high, levels)):
            weight_M = weights_of_mean((known_M[:, None] - value) / spread_K[k], np.zeros(1))
            random = np.random.default_rng((request.seed, n, step))
            drawn = [even_draws(weight_M, request.atoms, random) for _ in range(request.samples)]
            one = replace(request, seed=request.seed + 1 + n * levels + step)
            part = part_of(progress, n * levels + step, len(walked) * levels, f"{name} {value:.3g}")
            structures = generate(model, lattice, [condition_MC[atoms] for atoms in drawn], one, part)
            rows += [
                {
                    "descriptor": name,
                    "sample": sample + 1,
                    "asked": float(known_M[atoms].mean()),
                    "found": _measured(structure, name, bond),
                }
                for sample, (atoms, structure) in enumerate(zip(drawn, structures, strict=True))
            ]
    table = pd.DataFrame(rows)
    walks = {name: _summary(own) for name, own in table.groupby("descriptor", sort=False)}
    content = {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "levels": levels,
        "atoms": request.atoms,
        "density": request.density,
        "guidance": request.guidance,
        "temperature": request.temperature,
        "steps": request.steps,
        "samples": request.samples,
        "seed": request.seed,
        "units": dict(zip(model.descriptor_names, model.descriptor_units, strict=True)),
        "walks": walks,
    }
    return content, table


def _measured(structure: Structure, name: str, bond: float) -> float:
    """Return the mean of a descriptor over the atoms of a structure of which it is known; NaN of none."""
    pairs = pairs_within(structure.lattice, structure.positions, bond)
    values = []
    for i, element in enumerate(structure.species):
        own = pairs.first_P == i
        neighbours = tuple(structure.species[j] for j in pairs.second_P[own])
        shell = Shell(pairs.vector_P3[own], neighbours, np.nan, np.full(len(neighbours), np.nan), element)
        values += describe(shell, [name])
    known = np.array(values)[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _summary(walk: pd.DataFrame) -> dict[str, float]:
    """Return the range of what was asked for along a descriptor, and how what was found follows it."""
    asked, found = walk["asked"].to_numpy(), walk["found"].to_numpy()
    known = np.isfinite(found)
    apart = found[known] - asked[known]
    slope = np.polyfit(asked[known], found[known], 1)[0] if known.sum() > 1 else np.nan
    return {
        "lowest": float(asked.min()),
        "highest": float(asked.max()),
        "slope": float(slope),
        "rms": float(np.sqrt(np.mean(apart**2))) if known.any() else float("nan"),
    }
