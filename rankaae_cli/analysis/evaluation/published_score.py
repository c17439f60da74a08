"""Which of several trials to keep, by what they do on validation: the published score.

The authors' newest code (github.com/AI-multimodal/RankAAE, sc/report: ``sort_all_models`` and ``evaluate_model`` of
analysis.py, ``sorting_algorithm`` of generate_report.py; the method: Liang et al., Phys. Rev. Mater. 7, 053802)
measures every trial on the validation rows, turns each measure into a z-score over the trials, and adds:

    score = sum_k z(how well style k follows descriptor k) - z(max |rho(z_k, z_l)|).

How well is Spearman's correlation, but for a CN of three classes a weighted F1 score. The reconstruction error is
measured and enters with exponent 0: it has no say. An older version of the code gave the coupling of styles the
weight -5 and read the test rows. Ours is `validation.selection_score`; `resampled_scores` gives it in resamples of
the validation materials, so that the lead of one trial over another can be held against chance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rankaae_cli.core.statistics import bootstrap
from rankaae_cli.core.statistics.classification import fits_classes, nearest_class
from rankaae_cli.core.statistics.metrics import (
    excess_of_pairs,
    rank_correlations,
    resampled_mean_spearman,
    spearman,
)
from rankaae_cli.models.rankaae.validation import COUPLING_WEIGHT, RECONSTRUCTION_WEIGHT

COUPLING, RECONSTRUCTION = "inter_style", "reconstruction_mae"
_BY_F1 = "CN"
_DECIMALS = 9  # of a published score; what is beyond is rounding, as where z-scores of +1 and -1 cancel
_THRESHOLDS = np.linspace(-3.5, 3.5, 700)  # on a style, as in the authors' code


def published_measures(
    styles_NS: np.ndarray,
    descriptors_NK: np.ndarray,
    names: Sequence[str],
    classes: Mapping[str, Sequence[float]],
    reconstruction_mae: float,
) -> dict[str, float]:
    """Return what the published score is made of, of one trial on the validation rows.

    Parameters
    ----------
    styles_NS
        Shape (N, S), the K named styles first.
    descriptors_NK
        Shape (N, K), NaN where not known; such rows do not count.
    names
        Of the K descriptors.
    classes
        Values of those descriptors that take few.
    reconstruction_mae
        Mean absolute error of the reconstruction, in units of the absorption.

    Returns
    -------
    dict
        ``inter_style``, the largest |rho| between any two styles; ``reconstruction_mae``; and by name of the
        descriptor Spearman's correlation with its style, or for CN of three classes `published_f1`.
    """
    off_diagonal = ~np.eye(styles_NS.shape[1], dtype=bool)
    rho = np.abs(rank_correlations(styles_NS)[off_diagonal])
    rho = rho[np.isfinite(rho)]
    measures = {COUPLING: float(rho.max()) if len(rho) else float("nan"), RECONSTRUCTION: reconstruction_mae}
    for k, name in enumerate(names):
        style_N, descriptor_N = styles_NS[:, k], descriptors_NK[:, k]
        if is_by_f1(name, classes):
            measures[name] = published_f1(style_N, descriptor_N, classes[name])
        else:
            measures[name] = spearman(style_N, descriptor_N)
    return measures


def is_by_f1(name: str, classes: Mapping[str, Sequence[float]]) -> bool:
    """Return whether the published score takes the F1 score of this descriptor."""
    return name == _BY_F1 and len(classes.get(name) or ()) == 3


def published_f1(style_N: np.ndarray, descriptor_N: np.ndarray, classes: Sequence[float]) -> float:
    """Return the published F1 score of three classes, each weighted by its rows (`get_confusion_matrix`).

    The lower threshold is the best for telling the lowest class from the others by F1, the upper one the
    highest class, both of 700 between -3.5 and 3.5 and on the same rows. NaN where no row is known or these are
    not the classes of the data.
    """
    known = np.isfinite(style_N) & np.isfinite(descriptor_N)
    style, descriptor = np.asarray(style_N)[known], np.asarray(descriptor_N)[known]
    if len(style) == 0 or not fits_classes(descriptor, classes):
        return float("nan")
    label = np.searchsorted(np.sort(np.asarray(classes, dtype=float)), nearest_class(descriptor, classes))
    lower = _THRESHOLDS[_f1(style < _THRESHOLDS[:, None], label == 0).argmax()]
    upper = _THRESHOLDS[_f1(style > _THRESHOLDS[:, None], label == 2).argmax()]
    index = (style > lower).astype(int) + (style > upper)
    rows = np.bincount(label, minlength=3)
    f1 = [_f1((index == c)[None], label == c)[0] for c in range(3)]
    return float(np.dot(rows, f1) / rows.sum())


def published_scores(measures: Sequence[Mapping[str, float] | None]) -> np.ndarray:
    """Return the published score of every trial, shape (T,); higher is better.

    Parameters
    ----------
    measures
        Of `published_measures`, one a trial; None for a trial that diverged.

    Returns
    -------
    np.ndarray
        NaN for trials that diverged or have an unknown measure that others have. A measure in which trials do
        not differ, or that none has, counts for nothing; so of one trial the score is 0. Rounded to nine
        decimals, so that trials that differ by rounding alone have equal scores.
    """
    alive = [t for t, measured in enumerate(measures) if measured is not None]
    score_T = np.full(len(measures), np.nan)
    if not alive:
        return score_T
    first = measures[alive[0]]
    assert first is not None
    total = np.zeros(len(alive))
    for name in first:
        if name == RECONSTRUCTION:
            continue
        value = np.array([(measures[t] or {})[name] for t in alive], dtype=float)
        total += (-1 if name == COUPLING else 1) * _z_scores(value)
    score_T[alive] = np.round(total, _DECIMALS) + 0.0  # no minus zero
    return score_T


def resampled_scores(
    styles_NS: np.ndarray,
    error_N: np.ndarray,
    mean_spectrum_error_N: np.ndarray,
    descriptors_NK: np.ndarray,
    weights_NR: np.ndarray,
) -> np.ndarray:
    """Return the selection score of one trial in each resample of the validation rows, shape (R,).

    Parameters
    ----------
    styles_NS
        Shape (N, S), the K named styles first.
    error_N, mean_spectrum_error_N
        Mean absolute error of each spectrum's reconstruction, and of the mean training spectrum, shape (N,).
    descriptors_NK
        Shape (N, K), NaN where not known.
    weights_NR
        Of `bootstrap.material_weights`; ones give the score itself.

    Returns
    -------
    np.ndarray
        As `validation.selection_score`; NaN where it is not defined.
    """
    relative = bootstrap.resampled_mae(error_N, 0 * error_N, weights_NR)
    relative = relative / bootstrap.resampled_mae(
        mean_spectrum_error_N, 0 * mean_spectrum_error_N, weights_NR
    )
    excess = _resampled_excess(styles_NS, descriptors_NK, weights_NR)
    named_NK = styles_NS[:, : descriptors_NK.shape[1]]
    return np.asarray(
        resampled_mean_spearman(named_NK, descriptors_NK, weights_NR)
        - RECONSTRUCTION_WEIGHT * relative
        - COUPLING_WEIGHT * np.maximum(excess, 0)
    )


def _resampled_excess(
    styles_NS: np.ndarray, descriptors_NK: np.ndarray, weights_NR: np.ndarray
) -> np.ndarray:
    """Return the excess coupling of all styles in each resample, shape (R,); 0 where there is one style."""
    k = descriptors_NK.shape[1]
    excess = np.full(weights_NR.shape[1], -np.inf if styles_NS.shape[1] > 1 else 0.0)
    for i in range(styles_NS.shape[1]):
        for j in range(i):
            rho = np.nan_to_num(bootstrap.resampled_spearman(styles_NS[:, i], styles_NS[:, j], weights_NR))
            of_data = np.zeros_like(rho)
            if i < k:
                of_data = bootstrap.resampled_spearman(descriptors_NK[:, i], descriptors_NK[:, j], weights_NR)
            excess = np.maximum(excess, excess_of_pairs(rho, np.nan_to_num(of_data)))
    return excess


def lead(first: np.ndarray, second: np.ndarray, difference: float) -> dict[str, Any]:
    """Return how sure it is that one trial's score is above another's.

    Parameters
    ----------
    first, second
        Their scores in the same resamples of the materials, shape (R,).
    difference
        First minus second on the rows themselves.

    Returns
    -------
    dict
        ``difference``; ``interval``, its 95 % interval, NaN where not known; ``share`` of the resamples in which
        the first is ahead; ``beyond_chance``, whether the whole interval is above 0, None where not known. The
        first was chosen as the best of several, so a lead that is just beyond chance is still a doubtful one.
    """
    differences = first - second
    interval = bootstrap.percentile_interval(differences)
    defined = differences[np.isfinite(differences)]
    return {
        "difference": difference,
        "interval": list(interval),
        "share": float((defined > 0).mean()) if len(defined) else float("nan"),
        "beyond_chance": bool(interval[0] > 0) if np.isfinite(interval[0]) else None,
    }


def _z_scores(value_T: np.ndarray) -> np.ndarray:
    if not np.isfinite(value_T).any() or np.ptp(value_T[np.isfinite(value_T)]) == 0:
        return np.where(np.isfinite(value_T) | ~np.isfinite(value_T).any(), 0.0, np.nan)
    return (value_T - np.nanmean(value_T)) / np.nanstd(value_T)


def ranks(score_T: np.ndarray) -> list[int | None]:
    """Return the place of every trial, 1 for the highest score; None where it has none.

    Equal scores share the best place that they take, and the places after it stay empty (1, 1, 3).
    """
    score_T = np.asarray(score_T, dtype=float)
    place: list[int | None] = [None] * len(score_T)
    order = np.argsort(-np.where(np.isfinite(score_T), score_T, -np.inf), kind="stable")
    for position, t in enumerate(order):
        if np.isfinite(score_T[t]):
            before = order[position - 1]
            tied = position > 0 and score_T[t] == score_T[before]
            place[t] = place[before] if tied else position + 1
    return place


def _f1(read: np.ndarray, true_N: np.ndarray) -> np.ndarray:
    """Return 2 TP / (2 TP + FP + FN) of each way to read, shape (G,); 0 where nothing is read or true."""
    both = (read & true_N).sum(axis=1)
    total = read.sum(axis=1) + true_N.sum()
    return np.divide(2.0 * both, total, out=np.zeros(len(both)), where=total > 0)
