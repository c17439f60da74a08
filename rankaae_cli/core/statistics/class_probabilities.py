"""Probabilities of the classes of a descriptor, from the named styles of the ensemble.

A multinomial logistic regression on validation rows: Platt's scaling for more than two classes and several styles
(Platt, in Advances in Large Margin Classifiers (1999)), so that of rows told to be of a class with probability 0.8,
about eight in ten are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from rankaae_cli.core.statistics.calibration import MIN_ROWS
from rankaae_cli.core.statistics.classification import fits_classes, nearest_class

_FEWEST_OF_A_CLASS = 3


@dataclass(frozen=True)
class ClassProbabilities:
    """Probabilities of one descriptor's classes.

    Attributes
    ----------
    classes
        C values, ascending: those that occur among the validation rows.
    coefficients, intercept
        Of the logits on the styles, shapes (C, K) and (C,).
    """

    classes: tuple[float, ...]
    coefficients: np.ndarray
    intercept: np.ndarray

    def of(self, styles_NK: np.ndarray) -> np.ndarray:
        """Return the probabilities, shape (N, C), of ensemble styles, shape (N, K)."""
        logits_NC = np.asarray(styles_NK, dtype=np.float64) @ self.coefficients.T + self.intercept
        weights_NC = np.exp(logits_NC - logits_NC.max(axis=1, keepdims=True))
        return np.asarray(weights_NC / weights_NC.sum(axis=1, keepdims=True))


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
    weight_NC = np.exp(logit_NC - logit_NC.max(axis=1, keepdims=True))
    return np.asarray(weight_NC / weight_NC.sum(axis=1, keepdims=True))


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
    return ClassProbabilities(tuple(float(c) for c in present), coefficients, intercept)
