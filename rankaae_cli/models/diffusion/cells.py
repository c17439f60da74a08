"""The cells that a diffusion model is trained on: where their atoms are, and the condition of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.periodic import widths
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import groups_of
from rankaae_cli.models.diffusion.settings import Condition


@dataclass(frozen=True)
class Cell:
    """A structure of N atoms.

    Attributes
    ----------
    group
        Name of what shares a side of the split, such as all snapshots of one network.
    lattice, positions_N3
        The vectors of the cell (3, 3), a row each, and where the atoms are; angstrom.
    condition_NC, has_condition_N
        The condition of each atom, standardised, and which have one: those with a row in the family.
    """

    group: str
    lattice: np.ndarray
    positions_N3: np.ndarray
    condition_NC: np.ndarray
    has_condition_N: np.ndarray


@dataclass(frozen=True)
class Conditioning:
    """How a spectrum, or the descriptors of a site, become the condition of an atom.

    Attributes
    ----------
    condition
        Which of both.
    mean_E, components_CE, scale_C
        (x - mean) @ components.T / scale: principal components of spectra of E points, or E descriptors, each a
        component by itself.
    """

    condition: Condition
    mean_E: np.ndarray
    components_CE: np.ndarray
    scale_C: np.ndarray

    @classmethod
    def of(cls, family: Family, rows: np.ndarray, condition: Condition, components: int) -> "Conditioning":
        """Return the conditioning by a family, fitted to some of its rows."""
        values_ME = _values(family, rows, condition)
        if condition is Condition.descriptors:
            mean_E, components_CE = np.nanmean(values_ME, axis=0), np.eye(values_ME.shape[1])
        else:
            mean_E = values_ME.mean(axis=0)
            components = min(components, *values_ME.shape)
            components_CE = np.linalg.svd(values_ME - mean_E, full_matrices=False)[2][:components]
            # The decomposition leaves signs open: the largest number of each component is positive.
            largest = np.abs(components_CE).argmax(axis=1)
            components_CE *= np.sign(components_CE[np.arange(components), largest])[:, None]
        scale_C = np.nanstd((values_ME - mean_E) @ components_CE.T, axis=0)
        return cls(condition, mean_E, components_CE, np.where(scale_C > 0, scale_C, 1.0))

    def __len__(self) -> int:
        return len(self.scale_C)

    def encode(self, values_ME: np.ndarray) -> np.ndarray:
        """Return the conditions of atoms with these spectra, or descriptors, (M, C); NaN where one is not known."""
        return np.asarray((values_ME - self.mean_E) @ self.components_CE.T / self.scale_C)

    def of_rows(self, family: Family, rows: np.ndarray) -> np.ndarray:
        """Return the conditions of the atoms of some rows of a family, (M, C), as `encode` does."""
        return self.encode(_values(family, rows, self.condition))


def _values(family: Family, rows: np.ndarray, condition: Condition) -> np.ndarray:
    """Return the spectra, or the descriptors, of some rows, (M, E)."""
    if condition is Condition.descriptors:
        return family.descriptors_NK[rows]
    return family.spectra_NE[rows].astype(np.float64)


def cells_of(family: Family, side: Sequence[int], conditioning: Conditioning) -> list[Cell]:
    """Return the structures of the rows that are on some sides of the split, by name."""
    on_side = np.isin(family.split_N, side)
    groups_N = groups_of(family, family.split_by)
    cells = []
    for name in sorted(set(family.material_N[on_side])):
        structure = family.structures[name]
        rows = np.flatnonzero((family.material_N == name) & on_side)
        condition_MC = conditioning.of_rows(family, rows)
        known = np.isfinite(condition_MC).all(axis=1)
        condition_NC = np.zeros((len(structure), len(conditioning)))
        has_condition_N = np.zeros(len(structure), dtype=bool)
        atoms = family.site_N[rows[known]]
        condition_NC[atoms], has_condition_N[atoms] = condition_MC[known], True
        group = str(groups_N[rows[0]])
        cells.append(Cell(group, structure.lattice, structure.positions, condition_NC, has_condition_N))
    return cells


def require_cells(family: Family, cutoff: float) -> None:
    """Refuse structures that cannot be trained on: of several elements, or narrower than twice the cut-off.

    Raises
    ------
    UserError
        With the first of them.
    """
    for name in sorted(set(family.material_N)):
        structure = family.structures[name]
        if others := sorted(set(structure.species) - {family.element}):
            raise UserError(
                f"structure {name!r} holds {others[0]} beside {family.element}: structures of one element alone "
                "can be generated\nleave it out of the data"
            )
        require_wide(
            structure.lattice, cutoff, f"the cell of structure {name!r}", "give a smaller model.cutoff="
        )


def require_wide(lattice: np.ndarray, cutoff: float, what: str, todo: str) -> None:
    """Raise UserError if a cell is narrower than twice the cut-off: an atom would have its own image beside it."""
    narrowest = widths(lattice).min()
    if narrowest < 2 * cutoff:
        raise UserError(
            f"{what} is {narrowest:.2f} angstrom wide, less than twice the cut-off of {cutoff:g} angstrom\n{todo}"
        )


def shared_networks(family: Family) -> list[str]:
    """Return, in a sentence, which structures on two sides of the split are most likely snapshots of one network.

    They have as many atoms of the same elements in a cell of the same vectors, to a thousandth.
    """
    first: dict[tuple[object, ...], tuple[str, int]] = {}
    pairs = []
    for name in sorted(set(family.material_N)):
        structure = family.structures[name]
        side = int(family.split_N[np.argmax(family.material_N == name)])
        cell = np.round(structure.lattice / np.cbrt(structure.volume), 3) + 0.0
        key = (structure.species, cell.tobytes(), round(float(np.log(structure.volume)) * 1000))
        known, of_side = first.setdefault(key, (name, side))
        if of_side != side:
            pairs.append(f"{known} and {name}")
    if not pairs:
        return []
    return [
        f"{pairs[0]} (and {len(pairs) - 1} more pairs) are on two sides of the split with the same cell: snapshots "
        "of one network, most likely, by which the test is none; give split_by=density"
    ]
