"""The predictor: descriptors, intervals, class probabilities and novelty of spectra on the model's grid."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from rankaae_cli.analysis.encoded import Encoded, encode_spectra
from rankaae_cli.analysis.prediction.calibration import Calibration
from rankaae_cli.core.statistics.classification import softened
from rankaae_cli.core.statistics.conformal.intervals import Intervals, difficulty_features
from rankaae_cli.core.statistics.novelty import Novelty, StyleDistances, novelty_signs, widening
from rankaae_cli.core.xas.discrepancy import discrepancy, smooth_differences
from rankaae_cli.core.xas.nuisances import posterior_weights
from rankaae_cli.models.base import HasStyles, ReadingModel
from rankaae_cli.models.readings import ensemble_values

_CLEARLY = 0.1  # standard deviations of a style, by which one is beyond those of training


@dataclass(frozen=True)
class Prediction:
    """The descriptors that a model predicts of N spectra, with what tells how far to trust them.

    Attributes
    ----------
    value_NK, low_NK, high_NK
        Descriptors and their intervals, in their units; NaN where not known.
    style_NK
        Named styles of the ensemble, standardised.
    beyond_NK
        Where a style is above (1) or below (-1) those of all training spectra; 0 else, or without styles.
    nuisance_part_NK
        How far the value changes, root mean square, with what separates a measured spectrum from a computed one;
        see `rankaae_cli.core.xas.nuisances`. 0 of computed ones.
    discrepancy_part_NK
        The same with the difference between measured and computed spectra; see `rankaae_cli.core.xas.discrepancy`.
    probabilities
        By descriptor with classes: the classes, and their probabilities (N, C).
    weights
        Of the spectrum itself and its variants, one array a spectrum; of a computed one that is 1.
    spectra_NE, reconstruction_NE, error_N
        The likeliest variant of each, as the ensemble reconstructs it, and the mean absolute error.
    signs_N3, novelty_N, p_N, verdict_N
        See `rankaae_cli.core.statistics.novelty`.
    nearest_NP, distance_NP
        Indices of the training rows with the nearest spectra, nearest first, and the mean absolute difference.
    """

    value_NK: np.ndarray
    low_NK: np.ndarray
    high_NK: np.ndarray
    style_NK: np.ndarray
    beyond_NK: np.ndarray
    nuisance_part_NK: np.ndarray
    discrepancy_part_NK: np.ndarray
    probabilities: dict[str, tuple[np.ndarray, np.ndarray]]
    weights: list[np.ndarray]
    spectra_NE: np.ndarray
    reconstruction_NE: np.ndarray
    error_N: np.ndarray
    signs_N3: np.ndarray
    novelty_N: np.ndarray
    p_N: np.ndarray
    verdict_N: list[str]
    nearest_NP: np.ndarray
    distance_NP: np.ndarray

    def likeliest(self, name: str, n: int) -> tuple[float, float] | None:
        """Return the n-th spectrum's likeliest class, and its probability; None of a descriptor without."""
        if name not in self.probabilities:
            return None
        classes, probability_NC = self.probabilities[name]
        best = int(probability_NC[n].argmax())
        return classes[best], float(probability_NC[n, best])


class Predictor:
    """A trained model with what its predictions rest on.

    Parameters
    ----------
    model
        The trained model.
    calibration
        What intervals and novelty rest on.
    coverage
        Share of true values that intervals are to hold.
    nearest
        How many training spectra to name; none where the calibration holds none.
    """

    def __init__(
        self, model: ReadingModel, calibration: Calibration, coverage: float, nearest: int = 5
    ) -> None:
        self.model, self.calibration, self.coverage = model, calibration, coverage
        self.nearest = min(nearest, len(calibration.rows.spectra_ME)) if calibration.rows else 0
        self.novelty = Novelty.of(calibration.signs_N3)
        self._distances = StyleDistances(calibration.training_TMS)
        self.intervals = [
            Intervals(belt, coverage, float(resolution))
            for belt, resolution in zip(calibration.belt_K, calibration.resolution_K, strict=True)
        ]
        fitted = zip(model.descriptor_names, calibration.class_probabilities_K, strict=True)
        self.classes = {name: one for name, one in fitted if one is not None}

    def predict(self, encoded: Encoded, variants: Sequence[np.ndarray | None] | None = None) -> Prediction:
        """Predict descriptors of spectra.

        Parameters
        ----------
        encoded
            N spectra, encoded by the model.
        variants
            N of them: a measured spectrum with other nuisances, shape (M, E), which count by how well they are
            reconstructed; None for a computed one, as all are by default.
        """
        reading, shown = self._reading(encoded), {}
        weights = [np.ones(1)] * len(encoded.error_N)
        nuisance_part_NK = np.zeros(reading.value_NK.shape)
        for n, variants_ME in enumerate(variants or ()):
            if variants_ME is None:
                continue
            rows_ME = np.concatenate([encoded.spectra_NE[n : n + 1], variants_ME])
            of_variants = encode_spectra(self.model, rows_ME)
            weights[n] = self._weights(of_variants.error_N)
            counted = np.flatnonzero(weights[n])
            likely = self._reading(of_variants.taken(counted))
            nuisance_part_NK[n] = reading.take_mean(n, likely, weights[n][counted])
            shown[n] = of_variants.taken(np.array([weights[n].argmax()]))
        return self._prediction(reading, encoded.replaced(shown), weights, nuisance_part_NK, set(shown))

    def _reading(self, encoded: Encoded) -> "_Reading":
        distance_N = self._distances.of(encoded.coordinates_TNS)
        styles_NK = encoded.ensemble_indicators_NK
        return _Reading(
            encoded,
            styles_NK.copy(),
            encoded.ensemble_values_NK.copy(),
            novelty_signs(encoded.error_N, encoded.spread_NK, distance_N),
            {name: fitted.of(styles_NK) for name, fitted in self.classes.items()},
        )

    def _weights(self, error_M: np.ndarray) -> np.ndarray:
        """Return how much the variants of a spectrum count, shape (M,), adding up to 1."""
        energy_E, usual = self.model.energy_E, float(np.median(self.calibration.signs_N3[:, 0]))
        return posterior_weights(error_M, usual, float(energy_E[-1] - energy_E[0]))

    def _prediction(
        self,
        reading: "_Reading",
        shown: Encoded,
        weights: list[np.ndarray],
        nuisance_part_NK: np.ndarray,
        measured: Set[int],
    ) -> Prediction:
        """Return what was read, with intervals and verdicts; `measured` are the indices of measured spectra."""
        value_NK, signs_N3 = reading.value_NK, reading.signs_N3
        novelty_N, p_N, verdict_N = self.novelty.judge(signs_N3)
        discrepancy_part_NK = self._spread_by_discrepancy(shown, measured)
        widening_N = widening(novelty_N)
        others_NK = np.hypot(nuisance_part_NK, discrepancy_part_NK)
        softened_by_name = {name: softened(p_NC, widening_N) for name, p_NC in reading.probabilities.items()}
        own_NK2 = self._reaches(shown, value_NK, widening_N, softened_by_name)
        reach_NK2 = np.hypot(own_NK2, ndtri((1 + self.coverage) / 2) * others_NK[..., None])
        low_NK, high_NK = self._ends(value_NK, reach_NK2)
        nearest_NP, distance_NP = self._nearest(shown.spectra_NE)
        return Prediction(
            value_NK=value_NK,
            low_NK=low_NK,
            high_NK=high_NK,
            style_NK=reading.style_NK,
            beyond_NK=self._beyond(reading.style_NK),
            nuisance_part_NK=nuisance_part_NK,
            discrepancy_part_NK=discrepancy_part_NK,
            probabilities={
                name: (self.classes[name].classes, p_NC) for name, p_NC in softened_by_name.items()
            },
            weights=weights,
            spectra_NE=shown.spectra_NE,
            reconstruction_NE=shown.ensemble_spectra_NE,
            error_N=shown.error_N,
            signs_N3=signs_N3,
            novelty_N=novelty_N,
            p_N=p_N,
            verdict_N=verdict_N,
            nearest_NP=nearest_NP,
            distance_NP=distance_NP,
        )

    def _reaches(
        self,
        encoded: Encoded,
        value_NK: np.ndarray,
        widening_N: np.ndarray,
        probabilities: dict[str, np.ndarray],
    ) -> np.ndarray:
        """Return how far the intervals of certain energies reach below and above the values, shape (N, K, 2)."""
        styles_NK, spread_NK = encoded.ensemble_indicators_NK, encoded.spread_NK
        features_KNF = difficulty_features(styles_NK, spread_NK, encoded.error_N)
        usual_NK2, wider_NK2 = (
            np.stack(
                [
                    np.column_stack(interval.reach(value_N, features_NF, times_N))
                    for interval, value_N, features_NF in zip(
                        self.intervals, value_NK.T, features_KNF, strict=True
                    )
                ],
                axis=1,
            )
            for times_N in (1.0, widening_N)
        )
        # What is unlike the validation rows is predicted worse than they are, but hardly by more than is known.
        range_K = np.ptp(self.calibration.known_range_K2, axis=1)
        whole_K = np.ptp(self.calibration.extremes_K2, axis=1)
        range_K = np.where(range_K > 0, range_K, whole_K)  # of what is nearly always the same
        reach_NK2 = np.fmax(np.fmin(wider_NK2, range_K[:, None]), usual_NK2)
        for name, probability_NC in probabilities.items():
            k = self.model.descriptor_names.index(name)
            belt = self.calibration.class_belt_K[k]
            if belt is not None:
                low_N, high_N = belt.ends(
                    self.classes[name].classes, probability_NC, self.coverage, widening_N > 1
                )
                beside_N2 = np.column_stack([value_NK[:, k] - low_N, high_N - value_NK[:, k]])
                reach_NK2[:, k] = np.maximum(beside_N2, 0.0)
        return reach_NK2

    def _ends(self, value_NK: np.ndarray, reach_NK2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the intervals, shape (N, K) each."""
        low_NK, high_NK = value_NK - reach_NK2[..., 0], value_NK + reach_NK2[..., 1]
        # What is nowhere negative, such as a deviation, has no negative values for an interval to hold.
        never_negative_K = ~(self.calibration.extremes_K2[:, 0] < 0)
        return np.where(never_negative_K & (value_NK >= 0), np.maximum(low_NK, 0.0), low_NK), high_NK

    def _beyond(self, style_NK: np.ndarray) -> np.ndarray:
        if not isinstance(self.model, HasStyles):
            return np.zeros(style_NK.shape, dtype=np.int8)
        known_MK = self.calibration.training_TMS.mean(axis=0)[:, : style_NK.shape[1]]
        above_NK = style_NK > known_MK.max(axis=0) + _CLEARLY
        return above_NK.astype(np.int8) - (style_NK < known_MK.min(axis=0) - _CLEARLY)

    def _spread_by_discrepancy(self, encoded: Encoded, measured: Set[int]) -> np.ndarray:
        """Return how far values change with differences from computed spectra, RMS, shape (N, K)."""
        value_NK = encoded.ensemble_values_NK
        part_NK = np.zeros(value_NK.shape)
        if not measured:
            return part_NK
        size_N = discrepancy(encoded.error_N, float(np.median(self.calibration.signs_N3[:, 0])))
        difference_ME = smooth_differences(self.model.energy_E)
        for n in measured:
            changed_ME = encoded.spectra_NE[n] + size_N[n] * difference_ME
            moved_MK = ensemble_values(self.model, changed_ME)
            part_NK[n] = np.sqrt(((moved_MK - value_NK[n]) ** 2).mean(axis=0))
        return part_NK

    def _nearest(self, spectra_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.calibration.rows is None or self.nearest == 0:
            return np.empty((len(spectra_NE), 0), dtype=int), np.empty((len(spectra_NE), 0))
        known_ME = self.calibration.rows.spectra_ME
        indices, distances = [], []
        for spectrum_E in spectra_NE:
            difference_M = np.abs(known_ME - spectrum_E.astype(np.float32)).mean(axis=1)
            order = np.argsort(difference_M, kind="stable")[: self.nearest]
            indices.append(order)
            distances.append(difference_M[order])
        shape = (len(spectra_NE), self.nearest)
        return np.array(indices, dtype=int).reshape(shape), np.array(distances).reshape(shape)


@dataclass(frozen=True)
class _Reading:
    """N spectra as the model reads them, each for itself; without intervals.

    Attributes
    ----------
    encoded
        The spectra.
    style_NK, value_NK, signs_N3, probabilities
        As of `Prediction`.
    """

    encoded: Encoded
    style_NK: np.ndarray
    value_NK: np.ndarray
    signs_N3: np.ndarray
    probabilities: dict[str, np.ndarray]

    def take_mean(self, n: int, variants: "_Reading", weight_M: np.ndarray) -> np.ndarray:
        """Set the n-th spectrum to the mean of its variants; return the deviations of the values, shape (K,).

        Of the signs of novelty, whose logarithms count, it is the geometric mean.
        """
        self.style_NK[n] = weight_M @ variants.style_NK
        self.value_NK[n] = weight_M @ variants.value_NK
        self.signs_N3[n] = np.exp(weight_M @ np.log(np.maximum(variants.signs_N3, 1e-9)))
        for name, probability_NC in self.probabilities.items():
            probability_NC[n] = weight_M @ variants.probabilities[name]
        return np.asarray(np.sqrt(weight_M @ (variants.value_NK - self.value_NK[n]) ** 2))
