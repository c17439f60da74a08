"""From a style to a descriptor: monotone calibration, its intervals, and the novelty of a spectrum.

A style orders spectra as its descriptor does but has no unit. An increasing function fitted on the
validation rows gives it one. All results are plain dictionaries, lists and numbers, so that a checkpoint can
hold them.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from rankaae_cli.core.styles.ensemble import ensemble_styles

COVERAGE = 0.9
MIN_ROWS = 10
IN_RANGE, UNUSUAL, OUTSIDE = "in range", "unusual", "outside"
_FOLDS = 5
_USUAL_QUANTILE = 0.95
_EXTREME_QUANTILE = 0.995


def fit_calibration(
    style_N: np.ndarray,
    descriptor_N: np.ndarray,
    groups_N: Sequence[Any] | np.ndarray,
    continuous: bool = False,
) -> dict[str, Any] | None:
    """Fit an increasing function from a style to its descriptor, with the half width of its interval.

    The function is an isotonic regression, linear between its knots and constant beyond them, so shifting or
    stretching the style does not matter. The half width is the split-conformal quantile (rank
    ceil((n + 1) coverage) of n absolute residuals; Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018)) of
    residuals of rows whose material the function did not see (five folds over materials).

    Parameters
    ----------
    style_N
        One style of the validation rows, shape (N,).
    descriptor_N
        Its descriptor, shape (N,), NaN where not known.
    groups_N
        Material of each row, shape (N,). Where there is only one, the folds are over rows.
    continuous
        Whether the function has slopes in the stead of steps, for what takes any value: each step counts once, at
        its mean style (centred isotonic regression; Oron & Flournoy, Stat. Biopharm. Res. 9, 258 (2017)).

    Returns
    -------
    dict or None
        ``x`` and ``y``, the knots, ascending; ``half_width`` in the descriptor's unit; ``coverage``; ``n``,
        the rows used. None where fewer than ten rows are known; all that rests on it is then not known.
    """
    known = np.isfinite(descriptor_N) & np.isfinite(style_N)
    if known.sum() < MIN_ROWS:
        return None
    style = np.asarray(style_N, dtype=np.float64)[known]
    descriptor = np.asarray(descriptor_N, dtype=np.float64)[known]
    groups = np.unique(np.asarray(groups_N).astype(str)[known], return_inverse=True)[1]

    residual = np.empty(len(style))
    for seen, held_out in material_folds(groups):
        x, y = _knots(style[seen], descriptor[seen], continuous)
        residual[held_out] = np.abs(np.interp(style[held_out], x, y) - descriptor[held_out])
    x, y = _knots(style, descriptor, continuous)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "half_width": conformal_quantile(residual, COVERAGE),
        "coverage": COVERAGE,
        "n": len(style),
    }


def material_folds(group_N: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return up to five folds over groups numbered from 0, rows seen and held out; over rows where one is all."""
    # scikit-learn takes a second to load, which what only applies a calibration need not wait for.
    from sklearn.model_selection import GroupKFold, KFold

    n_groups = int(group_N.max()) + 1
    if n_groups > 1:
        return list(GroupKFold(min(_FOLDS, n_groups)).split(group_N, groups=group_N))
    return list(KFold(_FOLDS).split(group_N))


def apply_calibration(calibration: dict[str, Any] | None, style_N: np.ndarray) -> np.ndarray:
    """Return the descriptor values of a style, shape (N,), float64; NaN where there is no calibration."""
    style_N = np.asarray(style_N, dtype=np.float64)
    if calibration is None:
        return np.full(style_N.shape, np.nan)
    x_V, y_V = (np.asarray(calibration[axis], dtype=np.float64) for axis in "xy")
    value_N = np.interp(style_N, x_V, y_V)
    return np.where(np.isfinite(style_N), value_N, np.nan)


def half_width(calibration: dict[str, Any] | None) -> float:
    """Return half the width of the interval in the descriptor's unit; NaN where there is no calibration."""
    return math.nan if calibration is None else float(calibration["half_width"])


def conformal_quantile(residual_N: np.ndarray, coverage: float) -> float:
    """Return the ceil((n + 1) coverage)-th smallest of `residual_N`; its largest where n is too small."""
    n = len(residual_N)
    rank = min(math.ceil((n + 1) * coverage - 1e-9), n)
    return float(np.sort(residual_N)[rank - 1])


def calibrate_model(
    styles_TNS: np.ndarray,
    error_TN: np.ndarray,
    ensemble_error_N: np.ndarray,
    descriptors_NK: np.ndarray,
    materials_N: Sequence[str] | np.ndarray,
    descriptor_names: Sequence[str],
    style_mean_TS: np.ndarray,
    style_std_TS: np.ndarray,
    alive_T: np.ndarray,
    continuous: Collection[str] = (),
) -> dict[str, Any]:
    """Calibrate every trial and their ensemble on the validation rows.

    Parameters
    ----------
    styles_TNS
        Styles of the validation rows, shape (T, N, S).
    error_TN
        Mean absolute error of each validation spectrum's reconstruction, shape (T, N).
    ensemble_error_N
        The same of the mean of the trials' reconstructions, shape (N,).
    descriptors_NK
        Their descriptors, shape (N, K), NaN where not known.
    materials_N
        Their materials, shape (N,).
    descriptor_names
        K names.
    style_mean_TS, style_std_TS
        Mean and standard deviation of the styles over the training rows, shape (T, S).
    alive_T
        Shape (T,), bool: the trials that did not diverge.
    continuous
        Names of descriptors that take any value; see `fit_calibration`.

    Returns
    -------
    dict
        ``ensemble`` and ``trials`` (a list; None for a diverged trial), each with ``descriptors``, a
        calibration or None by name, and ``novelty`` (see `novelty_thresholds`).
    """
    names = list(descriptor_names)

    def calibrated(styles_NK: np.ndarray, error_N: np.ndarray) -> dict[str, Any]:
        return {
            "descriptors": {
                name: fit_calibration(styles_NK[:, k], descriptors_NK[:, k], materials_N, name in continuous)
                for k, name in enumerate(names)
            },
            "novelty": novelty_thresholds(error_N),
        }

    styles_NK = ensemble_styles(styles_TNS, style_mean_TS, style_std_TS, alive_T, len(names))
    return {
        "ensemble": calibrated(styles_NK, ensemble_error_N),
        "trials": [
            calibrated(styles_TNS[t], error_TN[t]) if alive else None for t, alive in enumerate(alive_T)
        ],
    }


def reconstruction_mae_rows(spectra_NE: np.ndarray, reconstructions_NE: np.ndarray) -> np.ndarray:
    """Return the mean absolute error of each spectrum's reconstruction, shape (N,), float64."""
    return np.abs(np.asarray(reconstructions_NE, dtype=np.float64) - spectra_NE).mean(axis=1)


def novelty_thresholds(reconstruction_mae_N: np.ndarray) -> dict[str, float]:
    """Return the reconstruction errors beyond which a spectrum is unusual, and outside the training range.

    Parameters
    ----------
    reconstruction_mae_N
        Mean absolute error of each validation spectrum's reconstruction, shape (N,).

    Returns
    -------
    dict
        ``unusual`` and ``outside``: the 95 % and the 99.5 % quantile.
    """
    unusual, outside = np.quantile(reconstruction_mae_N, [_USUAL_QUANTILE, _EXTREME_QUANTILE])
    return {"unusual": float(unusual), "outside": float(outside)}


def _knots(style_N: np.ndarray, descriptor_N: np.ndarray, continuous: bool) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.isotonic import IsotonicRegression  # loaded when something is fitted, as above

    regression = IsotonicRegression(increasing=True, out_of_bounds="clip").fit(style_N, descriptor_N)
    if not continuous:
        return regression.X_thresholds_, regression.y_thresholds_
    level, step_N, count = np.unique(regression.predict(style_N), return_inverse=True, return_counts=True)
    return np.bincount(step_N, style_N) / count, level
