"""The absorber as files spell it: the symbol of its element, the name of its edge."""

import re

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edges import EDGES, edge_energy

_NOT_SAID = frozenset({"", "none", "no", "n/a", "-", "?", "unknown"})
_SYMBOL = re.compile(r"([A-Za-z]{1,2})(?![A-Za-z])")
_EDGE = re.compile(
    r"(?:[A-Z][a-z]?[\s_-]+)?([KLMNklmn])[\s_-]*([Ii]{1,3}|[Ii]?[Vv]|[1-7])?(?:[\s_-]*[Ee](?:dge|DGE))?"
)
_FOIL = re.compile(
    r"(?<![A-Za-z])([A-Z][a-z]?)[\s_-]*(?:[\d.]+[\s_-]*\w{0,2}[\s_-]+)?(?:metal|foil)", re.ASCII
)
_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5"}


def is_said(text: str) -> bool:
    """Tell whether a field says anything: not ``none``, ``n/a`` and the like."""
    return text.strip().lower() not in _NOT_SAID


def element_name(text: str) -> str | None:
    """Return an element's symbol however it is written (``cu``, ``CU``, ``Cu foil``); None where not said."""
    if not is_said(text):
        return None
    match = _SYMBOL.match(text.strip())
    return (match[1] if match else text.strip()).capitalize()


def foil_element(text: str) -> str | None:
    """Return of which element a foil is (``Fe foil``, ``Fe 5 um foil``, ``Fe_metal``); None where not said."""
    match = _FOIL.search(text)
    return match[1] if match and tabulated_edge(match[1], "K") else None


def edge_name(text: str) -> str | None:
    """Return an edge's name however it is written (``k``, ``K-edge``, ``LIII``, ``L_3``); None where not said.

    What is no such name comes back in capitals.
    """
    if not is_said(text):
        return None
    match = _EDGE.fullmatch(text.strip())
    if match is None:
        return text.strip().upper()
    number = (match[2] or "").upper()
    return match[1].upper() + _ROMAN.get(number, number)


def tabulated_edge(element: str | None, edge: str | None) -> float | None:
    """Return the tabulated energy of an edge, eV, a K edge where none is named; None where it is not known."""
    if not element or (edge or "K") not in EDGES:
        return None
    try:
        return edge_energy(element, edge or "K")
    except UserError:
        return None
