"""Mixtures of computed spectra in known shares, as a sample of several valences gives them.

Absorption normalised a site adds up in the shares of the sites, at the energies where it lies, and so does a
valence: that of a mixture is the mean of its parts' in their shares. A model of mixtures is tested on parts that it
never saw, so mixtures are drawn of one side of a split at a time: no material is on both, alone or in a mixture.

Letters: M mixtures, C components.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Sets of materials are at most so many, and hold each value that occurs in enough materials.
_MOST_BLOCKS, _ENOUGH = 40, 5


@dataclass(frozen=True)
class Mixtures:
    """Mixtures of rows.

    Attributes
    ----------
    row_MC
        Indices of the rows that are mixed; those of share 0 do not count.
    share_MC
        Their shares, which add up to 1.
    block_M
        The set of materials that each is drawn of, from 0. No material is in two, so that folds and resamples of
        sets are as honest as those of materials.
    """

    row_MC: np.ndarray
    share_MC: np.ndarray
    block_M: np.ndarray

    def of(self, values_NX: np.ndarray) -> np.ndarray:
        """Return the mixtures' spectra (M, E), or means (M,), of those of the rows, (N, E) or (N,), float64."""
        total = np.zeros((len(self.row_MC), *values_NX.shape[1:]))
        for row_M, share_M in zip(self.row_MC.T, self.share_MC.T, strict=True):
            # A component of share 0 may be of any row, also one whose value is not known.
            part = np.where(share_M.reshape(-1, *[1] * (values_NX.ndim - 1)) > 0, values_NX[row_M], 0.0)
            total += share_M.reshape(-1, *[1] * (values_NX.ndim - 1)) * part
        return total


def draw_mixtures(
    value_N: np.ndarray,
    material_N: Sequence[Any] | np.ndarray,
    mixtures: int,
    components: int,
    rng: np.random.Generator,
) -> Mixtures:
    """Draw mixtures of rows of different values and different materials.

    A mixture has from two components to as many as are asked for and its set of materials allows, each number as
    often; their values are drawn first, then of each a material, then one of its rows. All shares are equally
    likely (Dirichlet's distribution of parameter 1).

    Parameters
    ----------
    value_N
        What mixes, such as a valence: few different values, NaN where not known, shape (N,).
    material_N
        Material of each row of one side of a split.
    mixtures
        M, their number.
    components
        The most in one.
    rng
        Source of randomness.

    Raises
    ------
    ValueError
        If no two materials have different values.
    """
    known = np.flatnonzero(np.isfinite(value_N))
    _, material = np.unique(np.asarray(material_N)[known].astype(str), return_inverse=True)
    rows = _by_block(known, np.asarray(value_N)[known], material, rng)
    if not rows:
        raise ValueError("no two materials have different values")
    row_MC, share_MC = np.zeros((mixtures, components), dtype=np.int64), np.zeros((mixtures, components))
    block_M = np.arange(mixtures) % len(rows)
    for m, block in enumerate(block_M):
        chosen = _components(rows[block], int(rng.integers(2, components + 1)), rng)
        row_MC[m, : len(chosen)] = chosen
        share_MC[m, : len(chosen)] = rng.dirichlet(np.ones(len(chosen)))
    return Mixtures(row_MC, share_MC, block_M)


# Of one set of materials: by value the rows of each material.
_Block = dict[float, dict[int, np.ndarray]]


def _by_block(
    known: np.ndarray, value: np.ndarray, material: np.ndarray, rng: np.random.Generator
) -> list[_Block]:
    """Return sets of materials, each value about as often in each; none of which nothing can be mixed."""
    mean_value = np.bincount(material, value) / np.bincount(material)
    order = rng.permutation(len(mean_value))
    order = order[np.argsort(mean_value[order], kind="stable")]
    of_value = sorted(len(np.unique(material[value == one])) for one in np.unique(value))
    n_blocks = min([_MOST_BLOCKS, *of_value[-2:], *(n for n in of_value if n >= _ENOUGH)])
    block = np.empty(len(order), dtype=np.int64)
    block[order] = np.arange(len(order)) % n_blocks
    blocks: list[_Block] = [{} for _ in range(n_blocks)]
    for index in np.unique(material):
        for one in np.unique(value[material == index]):
            rows = known[(material == index) & (value == one)]
            blocks[block[index]].setdefault(float(one), {})[int(index)] = rows
    return [one for one in blocks if len({index for rows in one.values() for index in rows}) > 1 < len(one)]


def _components(block: _Block, most: int, rng: np.random.Generator) -> list[int]:
    """Return rows of different values and materials, two or more, at most as many as asked for."""
    while True:
        chosen: dict[int, int] = {}
        for value in rng.permutation(list(block)):
            materials = [index for index in block[value] if index not in chosen]
            if materials and len(chosen) < most:
                index = materials[int(rng.integers(len(materials)))]
                chosen[index] = int(rng.choice(block[value][index]))
        if len(chosen) > 1:
            return list(chosen.values())
