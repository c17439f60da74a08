"""What a training run can be told: plain dataclasses whose values live in ``conf/``."""

from dataclasses import dataclass, field
from enum import Enum


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
    """How the styles are drawn towards N(0, I)."""

    adversarial = "adversarial"
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
    one_cycle = "one_cycle"


@dataclass
class ModelSettings:
    """Sizes of the networks and number of free styles."""

    free_styles: int = 3
    hidden: int = 64
    encoder_layers: int = 5
    decoder_layers: int = 4
    norm: Norm = Norm.layer


@dataclass
class RankSettings:
    """The rank constraint."""

    weight: float = 1.0
    balanced: bool = True
    normalise: PairNormalisation = PairNormalisation.pairs


@dataclass
class ReconstructionSettings:
    """Reconstruction of the spectrum as it was before noise was added."""

    weight: float = 1.0
    kind: ReconstructionKind = ReconstructionKind.plain


@dataclass
class PriorSettings:
    """The pull towards the prior.

    `directions` belongs to sliced_wasserstein; `maximum`, `tau` (gradient reversal), `noise` (standard deviation
    on the discriminator's input) and the betas to adversarial.
    """

    kind: PriorKind = PriorKind.adversarial
    weight: float = 1.0
    directions: int = 32
    maximum: float = 0.7172
    tau: float = 739.0
    noise: float = 0.56
    betas: tuple[float, float] = (0.99, 0.9999)


@dataclass
class MutualInformationSettings:
    """Styles drawn from the prior must survive decoding and encoding; all of them or the named ones."""

    weight: float = 1.0
    named_only: bool = True


@dataclass
class SmoothnessSettings:
    """Decoded spectra must be smooth; kernel in grid points."""

    weight: float = 1.0
    kernel_points: int = 17
    sigma: float = 3.0


@dataclass
class ObjectiveSettings:
    """The five losses, the order they are stepped in, and the noise on the input spectra."""

    order: StepOrder = StepOrder.joint
    input_noise: float = 0.02
    rank: RankSettings = field(default_factory=RankSettings)
    reconstruction: ReconstructionSettings = field(default_factory=ReconstructionSettings)
    prior: PriorSettings = field(default_factory=PriorSettings)
    mutual_information: MutualInformationSettings = field(default_factory=MutualInformationSettings)
    smoothness: SmoothnessSettings = field(default_factory=SmoothnessSettings)


@dataclass
class OptimiserSettings:
    """AdamW; in turn, each loss has its own, with `rate` times its factor."""

    rate: float = 3e-3
    weight_decay: float = 0.01
    schedule: LearningRateSchedule = LearningRateSchedule.one_cycle
    clip: float = 0.0
    factors: dict[str, float] = field(
        default_factory=lambda: {
            "rank": 10.0,
            "reconstruction": 10.0,
            "prior": 1.0,
            "mutual_information": 1.0,
            "smoothness": 1.0,
        }
    )
