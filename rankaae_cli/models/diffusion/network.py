"""The score network: which way, and how far, each atom lies from where it was before noise was put on it.

Beside that it predicts the condition of each atom from where its neighbours are.

Messages run along the pairs of atoms within a cut-off. Of its neighbours, weighted by what is known of each pair,
an atom sums spherical harmonics up to the third degree; seen along a pair these sums are invariant and know the
angles that it makes with all others (three bodies), as in Legendre's polynomials. The answer is a sum of the
directions to the neighbours with invariant weights. So it turns, and is mirrored, with the structure (it is
equivariant under E(3)), exactly and without training on turned copies, and costs little more than a network of
distances alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rankaae_cli.core.structure.periodic import pairs_within
from rankaae_cli.networks.layers import LayerNorm, TrialLinear, mlp

_DEGREES = (slice(0, 1), slice(1, 4), slice(4, 9), slice(9, 16))
_WAVES = 4  # of the logarithm of the noise
_DENSITY = 0.3  # keeps sums over neighbours near 1 in size
_NOTHING = 1e-3  # angstrom; two atoms at one place have no direction


@dataclass(frozen=True)
class Shape:
    """Sizes of a score network, see `settings.DiffusionSettings`; `condition` is C, numbers a condition."""

    cutoff: float
    layers: int
    width: int
    pair_width: int
    channels: int
    radial: int
    condition: int


@dataclass(frozen=True)
class Graph:
    """The neighbours of N atoms, M at most.

    Attributes
    ----------
    index_NM
        The number of each neighbour; 0 where an atom has fewer.
    vector_NM3
        From the atom to the neighbour, angstrom; 0 where there is none.
    is_there_NM
        1 for a neighbour, else 0.
    """

    index_NM: Tensor
    vector_NM3: Tensor
    is_there_NM: Tensor

    @classmethod
    def of(cls, lattice: np.ndarray, positions_N3: np.ndarray, cutoff: float) -> "Graph":
        """Return the graph of atoms in a cell that repeats."""
        pairs = pairs_within(lattice, positions_N3, cutoff)
        count_N = np.bincount(pairs.first_P, minlength=len(positions_N3))
        shape = (len(positions_N3), max(int(count_N.max()), 1))
        place_P = np.arange(len(pairs.first_P)) - np.repeat(np.cumsum(count_N) - count_N, count_N)
        index_NM, there_NM = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        vector_NM3 = np.zeros((*shape, 3), dtype=np.float32)
        index_NM[pairs.first_P, place_P] = pairs.second_P
        vector_NM3[pairs.first_P, place_P] = pairs.vector_P3
        there_NM[pairs.first_P, place_P] = 1
        return cls(*map(torch.from_numpy, (index_NM, vector_NM3, there_NM)))

    def to(self, device: torch.device) -> "Graph":
        """Return the graph on a device."""
        return Graph(*(tensor.to(device) for tensor in vars(self).values()))


@dataclass(frozen=True)
class Pairs:
    """What layers know of the pairs of a graph: R functions of distance, D harmonics, and how much each counts."""

    index_NM: Tensor
    radial_NMR: Tensor
    harmonics_NMD: Tensor
    weight_NM: Tensor


class NetworkOutput(NamedTuple):
    """What a score network finds of N atoms.

    Attributes
    ----------
    noise_N3
        In units of its standard deviation.
    condition_NC
        The conditions that the atoms look like having, of use where theirs are not given.
    """

    noise_N3: Tensor
    condition_NC: Tensor


class Linear(TrialLinear):
    """A linear layer of one network, on inputs of any shape (..., n_in)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (..., n_in) to (..., n_out)."""
        rows = inputs.reshape(1, -1, inputs.shape[-1])
        return super().forward(rows).view(*inputs.shape[:-1], -1)


class Layer(nn.Module):
    """Messages between neighbours: pairs learn of the others of their atom, atoms of their pairs."""

    def __init__(self, shape: Shape, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.channels = shape.channels
        known, all_degrees = shape.radial + shape.pair_width, len(_DEGREES) * shape.channels
        counted = shape.width + shape.pair_width + all_degrees + 2 * shape.channels
        self.norm = LayerNorm()
        self.weights = Linear(known, all_degrees, generators)
        self.values = Linear(shape.width, shape.channels, generators)
        self.ends = Linear(shape.width, 2 * shape.pair_width, generators)
        self.angles = Linear(all_degrees + known, shape.pair_width, generators)
        self.pairs = Linear(shape.pair_width, shape.pair_width, generators)
        self.gate = Linear(shape.radial, shape.pair_width, generators)
        self.counted = Linear(counted, shape.width, generators)
        self.atoms = Linear(shape.width, shape.width, generators)

    def forward(self, atoms_NW: Tensor, known_NMX: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Return what is known of atoms (N, width) and pairs (N, M, pair_width) after a round of messages.

        Constant factors keep the terms of a sum about as large as each other.
        """
        atoms_NW = self.norm(atoms_NW)
        n, m = pairs.index_NM.shape
        weight_NM1 = pairs.weight_NM[..., None]
        both = torch.cat([pairs.radial_NMR, known_NMX], -1)
        neighbour_NMC = self.values(atoms_NW)[pairs.index_NM] * weight_NM1
        weights = self.weights(both).view(n, m, len(_DEGREES), self.channels) * neighbour_NMC[:, :, None]
        seen, invariants = [], []
        for degree, part in enumerate(_DEGREES):
            harmonics_NMD = pairs.harmonics_NMD[..., part]
            sums_NDC = torch.bmm(harmonics_NMD.transpose(1, 2), weights[:, :, degree])
            # Along a pair, by the addition theorem: the sum of Legendre polynomials of its angles with the others.
            seen.append(torch.bmm(harmonics_NMD, sums_NDC) * (_DENSITY / math.sqrt(2 * degree + 1)))
            if degree == 0:
                invariants.append(sums_NDC[:, 0] * _DENSITY)
            else:
                invariants.append(sums_NDC.square().sum(1) * (0.1 / (2 * degree + 1)))
        for one, other in ((1, 2), (2, 3)):
            invariants.append((seen[one] * seen[other] * weight_NM1).sum(1) * 0.1)
        first, second = self.ends(atoms_NW).chunk(2, -1)
        angles = self.angles(torch.cat([*seen, both], -1)) + first[:, None] + second[pairs.index_NM]
        known_NMX = known_NMX + self.pairs(functional.silu(angles))
        message = (known_NMX * self.gate(pairs.radial_NMR) * weight_NM1).sum(1) * _DENSITY
        change = self.counted(torch.cat([atoms_NW, message, *invariants], -1))
        return atoms_NW + self.atoms(functional.silu(change)), known_NMX


class ScoreNetwork(nn.Module):
    """From atoms with noise, and their conditions, to that noise in units of its standard deviation.

    All of its parameters have a leading dimension of 1, the trial, as the engine keeps those of several.

    Parameters
    ----------
    shape
        Its sizes.
    generators
        One, of the random numbers that the weights begin with.
    """

    def __init__(self, shape: Shape, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.shape = shape
        width, pair_width = shape.width, shape.pair_width
        self.condition = _mlp(shape.condition, width, generators)
        self.no_condition = nn.Parameter(torch.zeros(1, width))
        self.noise = _mlp(1 + 2 * _WAVES, width, generators)
        self.first = Linear(shape.radial, pair_width, generators)
        self.layers = nn.ModuleList(Layer(shape, generators) for _ in range(shape.layers))
        self.last = Linear(pair_width, pair_width, generators)
        self.ends = Linear(width, 2 * pair_width, generators)
        self.gate = Linear(shape.radial, pair_width, generators)
        self.strength = Linear(pair_width, 1, generators)
        self.look = _mlp(width, shape.condition, generators)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.no_condition.device

    def forward(
        self, graph: Graph, noise: float, condition_NC: Tensor, has_condition_N: Tensor
    ) -> NetworkOutput:
        """Return the noise on the atoms, and their conditions as they look.

        Parameters
        ----------
        graph
            Of the atoms where they are.
        noise
            Its standard deviation, angstrom.
        condition_NC, has_condition_N
            The condition of each atom, and which have one.
        """
        distance_NM = graph.vector_NM3.norm(dim=-1).clamp_min(_NOTHING)
        direction_NM3 = graph.vector_NM3 / distance_NM[..., None]
        pairs = Pairs(
            graph.index_NM,
            self._radial(distance_NM),
            harmonics(direction_NM3),
            _cut_off(distance_NM / self.shape.cutoff) * graph.is_there_NM,
        )
        condition_NW = torch.where(
            has_condition_N[:, None], self._of_one(self.condition, condition_NC), self.no_condition
        )
        waves = self._waves(noise)
        atoms_NW = condition_NW + self._of_one(self.noise, waves)
        known_NMX = self.first(pairs.radial_NMR)
        for layer in self.layers:
            atoms_NW, known_NMX = layer(atoms_NW, known_NMX, pairs)
        first, second = self.ends(atoms_NW).chunk(2, -1)
        known_NMX = functional.silu(self.last(known_NMX) + first[:, None] + second[graph.index_NM])
        strength_NM = self.strength(known_NMX * self.gate(pairs.radial_NMR))[..., 0] * pairs.weight_NM
        noise_N3 = -torch.bmm(strength_NM[:, None], direction_NM3)[:, 0]
        return NetworkOutput(noise_N3, self._of_one(self.look, atoms_NW))

    def _of_one(self, network: nn.Module, rows_NC: Tensor) -> Tensor:
        out: Tensor = network(rows_NC[None])
        return out[0]

    def _radial(self, distance_NM: Tensor) -> Tensor:
        """Return sines over the distance that vanish at the cut-off, (N, M, R).

        As of Gasteiger et al., arXiv:2003.03123, but for half an angstrom, which keeps them small at 0.
        None is so small that products underflow.
        """
        number = torch.arange(1, self.shape.radial + 1, device=distance_NM.device)
        distance = distance_NM[..., None]
        waves = torch.sin(distance * number * (math.pi / self.shape.cutoff))
        return waves * (2 * math.sqrt(2 / self.shape.cutoff)) / (distance + 0.5)

    def _waves(self, noise: float) -> Tensor:
        """Return the logarithm of the noise, and waves of it, (1, 1 + 2 _WAVES)."""
        level = math.log(noise)
        phases = [0.7 * level * n for n in range(1, _WAVES + 1)]
        waves = [0.5 * level, *map(math.sin, phases), *map(math.cos, phases)]
        return self.no_condition.new_tensor([waves])


def harmonics(direction_NM3: Tensor) -> Tensor:
    """Return the real spherical harmonics of degrees 0 to 3 of unit vectors, (N, M, 16).

    The products of those of degree l of two directions sum to (2 l + 1) P_l(cos) of the angle between them.
    """
    x, y, z = direction_NM3.unbind(-1)
    root = math.sqrt
    return torch.stack(
        [
            torch.ones_like(x),
            *(root(3) * x, root(3) * y, root(3) * z),
            *(root(15) * x * y, root(15) * y * z, root(5) / 2 * (3 * z * z - 1)),
            *(root(15) * x * z, root(15) / 2 * (x * x - y * y)),
            *(root(35 / 8) * y * (3 * x * x - y * y), root(105) * x * y * z),
            *(root(21 / 8) * y * (5 * z * z - 1), root(7) / 2 * z * (5 * z * z - 3)),
            *(root(21 / 8) * x * (5 * z * z - 1), root(105) / 2 * z * (x * x - y * y)),
            root(35 / 8) * x * (x * x - 3 * y * y),
        ],
        dim=-1,
    )


def _cut_off(share_NM: Tensor) -> Tensor:
    """Return how much a neighbour counts: 1 at no distance, 0 from the cut-off on, twice differentiable."""
    t = share_NM.clamp(max=1)
    return 1 - t**3 * (10 - 15 * t + 6 * t * t)


def _mlp(n_in: int, n_out: int, generators: Sequence[torch.Generator]) -> nn.Sequential:
    return mlp([n_in, max(n_in, n_out), n_out], "none", generators)
