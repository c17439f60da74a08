"""What `train` does before and after training where it is asked to: ingest calculations, report the run."""

import importlib.resources
from pathlib import Path

from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.schema.ingest import IngestConfig
from rankaae_cli.schema.train import Then

_ENDINGS = ("", ".tar.xz", ".tar.gz", ".tar", ".zip")


def ingest_where_needed(cfg: DictConfig) -> None:
    """Make the family's data file from FEFF calculations in the folder `ingest`, where there is none yet.

    Raises
    ------
    UserError
        If the folder is not there, or what it holds of the family cannot be used.
    """
    if cfg.ingest is None or cfg.data is not None:
        return
    calculations, data = Path(cfg.ingest), Path(cfg.family.data)
    if not calculations.is_dir():
        raise UserError(f"there is no folder {calculations}\ncorrect ingest=")
    found = [path for end in _ENDINGS if (path := calculations / f"{cfg.family.name}{end}").exists()]
    if data.is_file() or not found:
        return
    data.parent.mkdir(parents=True, exist_ok=True)
    # Jobs of one family that begin together wait for the first.
    with FileLock(data.parent / f".{data.name}.lock"):
        if not data.is_file():
            _ingest(cfg, found[0])


def _ingest(cfg: DictConfig, path: Path) -> None:
    from rankaae_cli.commands import ingest

    text = (importlib.resources.files("rankaae_cli.conf") / "ingest.yaml").read_text(encoding="utf-8")
    defaults = OmegaConf.create(text)
    assert isinstance(defaults, DictConfig)
    for key in ("defaults", "hydra"):
        defaults.pop(key, None)
    given = {"family": OmegaConf.to_container(cfg.family), "source": "feff", "path": str(path)}
    settings = OmegaConf.merge(OmegaConf.structured(IngestConfig), defaults, given)
    assert isinstance(settings, DictConfig)
    ingest.run(settings)


def after_training(cfg: DictConfig, directory: Path) -> None:
    """Do what `then` says."""
    if cfg.then is Then.report:
        from rankaae_cli.commands.report import report_run

        report_run(directory, "outdated")


def score_of(directory: Path) -> float:
    """Return the validation score of a finished run."""
    from rankaae_cli.models.registry import load_model
    from rankaae_cli.runs.directory import BEST

    model = load_model(directory / BEST)
    return float(model.scores_T[model.selected_trial])
