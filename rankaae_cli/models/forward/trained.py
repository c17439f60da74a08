"""A trained forward model, and all that is needed to simulate spectra with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.ranking.residuals import Residuals
from rankaae_cli.core.statistics.novelty import Novelty
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.models.family_model import FamilyModel, kept_in
from rankaae_cli.models.forward.bands import Bands
from rankaae_cli.models.forward.gaussian_process import GaussianProcess, standardised
from rankaae_cli.models.forward.nearness import distances

_ARRAYS = ("mean_F", "scale_F", "rows_MF", "mean_E", "weights_ME")
_NUMBERS = ("length", "noise")


@dataclass(kw_only=True)
class TrainedSimulator(FamilyModel):
    """A Gaussian process from features to spectra on one energy grid: a model that `base.Simulates`.

    Attributes
    ----------
    features
        What it is given, of no site.
    process
        The Gaussian process.
    bands
        About its spectra.
    residuals
        Of rows whose material was left out of the fit.
    novelty
        How far these are from the others.
    """

    kind: ClassVar[str] = "forward"

    features: FeatureSet
    process: GaussianProcess
    bands: Bands
    residuals: Residuals
    novelty: Novelty

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted."""
        return self.process.parameters

    def simulate(self, features: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (N, E) float32, and how uncertain each is, (N,), in no unit.

        Raises
        ------
        UserError
            If the features are of another making than those that the model was trained on.
        """
        self._require(features)
        spectra_NE, deviation_N = self.process.predict(features.values_NF)
        return spectra_NE.astype(np.float32), deviation_N

    def judge(self, features: FeatureSet) -> tuple[np.ndarray, list[str]]:
        """Return the novelty of sites by the distance of their features from those fitted to, (N,), and verdicts.

        See `core.statistics.novelty.Novelty.judge`. UserError as of `simulate`.
        """
        self._require(features)
        rows_NF = standardised(features.values_NF, self.process.mean_F, self.process.scale_F)
        novelty_N, _, verdicts = self.novelty.judge(distances(rows_NF, self.process.rows_MF)[:, None])
        return novelty_N, verdicts

    def _require(self, features: FeatureSet) -> None:
        if why := self.features.difference(features):
            raise UserError(
                f"the features are {why}, those that this run was trained on\n"
                "compute them as for the run's data, or train again"
            )

    def half_widths(self, deviation_N: np.ndarray, coverage: float, whole: bool) -> np.ndarray:
        """Return half the width of bands, (N, E); see `Bands.half_widths`."""
        return self.bands.half_widths(deviation_N, coverage, whole)

    def own_content(self) -> dict[str, Any]:
        """Return features, process and bands, plain and as tensors."""
        features = {key: getattr(self.features, key) for key in ("model", "version", "weights")}
        return {
            "features": {**features, "names": list(self.features.names)},
            "process": {
                **{name: torch.as_tensor(getattr(self.process, name)) for name in _ARRAYS},
                **{name: getattr(self.process, name) for name in _NUMBERS},
            },
            "bands": self.bands.content(),
            "residuals": self.residuals.content(),
            "novelty": {name: torch.as_tensor(array) for name, array in vars(self.novelty).items()},
        }


def features_of_no_site(features: FeatureSet) -> FeatureSet:
    """Return what features are, without the rows."""
    return replace(features, values_NF=features.values_NF[:0])


def from_checkpoint(content: Mapping[str, Any]) -> TrainedSimulator:
    """Return the model whose `TrainedSimulator.to_dict` is given; ValueError where it could not be used."""
    kept = kept_in(content)
    names = tuple(content["features"]["names"])
    texts = {key: str(content["features"][key]) for key in ("model", "version", "weights")}
    arrays = {name: content["process"][name].numpy() for name in _ARRAYS}
    numbers = {name: float(content["process"][name]) for name in _NUMBERS}
    rows, width, points = len(arrays["rows_MF"]), len(names), len(kept["energy_E"])
    shapes = ((width,), (width,), (rows, width), (points,), (rows, points))
    if tuple(array.shape for array in arrays.values()) != shapes:
        raise ValueError("a Gaussian process that does not fit its features or energies")
    if not all(np.isfinite(array).all() for array in (*arrays.values(), np.array(list(numbers.values())))):
        raise ValueError("a Gaussian process with a number that is not finite")
    return TrainedSimulator(
        **kept,
        features=FeatureSet(np.empty((0, width), dtype=np.float32), names, **texts),
        process=GaussianProcess(**arrays, length=numbers["length"], noise=numbers["noise"]),
        bands=Bands.restored(content["bands"], points),
        residuals=Residuals.restored(content["residuals"], points),
        novelty=_novelty(content["novelty"]),
    )


def _novelty(content: Mapping[str, Any]) -> Novelty:
    novelty = Novelty(**{name: tensor.numpy() for name, tensor in content.items()})
    if not len(novelty.score_N) or not all(np.isfinite(array).all() for array in vars(novelty).values()):
        raise ValueError("distances that hold a number that is not finite")
    return novelty
