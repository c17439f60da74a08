"""How much spectra change with a descriptor: slope, band and significance, all over materials.

The slope is that of a linear regression of the spectrum at each energy on the descriptor, the other descriptors
held equal: their values and squares, and a step for each class, stand beside it. The spectrum is regressed on the
descriptor, never the descriptor, or a calibration to it, on a style: however badly a style reads the descriptor,
the error is then in what is regressed, where it costs precision but leaves the slope as it is, while one divided by
the range of calibrated values is too large by as much as that range is shrunk.

Chance is measured by permuting materials, which are independent where their rows are not: each is given the
spectra of another one, in turn again where that has fewer rows, after what the other descriptors explain of them is
taken off (Kennedy, J. Bus. Econ. Stat. 13, 85 (1995)); labels stay in place. An energy is significant where its
slope, in standard deviations over the permutations, exceeds what 95 of 100 permutations have at any energy: the
chance that a descriptor of no effect is significant anywhere is 5 % (Westfall and Young, Resampling-Based Multiple
Testing, Wiley, 1993). This holds where the spectra know nothing of the labels but by physics, so on rows that
nothing was fitted on: an encoder may learn by heart labels that are random.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.statistics.bootstrap import affordable_resamples, material_weights, permuted_rows
from rankaae_cli.core.statistics.classification import nearest_class

SIGNIFICANCE = 0.05
READ_LEVEL = 0.01  # of ten descriptors of random values, nine of ten times none is called read
FEWEST_MATERIALS = 10
PERMUTATIONS, RESAMPLES = 999, 400
_LEAST_KNOWN = 0.5
_NOTHING_LEFT = 1e-8  # of a variance
_ROUNDING = 1e-12  # of the largest number


@dataclass(frozen=True)
class Design:
    """A descriptor beside the others, in n rows where all of them are known.

    Attributes
    ----------
    rows
        Indices of the rows, shape (n,).
    descriptor_n
        The descriptor, shape (n,).
    others_nO
        A constant and the columns that are held equal, shape (n, O).
    left_n
        What regression on these leaves of the descriptor, shape (n,).
    material_n
        Each row's material.
    held_equal
        Indices of the other descriptors that are held equal.
    """

    rows: np.ndarray
    descriptor_n: np.ndarray
    others_nO: np.ndarray  # noqa: N815
    left_n: np.ndarray
    material_n: np.ndarray
    held_equal: tuple[int, ...]

    @property
    def contrast_n(self) -> np.ndarray:
        """What a column is multiplied with, and summed, to have its slope, shape (n,)."""
        return self.left_n / (self.left_n @ self.left_n)

    def rest(self, columns_nC: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return what regression on the other descriptors leaves of columns, shape (n, C)."""
        return columns_nC - self.others_nO @ np.linalg.lstsq(self.others_nO, columns_nC, rcond=None)[0]


@dataclass(frozen=True)
class Slope:
    """Change of the spectrum by one unit of a descriptor, the others equal, against energy.

    Attributes
    ----------
    slope_E
        Edge steps by the descriptor's unit, shape (E,).
    resampled_slope
        The same over R bootstrap samples of materials, shape (R, E).
    p_value_E
        How often a slope is as far from zero by chance, at any energy, shape (E,).
    materials
        How many.
    """

    slope_E: np.ndarray
    resampled_slope: np.ndarray
    p_value_E: np.ndarray
    materials: int

    @property
    def significant_E(self) -> np.ndarray:
        """Where chance gives such a slope in at most 5 % of permutations, shape (E,), bool."""
        return self.p_value_E <= SIGNIFICANCE

    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the 95 % interval at each energy on its own, shape (E,) each."""
        if not len(self.resampled_slope):
            return np.full_like(self.slope_E, np.nan), np.full_like(self.slope_E, np.nan)
        low_E, high_E = np.percentile(self.resampled_slope, [2.5, 97.5], axis=0)
        return low_E, high_E


@dataclass(frozen=True)
class Reading:
    """Whether a style reads its descriptor better than chance does.

    Attributes
    ----------
    spearman
        Rank correlation of style and descriptor; NaN where either does not vary, or materials are too few.
    chance
        What it stays below in 99 of 100 permutations of the materials; NaN as above.
    p_value
        How often chance reaches as much; NaN as above.
    materials
        How many.
    """

    spearman: float
    chance: float
    p_value: float
    materials: int

    @property
    def is_read(self) -> bool:
        """Whether chance reaches as much in at most 1 % of permutations."""
        return self.p_value <= READ_LEVEL


def design(
    descriptors_NK: np.ndarray,
    descriptor: int,
    material_N: Sequence[str] | np.ndarray,
    classes: Mapping[int, Sequence[float]] | None = None,
) -> Design | None:
    """Return a descriptor beside the others.

    Another descriptor that is unknown in more than half of the rows is not held equal, nor is one that does not
    vary; rows where one of the rest is unknown are left out.

    Parameters
    ----------
    descriptors_NK
        Shape (N, K), NaN where not known.
    descriptor
        Index of the one.
    material_N
        Material of each row, shape (N,).
    classes
        Values of those descriptors that take few, by index.

    Returns
    -------
    Design or None
        None where fewer than ten materials are left, or the others leave nothing of the descriptor.
    """
    known_NK = np.isfinite(descriptors_NK)
    held_equal = tuple(
        k
        for k, column_N in enumerate(descriptors_NK.T)
        if k != descriptor and known_NK[:, k].mean() >= _LEAST_KNOWN and np.nanstd(column_N) > 0
    )
    rows = np.flatnonzero(known_NK[:, [descriptor, *held_equal]].all(axis=1))
    material_n = np.asarray(material_N).astype(str)[rows]
    if len(set(material_n)) < FEWEST_MATERIALS:
        return None
    columns = [np.ones(len(rows))]
    for k in held_equal:
        columns += _columns(descriptors_NK[rows, k], (classes or {}).get(k))
    others_nO, value_n = np.column_stack(columns), descriptors_NK[rows, descriptor]  # noqa: N806
    made = Design(rows, value_n, others_nO, np.empty(0), material_n, held_equal)
    left_n = made.rest(value_n[:, None])[:, 0]
    if left_n @ left_n <= _NOTHING_LEFT * ((value_n - value_n.mean()) ** 2).sum():
        return None
    return Design(rows, value_n, others_nO, left_n, material_n, held_equal)


def slope(spectra_nE: np.ndarray, given: Design, seed: int = 0) -> Slope:  # noqa: N803
    """Return the slope of spectra with a descriptor, its bootstrap and its significance.

    Parameters
    ----------
    spectra_nE
        Of the rows of the design, shape (n, E).
    given
        Of `design`.
    seed
        Of the permutations and of the bootstrap.
    """
    spectra_nE = np.asarray(spectra_nE, dtype=np.float64)  # noqa: N806
    slope_E, rng = given.contrast_n @ spectra_nE, np.random.default_rng(seed)
    by_chance = contrasts_by_chance(given.contrast_n, given.rest(spectra_nE), given.material_n, rng)
    deviation_E = by_chance.std(axis=0)
    rounding = _ROUNDING * np.abs(spectra_nE).max() * np.linalg.norm(given.contrast_n)
    deviation_E = np.where(deviation_E > rounding, deviation_E, np.inf)
    largest = (np.abs(by_chance) / deviation_E).max(axis=1)
    exceeded_E = (largest[:, None] >= np.abs(slope_E) / deviation_E).sum(axis=0)
    return Slope(
        slope_E=slope_E,
        resampled_slope=_resampled_slope(spectra_nE, given, rng),
        p_value_E=(1 + exceeded_E) / (1 + len(by_chance)),
        materials=len(set(given.material_n)),
    )


def contrasts_by_chance(
    contrast_n: np.ndarray,
    rest_nE: np.ndarray,  # noqa: N803
    material_n: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return a weighted sum of spectra with the spectra given to other materials, shape (R, E).

    Parameters
    ----------
    contrast_n
        Weights of the rows, shape (n,).
    rest_nE
        Spectra, less what other descriptors explain of them, shape (n, E).
    material_n
        Each row's material.
    rng
        Source of randomness.
    """
    n = len(contrast_n)
    rows_Rn = permuted_rows(material_n, affordable_resamples(n, PERMUTATIONS), rng)  # noqa: N806
    weights = np.stack([np.bincount(rows, weights=contrast_n, minlength=n) for rows in rows_Rn])
    return weights @ rest_nE


def reading(
    style_N: np.ndarray, descriptor_N: np.ndarray, material_N: Sequence[str] | np.ndarray, seed: int = 0
) -> Reading:
    """Tell whether a style, which is to increase with its descriptor, reads it better than chance.

    The rows must be such that no label of them trained the encoder or chose its epoch: of labels that are random
    it reads on training rows what it learnt by heart, and on validation rows a little, as the best of its epochs.

    Parameters
    ----------
    style_N, descriptor_N
        Shape (N,), NaN where not known.
    material_N
        Material of each row, shape (N,).
    seed
        Of the permutations.
    """
    known_N = np.isfinite(style_N) & np.isfinite(descriptor_N)
    material = np.asarray(material_N).astype(str)[known_N]
    materials, nan = len(set(material)), float("nan")
    if materials < FEWEST_MATERIALS or not (np.ptp(style_N[known_N]) and np.ptp(descriptor_N[known_N])):
        return Reading(nan, nan, nan, materials)
    style, descriptor = (scipy.stats.rankdata(values[known_N]) for values in (style_N, descriptor_N))
    descriptor -= descriptor.mean()
    rows = permuted_rows(
        material, affordable_resamples(len(style), PERMUTATIONS), np.random.default_rng(seed)
    )
    ranks = np.concatenate([style[None], style[rows]])
    ranks -= ranks.mean(axis=1, keepdims=True)
    size = np.linalg.norm(ranks, axis=1) * np.linalg.norm(descriptor)
    rho = (ranks @ descriptor) / np.where(size > 0, size, np.inf)
    return Reading(
        spearman=float(rho[0]),
        chance=float(np.quantile(rho[1:], 1 - READ_LEVEL, method="higher")),
        p_value=float((rho >= rho[0]).mean()),  # the order that was observed is one of them
        materials=materials,
    )


def _columns(value_n: np.ndarray, classes: Sequence[float] | None) -> list[np.ndarray]:
    """Return the columns by which a descriptor is held equal: a step a class, or its value and its square."""
    if classes:
        nearest_n = nearest_class(value_n, classes)
        return [(nearest_n == value).astype(float) for value in np.unique(nearest_n)[1:]]
    standard_n = (value_n - value_n.mean()) / (value_n.std() or 1.0)
    return [standard_n, standard_n**2]


def _resampled_slope(
    spectra_nE: np.ndarray,  # noqa: N803
    given: Design,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the slope in bootstrap samples of the materials, shape (R, E), the others held equal in each."""
    n, o = given.others_nO.shape
    weight_nR = material_weights(given.material_n, affordable_resamples(n, RESAMPLES), rng)  # noqa: N806
    products = (given.others_nO[:, :, None] * given.others_nO[:, None, :]).reshape(n, o * o)
    matrix = (weight_nR.T @ products).reshape(-1, o, o)
    response = weight_nR.T @ (given.others_nO * given.descriptor_n[:, None])
    coefficients = (np.linalg.pinv(matrix, hermitian=True) @ response[:, :, None])[:, :, 0]
    # Frisch and Waugh: the coefficient of one column is the slope with what the others leave of it.
    left_nR = given.descriptor_n[:, None] - given.others_nO @ coefficients.T  # noqa: N806
    weighted_nR = weight_nR * left_nR  # noqa: N806
    size = (weighted_nR * left_nR).sum(axis=0)
    kept = size > _NOTHING_LEFT * (given.left_n @ given.left_n)
    return np.asarray((weighted_nR[:, kept] / size[kept]).T @ spectra_nE)
