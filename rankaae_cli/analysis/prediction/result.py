"""What a model reads off spectra, and the energy offset that it was read with."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """What a model makes of N spectra.

    Attributes
    ----------
    value_NK, low_NK, high_NK
        Descriptors and their intervals, in their units; NaN where not known.
    style_NK
        Named styles of the ensemble, standardised.
    offset_part_NK
        How far the value goes, root mean square, as the offset does within its uncertainty.
    discrepancy_part_NK
        The same as a measured spectrum may differ from computed ones; see `rankaae_cli.core.xas.discrepancy`.
    probabilities
        By descriptor with classes: the classes, and their probabilities (N, C).
    reconstruction_NE, error_N
        By the ensemble, and its mean absolute error.
    signs_N3, novelty_N, p_N, verdict_N
        See `rankaae_cli.core.statistics.novelty`.
    nearest_NP, distance_NP
        Indices of the training rows with the nearest spectra, nearest first, and the mean absolute difference.
    """

    value_NK: np.ndarray
    low_NK: np.ndarray
    high_NK: np.ndarray
    style_NK: np.ndarray
    offset_part_NK: np.ndarray
    discrepancy_part_NK: np.ndarray
    probabilities: dict[str, tuple[tuple[float, ...], np.ndarray]]
    reconstruction_NE: np.ndarray
    error_N: np.ndarray
    signs_N3: np.ndarray
    novelty_N: np.ndarray
    p_N: np.ndarray
    verdict_N: list[str]
    nearest_NP: np.ndarray
    distance_NP: np.ndarray


@dataclass(frozen=True)
class Offset:
    """How the energies of measured spectra are brought to the code's scale.

    Attributes
    ----------
    value, uncertainty
        eV, added to measured energies, and its standard deviation.
    origin
        Where it comes from, in words.
    is_known
        Whether anybody has determined it.
    beamline
        It holds for; empty where not said.
    """

    value: float
    uncertainty: float
    origin: str
    is_known: bool
    beamline: str = ""
