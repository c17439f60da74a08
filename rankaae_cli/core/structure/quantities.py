"""Further quantities of an absorbing site's surroundings, which no style is tied to.

To add one, write one function of a `Shell` and add one line to `QUANTITIES`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial import ConvexHull
from scipy.special import eval_legendre

from rankaae_cli.core.structure.descriptors import (
    DESCRIPTORS,
    Descriptor,
    Shell,
    bond_lengths_M,
    of_angles,
    of_distances,
)

# Below this thickness, angstrom, neighbours lie in one plane: coordinates are hardly known better.
_FLAT = 1e-3
# R0 of the bonds to oxygen, angstrom, of one common oxidation state of each: Ti4+, V4+, Cr3+, Mn3+, Fe3+, Co2+,
# Ni2+, Cu2+. Brown and Altermatt, Acta Cryst. B 41, 244 (1985).
_R0_TO_OXYGEN = {
    "Ti": 1.815, "V": 1.784, "Cr": 1.724, "Mn": 1.760, "Fe": 1.759, "Co": 1.692, "Ni": 1.654, "Cu": 1.679,
}  # fmt: skip
_BOND_VALENCE_B = 0.37  # angstrom; same source
# Pauling's scale, as revised by Allred, J. Inorg. Nucl. Chem. 17, 215 (1961); gaps as in the CRC Handbook.
_ELECTRONEGATIVITY = {
    "H": 2.20, "Li": 0.98, "Be": 1.57, "B": 2.04, "C": 2.55, "N": 3.04, "O": 3.44, "F": 3.98,
    "Na": 0.93, "Mg": 1.31, "Al": 1.61, "Si": 1.90, "P": 2.19, "S": 2.58, "Cl": 3.16,
    "K": 0.82, "Ca": 1.00, "Sc": 1.36, "Ti": 1.54, "V": 1.63, "Cr": 1.66, "Mn": 1.55, "Fe": 1.83, "Co": 1.88,
    "Ni": 1.91, "Cu": 1.90, "Zn": 1.65, "Ga": 1.81, "Ge": 2.01, "As": 2.18, "Se": 2.55, "Br": 2.96,
    "Rb": 0.82, "Sr": 0.95, "Y": 1.22, "Zr": 1.33, "Nb": 1.60, "Mo": 2.16, "Tc": 1.90, "Ru": 2.20, "Rh": 2.28,
    "Pd": 2.20, "Ag": 1.93, "Cd": 1.69, "In": 1.78, "Sn": 1.96, "Sb": 2.05, "Te": 2.10, "I": 2.66, "Xe": 2.60,
    "Cs": 0.79, "Ba": 0.89, "La": 1.10, "Ce": 1.12, "Pr": 1.13, "Nd": 1.14, "Pm": 1.13, "Sm": 1.17, "Eu": 1.20,
    "Gd": 1.20, "Tb": 1.10, "Dy": 1.22, "Ho": 1.23, "Er": 1.24, "Tm": 1.25, "Yb": 1.10, "Lu": 1.27,
    "Hf": 1.30, "Ta": 1.50, "W": 2.36, "Re": 1.90, "Os": 2.20, "Ir": 2.20, "Pt": 2.28, "Au": 2.54, "Hg": 2.00,
    "Tl": 1.62, "Pb": 2.33, "Bi": 2.02, "Ac": 1.10, "Th": 1.30, "Pa": 1.50, "U": 1.38, "Np": 1.36, "Pu": 1.28,
}  # fmt: skip


def bond_valence_sum(shell: Shell) -> float:
    """Return the sum of exp((R0 - d) / 0.37) over the neighbouring oxygens' distances d, valence units.

    R0 is that of one oxidation state for each element, whatever the site's own is: so the sum depends on
    distances alone, and is known where no oxidation state is. That of Cu+ comes out about a quarter too high
    for that. NaN if a neighbour is no oxygen or the absorber has no R0 here. Brown and Altermatt, Acta Cryst.
    B 41, 244 (1985).
    """
    if not shell.elements or set(shell.elements) != {"O"} or shell.absorber not in _R0_TO_OXYGEN:
        return np.nan
    r0 = _R0_TO_OXYGEN[shell.absorber]
    return float(np.exp((r0 - bond_lengths_M(shell)) / _BOND_VALENCE_B).sum())


def steinhardt(degree: int) -> Callable[[Shell], float]:
    """Return the function that gives the Steinhardt order parameter of a degree l, in [0, 1].

    q_l = [4 pi / (2 l + 1) sum_m |mean_j Y_lm(r_j)|^2]^(1/2) over the neighbours' directions r_j: Steinhardt,
    Nelson and Ronchetti, Phys. Rev. B 28, 784 (1983). By the addition theorem of spherical harmonics it is the
    root of the mean over all ordered pairs, those of a neighbour with itself too, of the Legendre polynomial
    P_l(r_i . r_j). NaN without neighbours.
    """

    def order(shell: Shell) -> float:
        if not shell.elements:
            return np.nan
        unit_M3 = shell.vectors_M3 / bond_lengths_M(shell)[:, None]
        cosines = np.clip(unit_M3 @ unit_M3.T, -1, 1)
        return float(np.sqrt(max(eval_legendre(degree, cosines).mean(), 0.0)))

    return order


def sphericity(shell: Shell) -> float:
    """Return pi^(1/3) (6 V)^(2/3) / A of the neighbours' convex hull: 1 for a sphere, 0 for a plane.

    The surface of the sphere of equal volume V over the surface A: Wadell, J. Geol. 40, 443 (1932). NaN for
    fewer than four neighbours.
    """
    if len(shell.elements) < 4:
        return np.nan
    volume, area = _hull(shell)
    return float(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area) if volume else 0.0


def polyhedron_volume(shell: Shell) -> float:
    """Return the volume of the neighbours' convex hull, angstrom^3, 0 in a plane; NaN for fewer than four."""
    return _hull(shell)[0] if len(shell.elements) > 3 else np.nan


def off_centring(shell: Shell) -> float:
    """Return the distance of the absorber from the neighbours' centroid, angstrom; NaN for fewer than two."""
    return float(np.linalg.norm(shell.vectors_M3.mean(axis=0))) if len(shell.elements) > 1 else np.nan


def second_shell_count(shell: Shell) -> float:
    """Return the number of atoms in the second shell, hydrogen too; NaN where it is not known."""
    return float(len(shell.second_elements)) if shell.second_vectors_L3 is not None else np.nan


def second_shell_distance(shell: Shell) -> float:
    """Return the distance of the second shell's nearest atom, angstrom; NaN where there is none."""
    if shell.second_vectors_L3 is None or not shell.second_elements:
        return np.nan
    return float(np.linalg.norm(shell.second_vectors_L3, axis=-1).min())


def electronegativity_of(part: str) -> Callable[[Shell], float]:
    """Return the function that gives the mean electronegativity of a shell's `elements` or `second_elements`.

    On Pauling's scale; NaN if an atom has none, or there is no atom.
    """

    def mean(shell: Shell) -> float:
        values = [_ELECTRONEGATIVITY.get(element, np.nan) for element in getattr(shell, part)]
        return float(np.mean(values)) if values else np.nan

    return mean


# What a family has as a descriptor is not repeated among its quantities.
QUANTITIES = DESCRIPTORS | {
    q.name: q
    for q in (
        Descriptor("BVS", "bond-valence sum", "v.u.", bond_valence_sum),
        Descriptor("BLmin", "shortest bond", "angstrom", of_distances(np.min)),
        Descriptor("BLmax", "longest bond", "angstrom", of_distances(np.max)),
        Descriptor("BAstd", "spread of bond angles", "degree", of_angles(np.std, 3)),
        Descriptor("q4", "Steinhardt order parameter q4", "1", steinhardt(4)),
        Descriptor("q6", "Steinhardt order parameter q6", "1", steinhardt(6)),
        Descriptor("SPH", "sphericity of the polyhedron", "1", sphericity),
        Descriptor("VOL", "volume of the polyhedron", "angstrom^3", polyhedron_volume),
        Descriptor("OFF", "off-centring of the absorber", "angstrom", off_centring),
        Descriptor("NEN", "mean neighbour electronegativity", "1", electronegativity_of("elements")),
        Descriptor("SSN", "number of atoms in the second shell", "1", second_shell_count),
        Descriptor("SSD", "distance of the second shell", "angstrom", second_shell_distance),
        Descriptor(
            "SSEN", "mean second-shell electronegativity", "1", electronegativity_of("second_elements")
        ),
    )
}


def measure(shell: Shell, names: Sequence[str]) -> list[float]:
    """Return the named quantities of one site, NaN where not known, rounded to six decimals.

    A quantity that cannot be computed of an odd shell is not known: it is no reason against the site.
    """
    return [_value(QUANTITIES[name].function, shell) for name in names]


def _value(function: Callable[[Shell], float], shell: Shell) -> float:
    with np.errstate(all="ignore"):
        try:
            value = round(function(shell), 6)
        except (ArithmeticError, ValueError, RuntimeError):  # the last: scipy's QhullError
            return np.nan
    return value if np.isfinite(value) else np.nan


def _hull(shell: Shell) -> tuple[float, float]:
    """Return volume and surface of the neighbours' convex hull; 0 and 0 where they lie in one plane."""
    centred_M3 = shell.vectors_M3 - shell.vectors_M3.mean(axis=0)
    normal = np.linalg.svd(centred_M3, full_matrices=False)[2][2]
    if np.ptp(centred_M3 @ normal) < _FLAT:
        return 0.0, 0.0
    hull = ConvexHull(shell.vectors_M3)
    return float(hull.volume), float(hull.area)
