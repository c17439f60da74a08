"""Which side of the split a row is on: rows that share a group, such as a material or a formula, share a side."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.structure.composition import chemical_system
from rankaae_cli.data.family.family import Family

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
MATERIAL, FORMULA, CHEMICAL_SYSTEM = "material", "formula", "chemical_system"
_TRAIN_UP_TO = 0.70
_VALIDATION_UP_TO = 0.85


def split_of(group: str, split_seed: int = 0) -> int:
    """Return the side of one group, such as a material: 0 train, 1 validation, 2 test.

    The side depends on the group's name and the seed alone, so adding data moves nobody, and all rows of a group
    are on one side.
    """
    u = _position(group, split_seed)
    if u < _TRAIN_UP_TO:
        return TRAIN
    return VALIDATION if u < _VALIDATION_UP_TO else TEST


def split_by_material(materials_N: Sequence[str] | np.ndarray, split_seed: int = 0) -> np.ndarray:
    """Return the side of every row, shape (N,), uint8; see `split_of`."""
    sides = {m: split_of(m, split_seed) for m in set(materials_N)}
    return np.array([sides[m] for m in materials_N], dtype=np.uint8)


def split_by_group(groups_N: Sequence[str] | np.ndarray, split_seed: int = 0) -> np.ndarray:
    """Return the side of every row, shape (N,), uint8, by groups that may be few.

    As `split_by_material`, unless a side would be empty although there are three groups or more: then the groups,
    in the order of the same hash, are given out by number, 15 % of them, at least one, to validation and as many
    to test. Adding such groups may move others.
    """
    names = sorted(set(groups_N), key=lambda group: _position(group, split_seed))
    sides = [split_of(group, split_seed) for group in names]
    if len(names) >= len(SPLITS) > len(set(sides)):
        apart = max(round((1 - _VALIDATION_UP_TO) * len(names)), 1)
        sides = [TRAIN] * (len(names) - 2 * apart) + [VALIDATION] * apart + [TEST] * apart
    side_of = dict(zip(names, sides, strict=True))
    return np.array([side_of[group] for group in groups_N], dtype=np.uint8)


def groups_of(family: Family, split_by: str) -> np.ndarray:
    """Return the group of every row, shape (N,), strings.

    Parameters
    ----------
    family
        With the groups that are asked for.
    split_by
        ``material``, ``formula``, ``chemical_system`` (the elements of the formula), or another one of
        `Family.groups`.

    Raises
    ------
    UserError
        If the family has no such groups, or not of every row.
    """
    if split_by == MATERIAL:
        return family.material_N
    stored = FORMULA if split_by == CHEMICAL_SYSTEM else split_by
    group_N = family.groups.get(stored)
    choices = (MATERIAL, FORMULA, CHEMICAL_SYSTEM, *family.groups)
    if group_N is None and stored != FORMULA:
        raise UserError(f"the data have no groups {split_by!r} to split by; {nearest(split_by, choices)}")
    if group_N is None or not all(group_N):
        lacking = "nothing" if group_N is None else f"no {stored} of {family.material_N[group_N == ''][0]}"
        raise UserError(
            f"split_by={split_by} needs the {stored} of every material, the data have {lacking}\n"
            f"ingest the structures again, or give a table: rankaae ingest source=family path=FILE.h5 "
            f"groups=TABLE.csv, with columns material,{stored}"
        )
    if split_by != CHEMICAL_SYSTEM:
        return group_N
    systems = {formula: chemical_system(formula) for formula in set(group_N)}
    return np.array([systems[formula] for formula in group_N], dtype=object)


def split_again(family: Family, split_by: str | None, split_seed: int) -> Family:
    """Return a family split by other groups or with another seed; the same where it is split so already.

    Parameters
    ----------
    family
        With the split of its file.
    split_by
        As of `groups_of`; None for that of the file.
    split_seed
        0 keeps the split of the file where that is by the same groups.

    Raises
    ------
    UserError
        If the family has no such groups, or its files were split by different ones and `split_by` is None.
    """
    by = split_by or family.split_by
    if not by:
        raise UserError(
            "the data files are split by different groups\ngive one of them, such as split_by=material"
        )
    if split_seed == 0 and by == family.split_by:
        return family
    return replace(family, split_by=by, split_N=hashed_sides(family, by, split_seed))


def hashed_sides(family: Family, split_by: str, split_seed: int) -> np.ndarray:
    """Return the sides, shape (N,), that the hash of the groups' names gives, whatever those in the file are."""
    sides_of = split_by_material if split_by == MATERIAL else split_by_group
    return sides_of(groups_of(family, split_by), split_seed)


def _position(group: str, split_seed: int) -> float:
    """Return where a group is between 0 and 1, by the SHA-256 of its name."""
    return int.from_bytes(hashlib.sha256(f"{split_seed}:{group}".encode()).digest(), "big") / 2**256
