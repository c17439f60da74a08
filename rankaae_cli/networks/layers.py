"""Layers whose parameters carry a leading trial dimension, so that all trials run as one batched product."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rankaae_cli.core.errors import UnusableError


def trial_generators(seed: int, trials: Sequence[int], stream: int = 0) -> list[torch.Generator]:
    """Return one random generator a trial; that of trial t depends on (seed, t, stream) alone."""
    generators = []
    for trial in trials:
        state = np.random.SeedSequence((seed, trial, stream)).generate_state(1, np.uint64)[0]
        generators.append(torch.Generator().manual_seed(int(state >> np.uint64(1))))
    return generators


def require_stored(sizes: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Raise UnusableError where networks of such sizes would be larger than what is stored of their weights.

    To make them, only to find that their weights do not fit, would take all memory, or for ever.
    """
    stored = sum(tensor.untyped_storage().nbytes() for tensor in weights.values())
    if any(isinstance(size, int) and size > stored for size in sizes.values()):
        raise UnusableError("networks that are larger than their weights")


class TrialLinear(nn.Module):
    """T independent linear layers, y_t = x_t W_t + b_t.

    Weights begin uniform in +-1/sqrt(n_in), as `torch.nn.Linear` does, drawn from each trial's own generator.
    """

    def __init__(self, n_in: int, n_out: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        drawn = [torch.rand(n_in + 1, n_out, generator=g) * 2 * bound - bound for g in generators]
        stacked = torch.stack(drawn)
        self.weight = nn.Parameter(stacked[:, :-1].contiguous())  # (T, n_in, n_out)
        self.bias = nn.Parameter(stacked[:, -1:].contiguous())  # (T, 1, n_out)

    def forward(self, inputs_TBI: Tensor) -> Tensor:
        """Map (T, B, n_in), or (1, B, n_in) shared by the trials, to (T, B, n_out)."""
        trials = self.weight.shape[0]
        return torch.baddbmm(self.bias, inputs_TBI.expand(trials, -1, -1), self.weight)


class _Standardise(torch.autograd.Function):
    """Affine-free batch norm over rows with its gradient in closed form (Ioffe and Szegedy, arXiv:1502.03167)."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, inputs_TBW: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Two sums: torch.var_mean along this dimension takes several times as long on a CPU.
        mean = inputs_TBW.mean(dim=1, keepdim=True)
        centred = inputs_TBW - mean
        variance = centred.square().mean(dim=1, keepdim=True)
        inverse = (variance + epsilon).rsqrt()
        out_TBW = centred.mul_(inverse)
        ctx.save_for_backward(out_TBW, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return out_TBW, mean, variance

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        out_TBW, inverse = ctx.saved_tensors  # type: ignore[attr-defined]
        gradient_TBW = gradients[0]
        mean = gradient_TBW.mean(dim=1, keepdim=True)
        along = (gradient_TBW * out_TBW).mean(dim=1, keepdim=True)
        return torch.addcmul(gradient_TBW - mean, out_TBW, along, value=-1).mul_(inverse), None


class TrialBatchNorm(nn.Module):
    """Affine-free batch norm over the rows of each trial, with running statistics for evaluation."""

    def __init__(self, trials: int, width: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(trials, 1, width))
        self.register_buffer("variance", torch.ones(trials, 1, width))

    def forward(self, inputs_TBW: Tensor) -> Tensor:
        """Normalise (T, B, width) by the batch's statistics in training, by the running ones otherwise."""
        if not self.training:
            return (inputs_TBW - self.mean) * (self.variance + self.epsilon).rsqrt()
        normalised_TBW, mean, variance = _Standardise.apply(inputs_TBW, self.epsilon)
        if self.momentum > 0:
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(variance, self.momentum)
        return normalised_TBW

    @torch.no_grad()
    def retake(self, blocks_TBW: Iterable[Tensor]) -> None:
        """Set the statistics for evaluation to those of all rows of blocks of shape (T, B, width)."""
        rows, mean, variance = 0, self.mean.double() * 0, self.variance.double() * 0
        for block_TBW in blocks_TBW:
            # Chan, Golub and LeVeque, Am. Stat. 37, 242 (1983), in double precision between the blocks.
            n = block_TBW.shape[1]
            block_mean = block_TBW.mean(dim=1, keepdim=True)
            square = (block_TBW - block_mean).square().mean(dim=1, keepdim=True)
            share, apart = n / (rows + n), block_mean.double() - mean
            variance = variance + share * (square.double() - variance) + share * (1 - share) * apart.square()
            mean, rows = mean + share * apart, rows + n
        self.mean.copy_(mean)
        self.variance.copy_(variance)


class LayerNorm(nn.Module):
    """Layer norm of each row, without scale and shift: the linear layer that follows has both."""

    def forward(self, inputs_TBW: Tensor) -> Tensor:
        """Normalise (T, B, width) over its last dimension."""
        return functional.layer_norm(inputs_TBW, inputs_TBW.shape[-1:])


def hidden_norm(kind: str, trials: int, width: int) -> nn.Module:
    """Return the normalisation between hidden layers: ``layer``, ``batch`` or ``none``."""
    if kind == "layer":
        return LayerNorm()
    if kind == "batch":
        return TrialBatchNorm(trials, width)
    if kind == "none":
        return nn.Identity()
    raise ValueError(f"unknown normalisation {kind!r}: layer, batch or none")


class TrialSwish(nn.Module):
    """Swish of each unit, x sigmoid(beta x) with a beta that is learned (Ramachandran et al., arXiv:1710.05941).

    The parameter is beta - 1: each begins as SiLU, and weight decay draws it back there.
    """

    def __init__(self, trials: int, width: int) -> None:
        super().__init__()
        self.excess = nn.Parameter(torch.zeros(trials, 1, width))

    def forward(self, inputs_TBW: Tensor) -> Tensor:
        """Return the activations, shape (T, B, width)."""
        return inputs_TBW * torch.sigmoid((1 + self.excess) * inputs_TBW)


def activation(kind: str, trials: int, width: int) -> nn.Module:
    """Return the activation of a hidden layer: ``silu`` or ``swish``."""
    if kind == "silu":
        return nn.SiLU()
    if kind == "swish":
        return TrialSwish(trials, width)
    raise ValueError(f"unknown activation {kind!r}: silu or swish")


def mlp(
    widths: Sequence[int],
    norm: str,
    generators: Sequence[torch.Generator],
    activations: str = "silu",
    last_norm: bool = True,
) -> nn.Sequential:
    """Stack linear layers of `widths`, with activation and norm after each but the last.

    Without `last_norm` there is no norm between the last hidden layer and the last linear one.
    """
    layers: list[nn.Module] = []
    trials = len(generators)
    for i, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        if layers:
            has_norm = last_norm or i < len(widths) - 2
            layers += [
                activation(activations, trials, n_in),
                hidden_norm(norm if has_norm else "none", trials, n_in),
            ]
        layers.append(TrialLinear(n_in, n_out, generators))
    return nn.Sequential(*layers)
