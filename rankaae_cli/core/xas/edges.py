"""Tabulated energies of the K and L absorption edges, and which edge an energy belongs to."""

from dataclasses import dataclass
from functools import cache

from rankaae_cli.core.errors import UserError, nearest

EDGES = ("K", "L1", "L2", "L3")
# The edge of a compound lies this far below to this far above the tabulated one, which is that of the element:
# chemical shift, monochromators that are a few eV off, and the steepest point lying above the onset.
_BELOW, _ABOVE = 15.0, 35.0  # eV

# eV: Z = 3 to 92, each with K, L1, L2, L3 (from Na on). Electron binding energies of the X-ray Data Booklet
# (Williams, after Bearden and Burr, Rev. Mod. Phys. 39, 125 (1967), Cardona and Ley (1978), and Fuggle and
# Martensson (1980)), as tabulated in XrayDB 4.5 (Newville et al., public domain), level "absorption_edge".
_TABLE = """
Li 54.7
Be 111.5
B 188
C 284.2
N 409.9
O 543.1
F 696.7
Ne 870.2
Na 1070.8 63.5 30.4 30.5
Mg 1303 88.6 49.6 49.21
Al 1559 117.8 72.9 72.5
Si 1839 149.7 99.8 99.2
P 2145.5 189 136 135
S 2472 230.9 163.6 162.5
Cl 2822 270 202 200
Ar 3205.9 326.3 250.6 248.4
K 3608.4 378.6 297.3 294.6
Ca 4038.5 438.4 349.7 346.2
Sc 4492 498 403.6 398.7
Ti 4966 560.9 460.2 453.8
V 5465 626.7 519.8 512.1
Cr 5989 696 583.8 574.1
Mn 6539 769.1 649.9 638.7
Fe 7112 844.6 719.9 706.8
Co 7709 925.1 793.2 778.1
Ni 8333 1008.6 870 852.7
Cu 8979 1096.7 952.3 932.7
Zn 9659 1196.2 1044.9 1021.8
Ga 10367 1299 1143.2 1116.4
Ge 11103 1414.6 1248.1 1217
As 11867 1527 1359.1 1323.6
Se 12658 1652 1474.3 1433.9
Br 13474 1782 1596 1550
Kr 14326 1921 1730.9 1678.4
Rb 15200 2065 1864 1804
Sr 16105 2216 2007 1940
Y 17038 2373 2156 2080
Zr 17998 2532 2307 2223
Nb 18986 2698 2465 2371
Mo 20000 2866 2625 2520
Tc 21044 3043 2793 2677
Ru 22117 3224 2967 2838
Rh 23220 3412 3146 3004
Pd 24350 3604 3330 3173
Ag 25514 3806 3524 3351
Cd 26711 4018 3727 3538
In 27940 4238 3938 3730
Sn 29200 4465 4156 3929
Sb 30491 4698 4380 4132
Te 31814 4939 4612 4341
I 33169 5188 4852 4557
Xe 34561 5453 5107 4786
Cs 35985 5714 5359 5012
Ba 37441 5989 5624 5247
La 38925 6266 5891 5483
Ce 40443 6548 6164 5723
Pr 41991 6835 6440 5964
Nd 43569 7126 6722 6208
Pm 45184 7428 7013 6459
Sm 46834 7737 7312 6716
Eu 48519 8052 7617 6977
Gd 50239 8376 7930 7243
Tb 51996 8708 8252 7514
Dy 53789 9046 8581 7790
Ho 55618 9394 8918 8071
Er 57486 9751 9264 8358
Tm 59390 10116 9617 8648
Yb 61332 10486 9978 8944
Lu 63314 10870 10349 9244
Hf 65351 11271 10739 9561
Ta 67416 11682 11136 9881
W 69525 12100 11544 10207
Re 71676 12527 11959 10535
Os 73871 12968 12385 10871
Ir 76111 13419 12824 11215
Pt 78395 13880 13273 11564
Au 80725 14353 13734 11919
Hg 83102 14839 14209 12284
Tl 85530 15347 14698 12658
Pb 88005 15861 15200 13035
Bi 90526 16388 15711 13419
Po 93105 16939 16244 13814
At 95730 17493 16785 14214
Rn 98404 18049 17337 14619
Fr 101137 18639 17907 15031
Ra 103922 19237 18484 15444
Ac 106755 19840 19083 15871
Th 109651 20472 19693 16300
Pa 112601 21105 20314 16733
U 115606 21757 20948 17166
"""


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
    for line in _TABLE.split("\n"):
        element, *energies = line.split() or [""]
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


def element_of_edge(e0: float) -> tuple[Edge, ...]:
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
    """Tell whether a measured edge energy may belong to an edge of an element; see `element_of_edge`."""
    return -_BELOW <= e0 - edge_energy(element, edge) <= _ABOVE


def looks_like(e0: float) -> str:
    """Return in words which element's edge `e0` (eV) looks like: ``Fe K (7112 eV)``."""
    found = element_of_edge(e0)
    return f"{found[0]}" if found else "no K or L edge of any element"
