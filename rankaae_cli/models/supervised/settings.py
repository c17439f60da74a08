"""The settings of readers of descriptors and other baselines: plain dataclasses.

Their values live in ``conf/model/`` and ``conf/baselines.yaml`` alone. Each key has its meaning beside its type;
``--help`` shows it from here.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from rankaae_cli.networks.settings import PerceptronSettings

AUTO = "auto"


@dataclass
class TreeSettings:
    """A forest of regression trees."""

    trees: Annotated[int, "how many"]
    min_samples_leaf: Annotated[int, "fewest training rows in a leaf"]
    max_features: Annotated[float, "share of the inputs tried at a split"]


@dataclass
class KernelRidgeSettings:
    """Ridge regression with a Gaussian kernel on principal components."""

    components: Annotated[int, "principal components of spectra and their derivatives"]
    gamma: Annotated[
        float, "of the kernel exp(-gamma distance²), where the components' mean square length is 1"
    ]
    alpha: Annotated[float, "ridge penalty: the larger, the smoother"]


@dataclass
class NetworkSettings(PerceptronSettings):
    """Networks to all descriptors, one a trial."""

    rate: Annotated[float, "learning rate"]
    weight_decay: Annotated[float, "AdamW's"]
    input_noise: Annotated[float, "standard deviation of the noise added to the input spectra, edge steps"]


@dataclass
class SupervisedNetworkSettings(NetworkSettings):
    """Networks from the spectrum to all descriptors, averaged."""

    members: Annotated[int, "how many networks are averaged"]


@dataclass
class ReaderSettings:
    """A reader of descriptors: the mean of those of its parts that are not null."""

    inputs: Annotated[
        Any,
        "what it sees of a spectrum: a list of spectrum, first_derivative, second_derivative and cumulative_sum; "
        "auto: what each part reads validation rows best from",
    ]
    rebuilding_error: Annotated[
        float,
        "as many principal components tell unusual spectra from those of training as leave this share of their "
        "mean absolute deviation from the mean spectrum",
    ]
    random_forest: Annotated[
        TreeSettings | None, "a random forest a descriptor, its trees shared out to the trials"
    ]
    extra_trees: Annotated[TreeSettings | None, "the same of extremely randomised trees"]
    kernel_ridge: Annotated[
        KernelRidgeSettings | None, "kernel ridge regression, in each trial without another part of the rows"
    ]
    network: Annotated[NetworkSettings | None, "a network a trial"]


@dataclass
class MixtureSettings:
    """Mixtures of training spectra to train on, for a reader of samples with several valences."""

    of: Annotated[
        str | None,
        "descriptor that adds up in the shares of a mixture, such as OS, whose mean is read; null: no mixtures",
    ] = None
    share: Annotated[float, "of the rows whose descriptor is known, of training and validation: mixtures"] = (
        0.5
    )
    components: Annotated[int, "the most spectra in a mixture, of different values and materials"] = 3


@dataclass
class VariationalAutoencoderSettings(NetworkSettings):
    """A variational autoencoder."""

    trials: Annotated[int, "how many; the best on validation is kept"]
    deviation: Annotated[
        float, "standard deviation of a spectrum about its decoding: the smaller, the weaker the prior"
    ]


# What its numbers must be, in the words of `schema.numbers`.
NUMBERS = {
    "at least 0": ("model.network.weight_decay", "model.network.input_noise"),
    "at least 1": (
        *(
            f"model.{forest}.{key}"
            for forest in ("random_forest", "extra_trees")
            for key in ("trees", "min_samples_leaf")
        ),
        *(
            "model.kernel_ridge.components",
            "model.network.hidden",
            "model.network.layers",
            "model.network.max_epochs",
        ),
    ),
    "at least 2": ("model.network.batch_size", "mixtures.components"),
    "positive": ("model.kernel_ridge.gamma", "model.kernel_ridge.alpha", "model.network.rate"),
    "positive, at most 1": ("model.random_forest.max_features", "model.extra_trees.max_features"),
    "between 0 and 1": ("model.rebuilding_error", "mixtures.share"),
}
