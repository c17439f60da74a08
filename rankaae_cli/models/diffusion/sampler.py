"""The reverse diffusion: from atoms without structure to atoms where the network finds no more noise on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from rankaae_cli.core.structure.periodic import loose_packing, moved_apart
from rankaae_cli.models.diffusion.network import Graph, ScoreNetwork

_FORMED = 0.2  # angstrom of noise; with less, bonds are formed and each atom keeps its condition
_ASSIGN_EVERY = 0.95  # conditions are assigned anew each time that the noise has fallen by this factor
# Of positions (N, 3) with noise of a standard deviation, both angstrom: the noise, (N, 3), in units of that.
Score = Callable[[np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class Course:
    """How a structure is generated.

    Attributes
    ----------
    steps
        Levels of noise, evenly in its logarithm, from `most` to `least` (angstrom).
    temperature
        Of the noise that is put back in every step: 1 draws as the training data are distributed, less prefers
        what is likely there.
    nearest
        Least distance of two atoms in the end, angstrom.
    """

    steps: int
    most: float
    least: float
    temperature: float
    nearest: float


class ConditionedScore:
    """The score of atoms in a cell by a network, and which atom has which condition.

    Parameters
    ----------
    network, lattice
        What predicts the noise, and the cell.
    condition_NC
        The conditions, one an atom.
    guidance
        Weight of the conditions: 0 for none, 1 as trained, more to stress them (Ho and Salimans,
        arXiv:2207.12598).

    Attributes
    ----------
    order_N
        Which condition each atom has, by number; `assign` changes it.
    """

    def __init__(
        self, network: ScoreNetwork, lattice: np.ndarray, condition_NC: np.ndarray, guidance: float
    ) -> None:
        self.network, self.lattice = network, lattice
        self.condition_NC = np.asarray(condition_NC, dtype=np.float32)
        self.guidance = guidance
        self.order_N = np.arange(len(self.condition_NC))

    def score(self, positions_N3: np.ndarray, noise: float) -> np.ndarray:
        """Return the noise on atoms, a `Score`: guidance times that with conditions, the rest without."""
        weights = ((True, self.guidance), (False, 1 - self.guidance))
        parts = [weight * self._output(positions_N3, noise, given)[0] for given, weight in weights if weight]
        return np.asarray(np.sum(parts, axis=0))

    def assign(self, positions_N3: np.ndarray, noise: float) -> None:
        """Give each atom the condition that it looks most like, so that those of neighbours go together.

        The sum of squared differences over all atoms is the least that there is with one condition each (linear
        assignment). Without guidance nothing changes.
        """
        if self.guidance:
            looks_NC = self._output(positions_N3, noise, conditional=False)[1]
            self.order_N = linear_sum_assignment(cdist(looks_NC, self.condition_NC, "sqeuclidean"))[1]

    @torch.no_grad()
    def _output(
        self, positions_N3: np.ndarray, noise: float, conditional: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        graph = Graph.of(self.lattice, positions_N3, self.network.shape.cutoff)
        condition_NC = torch.from_numpy(self.condition_NC[self.order_N])
        output = self.network(graph, noise, condition_NC, torch.full((len(condition_NC),), conditional))
        return output.noise_N3.double().numpy(), output.condition_NC.double().numpy()


def generate_positions(
    score: Score,
    lattice: np.ndarray,
    atoms: int,
    course: Course,
    random: np.random.Generator,
    report: Callable[[int], None] = lambda done: None,
    assign: Callable[[np.ndarray, float], None] = lambda positions_N3, noise: None,
) -> np.ndarray:
    """Return the positions (N, 3) of a structure, angstrom.

    It begins with a loose packing with the largest noise on it: atoms anywhere would have fluctuations of density
    that reach farther than the network sees. In each step part of the noise is taken away and, all but a rest, put
    anew (ancestral sampling; Song et al., arXiv:2011.13456, appendix F). In the end, what is nearer than may be is
    moved apart.

    Parameters
    ----------
    score
        What predicts the noise, such as that of a `ConditionedScore`.
    lattice, atoms, course
        The cell, how many atoms, and how.
    random
        What all random numbers are drawn from.
    report
        Called with the steps that are done.
    assign
        Called with the positions and the noise where conditions may be assigned anew.
    """
    levels = np.geomspace(course.most, course.least, course.steps)
    positions = loose_packing(lattice, atoms, random) + course.most * random.standard_normal((atoms, 3))
    assigned = math.inf
    for step, (noise, less) in enumerate(zip(levels, [*levels[1:], 0.0], strict=True)):
        if _FORMED <= noise <= assigned * _ASSIGN_EVERY:
            assign(positions, noise)
            assigned = noise
        anew = less * math.sqrt(1 - (less / noise) ** 2)
        kept = math.sqrt(less**2 - anew**2)
        positions = positions - (noise - kept) * score(positions, noise)
        positions += course.temperature * anew * random.standard_normal((atoms, 3))
        report(step + 1)
    return moved_apart(lattice, positions, course.nearest)
