"""Structures that are one crystal but for the choice of cell, its orientation and small moves of the atoms.

Each atom is described by the distances to its nearest neighbours: the rows of a pointwise distance distribution
(Widdowson, Mosca, Pulido, Kurlin & Cooper, MATCH 87, 529 (2022)), which no choice of cell changes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import gcd, pi

import numpy as np

from rankaae_cli.core.structure.periodic import pairs_within

NEIGHBOURS = 20
THE_SAME = 0.05  # angstrom
_FIRST_ATOMS = 4  # that are compared before all are


@dataclass(frozen=True)
class Surroundings:
    """The surroundings of the atoms of a structure.

    Attributes
    ----------
    composition
        Elements with their smallest whole numbers.
    distance_NJ
        To the nearest neighbours of each atom, ascending, angstrom.
    """

    composition: tuple[tuple[str, int], ...]
    distance_NJ: np.ndarray


def surroundings(lattice: np.ndarray, positions_N3: np.ndarray, species: tuple[str, ...]) -> Surroundings:
    """Return the surroundings of the atoms of a structure, whose vectors are rows of `lattice`, angstrom."""
    count = Counter(species)
    common = gcd(*count.values())
    composition = tuple(sorted((element, number // common) for element, number in count.items()))
    volume = abs(float(np.linalg.det(lattice))) / len(species)
    reach = (3 * volume * (NEIGHBOURS + 1) / (4 * pi)) ** (1 / 3)
    while True:
        reach *= 1.3
        pairs = pairs_within(lattice, positions_N3, reach)
        number_N = np.bincount(pairs.first_P, minlength=len(species))
        if number_N.min() >= NEIGHBOURS:
            break
    first_N = np.cumsum(number_N) - number_N
    # The pairs are in order of their first atom, and then of their length.
    return Surroundings(composition, pairs.distance_P[first_N[:, None] + np.arange(NEIGHBOURS)])


def apart(one: Surroundings, other: Surroundings, below: float = THE_SAME) -> float:
    """Return by how much the distances in one structure differ at most from those around its like in the other.

    Each atom is held against the one of the other structure whose surroundings are nearest to its own, both ways;
    infinite as soon as an atom has none nearer than `below`, or where compositions differ.
    """
    if one.composition != other.composition:
        return float("inf")
    largest = 0.0
    for part_NJ, whole_MJ in (
        (one.distance_NJ[:_FIRST_ATOMS], other.distance_NJ),
        (one.distance_NJ[_FIRST_ATOMS:], other.distance_NJ),
        (other.distance_NJ, one.distance_NJ),
    ):
        for row_J in part_NJ:
            largest = max(largest, float(np.abs(whole_MJ - row_J).max(axis=1).min()))
            if largest >= below:
                return float("inf")
    return largest


def same_structures(structures: Mapping[str, Surroundings]) -> Iterator[tuple[str, str, float]]:
    """Give the pairs of structures that are the same, by name in the order given, and how far they are `apart`."""
    by_composition = defaultdict(list)
    for name, one in structures.items():
        by_composition[one.composition].append(name)
    for names in by_composition.values():
        mean_MJ = np.array([structures[name].distance_NJ.mean(axis=0) for name in names])
        for i, name in enumerate(names):
            # Cells of one crystal have each kind of atom as often, so that their means agree too.
            alike = np.abs(mean_MJ[i + 1 :] - mean_MJ[i]).max(axis=1, initial=0) < THE_SAME
            for j in i + 1 + np.flatnonzero(alike):
                distance = apart(structures[name], structures[names[j]], THE_SAME)
                if np.isfinite(distance):
                    yield name, names[j], distance
