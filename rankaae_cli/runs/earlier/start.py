"""The finished run that a training begins from (``start=``), and what has to be alike in both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.base import HasNetworks, Simulates, require
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST, checkpoint_sha256, read_run_config
from rankaae_cli.runs.earlier.run import EarlierRun
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import data_paths
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.runs.resume import keys_of_call
from rankaae_cli.schema import schema_of
from rankaae_cli.schema.family import FamilyConfig
from rankaae_cli.training.rows import Replay

FEW_ROWS = 20


@dataclass(frozen=True)
class StartRun(EarlierRun):
    """A finished run that another training begins from.

    Attributes
    ----------
    trials
        Those of its trials that are begun from, by number.
    """

    key = "start"

    model: HasNetworks | Simulates
    trials: list[int]

    @property
    def weights(self) -> dict[str, Tensor]:
        """Of the networks of these trials, by name, stacked."""
        assert isinstance(self.model, HasNetworks)
        return {name: value_T[self.trials] for name, value_T in self.model.weights.items()}

    def record(self) -> dict[str, Any]:
        """Return what provenance.json says of the run."""
        return {**super().record(), "trials": self.trials}


def find_start(cfg: DictConfig) -> StartRun | None:
    """Return the run that a training begins from, None where it begins anew; fill `cfg` with what the run decides.

    Raises
    ------
    UserError
        If there is no such run or it has not finished, or the call asks for other networks or more trials.
    """
    if cfg.start is None:
        if "transfer" in keys_of_call():
            raise UserError(
                "transfer= is for start=, and no run is given\ngive start=, or leave transfer= out"
            )
        if missing := [key for key in ("trials", "split_seed") if cfg[key] is None]:
            raise UserError(f"{missing[0]}=null is for start= alone\ngive a number")
        return None
    if cfg.data is None:
        raise UserError("start= needs data=, the family file to train on\nadd it")
    directory = find_run(cfg.start, key="start")
    model = load_model(directory / BEST)
    if not isinstance(model, Simulates):
        require(model, "rankaae train start=", HasNetworks)
    config = read_run_config(directory)
    if model.kind != cfg.kind:
        raise UserError(
            f"the run of start= is of kind {model.kind}, this call of kind {cfg.kind}\ngive kind={model.kind}"
        )
    cfg.start = str(directory)
    of_data = schema_of("train", cfg.kind).joins_families
    if cfg.family is None and not of_data:
        cfg.family = OmegaConf.merge(OmegaConf.structured(FamilyConfig), config.family)
    start = StartRun(directory, config, model, [0])
    start.keep_split(cfg, takes_seed="split_seed" not in keys_of_call())
    if isinstance(model, Simulates):
        return start
    _keep_networks(cfg, config)
    # Those that were given up have no part in its results either.
    trials = np.flatnonzero(model.alive_T).tolist()
    _keep_trials(cfg, len(trials))
    return StartRun(directory, config, model, trials[: cfg.trials])


def start_of(run: Path) -> StartRun | None:
    """Return the run that a finished one began from; None where there is none, or it is gone or has changed."""
    begun = read_provenance(run).get("start")
    if begun is None:
        return None
    directory = Path(begun["run"])
    if not (directory / BEST).is_file() or checkpoint_sha256(directory) != begun["checkpoint_sha256"]:
        return None
    return StartRun(directory, read_run_config(directory), load_model(directory / BEST), begun["trials"])


def fitting_family(start: StartRun, family: Family, split_seed: int) -> Family:
    """Return data with the descriptors of the run that it is to go on from.

    A run that simulates is gone on from by the features of its rows, and, of several families, to any element.

    Raises
    ------
    UserError
        If they are of another element, edge or grid, lack a descriptor or the features, have no labelled training
        row or nothing known in validation to choose by, or have a material on another side of the split than the
        run's data.
    """
    model = start.model
    of_several = isinstance(model, Simulates) and len(model.members) > 1
    start.require_same_subject(family, any_element=of_several)
    if isinstance(model, Simulates):
        _require_earlier_rows(start, model, family)
        start.require_same_grid(family, family.energy_E[0] - model.energy_E[0] if of_several else 0.0)
        start.require_same_sides(family, split_seed)
        return family
    absent = [name for name in model.descriptor_names if name not in family.descriptor_names]
    if absent:
        raise UserError(
            f"the data have no descriptor {', '.join(absent)}, which the run of start= was trained on\n"
            "ingest them with it, or give another run as start="
        )
    start.require_same_grid(family)
    family = family.with_descriptors(model.descriptor_names)
    _require_labelled_rows(family)
    start.require_same_sides(family, split_seed)
    return family


def replayed_rows(start: StartRun | None, share: float) -> Replay | None:
    """Return the training rows of the run that is begun from, of which a share is drawn; None for no share.

    Raises
    ------
    UserError
        If there is no such run, or a file of its data is gone or has changed.
    """
    if share == 0:
        return None
    if start is None:
        raise UserError(
            "replay= draws from the data of the run of start=, and there is none\nleave replay= out"
        )
    family = _family_at_hand(start, "replay=")
    family = family.with_descriptors(start.model.descriptor_names)
    on_train = np.flatnonzero(family.split_N == TRAIN)
    return Replay(family.spectra_NE[on_train], family.descriptors_NK[on_train], share)


def _family_at_hand(start: StartRun, needed_by: str) -> Family:
    if start.family is None:
        named = ", ".join(str(path) for path in data_paths(start.config))
        raise UserError(
            f"the data of the run of start= ({named}) are not there any more, or have changed\n"
            f"put them back, or leave {needed_by} out"
        )
    return start.family


def _require_earlier_rows(start: StartRun, model: Simulates, family: Family) -> None:
    """Refuse data that the rows of the run, which has to be at hand with them, cannot be fitted to beside."""
    _family_at_hand(start, "start=")
    if family.members:
        raise UserError("start= goes on to one family, and data= holds several\ntrain on all without start=")
    if family.features is not None and (why := model.features.difference(family.features)):
        raise UserError(
            f"the features of the data are {why}, those of the run of start=\n"
            "ingest the data with features of that model and version"
        )


def _keep_networks(cfg: DictConfig, config: DictConfig) -> None:
    """Take the networks' settings from the run's configuration; refuse others that the call sets."""
    merged: Any = OmegaConf.merge(cfg.model, config.model)
    ours, theirs = (OmegaConf.to_container(one, enum_to_str=True) for one in (cfg.model, merged))
    assert isinstance(ours, dict) and isinstance(theirs, dict)
    asked = keys_of_call()
    for key, value in ((str(key), value) for key, value in theirs.items()):
        if ours[key] != value and {"model", f"model.{key}"} & asked:
            raise UserError(
                f"model.{key}={ours[key]}, but the networks of the run of start= have {value}\n"
                "leave the settings of model out"
            )
    cfg.model = merged


def _keep_trials(cfg: DictConfig, known: int) -> None:
    """Take as many trials as the run has, or fewer where those are set; refuse more that the call sets."""
    if cfg.trials is None or "trials" not in keys_of_call():
        cfg.trials = min(cfg.trials or known, known)
    if cfg.trials > known:
        raise UserError(
            f"trials={cfg.trials}: the run of start= has {known} to begin from\ngive at most so many"
        )


def _require_labelled_rows(family: Family) -> None:
    known_N = np.isfinite(family.descriptors_NK).any(axis=1) & (family.split_N == TRAIN)
    if not known_N.any():
        raise UserError(
            f"none of the {(family.split_N == TRAIN).sum()} training spectra has a known descriptor\n"
            "give data with descriptors, as rankaae ingest labels= takes them from another file"
        )
    if known_N.sum() < FEW_ROWS:
        console.print(
            f"warning: {known_N.sum()} labelled training spectra are few: what is learnt of them may be chance"
        )
    on_validation_NK = family.descriptors_NK[family.split_N == VALIDATION]
    if not any(len(np.unique(column[np.isfinite(column)])) > 1 for column in on_validation_NK.T):
        raise UserError(
            f"no descriptor takes two known values among the {len(on_validation_NK)} validation spectra, "
            "by which the best epoch is chosen\ngive more data with descriptors"
        )
