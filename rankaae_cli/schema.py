"""Typed configuration: every key a command knows, its type and its default's meaning.

Defaults that a user may want to read or change lie in ``conf/``; a key that is not here is refused.
"""

from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from rankaae_cli.core.baseline_settings import BaselineSettings
from rankaae_cli.core.settings import ModelSettings, ObjectiveSettings, OptimiserSettings


class Source(Enum):
    """Formats that `ingest` reads."""

    feff = "feff"
    csv = "csv"
    npz = "npz"
    family = "family"
    atoms = "atoms"
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
    """An even energy grid: `points` values from `start` in steps of `step`, in `unit` (eV or index)."""

    start: float = MISSING
    step: float = MISSING
    points: int = MISSING
    unit: str = "eV"


@dataclass
class DescriptorConfig:
    """One descriptor of a family; `classes` where it takes few values."""

    classes: list[float] | None = None


@dataclass
class NeighboursConfig:
    """First-shell neighbours: CrystalNN, or all atoms within `radius` angstrom."""

    method: NeighbourMethod = NeighbourMethod.crystal_nn
    radius: float | None = None


@dataclass
class KeepConfig:
    """Sites to keep: all neighbours among `ligands`, their number among `coordination`; null keeps all."""

    ligands: list[str] | None = None
    coordination: list[int] | None = None


@dataclass
class FamilyConfig:
    """One family: an element and edge in a class of materials."""

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
    """What an npz file of spectra does not say: its energy grid (eV)."""

    energy_start: float | None = None
    energy_step: float | None = None


@dataclass
class SyntheticConfig:
    """Size and seed of a synthetic family."""

    spectra: int = 800
    seed: int = 0


@dataclass
class IngestConfig:
    """Keys of `rankaae ingest`."""

    family: FamilyConfig | None = None
    source: Source = MISSING
    path: str | None = None
    output: str | None = None
    overwrite: bool = False
    filter: Keep = Keep.family
    regrid: bool = False
    max_tail: float = 8.0
    time_limit: float = 120.0
    workers: int = -1
    cache: str | None = None
    npz: NpzConfig = field(default_factory=NpzConfig)
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


@dataclass
class TrainConfig:
    """Keys of `rankaae train`."""

    family: FamilyConfig | None = None
    data: str | None = None
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
    save_every: int = MISSING
    resume: str | None = None
    model: ModelSettings = MISSING
    objective: ObjectiveSettings = MISSING
    optimiser: OptimiserSettings = MISSING
    # A class of Lightning's loggers by its _target_, and its arguments.
    logger: dict[str, Any] = field(default_factory=dict)


@dataclass
class EvaluateConfig:
    """Keys of `rankaae evaluate`; `baselines` is none, all, or names of some."""

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
    """Keys of `rankaae traverse`."""

    run: str = MISSING
    levels: int = 11
    draws: int = 500
    seed: int = 0
    others: Others = Others.data
    check_rows: CheckRows = CheckRows.held_out


@dataclass
class ReportConfig:
    """Keys of `rankaae report`."""

    run: str = MISSING


SCHEMAS: dict[str, Any] = {
    "ingest": IngestConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "traverse": TraverseConfig,
    "report": ReportConfig,
}


def known_keys(command: str) -> list[str]:
    """Return the dotted keys of a command."""
    return _keys_of(SCHEMAS[command], "")


def _keys_of(node: Any, prefix: str) -> list[str]:
    keys = []
    for name, hint in get_type_hints(node).items():
        keys.append(f"{prefix}{name}")
        for part in (hint, *get_args(hint)):
            if is_dataclass(part) and get_origin(hint) is not dict:
                keys += _keys_of(part, f"{prefix}{name}.")
    return keys


def register() -> None:
    """Make the schemas known to Hydra as ``<command>_schema``."""
    store = ConfigStore.instance()
    for command, node in SCHEMAS.items():
        store.store(name=f"{command}_schema", node=node)
