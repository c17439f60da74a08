"""What the baselines can be told: plain dataclasses. Their values live in ``conf/baselines.yaml`` alone.

Each key has its meaning beside its type; ``rankaae evaluate --help`` shows it from here.
"""

from dataclasses import dataclass
from typing import Annotated

from rankaae_cli.networks.settings import Norm


@dataclass
class TreeSettings:
    """A forest of regression trees."""

    trees: Annotated[int, "how many"]
    min_samples_leaf: Annotated[int, "fewest training rows in a leaf"]
    max_features: Annotated[float, "share of the energies tried at a split"]


@dataclass
class KernelRidgeSettings:
    """Ridge regression with a Gaussian kernel on principal components."""

    components: Annotated[int, "principal components of spectra and their derivatives"]
    gamma: Annotated[
        float, "of the kernel exp(-gamma distance²), where the components' mean square length is 1"
    ]
    alpha: Annotated[float, "ridge penalty: the larger, the smoother"]


@dataclass
class SupervisedNetworkSettings:
    """Networks from the spectrum to all descriptors, averaged."""

    members: Annotated[int, "how many networks are averaged"]
    hidden: Annotated[int, "width of the hidden layers"]
    layers: Annotated[int, "linear layers"]
    norm: Annotated[Norm, "normalisation between hidden layers"]
    max_epochs: Annotated[int, "passes over the training rows"]
    batch_size: Annotated[int, "rows"]
    rate: Annotated[float, "learning rate"]
    weight_decay: Annotated[float, "AdamW's"]
    input_noise: Annotated[float, "standard deviation of the noise added to the input spectra, edge steps"]


@dataclass
class VariationalAutoencoderSettings:
    """A variational autoencoder."""

    trials: Annotated[int, "how many; the best on validation is kept"]
    hidden: Annotated[int, "width of the hidden layers"]
    layers: Annotated[int, "linear layers of encoder and of decoder"]
    norm: Annotated[Norm, "normalisation between hidden layers"]
    max_epochs: Annotated[int, "passes over the training rows"]
    batch_size: Annotated[int, "rows"]
    rate: Annotated[float, "learning rate"]
    weight_decay: Annotated[float, "AdamW's"]
    input_noise: Annotated[float, "standard deviation of the noise added to the input spectra, edge steps"]
    deviation: Annotated[
        float, "standard deviation of a spectrum about its decoding: the smaller, the weaker the prior"
    ]
