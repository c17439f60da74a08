"""The logger of Lightning that shows a run while it trains, and where it writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.utils import instantiate
from omegaconf import DictConfig

from rankaae_cli.core.errors import UserError
from rankaae_cli.runs.resume import settings_of_call
from rankaae_cli.runs.sweep_record import own_sweep
from rankaae_cli.schema.foreign import require_allowed_logger

_MLFLOW = "MLFlowLogger"


def logger_of(cfg: DictConfig, directory: Path) -> Any:
    """Return the logger that the configuration names, writing into the run directory; None for none.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    if not cfg.get("logger"):  # a key of kinds that are trained in epochs
        return None
    require_allowed_logger(cfg.logger.get("_target_", ""))
    name = str(cfg.logger._target_).rpartition(".")[2]
    store = directory if name != _MLFLOW else own_sweep() or directory
    settings = _mlflow_settings(cfg, store, directory) if name == _MLFLOW else {}
    try:
        with _alone(store):
            logger = instantiate(cfg.logger, _recursive_=False, save_dir=str(directory), **settings)
            # They distinguish the curves of several runs.
            logger.log_hyperparams(settings_of_call())
        return logger
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, ImportError):
            package = name.removesuffix("Logger").lower()
            raise UserError(f"the logger {name} needs a package: pip install {package}") from error
        raise UserError(f"the logger {name} cannot be made: {str(cause).splitlines()[0]}") from error


def _mlflow_settings(cfg: DictConfig, store: Path, directory: Path) -> dict[str, str]:
    """Return where MLflow keeps its records, and the run's name in them: one store for all jobs of a sweep.

    Its store of plain files is refused by MLflow since 2026; SQLite needs no server either.
    """
    uri = cfg.logger.get("tracking_uri") or f"sqlite:///{store / 'mlflow.db'}"
    return {"tracking_uri": uri, "run_name": cfg.logger.get("run_name") or directory.name}


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Let jobs of a sweep that begin together make tables and experiments in a store one after another."""
    if own_sweep() is None:
        yield
        return
    with FileLock(store / ".logger.lock"):
        yield
