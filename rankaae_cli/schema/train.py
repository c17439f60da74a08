"""Keys of `rankaae train`."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING

from rankaae_cli.models.rankaae.settings import ModelSettings, ObjectiveSettings, OptimiserSettings
from rankaae_cli.schema.family import FamilyConfig

# Of runs that name none.
DEFAULT_KIND = "rankaae"


class Device(Enum):
    """Where to train; auto takes CUDA where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Then(Enum):
    """What `train` does after training."""

    nothing = "nothing"
    report = "report"


@dataclass
class TrainConfig:
    """Keys of `rankaae train`, whatever kind of model it trains.

    Attributes
    ----------
    kind
        of the model, a configuration group
    family
        what the spectra are of: +family=NAME; --help beside it shows its keys
    data
        a family file, or several, [a.h5,b.h5], as one; null: the family's default, data/<family>.h5, else its
        shipped synthetic sample
    regrid
        of several files: bring spectra on another grid to that of the first, by a cubic spline
    memory
        the most that spectra may take in memory, or on the device, of each process, such as 1GB; beyond it they
        are read from the file in blocks, again in every epoch; null: as much as is free
    unlabelled
        a second family file whose spectra train the autoencoder without their descriptors
    trials
        models trained side by side, differing in their random numbers
    trials_at_once
        train at most so many side by side, the rest queue; null: as many as memory holds
    max_epochs
        passes over the training rows; null: as many as make max_steps
    max_steps
        batches, rounded up to whole epochs, where max_epochs is null
    batch_size
        rows, at least 2
    seed
        of all random numbers of training
    split_seed
        of the split by material; 0: the split in the file
    device
        auto takes CUDA where there is one
    threads
        of the processor; more make many trials quicker on an idle machine, but wait for each other on a
        busy one
    devices
        how many take part, each with trials of its own: CUDA devices, or processes of `threads` each on the
        processor
    spread
        trials, for what several devices part among them; what else rankaae 0.1.0 took is refused
    save_every
        epochs between two savings of last.ckpt, from which an interrupted run goes on; ten minutes after the last
        one it is saved all the same
    resume
        an interrupted run's directory, to go on with it; latest: the newest one below runs/; a sweep's, to run
        the jobs that are missing
    ingest
        folder of FEFF calculations <ingest>/<family>, or archives of that name: read first where the family
        has no data file yet
    then
        report: evaluate, traverse and report the run, and of a sweep all runs on one page
    logger
        a class of Lightning's loggers by its _target_, and its arguments; metrics.csv is always written
    """

    kind: str = DEFAULT_KIND
    family: FamilyConfig | None = None
    data: Any = None
    regrid: bool = False
    memory: Any = None
    unlabelled: str | None = None
    trials: int = MISSING
    trials_at_once: int | None = None
    max_epochs: int | None = None
    max_steps: int = MISSING
    batch_size: int = MISSING
    seed: int = MISSING
    split_seed: int = MISSING
    device: Device = Device.auto
    threads: int = MISSING
    devices: int = MISSING
    spread: str = "trials"
    save_every: int = MISSING
    resume: str | None = None
    ingest: str | None = None
    then: Then = Then.nothing
    logger: dict[str, Any] = field(default_factory=dict)


@dataclass
class RankAAEConfig(TrainConfig):
    """Keys of `rankaae train kind=rankaae`.

    Attributes
    ----------
    model
        sizes of the networks and number of free styles
    objective
        the six losses, and what is done to the input spectra
    optimiser
        AdamW and the course of its rate
    """

    model: ModelSettings = MISSING
    objective: ObjectiveSettings = MISSING
    optimiser: OptimiserSettings = MISSING


# The keys that each kind of `models.registry.KINDS` takes.
TRAIN_SCHEMAS: dict[str, type[TrainConfig]] = {"rankaae": RankAAEConfig}
