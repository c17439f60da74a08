"""Associations of free styles that repeat on rows where they were not searched.

Of many pairs the strongest on one set of rows owes a part of its strength to these rows, and on others another one
may be the strongest. So pairs are searched on the validation rows, and one counts only where it repeats on rows
of other materials. Nothing is fitted to the latter; a partial correlation there is free of the search's choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from rankaae_cli.core.statistics.metrics import spearman
from rankaae_cli.core.styles.associations import FEWEST_ROWS, FLOOR, Association, Associations, Pair

NEARLY = 0.95  # |rho| from which a quantity says hardly more than a descriptor


@dataclass(frozen=True)
class Repeat(Pair):
    """A pair, its numbers those on the rows where it has to repeat, beside those on the rows of the search.

    Attributes
    ----------
    found_rows, found_spearman, found_partial, found_p_value
        The same on the rows of the search.
    repeats
        Whether it stands out of the search, has the same sign on the other rows, and there is beyond what chance
        gives the largest of all pairs.
    descriptor
        The named descriptor that the quantity is or nearly is; None where it is none.
    stands_out
        Whether it repeats and is of no named descriptor. One that is of a named descriptor tells of a named
        style that does not hold all of its descriptor, not of something new.
    sign_changes
        Whether plain and partial correlation are of opposite signs on the rows where it has to repeat.
    """

    found_rows: int
    found_spearman: float
    found_partial: float
    found_p_value: float
    repeats: bool
    descriptor: str | None
    stands_out: bool
    sign_changes: bool


@dataclass(frozen=True)
class Repeats:
    """Every pair of a free style and a quantity.

    Attributes
    ----------
    pairs
        By |partial| in the search, the largest first; those without one last.
    limit
        What |partial| has to exceed in the search: what chance gives the largest of all pairs, at least
        `associations.FLOOR`.
    again_limit
        What |partial| has to exceed on the other rows; NaN where these are too few for any pair.
    """

    pairs: tuple[Repeat, ...]
    limit: float
    again_limit: float

    def of_style(self, style: str) -> tuple[Repeat, ...]:
        """Return the pairs of one style, in their order."""
        return tuple(pair for pair in self.pairs if pair.style == style)

    @property
    def standing_out(self) -> tuple[Repeat, ...]:
        """The pairs that stand out, in their order; empty where nothing does."""
        return tuple(pair for pair in self.pairs if pair.stands_out)

    @property
    def of_descriptors(self) -> tuple[Repeat, ...]:
        """The pairs that repeat and are of a named descriptor, in their order."""
        return tuple(pair for pair in self.pairs if pair.repeats and pair.descriptor is not None)


def repeats(search: Associations, again: Associations, same_as: Mapping[str, str]) -> Repeats:
    """Tell which pairs of a search repeat on other rows.

    Parameters
    ----------
    search, again
        Of `core.styles.associations.associations`, of the same styles and quantities: on the rows of the search,
        and on rows of other materials.
    same_as
        Of `nearest_descriptors`.
    """
    elsewhere = {(pair.style, pair.quantity): pair for pair in again.pairs}
    pairs = tuple(
        _repeat(pair, elsewhere[pair.style, pair.quantity], again.threshold, same_as.get(pair.quantity))
        for pair in search.pairs
    )
    limit = max(search.threshold, FLOOR) if np.isfinite(search.threshold) else FLOOR
    return Repeats(pairs, limit, again.threshold)


def nearest_descriptors(
    quantities_NQ: np.ndarray,
    descriptors_NK: np.ndarray,
    quantity_names: Sequence[str],
    descriptor_names: Sequence[str],
) -> dict[str, str]:
    """Return for each quantity that is or nearly is a descriptor that descriptor, by names.

    A quantity nearly is a descriptor where their |rho| is at least 0.95, on 30 rows or more.

    Parameters
    ----------
    quantities_NQ, descriptors_NK
        Shapes (N, Q) and (N, K), NaN where not known.
    quantity_names, descriptor_names
        Q and K names.
    """
    same_as = {}
    for quantity, value_N in zip(quantity_names, quantities_NQ.T, strict=True):
        if quantity in descriptor_names:
            same_as[quantity] = quantity
            continue
        both_NK = np.isfinite(value_N)[:, None] & np.isfinite(descriptors_NK)
        rho_K = np.array([abs(spearman(value_N, descriptor_N)) for descriptor_N in descriptors_NK.T])
        rho_K = np.where((both_NK.sum(axis=0) >= FEWEST_ROWS) & np.isfinite(rho_K), rho_K, 0.0)
        if len(rho_K) and rho_K.max() >= NEARLY:
            same_as[quantity] = descriptor_names[int(rho_K.argmax())]
    return same_as


def _repeat(search: Association, again: Association, threshold: float, descriptor: str | None) -> Repeat:
    # Comparisons with NaN are false: what is not known does not repeat.
    repeated = search.stands_out and abs(again.partial) > threshold and search.partial * again.partial > 0
    there = {field.name: getattr(again, field.name) for field in fields(Pair)}
    return Repeat(
        **there,
        found_rows=search.rows,
        found_spearman=search.spearman,
        found_partial=search.partial,
        found_p_value=search.p_value,
        repeats=repeated,
        descriptor=descriptor,
        stands_out=repeated and descriptor is None,
        sign_changes=again.spearman * again.partial < 0,
    )
