"""Convolutional encoder and decoder of T trials side by side."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from rankaae_cli.networks.layers import TrialLinear, hidden_norm
from rankaae_cli.networks.settings import Architecture

_KERNEL = 9  # energy points
_LEVELS = 3  # each halves, or doubles, the number of energy points


class TrialConvolution(nn.Module):
    """T independent convolutions along the energy, by one grouped convolution.

    Weights begin uniform in +-1/sqrt(channels_in kernel), as in `torch.nn.Conv1d`, from each trial's generator.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        stride: int,
        generators: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        bound = 1 / math.sqrt(channels_in * kernel)
        shape = (channels_out, channels_in * kernel + 1)
        drawn = torch.stack([torch.rand(*shape, generator=g) * 2 * bound - bound for g in generators])
        weight = drawn[..., :-1].reshape(len(generators), channels_out, channels_in, kernel)
        self.weight = nn.Parameter(weight.contiguous())  # (T, channels_out, channels_in, kernel)
        self.bias = nn.Parameter(drawn[..., -1].contiguous())  # (T, channels_out)

    def forward(self, inputs_TBCE: Tensor) -> Tensor:
        """Convolve (T, B, channels_in, E) to (T, B, channels_out, E / stride), edge values replicated."""
        trials, batch, _, points = inputs_TBCE.shape
        half = self.kernel // 2
        joined = inputs_TBCE.transpose(0, 1).reshape(batch, -1, points)
        padded = functional.pad(joined, (half, half), mode="replicate")
        out = functional.conv1d(
            padded, self.weight.flatten(0, 1), self.bias.flatten(), stride=self.stride, groups=trials
        )
        return out.view(batch, trials, -1, out.shape[-1]).transpose(0, 1)


class ConvolutionalEncoder(nn.Module):
    """Spectra (T, B, E) to styles (T, B, S): three strided convolutions, then two linear layers."""

    def __init__(self, architecture: Architecture, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        a = architecture
        widths = [1, *(a.channels * 2**i for i in range(_LEVELS))]
        self.convolutions = nn.ModuleList(
            TrialConvolution(n_in, n_out, _KERNEL, 2, generators)
            for n_in, n_out in itertools.pairwise(widths)
        )
        features = widths[-1] * _halved(a.points)
        self.hidden = TrialLinear(features, a.hidden, generators)
        self.norm = hidden_norm(a.norm, len(generators), a.hidden)
        self.out = TrialLinear(a.hidden, a.styles, generators)

    def forward(self, spectra_TBE: Tensor) -> Tensor:
        """Return the styles before their norm."""
        trials = self.out.weight.shape[0]
        maps = spectra_TBE.expand(trials, -1, -1).unsqueeze(2)
        for convolution in self.convolutions:
            maps = functional.silu(convolution(maps))
        hidden = functional.silu(self.hidden(maps.flatten(2)))
        styles: Tensor = self.out(self.norm(hidden))
        return styles


class ConvolutionalDecoder(nn.Module):
    """Styles (T, B, S) to spectra (T, B, E): two linear layers, then three convolutions after doublings."""

    def __init__(self, architecture: Architecture, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        a = architecture
        self.points = a.points
        widths = [*(a.channels * 2**i for i in reversed(range(_LEVELS))), a.channels]
        self.hidden = TrialLinear(a.styles, a.hidden, generators)
        self.norm = hidden_norm(a.norm, len(generators), a.hidden)
        self.maps = TrialLinear(a.hidden, widths[0] * _halved(a.points), generators)
        self.channels = widths[0]
        self.convolutions = nn.ModuleList(
            TrialConvolution(n_in, n_out, _KERNEL, 1, generators)
            for n_in, n_out in itertools.pairwise(widths)
        )
        self.out = TrialConvolution(a.channels, 1, _KERNEL, 1, generators)

    def forward(self, styles_TBS: Tensor) -> Tensor:
        """Return the spectra before the softplus."""
        hidden = functional.silu(self.hidden(styles_TBS))
        maps = self.maps(self.norm(hidden)).unflatten(-1, (self.channels, -1))
        for convolution in self.convolutions:
            doubled = maps.repeat_interleave(2, dim=-1)
            maps = functional.silu(convolution(doubled))
        spectra: Tensor = self.out(maps).squeeze(2)[..., : self.points]
        return spectra


def _halved(points: int) -> int:
    for _ in range(_LEVELS):
        points = -(-points // 2)
    return points
