"""Tabulated energies of the K and L absorption edges, and which edge an energy belongs to."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rankaae_cli.core.errors import UserError, nearest

EDGES = ("K", "L1", "L2", "L3")
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
            for edge, energy in zip(EDGES, energies, strict=False):
                table[element, edge] = Edge(element, edge, float(energy))
    return table


def edge_energy(element: str, edge: str = "K") -> float:
    """Return the tabulated energy of an edge of an element, eV.

    Raises
    ------
    UserError
        If the table has no such edge.
    """
    try:
        return _edges()[element, edge].energy
    except KeyError:
        elements = {e for e, _ in _edges()}
        if element not in elements:
            raise UserError(f"no edges are tabulated of {element!r}: {nearest(element, elements)}") from None
        raise UserError(
            f"no {edge} edge is tabulated of {element}: {nearest(edge, EDGES)}\nexpected K, L1, L2 or L3"
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
