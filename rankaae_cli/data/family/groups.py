"""What materials share, such as a formula, from a table of the user's own."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rankaae_cli.core.errors import UserError, printable
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import group_columns

_EXPECTED = "expected a csv file with a column material and one a kind of group, such as formula"
_SHOWN = 100  # letters of names in a message
_RESERVED = ("material", "chemical_system")  # by which a split is made without a column


def read_groups(path: str) -> dict[str, dict[str, str]]:
    """Read a table with a row a material: a column ``material`` and one for each kind of group.

    Returns
    -------
    dict
        By material the groups that it is in, by their kinds.

    Raises
    ------
    UserError
        If it cannot be read, is no such table, or a material is in it twice.
    """
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}\ncorrect groups=")
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UserError(f"groups={path} cannot be read as a table\n{_EXPECTED}") from error
    header = [name.strip() for name in header]
    if header.count("material") != 1 or len(header) < 2:
        raise UserError(f"groups={path} has the columns {printable(', '.join(header))[:_SHOWN]}\n{_EXPECTED}")
    groups: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise UserError(f"groups={path}: row {number} has {len(row)} values, the header {len(header)}")
        values = dict(zip(header, map(str.strip, row), strict=True))
        material = values.pop("material")
        if groups.setdefault(material, values) is not values:
            raise UserError(
                f"groups={path}: material {material[:_SHOWN]!r} is there twice\nleave one of them"
            )
    return groups


def with_groups(family: Family, groups: Mapping[str, Mapping[str, str]], path: str) -> Family:
    """Return a family with groups of its materials added to those that it has; columns of one name are replaced.

    Raises
    ------
    UserError
        If no material of the family is among them, or a column has a name that a split has without it.
    """
    columns = group_columns(family.material_N, groups)
    taken = [name for name in columns if name in _RESERVED]
    if taken:
        raise UserError(f"groups={path}: a column cannot be called {taken[0]}\ngive it another name")
    if len(family) and not any(material in groups for material in set(family.material_N)):
        raise UserError(
            f"groups={path} names none of the materials, such as {family.material_N[0]}\n"
            "give a table of these materials"
        )
    return replace(family, groups={**family.groups, **columns})
