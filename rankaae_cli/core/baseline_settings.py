"""What the baselines can be told: plain dataclasses. Their values live in ``conf/baselines.yaml`` alone."""

from dataclasses import dataclass

from rankaae_cli.core.settings import Norm, ObjectiveSettings, OptimiserSettings


@dataclass
class TreeSettings:
    """A forest of regression trees; `max_features` is the share of the energies tried at a split."""

    trees: int
    min_samples_leaf: int
    max_features: float


@dataclass
class SupervisedNetworkSettings:
    """`members` networks from the spectrum to all descriptors, averaged."""

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
class AdversarialAutoencoderSettings:
    """The model without its rank constraint; the best of `trials` on validation is kept."""

    trials: int
    hidden: int
    layers: int
    norm: Norm
    max_epochs: int
    batch_size: int
    objective: ObjectiveSettings
    optimiser: OptimiserSettings


@dataclass
class VariationalAutoencoderSettings:
    """A VAE; `deviation` is the standard deviation of a spectrum about its decoding, `trials` as above."""

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


@dataclass
class BaselineSettings:
    """Settings of all baselines that have any."""

    extra_trees: TreeSettings
    random_forest: TreeSettings
    supervised_network: SupervisedNetworkSettings
    aae: AdversarialAutoencoderSettings
    vae: VariationalAutoencoderSettings
