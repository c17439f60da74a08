"""What the engine of `training` is given to train a RankAAE, and how much memory that takes."""

from dataclasses import dataclass

import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.ranks import prior_correlation
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.family_model import require_one_edge
from rankaae_cli.models.rankaae.module import RankAAE
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder, Discriminator
from rankaae_cli.models.rankaae.settings import (
    LOSSES,
    LearningRateSchedule,
    ModelSettings,
    ObjectiveSettings,
    OptimiserSettings,
    PriorKind,
    StepOrder,
)
from rankaae_cli.models.rankaae.validation import Validation, score_columns
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.memory import FLOAT, INTEGER, kept_for_backward
from rankaae_cli.training.rows import BLOCK_ROWS, TrainingRows
from rankaae_cli.training.task import EpochTask


@dataclass(frozen=True, kw_only=True)
class RankAAETask(EpochTask):
    """A training of rank-constrained adversarial autoencoders.

    Attributes
    ----------
    model, objective, optimiser
        Sizes of the networks, losses, and how they are stepped.
    """

    losses = LOSSES
    derived_scores = ("val_spearman",)

    model: ModelSettings
    objective: ObjectiveSettings
    optimiser: OptimiserSettings

    @classmethod
    def require(cls, family: Family) -> None:
        """Raise UserError if descriptors are yes/no classes, or spectra of several edges."""
        if family.yes_no:
            raise UserError(
                "the descriptors are yes/no classes, which have no order for styles to keep\ngive kind=supervised"
            )
        require_one_edge(family)

    @property
    def architecture(self) -> Architecture:
        """Sizes of the networks."""
        m = self.model
        return Architecture(
            points=len(self.family.energy_E),
            styles=len(self.family.descriptor_names) + m.free_styles,
            hidden=m.hidden,
            encoder_layers=m.encoder_layers,
            decoder_layers=m.decoder_layers,
            norm=m.norm.value,
            network=m.network.value,
            channels=m.channels,
            activation=m.activation.value,
            norm_before_styles=m.norm_before_styles,
        )

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The columns of metrics.csv between the losses and the score."""
        return score_columns(self.family.descriptor_names)

    @property
    def plateau(self) -> tuple[int, float] | None:
        """After how many epochs without a better score a trial's rate is reduced, and the factor; None: never."""
        o = self.optimiser
        return (o.patience, o.reduction) if o.schedule is LearningRateSchedule.plateau else None

    def module(self, rows: TrainingRows, trials: range) -> RankAAE:
        """Return the networks of these trials with their losses."""
        energy_E, correlation_SS = self.family.energy_E, None
        if self.objective.prior.correlated:
            correlation_SS = prior_correlation(rows.batched_NK.T, self.architecture.styles)
        return RankAAE(
            self.architecture,
            self.objective,
            self.optimiser,
            len(self.family.descriptor_names),
            trials,
            self.seed,
            self.device,
            energy_step=float((energy_E[-1] - energy_E[0]) / (len(energy_E) - 1)),
            prior_correlation_SS=None if correlation_SS is None else correlation_SS.to(self.device),
        )

    def scorer(self, rows: TrainingRows) -> Validation:
        """Return what scores an epoch."""
        names = self.family.descriptor_names
        return Validation(rows.validation, rows.validation_NK, rows.train.mean(), names)

    def bytes_a_trial(self, training_rows: int, validation_rows: int) -> int:
        """Estimate the memory that one more trial takes at the peak of training, in bytes."""
        return bytes_a_trial(
            self.architecture, self.objective, self.batch_size, training_rows, validation_rows
        )


def bytes_a_trial(
    architecture: Architecture,
    objective: ObjectiveSettings,
    batch_size: int,
    training_rows: int,
    validation_rows: int,
) -> int:
    """Estimate the memory that one more trial takes at the peak of training, in bytes.

    Parameters
    ----------
    architecture, objective, batch_size
        Of the run.
    training_rows, validation_rows
        Numbers of spectra; they lie on the device once for all trials and are not counted here.

    Notes
    -----
    Four parts, summed although they do not all peak together:

    - weights, their gradients, the copy of the best epoch, two more under way, and two moments an optimiser;
    - a step: what autograd keeps of two passes of encoder and decoder (given spectra; drawn styles), half as
      much again for gradients under way, the batch, its noise and their sum, and pair matrices (mmd alone);
    - the order of the rows in an epoch, twice;
    - the end of an epoch, without gradients: three hidden layers at once over a block of training rows, and on
      validation a block of the spectra's errors, and six arrays of whole numbers a pair of styles.
    """
    a, adversarial = architecture, objective.prior.kind in (PriorKind.adversarial, PriorKind.two_step)
    one = trial_generators(0, range(1))
    autoencoder = Autoencoder(a, one)
    spectra_TBE = torch.rand(1, 2, a.points, generator=one[0])
    parameters = sum(p.numel() for p in autoencoder.parameters())
    kept_a_row, widest = kept_for_backward(autoencoder, spectra_TBE)
    kept_a_row *= 2
    if adversarial:
        discriminator = Discriminator(a.styles, one, a.activation)
        parameters += sum(p.numel() for p in discriminator.parameters())
        kept_a_row += 2 * kept_for_backward(discriminator, spectra_TBE[..., : a.styles])[0]

    losses = sum(getattr(objective, name).weight > 0 for name in LOSSES)
    optimisers = 1 if objective.order is StepOrder.joint else losses
    optimisers += objective.prior.kind is PriorKind.two_step
    weights = parameters * (5 + 2 * optimisers) * FLOAT
    rows = -(-training_rows // -(-training_rows // batch_size))  # the batches of an epoch are of one size
    step = rows * (1.5 * kept_a_row + 3 * a.points) * FLOAT
    if objective.prior.kind is PriorKind.mmd:
        step += 3 * 18 * rows**2 * FLOAT  # seven scales, two matrices each, and the distances
    if objective.augmentation.energy_shift > 0 or objective.augmentation.stretch > 0:
        step += rows * 7 * a.points * FLOAT
    if objective.augmentation.broadening > 0:
        step += 3 * a.points**2 * FLOAT
    if objective.augmentation.core_hole > 0:
        step += (3 * a.points**2 + rows * 2 * a.points) * FLOAT
    order = training_rows * 2 * INTEGER
    end = min(training_rows, BLOCK_ROWS) * 3 * widest * FLOAT
    pairs = a.styles * (a.styles - 1) // 2
    scores = min(validation_rows, BLOCK_ROWS) * 3 * (widest + a.points) * FLOAT
    scores += validation_rows * 6 * pairs * INTEGER
    return int(weights + step + order + end + scores)
