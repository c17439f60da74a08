"""``rankaae train``: a family file -> a run directory."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.commands import train_stages
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.data.files import now
from rankaae_cli.models.rankaae.settings import LOSSES, Spread
from rankaae_cli.runs import data as training_data
from rankaae_cli.runs import directory as run_directory
from rankaae_cli.runs import logger as train_logger
from rankaae_cli.runs import provenance as run_provenance
from rankaae_cli.runs import resume as interrupted
from rankaae_cli.runs.load import load_family
from rankaae_cli.runs.sweep_record import own_finished_run
from rankaae_cli.schema.train import TrainConfig
from rankaae_cli.sweeps import optuna_study as search_study

if TYPE_CHECKING:
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.fit import FitRequest
    from rankaae_cli.models.rankaae.trained import TrainedModel


def run(cfg: DictConfig) -> dict[str, Any]:
    """Train; return the run's path (``run``) and the selected trial's validation score (``score``)."""
    from rankaae_cli.core.terminal import console
    from rankaae_cli.models.rankaae.fit import chosen_device
    from rankaae_cli.models.rankaae.schedules import epochs_of

    if ended := own_finished_run():
        train_stages.after_training(cfg, ended)
        return {"run": ended, "score": train_stages.score_of(ended)}
    resumed = cfg.resume is not None
    if resumed:
        directory, cfg = _interrupted_run(cfg)
    _check(cfg)
    train_stages.ingest_where_needed(cfg)
    data, is_sample = training_data.data_files(cfg)
    family = load_family(data, cfg.split_seed, cfg.regrid, stored=True, announce=console.print)
    family = training_data.usable_family(cfg, family)
    device = chosen_device(cfg.device.value, cfg.devices)
    cfg.data = str(data[0]) if len(data) == 1 else [str(path) for path in data]
    unlabelled_NE = training_data.unlabelled_spectra(cfg, family)
    memory = training_data.streaming_memory(cfg, family, unlabelled_NE, device, resumed)
    if memory is None:
        family = family.in_memory()
    rows = training_data.rows_trained_on(family, unlabelled_NE)
    epochs = cfg.max_epochs or epochs_of(cfg.max_steps, rows, cfg.batch_size)
    files = [*data, *training_data.second_file(cfg)]

    if resumed:
        provenance = run_provenance.provenance_when_resumed(directory, files, device)
        logger = train_logger.logger_of(cfg, directory)
    else:
        directory, logger = _new_run(cfg)
        provenance = run_provenance.provenance_at_start("train", files, family, device)
        run_directory.write_config(directory, "train", cfg)
    run_provenance.write_provenance(directory, provenance)
    if is_sample:
        console.print(f"{cfg.family.data} is not there: training on the shipped sample, which is synthetic")
    console.print(_describe(family, cfg.trials, epochs, device))
    if unlabelled_NE is not None:
        console.print(f"{len(unlabelled_NE)} more training spectra without descriptors from {cfg.unlabelled}")

    watch = search_study.pruning_of_job()
    given = {
        "watch": watch,
        "device": device,
        "max_epochs": epochs,
        "folder": directory,
        "logger": logger,
        "resume": resumed,
    }
    request = _request(cfg, family, unlabelled_NE=unlabelled_NE, memory=memory, **given)
    model, wall = _fitted(request, provenance)
    _summarise(model, directory, wall)
    train_stages.after_training(cfg, directory)
    return {"run": directory, "score": float(model.scores_T[model.selected_trial])}


# Where and from what a run goes on, not what it is.
_MAY_CHANGE = ("resume", "data", "unlabelled", "device", "ingest", "then")


def _request(cfg: DictConfig, family: "Family", **given: Any) -> "FitRequest":
    """Return what to train: the settings of `cfg`, and what follows from them and the data."""
    from rankaae_cli.models.rankaae.fit import FitRequest

    settings: Any = OmegaConf.to_object(cfg)
    chosen = (
        *("model", "objective", "optimiser"),
        *("trials", "trials_at_once", "batch_size", "seed", "threads", "save_every"),
        *("devices", "spread"),
    )
    return FitRequest(
        family=family,
        descriptor_classes=training_data.classes_of(cfg, family),
        **given,
        **{name: getattr(settings, name) for name in chosen},
    )


def _fitted(request: "FitRequest", provenance: dict[str, Any]) -> "tuple[TrainedModel, float]":
    """Train and keep the time in provenance.json; return the model and the seconds, those before a break too."""
    import time

    from rankaae_cli.core.terminal import Progress, console
    from rankaae_cli.models.rankaae.fit import fit

    directory = request.folder
    start = time.monotonic() - provenance.get("wall_s", 0.0)
    try:
        with interrupted.training_lock(directory), Progress("training") as progress:
            model = fit(request, progress, announce=console.print)
    except Stopped as stopped:
        wall = round(time.monotonic() - start, 3)
        run_provenance.write_provenance(directory, {**provenance, "wall_s": wall})
        message = f"{stopped}; go on with rankaae train resume={_shown(directory)}"
        raise Stopped(message, stopped.status - 128) from stopped
    wall = time.monotonic() - start
    run_provenance.write_provenance(directory, {**provenance, "finished": now(), "wall_s": round(wall, 3)})
    return model, wall


def _new_run(cfg: DictConfig) -> tuple[Path, Any]:
    """Return a new run directory and the logger that writes into it."""
    directory = run_directory.new_run_directory(cfg.family.name)
    try:
        return directory, train_logger.logger_of(cfg, directory)
    except UserError:
        with suppress(OSError):  # a job of a sweep has its record in it
            directory.rmdir()
        raise


def _interrupted_run(cfg: DictConfig) -> tuple[Path, DictConfig]:
    """Return the directory of the run to go on with and its configuration.

    Raises
    ------
    UserError
        If there is none, it has finished, or the call asks for another configuration than the run's.
    """
    directory = interrupted.find_interrupted_run(cfg.resume)
    plain = OmegaConf.to_container(run_directory.read_run_config(directory))
    stored = OmegaConf.merge(OmegaConf.structured(TrainConfig), plain)
    assert isinstance(stored, DictConfig)
    missing = sorted(OmegaConf.missing_keys(stored))
    if missing:
        raise UserError(
            f"{_shown(directory)} was begun with an older rankaae, which had no {', '.join(missing)}\n"
            "begin a new run"
        )
    # Where the call leaves it open, the run has it as it was found for it.
    left_open = ("memory",) if cfg.memory is None else ()
    changed = interrupted.changed_settings(cfg, stored, ignore=(*_MAY_CHANGE, *left_open))
    if changed:
        raise UserError(
            f"{_shown(directory)} was begun with another configuration: {'; '.join(changed)}\n"
            "resume with the same settings (resume= alone will do), or begin a new run"
        )
    if cfg.data is not None:
        stored.data = cfg.data
    if cfg.unlabelled is not None:
        stored.unlabelled = cfg.unlabelled
    if "device" in interrupted.keys_of_call():
        stored.device = cfg.device
    return directory, stored


_AT_LEAST = {
    0: (
        "seed",
        "model.free_styles",
        "objective.input_noise",
        *(f"objective.augmentation.{key}" for key in ("energy_shift", "broadening", "scale", "core_hole")),
        "objective.prior.noise",
        "optimiser.weight_decay",
        "optimiser.clip",
        *(f"objective.{loss}.{key}" for loss in LOSSES for key in ("weight", "ramp")),
    ),
    1: (
        "trials",
        "max_steps",
        "threads",
        "devices",
        "save_every",
        "model.hidden",
        "model.encoder_layers",
        "model.decoder_layers",
        "model.channels",
        "objective.prior.directions",
        "objective.smoothness.kernel_points",
        "optimiser.patience",
    ),
    2: ("batch_size",),
}
_POSITIVE = ("optimiser.rate", "optimiser.reduction", "objective.prior.tau", "objective.smoothness.sigma")


def _check(cfg: DictConfig) -> None:
    """Refuse impossible numbers, all at once."""

    def value(key: str) -> Any:
        return OmegaConf.select(cfg, key)

    bounds = [(k, f"at least {low}", value(k) >= low) for low, keys in _AT_LEAST.items() for k in keys]
    bounds += [(k, "positive", value(k) > 0) for k in _POSITIVE]
    bounds += [
        ("objective.prior.betas", "two numbers in [0, 1)", all(0 <= b < 1 for b in cfg.objective.prior.betas))
    ]
    bounds += [
        (key, "at least 1, or null", cfg[key] is None or cfg[key] > 0)
        for key in ("max_epochs", "trials_at_once")
    ]
    points = "objective.smoothness.kernel_points"
    bounds += [(points, "odd", value(points) % 2 == 1)]
    if cfg.devices > 1 and cfg.spread is Spread.trials:
        bounds += [
            ("devices", f"at most {cfg.trials}, the trials; or spread=rows", cfg.devices <= cfg.trials)
        ]
        bounds += [("logger", "none where trials are spread over devices; or spread=rows", not cfg.logger)]
    faults = [f"{key}={value(key)} (expected {expected})" for key, expected, holds in bounds if not holds]
    if faults:
        raise UserError(f"these settings cannot be used: {'; '.join(faults)}")


def _describe(family: "Family", trials: int, epochs: int, device: str) -> str:
    from rankaae_cli.data.family.splits import SPLITS

    rows = ", ".join(f"{(family.split_N == side).sum()} {name}" for side, name in enumerate(SPLITS))
    return (
        f"{family.name}: {len(family)} spectra ({rows}), descriptors {', '.join(family.descriptor_names)}\n"
        f"{trials} trial{'s' if trials != 1 else ''} of {epochs} epochs on {device}"
    )


def _summarise(model: "TrainedModel", directory: Path, wall: float) -> None:
    from rankaae_cli.core.terminal import console

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
