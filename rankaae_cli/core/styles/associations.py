"""What free styles have to do with quantities of the sites that no style was tied to.

Correlations are Spearman's. What is left of one after the named styles are taken out is the *partial*
correlation: the ranks of the style and of the quantity are each regressed linearly on the ranks of the named
styles, and the residuals correlated. That takes out what rises or falls with the named styles; what follows one
of them up and down again is not taken out.

Rows of one material are no independent witnesses. So chance is measured by permuting materials: each is given
the rows of free styles of another one, in turn again where that has fewer rows, while quantities and named
styles stay in place; then the named styles are taken out again, and the largest |partial| of all pairs is noted.
The 95th percentile of these is a threshold for all pairs together: Westfall and Young, Resampling-Based
Multiple Testing (Wiley, 1993).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded where they are used

FLOOR = 0.3  # below, a rank correlation explains less than a tenth of the variance
FEWEST_ROWS = 30  # on fewer, chance alone easily reaches the floor
_CHANCE = 0.05
_NOTHING_LEFT = 1e-10  # share of a variance


@dataclass(frozen=True)
class Pair:
    """A free style and a quantity, and how they go together.

    Attributes
    ----------
    style, quantity
        Their names.
    rows
        Number of rows in which the quantity is known.
    spearman
        Spearman's rank correlation over these; NaN where either does not vary or rows are too few.
    partial
        What is left of it after the named styles are taken out; NaN as above, 0 where the named styles leave
        nothing of either.
    p_value
        How often the largest |partial| of all pairs is at least as large by chance; NaN as above.
    """

    style: str
    quantity: str
    rows: int
    spearman: float
    partial: float
    p_value: float


@dataclass(frozen=True)
class Association(Pair):
    """A pair on one set of rows.

    Attributes
    ----------
    stands_out
        Whether |partial| is above both `Associations.threshold` and `FLOOR`.
    """

    stands_out: bool


@dataclass(frozen=True)
class Associations:
    """Every pair of a free style and a quantity.

    Attributes
    ----------
    pairs
        By |partial|, the largest first; those without one last.
    threshold
        What the largest |partial| of all pairs stays below in 95 of 100 permutations; NaN where no pair has one.
    materials, permutations
        How many.
    """

    pairs: tuple[Association, ...]
    threshold: float
    materials: int
    permutations: int


def associations(
    styles_NF: np.ndarray,
    quantities_NQ: np.ndarray,
    named_NK: np.ndarray,
    material_N: np.ndarray,
    *,
    style_names: Sequence[str],
    quantity_names: Sequence[str],
    permutations: int = 500,
    seed: int = 0,
) -> Associations:
    """Correlate every free style with every quantity; tell what the named styles and chance account for.

    Parameters
    ----------
    styles_NF, named_NK
        Shapes (N, F) and (N, K): the free and the named styles, K may be 0. Rows with a NaN are left out.
    quantities_NQ
        Shape (N, Q): any units; NaN where not known. One that is known in fewer than 30 rows is not judged.
    material_N
        Shape (N,): the name of each row's material.
    style_names, quantity_names
        F and Q names.
    permutations, seed
        How many, and of what random numbers.

    Raises
    ------
    ValueError
        If shapes do not fit together.
    """
    f, q = len(style_names), len(quantity_names)
    _require_shapes(styles_NF, quantities_NQ, named_NK, len(material_N), f, q)
    kept = np.flatnonzero(np.isfinite(styles_NF).all(axis=1) & np.isfinite(named_NK).all(axis=1))
    kept = kept[np.argsort(np.asarray(material_N).astype(str)[kept], kind="stable")]
    names, material = np.unique(np.asarray(material_N).astype(str)[kept], return_inverse=True)
    groups = list(_groups(styles_NF[kept], quantities_NQ[kept], named_NK[kept], material))
    by_chance = _largest_by_chance(groups, len(names), permutations, np.random.default_rng(seed))
    threshold = float(np.quantile(by_chance, 1 - _CHANCE, method="higher")) if groups else np.nan
    spearman_FQ, partial_FQ = np.full((2, f, q), np.nan)
    for group in groups:
        spearman_FQ[:, group.columns] = group.spearman_FQ
        partial_FQ[:, group.columns] = np.where(np.isnan(group.spearman_FQ), np.nan, group.partial_FQ)
    known_Q = np.isfinite(quantities_NQ[kept]).sum(axis=0)
    pairs = [
        Association(
            style=style_names[i],
            quantity=quantity_names[j],
            rows=int(known_Q[j]),
            spearman=float(spearman_FQ[i, j]),
            partial=float(partial_FQ[i, j]),
            p_value=_p_value(partial_FQ[i, j], by_chance),
            stands_out=bool(abs(partial_FQ[i, j]) > max(threshold, FLOOR)),  # never of NaN
        )
        for i in range(f)
        for j in range(q)
    ]
    pairs.sort(key=lambda pair: -np.nan_to_num(abs(pair.partial), nan=-1.0))
    return Associations(tuple(pairs), threshold, len(names), permutations)


@dataclass(frozen=True)
class _Group:
    """Quantities that are known in the same n rows, which are sorted by material.

    Attributes
    ----------
    columns
        The quantities' indices.
    spearman_FQ
        NaN where a style or quantity does not vary.
    styles_nF, quantities_nQ
        What the named styles leave of the ranks; each column of length 1, or 0 where nothing is left.
    named_nR
        Orthonormal columns that span a constant and the ranks of the named styles.
    materials_m
        The m materials, ascending.
    first_m, size_m
        Each material's first row and number of rows.
    material_n
        Each row's index among the materials.
    """

    columns: np.ndarray
    spearman_FQ: np.ndarray
    styles_nF: np.ndarray  # noqa: N815
    quantities_nQ: np.ndarray  # noqa: N815
    named_nR: np.ndarray  # noqa: N815
    materials_m: np.ndarray
    first_m: np.ndarray
    size_m: np.ndarray
    material_n: np.ndarray

    @property
    def partial_FQ(self) -> np.ndarray:
        return self.styles_nF.T @ self.quantities_nQ

    def permuted_FQ(self, place: np.ndarray) -> np.ndarray:
        """Return the partial correlations after the materials are put in the order of their `place`."""
        source_m = np.argsort(place[self.materials_m])
        within_n = np.arange(len(self.material_n)) - self.first_m[self.material_n]
        source_n = source_m[self.material_n]
        rows = self.first_m[source_n] + within_n % self.size_m[source_n]
        return _residual(self.styles_nF[rows], self.named_nR).T @ self.quantities_nQ


def _groups(
    styles_NF: np.ndarray, quantities_NQ: np.ndarray, named_NK: np.ndarray, material_N: np.ndarray
) -> Iterator[_Group]:
    """Yield the quantities that are known in enough rows, those known in the same rows together."""
    columns_of: dict[bytes, list[int]] = {}
    for j, known_N in enumerate(np.isfinite(quantities_NQ).T):
        columns_of.setdefault(known_N.tobytes(), []).append(j)
    for pattern, columns in columns_of.items():
        rows = np.flatnonzero(np.frombuffer(pattern, dtype=bool))
        if len(rows) < max(FEWEST_ROWS, 3 + named_NK.shape[1]):
            continue
        styles_nF = _standard_ranks(styles_NF[rows])  # noqa: N806
        quantities_nQ = _standard_ranks(quantities_NQ[rows][:, columns])  # noqa: N806
        named_nR = _orthonormal(_standard_ranks(named_NK[rows]))  # noqa: N806
        materials_m, first_m, material_n, size_m = np.unique(
            material_N[rows], return_index=True, return_inverse=True, return_counts=True
        )
        varies_FQ = np.outer(styles_nF.any(axis=0), quantities_nQ.any(axis=0))
        yield _Group(
            columns=np.array(columns),
            spearman_FQ=np.where(varies_FQ, styles_nF.T @ quantities_nQ, np.nan),
            styles_nF=_residual(styles_nF, named_nR),
            quantities_nQ=_residual(quantities_nQ, named_nR),
            named_nR=named_nR,
            materials_m=materials_m,
            first_m=first_m,
            size_m=size_m,
            material_n=material_n,
        )


def _largest_by_chance(
    groups: Sequence[_Group], materials: int, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the largest |partial| of all pairs in each permutation of the materials."""
    if not groups:
        return np.empty(0)
    # One order of all materials for all groups, so that what goes together still does.
    places = (rng.permutation(materials) for _ in range(permutations))
    return np.array([max(np.abs(g.permuted_FQ(place)).max(initial=0.0) for g in groups) for place in places])


def _p_value(partial: float, by_chance: np.ndarray) -> float:
    if np.isnan(partial):
        return np.nan
    # The order that was observed is one of the permutations too.
    return float((1 + np.count_nonzero(by_chance >= abs(partial))) / (1 + len(by_chance)))


def _standard_ranks(values_nC: np.ndarray) -> np.ndarray:  # noqa: N803
    """Return each column's ranks about their mean, of length 1; 0 where a column does not vary."""
    ranks_nC = scipy.stats.rankdata(values_nC, axis=0) - (len(values_nC) + 1) / 2  # noqa: N806
    length_C = np.linalg.norm(ranks_nC, axis=0)
    return ranks_nC / np.where(length_C > 0, length_C, 1.0)


def _orthonormal(ranks_nK: np.ndarray) -> np.ndarray:  # noqa: N803
    """Return orthonormal columns that span a constant and the given columns."""
    with_constant = np.column_stack([np.full(len(ranks_nK), len(ranks_nK) ** -0.5), ranks_nK])
    basis, singular, _ = np.linalg.svd(with_constant, full_matrices=False)
    return basis[:, singular > 1e-8 * singular[0]]


def _residual(columns_nC: np.ndarray, named_nR: np.ndarray) -> np.ndarray:  # noqa: N803
    """Return what regression on the named styles leaves of each column, of length 1, or 0 for nothing."""
    residual_nC = columns_nC - named_nR @ (named_nR.T @ columns_nC)  # noqa: N806
    before_C, after_C = ((c**2).sum(axis=0) for c in (columns_nC, residual_nC))
    something_C = after_C > _NOTHING_LEFT * before_C
    return np.where(something_C, residual_nC / np.sqrt(np.where(something_C, after_C, 1.0)), 0.0)


def _require_shapes(
    styles_NF: np.ndarray, quantities_NQ: np.ndarray, named_NK: np.ndarray, n: int, f: int, q: int
) -> None:
    given = [array.shape for array in (styles_NF, quantities_NQ, named_NK)]
    if given != [(n, f), (n, q), (n, *named_NK.shape[1:])] or named_NK.ndim != 2:
        raise ValueError(
            f"styles {given[0]}, quantities {given[1]}, named styles {given[2]}: "
            f"expected ({n}, {f}), ({n}, {q}), ({n}, K)"
        )
