"""What is trained: the data, its course, and what a kind of model adds to these for the engine."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from pytorch_lightning.loggers import Logger
from torch import Tensor

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.spectra_rows import Spectra
from rankaae_cli.training.lightning import TrialModule
from rankaae_cli.training.rows import Replay, TrainingRows

Watch = Callable[[int, int, float], None]


class TrainingError(RuntimeError):
    """Training failed in every trial."""


class EpochScores(Protocol):
    """The scores of all trials on validation after an epoch, in the processor's memory.

    Attributes
    ----------
    score_T
        What epochs and trials are chosen by: higher is better, -inf where a value is not finite.
    """

    @property
    def score_T(self) -> Tensor:  # noqa: D102
        ...

    def columns(self) -> dict[str, Tensor]:
        """Return the values of `Task.score_columns`, shape (T,) each."""

    def standing(self, trial: int) -> str:
        """Return what a progress bar says of a trial."""


class Scorer(Protocol):
    """Scores the networks of all trials on the validation rows."""

    def score(self, network: Any) -> EpochScores:
        """Score every trial; the network is in evaluation mode."""


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What to train, on what, and where to write it; each kind of model derives its own.

    Attributes
    ----------
    family
        With its split.
    descriptor_classes
        Classes of those descriptors that take few values.
    trials
        How many, each with its own random numbers.
    seed
        Of all random numbers; those that each trial draws depend on its own number alone.
    folder
        Takes checkpoints/, and what else a kind writes.
    threads
        Of the processor, for the products of one process.
    resume
        Go on with what an interrupted training left in `folder`.
    """

    # What of the family's rows is learnt from: ``descriptors``, ``features`` or ``structures``.
    learns_from: ClassVar[str] = "descriptors"

    family: Family
    descriptor_classes: dict[str, list[float]]
    trials: int
    seed: int
    folder: Path
    threads: int = 1
    resume: bool = False

    @classmethod  # noqa: B027
    def require(cls, family: Family) -> None:
        """Raise UserError if this kind of model cannot learn from a family; most can from any."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What is trained, in words."""


@dataclass(frozen=True, kw_only=True)
class EpochTask(Task):
    """A training of networks in epochs, what the engine of `training` is given.

    Attributes
    ----------
    unlabelled_NE
        More training spectra, on the family's grid, whose descriptors are not known.
    taught_NK
        Descriptors that stand in for unknown ones of the training rows and then of `unlabelled_NE`; None: nothing.
    memory
        Bytes that the spectra may take in each process: they are read in blocks, again in every epoch. None: all
        are brought to the device.
    first_trial
        The number of the first.
    trials_at_once
        At most so many train side by side, the rest queue; None: as many as the memory holds.
    device
        ``cpu`` or ``cuda``.
    logger
        One of Lightning's, for the losses and scores of every epoch; metrics.csv is always written.
    memory_share
        Part of the memory that is free which this training may plan for.
    devices
        How many take part, each with trials of its own: CUDA devices, or processes of `threads` each on the
        processor.
    save_every
        Epochs between two savings of last.ckpt.
    start_weights
        Of another training's networks, stacked over as many trials: what each trial begins from; None: random ones.
    replayed
        Rows of earlier data that are trained on again; None: none.
    labelled_share
        Least share of every batch whose descriptors are known; see `training.batches`.
    watch
        Called after every epoch with how many epochs of how many are done, and the best validation score so far;
        what it raises ends the training.
    """

    # Names of the losses, and of the scores in metrics.csv that follow from others and have no curve of their own.
    losses: ClassVar[tuple[str, ...]]
    derived_scores: ClassVar[tuple[str, ...]] = ()
    # Whether there is one trial, whatever is asked for.
    has_one_trial: ClassVar[bool] = False

    max_epochs: int
    batch_size: int
    device: str
    logger: Logger | None = None
    unlabelled_NE: Spectra | None = None
    taught_NK: np.ndarray | None = None
    memory: int | None = None
    save_every: int = 50
    trials_at_once: int | None = None
    devices: int = 1
    first_trial: int = 0
    memory_share: float = 1.0
    start_weights: dict[str, Tensor] | None = None
    replayed: Replay | None = None
    labelled_share: float = 0.0
    watch: Watch | None = None

    @property
    def description(self) -> str:
        """How many trials of how many epochs."""
        several = "s" if self.trials != 1 else ""
        shared = f", shared among {self.devices} processes" if self.devices > 1 else ""
        return f"{self.trials} trial{several} of {self.max_epochs} epochs on {self.device}{shared}"

    @property
    @abstractmethod
    def score_columns(self) -> tuple[str, ...]:
        """The columns of metrics.csv between the losses and the score."""

    @property
    @abstractmethod
    def plateau(self) -> tuple[int, float] | None:
        """After how many epochs without a better score a trial's rate is reduced, and the factor; None: never."""

    @property
    def last(self) -> Path:
        """The checkpoint from which an interrupted training goes on."""
        return self.folder / "checkpoints" / "last.ckpt"

    @abstractmethod
    def module(self, rows: TrainingRows, trials: range) -> TrialModule:
        """Return the networks of these trials with their losses."""

    def batches(
        self, rows: TrainingRows, trials: Sequence[int]
    ) -> tuple[Iterable[Any], list[torch.Generator]]:
        """Return the batches of an epoch, and the random generators that they draw from."""
        return rows.batches(self.batch_size, self.seed, trials, self.labelled_share)

    @abstractmethod
    def scorer(self, rows: TrainingRows) -> Scorer:
        """Return what scores an epoch."""

    @abstractmethod
    def bytes_a_trial(self, training_rows: int, validation_rows: int) -> int:
        """Estimate the memory that one more trial takes at the peak of training, in bytes."""
