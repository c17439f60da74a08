"""Atoms in a cell that repeats: pairs within a distance, packings without structure, and atoms moved apart."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

_STEPS, _STEPS_OF_PACKING = 400, 50  # of a relaxation at most
_SHARE = 0.4  # of an overlap that a step takes away


class Pairs(NamedTuple):
    """Pairs of atoms, each in both directions, by the first one.

    Attributes
    ----------
    first_P, second_P
        Indices of the atoms.
    vector_P3
        From the first to the image of the second that is meant, angstrom.
    """

    first_P: np.ndarray
    second_P: np.ndarray
    vector_P3: np.ndarray

    @property
    def distance_P(self) -> np.ndarray:
        """Lengths of the vectors."""
        return np.asarray(np.linalg.norm(self.vector_P3, axis=1))


def widths(lattice: np.ndarray) -> np.ndarray:
    """Return the distances between opposite faces of a cell, (3,), whose vectors are rows, (3, 3)."""
    return np.asarray(1 / np.linalg.norm(np.linalg.inv(lattice), axis=0))


def pairs_within(lattice: np.ndarray, positions_N3: np.ndarray, cutoff: float) -> Pairs:
    """Return all pairs of atoms, and of images of atoms, up to a distance apart; time grows with their number.

    The atoms of the cell are sought in a tree of these and of all images within the cut-off of its faces.
    """
    fractions_N3 = positions_N3 @ np.linalg.inv(lattice)
    images, atom = fractions_N3 - np.floor(fractions_N3), np.arange(len(positions_N3))
    inside_N3 = images @ lattice
    for axis, reach in enumerate(cutoff / widths(lattice)):
        steps = range(-int(np.ceil(reach)), int(np.ceil(reach)) + 1)
        shifted = [images + step * np.eye(3)[axis] for step in steps]
        near = [(one[:, axis] >= -reach) & (one[:, axis] <= 1 + reach) for one in shifted]
        images = np.concatenate([one[k] for one, k in zip(shifted, near, strict=True)])
        atom = np.concatenate([atom[k] for k in near])
    images = images @ lattice
    found = cKDTree(inside_N3).sparse_distance_matrix(cKDTree(images), cutoff, output_type="coo_matrix")
    vector_P3 = images[found.col] - inside_N3[found.row]
    other = found.data > 0  # an atom at a distance of 0 is itself
    order = np.lexsort((found.data[other], found.row[other]))
    first, second = (index[other][order] for index in (found.row, found.col))
    return Pairs(first, atom[second], vector_P3[other][order])


def moved_apart(
    lattice: np.ndarray, positions_N3: np.ndarray, least: float, steps: int = _STEPS
) -> np.ndarray:
    """Return positions where no two atoms are nearer than a distance, as far as there is room, by the least moves.

    Of each pair that is nearer, both atoms are moved away from each other, all pairs at once, until there is none.
    """
    moved_N3 = positions_N3.copy()
    for _ in range(steps):
        first, _, vector = pairs_within(lattice, moved_N3, least)
        if not len(first):
            break
        distance = np.linalg.norm(vector, axis=1)
        push = _SHARE * (least * 1.001 - distance) / distance
        np.subtract.at(moved_N3, first, push[:, None] * vector)
    return moved_N3


def loose_packing(lattice: np.ndarray, atoms: int, random: np.random.Generator) -> np.ndarray:
    """Return positions (N, 3) of atoms at random that keep apart, so that every part of the cell holds as many.

    Atoms put anywhere would leave voids that no local rule fills again.
    """
    positions_N3 = random.random((atoms, 3)) @ lattice
    of_closest = (np.sqrt(2) * abs(np.linalg.det(lattice)) / atoms) ** (1 / 3)
    return moved_apart(lattice, positions_N3, 0.9 * of_closest, _STEPS_OF_PACKING)
