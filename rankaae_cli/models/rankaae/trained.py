"""A trained model: networks of every trial at their best epochs, and all that is needed to use them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import Subject, fidelity_of
from rankaae_cli.core.styles.ensemble import trials_to_average
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import FORMAT, FORMAT_VERSION
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder
from rankaae_cli.networks.layers import trial_generators

_ROWS_AT_ONCE = 4096


@dataclass
class TrainedModel:
    """T trained autoencoders with one energy grid and one set of styles: a `base.StyledModel`.

    Its attributes are those of that protocol, and `autoencoder`, in evaluation mode.
    """

    kind: ClassVar[str] = "rankaae"

    autoencoder: Autoencoder
    energy_E: np.ndarray
    energy_unit: str
    family: str
    element: str
    edge: str
    source: str
    fidelity: str
    normalisation: str
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    descriptor_classes: dict[str, list[float]]
    selected_trial: int
    scores_T: np.ndarray
    best_epoch_T: np.ndarray
    failed_T: list[str | None]
    style_mean_TS: np.ndarray
    style_std_TS: np.ndarray
    calibration: dict[str, Any] = field(default_factory=dict)

    @property
    def n_trials(self) -> int:
        """T."""
        return self.autoencoder.trials

    @property
    def weights(self) -> dict[str, Tensor]:
        """Of the autoencoders, by name, each stacked over the trials, (T, ...)."""
        return {name: value.detach().cpu().clone() for name, value in self.autoencoder.state_dict().items()}

    @property
    def is_synthetic(self) -> bool:
        """Whether the model was trained on spectra of the synthetic generator."""
        return self.source == "synthetic"

    @property
    def subject(self) -> Subject:
        """What figures of the model say about it."""
        return Subject(
            family=self.family,
            element=self.element,
            edge=self.edge,
            energy_unit=self.energy_unit,
            normalisation=self.normalisation,
            synthetic=self.is_synthetic,
        )

    @property
    def alive_T(self) -> np.ndarray:
        """The trials that an ensemble averages, shape (T,), bool; see `core.styles.ensemble.trials_to_average`."""
        return trials_to_average(self.failed_T, self.selected_trial)

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

    def to_dict(self) -> dict[str, Any]:
        """Return plain values and tensors, as stored in ``best.ckpt``."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "architecture": asdict(self.autoencoder.architecture),
            "trials": self.n_trials,
            "weights": self.weights,
            "energy": torch.as_tensor(self.energy_E),
            **{name: getattr(self, name) for name in _PLAIN},
            "fidelity": self.fidelity,
            "descriptor_names": list(self.descriptor_names),
            "descriptor_units": list(self.descriptor_units),
            "style_names": list(self.style_names),
            **{name: torch.as_tensor(np.asarray(getattr(self, name))) for name in _ARRAYS},
        }

    def save(self, path: str | Path, extra: Mapping[str, Any] | None = None) -> Path:
        """Write the model to `path`; `extra` holds what ``last.ckpt`` has beyond it."""
        with replacing(path) as temporary:
            torch.save({**self.to_dict(), **(extra or {})}, temporary)
        return Path(path)


def from_checkpoint(content: Mapping[str, Any]) -> TrainedModel:
    """Return the model whose `TrainedModel.to_dict` is given."""
    generators = trial_generators(0, range(content["trials"]))
    autoencoder = Autoencoder(Architecture(**content["architecture"]), generators)
    autoencoder.load_state_dict(content["weights"])
    return TrainedModel(
        autoencoder=autoencoder.eval().requires_grad_(False),
        energy_E=content["energy"].numpy(),
        descriptor_names=tuple(content["descriptor_names"]),
        descriptor_units=tuple(content["descriptor_units"]),
        **{name: content[name] for name in _PLAIN},
        fidelity=content.get("fidelity") or fidelity_of(content["source"]),
        **{name: content[name].numpy() for name in _ARRAYS},
    )


@torch.no_grad()
def _in_parts(network: Callable[[Tensor], Tensor], values_TNX: np.ndarray) -> np.ndarray:
    """Return what a network makes of rows of every trial, a part of them at a time."""
    rows = torch.as_tensor(np.asarray(values_TNX, dtype=np.float32))
    return np.asarray(torch.cat([network(part) for part in rows.split(_ROWS_AT_ONCE, 1)], dim=1).numpy())


_PLAIN = (
    "energy_unit",
    "family",
    "element",
    "edge",
    "source",
    "normalisation",
    "descriptor_classes",
    "selected_trial",
    "failed_T",
    "calibration",
)
_ARRAYS = ("scores_T", "best_epoch_T", "style_mean_TS", "style_std_TS")
