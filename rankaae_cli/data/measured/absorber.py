"""The absorber as files spell it: the symbol of its element, the name of its edge, its fluorescence lines."""

import re
from collections.abc import Sequence

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edges import EDGES, edge_energy

_SAYS_NOTHING = frozenset({"", "none", "no", "n/a", "-", "?", "unknown"})
_SYMBOL = re.compile(r"([A-Za-z]{1,2})(?![A-Za-z])")
_EDGE = re.compile(
    r"(?:[A-Z][a-z]?[\s_-]+)?([KLMNklmn])[\s_-]*([Ii]{1,3}|[Ii]?[Vv]|[1-7])?(?:[\s_-]*[Ee](?:dge|DGE))?"
)
_L23 = re.compile(
    r"(?:[A-Z][a-z]?[\s_-]+)?L[\s_-]*(?:2[,/\s-]*3|3[,/\s-]*2|II[,/\s-]*L?III)(?:[\s_-]*edges?)?", re.I
)
_FOIL = re.compile(
    r"(?<![A-Za-z])([A-Z][a-z]?)[\s_-]*(?:[\d.]+[\s_-]*\w{0,2}[\s_-]+)?(?:metal|foil)", re.ASCII
)
_FOIL_OF = re.compile(
    r"(?:metal|foil)(?:\s+of\s+|[\s:=,(_-]+)([A-Z][a-z]?)(?![A-Za-z\d]|[\s_-]*(?:edge|foil|metal))", re.ASCII
)
_METALS = {
    "titanium": "Ti", "vanadium": "V", "chromium": "Cr", "manganese": "Mn", "iron": "Fe", "cobalt": "Co",
    "nickel": "Ni", "copper": "Cu", "zinc": "Zn", "zirconium": "Zr", "niobium": "Nb", "molybdenum": "Mo",
    "palladium": "Pd", "silver": "Ag", "tin": "Sn", "tantalum": "Ta", "tungsten": "W", "platinum": "Pt",
    "gold": "Au", "lead": "Pb",
}  # fmt: skip
# Of columns named after a line: which are a sum, which corrected for dead time, and which no counts at all.
_SUM, _CORRECTED = {"sum", "total", "tot"}, {"corr", "corrected", "dtc", "dt", "dtcorr"}
_NO_COUNTS = {"icr", "ocr", "dead", "deadtime", "factor", "dtfactor", "live", "livetime", "time", "i0", "mu"}
_NO_COUNTS |= {"bkg", "background", "err", "error", "sigma", "std", "norm", "normalised", "normalized"}
_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5"}


def says_something(text: str) -> bool:
    """Tell whether a field says anything: not ``none``, ``n/a`` and the like."""
    return text.strip().lower() not in _SAYS_NOTHING


def element_name(text: str) -> str | None:
    """Return an element's symbol however it is written (``cu``, ``CU``, ``Cu foil``); None where not said."""
    if not says_something(text):
        return None
    match = _SYMBOL.match(text.strip())
    return (match[1] if match else text.strip()).capitalize()


def foil_element(text: str) -> str | None:
    """Return of which element a foil is (``Fe 5 um foil``, ``foil: Fe``, ``iron foil``); None where not said."""
    for pattern in (_FOIL, _FOIL_OF):
        match = pattern.search(text)
        if match and tabulated_edge(match[1], "K"):
            return match[1]
    return next((_METALS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _METALS), None)


def edge_name(text: str) -> str | None:
    """Return an edge's name however it is written (``K-edge``, ``LIII``, ``L_3``, ``L2,3``); None where not said.

    What is no such name comes back in capitals.
    """
    if not says_something(text):
        return None
    if _L23.fullmatch(text.strip()):
        return "L23"
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


def fluorescence_columns(names: Sequence[str], element: str | None, edge: str | None) -> list[int]:
    """Return which columns are named after a fluorescence line of an element, from 0 on: those to be summed.

    `FeKa`, `Sum_Fe_Ka`, `Fe_Ka_mca1`, `dtc_FE_KA1` and `Fe K-alpha` are iron's, and no other element's. Of columns
    with and without correction for dead time the corrected ones are taken; a sum instead of its parts; one without
    a number instead of those with one; Kb only where there is no Ka.

    Parameters
    ----------
    names
        One a column, as the file has them; empty where there is none.
    element, edge
        The absorber; K lines where no edge is named.
    """
    if not element:
        return []
    shell = (edge or "K")[0].lower()
    line = re.compile(rf"(?:^|_){element.lower()}_?{shell}(?:_?(a|b)(?:lpha|eta)?)?(?=[_\d]|$)")
    alpha: list[tuple[int, set[str], bool]] = []
    beta: list[tuple[int, set[str], bool]] = []
    for i, name in enumerate(names):
        plain = re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", name).replace("α", "a").replace("β", "b")
        plain = re.sub(r"\W+", "_", plain).lower()
        if match := line.search(plain):
            others = plain[: match.start()] + "_" + plain[match.end() :]
            words = set(re.split(r"[_\d]+", others))
            if words & _CORRECTED or not words & _NO_COUNTS:
                (beta if match[1] == "b" else alpha).append((i, words, bool(re.search(r"\d", others))))
    parts = alpha or beta
    parts = [part for part in parts if part[1] & _CORRECTED] or parts
    whole = [i for i, words, _ in parts if words & _SUM] or [i for i, _, numbered in parts if not numbered]
    return whole[:1] or [i for i, *_ in parts]
