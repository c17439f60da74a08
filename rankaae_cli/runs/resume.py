"""Resuming an interrupted run: which one, its lock, and the check that its settings are the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import is_locked, locked
from rankaae_cli.runs.directory import CONFIG, LOCK, RUNS, flattened
from rankaae_cli.runs.find import readable_runs
from rankaae_cli.runs.provenance import PROVENANCE, read_provenance


def find_interrupted_run(run: str) -> Path:
    """Return the directory of a run that has begun and not finished; ``latest`` is the newest below ``runs/``.

    Raises
    ------
    UserError
        If there is no such run, it has finished, or another process is training it.
    """
    if run == "latest":
        unfinished = [
            (content["started"], path)
            for path, content in readable_runs(RUNS)
            if "started" in content and "finished" not in content and not is_locked(path / LOCK)
        ]
        if not unfinished:
            raise UserError(f"there is no interrupted run below {RUNS.resolve()}")
        return max(unfinished)[1].resolve()
    path = Path(run)
    if not (path / PROVENANCE).is_file() or not (path / CONFIG).is_file():
        raise UserError(f"{path} is not a run directory (no {PROVENANCE} in it)\ngive one as resume=")
    if "finished" in read_provenance(path):
        raise UserError(f"the run {path} has finished: there is nothing to resume")
    if is_locked(path / LOCK):
        raise UserError(_being_trained(path))
    return path.resolve()


@contextmanager
def training_lock(run: Path) -> Iterator[None]:
    """Keep other processes from training in the same directory while the body runs.

    Raises
    ------
    UserError
        If another process does.
    """
    with locked(run / LOCK) as is_free:
        if not is_free:
            raise UserError(_being_trained(run))
        yield


def _being_trained(run: Path) -> str:
    return f"the run {run} is being trained by another process\nwait for it, or stop it first"


def keys_of_call() -> set[str]:
    """Return the dotted keys that the call sets."""
    return {key.split("@")[0].replace("/", ".") for key in settings_of_call()}


def settings_of_call() -> dict[str, str]:
    """Return what the call sets, as written."""
    overrides = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    pairs = (override.lstrip("+~").partition("=") for override in overrides)
    return {key: value for key, _, value in pairs}


def changed_settings(cfg: DictConfig, stored: DictConfig, ignore: tuple[str, ...] = ()) -> list[str]:
    """Return ``key old in the run, new now`` for each setting in which a call differs from the run.

    Where the call names no family, only the keys that it sets count.
    """
    chosen = keys_of_call() if cfg.family is None else None
    old, new = _leaves(stored), _leaves(cfg)
    changed = []
    for key in sorted(old.keys() | new.keys()):
        if key.split(".")[0] in ignore or old.get(key) == new.get(key):
            continue
        if chosen is None or any(key == c or key.startswith(f"{c}.") for c in chosen):
            changed.append(f"{key} {old.get(key)} in the run, {new.get(key)} now")
    return changed


def _leaves(cfg: DictConfig) -> dict[str, Any]:
    """Return the settings of a configuration by dotted key; what is empty is none."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)
    return {key: value for key, value in flattened(plain).items() if value != {}}
