"""Training a diffusion model on the structures of a family."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.diffusion.cells import Cell, Conditioning, cells_of, require_cells, shared_networks
from rankaae_cli.models.diffusion.module import Denoiser, denoising_loss
from rankaae_cli.models.diffusion.network import ScoreNetwork, Shape
from rankaae_cli.models.diffusion.settings import LOSSES, DiffusionSettings
from rankaae_cli.models.diffusion.trained import TrainedGenerator
from rankaae_cli.models.family_model import kept_of, require_one_edge
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.fit import train_trials
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.memory import FLOAT
from rankaae_cli.training.rows import TrainingRows
from rankaae_cli.training.task import EpochTask

_VALIDATION_SEED = 4
_LEVELS = 12  # of noise, at which an epoch is scored


@dataclass(frozen=True, kw_only=True)
class Task(EpochTask):
    """A training of one score network; `trials` that are more queue.

    An epoch has as many steps, of a cell each, as the training rows make batches.

    Attributes
    ----------
    model
        Sizes, noise, condition and steps.
    """

    learns_from: ClassVar[str] = "structures"
    has_one_trial: ClassVar[bool] = True
    losses = LOSSES

    model: DiffusionSettings

    def __post_init__(self) -> None:
        for name in ("trials", "trials_at_once", "devices"):
            object.__setattr__(self, name, 1)
        m = self.model
        if m.least_noise >= m.most_noise:
            raise UserError(
                f"model.least_noise={m.least_noise:g} is not below model.most_noise={m.most_noise:g}\ncorrect one"
            )
        others = (self.unlabelled_NE, self.replayed, self.taught_NK, self.memory)
        if any(one is not None for one in others):
            raise UserError(
                "unlabelled=, replay=, teacher= and memory= are of models that learn from spectra alone\n"
                "leave them out"
            )
        require_cells(self.family, m.cutoff)

    @classmethod
    def require(cls, family: Family) -> None:
        """Raise UserError if spectra are of several edges."""
        require_one_edge(family)

    @property
    def sides(self) -> tuple[int, ...]:
        """The sides of the split that are trained on."""
        return (TRAIN, VALIDATION) if self.model.with_validation else (TRAIN,)

    @property
    def rows_M(self) -> np.ndarray:
        """Which rows of the family are trained on, by number."""
        return np.flatnonzero(np.isin(self.family.split_N, self.sides))

    @cached_property
    def conditioning(self) -> Conditioning:
        """What makes conditions, fitted to the rows that are trained on."""
        return Conditioning.of(self.family, self.rows_M, self.model.condition, self.model.components)

    @property
    def shape(self) -> Shape:
        """Sizes of the network."""
        m = self.model
        sizes = {key: getattr(m, key) for key in ("layers", "width", "pair_width", "channels", "radial")}
        return Shape(cutoff=m.cutoff, condition=len(self.conditioning), **sizes)

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The columns of metrics.csv between the losses and the score."""
        return ("val_denoising", "val_denoising_unconditional")

    @property
    def plateau(self) -> None:
        """The rate falls by its schedule alone."""
        return None

    @property
    def description(self) -> str:
        """What is trained on what."""
        cells = len(set(self.family.material_N[self.rows_M]))
        return f"a score network on {cells} structures, {self.max_epochs} epochs on {self.device}"

    def batches(
        self, rows: TrainingRows, trials: Sequence[int]
    ) -> tuple[Sequence[int], list[torch.Generator]]:
        """Return the steps of an epoch; a step draws its own cell."""
        return range(-(-len(rows.train) // self.batch_size)), []

    def module(self, rows: TrainingRows, trials: range) -> Denoiser:
        """Return the network with its loss."""
        cells = cells_of(self.family, self.sides, self.conditioning)
        return Denoiser(self.shape, self.model, cells, trials, self.seed)

    def scorer(self, rows: TrainingRows) -> "DenoisingScorer":
        """Return what scores an epoch."""
        cells = cells_of(self.family, (VALIDATION,), self.conditioning)
        return DenoisingScorer(cells, self.model.least_noise, self.model.most_noise)

    def bytes_a_trial(self, training_rows: int, validation_rows: int) -> int:
        """Estimate the memory of a step: what is kept of each pair for the backward pass."""
        m, largest = self.model, max(len(one) for one in self.family.structures.values())
        volume = min(one.volume / len(one) for one in self.family.structures.values())
        # Twice the neighbours in a sphere: those of all atoms are padded to the most that one has.
        pairs = largest * 2 * 4.2 * m.cutoff**3 / volume
        numbers = m.layers * (24 * m.channels + 8 * m.pair_width + 4 * m.radial) + 8 * m.pair_width
        return int(pairs * numbers * FLOAT)


@dataclass(frozen=True)
class DenoisingScores:
    """The loss on validation with conditions, and without; the score is the negative first."""

    conditional: float
    unconditional: float

    @property
    def score_T(self) -> Tensor:
        """Higher is better."""
        return torch.tensor([-self.conditional if math.isfinite(self.conditional) else float("-inf")])

    def columns(self) -> dict[str, Tensor]:
        """Return the columns of `Task.score_columns`."""
        return {
            "val_denoising": torch.tensor([self.conditional]),
            "val_denoising_unconditional": torch.tensor([self.unconditional]),
        }

    def standing(self, trial: int) -> str:
        """Return what a progress bar says."""
        return f"noise left on validation {self.conditional:.3f} ({self.unconditional:.3f} without spectra)"


class DenoisingScorer:
    """The loss on validation structures at levels of noise, the same in every epoch."""

    def __init__(self, cells: Sequence[Cell], least: float, most: float) -> None:
        random = np.random.default_rng(_VALIDATION_SEED)
        self.draws = []
        for level, noise in enumerate(np.geomspace(least, most, _LEVELS)):
            cell = cells[level % len(cells)]
            unit_N3 = torch.from_numpy(random.standard_normal(cell.positions_N3.shape).astype(np.float32))
            self.draws.append((cell, float(noise), unit_N3))

    @torch.no_grad()
    def score(self, network: ScoreNetwork) -> DenoisingScores:
        """Score the network."""
        losses = []
        for conditional in (True, False):
            for cell, noise, unit_N3 in self.draws:
                condition_NC = torch.as_tensor(cell.condition_NC, dtype=torch.float32)
                has_condition_N = torch.as_tensor(cell.has_condition_N & conditional)
                loss, _ = denoising_loss(network, cell, noise, unit_N3, condition_NC, has_condition_N)
                losses.append(float(loss))
        return DenoisingScores(*np.array(losses).reshape(2, -1).mean(axis=1).tolist())


def fit(
    task: Task, progress: ProgressReport, announce: Callable[[str], None] = lambda text: None
) -> TrainedGenerator:
    """Train, write metrics.csv, best.ckpt and last.ckpt, and return the model.

    Parameters
    ----------
    task
        What to train.
    progress
        Called after every epoch.
    announce
        Called with what a user should know, a sentence each.

    Raises
    ------
    training.task.TrainingError
        If training diverged before it had a usable epoch.
    Stopped
        If a signal asked the run to stop; last.ckpt is written.
    """
    for sentence in shared_networks(task.family):
        announce(f"warning: {sentence}")
    best = train_trials(task, progress, announce)
    network = ScoreNetwork(task.shape, trial_generators(task.seed, [0]))
    network.load_state_dict(best.weights)
    condition_MC = task.conditioning.of_rows(task.family, task.rows_M)
    model = TrainedGenerator(
        **kept_of(task.family, task.descriptor_classes),
        network=network.eval().requires_grad_(False),
        conditioning=task.conditioning,
        condition_MC=condition_MC[np.isfinite(condition_MC).all(axis=1)].astype(np.float32),
        least_noise=task.model.least_noise,
        most_noise=task.model.most_noise,
        best_epoch_T=best.best_epoch_T.numpy(),
        selected_trial=0,
        scores_T=best.scores_T.numpy(),
        failed_T=best.failed_T,
    )
    model.save(task.folder / "checkpoints" / "best.ckpt")
    return model
