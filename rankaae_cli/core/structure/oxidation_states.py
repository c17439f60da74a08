"""Oxidation states of the atoms of a compound, from what must hold: the charge of oxygen, and balance of charge.

Bond-valence analysis takes the likeliest valences that balance, even where oxygen is left with one electron
too few. So its result counts only where oxygen is O2-, but for groups of oxygens that are bonded to each other,
and where the ions of one valence have it. Where all atoms but those of one element have a charge that is known,
balance gives the mean valence of these, and that is what counts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONGEST_BOND = 3.0  # angstrom; no longer one is asked for
# Oxygens nearer than this are bonded to each other: O-O is 1.21 angstrom in O2, 1.28 in KO2, 1.35 in ozonides and
# 1.49 in Na2O2 (Greenwood and Earnshaw, Chemistry of the Elements, 2nd ed., 1997, chapter 14); no oxide has it
# below 2.1.
_OXYGEN_BOND = 1.7
# How many oxygens, their longest bond (angstrom), their name and charge; limits lie half-way between the above.
_OXYGEN_GROUPS = (
    (2, 1.25, "dioxygen", 0.0),
    (2, 1.40, "superoxide", -1.0),
    (2, _OXYGEN_BOND, "peroxide", -2.0),
    (3, _OXYGEN_BOND, "ozonide", -1.0),
)
# Ions of one valence in oxides and halides: closed shells, and those lanthanides whose other valences water
# oxidises or reduces. Greenwood and Earnshaw, chapters 4 to 9, 20, 29 to 31. Not Ag, Hg, Tl, Sn, Pb, Sb, Bi, Ce,
# Pr, Eu, Tb or any other transition metal, which have two.
_ONE_VALENCE = {
    element: float(valence)
    for valence, elements in (
        (-1, "F"),
        (1, "Li Na K Rb Cs"),
        (2, "Be Mg Ca Sr Ba Ra Zn Cd"),
        (3, "Al Ga In Sc Y La Nd Pm Sm Gd Dy Ho Er Tm Yb Lu"),
        (4, "Si Ge Zr Hf Th"),
    )
    for element in elements.split()
}
# Elements whose valence is told by the oxygens bonded to them: how far these may be (angstrom, a tenth above the
# usual bond), how near an atom of their own kind is bonded to them and leaves it open, the valence by number.
_BY_OXYGENS = {
    "H": (1.3, 1.0, {1: 1, 2: 1}),
    "B": (1.7, 2.0, {3: 3, 4: 3}),
    "C": (1.45, 1.9, {3: 4}),
    "N": (1.4, 1.9, {3: 5}),
    "P": (1.8, 2.5, {4: 5}),
    "S": (1.7, 2.5, {4: 6, 0: -2}),
    "As": (1.95, 2.7, {3: 3, 4: 5, 6: 5}),
    "Se": (1.9, 2.7, {3: 4, 4: 6, 0: -2}),
    "Te": (2.1, 3.0, {3: 4, 4: 4, 6: 6}),
    "Cl": (1.8, 2.4, {0: -1, 3: 5, 4: 7}),
    "Br": (1.9, 2.6, {0: -1, 3: 5}),
    "I": (2.1, 3.0, {0: -1, 3: 5, 6: 7}),
}
# Lowest and highest valence in oxides, of the elements of the families; of others any from 1 to 8.
_VALENCES = {
    "Ti": (2, 4), "V": (2, 5), "Cr": (2, 6), "Mn": (2, 7), "Fe": (2, 6), "Co": (2, 4), "Ni": (1, 4), "Cu": (1, 3),
}  # fmt: skip
_ANY_VALENCE = (1, 8)
# Bonds add up to sums of exp((shift - length) / 0.37): Brown and Altermatt, Acta Cryst. B 41, 244 (1985). A shift
# is R0 less that of oxygen, angstrom, a mean over the metals of the families: Brese and O'Keeffe, Acta Cryst. B 47,
# 192 (1991). R0 itself does not matter, as sums are scaled to the mean valence of the element.
_SHIFTS = {
    "O": 0.0, "F": -0.09, "N": 0.08, "Cl": 0.33, "S": 0.39, "Br": 0.49, "Se": 0.51, "I": 0.71, "Te": 0.73,
}  # fmt: skip
_SOFTNESS = 0.37  # angstrom
# Sums of two sites of one valence differ by less: valences that balance about it differ by two.
_ALIKE = 1.0
# And those of neighbouring valences by more; Cu+ and Cu2+ at their usual bonds by 0.7, Fe2+ and Fe3+ by 0.85.
_APART = 0.4
_ROUNDING = 1e-6

NOT_ASKED = ""
BOND_VALENCE = "bond valence"
BALANCE = "charge balance"
BOTH = "bond valence and charge balance"
BALANCE_WINS = "charge balance, not bond valence"
MIXED = "mixed valence, by bond-valence sums"
FIXED = "ion of one valence"
NO_BOND_VALENCES = "no consistent bond valences"
UNPHYSICAL_OXYGEN = "unphysical oxygen"
UNPHYSICAL_ION = "unphysical ion"
MIXED_UNKNOWN = "mixed valence, not unique"
NO_SUCH_VALENCE = "no known valence balances"
# With peroxides and their like the group's name follows.
_REASONS = (
    NOT_ASKED, BOND_VALENCE, BALANCE, BOTH, BALANCE_WINS, MIXED, FIXED,
    NO_BOND_VALENCES, UNPHYSICAL_OXYGEN, UNPHYSICAL_ION, MIXED_UNKNOWN, NO_SUCH_VALENCE,
)  # fmt: skip
REASONS = (
    *_REASONS,
    *(f"{reason}; {group}" for _, _, group, _ in _OXYGEN_GROUPS for reason in _REASONS[1:]),
)

State = tuple[float, str]
_Neighbour = tuple[str, float, int]  # element, distance, index
_Group = tuple[list[int], str, float | None]


@dataclass(frozen=True)
class Bond:
    """That atom `there` is `length` angstrom from atom `here`, by their indices."""

    here: int
    there: int
    length: float


def oxidation_states(
    elements: Sequence[str],
    bonds: Iterable[Bond],
    bond_valences: Sequence[float] | None,
) -> list[State]:
    """Return the oxidation state of each atom, in e, NaN where it is not known, and the reason, of `REASONS`.

    Parameters
    ----------
    elements
        Of the N atoms.
    bonds
        All pairs of atoms up to `LONGEST_BOND`, images too, each in both directions.
    bond_valences
        What bond-valence analysis gives each atom, e; None where it gives nothing.
    """
    near: list[list[_Neighbour]] = [[] for _ in elements]
    for bond in bonds:
        near[bond.here].append((elements[bond.there], bond.length, bond.there))
    charges = [_charge(element, around) for element, around in zip(elements, near, strict=True)]
    groups = _oxygen_groups(elements, near)
    for members, _, charge in groups:
        for i in members:
            charges[i] = None if charge is None else charge / len(members)
    fault = _fault(elements, charges, groups, bond_valences)
    left_open = {element for element, charge in zip(elements, charges, strict=True) if charge is None}
    trusted = None if fault or bond_valences is None else bond_valences
    if len(left_open) > 1:
        states = [_bond_valence_state(i, elements, charges, trusted, fault) for i in range(len(elements))]
    else:
        states = _balanced(left_open, charges, trusted, near)
    kinds = sorted({kind for _, kind, _ in groups if kind})
    ending = f"; {kinds[0]}" if kinds else ""
    return [(state, reason + ending) for state, reason in states]


def _oxygen_groups(elements: Sequence[str], near: Sequence[Sequence[_Neighbour]]) -> list[_Group]:
    """Return (atoms, name, charge) of each group of bonded oxygens; no name and None where it is no known one."""
    seen: set[int] = set()
    groups = []
    for first, element in enumerate(elements):
        if element != "O" or first in seen:
            continue
        members, lengths = [first], []
        seen.add(first)
        for i in members:
            for there, length, j in near[i]:
                if there == "O" and length < _OXYGEN_BOND:
                    lengths.append(length)
                    if j not in seen:
                        seen.add(j)
                        members.append(j)
        if lengths:
            known = (
                (name, charge)
                for count, longest, name, charge in _OXYGEN_GROUPS
                if count == len(members) and max(lengths) < longest
            )
            groups.append((members, *next(known, ("", None))))
    return groups


def _charge(element: str, around: Sequence[_Neighbour]) -> float | None:
    """Return the charge that an atom must have for its element and its neighbours, or None where it is open."""
    if element == "O":
        return -2.0
    if element not in _BY_OXYGENS:
        return _ONE_VALENCE.get(element)
    reach, own, valences = _BY_OXYGENS[element]
    if any(there == element and length < own for there, length, _ in around):
        return None
    return valences.get(sum(there == "O" and length < reach for there, length, _ in around))


def _fault(
    elements: Sequence[str],
    charges: Sequence[float | None],
    groups: Sequence[_Group],
    bond_valences: Sequence[float] | None,
) -> str:
    """Return why bond valences cannot be trusted, or nothing."""
    if bond_valences is None:
        return NO_BOND_VALENCES
    grouped = {i for members, _, _ in groups for i in members}
    for members, _, charge in groups:
        if charge is None or abs(sum(bond_valences[i] for i in members) - charge) > _ROUNDING:
            return UNPHYSICAL_OXYGEN
    wrong = {
        elements[i]
        for i, charge in enumerate(charges)
        if charge is not None and i not in grouped and abs(bond_valences[i] - charge) > _ROUNDING
    }
    return UNPHYSICAL_OXYGEN if "O" in wrong else UNPHYSICAL_ION if wrong else ""


def _bond_valence_state(
    i: int,
    elements: Sequence[str],
    charges: Sequence[float | None],
    trusted: Sequence[float] | None,
    fault: str,
) -> State:
    """Return the state of atom i where balance leaves more than one element open."""
    charge = charges[i]
    if charge is not None:
        return charge, FIXED
    if trusted is None:
        return math.nan, fault
    lowest, highest = _VALENCES.get(elements[i], (-math.inf, math.inf))
    known = lowest <= trusted[i] <= highest
    return (float(trusted[i]), BOND_VALENCE) if known else (math.nan, NO_SUCH_VALENCE)


def _balanced(
    left_open: set[str],
    charges: Sequence[float | None],
    trusted: Sequence[float] | None,
    near: Sequence[Sequence[_Neighbour]],
) -> list[State]:
    """Return the states that balance of charge gives where it leaves one element open, or none."""
    total = math.fsum(charge for charge in charges if charge is not None)
    open_atoms = [i for i, charge in enumerate(charges) if charge is None]
    states: list[State] = [(math.nan if charge is None else charge, FIXED) for charge in charges]
    if not open_atoms:
        return states if abs(total) < _ROUNDING else [(math.nan, NO_SUCH_VALENCE)] * len(states)
    (element,) = left_open
    charge, count = -round(total), len(open_atoms)
    lowest, highest = _VALENCES.get(element, _ANY_VALENCE)
    if not lowest * count <= charge <= highest * count:
        shares, reason = [math.nan] * count, NO_SUCH_VALENCE
    elif trusted is not None and all(abs(count * trusted[i] - charge) < _ROUNDING for i in open_atoms):
        shares, reason = [charge / count] * count, BOTH
    else:
        shares, reason = _shared(charge, [_bonding(near[i]) for i in open_atoms])
    for i, share in zip(open_atoms, shares, strict=True):
        states[i] = (share, BALANCE_WINS if reason == BALANCE and trusted is not None else reason)
    return states


def _shared(charge: int, bondings: Sequence[float]) -> tuple[list[float], str]:
    """Share a charge among atoms of one element by what their bonds add up to.

    Returns the state of each, NaN where it is not unique, and the reason.
    """
    count = len(bondings)
    low, above = divmod(charge, count)  # so many have one more
    unit = math.fsum(bondings) / charge
    falling = sorted(bondings, reverse=True)
    if not above and (count == 1 or falling[0] - falling[-1] < _ALIKE * unit):
        return [float(low)] * count, BALANCE
    if above and falling[above - 1] - falling[above] > _APART * unit:
        return [float(low + (one >= falling[above - 1])) for one in bondings], MIXED
    return [math.nan] * count, MIXED_UNKNOWN


def _bonding(around: Sequence[_Neighbour]) -> float:
    """Return what the bonds of an atom to anions add up to, in a unit of its element."""
    return math.fsum(
        math.exp((_SHIFTS[there] - length) / _SOFTNESS) for there, length, _ in around if there in _SHIFTS
    )
