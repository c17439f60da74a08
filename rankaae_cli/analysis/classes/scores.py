"""Scores of yes/no classes over some molecules, with intervals over the materials."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rankaae_cli.core.statistics.binary.decisions import NO, UNDECIDED, YES
from rankaae_cli.core.statistics.binary.scores import (
    accuracy_when_rejecting,
    area_under_curve,
    balanced_accuracy,
    calibration_error,
    is_readable,
    resampled_area_under_curve,
    resampled_balanced_accuracy,
)
from rankaae_cli.core.statistics.bootstrap import percentile_interval
from rankaae_cli.models.base import Answers

REJECTED = 0.2  # the share of the least certain whose rejection metrics.json tells of
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
UNREADABLE = "fewer than ten molecules of yes or of no"
_MEANS = ("balanced_accuracy", "area_under_curve", "calibration_error", "coverage_yes", "coverage_no")


def score_classes(
    names: Sequence[str], answers: Answers, values_NK: np.ndarray, weights_NR: np.ndarray
) -> dict[str, Any]:
    """Return the scores of every class and their means.

    Parameters
    ----------
    names
        Of the K classes.
    answers, values_NK
        What is read of the molecules, and 1, 0 or NaN.
    weights_NR
        Of resamples of the materials; see `core.statistics.bootstrap.material_weights`.

    Returns
    -------
    dict
        ``classes``, of each its scores, or a ``reason`` where it has too few molecules; ``mean`` over the others,
        with the share decided and accuracies when the least certain are rejected; ``one_of`` where every molecule
        is of exactly one class.
    """
    classes: dict[str, dict[str, Any]] = {}
    replicates: list[np.ndarray] = []
    for k, name in enumerate(names):
        known_N = np.isfinite(values_NK[:, k]) & np.isfinite(answers.probability_NK[:, k])
        true_N = values_NK[known_N, k] == 1
        classes[name] = {"n": int(known_N.sum()), "positives": int(true_N.sum())}
        if not is_readable(true_N):
            classes[name]["reason"] = UNREADABLE
            continue
        of_class, resampled = _score(answers, k, known_N, true_N, weights_NR[known_N])
        classes[name] |= of_class
        replicates.append(resampled)
    scored = [one for one in classes.values() if "reason" not in one]
    mean: dict[str, Any] = {key: _mean(one[key] for one in scored) for key in (*_MEANS, "decided")}
    if replicates:
        mean["balanced_accuracy_interval"] = list(percentile_interval(np.mean(replicates, axis=0)))
    mean["rejecting"] = [
        {"share": share, "balanced_accuracy": _mean(one["rejecting"][i] for one in scored)}
        for i, share in enumerate(SHARES)
    ]
    mean["pooled_calibration_error"] = _pooled_error(answers, values_NK)
    return {
        "n_scored": len(scored),
        "classes": classes,
        "mean": mean,
        "one_of": one_of(answers, values_NK, weights_NR),
    }


def one_of(answers: Answers, values_NK: np.ndarray, weights_NR: np.ndarray) -> dict[str, Any] | None:
    """Return how often molecules of exactly one class are read as that; None where they may be of several.

    The class of a molecule is the one with the largest probability. The balanced accuracy is the mean over classes
    of the share of their molecules that are read right.
    """
    if not is_one_of_several(values_NK) or np.isnan(answers.probability_NK).any():
        return None
    resampled = accuracy_of_one(answers, values_NK, weights_NR)
    whole = accuracy_of_one(answers, values_NK, np.ones((len(values_NK), 1)))
    return {"balanced_accuracy": float(whole[0]), "interval": list(percentile_interval(resampled))}


def is_one_of_several(values_NK: np.ndarray) -> bool:
    """Tell whether every molecule is of exactly one of three classes or more."""
    return values_NK.shape[1] > 2 and bool((values_NK.sum(axis=1) == 1).all())


def accuracy_of_one(answers: Answers, values_NK: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return the balanced accuracy of the class with the largest probability in each resample, shape (R,)."""
    right_N = answers.probability_NK.argmax(axis=1) == values_NK.argmax(axis=1)
    shares = []
    for value_N in values_NK.T:
        of_class = weights_NR[value_N == 1]
        total = of_class.sum(axis=0)
        right = of_class[right_N[value_N == 1]].sum(axis=0)
        shares.append(np.divide(right, total, out=np.full(len(total), np.nan), where=total > 0))
    return np.asarray(np.nanmean(shares, axis=0))


def mean_accuracy(answers: Answers, values_NK: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    """Return the balanced accuracy averaged over the readable classes in each resample, shape (R,)."""
    parts = []
    for k in range(values_NK.shape[1]):
        known_N = np.isfinite(values_NK[:, k]) & np.isfinite(answers.probability_NK[:, k])
        true_N = values_NK[known_N, k] == 1
        if is_readable(true_N):
            yes_N = answers.yes_NK[known_N, k]
            parts.append(resampled_balanced_accuracy(true_N, yes_N, weights_NR[known_N]))
    return np.mean(parts, axis=0) if parts else np.full(weights_NR.shape[1], np.nan)


def _score(
    answers: Answers, k: int, known_N: np.ndarray, true_N: np.ndarray, weights_NR: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """Return the scores of a class, and its balanced accuracy in each resample."""
    yes_N, score_N = answers.yes_NK[known_N, k], answers.probability_NK[known_N, k]
    verdict_N, certainty_N = answers.verdict_NK[known_N, k], answers.certainty_NK[known_N, k]
    holds_N = (verdict_N == UNDECIDED) | (verdict_N == np.where(true_N, YES, NO))
    resampled = resampled_balanced_accuracy(true_N, yes_N, weights_NR)
    return {
        "balanced_accuracy": balanced_accuracy(true_N, yes_N),
        "balanced_accuracy_interval": list(percentile_interval(resampled)),
        "area_under_curve": area_under_curve(true_N, score_N),
        "area_under_curve_interval": list(
            percentile_interval(resampled_area_under_curve(true_N, score_N, weights_NR))
        ),
        "calibration_error": calibration_error(true_N, score_N),
        "coverage_yes": float(holds_N[true_N].mean()),
        "coverage_no": float(holds_N[~true_N].mean()),
        "decided": float((verdict_N != UNDECIDED).mean()),
        "rejecting": [accuracy_when_rejecting(true_N, yes_N, certainty_N, share) for share in SHARES],
    }, resampled


def _pooled_error(answers: Answers, values_NK: np.ndarray) -> float:
    """Return the expected calibration error over all pairs of a molecule and a class."""
    known_NK = np.isfinite(values_NK) & np.isfinite(answers.probability_NK)
    return calibration_error(values_NK[known_NK] == 1, answers.probability_NK[known_NK])


def _mean(values: Any) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def rejected_gain(mean: Mapping[str, Any]) -> tuple[float, float]:
    """Return the balanced accuracy of all molecules, and of those left when a fifth is rejected."""
    of_share = {one["share"]: one["balanced_accuracy"] for one in mean["rejecting"]}
    return of_share[0.0], of_share[REJECTED]
