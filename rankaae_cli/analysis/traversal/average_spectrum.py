"""The mean spectrum of sites that a model reads as given values of some descriptors."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import listed
from rankaae_cli.core.styles.traversal import FIRST_PERCENTILE, LAST_PERCENTILE
from rankaae_cli.models.base import StyledModel


def average_spectrum(
    model: StyledModel,
    training_TMS: np.ndarray,
    known_range_K2: np.ndarray,
    values: Mapping[str, float],
    draws: int,
) -> pd.DataFrame:
    """Decode, and average over trials, styles that are read as these values, the others as of training spectra.

    In every trial the styles of the values are put where they are read so, a value beyond all readings where the
    nearest one is. The others are those of the training spectra nearest in these styles.

    Parameters
    ----------
    model
        With its calibration of every trial.
    training_TMS
        Standardised styles of training spectra in the trials that an ensemble averages.
    known_range_K2
        1st and 99th percentile of each descriptor among them.
    values
        By descriptor, one or more.
    draws
        How many training spectra give the other styles.

    Returns
    -------
    pandas.DataFrame
        A row an energy: ``energy``, ``absorption``, and ``low`` and ``high``, the 5th and 95th percentile over the
        training spectra.

    Raises
    ------
    UserError
        If there is no such descriptor, no calibration of it, or a value is outside the range of training.
    """
    _require_values(model, known_range_K2, values)
    names = [name for name in model.descriptor_names if name in values]
    index = [model.descriptor_names.index(name) for name in names]
    trials = np.flatnonzero(model.alive_T)
    styles_TDS = []
    for t, training_MS in zip(trials, np.asarray(training_TMS, dtype=np.float64), strict=True):
        deviation_S = np.where(model.style_std_TS[t] > 0, model.style_std_TS[t], 1.0)
        of_trial = model.calibration["trials"][t]["descriptors"]
        placed = np.array([_style_read_as(of_trial[name], values[name]) for name in names])
        standard = (placed - model.style_mean_TS[t, index]) / deviation_S[index]
        distance_M = np.square(training_MS[:, index] - standard).sum(axis=1)
        drawn_DS = training_MS[np.argsort(distance_M, kind="stable")[:draws]].copy()
        drawn_DS[:, index] = standard
        styles_TDS.append(drawn_DS * deviation_S + model.style_mean_TS[t])
    everywhere_TDS = np.repeat(styles_TDS[0][None], model.n_trials, axis=0)
    everywhere_TDS[trials] = styles_TDS
    spectra_TDE = model.decode(everywhere_TDS)[trials]
    low_E, high_E = np.percentile(spectra_TDE, [FIRST_PERCENTILE, LAST_PERCENTILE], axis=1).mean(axis=1)
    columns = {"absorption": spectra_TDE.mean(axis=(0, 1), dtype=np.float64), "low": low_E, "high": high_E}
    return pd.DataFrame({"energy": model.energy_E, **columns})


def _require_values(model: StyledModel, known_range_K2: np.ndarray, values: Mapping[str, float]) -> None:
    if not values:
        raise UserError(
            f"no value of a descriptor is given\ngive one or more of {listed(model.descriptor_names)}"
        )
    for name, value in values.items():
        if name not in model.descriptor_names:
            raise UserError(f"the model knows no {name}: {nearest(name, model.descriptor_names)}")
        if not isinstance(value, Real):
            raise UserError(f"{name}={value!r} is no number\ngive one, such as {name}=4")
        low, high = known_range_K2[model.descriptor_names.index(name)]
        if not low <= value <= high:
            raise UserError(
                f"{name}={value:g} is outside the range of training, {low:.4g} to {high:.4g}\n"
                "give a value within it"
            )
        if not all(
            model.calibration["trials"][t]["descriptors"][name] for t in np.flatnonzero(model.alive_T)
        ):
            raise UserError(
                f"the model has no calibration of {name}: too few of its values are known\ntake another"
            )


def _style_read_as(calibration: Mapping[str, Any], value: float) -> float:
    """Return the middle of the styles that are read as a value, or as the reading nearest to it."""
    x, y = np.asarray(calibration["x"], dtype=float), np.asarray(calibration["y"], dtype=float)
    value = float(np.clip(value, y[0], y[-1]))
    first, last = int(np.searchsorted(y, value, "left")), int(np.searchsorted(y, value, "right"))
    if last > first:  # a step of the calibration, or one of its points
        return float(x[first] + x[last - 1]) / 2
    return float(np.interp(value, y[first - 1 : first + 1], x[first - 1 : first + 1]))
