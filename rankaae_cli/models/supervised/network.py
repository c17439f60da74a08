"""Networks from what a reader sees of a spectrum to all descriptors, one a trial; `networks` trains them.

Letters beyond the legend: F inputs of a spectrum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.models.supervised.inputs import input_columns
from rankaae_cli.networks.layers import mlp, require_stored, trial_generators

_ROWS_AT_ONCE = 4096
_TENSORS = ("mean_F", "scale_F", "mean_K", "scale_K")


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks; enough, with the weights, to rebuild them."""

    inputs: int
    hidden: int
    depth: int
    norm: str
    descriptors: int

    def layers(self, generators: Sequence[torch.Generator]) -> nn.Sequential:
        """Return networks with weights drawn by the generators, one a trial."""
        return mlp([self.inputs, *[self.hidden] * self.depth, self.descriptors], self.norm, generators)


@dataclass(frozen=True)
class Networks:
    """Multilayer perceptrons from standardised inputs to standardised descriptors; a part of a reader.

    Attributes
    ----------
    inputs
        What they see of a spectrum.
    shape, layers
        Sizes, and the networks, stacked over the trials.
    mean_F, scale_F, mean_K, scale_K
        By which inputs and descriptors are standardised; the mean of a descriptor that no row knows is NaN.
    """

    inputs: tuple[str, ...]
    shape: Shape
    layers: nn.Sequential
    mean_F: Tensor
    scale_F: Tensor
    mean_K: Tensor
    scale_K: Tensor

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        return sum(parameter.numel() for parameter in self.layers.parameters())

    def standardised(self, inputs_TBF: Tensor) -> Tensor:
        """Return the standardised descriptors (T, B, K) of inputs (T, B, F) or (B, F)."""
        standard = (inputs_TBF - self.mean_F) / self.scale_F
        out_TBK: Tensor = self.layers(standard if standard.dim() == 3 else standard.unsqueeze(0))
        return out_TBK

    @torch.no_grad()
    def read(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors of spectra in every trial, shape (T, N, K); NaN of one that was never known."""
        inputs_NF = torch.as_tensor(input_columns(spectra_NE, self.inputs), dtype=torch.float32)
        parts = [self.standardised(part) for part in inputs_NF.split(_ROWS_AT_ONCE)]
        return np.asarray((torch.cat(parts, dim=1) * self.scale_K + self.mean_K).double().numpy())

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        weights = {name: value.detach().clone() for name, value in self.layers.state_dict().items()}
        tensors = {name: getattr(self, name) for name in _TENSORS}
        return {"inputs": list(self.inputs), "shape": asdict(self.shape), "weights": weights, **tensors}

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "Networks":
        """Return what has this `content`; ValueError where it would not read spectra of E points."""
        shape, inputs = Shape(**content["shape"]), tuple(content["inputs"])
        weights = content["weights"]
        require_stored(content["shape"], weights)
        trials = len(next(iter(weights.values())))
        layers = shape.layers(trial_generators(0, range(trials)))
        layers.load_state_dict(weights)
        tensors = {name: content[name] for name in _TENSORS}
        sizes = [(points * len(inputs),)] * 2 + [(shape.descriptors,)] * 2
        if shape.inputs != points * len(inputs) or [tuple(t.shape) for t in tensors.values()] != sizes:
            raise UnusableError(f"networks that do not fit spectra of {points} points")
        fitted = [*weights.values(), *(tensor for name, tensor in tensors.items() if name != "mean_K")]
        if not all(bool(value.isfinite().all()) for value in fitted):
            raise UnusableError("networks with a weight that is not finite")
        return cls(inputs, shape, layers.eval().requires_grad_(False), **tensors)
