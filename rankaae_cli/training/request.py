"""What to train, on what, and where to write it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytorch_lightning.loggers import Logger

from rankaae_cli.data.family.family_file import Family
from rankaae_cli.data.family.spectra_rows import Spectra
from rankaae_cli.models.rankaae.settings import ModelSettings, ObjectiveSettings, OptimiserSettings, Spread

Watch = Callable[[int, int, float], None]


class TrainingError(RuntimeError):
    """Training failed in every trial."""


@dataclass(frozen=True)
class FitRequest:
    """What to train, on what, and where to write it.

    Attributes
    ----------
    family
        With its split.
    unlabelled_NE
        More training spectra, on the family's grid, whose descriptors are not known.
    memory
        Bytes that the spectra may take in each process: they are read in blocks, again in every epoch. None: all
        are brought to the device.
    descriptor_classes
        Classes of those descriptors that take few values.
    trials, first_trial
        How many trials, and the number of the first.
    trials_at_once
        At most so many train side by side, the rest queue; None: as many as the memory holds. The numbers that
        each trial draws depend on its own number alone.
    device
        ``cpu`` or ``cuda``.
    folder
        Takes metrics.csv and checkpoints/.
    logger
        One of Lightning's, for the losses and scores of every epoch; metrics.csv is always written.
    threads
        Of the processor, for the products of one process.
    memory_share
        Part of the memory that is free which this training may plan for.
    devices
        How many take part: CUDA devices, or processes of `threads` each on the processor.
    spread
        Whether each device trains trials of its own, or all share the rows of every batch.
    save_every
        Epochs between two savings of last.ckpt.
    resume
        Go on from last.ckpt in `folder`.
    watch
        Is told after every epoch how many epochs of how many are done, and the best validation score so far; what
        it raises ends the training.
    """

    family: Family
    descriptor_classes: dict[str, list[float]]
    model: ModelSettings
    objective: ObjectiveSettings
    optimiser: OptimiserSettings
    trials: int
    max_epochs: int
    batch_size: int
    seed: int
    device: str
    folder: Path
    logger: Logger | None = None
    unlabelled_NE: Spectra | None = None
    memory: int | None = None
    threads: int = 1
    save_every: int = 50
    resume: bool = False
    trials_at_once: int | None = None
    devices: int = 1
    spread: Spread = Spread.trials
    first_trial: int = 0
    memory_share: float = 1.0
    watch: Watch | None = None
