"""A trained model: networks of every trial at their best epochs, and all that is needed to use them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.core.errors import UnusableError, UserError
from rankaae_cli.models.family_model import FamilyModel, kept_in
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder
from rankaae_cli.networks.layers import require_stored, trial_generators

_ROWS_AT_ONCE = 4096


@dataclass(kw_only=True)
class TrainedModel(FamilyModel):
    """T trained autoencoders with one energy grid and one set of styles: a `base.StyledModel`.

    Its attributes are those of that protocol, and `autoencoder`, in evaluation mode.
    """

    kind: ClassVar[str] = "rankaae"

    autoencoder: Autoencoder
    best_epoch_T: np.ndarray
    style_mean_TS: np.ndarray
    style_std_TS: np.ndarray

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted in one trial."""
        return sum(parameter.numel() for parameter in self.autoencoder.parameters()) // self.n_trials

    @property
    def weights(self) -> dict[str, Tensor]:
        """Of the autoencoders, by name, each stacked over the trials, (T, ...)."""
        return {name: value.detach().cpu().clone() for name, value in self.autoencoder.state_dict().items()}

    @property
    def dimensions(self) -> int:
        """S, the number of styles."""
        return len(self.style_names)

    @property
    def style_names(self) -> tuple[str, ...]:
        """Names of the S styles: the descriptors', then ``free_1``, ``free_2``, ..."""
        free = self.autoencoder.architecture.styles - len(self.descriptor_names)
        return (*self.descriptor_names, *(f"free_{i + 1}" for i in range(free)))

    def encode(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the styles of every trial, shape (T, N, S) float32, of spectra (N, E) on the model's grid."""
        if spectra_NE.ndim != 2 or spectra_NE.shape[1] != len(self.energy_E):
            raise UserError(
                f"spectra of shape {spectra_NE.shape} do not fit the model's grid of {len(self.energy_E)} points"
            )
        return _in_parts(self.autoencoder.encode, spectra_NE[None])

    def decode(self, styles_TNS: np.ndarray) -> np.ndarray:
        """Return the spectra (T, N, E) float32 of styles (T, N, S)."""
        return _in_parts(self.autoencoder.decode, styles_TNS)

    def reconstruct(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return Dec(Enc(spectra)) of every trial, shape (T, N, E)."""
        return self.decode(self.encode(spectra_NE))

    def indicators(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the named styles of every trial, shape (T, N, K): each rises with its descriptor."""
        return self.encode(spectra_NE)[..., : len(self.descriptor_names)]

    @property
    def indicator_mean_TK(self) -> np.ndarray:
        """Mean of the named styles on the training rows."""
        return self.style_mean_TS[:, : len(self.descriptor_names)]

    @property
    def indicator_std_TK(self) -> np.ndarray:
        """Standard deviation of the named styles on the training rows."""
        return self.style_std_TS[:, : len(self.descriptor_names)]

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return all styles of the trials that an ensemble averages, standardised on the training rows."""
        return self.standardised(self.encode(spectra_NE))

    def standardised(self, styles_TNS: np.ndarray) -> np.ndarray:
        """Return the styles of those of all trials that an ensemble averages, standardised on the training rows."""
        # A style that is constant on the training rows stays as it is.
        deviation_TS = np.where(self.style_std_TS > 0, self.style_std_TS, 1.0)
        centred_TNS = styles_TNS.astype(np.float64) - self.style_mean_TS[:, None]
        return np.asarray((centred_TNS / deviation_TS[:, None])[self.alive_T])

    def own_content(self) -> dict[str, Any]:
        """Return networks, styles and epochs, plain and as tensors."""
        return {
            "architecture": asdict(self.autoencoder.architecture),
            "weights": self.weights,
            "style_names": list(self.style_names),
            **{name: torch.as_tensor(np.asarray(getattr(self, name))) for name in _ARRAYS},
        }


def from_checkpoint(content: Mapping[str, Any]) -> TrainedModel:
    """Return the model whose `TrainedModel.to_dict` is given."""
    require_stored({**content["architecture"], "trials": content["trials"]}, content["weights"])
    generators = trial_generators(0, range(content["trials"]))
    autoencoder = Autoencoder(Architecture(**content["architecture"]), generators)
    autoencoder.load_state_dict(content["weights"])
    kept, arrays = kept_in(content), {name: content[name].numpy() for name in _ARRAYS}
    shape, (trials, styles) = (
        autoencoder.architecture,
        (len(kept["failed_T"]), content["architecture"]["styles"]),
    )
    if (
        shape.points != len(kept["energy_E"])
        or content["trials"] != trials
        or len(kept["descriptor_names"]) > styles
    ):
        raise UnusableError("networks that do not fit its energies, descriptors or trials")
    if [array.shape for array in arrays.values()] != [(trials,), (trials, styles), (trials, styles)]:
        raise UnusableError("statistics of styles that do not fit its networks")
    model = TrainedModel(autoencoder=autoencoder.eval().requires_grad_(False), **kept, **arrays)
    numbers = (
        *(tensor.numpy() for tensor in model.weights.values()),
        model.style_mean_TS,
        model.style_std_TS,
    )
    if not all(np.isfinite(array[model.alive_T]).all() for array in numbers):
        raise UnusableError("networks with a number that is not finite")
    return model


@torch.no_grad()
def _in_parts(network: Callable[[Tensor], Tensor], values_TNX: np.ndarray) -> np.ndarray:
    """Return what a network makes of rows of every trial, a part of them at a time."""
    rows = torch.as_tensor(np.asarray(values_TNX, dtype=np.float32))
    return np.asarray(torch.cat([network(part) for part in rows.split(_ROWS_AT_ONCE, 1)], dim=1).numpy())


_ARRAYS = ("best_epoch_T", "style_mean_TS", "style_std_TS")
