"""The features that a family is to have: those that were computed or read with it, its descriptors, or both."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.features.feature_set import FeatureSet, side_by_side
from rankaae_cli.data.features.featurisers import FEATURISERS, Featuriser, featurisers_of

DESCRIPTORS, QUANTITIES = _OF_FAMILY = "descriptors", "quantities"
_WITH_STRUCTURES, _WITH_FEATURES = ("feff", "atoms"), ("npz", "family")  # sources


def featurisers_for(names: Sequence[str], source: str) -> tuple[Featuriser, ...]:
    """Return what is to compute features of those names; none where the source or the family has them.

    Raises
    ------
    UserError
        If there are no such features, or a package is missing, or the source has no structures.
    """
    if source in _WITH_FEATURES:
        return ()
    for name in names:
        if name not in (*FEATURISERS, *_OF_FAMILY):
            raise UserError(f"there are no features={name}: {nearest(name, (*FEATURISERS, *_OF_FAMILY))}")
    computed = [name for name in names if name not in _OF_FAMILY]
    if computed and source not in _WITH_STRUCTURES:
        raise UserError(
            f"features={computed[0]} needs structures, which source={source} has not\n"
            f"give source={' or '.join(_WITH_STRUCTURES)}, or leave it out"
        )
    return featurisers_of(computed)


def with_features(family: Family, names: Sequence[str], source: str) -> Family:
    """Return a family with those features alone: its own by their model's name, descriptors, quantities.

    Without names it stays as it is.

    Raises
    ------
    UserError
        If it has none of that name.
    """
    if not names:
        return family
    own = family.features
    of_others = [name for name in names if name not in _OF_FAMILY]
    if of_others and (own is None or own.model != "+".join(of_others)):
        there = "it has none" if own is None else f"it has those of {own.title}"
        raise UserError(
            f"features={','.join(of_others)} are not in what source={source} reads: {there}\n"
            f"give source={' or '.join(_WITH_STRUCTURES)} with structures to compute them"
        )
    sets = [own] if of_others and own is not None else []
    if DESCRIPTORS in names:
        sets.append(_known(DESCRIPTORS, family.descriptors_NK, family.descriptor_names))
    if QUANTITIES in names:
        sets.append(_known(QUANTITIES, family.quantities_NQ, family.quantity_names))
    return replace(family, features=side_by_side(sets))


def _known(what: str, values_NF: np.ndarray, names: Sequence[str]) -> FeatureSet:
    """Return the descriptors or quantities that are known of some row as features."""
    known = np.flatnonzero(np.isfinite(values_NF).any(axis=0)).tolist()
    if len(values_NF) and not len(known):
        raise UserError(
            f"features={what}: no {'descriptor is' if what == DESCRIPTORS else 'quantity is'} known of any site\n"
            "leave it out, or give a source with structures"
        )
    return FeatureSet(values_NF[:, known].astype(np.float32), tuple(names[i] for i in known), what)
