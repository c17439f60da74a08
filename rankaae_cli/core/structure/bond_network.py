"""The order of a network of bonds: coordination, angles and rings, and how far those of two networks are apart."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rankaae_cli.core.structure.periodic import pairs_within

ANGLE_STEP = 5  # degrees
LARGEST_RING, _LONGEST_PATH = 8, 12
_MOST_NEIGHBOURS = 12
BINS = {
    "coordination": np.arange(_MOST_NEIGHBOURS + 2) - 0.5,
    "angles": np.arange(0.0, 180.0 + ANGLE_STEP, ANGLE_STEP),
    "rings": np.arange(3, LARGEST_RING + 2) - 0.5,
}


class BondNetwork(NamedTuple):
    """What is counted in the bonds of one structure, or of several together.

    Attributes
    ----------
    coordination
        Bonds of each atom.
    angles
        Between any two bonds of one atom, degrees.
    rings
        Bonds in the shortest ring through any two bonds of one atom (King, Nature 213, 1112 (1967)), where one of
        at most twelve closes.
    """

    coordination: np.ndarray
    angles: np.ndarray
    rings: np.ndarray

    @classmethod
    def of(
        cls, lattice: np.ndarray, positions_N3: np.ndarray, bond: float, atoms: np.ndarray | None = None
    ) -> "BondNetwork":
        """Return what is counted where atoms up to `bond` (angstrom) apart are bonded.

        Of `atoms` alone where they are given, each as often as it is named.
        """
        pairs = pairs_within(lattice, positions_N3, bond)
        count_N = np.bincount(pairs.first_P, minlength=len(positions_N3))
        direction_P3 = pairs.vector_P3 / pairs.distance_P[:, None]
        ends_N = np.cumsum(count_N)
        neighbours = [part.tolist() for part in np.split(pairs.second_P, ends_N[:-1])]
        counted = np.arange(len(positions_N3)) if atoms is None else atoms
        angles = [np.empty(0)]
        for end, count in zip(ends_N[counted], count_N[counted], strict=True):
            own_3 = direction_P3[end - count : end]
            cosine = (own_3 @ own_3.T)[np.triu_indices(count, 1)]
            angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        rings = np.array(_rings(neighbours, counted), dtype=np.int64)
        return cls(count_N[counted], np.concatenate(angles), rings)

    @classmethod
    def joined(cls, parts: Iterable["BondNetwork"]) -> "BondNetwork":
        """Return the counts of several structures as those of one."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def shares(self) -> dict[str, np.ndarray]:
        """Return the shares of the bins of `BINS`, by name."""
        counted = {name: np.histogram(getattr(self, name), bins)[0] for name, bins in BINS.items()}
        return {name: counts / max(counts.sum(), 1) for name, counts in counted.items()}

    def distances(self, other: "BondNetwork") -> dict[str, float]:
        """Return how far the shares of two networks are apart, by name: total variation, from 0 to 1.

        That is the share of atoms, angles (in bins of 5 degrees) or rings (of 3 to 8 bonds) that would have to be
        others for both to be alike.
        """
        ours, theirs = self.shares(), other.shares()
        return {name: float(np.abs(ours[name] - theirs[name]).sum() / 2) for name in BINS}


def _rings(neighbours: Sequence[Sequence[int]], atoms: np.ndarray) -> list[int]:
    """Return the size of the shortest ring through every two neighbours of some atoms, as far as it closes."""
    sizes = []
    for atom in atoms:
        own = neighbours[atom]
        for i, start in enumerate(own):
            lengths = _paths(neighbours, start, atom, set(own[i + 1 :]))
            sizes += [length + 2 for length in lengths]
    return sizes


def _paths(neighbours: Sequence[Sequence[int]], start: int, without: int, targets: set[int]) -> list[int]:
    """Return the lengths of the shortest paths from an atom to some targets that do not pass another one."""
    seen, front, lengths = {without, start}, [start], []
    for length in range(1, _LONGEST_PATH - 1):
        front = [one for one in dict.fromkeys(n for a in front for n in neighbours[a]) if one not in seen]
        seen.update(front)
        found = targets & set(front)
        lengths += [length] * len(found)
        targets = targets - found
        if not targets or not front:
            break
    return lengths


def radial_distribution(lattice: np.ndarray, positions_N3: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return g(r) in bins of distances (angstrom), (len(edges) - 1,): pairs over those of atoms anywhere."""
    counts = np.histogram(pairs_within(lattice, positions_N3, edges[-1]).distance_P, edges)[0]
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    n = len(positions_N3)
    return np.asarray(counts / (n * shells * n / abs(np.linalg.det(lattice))))
