"""Mixtures of a family's spectra, as rows of a family: what a reader of mixed valence is trained and tested on."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.mixtures.drawing import draw_mixtures
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS, TRAIN, VALIDATION

_MOST_VALUES = 12  # of what mixes: a valence has few
_OF_ROWS = ("spectra_NE", "descriptors_NK", "material_N", "site_N", "split_N", "quantities_NQ")


@dataclass(frozen=True)
class Recipe:
    """How the mixtures that a model is trained on are drawn.

    Attributes
    ----------
    of
        Descriptor that mixes, such as a valence.
    share
        Of the training rows whose descriptor is known, and of those of validation: how many are mixtures, below 1.
    components
        The most spectra in one, at least 2.
    seed
        Of the draws; those of each side of the split differ.
    """

    of: str
    share: float
    components: int
    seed: int


def mixtures_of(family: Family, recipe: Recipe, side: int, mixtures: int) -> Family:
    """Return mixtures of the rows on one side of the split as a family, of which that one descriptor is known.

    Each stands under the name of the set of materials that it is drawn of; no material is in two sets.

    Parameters
    ----------
    family
        With its split.
    recipe
        Whose share is not looked at.
    side
        0 train, 1 validation, 2 test.
    mixtures
        How many.

    Raises
    ------
    UserError
        If the descriptor is not known or has too many values, or its side has too few materials.
    """
    k = _column(family, recipe.of)
    rows = np.flatnonzero(family.split_N == side)
    value_N = family.descriptors_NK[rows, k]
    values = np.unique(value_N[np.isfinite(value_N)])
    about = f"mixtures.of={recipe.of}"
    if len(values) > _MOST_VALUES:
        raise UserError(
            f"{about}: it has {len(values)} values, expected few, as a valence has\n"
            "name a descriptor that adds up in the shares of a mixture, such as OS"
        )
    rng = np.random.default_rng([recipe.seed, side])
    try:
        drawn = draw_mixtures(value_N, family.material_N[rows], mixtures, recipe.components, rng)
    except ValueError as error:
        raise UserError(f"{about}: on the {SPLITS[side]} side {error}\ngive more data") from error
    descriptors_MK = np.full((mixtures, len(family.descriptor_names)), np.nan)
    descriptors_MK[:, k] = drawn.of(value_N)
    return replace(
        _without_extras(family),
        spectra_NE=drawn.of(np.asarray(family.spectra_NE[rows])).astype(np.float32),
        descriptors_NK=descriptors_MK,
        material_N=np.array([f"{SPLITS[side]} mixtures {block}" for block in drawn.block_M]),
        site_N=np.arange(mixtures),
        split_N=np.full(mixtures, side, dtype=family.split_N.dtype),
        quantities_NQ=np.full((mixtures, len(family.quantity_names)), np.nan),
        file_N=None if family.file_N is None else np.full(mixtures, -1, dtype=family.file_N.dtype),
    )


def with_mixtures(family: Family, recipe: Recipe | None) -> Family:
    """Return a family with mixtures among its training and its validation rows; without a recipe as it is."""
    if recipe is None:
        return family
    known_N = np.isfinite(family.descriptors_NK[:, _column(family, recipe.of)])
    parts = [_without_extras(family.in_memory())]
    for side in (TRAIN, VALIDATION):
        mixtures = round(recipe.share / (1 - recipe.share) * int((known_N & (family.split_N == side)).sum()))
        if mixtures:
            parts.append(mixtures_of(family, recipe, side, mixtures))
    rows = [*_OF_ROWS, *(["file_N"] if family.file_N is not None else [])]
    joined: dict[str, Any] = {one: np.concatenate([getattr(part, one) for part in parts]) for one in rows}
    return replace(parts[0], **joined)


def _without_extras(family: Family) -> Family:
    """Return the family without what is known of rows alone that mixtures do not have."""
    return replace(family, oxidation_reason_N=None, groups={}, features=None)


def _column(family: Family, name: str) -> int:
    if name not in family.descriptor_names:
        raise UserError(
            f"mixtures.of={name}: no descriptor of family {family.name}; {nearest(name, family.descriptor_names)}"
        )
    return family.descriptor_names.index(name)
