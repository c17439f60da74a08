"""The finished run whose readings stand in for descriptors that training spectra lack (``teacher=``)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from omegaconf import DictConfig

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.spectra_rows import Spectra, blocks_of, rows_taken
from rankaae_cli.models.base import Predicts, require
from rankaae_cli.models.readings import member_indicators
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST, read_run_config
from rankaae_cli.runs.earlier.run import EarlierRun
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.resume import keys_of_call


@dataclass(frozen=True)
class TeacherRun(EarlierRun):
    """A finished run that reads descriptors off the training spectra of another training."""

    key = "teacher"

    model: Predicts

    def record(self) -> dict[str, Any]:
        """Return what provenance.json says of the run."""
        return {**super().record(), "kind": self.model.kind}

    def readings(self, family: Family, unlabelled: Spectra | None) -> np.ndarray:
        """Return what it reads off a family's training spectra and then off more, (M, K).

        The columns are the family's descriptors: NaN where one is known, or the run does not read it.

        Raises
        ------
        UserError
            If it is of another element, edge or grid, reads none that is not known, or a material is on another
            side of the split than in its own data.
        """
        self.require_same_subject(family)
        self.require_same_grid(family)
        self.require_same_sides(family, int(self.config.split_seed))
        return stand_ins(self.model, family, unlabelled)


def find_teacher(cfg: DictConfig) -> TeacherRun | None:
    """Return the run that is to teach, None for none; fill `cfg` with its split.

    Raises
    ------
    UserError
        If there is no such run, it has not finished, does not read descriptors, or is split otherwise.
    """
    if cfg.teacher is None:
        return None
    directory = find_run(cfg.teacher, key="teacher")
    model = require(load_model(directory / BEST), "rankaae train teacher=", Predicts)
    cfg.teacher = str(directory)
    teacher = TeacherRun(directory, read_run_config(directory), model)
    teacher.keep_split(cfg, takes_seed="split_seed" not in keys_of_call())
    return teacher


def stand_ins(model: Predicts, family: Family, unlabelled: Spectra | None) -> np.ndarray:
    """Return what a model reads off a family's training spectra and then off more; see `TeacherRun.readings`.

    Its indicators are brought to the units of a descriptor by the straight line that fits best where a training
    spectrum has one. Its own calibration, by validation rows, may be flat where these are few.

    Raises
    ------
    UserError
        If it reads nothing that is not known.
    """
    names = model.descriptor_names
    known_NK = family.descriptors_NK[family.split_N == TRAIN]
    more = 0 if unlabelled is None else len(unlabelled)
    known_MK = np.vstack([known_NK, np.full((more, known_NK.shape[1]), np.nan)])
    if not np.isnan(known_MK[:, [name in names for name in family.descriptor_names]]).any():
        raise UserError(
            f"the run of teacher= reads {', '.join(names)}: no training spectrum lacks any of these\n"
            "leave teacher= out, or give spectra without descriptors as unlabelled="
        )
    spectra = [rows_taken(family.spectra_NE, family.split_N == TRAIN)]
    spectra += [] if unlabelled is None else [unlabelled]
    read = [member_indicators(model, block).mean(axis=0) for one in spectra for block in blocks_of(one)]
    columns = dict(zip(names, np.concatenate(read).T, strict=True))
    taught_MK = np.full(known_MK.shape, np.nan)
    for k, name in enumerate(family.descriptor_names):
        known_M = np.isfinite(known_MK[:, k])
        if name in columns and len(np.unique(columns[name][known_M])) > 1:
            slope, offset = np.polyfit(columns[name][known_M], known_MK[known_M, k], 1)
            taught_MK[~known_M, k] = offset + slope * columns[name][~known_M]
    return taught_MK
