import numpy as np
import pytest
import torch

from rankaae_cli.core.structure.periodic import pairs_within
from rankaae_cli.models.diffusion.network import Graph, ScoreNetwork, Shape
from rankaae_cli.models.diffusion.sampler import ConditionedScore, Course, generate_positions
from rankaae_cli.networks.layers import trial_generators

SHAPE = Shape(cutoff=2.4, layers=1, width=6, pair_width=5, channels=2, radial=4, condition=2)
CELL = np.eye(3) * 6.0
SITES = np.stack(np.meshgrid(*[np.arange(3) * 2.0] * 3, indexing="ij"), -1).reshape(-1, 3)


def towards_sites(positions, noise):
    """The noise of atoms that had each been at the nearest of some sites, a small one around them left aside."""
    apart = positions[:, None] - SITES
    apart -= 6 * np.round(apart / 6)
    nearest = np.linalg.norm(apart, axis=2).argmin(axis=1)
    return apart[np.arange(len(positions)), nearest] / noise


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_atoms_end_where_the_score_sends_them(temperature):
    course = Course(60, 0.4, 0.02, temperature, nearest=0.5)
    steps = []
    positions = generate_positions(towards_sites, CELL, 20, course, np.random.default_rng(0), steps.append)
    assert steps == list(range(1, 61))
    again = generate_positions(towards_sites, CELL, 20, course, np.random.default_rng(0))
    assert (positions == again).all()
    off = np.linalg.norm(towards_sites(positions, 1.0), axis=1)
    assert np.median(off) < 1e-9  # all but those that two atoms were sent to one site


def test_no_two_atoms_are_nearer_than_may_be():
    course = Course(20, 0.8, 0.05, 1.0, nearest=1.1)
    positions = generate_positions(lambda x, noise: 0 * x, CELL, 60, course, np.random.default_rng(0))
    assert pairs_within(CELL, positions, 2.0).distance_P.min() > 1.099


def test_guidance_weighs_answers():
    network = ScoreNetwork(SHAPE, trial_generators(0, [0]))
    conditions = np.random.default_rng(1).normal(size=(27, 2))
    positions = SITES + 0.2 * np.random.default_rng(0).normal(size=SITES.shape)

    def answer(guidance):
        return ConditionedScore(network, CELL, conditions, guidance).score(positions, 0.3)

    nothing, all_told = answer(0.0), answer(1.0)
    assert not np.allclose(nothing, all_told)
    np.testing.assert_allclose(answer(1.5), 1.5 * all_told - 0.5 * nothing, atol=1e-5)


def test_atoms_are_told_what_they_look_most_like():
    network = ScoreNetwork(SHAPE, trial_generators(0, [0]))
    positions = SITES + 0.2 * np.random.default_rng(0).normal(size=SITES.shape)
    graph = Graph.of(CELL, positions, SHAPE.cutoff)
    with torch.no_grad():
        looks = network(
            graph, 0.3, torch.zeros(27, 2), torch.zeros(27, dtype=torch.bool)
        ).condition_NC.numpy()
    order = np.random.default_rng(1).permutation(27)
    score = ConditionedScore(network, CELL, looks[order] + 1e-4, 1.0)
    score.assign(positions, 0.3)
    assert (order[score.order_N] == np.arange(27)).all()
    unconditional = ConditionedScore(network, CELL, looks[order], 0.0)
    unconditional.assign(positions, 0.3)
    assert (unconditional.order_N == np.arange(27)).all()
