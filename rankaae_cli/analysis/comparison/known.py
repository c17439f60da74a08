"""What a family knows of its spectra that clusters are held against: labels, and where each is in a series."""

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import with_unit
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import FORMULA

ORDER = "order"
_MOST_CLASSES = 10  # values that a descriptor or group may have to be held against clusters


def labels_of(family: Family) -> dict[str, np.ndarray]:
    """Return the descriptors and groups of few values, by name, shape (N,)."""
    labels = {}
    for name, values_N in zip(family.descriptor_names, family.descriptors_NK.T, strict=True):
        if 1 < len(np.unique(values_N[np.isfinite(values_N)])) <= _MOST_CLASSES:
            labels[name] = values_N
    for name, texts_N in family.groups.items():
        if name != FORMULA and 1 < len(set(map(str, texts_N)) - {""}) <= _MOST_CLASSES:
            labels[name] = np.asarray(texts_N).astype(str)
    return labels


def series_of(family: Family, name: str) -> tuple[np.ndarray, str]:
    """Return where in a series each spectrum is, NaN where not known, shape (N,), and what that is, with its unit.

    Raises
    ------
    UserError
        If the family has no numbers of that name.
    """
    if name == ORDER:
        return np.arange(1.0, len(family) + 1), "Place in the series"
    numbers = dict(zip(family.descriptor_names, family.descriptors_NK.T, strict=True))
    numbers |= dict(zip(family.quantity_names, family.quantities_NQ.T, strict=True))
    numbers |= {group: _numbers(texts_N) for group, texts_N in family.groups.items() if group not in numbers}
    if name not in numbers:
        raise UserError(f"{family.name} has no {name!r} for series=; {nearest(name, [ORDER, *numbers])}")
    values_N = np.asarray(numbers[name], dtype=np.float64)
    if len(np.unique(values_N[np.isfinite(values_N)])) < 2:
        raise UserError(f"{name} of {family.name} does not change: it is no series\ncorrect series=")
    units = dict(zip(family.descriptor_names, family.descriptor_units, strict=True))
    units |= dict(zip(family.quantity_names, family.quantity_units, strict=True))
    return values_N, with_unit(name, units.get(name, ""))


def _numbers(texts_N: np.ndarray) -> np.ndarray:
    """Return texts as numbers, NaN of those that are none."""
    values = []
    for text in texts_N:
        try:
            values.append(float(text))
        except ValueError:
            values.append(np.nan)
    return np.array(values)
