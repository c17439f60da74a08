"""What a training run can be told: plain dataclasses. Their values live in ``conf/`` and nowhere else.

The docstrings say what each key means; ``rankaae train --help`` shows it from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rankaae_cli.networks.settings import Norm

LOSSES = ("reconstruction", "rank", "prior", "mutual_information", "smoothness", "independence")


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
    """Sizes of the networks and number of free styles.

    Attributes
    ----------
    network
        mlp: fully connected; cnn: convolutional; chosen through the group model
    free_styles
        styles beside the named ones
    hidden
        width of the hidden layers; cnn: of the linear layer
    encoder_layers
        linear layers of the encoder; mlp alone
    decoder_layers
        linear layers of the decoder; mlp alone
    channels
        maps of the first convolution, the next two have twice and four times as many; cnn alone
    norm
        normalisation between hidden layers; cnn: before the last linear layer
    """

    network: Network
    free_styles: int
    hidden: int
    encoder_layers: int
    decoder_layers: int
    channels: int
    norm: Norm


@dataclass
class RankSettings:
    """The rank constraint.

    Attributes
    ----------
    weight
        of this loss in the sum; 0 leaves it out
    ramp
        part of the run, 0 to 1, over which the weight rises from 0
    balanced
        scale the force of concordant pairs by the numbers of either kind
    normalise
        divide by the pairs that count, or as published by rows^2 - rows
    """

    weight: float
    ramp: float
    balanced: bool
    normalise: PairNormalisation


@dataclass
class ReconstructionSettings:
    """Reconstruction of the spectrum as it was before noise was added.

    Attributes
    ----------
    weight
        of this loss in the sum; 0 leaves it out
    ramp
        part of the run, 0 to 1, over which the weight rises from 0
    kind
        plain: mean squared error; scaled: the published form, which takes the overall scale out
    """

    weight: float
    ramp: float
    kind: ReconstructionKind


@dataclass
class PriorSettings:
    """The pull of the styles towards the prior, a normal distribution.

    N(0, I), or N(0, R) where it is `correlated`: see `core.ranks.prior_correlation`.

    Attributes
    ----------
    kind
        how they are drawn there; adversarial: a discriminator and gradient reversal; two_step:
        discriminator, then encoder
    weight
        of this loss in the sum; 0 leaves it out
    ramp
        part of the run, 0 to 1, over which the weight rises from 0
    correlated
        a prior in which named styles are as correlated as their descriptors; false: independent ones
    directions
        random projections a batch, beside one on each style; sliced_wasserstein alone
    maximum
        largest strength of the reversed gradient; adversarial alone
    tau
        how fast that strength is reached, the smaller the faster; adversarial alone
    noise
        standard deviation of the noise on the discriminator's input; adversarial, two_step
    betas
        AdamW's betas for the discriminator; adversarial, two_step
    """

    kind: PriorKind
    weight: float
    ramp: float
    correlated: bool
    directions: int
    maximum: float
    tau: float
    noise: float
    betas: tuple[float, float]


@dataclass
class MutualInformationSettings:
    """Styles drawn from the prior must survive decoding and encoding.

    Attributes
    ----------
    weight
        of this loss in the sum; 0 leaves it out
    ramp
        part of the run, 0 to 1, over which the weight rises from 0
    named_only
        the named styles alone; false: the free ones too
    """

    weight: float
    ramp: float
    named_only: bool


@dataclass
class IndependenceSettings:
    """Free styles must tell neither of the descriptors nor of each other.

    Attributes
    ----------
    weight
        of this loss in the sum; 0 leaves it out
    ramp
        part of the run, 0 to 1, over which the weight rises from 0
    """

    weight: float
    ramp: float


@dataclass
class SmoothnessSettings:
    """Decoded spectra must be smooth.

    Attributes
    ----------
    weight
        of this loss in the sum; 0 leaves it out
    ramp
        part of the run, 0 to 1, over which the weight rises from 0
    kernel_points
        length of the smoothing kernel, grid points, odd
    sigma
        its standard deviation, grid points
    """

    weight: float
    ramp: float
    kernel_points: int
    sigma: float


@dataclass
class AugmentationSettings:
    """Changes of the input spectra in training, random but for `core_hole`, beside noise; see `core.augmentation`.

    Attributes
    ----------
    energy_shift
        standard deviation of a shift of each spectrum, in the grid's unit (eV)
    broadening
        largest standard deviation of a Gaussian broadening, in the grid's unit (eV)
    scale
        standard deviation of a factor on each spectrum, about 1
    core_hole
        full width at half maximum of a Lorentzian that every other spectrum of a batch is convolved with, in the
        grid's unit (eV): the natural width of the level, for spectra of a code that leaves it out; 0 for FEFF
    """

    energy_shift: float
    broadening: float
    scale: float
    # The default is for runs that were begun without it.
    core_hole: float = 0.0


@dataclass
class ObjectiveSettings:
    """The six losses, the order they are stepped in, and what is done to the input spectra.

    Attributes
    ----------
    order
        joint: all losses in one backward pass; in_turn: one step a loss, as published
    input_noise
        standard deviation of the noise added to the input spectra, edge steps
    augmentation
        random changes of each input spectrum, beside noise; the group augmentation sets them
    rank
        the rank constraint: each named style rises with its descriptor
    reconstruction
        decoded spectra equal the input without its noise
    prior
        styles are distributed as a normal distribution
    mutual_information
        styles drawn from the prior survive decoding and encoding
    smoothness
        decoded spectra are smooth
    independence
        free styles tell neither of the descriptors nor of each other
    """

    order: StepOrder
    input_noise: float
    augmentation: AugmentationSettings
    rank: RankSettings
    reconstruction: ReconstructionSettings
    prior: PriorSettings
    mutual_information: MutualInformationSettings
    smoothness: SmoothnessSettings
    independence: IndependenceSettings


@dataclass
class RateFactors:
    """Factors on the learning rate where the losses are stepped in turn.

    Attributes
    ----------
    rank, reconstruction, prior, mutual_information, smoothness, independence
        factor of this loss
    """

    rank: float
    reconstruction: float
    prior: float
    mutual_information: float
    smoothness: float
    independence: float


@dataclass
class OptimiserSettings:
    """AdamW; in turn, each loss has its own, with `rate` times its factor.

    Attributes
    ----------
    rate
        learning rate, the largest of its schedule
    weight_decay
        AdamW's
    schedule
        course of the rate over the run; plateau: each trial has its own rate
    clip
        largest norm of a trial's gradient; 0: no limit
    patience
        epochs without a better validation score before a trial's rate is reduced; plateau alone
    reduction
        factor on that trial's rate; plateau alone
    factors
        factors on the rate where the losses are stepped in turn (objective.order=in_turn)
    """

    rate: float
    weight_decay: float
    schedule: LearningRateSchedule
    clip: float
    patience: int
    reduction: float
    factors: RateFactors


@dataclass
class AdversarialAutoencoderSettings:
    """The model without its rank constraint.

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
    objective
        its losses, as objective of rankaae train
    optimiser
        as optimiser of rankaae train
    """

    trials: int
    hidden: int
    layers: int
    norm: Norm
    max_epochs: int
    batch_size: int
    objective: ObjectiveSettings
    optimiser: OptimiserSettings


_AT_LEAST = {
    0: (
        *("model.free_styles", "objective.input_noise"),
        *(f"objective.augmentation.{key}" for key in ("energy_shift", "broadening", "scale", "core_hole")),
        *("objective.prior.noise", "optimiser.weight_decay", "optimiser.clip"),
        *(f"objective.{loss}.{key}" for loss in LOSSES for key in ("weight", "ramp")),
    ),
    1: (
        *("model.hidden", "model.encoder_layers", "model.decoder_layers", "model.channels"),
        *("objective.prior.directions", "objective.smoothness.kernel_points", "optimiser.patience"),
    ),
}
_POSITIVE = ("optimiser.rate", "optimiser.reduction", "objective.prior.tau", "objective.smoothness.sigma")


def bounds(value: Callable[[str], Any]) -> list[tuple[str, str, bool]]:
    """Return what each number must be: its key, the expectation in words, and whether it holds.

    `value` gives the value of a dotted key, of the settings model, objective and optimiser.
    """
    points, betas = "objective.smoothness.kernel_points", "objective.prior.betas"
    return [
        *((key, f"at least {low}", value(key) >= low) for low, keys in _AT_LEAST.items() for key in keys),
        *((key, "positive", value(key) > 0) for key in _POSITIVE),
        (betas, "two numbers in [0, 1)", all(0 <= beta < 1 for beta in value(betas))),
        (points, "odd", value(points) % 2 == 1),
    ]
