import numpy as np
import pytest
import torch
from scipy.special import eval_legendre

from rankaae_cli.core.structure.masses import volume_of
from rankaae_cli.core.structure.periodic import loose_packing
from rankaae_cli.models.diffusion.network import Graph, ScoreNetwork, Shape, harmonics
from rankaae_cli.networks.layers import trial_generators

SHAPE = Shape(cutoff=3.0, layers=2, width=12, pair_width=8, channels=4, radial=6, condition=3)


@pytest.fixture
def network():
    return ScoreNetwork(SHAPE, trial_generators(0, [0])).double()


@pytest.fixture
def atoms():
    random = np.random.default_rng(0)
    lattice = np.cbrt(volume_of("C", 40, 2.5)) * np.eye(3) @ (np.eye(3) + 0.1 * random.normal(size=(3, 3)))
    return lattice, loose_packing(lattice, 40, random) + 0.2 * random.normal(size=(40, 3))


def conditions(n=40, seed=1):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=random).double(), torch.rand(n, generator=random) < 0.7


def answer(network, lattice, positions, numbers=None, noise=0.3):
    graph = Graph.of(lattice, positions, SHAPE.cutoff)
    graph = Graph(graph.index_NM, graph.vector_NM3.double(), graph.is_there_NM.double())
    with torch.no_grad():
        return network(graph, noise, *(numbers or conditions(len(positions)))).noise_N3.numpy()


def test_harmonics_add_up_to_legendre_polynomials():
    u, v = torch.nn.functional.normalize(torch.randn(2, 5, 1, 3).double(), dim=-1)
    cosine = (u * v).sum(-1)[:, 0].numpy()
    products = harmonics(u)[:, 0] * harmonics(v)[:, 0]
    for degree, part in enumerate((slice(0, 1), slice(1, 4), slice(4, 9), slice(9, 16))):
        expected = (2 * degree + 1) * eval_legendre(degree, cosine)
        assert np.allclose(products[:, part].sum(1), expected)


def test_answers_turn_with_the_structure(network, atoms):
    lattice, positions = atoms
    before = answer(network, lattice, positions)
    assert np.abs(before).max() > 1e-3
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    for matrix in (turn, -turn):  # one of both mirrors
        after = answer(network, lattice @ matrix, positions @ matrix)
        np.testing.assert_allclose(after, before @ matrix, atol=1e-6)
    # Nor does it matter where the cell begins, or in which order the atoms are.
    np.testing.assert_allclose(answer(network, lattice, positions + 1.7), before, atol=1e-6)
    order = np.random.default_rng(3).permutation(40)
    numbers = tuple(one[torch.from_numpy(order)] for one in conditions())
    np.testing.assert_allclose(answer(network, lattice, positions[order], numbers), before[order], atol=1e-6)


def test_a_larger_cell_is_answered_alike(network, atoms):
    lattice, positions = atoms
    doubled = np.diag([2, 1, 1]) @ lattice
    both = np.concatenate([positions, positions + lattice[0]])
    numbers = tuple(torch.cat([one, one]) for one in conditions())
    np.testing.assert_allclose(
        answer(network, doubled, both, numbers),
        np.tile(answer(network, lattice, positions), (2, 1)),
        atol=1e-6,
    )


def test_only_atoms_that_are_told_something_heed_it(network, atoms):
    numbers, has_condition = conditions()
    changed = torch.where(has_condition[:, None], numbers, numbers + 1)
    assert (
        answer(network, *atoms, (numbers, has_condition)) == answer(network, *atoms, (changed, has_condition))
    ).all()
    nobody = torch.zeros(40, dtype=torch.bool)
    assert not np.allclose(answer(network, *atoms, (numbers, nobody)), answer(network, *atoms))


def test_neighbours_come_and_go_smoothly(network):
    lattice, positions = np.eye(3) * 10, np.array([[5.0, 5, 5], [6.4, 5, 5], [5, 5, 5]])
    outside, inside, nearer = (
        answer(network, lattice, positions + np.array([[0], [0], [1]]) * [0, x, 0])
        for x in (3.0001, 2.9999, 2.5)
    )
    assert np.abs(inside - outside).max() < 1e-6 < np.abs(nearer - outside).max()
