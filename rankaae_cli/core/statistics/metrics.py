"""Numbers that say how well styles follow descriptors and spectra are reconstructed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.statistics import bootstrap
from rankaae_cli.core.statistics.calibration import apply_calibration, half_width, reconstruction_mae_rows
from rankaae_cli.core.statistics.classification import (
    apply_cuts,
    confusion_balanced_accuracy,
    confusion_macro_f1,
    confusion_matrix,
    score_classes,
)
from rankaae_cli.core.styles.normality import shapiro, shapiro_min

_PERMUTATIONS = 20
_FEWEST_ROWS = 3


def spearman(a_N: np.ndarray, b_N: np.ndarray) -> float:
    """Return Spearman's rank correlation over the rows where both are known; NaN where it is not defined."""
    a, b = _both_known(a_N, b_N)
    if not (_varies(a) and _varies(b)):
        return float("nan")
    return float(np.corrcoef(scipy.stats.rankdata(a), scipy.stats.rankdata(b))[0, 1])


def attainable_spearman(descriptor_N: np.ndarray) -> float:
    """Return the largest Spearman correlation that values without ties can have with a descriptor.

    Average ranks r of a descriptor with ties vary less than ranks without. The best that a continuous style can
    do is to break every tie in some order; its ranks then have the block means r, so with t rows of each value

        rho = std(r) / std(1 ... n) = sqrt(1 - sum(t^3 - t) / (n^3 - n)),

    the correction for ties of Kendall, Rank Correlation Methods (Griffin, 1948), section 3.8.

    Parameters
    ----------
    descriptor_N
        Shape (N,), NaN where not known; such rows do not count.

    Returns
    -------
    float
        1 without ties; NaN where `spearman` is not defined.
    """
    known = np.asarray(descriptor_N, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not _varies(known):
        return float("nan")
    n, tied = float(len(known)), np.unique(known, return_counts=True)[1].astype(np.float64)
    return float(np.sqrt(1 - (tied**3 - tied).sum() / (n**3 - n)))


def kendall(a_N: np.ndarray, b_N: np.ndarray) -> float:
    """Return Kendall's tau-b over the rows where both are known; NaN where it is not defined.

    tau-b = (concordant - discordant pairs) / sqrt((pairs not tied in a) (pairs not tied in b)) (Kendall,
    Biometrika 33, 239 (1945)), so many rows of one class do not count as agreement.
    """
    a, b = _both_known(a_N, b_N)
    if not (_varies(a) and _varies(b)):
        return float("nan")
    return float(scipy.stats.kendalltau(a, b).statistic)


def r2(true_N: np.ndarray, predicted_N: np.ndarray) -> float:
    """Return 1 - (residual sum of squares) / (total sum of squares) over the known rows, else NaN."""
    true, predicted = _both_known(true_N, predicted_N)
    total = ((true - true.mean()) ** 2).sum() if len(true) else 0.0
    return float(1 - ((true - predicted) ** 2).sum() / total) if total > 0 else float("nan")


def mae(true_N: np.ndarray, predicted_N: np.ndarray) -> float:
    """Return the mean absolute error over the known rows; NaN where there are none."""
    true, predicted = _both_known(true_N, predicted_N)
    return float(np.abs(true - predicted).mean()) if len(true) else float("nan")


def rmse(true_N: np.ndarray, predicted_N: np.ndarray) -> float:
    """Return the root mean square error over the known rows; NaN where there are none."""
    true, predicted = _both_known(true_N, predicted_N)
    return float(np.sqrt(((true - predicted) ** 2).mean())) if len(true) else float("nan")


def inter_style(styles_NS: np.ndarray, descriptors_NK: np.ndarray) -> dict[str, float]:
    """Measure how strongly styles depend on one another, and how far that exceeds their descriptors.

    Parameters
    ----------
    styles_NS
        Shape (N, S), the K named styles first.
    descriptors_NK
        Shape (N, K), NaN where not known.

    Returns
    -------
    dict
        ``max_abs_spearman``, the largest |rho(z_k, z_l)|; ``excess``, the largest of
        |rho(z_k, z_l)| - |rho(d_k, d_l)|, the second term 0 where either style is free or the two correlations
        have opposite signs, for then the descriptors account for none of it (up to version 0.2 signs were ignored);
        ``excess_permuted``, the mean of the same over permutations of each style's rows, which is what independent
        styles give by chance. NaN for a single style, and for fewer than three rows.
    """
    n, s = styles_NS.shape
    if s < 2 or n < _FEWEST_ROWS:
        return dict.fromkeys(("max_abs_spearman", "excess", "excess_permuted"), float("nan"))
    ranks_NS = scipy.stats.rankdata(styles_NS, axis=0)
    inherited_SS = _inherited(descriptors_NK, s)
    rng = np.random.default_rng(0)
    by_chance = [
        _largest_pair(excess_of_pairs(_correlation(rng.permuted(ranks_NS, axis=0)), inherited_SS))
        for _ in range(_PERMUTATIONS)
    ]
    rho_SS = _correlation(ranks_NS)
    return {
        "max_abs_spearman": _largest_pair(np.abs(rho_SS)),
        "excess": _largest_pair(excess_of_pairs(rho_SS, inherited_SS)),
        "excess_permuted": float(np.mean(by_chance)),
    }


def excess_of_pairs(of_styles: np.ndarray, of_descriptors: np.ndarray) -> np.ndarray:
    """Return how far correlations of styles go beyond those of their descriptors; see `inter_style`.

    Parameters
    ----------
    of_styles, of_descriptors
        With their signs, of one shape; of descriptors 0 where a style is free.
    """
    return np.abs(of_styles) - np.maximum(np.sign(of_styles) * of_descriptors, 0)


def mean_spearman(styles_NS: np.ndarray, descriptors_NK: np.ndarray) -> float:
    """Return the mean over descriptors of Spearman's correlation with the style of the same index.

    A descriptor that does not vary over the known rows is left out; a style that does not vary counts as 0,
    so that a collapsed style is not rewarded. NaN where no descriptor varies.
    """
    columns = zip(styles_NS.T, descriptors_NK.T, strict=False)
    rho = [spearman(*pair) for pair in columns if _varies(_both_known(*pair)[1])]
    return float(np.mean(np.nan_to_num(rho))) if rho else float("nan")


def resampled_mean_spearman(
    styles_NS: np.ndarray, descriptors_NK: np.ndarray, weights_NR: np.ndarray
) -> np.ndarray:
    """Return `mean_spearman` in each resample of `bootstrap.material_weights`, shape (R,).

    A descriptor that does not vary there is left out.
    """
    total, number = np.zeros((2, weights_NR.shape[1]))
    for style_N, descriptor_N in zip(styles_NS.T, descriptors_NK.T, strict=False):
        style, descriptor = _both_known(style_N, descriptor_N)
        if not _varies(descriptor):
            continue
        rho = bootstrap.resampled_spearman(style_N, descriptor_N, weights_NR)
        if not _varies(style):
            rho[:] = 0.0
        total += np.nan_to_num(rho)
        number += np.isfinite(rho)
    return np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)


def score_readings(
    indicators_NK: np.ndarray,
    descriptors_NK: np.ndarray,
    calibrations: Mapping[str, dict[str, Any] | None],
    classes: Mapping[str, Sequence[float]],
    cuts: Mapping[str, dict[str, Any] | None] | None = None,
    weights_NR: np.ndarray | None = None,
) -> dict[str, Any]:
    """Collect the numbers of how well one trial, or the ensemble, reads descriptors on one split.

    Parameters
    ----------
    indicators_NK
        Numbers that rise with the descriptors, shape (N, K).
    descriptors_NK
        Shape (N, K), NaN where not known.
    calibrations
        Calibration of each descriptor, in the order of the columns; see `calibration.fit_calibration`.
    classes
        Values of those descriptors that take few.
    cuts
        Thresholds between these on the indicator, by name; see `classification.fit_cuts`. Without, classes are not
        known.
    weights_NR
        Resamples of the materials, shape (N, R), for intervals; see `bootstrap.material_weights`.

    Returns
    -------
    dict
        ``mean_spearman`` and ``mean_spearman_attainable``; ``descriptors``, by name as `score_descriptor` gives
        them. With `weights_NR` ``interval``, the 95 % interval of ``mean_spearman``. NaN where not defined.
    """
    scores = {}
    for k, (name, calibration) in enumerate(calibrations.items()):
        columns, thresholds = (indicators_NK[:, k], descriptors_NK[:, k]), (cuts or {}).get(name)
        scores[name] = score_descriptor(*columns, calibration, classes.get(name), thresholds, weights_NR)
    attainable = np.array([score["spearman_attainable"] for score in scores.values()])
    content = {
        "mean_spearman": mean_spearman(indicators_NK, descriptors_NK),
        "mean_spearman_attainable": mean_of_known(attainable),
        "descriptors": scores,
    }
    if weights_NR is not None:
        replicates = resampled_mean_spearman(indicators_NK, descriptors_NK, weights_NR)
        content["interval"] = {"mean_spearman": _interval(replicates)}
    return content


def score_styles(styles_NS: np.ndarray, descriptors_NK: np.ndarray) -> dict[str, Any]:
    """Collect the numbers of the styles of one trial, or of the ensemble, on one split.

    Returns
    -------
    dict
        ``inter_style`` of all styles, and ``inter_style_named`` of the K named ones alone; ``shapiro``, W of each
        style, and ``shapiro_min``. NaN where not defined.
    """
    return {
        "inter_style": inter_style(styles_NS, descriptors_NK),
        "inter_style_named": inter_style(styles_NS[:, : descriptors_NK.shape[1]], descriptors_NK),
        "shapiro": shapiro(styles_NS).tolist(),
        "shapiro_min": shapiro_min(styles_NS),
    }


def score_rebuilding(
    rebuilt_NE: np.ndarray, spectra_NE: np.ndarray, weights_NR: np.ndarray | None = None
) -> dict[str, Any]:
    """Return ``reconstruction``, and with resamples the ``interval`` of ``reconstruction_mae``."""
    content: dict[str, Any] = {"reconstruction": score_reconstruction(rebuilt_NE, spectra_NE)}
    if weights_NR is not None:
        error_N = reconstruction_mae_rows(spectra_NE, rebuilt_NE)
        replicates = bootstrap.resampled_mae(error_N, 0 * error_N, weights_NR)
        content["interval"] = {"reconstruction_mae": _interval(replicates)}
    return content


def score_reconstruction(rebuilt_NE: np.ndarray, spectra_NE: np.ndarray) -> dict[str, float]:
    """Return ``mae`` and ``mse``, the mean absolute and the mean squared error, edge steps."""
    residual_NE = np.asarray(rebuilt_NE, dtype=np.float64) - spectra_NE
    return {
        "mae": float(reconstruction_mae_rows(spectra_NE, rebuilt_NE).mean()),
        "mse": float((residual_NE**2).mean()),
    }


def rank_correlations(columns_NC: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of every two columns over the rows where both are known, shape (C, C).

    The diagonal is 1; NaN where a correlation is not defined.
    """
    c = columns_NC.shape[1]
    rho = np.eye(c)
    for i in range(c):
        for j in range(i):
            rho[i, j] = rho[j, i] = spearman(columns_NC[:, i], columns_NC[:, j])
    return rho


def score_descriptor(
    style_N: np.ndarray,
    true_N: np.ndarray,
    calibration: dict[str, Any] | None,
    classes: Sequence[float] | None = None,
    cuts: dict[str, Any] | None = None,
    weights_NR: np.ndarray | None = None,
) -> dict[str, Any]:
    """Collect the numbers of one descriptor; for the parameters see `score_readings`.

    Returns
    -------
    dict
        ``spearman`` and ``kendall`` of the style itself; ``r2`` and, in the descriptor's unit, ``mae`` and
        ``rmse`` of the calibrated style; ``spearman_attainable``, the most that ties leave (see
        `attainable_spearman`); ``n`` known rows; ``interval_half_width`` of the calibrated value, and the share of
        rows within it, ``interval_coverage``. For classes ``f1`` (macro-F1), ``balanced_accuracy``, ``confusion``
        (for each true class a list of counts), ``classes`` and ``cuts``: of classes read by the cuts, which are
        fitted to just that, not of the calibrated value moved to the nearest class. With `weights_NR`
        ``interval``: ``[low, high]`` by the names above.
    """
    predicted_N, class_N = apply_calibration(calibration, style_N), apply_cuts(cuts, style_N)
    true, predicted = _both_known(true_N, predicted_N)
    width = half_width(calibration)
    # A value on the edge of the interval lies within it; classes put many there.
    within = np.abs(true - predicted) <= width * (1 + 1e-9)
    score: dict[str, Any] = {
        "spearman": spearman(style_N, true_N),
        "spearman_attainable": attainable_spearman(true_N),
        "kendall": kendall(style_N, true_N),
        "r2": r2(true_N, predicted_N),
        "mae": mae(true_N, predicted_N),
        "rmse": rmse(true_N, predicted_N),
        "n": int(np.isfinite(true_N).sum()),
        "interval_half_width": width,
        "interval_coverage": float(within.mean()) if len(true) else float("nan"),
    }
    if classes:
        of_classes = score_classes(true_N, class_N, classes)
        score |= {
            "f1": of_classes["macro_f1"],
            "balanced_accuracy": of_classes["balanced_accuracy"],
            "confusion": of_classes["confusion"],
            "classes": of_classes["classes"],
            "cuts": None if cuts is None else list(cuts["cuts"]),
        }
    if weights_NR is not None:
        score["interval"] = _intervals(style_N, true_N, predicted_N, class_N, classes, weights_NR)
    return score


def _intervals(
    style_N: np.ndarray,
    true_N: np.ndarray,
    predicted_N: np.ndarray,
    class_N: np.ndarray,
    classes: Sequence[float] | None,
    weights_NR: np.ndarray,
) -> dict[str, list[float]]:
    replicates = {
        "spearman": bootstrap.resampled_spearman(style_N, true_N, weights_NR),
        "kendall": bootstrap.resampled_kendall(style_N, true_N, weights_NR),
        "r2": bootstrap.resampled_r2(true_N, predicted_N, weights_NR),
        "mae": bootstrap.resampled_mae(true_N, predicted_N, weights_NR),
    }
    if classes:
        confusion = confusion_matrix(true_N, class_N, classes, weights_NR)
        replicates["f1"] = confusion_macro_f1(confusion)
        replicates["balanced_accuracy"] = confusion_balanced_accuracy(confusion)
    return {name: _interval(values) for name, values in replicates.items()}


def _interval(replicates: np.ndarray) -> list[float]:
    return list(bootstrap.percentile_interval(replicates))


def mean_of_known(values: np.ndarray) -> float:
    """Return the mean of the values that are known; NaN if none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _varies(known: np.ndarray) -> bool:
    return len(known) >= _FEWEST_ROWS and bool(np.ptp(known) > 0)


def _both_known(a_N: np.ndarray, b_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a_N, b_N = np.asarray(a_N, dtype=np.float64), np.asarray(b_N, dtype=np.float64)
    known = np.isfinite(a_N) & np.isfinite(b_N)
    return a_N[known], b_N[known]


def _inherited(descriptors_NK: np.ndarray, n_styles: int) -> np.ndarray:
    """Return rho(d_k, d_l), 1 for k = l, 0 where it is not defined or either style is free; shape (S, S)."""
    inherited_SS = np.zeros((n_styles, n_styles))
    k = descriptors_NK.shape[1]
    inherited_SS[:k, :k] = np.nan_to_num(rank_correlations(descriptors_NK))
    return inherited_SS


def _correlation(ranks_NS: np.ndarray) -> np.ndarray:
    """Return Spearman's rho between columns of ranks, NaN against a constant column; shape (S, S)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(ranks_NS, rowvar=False)


def _largest_pair(value_SS: np.ndarray) -> float:
    value = value_SS[np.triu_indices(len(value_SS), k=1)]
    value = value[np.isfinite(value)]
    return float(value.max()) if len(value) else float("nan")
