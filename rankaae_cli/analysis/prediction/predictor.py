"""The predictor: descriptors, intervals, class probabilities and novelty of spectra on the model's grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from rankaae_cli.analysis.encoded import Encoded, encode_spectra
from rankaae_cli.analysis.prediction.calibration import CalibrationRows
from rankaae_cli.core.statistics.classification import holding_classes, softened
from rankaae_cli.core.statistics.conformal import Intervals, difficulty_features, resolution_of
from rankaae_cli.core.statistics.novelty import Novelty, novelty_signs, style_distance, widening
from rankaae_cli.core.xas.discrepancy import discrepancy, smooth_differences
from rankaae_cli.models.rankaae.trained import TrainedModel

# An uncertain offset is a normal distribution: these are its points, in standard deviations, and their weights.
_POINTS = np.linspace(-2.4, 2.4, 7)
_DENSITY = np.exp(-(_POINTS**2) / 2.0) / np.sqrt(2 * np.pi)
_WEIGHTS = _DENSITY / _DENSITY.sum()


@dataclass(frozen=True)
class Prediction:
    """The descriptors that a model predicts of N spectra, with what tells how far to trust them.

    Attributes
    ----------
    value_NK, low_NK, high_NK
        Descriptors and their intervals, in their units; NaN where not known.
    style_NK
        Named styles of the ensemble, standardised.
    offset_part_NK
        How far the value changes, root mean square, with the offset within its uncertainty.
    discrepancy_part_NK
        The same with the difference between measured and computed spectra; see `rankaae_cli.core.xas.discrepancy`.
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
    probabilities: dict[str, tuple[np.ndarray, np.ndarray]]
    reconstruction_NE: np.ndarray
    error_N: np.ndarray
    signs_N3: np.ndarray
    novelty_N: np.ndarray
    p_N: np.ndarray
    verdict_N: list[str]
    nearest_NP: np.ndarray
    distance_NP: np.ndarray


@dataclass(frozen=True)
class ShiftedSpectra:
    """A measured spectrum as it would be if the offset were another.

    Attributes
    ----------
    spectra_NE
        On the model's grid; N offsets.
    weight_N
        How likely each is; they add up to 1.
    is_whole
        Whether the spectrum covers the grid at all of the offsets that were to be tried.
    """

    spectra_NE: np.ndarray
    weight_N: np.ndarray
    is_whole: bool = True


class Predictor:
    """A trained model with what its predictions rest on.

    Parameters
    ----------
    model
        The trained model.
    calibration
        Rows that intervals and novelty rest on.
    coverage
        Share of true values that intervals are to hold.
    nearest
        How many training spectra to name.
    """

    def __init__(
        self, model: TrainedModel, calibration: CalibrationRows, coverage: float, nearest: int = 5
    ) -> None:
        self.model, self.calibration, self.coverage = model, calibration, coverage
        self.nearest = min(nearest, len(calibration.spectra_ME))
        self.novelty = Novelty.of(calibration.signs_N3)
        self.intervals = [
            Intervals(rows, resolution_of(column))
            for rows, column in zip(calibration.interval_rows(), calibration.descriptors_MK.T, strict=True)
        ]
        fitted = zip(model.descriptor_names, calibration.class_probabilities_K, strict=True)
        self.classes = {name: one for name, one in fitted if one is not None}

    def predict(
        self,
        encoded: Encoded,
        shifted: Sequence[ShiftedSpectra | None] | None = None,
        is_measured_N: np.ndarray | None = None,
    ) -> Prediction:
        """Predict descriptors of spectra.

        Parameters
        ----------
        encoded
            N spectra, encoded by the model.
        shifted
            N of them: the same spectrum with other offsets; None where its energies are certain, as all are by
            default.
        is_measured_N
            Whether each was measured, and so differs from computed ones by more than the trials show; by default
            none is.
        """
        style_NK, spread_NK = encoded.ensemble_styles_NK, encoded.spread_NK
        value_NK = encoded.ensemble_values_NK
        distance_N = style_distance(encoded.standardised_TNS, self.calibration.training_TMS)
        signs_N3 = novelty_signs(encoded.error_N, spread_NK, distance_N)
        novelty_N, p_N, verdict_N = self.novelty.judge(signs_N3)
        probabilities = {name: fitted.of(style_NK) for name, fitted in self.classes.items()}
        offset_part_NK = self._spread_by_offset(shifted or [None] * len(value_NK), value_NK, probabilities)
        measured_N = np.zeros(len(value_NK), dtype=bool) if is_measured_N is None else is_measured_N
        discrepancy_part_NK = self._spread_by_discrepancy(encoded, measured_N)
        widening_N = widening(novelty_N)
        own_NK = self._half_widths(encoded, widening_N)
        others_NK = np.hypot(offset_part_NK, discrepancy_part_NK)
        half_NK = np.hypot(own_NK, ndtri((1 + self.coverage) / 2) * others_NK)
        softened_by_name = {name: softened(p_NC, widening_N) for name, p_NC in probabilities.items()}
        low_NK, high_NK = self._ends(value_NK, half_NK, softened_by_name)
        nearest_NP, distance_NP = self._nearest(encoded.spectra_NE)
        return Prediction(
            value_NK=value_NK,
            low_NK=low_NK,
            high_NK=high_NK,
            style_NK=style_NK,
            offset_part_NK=offset_part_NK,
            discrepancy_part_NK=discrepancy_part_NK,
            probabilities={
                name: (self.classes[name].classes, p_NC) for name, p_NC in softened_by_name.items()
            },
            reconstruction_NE=encoded.ensemble_spectra_NE,
            error_N=encoded.error_N,
            signs_N3=signs_N3,
            novelty_N=novelty_N,
            p_N=p_N,
            verdict_N=verdict_N,
            nearest_NP=nearest_NP,
            distance_NP=distance_NP,
        )

    def _half_widths(self, encoded: Encoded, widening_N: np.ndarray) -> np.ndarray:
        """Return half the widths of the intervals of certain energies, shape (N, K)."""
        styles_NK, spread_NK = encoded.ensemble_styles_NK, encoded.spread_NK
        features_KNF = difficulty_features(styles_NK, spread_NK, encoded.error_N)
        half_NK = np.column_stack(
            [
                interval.half_width(features_NF, self.coverage)
                for interval, features_NF in zip(self.intervals, features_KNF, strict=True)
            ]
        )
        # What is unlike the validation rows is predicted worse than they are, but hardly by more than is known.
        known_MK = self.calibration.descriptors_MK
        range_K = np.ptp(self.calibration.known_range(), axis=1)
        whole_K = np.fmax.reduce(known_MK) - np.fmin.reduce(known_MK)
        range_K = np.where(range_K > 0, range_K, whole_K)  # of what is nearly always the same
        return np.fmax(np.fmin(half_NK * widening_N[:, None], range_K), half_NK)

    def _ends(
        self, value_NK: np.ndarray, half_NK: np.ndarray, probabilities: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the intervals, shape (N, K) each."""
        low_NK, high_NK = value_NK - half_NK, value_NK + half_NK
        for name, probability_NC in probabilities.items():
            k = self.model.descriptor_names.index(name)
            low_NK[:, k], high_NK[:, k] = holding_classes(
                low_NK[:, k], high_NK[:, k], self.classes[name].classes, probability_NC, self.coverage
            )
        # What is nowhere negative, such as a deviation, has no negative values for an interval to hold.
        never_negative_K = ~(self.calibration.descriptors_MK < 0).any(axis=0)
        return np.where(never_negative_K & (value_NK >= 0), np.maximum(low_NK, 0.0), low_NK), high_NK

    def reconstruction_error(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the mean absolute error of the ensemble's reconstruction, shape (N,)."""
        return encode_spectra(self.model, spectra_NE).error_N

    def _spread_by_offset(
        self,
        shifted: Sequence[ShiftedSpectra | None],
        value_NK: np.ndarray,
        probabilities: dict[str, np.ndarray],
    ) -> np.ndarray:
        """Return how far values lie from `value_NK` at other offsets, root mean square, shape (N, K).

        `probabilities` are averaged over the offsets in place.
        """
        part_NK = np.zeros(value_NK.shape)
        uncertain = [n for n, one in enumerate(shifted) if one is not None]
        if not uncertain:
            return part_NK
        parts = [one for one in shifted if one is not None]
        moved = encode_spectra(self.model, np.concatenate([p.spectra_NE for p in parts]))
        moved_probability = {
            name: fitted.of(moved.ensemble_styles_NK) for name, fitted in self.classes.items()
        }
        first = 0
        for n, part in zip(uncertain, parts, strict=True):
            rows = slice(first, first + len(part.weight_N))
            first = rows.stop
            part_NK[n] = np.sqrt(part.weight_N @ (moved.ensemble_values_NK[rows] - value_NK[n]) ** 2)
            for name, probability_NC in moved_probability.items():
                probabilities[name][n] = part.weight_N @ probability_NC[rows]
        return part_NK

    def _spread_by_discrepancy(self, encoded: Encoded, measured_N: np.ndarray) -> np.ndarray:
        """Return how far values change with differences from computed spectra, RMS, shape (N, K)."""
        value_NK = encoded.ensemble_values_NK
        part_NK = np.zeros(value_NK.shape)
        if not measured_N.any():
            return part_NK
        size_N = discrepancy(encoded.error_N, float(np.median(self.calibration.signs_N3[:, 0])))
        difference_ME = smooth_differences(self.model.energy_E)
        for n in np.flatnonzero(measured_N):
            changed_ME = encoded.spectra_NE[n] + size_N[n] * difference_ME
            moved_MK = encode_spectra(self.model, changed_ME).ensemble_values_NK
            part_NK[n] = np.sqrt(((moved_MK - value_NK[n]) ** 2).mean(axis=0))
        return part_NK

    def _nearest(self, spectra_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.nearest == 0:
            return np.empty((len(spectra_NE), 0), dtype=int), np.empty((len(spectra_NE), 0))
        known_ME = self.calibration.spectra_ME
        indices, distances = [], []
        for spectrum_E in spectra_NE:
            difference_M = np.abs(known_ME - spectrum_E.astype(np.float32)).mean(axis=1)
            order = np.argsort(difference_M, kind="stable")[: self.nearest]
            indices.append(order)
            distances.append(difference_M[order])
        shape = (len(spectra_NE), self.nearest)
        return np.array(indices, dtype=int).reshape(shape), np.array(distances).reshape(shape)


def offset_points(uncertainty: float) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets (eV, from the one assumed) that stand for its uncertainty, and their weights."""
    return _POINTS * uncertainty, _WEIGHTS
