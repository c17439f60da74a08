"""How far generated structures are from those of a split, beside a floor, a copy and a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.special import stdtrit

from rankaae_cli.analysis.generation.forward import Forward
from rankaae_cli.analysis.generation.generate import (
    Order,
    Request,
    bond_length,
    density_in,
    generate,
    mean_distances,
    neighbouring,
    part_of,
    structures_on,
)
from rankaae_cli.analysis.generation.targets import condition_values
from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.bond_network import BINS, BondNetwork
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import Gauge
from rankaae_cli.data.family.splits import SPLITS, TRAIN, VALIDATION
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.models.base import Samples

FORMAT_VERSION = 1
TABLE = "structure_distances.csv"
GUIDED, UNGUIDED, FLOOR, COPY = "generated", "unconditional", "two of the split", "copied from "
SEARCHED = "nearest spectra"
_LEVEL = 0.95


@dataclass(frozen=True)
class GenerationEvaluation:
    """What came of holding generated structures against those of a split.

    Attributes
    ----------
    metrics
        The contents of metrics.json.
    distances
        The contents of `TABLE`.
    orders
        What is counted in structures generated with and without conditions, and in those of the split, by label.
    """

    metrics: dict[str, Any]
    distances: pd.DataFrame
    orders: dict[str, Order]


def evaluate_generation(
    run_directory: Path,
    model: Samples,
    family: Family,
    split: str,
    request: Request,
    radius: float | None,
    progress: Gauge,
    forward: Forward | None = None,
) -> GenerationEvaluation:
    """Generate structures with the cells and the spectra of a split, and hold them against its own.

    Parameters
    ----------
    run_directory, model, family
        Of the run; the family with its split and structures.
    split
        Whose spectra condition the atoms, one each.
    request
        How many, and how; density and atoms are those of the split.
    radius
        Up to which distance atoms are bonded; None where the family does not say.
    progress
        Called with steps done, and in all.
    forward
        What simulates the spectra of generated structures; None where none is asked for.

    Raises
    ------
    UserError
        If the split has no structures.
    """
    bond = bond_length(family, radius)
    real = structures_on(family, (SPLITS.index(split),))
    if not real:
        raise UserError(f"the data of {run_directory.name} hold no {split} structures\ntrain again")
    generated = _generate_like(model, family, real, request, progress)
    own = Order.of(list(real.values()), bond)
    orders = {label: Order.of(structures, bond) for label, structures in generated.items()}
    density = density_in(next(iter(real.values())))
    copies = neighbouring(structures_on(family, _others(split)).values(), density)
    distances = _distances(
        own,
        {label: order.networks for label, order in orders.items()}
        | {SEARCHED: _nearest_spectra(family, real, _others(split), bond)}
        | {COPY + label: [Order.of(structures, bond).together] for label, structures in copies.items()},
    )
    metrics = {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "split": split,
        "n": int((family.split_N == SPLITS.index(split)).sum()),
        "structures": list(real),
        "bond": bond,
        "cells": request.samples,
        "steps": request.steps,
        "guidance": request.guidance,
        "temperature": request.temperature,
        "seed": request.seed,
        "validation_loss": -float(model.scores_T[model.selected_trial]),
        "density": density,
        "nearest_atoms": orders[GUIDED].nearest,
        "distances": {label: _summary(rows) for label, rows in distances.items()},
        "together": {label: order.together.distances(own.together) for label, order in orders.items()},
        "agreement": _agreement(own.networks, orders[GUIDED].networks),
    }
    if forward is not None:
        conditions = {name: _spectra(family, name) for name in real}
        metrics["simulated"] = forward.compare(
            generated[GUIDED], [conditions[name] for name in _cycle(real, request)]
        )
    table = [
        {"row": label, "cell": i, **one} for label, rows in distances.items() for i, one in enumerate(rows)
    ]
    return GenerationEvaluation(metrics, pd.DataFrame(table), {**orders, split: own})


def _generate_like(
    model: Samples, family: Family, real: Mapping[str, Structure], request: Request, progress: Gauge
) -> dict[str, list[Structure]]:
    """Return structures in the cells of real ones, with the conditions of their atoms and without."""
    conditions = {name: _conditions(model, family, name) for name in real}
    generated: dict[str, list[Structure]] = {GUIDED: [], UNGUIDED: []}
    for row, (label, guidance) in enumerate(((GUIDED, request.guidance), (UNGUIDED, 0.0))):
        for sample, name in enumerate(_cycle(real, request)):
            one = replace(request, seed=request.seed + sample, guidance=guidance)
            part, parts = row * request.samples + sample, 2 * request.samples
            shown = part_of(progress, part, parts, f"cell {part + 1} of {parts}")
            generated[label] += generate(model, real[name].lattice, [conditions[name]], one, shown)
    return generated


def _distances(own: Order, others: Mapping[str, Sequence[BondNetwork]]) -> dict[str, list[dict[str, float]]]:
    """Return the distances of any two structures of a split, then those of others to all of the split together."""
    together = own.together
    to_own = {label: [one.distances(together) for one in networks] for label, networks in others.items()}
    return {FLOOR: own.between(), **to_own}


def _cycle(real: Mapping[str, Structure], request: Request) -> list[str]:
    """Return which real structure each generated one is to be like: all in turn, over and over."""
    return [list(real)[sample % len(real)] for sample in range(request.samples)]


def _conditions(model: Samples, family: Family, name: str) -> np.ndarray:
    """Return the condition of each atom of a structure; of one without a row that of another, by number."""
    rows = family.with_rows(family.material_N == name)
    condition_MC = model.conditions(condition_values(model, rows)[1])
    atoms = len(family.structures[name])
    out = condition_MC[np.arange(atoms) % len(condition_MC)]
    if len(condition_MC) == len(rows):
        out[rows.site_N] = condition_MC
    return np.asarray(out)


def _spectra(family: Family, name: str) -> np.ndarray:
    """Return the spectrum of each atom of a structure, (N, E); NaN where it has none."""
    rows = np.flatnonzero(family.material_N == name)
    spectra = np.full((len(family.structures[name]), len(family.energy_E)), np.nan)
    spectra[family.site_N[rows]] = family.spectra_NE[rows]
    return spectra


def _nearest_spectra(
    family: Family, real: Mapping[str, Structure], sides: Sequence[int], bond: float
) -> list[BondNetwork]:
    """Return what is counted about those atoms of training whose spectra are nearest to those of each structure.

    That is all that a search can give: the surroundings of each atom, which do not make a structure together.
    """
    spectra_NE = family.spectra_NE[:].astype(np.float64)
    trained = np.flatnonzero(np.isin(family.split_N, sides))
    networks = []
    for name in real:
        own = np.flatnonzero(family.material_N == name)
        nearest = trained[cdist(spectra_NE[own], spectra_NE[trained]).argmin(axis=1)]
        parts = []
        for other in np.unique(family.material_N[nearest]):
            structure, of_other = family.structures[other], nearest[family.material_N[nearest] == other]
            atoms = family.site_N[of_other]
            parts.append(BondNetwork.of(structure.lattice, structure.positions, bond, atoms))
        networks.append(BondNetwork.joined(parts))
    return networks


def _agreement(real: Sequence[BondNetwork], generated: Sequence[BondNetwork]) -> dict[str, float]:
    """Return which share of atoms have as many bonds as the atom whose spectrum conditions them.

    Beside it stands what it would be with the spectra of others.
    """
    pairs = [(one.coordination, real[i % len(real)].coordination) for i, one in enumerate(generated)]
    conditional = float(np.mean(np.concatenate([a == b for a, b in pairs])))
    chance = [sum(np.mean(a == k) * np.mean(b == k) for k in np.unique(b)) for a, b in pairs]
    return {"conditional": conditional, "shuffled": float(np.mean(chance))}


def _others(split: str) -> list[int]:
    """Return the sides of the split that are trained on, but for one."""
    return [side for side in (TRAIN, VALIDATION) if side != SPLITS.index(split)]


def _summary(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return means of distances, and of several their intervals by Student's t over cells."""
    means: dict[str, Any] = mean_distances(rows)
    if len(rows) > 1:
        half = stdtrit(len(rows) - 1, (1 + _LEVEL) / 2) / np.sqrt(len(rows))
        spread = {name: half * np.std([row[name] for row in rows], ddof=1) for name in BINS}
        means["interval"] = {name: [means[name] - spread[name], means[name] + spread[name]] for name in BINS}
    return {**means, "n": len(rows)}
