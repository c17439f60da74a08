"""Structure descriptors of an absorbing site, as functions of its first shell of neighbours.

To add a descriptor, write one function of a `Shell` and add one line to `DESCRIPTORS`.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError

# Other files and columns that stand beside those of the descriptors.
_RESERVED = re.compile(
    r"free_\d+|overview|overview_free|traversal|stability|columns|maps|map_main_peak|map_edge|"
    r"material|site|file|reconstruction_mae|novelty|verdict",
    re.IGNORECASE,
)
# Ends of the names of one descriptor's columns of predictions, and of files of its traversal.
_ENDS = ("_low", "_high", "_true", "_sensitivity", "_check")
_NOT_IN_FILE_NAMES = '/\\:*?"<>|'
_LONGEST_NAME = 100  # bytes


@dataclass(frozen=True)
class Shell:
    """The first shell of one absorbing site, and the second where it is known.

    Attributes
    ----------
    vectors_M3
        Shape (M, 3), angstrom: from the absorber to its M neighbours. Periodic images of one atom are
        neighbours of their own.
    elements
        The M neighbours' elements.
    oxidation_state
        Of the absorber, in e; NaN where not known.
    oxidation_reason
        Why it is that, of `rankaae_cli.core.structure.oxidation_states.REASONS`.
    neighbour_coordination_M
        Shape (M,): how many neighbours each neighbour has; NaN where not known.
    absorber
        The absorber's element; empty where not known.
    second_vectors_L3
        Shape (L, 3), angstrom: from the absorber to the atoms of its second shell, which are the neighbours of
        its neighbours but for itself and these; the nearest first. None where not known.
    second_elements
        The L atoms' elements.
    """

    vectors_M3: np.ndarray
    elements: tuple[str, ...]
    oxidation_state: float
    neighbour_coordination_M: np.ndarray
    absorber: str = ""
    second_vectors_L3: np.ndarray | None = None  # noqa: N815
    second_elements: tuple[str, ...] = ()
    oxidation_reason: str = ""


@dataclass(frozen=True)
class Descriptor:
    """A descriptor or other quantity: its short name, what it is, its unit, its function (NaN: not known)."""

    name: str
    label: str
    unit: str
    function: Callable[[Shell], float]


def oxygen_coordination_number(shell: Shell) -> float:
    """Return the mean number of neighbours of the neighbouring oxygens; NaN without such oxygens."""
    oxygen_M = np.array([e == "O" for e in shell.elements], dtype=bool)
    return float(shell.neighbour_coordination_M[oxygen_M].mean()) if oxygen_M.any() else np.nan


def smallest_neighbour_separation(shell: Shell) -> float:
    """Return the smallest distance between two neighbours, angstrom; NaN for fewer than two."""
    if len(shell.elements) < 2:
        return np.nan
    between_MM3 = shell.vectors_M3[:, None] - shell.vectors_M3[None]
    return float(np.linalg.norm(between_MM3, axis=-1)[_pairs(shell)].min())


def of_distances(statistic: Callable[[np.ndarray], Any]) -> Callable[[Shell], float]:
    """Return the function that gives a statistic of the neighbours' distances, angstrom; NaN without neighbours."""
    return lambda shell: float(statistic(bond_lengths_M(shell))) if shell.elements else np.nan


def of_angles(statistic: Callable[[np.ndarray], Any], fewest: int) -> Callable[[Shell], float]:
    """Return the function that gives a statistic of `bond_angles`, degree; NaN below `fewest` neighbours."""
    return lambda shell: float(statistic(bond_angles(shell))) if len(shell.elements) >= fewest else np.nan


def bond_lengths_M(shell: Shell) -> np.ndarray:
    """Return the distances of the M neighbours, shape (M,), angstrom."""
    return np.linalg.norm(shell.vectors_M3, axis=-1)


def bond_angles(shell: Shell) -> np.ndarray:
    """Return the angles neighbour-absorber-neighbour of the M (M - 1) / 2 pairs of neighbours, degree."""
    unit_M3 = shell.vectors_M3 / bond_lengths_M(shell)[:, None]
    cosines = (unit_M3 @ unit_M3.T)[_pairs(shell)]
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


DESCRIPTORS = {
    d.name: d
    for d in (
        Descriptor("OS", "oxidation state", "e", lambda shell: shell.oxidation_state),
        Descriptor("CN", "coordination number", "1", lambda shell: float(len(shell.elements))),
        Descriptor("OCN", "mean oxygen coordination number", "1", oxygen_coordination_number),
        Descriptor("NNRS", "spread of neighbour distances", "angstrom", of_distances(np.std)),
        Descriptor("MOOD", "smallest neighbour separation", "angstrom", smallest_neighbour_separation),
        Descriptor("MBL", "mean bond length", "angstrom", of_distances(np.mean)),
        Descriptor("MBA", "mean bond angle", "degree", of_angles(np.mean, 2)),
    )
}


def describe(shell: Shell, names: Sequence[str]) -> list[float]:
    """Return the named descriptors of one site, NaN where not known.

    They are rounded to six decimals: beyond these lies the rounding of the coordinates, which would rank
    sites that symmetry makes equal.
    """
    return [round(DESCRIPTORS[name].function(shell), 6) for name in names]


def why_not_kept(
    shell: Shell, ligands: Sequence[str] | None, coordination: Sequence[int] | None
) -> str | None:
    """Return why a family does not keep a site with this first shell, or None where it does.

    Parameters
    ----------
    shell
        The site's first shell.
    ligands
        Elements that all neighbours must be of; None for any.
    coordination
        Numbers of neighbours to keep; None for any.
    """
    if ligands is not None and (not shell.elements or set(shell.elements) - set(ligands)):
        formula = " ".join(f"{e}{n}" for e, n in sorted(Counter(shell.elements).items()))
        return f"first shell is {formula or 'empty'}, not all {' or '.join(ligands)}"
    if coordination is not None and len(shell.elements) not in coordination:
        kept = ", ".join(map(str, coordination))
        return f"coordination number {len(shell.elements)}, the family keeps {kept}"
    return None


def require_usable_names(names: Sequence[str], where: str, what: str = "descriptor") -> None:
    """Check that names of descriptors or other quantities differ and can be names of files and of columns.

    Letters of any script, digits, blanks inside and signs such as ``+ - . %`` are allowed.

    Parameters
    ----------
    names
        The names.
    where
        What they belong to, for the message.
    what
        What they are names of, for the message.

    Raises
    ------
    UserError
        If a name is empty, repeated, too long or taken by the program, begins with a dot, or holds a
        character that breaks a file name.
    """
    for i, name in enumerate(names):
        clash = next((name + end for end in _ENDS if name + end in names), None)
        fault = "is given twice" if name in names[:i] else _name_fault(name)
        if clash and not fault:
            fault = f"cannot stand beside {clash}, which the program writes beside it"
        if fault:
            shown = name if len(name) <= 60 else name[:57] + "..."
            raise UserError(
                f"{where}: the {what} name {shown!r} {fault}\n"
                "give it another name; it becomes that of files and columns"
            )


def _name_fault(name: str) -> str:
    """Return why a name cannot be that of a file and a column, or nothing."""
    if not name.strip():
        return "is empty"
    bad = next((c for c in name if c in _NOT_IN_FILE_NAMES or not c.isprintable()), None)
    if bad is not None:
        return f"holds {bad!r}, which a file name cannot"
    if name[0] == "." or name != name.strip():
        return "begins with a dot" if name[0] == "." else "begins or ends with a blank"
    if len(name.encode()) > _LONGEST_NAME:
        return f"is longer than {_LONGEST_NAME} bytes"
    return "is taken by the program" if _RESERVED.fullmatch(name) else ""


def _pairs(shell: Shell) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(len(shell.elements), 1)
