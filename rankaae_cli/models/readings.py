"""What a model's ensemble reads off spectra, whatever the kind; nothing is reconstructed."""

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.calibration import apply_calibration
from rankaae_cli.models.base import Predicts


def ensemble_values(model: Predicts, spectra_NE: np.ndarray) -> np.ndarray:
    """Return descriptors as the ensemble reads them off spectra (N, E), shape (N, K); nothing is reconstructed."""
    return calibrated(model, member_indicators(model, spectra_NE).mean(axis=0))


def member_indicators(model: Predicts, spectra_NE: np.ndarray) -> np.ndarray:
    """Return the standardised indicators of spectra (N, E) in the trials of the ensemble, shape (T, N, K)."""
    return standardised_indicators(model, model.indicators(spectra_NE))


def standardised_indicators(model: Predicts, indicators_TNK: np.ndarray) -> np.ndarray:
    """Return the indicators of the trials that make the ensemble, standardised on the training rows."""
    # An indicator that is constant on the training rows stays as it is.
    deviation_TK = np.where(model.indicator_std_TK > 0, model.indicator_std_TK, 1.0)
    centred_TNK = indicators_TNK.astype(np.float64) - model.indicator_mean_TK[:, None]
    return np.asarray((centred_TNK / deviation_TK[:, None])[model.alive_T])


def calibrated(model: Predicts, indicators_NK: np.ndarray) -> np.ndarray:
    """Return the descriptors of ensemble indicators (N, K), shape (N, K).

    Raises
    ------
    UserError
        If the model is not calibrated.
    """
    if not model.calibration:
        raise UserError("the model reads no descriptors: it has no calibration\ntrain to the end, or again")
    calibrations = model.calibration["ensemble"]["descriptors"]
    return np.column_stack(
        [
            apply_calibration(calibrations[name], indicators_NK[:, k])
            for k, name in enumerate(model.descriptor_names)
        ]
    )
