"""The absorbers of synthetic spectra: constants of their edges, and which sites they take."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rankaae_cli.core.xas.edges import CORE_HOLES, edge_energy, parts_of

GEOMETRIES = ("tetrahedral", "square_planar", "five_coordinate", "octahedral")


@dataclass(frozen=True)
class Element:
    """What the generator knows of one absorber.

    Attributes
    ----------
    valence_electrons
        3d and 4s electrons of the atom; the d count of the ion is this minus OS.
    edge, reference_os, shift
        Middle of the edge (eV) at the oxidation state `reference_os`, and its shift per unit of charge (eV).
    core_hole
        Natural width of the core level, eV: Krause and Oliver, J. Phys. Chem. Ref. Data 8, 329 (1979).
    bond_valence_r0
        R0 of the bond to oxygen, angstrom, one value amid those of the oxidation states: Brese and O'Keeffe,
        Acta Cryst. B 47, 192 (1991); it sets the mean bond length.
    sites
        For each oxidation state: its weight, then those of `GEOMETRIES` within it.
    has_3d_line
        Whether core electrons go to the 3d shell by a dipole transition, as at L2 and L3.
    parts
        The edges that the spectrum is the sum of, with their weights, lowest first; none where it is of one.
    """

    valence_electrons: int
    edge: float
    reference_os: float
    shift: float
    core_hole: float
    bond_valence_r0: float
    sites: Mapping[int, tuple[float, tuple[float, float, float, float]]]
    has_3d_line: bool = False
    parts: tuple[tuple[float, "Element"], ...] = ()


# The weights lean the way of real chemistry (Mn7+ and Cr6+ tetrahedral, Cu2+ and Cu3+ square-planar), but far
# less than it does, so that coordination and oxidation state can be told apart; and rare states are commoner
# than in nature, so that every class is met often enough to be learnt.
ELEMENTS: Mapping[str, Element] = {
    "Ti": Element(4, 4976.5, 3.5, 1.1, 0.94, 1.815, {
        2: (0.20, (0.15, 0.15, 0.30, 0.40)), 3: (0.35, (0.15, 0.15, 0.30, 0.40)),
        4: (0.45, (0.22, 0.13, 0.30, 0.35))}),
    "V": Element(5, 5476.0, 4.0, 1.0, 1.01, 1.784, {
        2: (0.15, (0.15, 0.15, 0.30, 0.40)), 3: (0.30, (0.15, 0.15, 0.30, 0.40)),
        4: (0.30, (0.18, 0.14, 0.33, 0.35)), 5: (0.25, (0.25, 0.10, 0.35, 0.30))}),
    "Cr": Element(6, 6001.0, 4.0, 0.9, 1.08, 1.750, {
        2: (0.18, (0.12, 0.20, 0.30, 0.38)), 3: (0.35, (0.15, 0.12, 0.30, 0.43)),
        4: (0.20, (0.18, 0.14, 0.30, 0.38)), 5: (0.15, (0.22, 0.13, 0.30, 0.35)),
        6: (0.12, (0.28, 0.12, 0.28, 0.32))}),
    "Mn": Element(7, 6550.0, 4.0, 0.8, 1.16, 1.760, {
        2: (0.24, (0.18, 0.14, 0.30, 0.38)), 3: (0.28, (0.14, 0.16, 0.32, 0.38)),
        4: (0.26, (0.16, 0.14, 0.30, 0.40)), 5: (0.10, (0.24, 0.12, 0.30, 0.34)),
        6: (0.07, (0.26, 0.12, 0.30, 0.32)), 7: (0.05, (0.28, 0.12, 0.28, 0.32))}),
    "Fe": Element(8, 7122.5, 2.8, 1.2, 1.25, 1.759, {
        2: (0.35, (0.18, 0.16, 0.28, 0.38)), 3: (0.45, (0.22, 0.12, 0.28, 0.38)),
        4: (0.20, (0.20, 0.14, 0.30, 0.36))}),
    "Co": Element(9, 7720.5, 2.7, 1.2, 1.33, 1.700, {
        2: (0.45, (0.22, 0.13, 0.28, 0.37)), 3: (0.35, (0.16, 0.14, 0.28, 0.42)),
        4: (0.20, (0.18, 0.14, 0.28, 0.40))}),
    "Ni": Element(10, 8343.5, 2.6, 1.2, 1.44, 1.654, {
        2: (0.45, (0.18, 0.18, 0.26, 0.38)), 3: (0.35, (0.15, 0.16, 0.30, 0.39)),
        4: (0.20, (0.16, 0.16, 0.28, 0.40))}),
    "Cu": Element(11, 8995.0, 2.1, 1.2, 1.55, 1.679, {
        1: (0.25, (0.24, 0.18, 0.28, 0.30)), 2: (0.45, (0.12, 0.24, 0.30, 0.34)),
        3: (0.30, (0.10, 0.28, 0.30, 0.32))}),
}  # fmt: skip
EDGES = ("K", "L23")
_ABOVE_LINE = (
    3.0  # eV from the line of the 3d shell, which lies at the tabulated energy, to the middle of the step
)


def element_at(symbol: str, edge: str) -> Element:
    """Return what the generator knows of an absorber at one of `EDGES`."""
    at_k = ELEMENTS[symbol]
    if edge == "K":
        return at_k
    parts = tuple(
        (
            weight,
            replace(at_k, edge=edge_energy(symbol, part) + _ABOVE_LINE, core_hole=width, has_3d_line=True),
        )
        for (part, weight), width in zip(parts_of(edge).items(), CORE_HOLES[symbol], strict=True)
    )
    return replace(parts[0][1], parts=parts)
