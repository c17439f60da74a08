"""The course of a training: what it begins from, and one in epochs, what else it is given, where and how long."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from omegaconf import DictConfig

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.spectra_rows import Spectra
from rankaae_cli.models.registry import part_of_kind
from rankaae_cli.runs import data as training_data
from rankaae_cli.runs.directory import short_path
from rankaae_cli.runs.earlier.run import EarlierRun
from rankaae_cli.runs.earlier.start import StartRun, find_start, replayed_rows
from rankaae_cli.runs.earlier.teacher import TeacherRun, find_teacher
from rankaae_cli.schema import schema_of
from rankaae_cli.schema.train import EpochsConfig
from rankaae_cli.training.fit import chosen_device, worthwhile_devices
from rankaae_cli.training.rows import Replay, spectra_bytes
from rankaae_cli.training.schedules import epochs_of

AUTO = "auto"  # of devices=


def is_in_epochs(cfg: DictConfig) -> bool:
    """Return whether the kind of model that a configuration trains is trained in epochs."""
    return issubclass(schema_of("train", cfg.kind), EpochsConfig)


@dataclass(frozen=True)
class Course:
    """What a training is given beyond its family; of one that is not in epochs, `start` alone is used.

    Attributes
    ----------
    device
        ``cpu`` or ``cuda``.
    start, replayed
        The run that is begun from and rows of it that are trained on again; None for none.
    teacher
        The run whose readings stand in for unknown descriptors; None for none.
    """

    device: str = "cpu"
    start: StartRun | None = None
    replayed: Replay | None = None
    teacher: TeacherRun | None = None

    @property
    def earlier_runs(self) -> list[EarlierRun]:
        """The runs that it rests on."""
        return [run for run in (self.start, self.teacher) if run is not None]

    @classmethod
    def of(cls, cfg: DictConfig) -> "Course":
        """Return the course of a configuration, which is filled with what the run of start= decides.

        Raises
        ------
        UserError
            If settings do not go together, or are no more, or the run of start= or teacher= cannot be used.
        """
        if not is_in_epochs(cfg):
            return cls(start=find_start(cfg) if "start" in cfg else None)
        teacher = find_teacher(cfg)
        start = find_start(cfg)
        replayed = replayed_rows(start, cfg.replay)
        _check(cfg)
        devices = 1 if cfg.devices == AUTO else cfg.devices
        return cls(chosen_device(cfg.device.value, devices), start, replayed, teacher)

    def given(self, cfg: DictConfig, family: Family, resumed: bool, alone: bool) -> dict[str, Any]:
        """Return the attributes of a task that settings do not tell.

        What is decided for the user is written into `cfg`.

        Parameters
        ----------
        cfg, family
            The configuration, and what is trained on.
        resumed
            Whether an interrupted run goes on.
        alone
            Whether one process has to have all trials, as a logger or the pruning of a search asks for.

        Raises
        ------
        UserError
            If the second file or the teacher cannot be used, or memory= is too little.
        """
        if not is_in_epochs(cfg):
            return {} if self.start is None else {"earlier": self.start.family}
        unlabelled_NE = training_data.unlabelled_spectra(cfg, family)
        memory = training_data.streaming_memory(cfg, family, unlabelled_NE, self.device, resumed)
        rows = training_data.rows_trained_on(family, unlabelled_NE, cfg.replay)
        max_epochs = cfg.max_epochs or epochs_of(cfg.max_steps, rows, cfg.batch_size)
        if cfg.devices == AUTO:
            steps = max_epochs * -(-rows // cfg.batch_size)
            held = memory or spectra_bytes(family.spectra_NE) + (
                0 if unlabelled_NE is None else spectra_bytes(unlabelled_NE)
            )
            wanted = self.device, cfg.trials, steps, cfg.threads, held
            alone = alone or part_of_kind(cfg.kind, "fit").Task.has_one_trial
            cfg.devices = 1 if alone else worthwhile_devices(*wanted)
        return {
            "unlabelled_NE": unlabelled_NE,
            "taught_NK": None if self.teacher is None else self.teacher.readings(family, unlabelled_NE),
            "memory": memory,
            "device": self.device,
            "max_epochs": max_epochs,
            "start_weights": None if self.start is None else self.start.weights,
            "replayed": self.replayed,
        }

    def description(self, cfg: DictConfig, family: Family, unlabelled_NE: Spectra | None) -> Iterator[str]:
        """Give lines on it."""
        if self.start is not None and is_in_epochs(cfg):
            where = short_path(self.start.directory)
            fidelity = self.start.model.fidelity
            trained = "" if fidelity == "unknown" else f", trained on {fidelity} spectra"
            yield f"every trial begins from its own of {where}{trained}"
        if self.replayed is not None:
            replayed = len(self.replayed.spectra_NE)
            yield f"{cfg.replay:.0%} of each epoch are drawn from the {replayed} training spectra of that run"
        if self.teacher is not None:
            where = short_path(self.teacher.directory)
            yield f"descriptors that training spectra lack are taken as {where} reads them"
        elif is_in_epochs(cfg) and (few := _few_labels(cfg, family, unlabelled_NE)):
            yield few
        if unlabelled_NE is not None:
            yield f"{len(unlabelled_NE)} more training spectra without descriptors from {cfg.unlabelled}"


def _few_labels(cfg: DictConfig, family: Family, unlabelled_NE: Spectra | None) -> str:
    """Return what can be done where few training spectra have descriptors, nothing where enough have."""
    if part_of_kind(cfg.kind, "fit").Task.learns_from != "descriptors":
        return ""
    labelled = int((np.isfinite(family.descriptors_NK).any(1) & (family.split_N == TRAIN)).sum())
    rows = training_data.rows_trained_on(family, unlabelled_NE)
    if labelled >= cfg.labelled_share * rows:
        return ""
    return (
        f"{labelled} of {rows} training spectra have descriptors: those without may make the reading worse, "
        "unless a finished run of kind=supervised on the same data is given as teacher="
    )


def _check(cfg: DictConfig) -> None:
    """Refuse settings that do not go together, or are no more."""
    if cfg.spread != "trials":
        raise UserError(
            f"spread={cfg.spread} cannot be used: rankaae 0.1.0 was the last that had it, "
            "now each device trains trials of its own"
        )
    if cfg.devices == AUTO:
        return
    if not isinstance(cfg.devices, int) or isinstance(cfg.devices, bool):
        raise UserError(f"devices={cfg.devices} is no number of devices\ngive a whole number, or auto")
    if cfg.devices > cfg.trials:
        raise UserError(f"devices={cfg.devices}: expected at most {cfg.trials}, the trials")
    if cfg.devices > 1 and cfg.logger:
        raise UserError("logger= cannot be used where trials are spread over devices\ngive logger=none")
