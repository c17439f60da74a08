"""The settings of a training run: plain dataclasses. Their values live in ``conf/`` and nowhere else.

Each key has its meaning beside its type; ``rankaae train --help`` shows it from here.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from rankaae_cli.networks.settings import Activation, Norm, PerceptronSettings

LOSSES = ("reconstruction", "rank", "prior", "mutual_information", "smoothness", "independence")

# Keys that every loss has.
Weight = Annotated[float, "of this loss in the sum; 0 leaves it out"]
Ramp = Annotated[float, "part of the run, 0 to 1, over which the weight rises from 0"]
Factor = Annotated[float, "factor of this loss"]


class Network(Enum):
    """Kind of encoder and decoder: fully connected or convolutional."""

    mlp = "mlp"
    cnn = "cnn"


class StepOrder(Enum):
    """How the losses of one batch are stepped."""

    joint = "joint"
    in_turn = "in_turn"


class PriorKind(Enum):
    """How the styles are drawn towards the prior."""

    adversarial = "adversarial"
    two_step = "two_step"
    mmd = "mmd"
    sliced_wasserstein = "sliced_wasserstein"


class ReconstructionKind(Enum):
    """Plain mean squared error, or the published form that takes the overall scale out."""

    plain = "plain"
    scaled = "scaled"


class PairNormalisation(Enum):
    """What the rank loss is divided by: the pairs that count, or the published B^2 - B."""

    pairs = "pairs"
    published = "published"


class LearningRateSchedule(Enum):
    """Course of the learning rate over the run."""

    constant = "constant"
    cosine = "cosine"
    plateau = "plateau"
    one_cycle = "one_cycle"


@dataclass
class ModelSettings:
    """Sizes of the networks and number of free styles."""

    network: Annotated[Network, "mlp: fully connected; cnn: convolutional; chosen through the group model"]
    free_styles: Annotated[int, "styles beside the named ones"]
    hidden: Annotated[int, "width of the hidden layers; cnn: of the linear layer"]
    encoder_layers: Annotated[int, "linear layers of the encoder; mlp alone"]
    decoder_layers: Annotated[int, "linear layers of the decoder; mlp alone"]
    channels: Annotated[
        int, "maps of the first convolution, the next two have twice and four times as many; cnn alone"
    ]
    norm: Annotated[Norm, "normalisation between hidden layers; cnn: before the last linear layer"]
    # The defaults are for runs that were begun without them.
    activation: Annotated[
        Activation, "of the hidden layers; swish: SiLU with a slope that each unit learns; mlp alone"
    ] = Activation.silu
    norm_before_styles: Annotated[
        bool, "whether the encoder's last linear layer has a norm before it too; mlp alone"
    ] = True


@dataclass
class RankSettings:
    """The rank constraint."""

    weight: Weight
    ramp: Ramp
    balanced: Annotated[bool, "scale the force of concordant pairs by the numbers of either kind"]
    normalise: Annotated[
        PairNormalisation, "divide by the pairs that count, or as published by rows^2 - rows"
    ]


@dataclass
class ReconstructionSettings:
    """Reconstruction of the spectrum as it was before noise was added."""

    weight: Weight
    ramp: Ramp
    kind: Annotated[
        ReconstructionKind,
        "plain: mean squared error; scaled: the published form, which takes the overall scale out",
    ]


@dataclass
class PriorSettings:
    """The pull of the styles towards the prior, a normal distribution.

    N(0, I), or N(0, R) where it is `correlated`: see `core.statistics.ranks.prior_correlation`.
    """

    kind: Annotated[
        PriorKind,
        "how they are drawn there; adversarial: a discriminator and gradient reversal; two_step: "
        "discriminator, then encoder",
    ]
    weight: Weight
    ramp: Ramp
    correlated: Annotated[
        bool, "a prior in which named styles are as correlated as their descriptors; false: independent ones"
    ]
    directions: Annotated[
        int, "random projections a batch, beside one on each style; sliced_wasserstein alone"
    ]
    maximum: Annotated[float, "largest strength of the reversed gradient; adversarial alone"]
    tau: Annotated[float, "how fast that strength is reached, the smaller the faster; adversarial alone"]
    noise: Annotated[
        float, "standard deviation of the noise on the discriminator's input; adversarial, two_step"
    ]
    betas: Annotated[tuple[float, float], "AdamW's betas for the discriminator; adversarial, two_step"]


@dataclass
class MutualInformationSettings:
    """Styles drawn from the prior must survive decoding and encoding."""

    weight: Weight
    ramp: Ramp
    named_only: Annotated[bool, "the named styles alone; false: the free ones too"]


@dataclass
class IndependenceSettings:
    """Free styles must tell neither of the descriptors nor of each other."""

    weight: Weight
    ramp: Ramp


@dataclass
class SmoothnessSettings:
    """Decoded spectra must be smooth."""

    weight: Weight
    ramp: Ramp
    kernel_points: Annotated[int, "length of the smoothing kernel, grid points, odd"]
    sigma: Annotated[float, "its standard deviation, grid points"]


@dataclass
class AugmentationSettings:
    """Changes of the input spectra in training, random but for `core_hole`, beside noise; see `augmentation`."""

    energy_shift: Annotated[float, "standard deviation of a shift of each spectrum, in the grid's unit (eV)"]
    broadening: Annotated[
        float, "largest standard deviation of a Gaussian broadening, in the grid's unit (eV)"
    ]
    scale: Annotated[float, "standard deviation of a factor on each spectrum, about 1"]
    # The defaults are for runs that were begun without them.
    core_hole: Annotated[
        float,
        "full width at half maximum of a Lorentzian that every other spectrum of a batch is convolved with, "
        "in the grid's unit (eV): the natural width of the level, for spectra of a code that leaves it out; "
        "0 for FEFF",
    ] = 0.0
    stretch: Annotated[
        float, "standard deviation of a stretch of each spectrum's energies about the middle of the grid"
    ] = 0.0
    damping: Annotated[
        float,
        "standard deviation of what damps white lines, such as self-absorption; see `core.xas.nuisances`",
    ] = 0.0


@dataclass
class ObjectiveSettings:
    """The six losses, the order they are stepped in, and what is done to the input spectra."""

    order: Annotated[
        StepOrder, "joint: all losses in one backward pass; in_turn: one step a loss, as published"
    ]
    input_noise: Annotated[float, "standard deviation of the noise added to the input spectra, edge steps"]
    augmentation: Annotated[
        AugmentationSettings,
        "random changes of each input spectrum, beside noise; the group augmentation sets them",
    ]
    rank: Annotated[RankSettings, "the rank constraint: each named style rises with its descriptor"]
    reconstruction: Annotated[ReconstructionSettings, "decoded spectra equal the input without its noise"]
    prior: Annotated[PriorSettings, "styles are distributed as a normal distribution"]
    mutual_information: Annotated[
        MutualInformationSettings, "styles drawn from the prior survive decoding and encoding"
    ]
    smoothness: Annotated[SmoothnessSettings, "decoded spectra are smooth"]
    independence: Annotated[
        IndependenceSettings, "free styles tell neither of the descriptors nor of each other"
    ]


@dataclass
class RateFactors:
    """Factors on the learning rate where the losses are stepped in turn."""

    rank: Factor
    reconstruction: Factor
    prior: Factor
    mutual_information: Factor
    smoothness: Factor
    independence: Factor


@dataclass
class OptimiserSettings:
    """AdamW; in turn, each loss has its own, with `rate` times its factor."""

    rate: Annotated[float, "learning rate, the largest of its schedule"]
    weight_decay: Annotated[float, "AdamW's"]
    schedule: Annotated[
        LearningRateSchedule, "course of the rate over the run; plateau: each trial has its own rate"
    ]
    clip: Annotated[float, "largest norm of a trial's gradient; 0: no limit"]
    patience: Annotated[
        int, "epochs without a better validation score before a trial's rate is reduced; plateau alone"
    ]
    reduction: Annotated[float, "factor on that trial's rate; plateau alone"]
    factors: Annotated[
        RateFactors, "factors on the rate where the losses are stepped in turn (objective.order=in_turn)"
    ]


@dataclass
class AdversarialAutoencoderSettings(PerceptronSettings):
    """The model without its rank constraint."""

    trials: Annotated[int, "how many; the best on validation is kept"]
    objective: Annotated[ObjectiveSettings, "its losses, as objective of rankaae train"]
    optimiser: Annotated[OptimiserSettings, "as optimiser of rankaae train"]


# What its numbers must be, in the words of `schema.numbers`.
NUMBERS = {
    "at least 0": (
        *("model.free_styles", "objective.input_noise"),
        *(
            f"objective.augmentation.{key}"
            for key in ("energy_shift", "stretch", "broadening", "scale", "damping", "core_hole")
        ),
        *("objective.prior.noise", "optimiser.weight_decay", "optimiser.clip"),
        *(f"objective.{loss}.weight" for loss in LOSSES),
        *("objective.prior.maximum", "optimiser.factors.*"),
    ),
    "at least 1": (
        *("model.hidden", "model.encoder_layers", "model.decoder_layers", "model.channels"),
        *("objective.prior.directions", "optimiser.patience"),
    ),
    "positive": ("optimiser.rate", "objective.prior.tau", "objective.smoothness.sigma"),
    "between 0 and 1": ("optimiser.reduction",),
    "from 0 to 1": tuple(f"objective.{loss}.ramp" for loss in LOSSES),
    "from 0 on, below 1": ("objective.prior.betas",),
    "odd, at least 1": ("objective.smoothness.kernel_points",),
}
