"""Classes of a descriptor read from styles: cut points, the confusion matrix, scores from it, and probabilities.

A style increases with its descriptor, so the classes lie along it in their own order and C - 1 cut points part
them. They are fitted on the validation rows to what is reported, where rounding a calibrated value
(`calibration.apply_calibration`) is fitted to the squared error and favours middle classes.

Probabilities of the classes are of the named styles together: a multinomial logistic regression on validation rows,
Platt's scaling for more than two classes and several styles (in Advances in Large Margin Classifiers, 1999),
so that of rows to which it gives a class with probability 0.8, about eight in ten are of that class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from rankaae_cli.core.statistics.calibration import MIN_ROWS

MACRO_F1, BALANCED_ACCURACY = "macro_f1", "balanced_accuracy"
_HALF_UNIT = 0.5
_FEWEST_OF_A_CLASS = 3


def fit_cuts(
    style_N: np.ndarray, descriptor_N: np.ndarray, classes: Sequence[float], criterion: str = MACRO_F1
) -> dict[str, Any] | None:
    """Fit the cut points on a style between adjacent classes of its descriptor.

    The optimum is exact: both criteria are sums over classes of a term that depends on the class's own stretch
    of the sorted style alone, so dynamic programming over (class, end of its stretch) finds it, in O(C N^2).
    A cut lies midway between two neighbouring style values; of equally good ones the lowest is taken.

    Parameters
    ----------
    style_N, descriptor_N
        As in `calibration.fit_calibration`.
    classes
        Values that the descriptor takes; C in number.
    criterion
        ``macro_f1`` or ``balanced_accuracy``: what the cuts maximise on these rows.

    Returns
    -------
    dict or None
        ``classes``, ascending, those that occur among the rows, since no other can be placed; ``cuts``, one
        fewer, not descending; ``criterion`` and ``score``, its value on these rows; ``n``, the rows used. None
        where fewer than ten rows are known, or where these are not the classes of the data (`fits_classes`).

    Raises
    ------
    ValueError
        If there is no such criterion.
    """
    if criterion not in (MACRO_F1, BALANCED_ACCURACY):
        raise ValueError(f"criterion {criterion!r} is neither {MACRO_F1!r} nor {BALANCED_ACCURACY!r}")
    style_N, descriptor_N = np.asarray(style_N, dtype=np.float64), np.asarray(descriptor_N, dtype=np.float64)
    known = np.isfinite(style_N) & np.isfinite(descriptor_N)
    style, descriptor = style_N[known], descriptor_N[known]
    if len(style) < MIN_ROWS or not fits_classes(descriptor, classes):
        return None
    present, label = np.unique(nearest_class(descriptor, classes), return_inverse=True)
    values, position = np.unique(style, return_inverse=True)
    counts = np.zeros((len(values), len(present)))
    np.add.at(counts, (position, label), 1.0)
    ends, score = _best_stretches(counts, criterion)
    return {
        "classes": present.tolist(),
        "cuts": [_cut(values, end) for end in ends],
        "criterion": criterion,
        "score": score / len(present),
        "n": len(style),
    }


def apply_cuts(cuts: dict[str, Any] | None, style_N: np.ndarray) -> np.ndarray:
    """Return the class of each style value, shape (N,), float64; NaN where there are no cuts or no style.

    A value on a cut belongs to the upper class.
    """
    style_N = np.asarray(style_N, dtype=np.float64)
    if cuts is None:
        return np.full(style_N.shape, np.nan)
    index_N = np.searchsorted(np.asarray(cuts["cuts"], dtype=np.float64), style_N, side="right")
    index_N = np.where(np.isfinite(style_N), index_N, 0)
    return np.where(np.isfinite(style_N), np.asarray(cuts["classes"], dtype=np.float64)[index_N], np.nan)


def nearest_class(value_N: np.ndarray, classes: Sequence[float]) -> np.ndarray:
    """Return the class nearest to each value, the lower of two; shape (N,), NaN where the value is."""
    value_N, ascending = np.asarray(value_N, dtype=np.float64), _ascending(classes)
    return np.where(np.isfinite(value_N), ascending[_nearest_index(value_N, ascending)], np.nan)


def fits_classes(value_N: np.ndarray, classes: Sequence[float]) -> bool:
    """Return whether every known value lies within half a unit of a class; False where none is known."""
    value = np.asarray(value_N, dtype=np.float64)
    value = value[np.isfinite(value)]
    if not len(value):
        return False
    return bool(np.abs(value - nearest_class(value, classes)).max() <= _HALF_UNIT)


def score_classes(true_N: np.ndarray, predicted_N: np.ndarray, classes: Sequence[float]) -> dict[str, Any]:
    """Score predicted classes over the rows where both are known.

    Parameters
    ----------
    true_N, predicted_N
        Descriptor values, shape (N,), NaN where not known; each is moved to the nearest class.
    classes
        Values that the descriptor takes; C in number.

    Returns
    -------
    dict
        ``classes``, ascending; ``confusion``, C lists of C counts, a true class each, or None where these are
        not the classes of the data; ``macro_f1`` and ``balanced_accuracy``; ``n`` rows. NaN where not defined.
    """
    confusion = confusion_matrix(true_N, predicted_N, classes)
    counted = bool(np.isfinite(confusion).all())
    return {
        "classes": _ascending(classes).tolist(),
        "confusion": confusion.astype(np.int64).tolist() if counted else None,
        "macro_f1": float(confusion_macro_f1(confusion)),
        "balanced_accuracy": float(confusion_balanced_accuracy(confusion)),
        "n": int(confusion.sum()) if counted else 0,
    }


def confusion_matrix(
    true_N: np.ndarray,
    predicted_N: np.ndarray,
    classes: Sequence[float],
    weights_NR: np.ndarray | None = None,
) -> np.ndarray:
    """Count the rows of each true class (first index) that are read as each class (second index).

    Parameters
    ----------
    true_N, predicted_N
        Shape (N,), NaN where not known; such rows do not count. Each value is moved to the nearest class.
    classes
        C values; the indices follow them in ascending order.
    weights_NR
        How often each row occurs in each of R resamples, shape (N, R); see `bootstrap.material_weights`.

    Returns
    -------
    np.ndarray
        Shape (C, C), or (R, C, C) with weights, float64; all NaN where known true values lie further than half
        a unit from every class.
    """
    true_N, predicted_N = np.asarray(true_N, dtype=np.float64), np.asarray(predicted_N, dtype=np.float64)
    known = np.isfinite(true_N) & np.isfinite(predicted_N)
    ascending = _ascending(classes)
    c = len(ascending)
    shape = (c, c) if weights_NR is None else (weights_NR.shape[1], c, c)
    if known.any() and not fits_classes(true_N[known], classes):
        return np.full(shape, np.nan)
    cell = c * _nearest_index(true_N[known], ascending) + _nearest_index(predicted_N[known], ascending)
    if weights_NR is None:
        return np.bincount(cell, minlength=c * c).reshape(shape).astype(np.float64)
    in_cell = (cell[:, None] == np.arange(c * c)).astype(np.float64)
    return (weights_NR[known].T @ in_cell).reshape(shape)


def confusion_macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Return the F1 score averaged over the classes that occur, as true or as read.

    F1 of a class is 2 hits / (rows of it + rows read as it). `confusion` has shape (..., C, C), the result
    (...,); NaN where no row is counted.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_ratio(2 * hits, confusion.sum(axis=-1) + confusion.sum(axis=-2))


def confusion_balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the share of a class's rows that are read as it, averaged over the true classes that occur.

    `confusion` has shape (..., C, C), the result (...,); NaN where no row is counted.
    """
    return _mean_ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1))


@dataclass(frozen=True)
class ClassProbabilities:
    """Probabilities of one descriptor's classes.

    Attributes
    ----------
    classes
        Shape (C,), ascending: those that occur among the validation rows.
    coefficients, intercept
        Of the logits on the styles, shapes (C, K) and (C,).
    """

    classes: np.ndarray
    coefficients: np.ndarray
    intercept: np.ndarray

    def of(self, styles_NK: np.ndarray) -> np.ndarray:
        """Return the probabilities, shape (N, C), of ensemble styles, shape (N, K)."""
        logits_NC = np.asarray(styles_NK, dtype=np.float64) @ self.coefficients.T + self.intercept
        return np.asarray(softmax(logits_NC, axis=1))


def softened(probability_NC: np.ndarray, times_N: np.ndarray) -> np.ndarray:
    """Return probabilities with their logits divided (a temperature), shape (N, C).

    Parameters
    ----------
    probability_NC
        Rows add up to 1.
    times_N
        By how much; 1 leaves a row as it is.
    """
    logit_NC = np.log(np.maximum(probability_NC, np.finfo(np.float64).tiny)) / times_N[:, None]
    return np.asarray(softmax(logit_NC, axis=1))


def fit_class_probabilities(
    styles_NK: np.ndarray, descriptor_N: np.ndarray, classes: Sequence[float]
) -> ClassProbabilities | None:
    """Fit the probabilities of a descriptor's classes.

    Parameters
    ----------
    styles_NK
        Named styles of the ensemble on the validation rows, standardised.
    descriptor_N
        The descriptor, NaN where not known; each value counts for the nearest class.
    classes
        Its classes.

    Returns
    -------
    ClassProbabilities or None
        None where fewer than ten rows or two classes (of three rows at least) are known, or these are not the
        classes of the data.
    """
    known = np.isfinite(descriptor_N)
    if known.sum() < MIN_ROWS or not fits_classes(descriptor_N[known], classes):
        return None
    label = nearest_class(descriptor_N[known], classes)
    # scikit-learn takes a second to load, which what fits nothing need not wait for.
    from sklearn.linear_model import LogisticRegression

    present, count = np.unique(label, return_counts=True)
    present = present[count >= _FEWEST_OF_A_CLASS]
    if len(present) < 2:
        return None
    used = np.isin(label, present)
    styles = np.asarray(styles_NK, dtype=np.float64)[known][used]
    model = LogisticRegression(max_iter=1000).fit(styles, label[used])
    coefficients, intercept = model.coef_, model.intercept_
    if len(present) == 2:  # scikit-learn gives the logit of the second class alone
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    return ClassProbabilities(present, coefficients, intercept)


def _mean_ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis of part / whole where whole > 0; NaN where it nowhere is."""
    occurs = whole > 0
    ratio = np.divide(part, whole, out=np.zeros(whole.shape), where=occurs).sum(axis=-1)
    number = occurs.sum(axis=-1)
    return np.divide(ratio, number, out=np.full(ratio.shape, np.nan), where=number > 0)


def _best_stretches(counts: np.ndarray, criterion: str) -> tuple[list[int], float]:
    """Share U ordered positions out to C classes in order.

    `counts` (U, C) says how many rows of each class lie at each position. Returned are the C - 1 positions at
    which the classes but the first begin, and the sum over classes of the criterion's terms.
    """
    positions, n_classes = counts.shape
    # Rows of each class, and of all, before each position.
    below = np.vstack([np.zeros(n_classes), counts.cumsum(axis=0)])
    rows_below = below.sum(axis=1)
    size = below[-1]

    def term(c: int, start: np.ndarray | int, end: np.ndarray | int) -> np.ndarray:
        hits = below[end, c] - below[start, c]
        if criterion == BALANCED_ACCURACY:
            return np.asarray(hits / size[c])
        return np.asarray(2 * hits / (size[c] + rows_below[end] - rows_below[start]))

    best = term(0, 0, np.arange(positions + 1))  # by the end of the class's stretch
    begins = []
    for c in range(1, n_classes):
        begin, longer = np.zeros(positions + 1, dtype=np.int64), np.empty(positions + 1)
        for end in range(positions + 1):
            totals = best[: end + 1] + term(c, np.arange(end + 1), end)
            begin[end] = totals.argmax()
            longer[end] = totals[begin[end]]
        begins.append(begin)
        best = longer
    ends, end = [], positions
    for begin in reversed(begins):
        end = int(begin[end])
        ends.append(end)
    return ends[::-1], float(best[-1])


def _cut(values: np.ndarray, position: int) -> float:
    """Return a number that parts the ascending values before `position` from those at and after it."""
    if position == 0:
        return float(values[0])
    if position == len(values):
        return float(np.nextafter(values[-1], np.inf))
    lower, upper = values[position - 1], values[position]
    middle = lower + (upper - lower) / 2
    return float(middle if middle > lower else upper)  # neighbouring numbers have none between


def _ascending(classes: Sequence[float]) -> np.ndarray:
    return np.sort(np.asarray(classes, dtype=np.float64))


def _nearest_index(value_N: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    distance = np.abs(np.nan_to_num(value_N)[:, None] - ascending[None, :])
    index: np.ndarray = distance.argmin(axis=1)
    return index
