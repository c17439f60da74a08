"""Structures as text that other programs read: extended XYZ and CIF."""

from collections.abc import Mapping

import numpy as np

from rankaae_cli.data.structures.structure_set import Structure


def extended_xyz(structure: Structure, about: Mapping[str, str | float]) -> str:
    """Return a frame of an extended XYZ file; `about` stands in its comment."""
    lattice = " ".join(f"{number:.8f}" for number in structure.lattice.ravel())
    notes = " ".join(
        f'{key}="{value}"' if isinstance(value, str) else f"{key}={value:.6g}" for key, value in about.items()
    )
    atoms = [
        f"{element:2s} {x:14.8f} {y:14.8f} {z:14.8f}"
        for element, (x, y, z) in zip(structure.species, _within(structure), strict=True)
    ]
    comment = f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T" {notes}'.rstrip()
    return "\n".join([str(len(structure)), comment, *atoms]) + "\n"


def cif(structure: Structure, name: str) -> str:
    """Return a CIF file with all atoms of the cell, without symmetry."""
    a, b, c = structure.lattice
    lengths = [float(np.linalg.norm(vector)) for vector in (a, b, c)]
    angles = [_angle(b, c), _angle(a, c), _angle(a, b)]
    fractions = _within(structure) @ np.linalg.inv(structure.lattice)
    keys = [*(f"_cell_length_{axis}" for axis in "abc"), "_cell_angle_alpha", "_cell_angle_beta"]
    cell = [
        f"{key} {value:.8f}"
        for key, value in zip([*keys, "_cell_angle_gamma"], lengths + angles, strict=True)
    ]
    atoms = [
        f"{element}{i} {element} {x:.8f} {y:.8f} {z:.8f}"
        for i, (element, (x, y, z)) in enumerate(zip(structure.species, fractions, strict=True), 1)
    ]
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")
    head = [
        f"data_{name}",
        *cell,
        "_space_group_name_H-M_alt 'P 1'",
        "loop_",
        "_space_group_symop_operation_xyz",
    ]
    return "\n".join([*head, "'x, y, z'", "loop_", *(f"_atom_site_{c}" for c in columns), *atoms]) + "\n"


def _within(structure: Structure) -> np.ndarray:
    """Return the positions of the atoms' images in the cell, (N, 3)."""
    fractions = structure.positions @ np.linalg.inv(structure.lattice)
    return np.asarray((fractions - np.floor(fractions)) @ structure.lattice)


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
