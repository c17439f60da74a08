"""Fitting a classifier of yes/no classes, and choosing by readings out of fold what it sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from rankaae_cli.core.labels import listed
from rankaae_cli.core.statistics.binary.decisions import Decision, fit_decision
from rankaae_cli.core.statistics.binary.scores import area_under_curve, is_readable
from rankaae_cli.data.segments import Segment
from rankaae_cli.models.base import Answers
from rankaae_cli.models.supervised.classifier.answers import (
    COVERAGE,
    answers_of,
    classified,
    novelty_of,
)
from rankaae_cli.models.supervised.classifier.kernel import (
    KernelClassifier,
    fit_edge,
    fit_weights,
    likeness,
)
from rankaae_cli.models.supervised.inputs import DERIVATIVES, SPECTRUM

_INPUTS = ((SPECTRUM,), DERIVATIVES)
_WHITENINGS, _RIDGES = (0.5, 0.8), (0.03, 0.1)
_FOLDS = 10
_ROWS_TO_CHOOSE, _MOST_ROWS = 1500, 5000  # the time of a fit grows with their cube


@dataclass(frozen=True)
class FittedClassifier:
    """A classifier, what it reads of its fitting rows out of fold, and how these scores are read.

    Attributes
    ----------
    classifier
        Fitted to all M rows.
    rows
        Indices of the fitting rows among those given, shape (M,).
    read_MK
        Scores by fits without the row's group; NaN where the class is not known.
    decisions
        Of the K classes; None of one that is not readable.
    novelty_M
        Of each row, by the others; ascending.
    choice
        What the classifier sees, in words.
    """

    classifier: KernelClassifier
    rows: np.ndarray
    read_MK: np.ndarray
    decisions: tuple[Decision | None, ...]
    novelty_M: np.ndarray
    choice: str

    def classify(self, spectra_NE: np.ndarray) -> Answers:
        """Return what is read of spectra (N, E)."""
        return classified(self.classifier, self.decisions, self.novelty_M, spectra_NE)

    def out_of_fold(self, values_MK: np.ndarray, group_M: np.ndarray) -> Answers:
        """Return what is read of the fitting rows by fits without their group.

        How scores are read is learnt from nine tenths of the groups and applied to the last tenth.

        Parameters
        ----------
        values_MK, group_M
            Of the fitting rows, `rows` of what was given to `fit_classifier`.
        """
        number_M = np.unique(group_M.astype(str), return_inverse=True)[1].ravel()
        fold_M = np.random.default_rng(0).permutation(number_M.max() + 1)[number_M] % _FOLDS
        novelty_M = np.zeros(len(number_M))
        parts = []
        for fold in range(_FOLDS):
            there = np.flatnonzero(fold_M == fold)
            others = np.flatnonzero(fold_M != fold)
            columns = zip(self.read_MK[others].T, values_MK[others].T, strict=True)
            decisions = tuple(_decision(read_M, value_M) for read_M, value_M in columns)
            parts.append(
                (there, answers_of(self.read_MK[there], decisions, novelty_M[there], novelty_M[there]))
            )
        order = np.argsort(np.concatenate([there for there, _ in parts]), kind="stable")
        return Answers.joined([one for _, one in parts]).with_rows(order)


def fit_classifier(
    spectra_NE: np.ndarray,
    values_NK: np.ndarray,
    group_N: np.ndarray,
    segments: Sequence[Segment],
    report: Callable[[int, int, str], None] = lambda done, total, standing: None,
) -> FittedClassifier:
    """Fit a classifier to all rows.

    Inputs, whitening of the components and ridge are those with the greatest area under the curve, averaged over
    the readable classes, of readings out of fold; of more than 1,500 rows, of so many of them.

    Parameters
    ----------
    spectra_NE, values_NK, group_N
        Of the rows: spectra, NaN over an edge that is missing; 1, 0 or NaN of the classes; what a row shares with
        others, strings.
    segments
        The edges; none for one.
    report
        Called with how much is done.
    """
    segments = segments or (Segment("", 0, spectra_NE.shape[1]),)
    number_N = np.unique(group_N.astype(str), return_inverse=True)[1].ravel()
    rows = _spread(len(spectra_NE), _MOST_ROWS)
    some = _spread(len(spectra_NE), _ROWS_TO_CHOOSE)
    options = list(product(_INPUTS, _WHITENINGS))
    best: tuple[float, tuple[str, ...], float, float] = (-np.inf, _INPUTS[0], _WHITENINGS[0], _RIDGES[0])
    for i, (inputs, whitening) in enumerate(options):
        report(i, len(options) + 1, "choosing what the classifier sees")
        edges = [fit_edge(spectra_NE[some], one, inputs, whitening) for one in segments]
        alike_MM = likeness(edges, spectra_NE[some])
        for ridge in _RIDGES:
            read_MK = fit_weights(alike_MM, values_NK[some], number_N[some], ridge)[1]
            area = mean_area(read_MK, values_NK[some])
            best = max(best, (area, inputs, whitening, ridge), key=lambda each: each[0])
    _, inputs, whitening, ridge = best
    report(len(options), len(options) + 1, "fitting the classifier")
    edges = [fit_edge(spectra_NE[rows], one, inputs, whitening) for one in segments]
    alike_MM = likeness(edges, spectra_NE[rows])
    weights_MK, read_MK = fit_weights(alike_MM, values_NK[rows], number_N[rows], ridge)
    others_MM = np.where(number_N[rows][:, None] == number_N[rows], 0.0, alike_MM)
    seen = listed([name.replace("_", " ") for name in inputs])
    return FittedClassifier(
        KernelClassifier(tuple(edges), weights_MK.astype(np.float32)),
        rows,
        read_MK,
        tuple(_decision(read_MK[:, k], values_NK[rows, k]) for k in range(values_NK.shape[1])),
        np.sort(novelty_of(others_MM)),
        f"{seen}, components whitened by the power {whitening:g}, ridge {ridge:g}",
    )


def _decision(read_M: np.ndarray, value_M: np.ndarray) -> Decision | None:
    known_M = np.isfinite(value_M)
    true_M = value_M[known_M] == 1
    return fit_decision(read_M[known_M], true_M, COVERAGE) if is_readable(true_M) else None


def mean_area(read_MK: np.ndarray, values_MK: np.ndarray) -> float:
    """Return the mean area under the curve of the readable classes; NaN without one."""
    areas = []
    for read_M, value_M in zip(read_MK.T, values_MK.T, strict=True):
        known_M = np.isfinite(value_M)
        if is_readable(value_M[known_M] == 1):
            areas.append(area_under_curve(value_M[known_M] == 1, read_M[known_M]))
    return float(np.mean(areas)) if areas else float("nan")


def _spread(rows: int, most: int) -> np.ndarray:
    """Return the indices of at most so many rows, evenly spread."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(int)
