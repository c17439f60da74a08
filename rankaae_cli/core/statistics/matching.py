"""The response in the data themselves: spectra that differ in one descriptor and agree in the others.

Rows are binned by one descriptor, low and high. Each binned row is paired with its nearest rows of the other
bin, by the other descriptors, within a caliper; what difference in them remains is removed by a linear
regression (bias-corrected matching: Abadie & Imbens, J. Bus. Econ. Stat. 29, 1 (2011)). The mean difference
of the pairs' spectra is then the response to that one descriptor, as far as the others hold all that goes
with it: what is in no descriptor is not matched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.statistics.bootstrap import material_weights
from rankaae_cli.core.statistics.classification import nearest_class

CALIPER = 1.0  # standard deviations of each descriptor
NEIGHBOURS = 3
RESAMPLES = 200
FEWEST_PAIRED = 10  # rows on either side
_LEAST_KNOWN = 0.5
_SPARE_NEIGHBOURS = 16  # looked at beyond NEIGHBOURS at first, since some are of the same material


@dataclass(frozen=True)
class Bins:
    """Two parts of the rows by one descriptor.

    Attributes
    ----------
    low_N, high_N
        Shape (N,), bool.
    low_text, high_text
        What they are, such as ``4`` and ``6``, or ``<= 0.02`` and ``>= 0.13``.
    """

    low_N: np.ndarray
    high_N: np.ndarray
    low_text: str
    high_text: str


@dataclass(frozen=True)
class Pairs:
    """P pairs of a high row with a low row.

    Attributes
    ----------
    high, low
        Row numbers, shape (P,).
    weight
        Shape (P,), sum 1: every row that found a partner counts once, shared among its partners.
    matched_on
        Indices of the descriptors that the rows are matched on.
    """

    high: np.ndarray
    low: np.ndarray
    weight: np.ndarray
    matched_on: tuple[int, ...]


@dataclass(frozen=True)
class MatchedDifference:
    """The difference of spectra between the bins.

    Attributes
    ----------
    difference_E
        Of the pairs, high minus low, corrected by regression, shape (E,).
    low_E
        Mean spectrum of the pairs' low rows, shape (E,).
    resampled_difference, resampled_low
        The same over R bootstrap samples of materials.
    descriptor_change
        Mean change of the descriptor in the pairs.
    imbalance_before, imbalance_after
        By index of a descriptor matched on: mean of the high minus mean of the low rows, in standard
        deviations, of the bins and of the pairs before the regression.
    """

    difference_E: np.ndarray
    low_E: np.ndarray
    resampled_difference: np.ndarray
    resampled_low: np.ndarray
    descriptor_change: float
    imbalance_before: dict[int, float]
    imbalance_after: dict[int, float]

    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the 5th and 95th percentile of the difference over bootstrap samples, shape (E,) each."""
        if not len(self.resampled_difference):
            return np.full_like(self.difference_E, np.nan), np.full_like(self.difference_E, np.nan)
        low_E, high_E = np.percentile(self.resampled_difference, [5, 95], axis=0)
        return low_E, high_E

    def pearson_ceiling(self) -> float:
        """Return the correlation that the true response would have with this difference, with its noise.

        The square root of the reliability: one less the share of the variance over energies that is the
        bootstrap's. NaN where there is no bootstrap.
        """
        variance = float(self.difference_E.var())
        if len(self.resampled_difference) < 2 or variance == 0:
            return float("nan")
        changes = self.resampled_difference - self.resampled_difference.mean(axis=1, keepdims=True)
        noise = float(changes.var(axis=0).mean())
        return float(np.sqrt(max(0.0, 1 - noise / variance)))


def bins_of(values_N: np.ndarray, classes: Sequence[float] | None = None) -> Bins | None:
    """Part rows by a descriptor: lowest and highest class that occur, else lower and upper third.

    Parameters
    ----------
    values_N
        The descriptor, shape (N,), NaN where not known; such rows are in no bin.
    classes
        The values it takes, where it takes few; every value then belongs to the nearest.

    Returns
    -------
    Bins or None
        None where fewer than two classes occur, or the thirds cannot be told apart.
    """
    known_N = np.isfinite(values_N)
    if not known_N.any():
        return None
    if classes:
        nearest_N = nearest_class(values_N, classes)
        occurring = np.unique(nearest_N[known_N])
        if len(occurring) < 2:
            return None
        first, last = occurring[[0, -1]]
        return Bins(nearest_N == first, nearest_N == last, f"{first:g}", f"{last:g}")
    first, last = np.percentile(values_N[known_N], [100 / 3, 200 / 3])
    if first >= last:
        return None
    return Bins(
        known_N & (values_N <= first), known_N & (values_N >= last), f"≤ {first:.3g}", f"≥ {last:.3g}"
    )


def match_rows(
    descriptors_NK: np.ndarray,
    descriptor: int,
    bins: Bins,
    materials_N: Sequence[Any] | np.ndarray,
    classes: Mapping[int, Sequence[float]] | None = None,
    caliper: float = CALIPER,
) -> Pairs | None:
    """Pair the rows of one bin with rows of the other that agree in the other descriptors.

    Every row is paired, if it can be, with the three nearest rows of the other bin, of other materials, that
    differ by at most `caliper` standard deviations in each of the other descriptors and not at all in class
    descriptors. The distance is the largest of these differences. Rows with an unknown descriptor are left
    out; a descriptor that is unknown in more than half of the rows is not matched on instead, nor is one
    that does not vary.

    Parameters
    ----------
    descriptors_NK
        Shape (N, K), NaN where not known.
    descriptor
        Index of the one that the bins part.
    bins
        Of `bins_of`.
    materials_N
        Material of each row, shape (N,).
    classes
        Values of those descriptors that take few, by index; rows agree where the nearest are the same.
    caliper
        Standard deviations.

    Returns
    -------
    Pairs or None
        None where fewer than ten rows of either bin find a partner.
    """
    classes = classes or {}
    descriptors_NK = _with_nearest_classes(descriptors_NK, classes)
    matched_on = tuple(
        k
        for k, column_N in enumerate(descriptors_NK.T)
        if k != descriptor and np.isfinite(column_N).mean() >= _LEAST_KNOWN and np.nanstd(column_N) > 0
    )
    others = descriptors_NK[:, matched_on]
    place = others / _scales(others, [k in classes for k in matched_on], caliper)
    usable_N = np.isfinite(others).all(axis=1)
    high, low = np.flatnonzero(bins.high_N & usable_N), np.flatnonzero(bins.low_N & usable_N)
    code_N = np.unique(np.asarray(materials_N).astype(str), return_inverse=True)[1]
    of_high, partner_low, weight_high = _nearest(place, code_N, high, low, caliper)
    of_low, partner_high, weight_low = _nearest(place, code_N, low, high, caliper)
    if min(len(np.unique(of_high)), len(np.unique(of_low))) < FEWEST_PAIRED:
        return None
    weight = np.concatenate([weight_high, weight_low])
    return Pairs(
        np.concatenate([of_high, partner_high]),
        np.concatenate([partner_low, of_low]),
        weight / weight.sum(),
        matched_on,
    )


def matched_difference(
    spectra_NE: np.ndarray,
    descriptors_NK: np.ndarray,
    descriptor: int,
    bins: Bins,
    pairs: Pairs,
    materials_N: Sequence[Any] | np.ndarray,
    seed: int = 0,
) -> MatchedDifference:
    """Return the mean difference of the pairs' spectra, with a bootstrap over materials.

    What remains of a difference in the descriptors matched on is taken off with the slopes of a linear
    regression of the paired spectra on these descriptors and the bin. The bootstrap draws materials; a pair
    counts as often as both of its materials do, together (Owen, Ann. Appl. Stat. 1, 386 (2007)). Pairs and
    slopes are kept.

    Parameters
    ----------
    spectra_NE
        Shape (N, E).
    descriptors_NK, descriptor, bins, materials_N
        As in `match_rows`.
    pairs
        Of `match_rows`.
    seed
        Of the bootstrap.
    """
    high, low, weight = pairs.high, pairs.low, pairs.weight
    others = descriptors_NK[:, pairs.matched_on]
    between = np.asarray(spectra_NE[high], dtype=np.float32) - spectra_NE[low]
    if pairs.matched_on:
        slopes = _slopes(spectra_NE, others, pairs)
        between -= ((others[high] - others[low]) @ slopes).astype(np.float32)
    low_spectra = np.asarray(spectra_NE[low], dtype=np.float32)

    counts_NR = material_weights(materials_N, RESAMPLES, np.random.default_rng(seed))
    resampled_weight = (counts_NR[high] * counts_NR[low] * weight[:, None]).T
    resampled_weight = resampled_weight[resampled_weight.sum(axis=1) > 0]
    resampled_weight = (resampled_weight / resampled_weight.sum(axis=1, keepdims=True)).astype(np.float32)

    scale = np.nanstd(others, axis=0)
    usable_N = np.isfinite(others).all(axis=1)
    before = others[bins.high_N & usable_N].mean(axis=0) - others[bins.low_N & usable_N].mean(axis=0)
    after = weight @ (others[high] - others[low])
    return MatchedDifference(
        difference_E=weight @ between,
        low_E=weight @ low_spectra,
        resampled_difference=(resampled_weight @ between).astype(np.float64),
        resampled_low=(resampled_weight @ low_spectra).astype(np.float64),
        descriptor_change=float(
            weight @ (descriptors_NK[high, descriptor] - descriptors_NK[low, descriptor])
        ),
        imbalance_before=dict(zip(pairs.matched_on, (before / scale).tolist(), strict=True)),
        imbalance_after=dict(zip(pairs.matched_on, (after / scale).tolist(), strict=True)),
    )


def unmatched_difference(spectra_NE: np.ndarray, bins: Bins) -> np.ndarray:
    """Return the mean spectrum of the high less that of the low rows, nothing held equal, shape (E,)."""
    high_E, low_E = (spectra_NE[rows].mean(axis=0, dtype=np.float64) for rows in (bins.high_N, bins.low_N))
    return high_E - low_E


def row_weights(pairs: Pairs, n: int) -> np.ndarray:
    """Return by how much each of n rows counts in the mean difference of pairs, shape (n,): low rows negative."""
    high_N, low_N = (np.bincount(side, weights=pairs.weight, minlength=n) for side in (pairs.high, pairs.low))
    return np.asarray(high_N - low_N)


def amplitude_ratio(model_E: np.ndarray, data_E: np.ndarray) -> float:
    """Return the slope through the origin of the model's response on the data's; NaN where that is 0."""
    size = float(data_E @ data_E)
    return float(model_E @ data_E) / size if size > 0 else float("nan")


def _nearest(
    place: np.ndarray, code_N: np.ndarray, rows: np.ndarray, candidates: np.ndarray, caliper: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs (row, candidate) and weights that sum to 1 for every row that has a partner."""
    nothing = np.empty(0, dtype=np.int64)
    if not len(rows) or not len(candidates):
        return nothing, nothing, np.empty(0)
    if not place.shape[1]:  # nothing to match on: all positions are one
        place = np.zeros((len(place), 1))
    tree, asked = scipy.spatial.cKDTree(place[candidates]), NEIGHBOURS + _SPARE_NEIGHBOURS
    parts = [(nothing, nothing, np.empty(0))]
    while len(rows):
        asked = min(asked, len(candidates))
        distance, found = tree.query(place[rows], k=np.arange(1, asked + 1), p=np.inf)
        partner = candidates[found]
        within = distance <= caliper * (1 + 1e-9)
        usable = within & (code_N[partner] != code_N[rows][:, None])
        usable &= np.cumsum(usable, axis=1) <= NEIGHBOURS
        number = usable.sum(axis=1)
        # Where most that was found is of the row's own material, there may be more to find.
        short = (number < NEIGHBOURS) & within[:, -1] & (asked < len(candidates))
        which, where = np.nonzero(usable & ~short[:, None])
        parts.append((rows[which], partner[which, where], 1 / number[which]))
        rows, asked = rows[short], 4 * asked
    row, partner, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return row, partner, weight


def _with_nearest_classes(descriptors_NK: np.ndarray, classes: Mapping[int, Sequence[float]]) -> np.ndarray:
    """Return a copy in which columns with classes hold the nearest of them."""
    moved_NK = np.array(descriptors_NK, dtype=np.float64)
    for k, values in classes.items():
        moved_NK[:, k] = nearest_class(moved_NK[:, k], values)
    return moved_NK


def _scales(others: np.ndarray, of_classes: Sequence[bool], caliper: float) -> np.ndarray:
    """Return what is one unit of distance in each column: a standard deviation; of classes, less than one step."""
    scale = np.nanstd(others, axis=0)
    for column in np.flatnonzero(of_classes):  # one class apart is further than the caliper
        values = np.unique(others[np.isfinite(others[:, column]), column])
        scale[column] = np.diff(values).min() / (2 * caliper)
    return scale


def _slopes(spectra_NE: np.ndarray, others: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Return the weighted regression's slopes of paired spectra on `others`, at fixed bin, shape (O, E)."""
    n = len(others)
    columns = []
    for side in (pairs.high, pairs.low):  # a row in many pairs enters once, with its summed weight
        weight_N = np.bincount(side, weights=pairs.weight, minlength=n)
        rows = np.flatnonzero(weight_N)
        root = np.sqrt(weight_N[rows] / weight_N[rows].sum())[:, None]
        spectra = np.asarray(spectra_NE[rows], dtype=np.float64)
        # Within a bin, deviations from its weighted mean are what a regression with its own intercept sees.
        centred = [part - (root**2 * part).sum(axis=0) for part in (others[rows], spectra)]
        columns.append([root * part for part in centred])
    design, response = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return np.linalg.lstsq(design, response, rcond=1e-8)[0]
