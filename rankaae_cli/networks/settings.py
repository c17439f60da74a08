"""Sizes and choices of networks that several kinds of models have."""

from dataclasses import dataclass
from enum import Enum


class Norm(Enum):
    """Normalisation between hidden layers."""

    layer = "layer"
    batch = "batch"
    none = "none"


@dataclass(frozen=True)
class Architecture:
    """Sizes of the networks; enough, with the weights, to rebuild them.

    Attributes
    ----------
    points, styles
        E and S.
    hidden
        Width of the hidden layers.
    encoder_layers, decoder_layers
        Number of hidden layers of a fully connected network.
    network
        ``mlp`` or ``cnn``.
    channels
        Maps of the first convolution of a cnn; the next two have twice and four times as many.
    norm
        Between hidden layers: ``layer``, ``batch`` or ``none``.
    """

    points: int
    styles: int
    hidden: int = 64
    encoder_layers: int = 5
    decoder_layers: int = 4
    norm: str = "layer"
    network: str = "mlp"
    channels: int = 8
