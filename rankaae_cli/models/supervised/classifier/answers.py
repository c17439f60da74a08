"""From scores of yes/no classes, and from how alike spectra are, to what is said of them."""

import numpy as np

from rankaae_cli.core.statistics.binary.decisions import Decision
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.core.statistics.novelty import OUTSIDE_SHARE, UNUSUAL_SHARE
from rankaae_cli.models.base import Answers
from rankaae_cli.models.supervised.classifier.kernel import KernelClassifier

COVERAGE = 0.9  # of the conformal sets
_NEIGHBOURS = 5
_BLOCK = 2000  # spectra whose likeness to the fitting rows is in memory at once


def classified(
    classifier: KernelClassifier,
    decisions: tuple[Decision | None, ...],
    usual_M: np.ndarray,
    spectra_NE: np.ndarray,
) -> Answers:
    """Return what a classifier reads of spectra (N, E), NaN over an edge that is missing.

    Parameters
    ----------
    classifier, decisions
        What scores the classes, and how the scores are read.
    usual_M
        Novelty of the fitting rows.
    spectra_NE
        The spectra; many of them are read in blocks.
    """
    parts = []
    for first in range(0, max(len(spectra_NE), 1), _BLOCK):
        likeness_NM = classifier.likeness(spectra_NE[first : first + _BLOCK])
        novelty_N = novelty_of(likeness_NM)
        verdict_N = novelty_verdicts(novelty_N, usual_M)
        parts.append(answers_of(classifier.scores(likeness_NM), decisions, novelty_N, verdict_N))
    return Answers.joined(parts)


def answers_of(
    score_NK: np.ndarray,
    decisions: tuple[Decision | None, ...],
    novelty_N: np.ndarray,
    verdict_N: np.ndarray,
) -> Answers:
    """Return what scores say; NaN and no verdict of classes without a decision."""
    probability_NK, certainty_NK = np.full(score_NK.shape, np.nan), np.full(score_NK.shape, np.nan)
    yes_NK, verdict_NK = np.zeros(score_NK.shape, dtype=bool), np.full(score_NK.shape, "", dtype=object)
    for k, one in enumerate(decisions):
        if one is not None:
            probability_NK[:, k] = one.probability(score_NK[:, k])
            certainty_NK[:, k] = one.certainty(score_NK[:, k])
            yes_NK[:, k] = one.is_yes(score_NK[:, k])
            verdict_NK[:, k] = one.verdicts(score_NK[:, k])
    return Answers(probability_NK, yes_NK, certainty_NK, verdict_NK, score_NK, novelty_N, verdict_N)


def novelty_of(likeness_NM: np.ndarray) -> np.ndarray:
    """Return minus the logarithm of the mean likeness to the five fitting rows that are most alike, shape (N,)."""
    most = min(_NEIGHBOURS, likeness_NM.shape[1])
    nearest = np.partition(likeness_NM, likeness_NM.shape[1] - most, axis=1)[:, -most:]
    return np.asarray(-np.log(np.maximum(nearest.mean(axis=1), 1e-12)))


def novelty_verdicts(novelty_N: np.ndarray, usual_M: np.ndarray) -> np.ndarray:
    """Return ``in range``, ``unusual`` or ``outside``, as novelty is among the fitting rows; shape (N,)."""
    unusual, outside = np.quantile(usual_M, [1 - UNUSUAL_SHARE, 1 - OUTSIDE_SHARE])
    return np.select([novelty_N <= unusual, novelty_N <= outside], [IN_RANGE, UNUSUAL], OUTSIDE)
