"""What a training run can be told: plain dataclasses. Their values live in ``conf/`` and nowhere else."""

from dataclasses import dataclass
from enum import Enum

LOSSES = ("reconstruction", "rank", "prior", "mutual_information", "smoothness", "independence")


class Network(Enum):
    """Kind of encoder and decoder: fully connected or convolutional."""

    mlp = "mlp"
    cnn = "cnn"


class Norm(Enum):
    """Normalisation between hidden layers."""

    layer = "layer"
    batch = "batch"
    none = "none"


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

    The numbers of layers belong to mlp, `channels` (maps of the first convolution) to cnn.
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
    """The rank constraint."""

    weight: float
    ramp: float
    balanced: bool
    normalise: PairNormalisation


@dataclass
class ReconstructionSettings:
    """Reconstruction of the spectrum as it was before noise was added."""

    weight: float
    ramp: float
    kind: ReconstructionKind


@dataclass
class PriorSettings:
    """The pull towards the prior, N(0, I), or N(0, R) where it is `correlated`: see `core.ranks.prior_correlation`.

    `directions` belongs to sliced_wasserstein; `maximum` and `tau` (gradient reversal) to adversarial; `noise`
    (standard deviation on the discriminator's input) and the betas to adversarial and two_step.
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
    """Styles drawn from the prior must survive decoding and encoding; all of them or the named ones."""

    weight: float
    ramp: float
    named_only: bool


@dataclass
class IndependenceSettings:
    """Free styles must tell neither of the descriptors nor of each other."""

    weight: float
    ramp: float


@dataclass
class SmoothnessSettings:
    """Decoded spectra must be smooth; kernel in grid points."""

    weight: float
    ramp: float
    kernel_points: int
    sigma: float


@dataclass
class AugmentationSettings:
    """Random changes of each input spectrum, beside noise; see `core.augmentation`.

    `energy_shift` and the largest `broadening` in the unit of the energy grid, `scale` relative.
    """

    energy_shift: float
    broadening: float
    scale: float


@dataclass
class ObjectiveSettings:
    """The six losses, the order they are stepped in, and what is done to the input spectra.

    The weight of each rises from 0 over the first part `ramp` (0 to 1) of the run.
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
    """Factors on the learning rate where the losses are stepped in turn."""

    rank: float
    reconstruction: float
    prior: float
    mutual_information: float
    smoothness: float
    independence: float


@dataclass
class OptimiserSettings:
    """AdamW; in turn, each loss has its own, with `rate` times its factor.

    `patience` (epochs without a better validation score) and `reduction` belong to the schedule plateau; each
    trial has its own rate there.
    """

    rate: float
    weight_decay: float
    schedule: LearningRateSchedule
    clip: float
    patience: int
    reduction: float
    factors: RateFactors
