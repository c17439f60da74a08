"""What a structure is made of: its reduced formula, and the elements of one."""

import math
import re
from collections.abc import Mapping

_ELEMENT = re.compile(r"[A-Z][a-z]?")


def reduced_formula(atoms: Mapping[str, int]) -> str:
    """Return the formula of a cell with so many atoms of each element, in lowest terms, elements by alphabet."""
    common = math.gcd(*atoms.values())
    return "".join(
        f"{element}{n // common if n > common else ''}" for element, n in sorted(atoms.items()) if n
    )


def chemical_system(formula: str) -> str:
    """Return the elements of a formula, each once, by alphabet, as in ``Cu-O-Sr``; also of one with brackets."""
    return "-".join(sorted(set(_ELEMENT.findall(formula))))
