"""The reverse diffusion: from atoms without structure to atoms where the network finds no more noise on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.core.structure.periodic import loose_packing, moved_apart
from rankaae_cli.models.diffusion.network import Graph, ScoreNetwork

Score = Callable[[np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class Course:
    """How a structure is generated.

    Attributes
    ----------
    steps
        Levels of noise, evenly in its logarithm, from `most` to `least` (angstrom).
    guidance
        Weight of what the atoms are told: 0 for nothing, 1 as trained, more to stress it (Ho and Salimans,
        arXiv:2207.12598).
    temperature
        Of the noise that is put back in every step: 1 draws as the training data are distributed, less prefers
        what is likely there.
    nearest
        Least distance of two atoms in the end, angstrom.
    """

    steps: int
    most: float
    least: float
    guidance: float
    temperature: float
    nearest: float


def score_of(network: ScoreNetwork, lattice: np.ndarray, told_NC: Tensor, guidance: float) -> Score:
    """Return what tells the noise on atoms at some positions, (N, 3), by its standard deviation.

    The graph is that of the positions that are given, so that no noise of another one is told.
    """
    everyone = torch.ones(len(told_NC), dtype=torch.bool)
    weights = [(everyone, guidance), (~everyone, 1 - guidance)]

    @torch.no_grad()
    def score(positions_N3: np.ndarray, noise: float) -> np.ndarray:
        graph = Graph.of(lattice, positions_N3, network.shape.cutoff)
        parts = [weight * network(graph, noise, told_NC, who) for who, weight in weights if weight]
        return np.asarray(torch.stack(parts).sum(0).double().numpy())

    return score


def generated(
    score: Score,
    lattice: np.ndarray,
    atoms: int,
    course: Course,
    random: np.random.Generator,
    report: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Return the positions (N, 3) of a structure, angstrom.

    It begins with a loose packing with the largest noise on it: atoms anywhere would have fluctuations of density
    that reach farther than the network sees. In each step part of the noise is taken away and, all but a rest, put
    anew (ancestral sampling; Song et al., arXiv:2011.13456, appendix F). In the end, what is nearer than may be is
    moved apart.

    Parameters
    ----------
    score
        Of `score_of`.
    lattice, atoms, course
        The cell, how many atoms, and how.
    random
        Of all random numbers.
    report
        Called with the steps that are done.
    """
    levels = np.geomspace(course.most, course.least, course.steps)
    positions = loose_packing(lattice, atoms, random) + course.most * random.standard_normal((atoms, 3))
    for step, (noise, less) in enumerate(zip(levels, [*levels[1:], 0.0], strict=True)):
        anew = less * math.sqrt(1 - (less / noise) ** 2)
        kept = math.sqrt(less**2 - anew**2)
        positions = positions - (noise - kept) * score(positions, noise)
        positions += course.temperature * anew * random.standard_normal((atoms, 3))
        report(step + 1)
    return moved_apart(lattice, positions, course.nearest)
