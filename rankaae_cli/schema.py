"""Typed configuration: every key a command knows, its type and its meaning.

Defaults that a user may want to read or change lie in ``conf/``; a key that is not here is refused. What the
docstrings say of each key is what ``rankaae COMMAND --help`` shows.
"""

import importlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import MISSING

from rankaae_cli.core.baseline_settings import BaselineSettings
from rankaae_cli.core.settings import ModelSettings, ObjectiveSettings, OptimiserSettings, Spread


class Source(Enum):
    """Formats that `ingest` reads."""

    feff = "feff"
    csv = "csv"
    npz = "npz"
    family = "family"
    atoms = "atoms"
    xdi = "xdi"
    synthetic = "synthetic"


class Keep(Enum):
    """Which sites `ingest` keeps."""

    family = "family"
    none = "none"


class NeighbourMethod(Enum):
    """How the first shell of an absorber is found."""

    crystal_nn = "crystal_nn"
    cutoff = "cutoff"


@dataclass
class EnergyGridConfig:
    """An even energy grid.

    Attributes
    ----------
    start
        first energy, in `unit`
    step
        in `unit`
    points
        how many energies
    unit
        eV or index
    """

    start: float = MISSING
    step: float = MISSING
    points: int = MISSING
    unit: str = "eV"


@dataclass
class DescriptorConfig:
    """One descriptor of a family.

    Attributes
    ----------
    classes
        its values where it takes few
    """

    classes: list[float] | None = None


@dataclass
class NeighboursConfig:
    """First-shell neighbours.

    Attributes
    ----------
    method
        crystal_nn: CrystalNN of pymatgen; cutoff: all atoms within `radius`
    radius
        angstrom; cutoff alone
    """

    method: NeighbourMethod = NeighbourMethod.crystal_nn
    radius: float | None = None


@dataclass
class KeepConfig:
    """Sites to keep; null keeps all.

    Attributes
    ----------
    ligands
        elements that all neighbours must be of
    coordination
        numbers of neighbours
    """

    ligands: list[str] | None = None
    coordination: list[int] | None = None


@dataclass
class FamilyConfig:
    """One family: an element and edge in a class of materials.

    Attributes
    ----------
    name
        of the family, and of its files
    element
        of the absorber
    edge
        such as K
    energy
        an even energy grid
    descriptors
        by name; `classes` of one where it takes few values
    neighbours
        how first shells are found
    keep
        sites that ingest keeps; null keeps all
    data
        the default family file
    """

    name: str = MISSING
    element: str = MISSING
    edge: str = "K"
    energy: EnergyGridConfig = field(default_factory=EnergyGridConfig)
    descriptors: dict[str, DescriptorConfig] = field(default_factory=dict)
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)
    data: str = MISSING


@dataclass
class NpzConfig:
    """What an npz file of spectra does not say: its energy grid.

    Attributes
    ----------
    energy_start
        first energy, eV
    energy_step
        spacing, eV
    """

    energy_start: float | None = None
    energy_step: float | None = None


@dataclass
class NormalisationConfig:
    """Where the edge step is fitted, eV from the edge; null: the length of the scan decides.

    Attributes
    ----------
    pre1
        begin of the pre-edge; null: -150, or the second point
    pre2
        its end; null: -30, or halfway to the edge
    norm1
        begin of the post-edge; null: a third of its end, from 45 to 150
    norm2
        its end; null: 800, or that of the scan
    pre_order
        order of the pre-edge polynomial; null: 1, or 0 over less than 8 eV
    norm_order
        order of the post-edge polynomial; null: 0 over less than 70 eV, 1 below 300, else 2
    flatten
        take slope and curvature of the post-edge out above the edge
    """

    pre1: float | None = None
    pre2: float | None = None
    norm1: float | None = None
    norm2: float | None = None
    pre_order: int | None = None
    norm_order: int | None = None
    flatten: bool = True


@dataclass
class MeasuredConfig:
    """How measured spectra are read and normalised.

    Attributes
    ----------
    columns
        which columns to take, by name or number, where the file does not say: [energy,mu], or a mapping of
        energy, mu, i0, itrans, ifluor, irefer, normalised, unit (eV, keV, degrees), d_spacing (angstrom)
    calibrate
        shift the energies of a scan that has a foil so that its edge lies where it is tabulated
    normalisation
        where the edge step is fitted
    figures
        draw how the spectra were normalised
    """

    columns: Any = None
    calibrate: bool = True
    normalisation: NormalisationConfig = field(default_factory=NormalisationConfig)
    figures: bool = True


@dataclass
class SyntheticConfig:
    """Size and seed of a synthetic family.

    Attributes
    ----------
    spectra
        how many
    seed
        of its random numbers
    """

    spectra: int = 800
    seed: int = 0


class Backend(Enum):
    """What runs the computation of descriptors; ray and dask also use other machines."""

    loky = "loky"
    threading = "threading"
    ray = "ray"
    dask = "dask"


@dataclass
class ParallelConfig:
    """Where the descriptors of structures are computed.

    Attributes
    ----------
    backend
        processes (loky), threads, or a Ray or Dask cluster
    jobs
        structures at once; -1: one a core, of a cluster all its cores
    address
        of a Ray cluster or a Dask scheduler; null: one is started on this machine
    """

    backend: Backend = Backend.loky
    jobs: int = -1
    address: str | None = None


@dataclass
class IngestConfig:
    """Keys of `rankaae ingest`.

    Attributes
    ----------
    family
        what the spectra are of: +family=NAME; --help beside it shows its keys
    source
        format of the input; atoms: structures with one row of spectrum values an atom; xdi: measured
        spectra in XDI, Athena, NeXus or text files, told apart by their contents
    path
        the folder, archive or file to read
    output
        the family file to write; null: the family's default, data/<family>.h5
    overwrite
        replace an output that exists
    filter
        family: only sites whose first shell the family keeps; none: every site (source feff or atoms)
    regrid
        bring the spectra to the family's grid instead of keeping their own (source csv, npz
        or family)
    max_tail
        eV that a spectrum may begin late and be continued downwards by a Lorentzian's wing
    time_limit
        seconds for the descriptors of one material
    parallel
        where the descriptors are computed
    cache
        file of computed neighbour shells; null: the user's cache folder
    npz
        energy grid of an npz file, which does not hold it
    measured
        how measured spectra are read and normalised (source xdi)
    synthetic
        size and seed of a synthetic family
    """

    family: FamilyConfig | None = None
    source: Source = MISSING
    path: str | None = None
    output: str | None = None
    overwrite: bool = False
    filter: Keep = Keep.family
    regrid: bool = False
    max_tail: float = 8.0
    time_limit: float = 120.0
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    cache: str | None = None
    npz: NpzConfig = field(default_factory=NpzConfig)
    measured: MeasuredConfig = field(default_factory=MeasuredConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)


class Device(Enum):
    """Where to train; auto takes CUDA where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Split(Enum):
    """Sides of the split."""

    train = "train"
    validation = "validation"
    test = "test"


class Then(Enum):
    """What `train` does after training."""

    nothing = "nothing"
    report = "report"


@dataclass
class TrainConfig:
    """Keys of `rankaae train`.

    Attributes
    ----------
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
        batches, where max_epochs is null
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
        how many take part: CUDA devices, or processes of `threads` each on the processor
    spread
        with several devices: trials, each device trains its own; rows, all share every batch (large data)
    save_every
        epochs between two savings of last.ckpt, from which an interrupted run goes on
    resume
        an interrupted run's directory, to go on with it; latest: the newest one below runs/; a sweep's, to run
        the jobs that are missing
    ingest
        folder of FEFF calculations <ingest>/<family>, or archives of that name: read first where the family
        has no data file yet
    then
        report: evaluate, traverse and report the run, and of a sweep all runs on one page
    model
        sizes of the networks and number of free styles
    objective
        the six losses, and what is done to the input spectra
    optimiser
        AdamW and the course of its rate
    logger
        a class of Lightning's loggers by its _target_, and its arguments; metrics.csv is always written
    """

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
    spread: Spread = Spread.trials
    save_every: int = MISSING
    resume: str | None = None
    ingest: str | None = None
    then: Then = Then.nothing
    model: ModelSettings = MISSING
    objective: ObjectiveSettings = MISSING
    optimiser: OptimiserSettings = MISSING
    logger: dict[str, Any] = field(default_factory=dict)


@dataclass
class EvaluateConfig:
    """Keys of `rankaae evaluate`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/
    split
        side of the split to score
    resamples
        of the materials, for the 95 % intervals
    seed
        of resamples, permutations and draws
    baselines
        fit these beside the model: none, all, or a list of mean_spectrum, pca_linear, extra_trees, random_forest,
        supervised_network, aae and vae
    threads
        of the processor, for the baselines
    baseline_settings
        sizes of the baselines
    """

    run: str = MISSING
    split: Split = Split.test
    resamples: int = MISSING
    seed: int = 0
    baselines: Any = "none"
    threads: int = 1
    baseline_settings: BaselineSettings = MISSING


class Others(Enum):
    """Where the styles that are not walked come from."""

    data = "data"
    independent = "independent"


class CheckRows(Enum):
    """Rows that a traversal is held against; held_out: validation and test."""

    held_out = "held_out"
    train = "train"
    validation = "validation"
    test = "test"
    all = "all"


@dataclass
class TraverseConfig:
    """Keys of `rankaae traverse`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/
    levels
        steps of each walk, between the style's 5th and 95th percentile
    draws
        how often the styles that are not walked are drawn, to be averaged over
    seed
        of the draws
    others
        where they come from; data: styles of training rows, as they occur together; independent: standard
        normal
    check_rows
        spectra that the responses are held against; held_out: validation and test
    """

    run: str = MISSING
    levels: int = 11
    draws: int = 500
    seed: int = 0
    others: Others = Others.data
    check_rows: CheckRows = CheckRows.held_out


@dataclass
class ReportConfig:
    """Keys of `rankaae report`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/; a directory that holds runs, a pattern
        of directories, or a list of these: one page of all
    output
        of several runs: the folder to write; null: report/ in their directory, reports/DATE/TIME/ of a list
    pages
        of several runs: make the page of each where it is missing or outdated
    """

    run: Any = MISSING
    output: str | None = None
    pages: bool = True


@dataclass
class PredictConfig:
    """Keys of `rankaae predict`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/
    input
        a file, folder or pattern, or a list of these: XDI, Athena, NeXus, text, xmu.dat, CSV or family files
    output
        the folder to write; null: predictions/DATE/TIME/
    split
        of family files: the rows of this side alone; null: all
    coverage
        share of true values that the intervals are to hold
    offset
        eV to add to measured energies, or the file that `rankaae align` wrote; null: 0, and said so
    offset_uncertainty
        its standard deviation, eV, which widens the intervals; null: the file's, or 1
    mixture
        read each spectrum as a mixture of the classes of this descriptor, such as OS; true: of each that has
        classes
    best_shift
        also give the shift, at most 1 eV, at which each measured spectrum is reconstructed best; not applied
    nearest
        how many training spectra to name that are most like each
    figures
        draw at most so many spectra, the first; 0: neither figures nor page; -1: all
    max_tail
        eV that a spectrum may begin late and be continued downwards by the wing of its edge
    measured
        how measured spectra are read and normalised
    """

    run: str = MISSING
    input: Any = MISSING
    output: str | None = None
    split: Split | None = None
    coverage: float = 0.9
    offset: Any = None
    offset_uncertainty: float | None = None
    mixture: Any = False
    best_shift: bool = False
    nearest: int = 5
    figures: int = 12
    max_tail: float = 8.0
    measured: MeasuredConfig = field(default_factory=MeasuredConfig)


@dataclass
class AlignConfig:
    """Keys of `rankaae align`.

    Attributes
    ----------
    run
        a run directory, whose data the references are held against; latest: the newest finished one below
        runs/
    references
        measured files and what is known of each: {FILE:VALENCE}, {FILE:{OS:2,CN:4}} or {FILE:MATERIAL}, the
        name of its material in the data
    data
        another family file to hold them against; null: the one the run was trained on
    output
        the file to write, for `rankaae predict offset=`; beside it a figure of how the references fit
    search
        largest offset tried, eV, either way
    measured
        how measured spectra are read and normalised
    """

    run: str = MISSING
    references: Any = MISSING
    data: str | None = None
    output: str = "offset.yaml"
    search: float = 15.0
    measured: MeasuredConfig = field(default_factory=MeasuredConfig)


SCHEMAS: dict[str, Any] = {
    "ingest": IngestConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "traverse": TraverseConfig,
    "report": ReportConfig,
    "align": AlignConfig,
    "predict": PredictConfig,
}


# The configuration groups that a command takes: folders of conf/.
GROUPS: dict[str, tuple[str, ...]] = {
    "ingest": ("family",),
    "train": (
        *("family", "experiment", "model", "objective", "augmentation", "optimiser", "logger"),
        *("hydra/launcher", "hydra/sweeper"),
    ),
}


# Of hydra/sweeper and hydra/launcher: these ship in conf/, and stand before those that Hydra and plugins store.
_OWN = {"sweeper": ("basic", "optuna"), "launcher": ("ray",)}


def register() -> None:
    """Make the schemas known to Hydra as ``<command>_schema``, and our sweepers and launchers."""
    store = ConfigStore.instance()
    for command, node in SCHEMAS.items():
        store.store(name=f"{command}_schema", node=node)
    plugins = Plugins.instance()  # what there is stores its configurations now
    for plugin in importlib.import_module("hydra_plugins.rankaae").PLUGINS:
        plugins.register(plugin)
    for group, names in _OWN.items():
        for name in names:
            store.repo["hydra"].get(group, {}).pop(f"{name}.yaml", None)
