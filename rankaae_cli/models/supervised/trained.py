"""A trained reader: its trials, the spectra that it knows, and all that is needed to use them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError, UserError
from rankaae_cli.data.mixtures import Recipe
from rankaae_cli.models.family_model import FamilyModel, kept_in
from rankaae_cli.models.supervised.classifier.trained import TrainedClassifier
from rankaae_cli.models.supervised.classifier.trained import from_checkpoint as restored_classifier
from rankaae_cli.models.supervised.components import Components
from rankaae_cli.models.supervised.reader import Reader, restored_reader

_ARRAYS = ("indicator_mean_TK", "indicator_std_TK")


@dataclass(kw_only=True)
class TrainedReader(FamilyModel):
    """T readers of descriptors with one energy grid: a model that `base.Predicts` and `base.Reconstructs`.

    Attributes
    ----------
    reader
        Reads the descriptors; its readings are the indicators.
    components
        Of the training spectra, which rebuild spectra, the same in all trials.
    mixtures
        How the mixtures were drawn that it was trained on beside these; None where there were none.
    """

    kind: ClassVar[str] = "supervised"

    reader: Reader
    components: Components
    indicator_mean_TK: np.ndarray
    indicator_std_TK: np.ndarray
    mixtures: Recipe | None = None

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted in one trial."""
        return self.reader.parameters // self.n_trials

    @property
    def dimensions(self) -> int:
        """How many principal components a spectrum is rebuilt from."""
        return len(self.components.scale_C)

    def indicators(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors as every trial reads them, shape (T, N, K) float32."""
        return self.reader.read(self._fitting(spectra_NE)).astype(np.float32)

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the principal components of spectra, standardised, shape (1, N, C): trials share them."""
        return self.components.coordinates(self._fitting(spectra_NE))[None]

    def reconstruct(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return spectra as principal components rebuild them, shape (T, N, E), alike in all trials."""
        rebuilt_NE = self.components.rebuilt(self._fitting(spectra_NE)).astype(np.float32)
        return np.broadcast_to(rebuilt_NE, (self.n_trials, *rebuilt_NE.shape))

    def _fitting(self, spectra_NE: np.ndarray) -> np.ndarray:
        if spectra_NE.ndim != 2 or spectra_NE.shape[1] != len(self.energy_E):
            raise UserError(
                f"spectra of shape {spectra_NE.shape} do not fit the model's grid of {len(self.energy_E)} points"
            )
        return spectra_NE

    def own_content(self) -> dict[str, Any]:
        """Return the reader and the components, plain and as tensors."""
        return {
            "reader": self.reader.content(),
            "components": self.components.content(),
            "mixtures": None if self.mixtures is None else asdict(self.mixtures),
            **{name: torch.as_tensor(getattr(self, name)) for name in _ARRAYS},
        }


def from_checkpoint(content: Mapping[str, Any]) -> TrainedReader | TrainedClassifier:
    """Return the model whose `to_dict` is given; UnusableError where it could not be used."""
    if "classifier" in content:
        return restored_classifier(content)
    kept = kept_in(content)
    points, trials, count = len(kept["energy_E"]), len(kept["failed_T"]), len(kept["descriptor_names"])
    moments = {name: content[name].numpy() for name in _ARRAYS}
    for array in moments.values():
        if array.shape != (trials, count) or not np.isfinite(array).all():
            raise UnusableError(
                "moments of the readings that are no finite numbers, one a trial and descriptor"
            )
    return TrainedReader(
        **kept,
        reader=restored_reader(content["reader"], points, trials, count),
        components=Components.restored(content["components"], points),
        mixtures=_recipe(content.get("mixtures"), kept["descriptor_names"]),
        **moments,
    )


def _recipe(content: Mapping[str, Any] | None, descriptor_names: Sequence[str]) -> Recipe | None:
    if content is None:
        return None
    recipe = Recipe(**content)
    if recipe.of not in descriptor_names or not 0 < recipe.share < 1 or recipe.components < 2:
        raise UnusableError(f"mixtures that cannot be drawn: {content}")
    return recipe
