"""A periodic structure as pymatgen has it, from the text of a POSCAR; refused where it can be none."""

import warnings
from typing import Any

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.structures.poscar import poscar_fault, with_one_scale

_SMALLEST_CELL = 0.1  # angstrom, of the edge of a cube
_LARGEST_CELL = 1e8  # cubic angstrom; atoms are sought in cubes, all of which are in memory
_FARTHEST = 1000.0
_SEARCHED = 2.0  # angstrom, the edge of these
_NEAREST_ATOMS = 0.5  # angstrom; the shortest bond, of H2, is 0.74
_NO_STRUCTURE = (
    "its lines are those of a POSCAR, but they make no crystal: are the cell and the elements right?"
)
_NO_ELEMENTS = "the POSCAR names no elements (VASP 4): write a line of them above the numbers of atoms"


def structure_of(poscar: bytes) -> Any:
    """Return the structure that a POSCAR describes.

    Raises
    ------
    SpectrumError
        With the reason, if it cannot be read, names no elements, is too large, or two atoms are at one place.
    """
    with warnings.catch_warnings(action="ignore"):  # of numbers that are refused here
        structure = _read(poscar.decode("utf-8-sig", errors="replace"))
        require_possible(structure)
    return structure


def _read(text: str) -> Any:
    from pymatgen.core import Element
    from pymatgen.io.vasp import Poscar

    try:
        content = Poscar.from_str(with_one_scale(text), read_velocities=False)
        structure = content.structure
        if structure.volume < _SMALLEST_CELL**3:
            raise ValueError("a cell without a volume")
    except Exception as error:  # pymatgen raises all kinds for a damaged POSCAR
        fault = poscar_fault(text, Element.is_valid_symbol) or _NO_STRUCTURE
        raise SpectrumError(f"the structure cannot be read: {fault}") from error
    if not content.true_names:  # pymatgen makes them up then: H, He, Li, ...
        raise SpectrumError(_NO_ELEMENTS)
    return structure


def require_possible(structure: Any) -> None:
    """Raise SpectrumError if a structure is too large, or two atoms are at one place."""
    elements = [site.species_string for site in structure]
    if fault := _too_far(structure) or _two_at_one_place(structure, elements):
        raise SpectrumError(fault)


def _too_far(structure: Any) -> str:
    """Return what of a structure is larger than neighbours can be sought in, nothing if all is well."""
    if not (np.abs(structure.frac_coords) < _FARTHEST).all():
        return f"the position of an atom is no number, or more than {_FARTHEST:g} cells away"
    extent_3 = np.abs(structure.lattice.matrix).sum(axis=0) + np.ptp(structure.cart_coords, axis=0)
    if not np.prod(extent_3) < _LARGEST_CELL:
        return f"cell and atoms take more than {_LARGEST_CELL:g} cubic angstrom; cut the structure out of it"
    return ""


def _two_at_one_place(structure: Any, elements: list[str]) -> str:
    """Return which two atoms of a structure cannot both be there, nothing if all can."""
    first, second, _, distance = structure.get_neighbor_list(_SEARCHED, exclude_self=True)
    apart = (first != second) & (distance < _NEAREST_ATOMS)  # an image of itself is a matter of the cell
    if not apart.any():
        return ""
    nearest = np.lexsort((second[apart], first[apart], distance[apart].round(6)))[0]
    i, j = sorted((int(first[apart][nearest]), int(second[apart][nearest])))
    return (
        f"two atoms at one place: {elements[i]} (site {i}) and {elements[j]} (site {j}) are "
        f"{distance[apart][nearest]:.2f} angstrom apart; leave one out of the structure"
    )
