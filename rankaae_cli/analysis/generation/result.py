"""The result of generating structures for a target, and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.analysis.generation.forward import Forward
from rankaae_cli.analysis.generation.generate import (
    Order,
    Request,
    bond_length,
    generate,
    mean_distances,
    neighbouring,
    structures_on,
)
from rankaae_cli.analysis.generation.targets import Targets, atom_conditions
from rankaae_cli.core.structure.bond_network import BINS
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import Gauge
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.models.base import Samples

GENERATED = "generated"


@dataclass(frozen=True)
class Generation:
    """Structures generated for a target.

    Attributes
    ----------
    targets, density
        What was asked for; g/cm3.
    structures
        What came of it.
    bond
        Up to which distance atoms are bonded, angstrom.
    orders
        What is counted in the structures, and in those of training with the densities nearest to theirs.
    forward
        What simulates spectra of the structures; None where none is asked for.
    simulated
        Those of the atoms of each, (N, E).
    """

    targets: Targets
    density: float
    structures: Sequence[Structure]
    bond: float
    orders: dict[str, Order]
    forward: Forward | None = None
    simulated: Sequence[np.ndarray] = ()

    @property
    def beside(self) -> str:
        """What the training structures of the nearest density are called."""
        return next(label for label in self.orders if label != GENERATED)

    @property
    def title(self) -> str:
        """How many structures there are, and their density."""
        count = len(self.structures)
        return f"{count} structure{'s' if count > 1 else ''} at {self.density:.3g} g/cm³"

    def errors(self) -> np.ndarray:
        """Return the mean absolute errors of the simulated mean spectra of structures."""
        return np.array([np.abs(one.mean(axis=0) - self.targets.mean_E).mean() for one in self.simulated])

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a structure."""
        training, errors, rows = self.orders[self.beside].together, self.errors(), []
        for n, network in enumerate(self.orders[GENERATED].networks):
            row: dict[str, Any] = {
                "structure": n + 1,
                "mean_coordination": float(network.coordination.mean()),
            }
            row |= {f"{name}_distance": value for name, value in network.distances(training).items()}
            if self.forward is not None:
                error = float(errors[n])
                row |= {"spectrum_mae": error, "spectrum_mae_in_own": error / self.forward.error_of_means}
            rows.append(row)
        return rows

    def sentences(self) -> list[str]:
        """Return what was generated, how far it is from training, and what the target leaves open."""
        order = self.orders[GENERATED]
        atoms, count = len(self.structures[0]), len(self.structures)
        away = order.together.distances(self.orders[self.beside].together)
        lines = [
            f"{self.title} of {atoms} atoms for {self.targets.title}; no two atoms nearer than "
            f"{order.nearest:.2f} angstrom",
            f"{_named(away)} from {self.beside}: share of what would have to be otherwise",
        ]
        if count > 1:
            between = _named(mean_distances(order.between()))
            lines.append(
                f"between two of them {between}: what the target leaves open, and the chance of so few atoms"
            )
        if self.forward is not None:
            errors = self.errors()
            in_own = errors.mean() / self.forward.error_of_means
            lines.append(
                f"mean spectra simulated by {self.forward.name} differ from the target by {errors.mean():.4f} on "
                f"average ({errors.min():.4f} to {errors.max():.4f}), {in_own:.1f} times that model's own error on "
                "real structures"
            )
        return lines


def _named(distances: dict[str, float]) -> str:
    return ", ".join(f"{name} {distances[name]:.3f}" for name in BINS)


def generation_of(
    model: Samples,
    family: Family,
    targets: Targets,
    request: Request,
    radius: float | None,
    progress: Gauge,
    forward: Forward | None,
) -> Generation:
    """Generate structures for a target, count, and simulate their spectra where a model for that is given.

    Parameters
    ----------
    model, family
        Of the run.
    targets, request
        What structures are to be like; how many to generate, of what size, and how.
    radius
        Up to which distance atoms are bonded; None where the family does not say.
    progress
        Called with steps done, and in all.
    forward
        What simulates spectra.
    """
    draws = [np.random.default_rng((request.seed, sample, 1)) for sample in range(request.samples)]
    conditions = [atom_conditions(model, targets, request.atoms, random) for random in draws]
    structures = generate(model, request.lattice(model.element), conditions, request, progress)
    bond = bond_length(family, radius)
    trained = neighbouring(structures_on(family, (TRAIN, VALIDATION)).values(), request.density)
    beside = {f"training at {label}": Order.of(alike, bond) for label, alike in trained.items()}
    orders = {GENERATED: Order.of(structures, bond), **beside}
    simulated = [] if forward is None else forward.simulate(structures)
    return Generation(targets, request.density, structures, bond, orders, forward, simulated)
