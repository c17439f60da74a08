"""Tabulated energies of the K and L absorption edges, and which edge an energy belongs to.

L2 and L3 overlap and are measured in one scan: ``L23`` is both on one axis, each with its statistical weight, the
share of its core electrons, four 2p3/2 and two 2p1/2. Its energy is that of L3, where it begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rankaae_cli.core.errors import UserError, nearest

_TABULATED = ("K", "L1", "L2", "L3")
_JOINT: Mapping[str, Mapping[str, float]] = {"L23": {"L3": 2 / 3, "L2": 1 / 3}}
EDGES = (*_TABULATED, *_JOINT)
# Natural widths of L3 and L2, eV: Krause and Oliver, J. Phys. Chem. Ref. Data 8, 329 (1979), as tabulated in XrayDB
# 4.5.8 (corelevel_widths).
CORE_HOLES = {
    "Ti": (0.22, 0.24), "V": (0.24, 0.26), "Cr": (0.27, 0.29), "Mn": (0.32, 0.34),
    "Fe": (0.36, 0.37), "Co": (0.43, 0.43), "Ni": (0.48, 0.52), "Cu": (0.56, 0.62),
}  # fmt: skip
# The edge of a compound lies this far below to this far above the tabulated one, which is that of the element:
# chemical shift, monochromators that are a few eV off, and the steepest point lying above the onset.
_BELOW, _ABOVE = 15.0, 35.0  # eV


@dataclass(frozen=True)
class Edge:
    """An absorption edge: of which element, which one, and its tabulated energy in eV."""

    element: str
    edge: str
    energy: float

    def __str__(self) -> str:
        return f"{self.element} {self.edge} ({self.energy:g} eV)"


@cache
def _edges() -> dict[tuple[str, str], Edge]:
    table = {}
    for line in files("rankaae_cli.core.xas").joinpath("edges.txt").read_text().splitlines():
        if not line.startswith("#"):
            element, *energies = line.split()
            for edge, energy in zip(_TABULATED, energies, strict=False):
                table[element, edge] = Edge(element, edge, float(energy))
    return table


def parts_of(edge: str) -> Mapping[str, float]:
    """Return the edges that one is made of and their statistical weights, the first in energy first."""
    return _JOINT.get(edge, {edge: 1.0})


def edge_span(element: str, edge: str) -> float:
    """Return how far the last of the edges that one is made of lies above the first, eV; 0 of a single edge."""
    *_, last = parts_of(edge)
    return edge_energy(element, last) - edge_energy(element, edge) if len(parts_of(edge)) > 1 else 0.0


def edge_energy(element: str, edge: str = "K") -> float:
    """Return the tabulated energy of an edge of an element, eV; of several together, that of the first.

    Raises
    ------
    UserError
        If the table has no such edge.
    """
    try:
        return _edges()[element, next(iter(parts_of(edge)))].energy
    except KeyError:
        elements = {e for e, _ in _edges()}
        if element not in elements:
            raise UserError(f"no edges are tabulated of {element!r}: {nearest(element, elements)}") from None
        raise UserError(
            f"no {edge} edge is tabulated of {element}: {nearest(edge, EDGES)}\nexpected K, L1, L2, L3 or L23"
        ) from None


def edges_near(e0: float) -> tuple[Edge, ...]:
    """Return the edges that a measured edge energy may belong to, the likeliest first.

    An edge is taken for possible if `e0` lies 15 eV below to 35 eV above its tabulated energy; K edges come
    before L3, L2 and L1, and the nearest first among equals.

    Parameters
    ----------
    e0
        eV.

    Returns
    -------
    tuple of Edge
        Empty if no K or L edge is near.
    """
    near = [edge for edge in _edges().values() if -_BELOW <= e0 - edge.energy <= _ABOVE]
    order = ("K", "L3", "L2", "L1")
    return tuple(sorted(near, key=lambda edge: (order.index(edge.edge), abs(e0 - edge.energy))))


def is_edge_of(e0: float, element: str, edge: str = "K") -> bool:
    """Tell whether a measured edge energy may belong to an edge of an element; see `edges_near`."""
    return -_BELOW <= e0 - edge_energy(element, edge) <= _ABOVE


def looks_like(e0: float) -> str:
    """Return which element's edge `e0` (eV) looks like, as text: ``Fe K (7112 eV)``."""
    near = edges_near(e0)
    return str(near[0]) if near else "no K or L edge of any element"
