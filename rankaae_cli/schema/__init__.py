"""Typed configuration: every key a command knows, its type and its meaning.

Defaults that a user may want to read or change lie in ``conf/``; a key that is not here is refused. What the
docstrings say of each key is what ``rankaae COMMAND --help`` shows.
"""

import importlib
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from rankaae_cli.schema.family import (
    DescriptorConfig,
    EnergyGridConfig,
    FamilyConfig,
    KeepConfig,
    NeighbourMethod,
    NeighboursConfig,
)
from rankaae_cli.schema.finished_run import (
    CheckRows,
    EvaluateConfig,
    Others,
    ReportConfig,
    Split,
    TraverseConfig,
)
from rankaae_cli.schema.ingest import (
    Backend,
    IngestConfig,
    Keep,
    NpzConfig,
    ParallelConfig,
    Source,
    SyntheticConfig,
)
from rankaae_cli.schema.measured import DrawnMeasuredConfig, MeasuredConfig, NormalisationConfig
from rankaae_cli.schema.predict import AlignConfig, PredictConfig
from rankaae_cli.schema.train import Device, Then, TrainConfig

__all__ = [
    "GROUPS",
    "SCHEMAS",
    "AlignConfig",
    "Backend",
    "CheckRows",
    "DescriptorConfig",
    "Device",
    "DrawnMeasuredConfig",
    "EnergyGridConfig",
    "EvaluateConfig",
    "FamilyConfig",
    "IngestConfig",
    "Keep",
    "KeepConfig",
    "MeasuredConfig",
    "NeighbourMethod",
    "NeighboursConfig",
    "NormalisationConfig",
    "NpzConfig",
    "Others",
    "ParallelConfig",
    "PredictConfig",
    "ReportConfig",
    "Source",
    "Split",
    "SyntheticConfig",
    "Then",
    "TrainConfig",
    "TraverseConfig",
    "register",
]

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
