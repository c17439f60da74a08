"""The run directory: where a training run puts what it makes, and its configuration there."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import write_text
from rankaae_cli.runs.provenance import PROVENANCE, sha256
from rankaae_cli.schema import schema_of
from rankaae_cli.schema.foreign import load_resolved

RUNS = Path("runs")
CONFIG = "config.yaml"
BEST = Path("checkpoints") / "best.ckpt"
LOCK = ".lock"  # of the training that is under way in it
_AT_START = {CONFIG, PROVENANCE, LOCK}
METRICS = "metrics.json"  # of an evaluation
# Settings that decide how a training runs, not what it trains.
_HOW_IT_RUNS = {"threads", "devices", "save_every"}


def new_run_directory(family: str) -> Path:
    """Make and return a directory that no other run has: ``runs/<family>/<date>/<time>``.

    In a sweep, or where the user set ``hydra.run.dir``, it is the directory that Hydra names.
    """
    if HydraConfig.initialized():
        hydra = HydraConfig.get()
        if hydra.mode == RunMode.MULTIRUN or hydra.run.dir != ".":
            path = Path(hydra.runtime.output_dir)
            return _claimed(path)
    time = datetime.now()
    path = (RUNS / family / f"{time:%Y-%m-%d}" / f"{time:%H-%M-%S-%f}").resolve()
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"no run directory can be made at {path}: {error.strerror}") from error
    return path


def _claimed(path: Path) -> Path:
    """Make a directory, and config.yaml in it, which of several processes only one can make."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / CONFIG).touch(exist_ok=False)
    except FileExistsError as error:
        raise UserError(f"{path} holds a run already\nchoose another directory") from error
    except OSError as error:
        raise UserError(f"no run directory can be made at {path}: {error.strerror}") from error
    return path


def unclaimed(path: Path) -> None:
    """Give up a new run directory, with nothing in it but what claims it; a job of a sweep has its record there."""
    (path / CONFIG).unlink(missing_ok=True)
    with suppress(OSError):
        path.rmdir()


@contextmanager
def discarding_unused(run: Path, is_new: bool) -> Iterator[None]:
    """Remove a new run directory where the body refuses the call with nothing in it but what a run begins with."""
    try:
        yield
    except UserError:
        if is_new and {path.name for path in run.iterdir()} <= _AT_START:
            shutil.rmtree(run)
        raise


def short_path(path: Path) -> Path:
    """Return a path as short as it can be written from the working folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def write_config(run: Path, cfg: DictConfig) -> None:
    """Write the resolved configuration of a training so that Hydra takes it back.

    ``rankaae train --config-dir <run> --config-name config`` repeats the run.
    """
    head = f"# rankaae train --config-dir {shlex.quote(str(run))} --config-name config\n"
    head += f"defaults:\n  - train\n  - override kind: {cfg.kind}\n  - _self_\n"
    write_text(run / CONFIG, head + OmegaConf.to_yaml(cfg, resolve=True))


def read_run_config(run: Path) -> DictConfig:
    """Read config.yaml of a run."""
    try:
        config = load_resolved(run / CONFIG)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{run / CONFIG} cannot be read: {error.strerror}") from error
    except Exception as error:  # of YAML and OmegaConf
        raise UserError(f"{run / CONFIG} cannot be read: it is no configuration of a run") from error
    config.pop("defaults", None)
    return config


def config_text(run: Path) -> str:
    """Return config.yaml of a run as text, without what makes Hydra take it back."""
    return OmegaConf.to_yaml(read_run_config(run))


def plain_config(run: Path) -> dict[str, Any]:
    """Read config.yaml of a run as plain values."""
    values = OmegaConf.to_container(read_run_config(run))
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def typed_config(run: Path) -> DictConfig:
    """Read config.yaml of a training held against the keys that it has now."""
    plain = plain_config(run)
    typed = OmegaConf.merge(OmegaConf.structured(schema_of("train", plain.get("kind"))), plain)
    assert isinstance(typed, DictConfig)
    return typed


def flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of a configuration by dotted key; lists and what is empty are leaves."""
    leaves: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            leaves |= flattened(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def lacks_settings(run: Path) -> bool:
    """Return whether a run lacks settings that decide what is trained, as one of an older program does."""
    try:
        typed = typed_config(run)
    except OmegaConfBaseException:  # a setting that has gone or has another type now
        return True
    return bool(OmegaConf.missing_keys(typed) - _HOW_IT_RUNS)


def checkpoint_sha256(run: Path) -> str:
    """Return the digest of the run's best checkpoint, by which outputs are known to belong to it."""
    return sha256(run / BEST)


def evaluation_directory(run: Path, split: str) -> Path:
    """Return where the evaluation of a split lies: of the test split directly in ``evaluation/``."""
    directory = run / "evaluation"
    return directory if split == "test" else directory / split
