"""What the baselines can be told: plain dataclasses. Their values live in ``conf/baselines.yaml`` alone.

The docstrings say what each key means; ``rankaae evaluate --help`` shows it from here.
"""

from dataclasses import dataclass

from rankaae_cli.networks.settings import Norm


@dataclass
class TreeSettings:
    """A forest of regression trees.

    Attributes
    ----------
    trees
        how many
    min_samples_leaf
        fewest training rows in a leaf
    max_features
        share of the energies tried at a split
    """

    trees: int
    min_samples_leaf: int
    max_features: float


@dataclass
class SupervisedNetworkSettings:
    """Networks from the spectrum to all descriptors, averaged.

    Attributes
    ----------
    members
        how many networks are averaged
    hidden
        width of the hidden layers
    layers
        linear layers
    norm
        normalisation between hidden layers
    max_epochs
        passes over the training rows
    batch_size
        rows
    rate
        learning rate
    weight_decay
        AdamW's
    input_noise
        standard deviation of the noise added to the input spectra, edge steps
    """

    members: int
    hidden: int
    layers: int
    norm: Norm
    max_epochs: int
    batch_size: int
    rate: float
    weight_decay: float
    input_noise: float


@dataclass
class VariationalAutoencoderSettings:
    """A variational autoencoder.

    Attributes
    ----------
    trials
        how many; the best on validation is kept
    hidden
        width of the hidden layers
    layers
        linear layers of encoder and of decoder
    norm
        normalisation between hidden layers
    max_epochs
        passes over the training rows
    batch_size
        rows
    rate
        learning rate
    weight_decay
        AdamW's
    input_noise
        standard deviation of the noise added to the input spectra, edge steps
    deviation
        standard deviation of a spectrum about its decoding: the smaller, the weaker the prior
    """

    trials: int
    hidden: int
    layers: int
    norm: Norm
    max_epochs: int
    batch_size: int
    rate: float
    weight_decay: float
    input_noise: float
    deviation: float
