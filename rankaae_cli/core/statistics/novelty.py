"""How unlike the known spectra a spectrum is: three signs of it, weighed by how they vary among validation rows.

The reconstruction error alone misses spectra that the decoder can imitate; their styles then lie where no training
spectrum's do, or the trials disagree about them. Each sign is taken as the logarithm, less its mean over the
validation rows and over its standard deviation there; their sum is the score. Sum and not Mahalanobis distance: a
spectrum that is reconstructed better than usual is not novel.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL

SIGNS = ("reconstruction error", "disagreement of the trials", "distance of the styles")
UNUSUAL_SHARE, OUTSIDE_SHARE = 0.05, 0.005  # of validation spectra that are called so
_NEIGHBOURS, _LEAF = 5, 128


@dataclass(frozen=True)
class Novelty:
    """What is usual among validation rows.

    Attributes
    ----------
    mean_3, deviation_3
        Of the logarithms of the three `SIGNS`.
    score_N
        Scores of the validation rows, ascending.
    """

    mean_3: np.ndarray
    deviation_3: np.ndarray
    score_N: np.ndarray

    @classmethod
    def of(cls, signs_N3: np.ndarray) -> "Novelty":
        """Learn from the signs of the validation rows, shape (N, 3)."""
        logs_N3 = _logs(signs_N3)
        deviation_3 = logs_N3.std(axis=0)
        usual = cls(logs_N3.mean(axis=0), np.where(deviation_3 > 0, deviation_3, 1.0), np.empty(0))
        return cls(usual.mean_3, usual.deviation_3, np.sort(usual.score(signs_N3)))

    def score(self, signs_N3: np.ndarray) -> np.ndarray:
        """Return the sum of the standardised logarithms of the signs, shape (N,)."""
        return np.asarray(((_logs(signs_N3) - self.mean_3) / self.deviation_3).sum(axis=1))

    def judge(self, signs_N3: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Return how novel spectra are, in three ways.

        Parameters
        ----------
        signs_N3
            Shape (N, 3); see `novelty_signs`.

        Returns
        -------
        novelty_N
            0 for the median validation spectrum, 1 for one that 5 % of them exceed; shape (N,).
        p_N
            Share of validation spectra that are at least as novel, counting the one at hand: a conformal p-value.
        verdict_N
            ``in range``, ``unusual`` beyond 95 % or ``outside`` beyond 99.5 % of the validation spectra.
        """
        score_N = self.score(signs_N3)
        median, unusual, outside = np.quantile(self.score_N, [0.5, 1 - UNUSUAL_SHARE, 1 - OUTSIDE_SHARE])
        novelty_N = (score_N - median) / max(unusual - median, 1e-12)
        n = len(self.score_N)
        p_N = (1 + n - np.searchsorted(self.score_N, score_N, side="left")) / (n + 1)
        verdict_N = np.select([score_N <= unusual, score_N <= outside], [IN_RANGE, UNUSUAL], OUTSIDE)
        return novelty_N, p_N, [str(verdict) for verdict in verdict_N]


def widening(novelty_N: np.ndarray) -> np.ndarray:
    """Return how many times wider than among validation rows the errors of reading are to be expected, shape (N,).

    1 up to where ``unusual`` begins, and the square of the novelty beyond. A conformal interval holds what it
    promises of rows like the validation rows alone; this is an extrapolation. The square is what sites of copper
    oxides with other shells ask for, on which the model was not trained: at a novelty from 1.5 to 2, 90 % intervals
    without it hold 12 to 74 % of their CN, OCN, NNRS and MOOD, with the novelty itself 27 to 86 %, with its square
    80 to 98 %.

    Parameters
    ----------
    novelty_N
        Of `Novelty.judge`.
    """
    return np.maximum(novelty_N, 1.0) ** 2


def novelty_signs(error_N: np.ndarray, spread_NK: np.ndarray, distance_N: np.ndarray) -> np.ndarray:
    """Put the three signs of novelty side by side, shape (N, 3).

    Parameters
    ----------
    error_N
        Mean absolute error of the ensemble's reconstruction.
    spread_NK
        Standard deviation of each named style over the trials; of a single trial there is none, and 0 is given.
    distance_N
        Of the styles from those of training rows; see `StyleDistances`.
    """
    return np.column_stack([error_N, spread_NK.mean(axis=1), distance_N])


class StyleDistances:
    """Distances of styles from those of training rows.

    Parameters
    ----------
    training_TMS
        Standardised styles of M training spectra in T trials.
    """

    def __init__(self, training_TMS: np.ndarray) -> None:
        # In ten dimensions the large leaves of a tree that is quickly made are searched faster than small ones.
        self._trees = [
            KDTree(training_MS, leafsize=_LEAF, compact_nodes=False, balanced_tree=False)
            for training_MS in training_TMS
        ]

    def of(self, styles_TNS: np.ndarray) -> np.ndarray:
        """Return the mean distance to the five nearest training rows, averaged over trials, shape (N,)."""
        per_trial = []
        for tree, styles_NS in zip(self._trees, styles_TNS, strict=True):
            k = min(_NEIGHBOURS, tree.n)
            distance_NK = tree.query(styles_NS, k=k)[0].reshape(len(styles_NS), k)
            per_trial.append(distance_NK.mean(axis=1))
        return np.asarray(np.mean(per_trial, axis=0))


def _logs(signs_N3: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(signs_N3, dtype=np.float64), 1e-9))
