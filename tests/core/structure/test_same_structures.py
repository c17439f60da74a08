"""Structures that are one crystal in other cells are found, and others are not."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rankaae_cli.core.structure.periodic import loose_packing
from rankaae_cli.core.structure.same_structures import NEIGHBOURS, same_structures, surroundings

RUTILE = np.diag([4.594, 4.594, 2.959])
U = 0.305
TITANIUM, OXYGEN = [(0, 0, 0), (0.5, 0.5, 0.5)], [(U, U, 0), (-U, -U, 0)]
FRACTIONS = np.array([*TITANIUM, *OXYGEN, (0.5 + U, 0.5 - U, 0.5), (0.5 - U, 0.5 + U, 0.5)])
SPECIES = ("Ti", "Ti", "O", "O", "O", "O")


def test_distances_are_those_to_all_images():
    found = surroundings(RUTILE, FRACTIONS @ RUTILE, SPECIES)
    images = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), -1).reshape(-1, 1, 3)
    everything = ((FRACTIONS + images) @ RUTILE).reshape(-1, 3)
    for atom, row in zip(FRACTIONS @ RUTILE, found.distance_NJ, strict=True):
        expected = np.sort(np.linalg.norm(everything - atom, axis=1))[1 : NEIGHBOURS + 1]
        assert row == pytest.approx(expected, abs=1e-9)
    assert found.composition == (("O", 2), ("Ti", 1))


def test_another_cell_of_one_crystal_is_the_same_and_another_crystal_is_not():
    rng = np.random.default_rng(0)
    turned = Rotation.random(random_state=0).as_matrix()
    doubled = np.concatenate([FRACTIONS, FRACTIONS + np.array([0, 0, 1])]) @ RUTILE
    moved = (doubled + rng.normal(0, 0.003, doubled.shape) + np.array([0.4, 1.0, 0.2])) @ turned
    order = rng.permutation(12)
    cell = (np.diag([1, 1, 2]) @ RUTILE) @ turned
    strained = RUTILE @ np.diag([1, 1, 1.05])
    structures = {
        "rutile": surroundings(RUTILE, FRACTIONS @ RUTILE, SPECIES),
        "again": surroundings(cell, moved[order], tuple((SPECIES * 2)[i] for i in order)),
        "strained": surroundings(strained, FRACTIONS @ strained, SPECIES),
        "tin": surroundings(RUTILE, FRACTIONS @ RUTILE, ("Sn", "Sn", *SPECIES[2:])),
    }
    ((first, second, distance),) = same_structures(structures)
    assert (first, second) == ("rutile", "again") and 0 < distance < 0.03


def test_packings_without_order_are_not_the_same_for_their_density():
    rng = np.random.default_rng(1)
    lattice = np.eye(3) * 10
    packings = {str(i): surroundings(lattice, loose_packing(lattice, 60, rng), ("C",) * 60) for i in range(6)}
    assert not list(same_structures(packings))


def test_one_atom_alone_in_a_large_cell_has_its_images_around_it():
    (row,) = surroundings(np.eye(3) * 30, np.zeros((1, 3)), ("Cu",)).distance_NJ
    assert row[:6] == pytest.approx(30) and row[6:18] == pytest.approx(30 * 2**0.5)
