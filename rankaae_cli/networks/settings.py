"""Sizes and choices of networks that several kinds of models have."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated


class Norm(Enum):
    """Normalisation between hidden layers."""

    layer = "layer"
    batch = "batch"
    none = "none"


class Activation(Enum):
    """Activation of the hidden layers."""

    silu = "silu"
    swish = "swish"


@dataclass
class PerceptronSettings:
    """Multilayer perceptrons, and how long they are trained."""

    hidden: Annotated[int, "width of the hidden layers"]
    layers: Annotated[int, "linear layers; of an autoencoder those of the encoder, and those of the decoder"]
    norm: Annotated[Norm, "normalisation between hidden layers"]
    max_epochs: Annotated[int, "passes over the training rows"]
    batch_size: Annotated[int, "rows"]


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
    activation
        Of the hidden layers: ``silu`` or, in a fully connected network, ``swish``.
    norm_before_styles
        Whether the last linear layer of a fully connected encoder has a norm before it too.
    """

    points: int
    styles: int
    hidden: int = 64
    encoder_layers: int = 5
    decoder_layers: int = 4
    norm: str = "layer"
    network: str = "mlp"
    channels: int = 8
    activation: str = "silu"
    norm_before_styles: bool = True
