"""Prediction intervals of a stated coverage: conformal, as wide as the spectrum at hand is hard to read.

Split-conformal regression with normalised residuals (Papadopoulos et al., Neural Comput. Appl. 20, 843 (2011)):
|true - read| of validation rows, each over an estimate of how hard the row is, has a quantile q; a new row is read
with an interval of q times its own difficulty on either side. Rows are calibrated with a reading and a difficulty
that were fitted without their material. The quantile is that of the package crepes (Boström, PMLR 179, 24 (2022)),
a line of which the package would take half a second to load.

Letters: N rows, K descriptors, F what the difficulty is estimated from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.core.statistics.calibration import (
    MIN_ROWS,
    apply_calibration,
    fit_calibration,
    material_folds,
)
from rankaae_cli.core.statistics.forest import Forest, fit_forest

_TREES, _LEAF = 60, 8  # rows in a leaf: the mean of eight absolute residuals is a local width
# A forest may find a corner where all residuals are small by luck; no interval is narrower than this share of them.
_LEAST_DIFFICULTY = 0.15
_NO_WIDTH = 1e-6  # of the least half width: what rounding leaves of zero


@dataclass(frozen=True)
class IntervalRows:
    """Validation rows that the intervals of one descriptor rest on, N of them, and what their residuals teach.

    Attributes
    ----------
    residual_N
        True minus read value, in the descriptor's unit, read by a calibration that did not see the material.
    difficulty_N
        Estimated absolute residual, by a forest that did not see the material.
    forest
        Estimates the absolute residual of other rows, less `_floor`, from `difficulty_features`.
    """

    residual_N: np.ndarray
    difficulty_N: np.ndarray
    forest: Forest


class Intervals:
    """Intervals of one descriptor.

    Parameters
    ----------
    rows
        From `calibrate_intervals`; None where too few rows are known: the intervals are then not known.
    resolution
        Of the descriptor, in its unit; see `resolution_of`. Where so many rows are read exactly that the
        quantile is zero, half of it is the half width, or the mean absolute residual where that is larger: no
        factor would widen an interval without a width.
    """

    def __init__(self, rows: IntervalRows | None, resolution: float = 0.0) -> None:
        self._rows = rows
        if rows is not None:
            self._least = max(resolution / 2, float(np.abs(rows.residual_N).mean()))
            self._floor = _floor(rows.residual_N)

    def half_width(self, features_NF: np.ndarray, coverage: float) -> np.ndarray:
        """Return half the width of each row's interval, in the descriptor's unit.

        Parameters
        ----------
        features_NF
            Shape (N, F).
        coverage
            Share of true values that the intervals are to hold, between 0 and 1.

        Returns
        -------
        numpy.ndarray
            Shape (N,); NaN where the intervals are not known, or the rows too few for the coverage.
        """
        n = len(features_NF)
        if self._rows is None or n == 0:
            return np.full(n, np.nan)
        quantile = normalised_quantile(self._rows.residual_N, self._rows.difficulty_N, coverage)
        half_N = quantile * (self._rows.forest.predict(features_NF) + self._floor)
        # Not known stays not known.
        return np.where(half_N <= _NO_WIDTH * self._least, self._least, half_N)


def normalised_quantile(residual_N: np.ndarray, difficulty_N: np.ndarray, coverage: float) -> float:
    """Return the quantile of absolute residuals, each over its difficulty, as crepes counts it.

    Of n rows in descending order it is that at rank floor((1 - coverage) (n + 1)).

    Parameters
    ----------
    residual_N, difficulty_N
        See `IntervalRows`.
    coverage
        Share of true values that the intervals are to hold, between 0 and 1.

    Returns
    -------
    float
        NaN where there are too few rows for the quantile to be one of them.
    """
    rank = int((1 - coverage) * (len(residual_N) + 1))
    return float(np.sort(np.abs(residual_N) / difficulty_N)[::-1][rank - 1]) if rank >= 1 else np.nan


def resolution_of(descriptor_N: np.ndarray) -> float:
    """Return the usual distance between neighbouring values of a descriptor, such as 1 of an oxidation state.

    `descriptor_N` has shape (N,), NaN where not known; 0 where it has a single value.
    """
    values = np.unique(descriptor_N[np.isfinite(descriptor_N)].round(6))
    return float(np.median(np.diff(values))) if len(values) > 1 else 0.0


def difficulty_features(styles_NK: np.ndarray, spread_NK: np.ndarray, error_N: np.ndarray) -> np.ndarray:
    """Return what tells how hard each row is to read, for each descriptor.

    Parameters
    ----------
    styles_NK
        Named styles of the ensemble.
    spread_NK
        Standard deviation of each over the trials.
    error_N
        Mean absolute error of the ensemble's reconstruction.

    Returns
    -------
    numpy.ndarray
        Shape (K, N, F): all named styles, log of the spread of that descriptor's own, log of the error.
    """
    tiny = np.finfo(np.float64).tiny
    shared = np.column_stack([styles_NK, np.log(np.maximum(error_N, tiny))])
    log_spread_NK = np.log(np.maximum(spread_NK, 1e-6))
    return np.stack([np.column_stack([shared, own_N]) for own_N in log_spread_NK.T])


def calibrate_intervals(
    features_NF: np.ndarray,
    style_N: np.ndarray,
    descriptor_N: np.ndarray,
    groups_N: Sequence[Any] | np.ndarray,
) -> IntervalRows | None:
    """Read validation rows and estimate their difficulty, each without its own material.

    Parameters
    ----------
    features_NF
        Shape (N, F), of the descriptor at hand.
    style_N, descriptor_N
        Its style and its true value, NaN where not known, shape (N,).
    groups_N
        Material of each row, shape (N,). Where there is only one, the folds are over rows.

    Returns
    -------
    IntervalRows or None
        None where fewer than ten rows are known.
    """
    known = np.isfinite(descriptor_N) & np.isfinite(style_N)
    if known.sum() < MIN_ROWS:
        return None
    features, style, value = features_NF[known], style_N[known], descriptor_N[known]
    groups = np.unique(np.asarray(groups_N).astype(str)[known], return_inverse=True)[1]
    residual, difficulty = np.full(len(style), np.nan), np.empty(len(style))
    folds = material_folds(groups)
    for seen, held_out in folds:
        calibration = fit_calibration(style[seen], value[seen], groups[seen])
        residual[held_out] = value[held_out] - apply_calibration(calibration, style[held_out])
    if not np.isfinite(residual).all():  # a fold left fewer rows than a calibration needs
        return None
    for seen, held_out in folds:
        difficulty[held_out] = fit_difficulty(features[seen], residual[seen]).predict(features[held_out])
    return IntervalRows(residual, difficulty + _floor(residual), fit_difficulty(features, residual))


def fit_difficulty(features_NF: np.ndarray, residual_N: np.ndarray) -> Forest:
    """Return a forest that estimates absolute residuals, shape (N,), from what tells how hard rows are."""
    return fit_forest(features_NF, np.abs(residual_N), _TREES, _LEAF)


def _floor(residual_N: np.ndarray) -> float:
    # Residuals that are all zero, as of a descriptor that is read exactly, still need a scale.
    return max(_LEAST_DIFFICULTY * float(np.abs(residual_N).mean()), 1e-12)
