"""Keys of `rankaae train`."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, ClassVar

from omegaconf import MISSING

from rankaae_cli.models import DEFAULT_KIND
from rankaae_cli.models.diffusion import settings as diffusion
from rankaae_cli.models.diffusion.settings import DiffusionSettings
from rankaae_cli.models.forward import settings as forward
from rankaae_cli.models.forward.settings import ForwardSettings
from rankaae_cli.models.rankaae import settings as rankaae
from rankaae_cli.models.rankaae.settings import ModelSettings, ObjectiveSettings, OptimiserSettings
from rankaae_cli.models.supervised import settings as supervised
from rankaae_cli.models.supervised.settings import MixtureSettings, ReaderSettings
from rankaae_cli.schema.family import FamilyOption


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
    joins_families
        Whether data= may hold files of several families, each over energies relative to its first.
    reads_structures
        Whether it needs the structures beside the family file.
    """

    joins_families: ClassVar[bool] = False
    reads_structures: ClassVar[bool] = False

    kind: Annotated[str, "of the model, a configuration group"] = DEFAULT_KIND
    family: FamilyOption = None
    data: Annotated[
        Any,
        "a family file, or several, [a.h5,b.h5], as one; null: the family's default, data/<family>.h5, else "
        "its shipped synthetic sample",
    ] = None
    regrid: Annotated[
        bool, "of several files: bring spectra on another grid to that of the first, by a cubic spline"
    ] = False
    trials: Annotated[
        int | None,
        "models that differ in their random numbers and are averaged; null: as many as the run of start= has",
    ] = MISSING
    seed: Annotated[int, "of all random numbers of training"] = MISSING
    split_seed: Annotated[
        int | None, "of the split; 0: the split in the file; null: that of the run of start="
    ] = MISSING
    split_by: Annotated[
        str | None,
        "what shares a side of the split: material, formula, chemical_system, or other groups that the file has; "
        "null: as the file, or the run of start=, is split",
    ] = None
    threads: Annotated[
        int,
        "of the processor; more make many trials quicker on an idle machine, but wait for each other on a "
        "busy one",
    ] = MISSING
    resume: Annotated[
        str | None,
        "an interrupted run's directory, to go on with it; latest: the newest one below runs/; a sweep's, "
        "to run the jobs that are missing",
    ] = None
    ingest: Annotated[
        str | None,
        "folder of FEFF calculations <ingest>/<family>, or archives of that name: read first where the "
        "family has no data file yet",
    ] = None
    then: Annotated[
        Then, "report: evaluate, traverse and report the run, and of a sweep all runs on one page"
    ] = Then.nothing


@dataclass
class EpochsConfig(TrainConfig):
    """Keys of the kinds whose networks are trained in epochs; their values lie in ``conf/course/epochs.yaml``."""

    memory: Annotated[
        Any,
        "the most that spectra may take in memory, or on the device, of each process, such as 1GB; beyond "
        "it they are read from the file in blocks, again in every epoch; null: as much as is free",
    ] = None
    unlabelled: Annotated[
        str | None,
        "a second family file whose spectra train the autoencoder without their descriptors: spectra are "
        "reconstructed better by it, descriptors read worse unless they are taught (teacher)",
    ] = None
    start: Annotated[
        str | None,
        "a finished run, or latest: every trial begins from the weights of its own there, and what the networks "
        "are is kept; the group transfer then has the defaults",
    ] = None
    teacher: Annotated[
        str | None,
        "a finished run that reads descriptors, or latest: what it reads stands in for those that training spectra "
        "lack; where few have labels, one of kind=supervised makes the reading better (by 0.02 in rank "
        "correlation, with labels for 5 % of the copper oxides)",
    ] = None
    replay: Annotated[
        float,
        "share of an epoch's spectra, from 0 on, below 1, drawn from the training data of the run of start=",
    ] = 0.0
    trials_at_once: Annotated[
        int | None, "train at most so many side by side, the rest queue; null: as many as memory holds"
    ] = None
    max_epochs: Annotated[int | None, "passes over the training rows; null: as many as make max_steps"] = None
    max_steps: Annotated[int, "batches, rounded up to whole epochs, where max_epochs is null"] = MISSING
    batch_size: Annotated[int, "rows, at least 2"] = MISSING
    labelled_share: Annotated[
        float,
        "least share of each batch whose descriptors are known: where fewer rows have any, these are trained on "
        "several times an epoch, in the stead of others, which would else make the reading worse (by 0.04 in rank "
        "correlation, with labels for 5 % of the copper oxides); not where spectra are read in blocks (memory)",
    ] = 0.0
    device: Annotated[Device, "auto takes CUDA where there is one"] = Device.auto
    devices: Annotated[
        Any,
        "how many take part, each with trials of its own: CUDA devices, or processes of `threads` each on "
        "the processor; auto: all CUDA devices, or the processors that nothing else uses, where that saves time",
    ] = MISSING
    spread: Annotated[
        str, "trials, for what several devices part among them; what else rankaae 0.1.0 took is refused"
    ] = "trials"
    save_every: Annotated[
        int,
        "epochs between two savings of last.ckpt, from which an interrupted run goes on; ten minutes after "
        "the last one it is saved all the same",
    ] = MISSING
    logger: Annotated[
        dict[str, Any],
        "a class of Lightning's loggers by its _target_, and its arguments; metrics.csv is always written",
    ] = field(default_factory=dict)


@dataclass
class RankAAEConfig(EpochsConfig):
    """Keys of `rankaae train kind=rankaae`."""

    model: Annotated[ModelSettings, "sizes of the networks and number of free styles"] = MISSING
    objective: Annotated[ObjectiveSettings, "the six losses, and what is done to the input spectra"] = MISSING
    optimiser: Annotated[OptimiserSettings, "AdamW and the course of its rate"] = MISSING


@dataclass
class SupervisedConfig(TrainConfig):
    """Keys of `rankaae train kind=supervised`."""

    model: Annotated[ReaderSettings, "what reads the descriptors, and what it sees of a spectrum"] = MISSING
    # A run that was begun before there were mixtures has none.
    mixtures: Annotated[MixtureSettings, "of training spectra, to train on beside these"] = field(
        default_factory=MixtureSettings
    )


@dataclass
class ForwardConfig(TrainConfig):
    """Keys of `rankaae train kind=forward`."""

    joins_families: ClassVar[bool] = True

    start: Annotated[
        str | None,
        "a finished run, or latest, of several families or of another code: its rows are fitted to beside those of "
        "data=, by a kernel that is chosen for these",
    ] = None
    model: Annotated[ForwardSettings, "what makes spectra of features of the sites"] = MISSING


@dataclass
class DiffusionConfig(EpochsConfig):
    """Keys of `rankaae train kind=diffusion`."""

    reads_structures: ClassVar[bool] = True

    model: Annotated[
        DiffusionSettings, "the score network, the noise that it takes away, and what conditions atoms"
    ] = MISSING


# The keys that each kind of `models.registry.KINDS` takes.
TRAIN_SCHEMAS: dict[str, type[TrainConfig]] = {
    "rankaae": RankAAEConfig,
    "supervised": SupervisedConfig,
    "forward": ForwardConfig,
    "diffusion": DiffusionConfig,
}
# What the numbers among the keys of its own must be, in the words of `schema.numbers`.
TRAIN_NUMBERS: dict[str, dict[str, tuple[str, ...]]] = {
    "rankaae": rankaae.NUMBERS,
    "supervised": supervised.NUMBERS,
    "forward": forward.NUMBERS,
    "diffusion": diffusion.NUMBERS,
}
