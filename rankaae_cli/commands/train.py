"""``rankaae train``: a family file -> a run directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.commands import run_directory
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.schema import TrainConfig

if TYPE_CHECKING:
    from rankaae_cli.data.family_file import Family
    from rankaae_cli.training.trained import TrainedModel


def run(cfg: DictConfig) -> dict[str, Any]:
    """Train; return the run's path (``run``) and the selected trial's validation score (``score``)."""
    import time

    from rankaae_cli.commands.terminal import Progress, console
    from rankaae_cli.training.fit import FitRequest, chosen_device, fit

    resumed = cfg.resume is not None
    if resumed:
        directory, cfg = _interrupted_run(cfg)
    _check(cfg)
    data, is_sample = _data_file(cfg)
    family = _usable_family(cfg, run_directory.load_family(data, cfg.split_seed))
    device = chosen_device(cfg.device.value)
    cfg.data = str(data)

    if resumed:
        provenance = run_directory.provenance_when_resumed(directory, data)
    else:
        directory = run_directory.new_run_directory(cfg.family.name)
        provenance = run_directory.provenance_at_start(data, family, device)
        run_directory.write_config(directory, "train", cfg)
    run_directory.write_provenance(directory, provenance)
    if is_sample:
        console.print(f"{cfg.family.data} is not there: training on the shipped sample, which is synthetic")
    console.print(_describe(family, cfg, device))

    settings: Any = OmegaConf.to_object(cfg)
    request = FitRequest(
        family=family,
        descriptor_classes=_classes(cfg, family),
        model=settings.model,
        objective=settings.objective,
        optimiser=settings.optimiser,
        trials=cfg.trials,
        max_epochs=cfg.max_epochs,
        batch_size=cfg.batch_size,
        seed=cfg.seed,
        device=device,
        folder=directory,
        save_every=cfg.save_every,
        resume=resumed,
    )
    start = time.monotonic()
    try:
        with Progress("training", "epochs") as progress:
            model = fit(request, progress)
    except Stopped as stopped:
        message = f"{stopped}; go on with rankaae train resume={_shown(directory)}"
        raise Stopped(message, stopped.status - 128) from stopped
    wall = time.monotonic() - start
    run_directory.write_provenance(
        directory, {**provenance, "finished": run_directory.now(), "wall_s": round(wall, 3)}
    )
    _summarise(model, directory, wall)
    return {"run": directory, "score": float(model.scores_T[model.selected_trial])}


def _interrupted_run(cfg: DictConfig) -> tuple[Path, DictConfig]:
    """Return the directory of the run to go on with and its configuration.

    Raises
    ------
    UserError
        If there is none, it has finished, or the call asks for another configuration than the run's.
    """
    directory = run_directory.find_interrupted_run(cfg.resume)
    plain = OmegaConf.to_container(run_directory.read_run_config(directory))
    stored = OmegaConf.merge(OmegaConf.structured(TrainConfig), plain)
    assert isinstance(stored, DictConfig)
    changed = run_directory.changed_settings(cfg, stored, ignore=("resume", "data", "device"))
    if changed:
        raise UserError(
            f"{_shown(directory)} was begun with another configuration: {'; '.join(changed)}\n"
            "resume with the same settings (resume= alone will do), or begin a new run"
        )
    if cfg.data is not None:
        stored.data = cfg.data
    return directory, stored


def _check(cfg: DictConfig) -> None:
    """Refuse impossible numbers, all at once."""
    faults = [
        f"{key}={OmegaConf.select(cfg, key)} (expected {expected})"
        for key, expected, holds in (
            ("trials", "at least 1", cfg.trials >= 1),
            ("max_epochs", "at least 1", cfg.max_epochs >= 1),
            ("batch_size", "at least 2", cfg.batch_size >= 2),
            ("seed", "not negative", cfg.seed >= 0),
            ("save_every", "at least 1", cfg.save_every >= 1),
            ("model.free_styles", "not negative", cfg.model.free_styles >= 0),
            ("model.hidden", "at least 1", cfg.model.hidden >= 1),
            ("optimiser.rate", "positive", cfg.optimiser.rate > 0),
        )
        if not holds
    ]
    if faults:
        raise UserError(f"these settings cannot be used: {'; '.join(faults)}")


def _data_file(cfg: DictConfig) -> tuple[Path, bool]:
    """Return the family file to train on, and whether it is the shipped synthetic sample."""
    from rankaae_cli.data.samples import sample_path

    if cfg.data is not None:
        path = Path(cfg.data)
        if not path.is_file():
            raise UserError(f"there is no data file {path}\nmake one with rankaae ingest, or correct data=")
        return path.resolve(), False
    default = Path(cfg.family.data)
    if default.is_file():
        return default.resolve(), False
    sample = sample_path(cfg.family.name)
    if sample is None:
        raise UserError(
            f"there is no {default}, and no sample of {cfg.family.name} ships with the program\n"
            f"make the file: rankaae ingest +family={cfg.family.name} source=... path=..."
        )
    return sample, True


def _usable_family(cfg: DictConfig, family: "Family") -> "Family":
    """Check that the data belong to the family; leave out descriptors that nothing can be learned of."""
    import numpy as np

    from rankaae_cli.commands.terminal import console
    from rankaae_cli.data.splits import TRAIN

    if (family.name, family.element) != (cfg.family.name, cfg.family.element):
        raise UserError(
            f"the data file holds {family.name} ({family.element}), not {cfg.family.name} ({cfg.family.element})\n"
            f"give +family={family.name}, or another data="
        )
    known = family.descriptors_NK[family.split_N == TRAIN]
    varies = [len(np.unique(column[~np.isnan(column)])) > 1 for column in known.T]
    kept = [name for name, v in zip(family.descriptor_names, varies, strict=True) if v]
    left_out = [name for name, v in zip(family.descriptor_names, varies, strict=True) if not v]
    if not kept:
        raise UserError(
            f"no descriptor of {', '.join(family.descriptor_names) or 'the file'} takes two values in training\n"
            "the rank constraint needs at least one: ingest data with descriptors"
        )
    if left_out:
        console.print(f"left out, for want of two different known values in training: {', '.join(left_out)}")
    return family.with_descriptors(kept)


def _classes(cfg: DictConfig, family: "Family") -> dict[str, list[float]]:
    configured = cfg.family.descriptors
    return {
        name: list(configured[name].classes)
        for name in family.descriptor_names
        if name in configured and configured[name].classes is not None
    }


def _describe(family: "Family", cfg: DictConfig, device: str) -> str:
    from rankaae_cli.data.splits import SPLITS

    rows = ", ".join(f"{(family.split_N == side).sum()} {name}" for side, name in enumerate(SPLITS))
    return (
        f"{family.name}: {len(family)} spectra ({rows}), descriptors {', '.join(family.descriptor_names)}\n"
        f"{cfg.trials} trials of {cfg.max_epochs} epochs on {device}"
    )


def _summarise(model: "TrainedModel", directory: Path, wall: float) -> None:
    from rankaae_cli.commands.terminal import console

    for trial, reason in enumerate(model.failed_T):
        if reason is not None:
            console.print(f"trial {trial} was given up: {reason}")
    t = model.selected_trial
    console.print(
        f"trained in {wall:.0f} s; trial {t} is best on validation (score {model.scores_T[t]:.3f}, "
        f"epoch {model.best_epoch_T[t]})"
    )
    shown = _shown(directory)
    console.print(f"next: rankaae evaluate, rankaae traverse, rankaae report (run={shown})")
    print(shown)


def _shown(directory: Path) -> Path:
    """Return the path as a user in the current folder would write it."""
    return directory.relative_to(Path.cwd()) if directory.is_relative_to(Path.cwd()) else directory
