"""Encoder and decoder of one trial as plain lists of layers, for programs that have no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from rankaae_cli.models.rankaae.networks import Autoencoder
from rankaae_cli.networks.convolution import ConvolutionalDecoder, ConvolutionalEncoder, TrialConvolution
from rankaae_cli.networks.layers import LayerNorm, TrialBatchNorm, TrialLinear, TrialSwish

# That of torch.nn.functional.layer_norm, and of the softplus at the end of `Autoencoder.decode`.
_LAYER_NORM_EPSILON = 1e-5
_SOFTPLUS_BETA = 2.0


@dataclass(frozen=True)
class Layer:
    """One step of a network in evaluation, on rows of values that may be C channels of E values each.

    Attributes
    ----------
    kind
        ``linear``: x W + b, with `weight` (n_in, n_out) and `bias` (n_out,).
        ``silu``: x / (1 + exp(-x)).
        ``swish``: x / (1 + exp(-(1 + `excess`) x)), with `excess` (width,).
        ``layer_norm``: (x - mean) / sqrt(variance + `epsilon`), mean and variance (1/n) over the row.
        ``batch_norm``: the same with the stored `mean` and `variance`, (width,) each.
        ``convolution``: along the energy, every `stride`-th, edge values replicated, with `weight`
        (channels_out, channels_in, kernel) and `bias` (channels_out,).
        ``channels``: the row is from here on `channels` channels, one after the other.
        ``double``: every value twice, along the energy.
        ``crop``: the first `points` values.
        ``softplus``: log(1 + exp(`beta` x)) / `beta`.
    settings
        Numbers by name.
    arrays
        Weights by name, float32.
    """

    kind: str
    settings: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def encoder_layers(autoencoder: Autoencoder, trial: int) -> list[Layer]:
    """Return the steps from a spectrum (E values) to its standardised styles (S values)."""
    encoder = autoencoder.encoder
    if isinstance(encoder, ConvolutionalEncoder):
        layers = []
        for convolution in encoder.convolutions:
            layers += [*_layers([convolution], trial), Layer("silu")]
        layers.append(Layer("channels", {"channels": 1}))
        layers += _layers([encoder.hidden, nn.SiLU(), encoder.norm, encoder.out], trial)
    else:
        layers = _layers(encoder.children(), trial)
    return [*layers, *_layers([autoencoder.style_norm], trial)]


def decoder_layers(autoencoder: Autoencoder, trial: int) -> list[Layer]:
    """Return the steps from styles (S values) to a spectrum (E values)."""
    decoder = autoencoder.decoder
    if isinstance(decoder, ConvolutionalDecoder):
        layers = _layers([decoder.hidden, nn.SiLU(), decoder.norm, decoder.maps], trial)
        layers.append(Layer("channels", {"channels": decoder.channels}))
        for convolution in decoder.convolutions:
            layers += [Layer("double"), *_layers([convolution], trial), Layer("silu")]
        layers += [*_layers([decoder.out], trial), Layer("crop", {"points": decoder.points})]
    else:
        layers = _layers(decoder.children(), trial)
    return [*layers, Layer("softplus", {"beta": _SOFTPLUS_BETA})]


def _layers(modules: Iterable[nn.Module], trial: int) -> list[Layer]:
    return [_layer(module, trial) for module in modules if not isinstance(module, nn.Identity)]


def _layer(module: nn.Module, trial: int) -> Layer:
    if isinstance(module, TrialLinear):
        return Layer("linear", arrays=_arrays(module, trial, "weight", "bias"))
    if isinstance(module, nn.SiLU):
        return Layer("silu")
    if isinstance(module, TrialSwish):
        return Layer("swish", arrays=_arrays(module, trial, "excess"))
    if isinstance(module, LayerNorm):
        return Layer("layer_norm", {"epsilon": _LAYER_NORM_EPSILON})
    if isinstance(module, TrialBatchNorm):
        arrays = _arrays(module, trial, "mean", "variance")
        return Layer("batch_norm", {"epsilon": module.epsilon}, arrays)
    if isinstance(module, TrialConvolution):
        return Layer("convolution", {"stride": module.stride}, _arrays(module, trial, "weight", "bias"))
    raise TypeError(f"a {type(module).__name__} cannot be described as a plain layer")


def _arrays(module: nn.Module, trial: int, *names: str) -> dict[str, np.ndarray]:
    """Return one trial's share of stacked parameters; all but the weights have one value a column."""
    shares: dict[str, Tensor] = {name: getattr(module, name)[trial].detach().cpu() for name in names}
    return {
        name: (share if name == "weight" else share.flatten()).numpy().astype(np.float32)
        for name, share in shares.items()
    }
