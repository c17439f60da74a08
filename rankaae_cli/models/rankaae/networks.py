"""The encoder, decoder and discriminator of T trials side by side."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from rankaae_cli.networks.convolution import ConvolutionalDecoder, ConvolutionalEncoder
from rankaae_cli.networks.layers import TrialBatchNorm, mlp
from rankaae_cli.networks.settings import Architecture


class Autoencoder(nn.Module):
    """T autoencoders: spectra (T, B, E) to standardised styles (T, B, S) and back.

    The encoder ends in an affine-free batch norm, so that the styles have mean 0 and variance 1 over a batch in
    training; `retake_statistics` fixes its statistics for evaluation. The decoder ends in a softplus
    (beta 2): absorption is positive.
    """

    def __init__(self, architecture: Architecture, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.encoder, self.decoder = _networks(a, generators)
        # Generated spectra pass through the encoder too, so running statistics would fit neither kind: they are
        # retaken on real spectra instead (momentum 0).
        self.style_norm = TrialBatchNorm(len(generators), a.styles, momentum=0.0, epsilon=1e-7)

    @property
    def trials(self) -> int:
        """T."""
        return int(self.style_norm.mean.shape[0])

    def encode(self, spectra_TBE: Tensor) -> Tensor:
        """Return the styles (T, B, S) of spectra (T, B, E) or (1, B, E)."""
        styles: Tensor = self.style_norm(self.encoder(spectra_TBE))
        return styles

    def decode(self, styles_TBS: Tensor) -> Tensor:
        """Return the spectra (T, B, E) of styles (T, B, S)."""
        return functional.softplus(self.decoder(styles_TBS), beta=2)

    def forward(self, spectra_TBE: Tensor) -> tuple[Tensor, Tensor]:
        """Return styles and reconstructed spectra."""
        styles_TBS = self.encode(spectra_TBE)
        return styles_TBS, self.decode(styles_TBS)

    @torch.no_grad()
    def retake_statistics(self, blocks_TNE: Iterable[Tensor]) -> None:
        """Set the output norm's statistics to those of real spectra, in blocks of shape (1 or T, N, E)."""
        was_training = self.training
        self.eval()
        self.style_norm.retake(self.encoder(block_TNE) for block_TNE in blocks_TNE)
        self.train(was_training)


def _networks(a: Architecture, generators: Sequence[torch.Generator]) -> tuple[nn.Module, nn.Module]:
    if a.network == "cnn":
        return ConvolutionalEncoder(a, generators), ConvolutionalDecoder(a, generators)
    if a.network != "mlp":
        raise ValueError(f"unknown network {a.network!r}: mlp or cnn")
    inwards = [a.points, *[a.hidden] * a.encoder_layers, a.styles]
    outwards = [a.styles, *[a.hidden] * a.decoder_layers, a.points]
    encoder = mlp(inwards, a.norm, generators, a.activation, last_norm=a.norm_before_styles)
    return encoder, mlp(outwards, a.norm, generators, a.activation)


class Discriminator(nn.Module):
    """T discriminators between styles (T, B, S) and the prior: one logit a row, (T, B)."""

    def __init__(self, styles: int, generators: Sequence[torch.Generator], activation: str = "silu") -> None:
        super().__init__()
        self.layers = mlp([styles, 64, 64, 1], "batch", generators, activation)

    def forward(self, styles_TBS: Tensor) -> Tensor:
        """Return the logit that a row was drawn from the prior."""
        logits: Tensor = self.layers(styles_TBS).squeeze(-1)
        return logits
