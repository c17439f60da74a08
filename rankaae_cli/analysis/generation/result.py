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
    generate_for,
    neighbouring,
    structures_on,
)
from rankaae_cli.analysis.generation.targets import Targets
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
    simulated
        Spectra of the structures' atoms, (N, E) each; None where no model simulates them.
    forward
        That model.
    """

    targets: Targets
    density: float
    structures: Sequence[Structure]
    bond: float
    orders: dict[str, Order]
    simulated: Sequence[np.ndarray] | None = None
    forward: Forward | None = None

    @property
    def beside(self) -> str:
        """What the training structures of the nearest density are called."""
        return next(label for label in self.orders if label != GENERATED)

    @property
    def title(self) -> str:
        """How many structures there are, and their density."""
        count = len(self.structures)
        return f"{count} structure{'s' if count > 1 else ''} at {self.density:.3g} g/cm³"

    def error_of(self, n: int) -> float:
        """Return the mean absolute error of a structure's simulated mean spectrum."""
        assert self.simulated is not None
        return float(np.abs(self.simulated[n].mean(axis=0) - self.targets.mean_E).mean())

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a structure."""
        training = self.orders[self.beside].together
        rows = []
        for n, network in enumerate(self.orders[GENERATED].networks):
            row: dict[str, Any] = {
                "structure": n + 1,
                "mean_coordination": float(network.coordination.mean()),
            }
            row |= {f"{name}_distance": value for name, value in network.distances(training).items()}
            if self.simulated is not None and self.forward is not None:
                error = self.error_of(n)
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
            lines.append(
                f"between two of them {_named(order.spread())}: what the target leaves open, and the chance of so "
                "few atoms"
            )
        if self.simulated is not None and self.forward is not None:
            errors = np.array([self.error_of(n) for n in range(count)])
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
        What is asked for, and how.
    radius
        Up to which distance atoms are bonded; None where the family does not say.
    progress
        Called with steps done, and in all.
    forward
        What simulates spectra.
    """
    structures = generate_for(model, targets, request, progress)
    bond = bond_length(family, radius)
    trained = neighbouring(structures_on(family, (TRAIN, VALIDATION)).values(), request.density)
    beside = {f"training at {label}": Order.of(alike, bond) for label, alike in trained.items()}
    orders = {GENERATED: Order.of(structures, bond), **beside}
    simulated = None if forward is None else forward.simulate(structures)
    return Generation(targets, request.density, structures, bond, orders, simulated, forward)
