import itertools

import numpy as np
import pytest

from rankaae_cli.core.structure.masses import density_of, volume_of
from rankaae_cli.core.structure.periodic import (
    loose_packing,
    moved_apart,
    pairs_within,
    widths,
)

SKEWED = np.array([[4.0, 0, 0], [1.5, 5, 0], [-1, 0.7, 6]])


def test_pairs_are_those_of_all_images():
    """Against every image of every atom in a block of 7 x 7 x 7 cells."""
    positions = np.random.default_rng(0).random((5, 3)) @ SKEWED + 3 * SKEWED[1]
    expected = []
    for i, j in itertools.product(range(5), repeat=2):
        for shift in itertools.product(range(-3, 4), repeat=3):
            vector = positions[j] + np.array(shift) @ SKEWED - positions[i]
            if 0 < np.linalg.norm(vector) <= 6.5:
                expected.append((i, j, *vector.round(6)))
    pairs = pairs_within(SKEWED, positions, 6.5)
    vectors = pairs.vector_P3.round(6).tolist()
    found = [(i, j, *v) for i, j, v in zip(pairs.first_P, pairs.second_P, vectors, strict=True)]
    assert sorted(found) == sorted(expected)
    assert (np.diff(pairs.first_P) >= 0).all()
    assert np.allclose(pairs.distance_P, np.linalg.norm(pairs.vector_P3, axis=1))


def test_widths_are_the_distances_of_faces():
    expected = [
        abs(np.linalg.det(SKEWED)) / np.linalg.norm(np.cross(SKEWED[(i + 1) % 3], SKEWED[(i + 2) % 3]))
        for i in range(3)
    ]
    assert np.allclose(widths(SKEWED), expected)


def test_atoms_are_moved_apart_and_no_farther():
    lattice = np.eye(3) * 8
    positions = np.array([[0.1, 0, 0], [7.9, 0, 0], [4, 4, 4]])  # 0.2 apart, over a face
    moved = moved_apart(lattice, positions, 1.1)
    assert pairs_within(lattice, moved, 4).distance_P.min() == pytest.approx(1.1, abs=2e-3)
    assert (moved[2] == positions[2]).all()
    assert np.allclose(moved[0] + moved[1], positions[0] + positions[1])


def test_a_packing_has_neither_order_nor_voids():
    lattice = np.eye(3) * np.cbrt(volume_of("C", 216, 2.0))
    assert 216 * 12.011 / 0.602214076 / lattice[0, 0] ** 3 == pytest.approx(2.0)
    assert density_of("C", 216, lattice[0, 0] ** 3) == pytest.approx(2.0)
    one, other = (loose_packing(lattice, 216, np.random.default_rng(seed)) for seed in (0, 1))
    assert not np.allclose(one, other)
    assert pairs_within(lattice, one, 3).distance_P.min() > 1.7
    anywhere = np.random.default_rng(0).random((216, 3)) @ lattice
    spread = [np.bincount(pairs_within(lattice, p, 3).first_P, minlength=216).std() for p in (one, anywhere)]
    assert spread[0] < 0.6 * spread[1]
