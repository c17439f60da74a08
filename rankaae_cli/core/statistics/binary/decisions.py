"""From a score to the probability of a yes/no class, and to a verdict: yes, no or undecided.

All of it is learnt from scores of rows whose own class the scoring fit did not know.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rankaae_cli.core.statistics.conformal.quantile import upper_quantile

YES, NO, UNDECIDED = "yes", "no", "undecided"
_SOFTNESS = 0.5  # of a threshold's edge, logits: the accuracy of few rows jumps with each of them
_CANDIDATES = 400
_STEPS = 50


@dataclass(frozen=True)
class Decision:
    """How the score of one class is read.

    Attributes
    ----------
    slope, offset
        The logit of its probability is slope score + offset.
    threshold
        The logit from which the answer is yes.
    least_yes, most_no
        Scores: a row can be yes from the first on, no up to the second. Rows that can be both are undecided.
    """

    slope: float
    offset: float
    threshold: float
    least_yes: float
    most_no: float

    def logit(self, score_N: np.ndarray) -> np.ndarray:
        """Return the logits of the probabilities, shape (N,)."""
        return np.asarray(self.slope * score_N + self.offset)

    def probability(self, score_N: np.ndarray) -> np.ndarray:
        """Return the probabilities of yes, shape (N,)."""
        return np.asarray(expit(self.logit(score_N)))

    def certainty(self, score_N: np.ndarray) -> np.ndarray:
        """Return the distance of the logits from the threshold, shape (N,)."""
        return np.abs(self.logit(score_N) - self.threshold)

    def is_yes(self, score_N: np.ndarray) -> np.ndarray:
        """Tell which rows are yes rather than no, shape (N,)."""
        return np.asarray(self.logit(score_N) >= self.threshold)

    def possible(self, score_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tell which rows can be yes, and which can be no: a conformal set, which may be empty; (N,) each."""
        return score_N >= self.least_yes, score_N <= self.most_no

    def verdicts(self, score_N: np.ndarray) -> np.ndarray:
        """Return ``yes``, ``no``, or ``undecided`` where both are possible; shape (N,).

        A row that is strange for both is what it is rather.
        """
        can_be_yes_N, can_be_no_N = self.possible(score_N)
        verdict_N = np.where(self.is_yes(score_N), YES, NO)
        verdict_N = np.where(can_be_yes_N == can_be_no_N, verdict_N, np.where(can_be_yes_N, YES, NO))
        return np.where(can_be_yes_N & can_be_no_N, UNDECIDED, verdict_N).astype(object)


def fit_decision(score_N: np.ndarray, true_N: np.ndarray, coverage: float) -> Decision:
    """Learn how to read a score from rows of known class, of which there are some of yes and of no.

    The probability is a logistic function of the score (Platt, Advances in Large Margin Classifiers, 2000, 61);
    the threshold maximises the balanced accuracy, its edge softened; the sets are conformal in each class (Vovk,
    Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 4.5).

    Parameters
    ----------
    score_N, true_N
        Scores, and whether the class is yes, bool; shape (N,).
    coverage
        Share of the rows of yes that can be yes, and of no that can be no.
    """
    slope, offset = _fit_logistic(score_N, true_N)
    return Decision(
        slope,
        offset,
        _best_threshold(slope * score_N + offset, true_N),
        -_edge(-score_N[true_N], coverage),
        _edge(score_N[~true_N], coverage),
    )


def _edge(score_N: np.ndarray, coverage: float) -> float:
    """Return the conformal quantile, without end where the rows are too few for it: all is possible then."""
    edge = upper_quantile(score_N, coverage)
    return edge if np.isfinite(edge) else np.inf


def _fit_logistic(score_N: np.ndarray, true_N: np.ndarray) -> tuple[float, float]:
    """Return slope and offset by Newton's method, with one more row of each class, at its mean, as a prior."""
    centre, scale = float(score_N.mean()), float(score_N.std()) or 1.0
    standard_N = (score_N - centre) / scale
    value_N = np.concatenate([standard_N, [standard_N[true_N].mean(), standard_N[~true_N].mean()]])
    # The prior rows say yes and no by halves, so that classes apart from each other keep a finite slope.
    target_N = np.concatenate([true_N, [0.5, 0.5]])
    columns_N2 = np.column_stack([value_N, np.ones(len(value_N))])
    weights_2 = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        probability_N = expit(columns_N2 @ weights_2)
        gradient_2 = columns_N2.T @ (probability_N - target_N)
        curvature = columns_N2.T @ (columns_N2 * (probability_N * (1 - probability_N))[:, None])
        step_2 = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient_2)
        weights_2 = weights_2 - np.clip(step_2, -2, 2)
        if np.abs(step_2).max() < 1e-10:
            break
    return float(weights_2[0] / scale), float(weights_2[1] - weights_2[0] * centre / scale)


def _best_threshold(logit_N: np.ndarray, true_N: np.ndarray) -> float:
    """Return the logit at which the softened balanced accuracy is greatest."""
    low, high = np.quantile(logit_N, [0.01, 0.99])
    candidate_M = np.linspace(low, high, _CANDIDATES)
    said_NM = expit((logit_N[:, None] - candidate_M) / _SOFTNESS)
    gain_M = said_NM[true_N].mean(axis=0) - said_NM[~true_N].mean(axis=0)
    return float(candidate_M[gain_M.argmax()])
