"""Structures generated in a cell, and what is counted in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.bond_network import BINS, BondNetwork, radial_distribution
from rankaae_cli.core.structure.masses import density_of, volume_of
from rankaae_cli.core.structure.periodic import pairs_within
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import Gauge
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.models.base import Samples

RADIAL_BINS = np.arange(0.9, 6.01, 0.05)  # edges, angstrom, of radial distributions
_DENSEST = 0.45  # atoms a cubic angstrom; of diamond 0.18
_NEIGHBOURING = 1.25  # nearest distances that a bond is at most, where the family does not say


@dataclass(frozen=True)
class Order:
    """What is counted in some structures.

    Attributes
    ----------
    networks
        The bonds of each.
    radial_J
        Mean of their radial distributions in the bins of `RADIAL_BINS`.
    nearest
        Smallest distance of two atoms, angstrom.
    """

    networks: tuple[BondNetwork, ...]
    radial_J: np.ndarray
    nearest: float

    @classmethod
    def of(cls, structures: Sequence[Structure], bond: float) -> "Order":
        """Return what is counted where atoms up to `bond` apart are bonded."""
        return cls(
            tuple(BondNetwork.of(one.lattice, one.positions, bond) for one in structures),
            np.mean(
                [radial_distribution(one.lattice, one.positions, RADIAL_BINS) for one in structures], axis=0
            ),
            min(float(pairs_within(one.lattice, one.positions, 3.0).distance_P.min()) for one in structures),
        )

    @property
    def together(self) -> BondNetwork:
        """The counts of all."""
        return BondNetwork.joined(self.networks)

    def between(self) -> list[dict[str, float]]:
        """Return the distances of any two of the structures."""
        return [one.distances(other) for i, one in enumerate(self.networks) for other in self.networks[:i]]


def mean_distances(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the means of distances by what is counted; NaN of none."""
    return {name: float(np.mean([row[name] for row in rows])) if rows else float("nan") for name in BINS}


@dataclass(frozen=True)
class Request:
    """How many structures to generate, of what size, and how.

    Attributes
    ----------
    density
        g/cm3.
    atoms, samples
        How many atoms a structure, and how many structures.
    steps, guidance, temperature
        See `models.base.Samples.generate`.
    seed
        Of all random numbers; those of structure n are drawn from (seed, n).
    """

    density: float
    atoms: int
    samples: int
    steps: int
    guidance: float
    temperature: float
    seed: int

    def lattice(self, element: str) -> np.ndarray:
        """Return the cube that holds the atoms; UserError where they cannot be in it."""
        volume = volume_of(element, self.atoms, self.density)
        if self.atoms / volume > _DENSEST:
            most = density_of(element, self.atoms, self.atoms / _DENSEST)
            raise UserError(
                f"density={self.density:g} cannot be: {element} would have {self.atoms / volume:.2f} atoms a cubic "
                f"angstrom\ngive at most {most:.1f} g/cm3"
            )
        return np.eye(3) * volume ** (1 / 3)


def generate(
    model: Samples,
    lattice: np.ndarray,
    conditions: Sequence[np.ndarray],
    request: Request,
    progress: Gauge,
) -> list[Structure]:
    """Return structures in a cell, by the steps, guidance, temperature and seed of a request.

    Parameters
    ----------
    model
        Of the run.
    lattice
        The vectors of the cell, (3, 3), angstrom.
    conditions
        Those of the atoms of each structure, (N, C).
    request
        How.
    progress
        Called with steps done, and in all.
    """
    structures, steps = [], len(conditions) * request.steps
    for sample, condition_NC in enumerate(conditions):

        def report(done: int, before: int = sample * request.steps) -> None:
            progress(before + done, steps, f"structure {before // request.steps + 1} of {len(conditions)}")

        positions = model.generate(
            lattice,
            condition_NC,
            np.random.default_rng((request.seed, sample)),
            steps=request.steps,
            guidance=request.guidance,
            temperature=request.temperature,
            report=report,
        )
        structures.append(Structure(lattice, positions, (model.element,) * len(positions)))
    return structures


def part_of(progress: Gauge, part: int, parts: int, standing: str) -> Gauge:
    """Return what shows how far one of several equal parts of a work is, and what it is."""

    def shown(done: int, total: int | None, standing: str = standing) -> None:
        steps = total or 0
        progress(part * steps + done, parts * steps, standing)

    return shown


def bond_length(family: Family, radius: float | None) -> float:
    """Return up to which distance, angstrom, atoms are bonded: a family's radius, else 1.25 median nearest ones."""
    if radius is not None:
        return radius
    nearest = []
    for one in family.structures.values():
        pairs = pairs_within(one.lattice, one.positions, 4.0)
        nearest.append(np.minimum.reduceat(pairs.distance_P, np.unique(pairs.first_P, return_index=True)[1]))
    return _NEIGHBOURING * float(np.median(np.concatenate(nearest)))


def structures_on(family: Family, sides: Sequence[int]) -> dict[str, Structure]:
    """Return the structures of the rows on some sides of the split, by name."""
    names = sorted(set(family.material_N[np.isin(family.split_N, sides)]))
    return {name: family.structures[name] for name in names}


def density_in(structure: Structure) -> float:
    """Return the density of a structure of one element, g/cm3."""
    return density_of(structure.species[0], len(structure), structure.volume)


def neighbouring(structures: Iterable[Structure], density: float) -> dict[str, list[Structure]]:
    """Return the structures of the nearest densities below and above one (g/cm3), by what they are called.

    The nearer of both comes first; of two that are as near, the lower one.
    """
    by_density: dict[float, list[Structure]] = {}
    for one in structures:
        own = round(density_in(one), 1)
        by_density.setdefault(own, []).append(one)
    below, above = ([own for own in by_density if (own <= density) == is_below] for is_below in (True, False))
    chosen = [*sorted(below)[-1:], *sorted(above)[:1]]
    order = sorted(chosen, key=lambda own: (round(abs(own - density), 1), own))
    return {f"{own:g} g/cm3": by_density[own] for own in order}
