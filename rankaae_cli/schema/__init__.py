"""Typed configuration: every key a command knows, its type and its meaning.

Defaults that a user may want to read or change lie in ``conf/``; a key that is not here is refused. Each key has
its meaning beside its type, ``Annotated[type, "meaning"]``, which ``rankaae COMMAND --help`` shows.
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore

from rankaae_cli.models import DEFAULT_KIND
from rankaae_cli.schema.compare import CompareConfig
from rankaae_cli.schema.finished_run import EvaluateConfig, ReportConfig, TraverseConfig
from rankaae_cli.schema.ingest import IngestConfig
from rankaae_cli.schema.predict import AlignConfig, ModelsConfig, PredictConfig
from rankaae_cli.schema.train import TRAIN_SCHEMAS

SCHEMAS: dict[str, Any] = {
    "ingest": IngestConfig,
    "train": TRAIN_SCHEMAS[DEFAULT_KIND],
    "evaluate": EvaluateConfig,
    "traverse": TraverseConfig,
    "report": ReportConfig,
    "align": AlignConfig,
    "predict": PredictConfig,
    "compare": CompareConfig,
    "models": ModelsConfig,
}

# The configuration groups that a command takes: folders of conf/.
GROUPS: dict[str, tuple[str, ...]] = {
    "ingest": ("family",),
    "train": (
        *("kind", "family", "experiment", "model", "objective", "augmentation", "optimiser"),
        *("transfer", "logger", "hydra/launcher", "hydra/sweeper"),
    ),
}


def schema_of(command: str, kind: str | None) -> Any:
    """Return the keys of a command; those of training a kind of model, None for the kind of runs that name none."""
    kinds = TRAIN_SCHEMAS if command == "train" else {}
    return kinds.get(kind or DEFAULT_KIND, SCHEMAS[command])


def kind_of_call(overrides: Sequence[str]) -> str:
    """Return the kind of model that a call trains, by what it sets."""
    given = [override.partition("=")[2] for override in overrides if override.startswith("kind=")]
    return given[-1] if given else DEFAULT_KIND


def register() -> None:
    """Make the schemas known to Hydra as ``<command>_schema``, those of kinds as ``train_<kind>_schema``."""
    for kind, node in TRAIN_SCHEMAS.items():
        ConfigStore.instance().store(name=f"train_{kind}_schema", node=node)
    for command, node in SCHEMAS.items():
        ConfigStore.instance().store(name=f"{command}_schema", node=node)
