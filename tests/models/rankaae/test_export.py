"""The exported layers, run by numpy as their description says, against the networks themselves."""

import numpy as np
import pytest
import torch

from rankaae_cli.models.rankaae.export import decoder_layers, encoder_layers
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder
from rankaae_cli.networks.layers import TrialSwish, trial_generators

TRIALS = 2


def linear(x, layer):
    return x.reshape(-1) @ layer.arrays["weight"].astype(float) + layer.arrays["bias"]


def convolution(x_CE, layer):
    weight, stride = layer.arrays["weight"].astype(float), int(layer.settings["stride"])
    half = weight.shape[2] // 2
    padded = np.pad(x_CE, ((0, 0), (half, half)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2], axis=1)[:, ::stride]
    return np.einsum("oik,iek->oe", weight, windows) + layer.arrays["bias"][:, None]


def normalised(x, mean, variance, layer):
    return (x - mean) / np.sqrt(variance.astype(float) + layer.settings["epsilon"])


STEPS = {
    "linear": linear,
    "swish": lambda x, layer: x / (1 + np.exp(-(1 + layer.arrays["excess"].astype(float)) * x)),
    "silu": lambda x, _: x / (1 + np.exp(-x)),
    "layer_norm": lambda x, layer: normalised(x, x.mean(), x.var(), layer),
    "batch_norm": lambda x, layer: normalised(x, layer.arrays["mean"], layer.arrays["variance"], layer),
    "convolution": lambda x, layer: convolution(np.atleast_2d(x), layer),
    "channels": lambda x, layer: x.reshape(int(layer.settings["channels"]), -1),
    "double": lambda x, _: np.repeat(x, 2, axis=-1),
    "crop": lambda x, layer: x.reshape(-1)[: int(layer.settings["points"])],
    "softplus": lambda x, layer: np.logaddexp(0, layer.settings["beta"] * x) / layer.settings["beta"],
}


def run(layers, row):
    for layer in layers:
        row = STEPS[layer.kind](row, layer)
    return row


def trained(network, norm, styles, points, **choices):
    """An autoencoder whose norms have statistics, and whose activations have slopes, of their own."""
    sizes = {"hidden": 12, "channels": 2, "norm": norm, "network": network, **choices}
    autoencoder = Autoencoder(Architecture(points, styles, **sizes), trial_generators(0, range(TRIALS)))
    spectra = torch.rand(1, 64, points, generator=torch.Generator().manual_seed(1))
    for module in autoencoder.modules():
        if isinstance(module, TrialSwish):
            torch.nn.init.uniform_(module.excess, -0.5, 0.5, generator=torch.Generator().manual_seed(2))
    for _ in range(3):
        autoencoder(spectra)
    autoencoder.retake_statistics([spectra])
    # In double precision: an untrained encoder hardly varies, and its last norm magnifies the last bits.
    return autoencoder.eval().double(), spectra.double()


@pytest.mark.parametrize("norm", ["layer", "batch", "none"])
@pytest.mark.parametrize(
    ("network", "styles", "points"), [("mlp", 4, 30), ("mlp", 1, 30), ("cnn", 4, 30), ("cnn", 1, 32)]
)
def test_layers_compute_what_the_network_computes(network, norm, styles, points):
    compare(*trained(network, norm, styles, points))


def test_learned_slopes_and_a_missing_norm_are_described():
    autoencoder, spectra = trained("mlp", "batch", 4, 30, activation="swish", norm_before_styles=False)
    compare(autoencoder, spectra)
    kinds = [layer.kind for layer in encoder_layers(autoencoder, 0)]
    assert kinds == ["linear"] + ["swish", "batch_norm", "linear"] * 4 + ["swish", "linear", "batch_norm"]


@torch.no_grad()
def compare(autoencoder, spectra):
    styles_TBS = autoencoder.encode(spectra)
    spectra_TBE = autoencoder.decode(styles_TBS)
    for trial in range(TRIALS):
        encoder, decoder = encoder_layers(autoencoder, trial), decoder_layers(autoencoder, trial)
        for row in range(3):
            z = run(encoder, spectra[0, row].numpy())
            np.testing.assert_allclose(z, styles_TBS[trial, row], atol=1e-8)
            x = run(decoder, styles_TBS[trial, row].numpy())
            np.testing.assert_allclose(x, spectra_TBE[trial, row], atol=1e-8)


def test_a_layer_without_a_description_is_refused():
    autoencoder, _ = trained("mlp", "layer", 4, 30)
    autoencoder.encoder.append(torch.nn.Tanh())
    with pytest.raises(TypeError, match="Tanh"):
        encoder_layers(autoencoder, 0)
