"""What the engine is given to train, made of a run's configuration."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.registry import part_of_kind
from rankaae_cli.runs.directory import typed_config
from rankaae_cli.runs.provenance import PROVENANCE, read_provenance
from rankaae_cli.training.fit import chosen_device
from rankaae_cli.training.schedules import epochs_of
from rankaae_cli.training.task import Task


def task_of(cfg: DictConfig, **given: Any) -> Task:
    """Return what to train: what is given, and the settings of `cfg` for all else that its kind of model takes."""
    settings: Any = OmegaConf.to_object(cfg)
    kind: type[Task] = part_of_kind(cfg.kind, "fit").Task
    chosen = {field.name for field in fields(kind)} & set(vars(settings))
    return kind(**{name: getattr(settings, name) for name in chosen} | given)


def task_from_scratch(
    run: Path, family: Family, descriptor_classes: dict[str, list[float]], folder: Path
) -> Task | None:
    """Return what trains the networks of a run with ``start=`` anew, on its rows alone, into a folder.

    It is trained as the run was that all began from; where an earlier call was interrupted, it goes on. None where
    that run is gone.
    """
    first = run
    while (begun := read_provenance(first).get("start")) is not None:
        first = Path(begun["run"])
        if not (first / PROVENANCE).is_file():
            return None
    own, cfg = typed_config(run), typed_config(first)
    family = family.in_memory()
    rows = int((family.split_N == TRAIN).sum())
    return task_of(
        cfg,
        family=family,
        descriptor_classes=descriptor_classes,
        trials=own.trials,
        seed=own.seed,
        threads=own.threads,
        device=chosen_device(own.device.value),
        devices=1,
        memory=None,
        max_epochs=cfg.max_epochs or epochs_of(cfg.max_steps, rows, cfg.batch_size),
        folder=folder,
        logger=None,
        resume=True,
    )
