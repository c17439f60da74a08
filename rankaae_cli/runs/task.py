"""What the engine is given to train, made of a run's configuration."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.registry import part_of_kind
from rankaae_cli.runs.directory import typed_config
from rankaae_cli.runs.provenance import PROVENANCE, read_provenance
from rankaae_cli.training.fit import chosen_device
from rankaae_cli.training.schedules import epochs_of
from rankaae_cli.training.task import EpochTask, Task


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

    It is trained as the run was that all began from, or, where not in epochs, as the run itself; where an earlier
    call was interrupted, it goes on. None where the run is gone.
    """
    own = typed_config(run)
    if not issubclass(part_of_kind(own.kind, "fit").Task, EpochTask):
        return task_of(own, family=family, descriptor_classes=descriptor_classes, folder=folder)
    first = run
    while (begun := read_provenance(first).get("start")) is not None:
        first = Path(begun["run"])
        if not (first / PROVENANCE).is_file():
            return None
    cfg = typed_config(first)
    return task_of(
        cfg,
        descriptor_classes=descriptor_classes,
        trials=own.trials,
        seed=own.seed,
        threads=own.threads,
        folder=folder,
        resume=True,
        **_of_epochs(cfg, own.device.value, family.in_memory()),
    )


def task_anew(run: Path, family: Family, descriptor_classes: dict[str, list[float]], folder: Path) -> Task:
    """Return what trains the model of a run once more, with its settings on other rows, into a folder.

    Raises
    ------
    UserError
        If the run rests on another, whose rows are not at hand.
    """
    cfg, given = typed_config(run), {}
    if issubclass(part_of_kind(cfg.kind, "fit").Task, EpochTask):
        for key in ("start", "teacher"):
            if cfg[key] is not None:
                raise UserError(
                    f"a run with {key}= cannot be trained on fewer of its rows, which that run has seen\n"
                    f"take one without {key}="
                )
        given = _of_epochs(cfg, cfg.device.value, family.in_memory())
    return task_of(cfg, **{"family": family, **given}, descriptor_classes=descriptor_classes, folder=folder)


def _of_epochs(cfg: DictConfig, device: str, family: Family) -> dict[str, Any]:
    """Return the rows of a training in epochs, and how it goes here and now."""
    rows = int((family.split_N == TRAIN).sum())
    return {
        "family": family,
        "device": chosen_device(device),
        "devices": 1,
        "memory": None,
        "max_epochs": cfg.max_epochs or epochs_of(cfg.max_steps, rows, cfg.batch_size),
        "logger": None,
    }
