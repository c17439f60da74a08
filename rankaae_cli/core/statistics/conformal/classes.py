"""Sets of classes; see `rankaae_cli.core.statistics.conformal`. Letters: N rows, K descriptors, C classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.core.statistics.calibration import material_folds
from rankaae_cli.core.statistics.classification import (
    ClassProbabilities,
    fit_class_probabilities,
    nearest_class,
    softened,
)
from rankaae_cli.core.statistics.conformal.quantile import upper_quantile


@dataclass(frozen=True)
class ClassBelt:
    """How unlikely validation rows read in their own class.

    Attributes
    ----------
    likelihood_N
        Probability of its true class for each row, the classes after one another.
    counts
        Rows of each class.
    """

    likelihood_N: np.ndarray
    counts: np.ndarray

    def least_likely(self, coverage: float) -> np.ndarray:
        """Return the probability from which on each class belongs to a set, shape (C,).

        A class of too few rows for the coverage takes that of all rows, or of the least likely of its own where
        that is lower; 0 where all are too few.
        """
        parts = np.split(self.likelihood_N, np.cumsum(self.counts)[:-1])
        of_all = np.nan_to_num(-upper_quantile(-self.likelihood_N, coverage))
        least = [
            -quantile
            if np.isfinite(quantile := upper_quantile(-part, coverage))
            else part.min(initial=of_all)
            for part in parts
        ]
        return np.array(least)

    def ends(
        self,
        classes: np.ndarray,
        probability_NC: np.ndarray,
        coverage: float,
        is_novel_N: np.ndarray | bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest class of each row's set, shape (N,) each.

        Parameters
        ----------
        classes
            Ascending.
        probability_NC
            Of the classes; the likeliest always belongs.
        coverage
            Share of each class's rows whose set is to hold it.
        is_novel_N
            Whether a row is unlike those that the probabilities were learnt from: its set also holds the likeliest
            classes that make up the coverage together.
        """
        order_NC = np.argsort(-probability_NC, axis=1, kind="stable")
        sorted_NC = np.take_along_axis(probability_NC, order_NC, axis=1)
        likelier_NC = np.empty(probability_NC.shape)  # the sum of what is likelier than each
        np.put_along_axis(likelier_NC, order_NC, sorted_NC.cumsum(axis=1) - sorted_NC, axis=1)
        needed_NC = likelier_NC < np.where(is_novel_N, coverage, 1e-12).reshape(
            -1, 1
        )  # the likeliest at least
        belongs_NC = (probability_NC >= self.least_likely(coverage)) | needed_NC
        last_N = len(classes) - 1 - belongs_NC[:, ::-1].argmax(axis=1)
        return classes[belongs_NC.argmax(axis=1)], classes[last_N]


def fit_class_belt(
    fitted: ClassProbabilities | None,
    styles_NK: np.ndarray,
    descriptor_N: np.ndarray,
    groups_N: Sequence[Any] | np.ndarray,
    times_N: np.ndarray,
) -> ClassBelt | None:
    """Learn how likely validation rows read as what they are, each by a fit that did not see its material.

    Parameters
    ----------
    fitted
        Probabilities fitted to all these rows; None of a descriptor that has none.
    styles_NK, descriptor_N
        As `fit_class_probabilities` takes them.
    groups_N
        Material of each row, shape (N,).
    times_N
        By how much the probabilities are softened, shape (N,).
    """
    if fitted is None:
        return None
    known = np.isfinite(descriptor_N)
    label = np.full(len(descriptor_N), np.nan)
    label[known] = nearest_class(descriptor_N[known], fitted.classes.tolist())
    known &= np.isin(label, fitted.classes)
    styles, label, times = styles_NK[known], label[known], times_N[known]
    groups = np.unique(np.asarray(groups_N).astype(str)[known], return_inverse=True)[1]
    likelihood = np.zeros(len(label))
    for seen, held_out in material_folds(groups):
        fold = fit_class_probabilities(styles[seen], label[seen], fitted.classes.tolist())
        if fold is None:
            continue
        probability = softened(fold.of(styles[held_out]), times[held_out])
        likelihood[held_out] = np.where(label[held_out, None] == fold.classes, probability, 0.0).sum(axis=1)
    order = np.argsort(label, kind="stable")
    return ClassBelt(likelihood[order], np.array([(label == one).sum() for one in fitted.classes]))
