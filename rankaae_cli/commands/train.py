"""``rankaae train``: a family file -> a run directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.commands import interrupted, run_directory
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.data.files import now
from rankaae_cli.schema import TrainConfig

if TYPE_CHECKING:
    import numpy as np

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

    unlabelled_NE = _unlabelled(cfg, family)

    if resumed:
        provenance = interrupted.provenance_when_resumed(directory, [data, *_second_file(cfg)])
        logger = _logger(cfg, directory)
    else:
        directory, logger = _new_run(cfg)
        provenance = run_directory.provenance_at_start("train", [data, *_second_file(cfg)], family, device)
        run_directory.write_config(directory, "train", cfg)
    run_directory.write_provenance(directory, provenance)
    if is_sample:
        console.print(f"{cfg.family.data} is not there: training on the shipped sample, which is synthetic")
    console.print(_describe(family, cfg, device))
    if unlabelled_NE is not None:
        console.print(f"{len(unlabelled_NE)} more training spectra without descriptors from {cfg.unlabelled}")

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
        logger=logger,
        unlabelled_NE=unlabelled_NE,
        save_every=cfg.save_every,
        resume=resumed,
    )
    start = time.monotonic() - provenance.get("wall_s", 0.0)
    try:
        with interrupted.held(directory), Progress("training", "epochs") as progress:
            model = fit(request, progress)
    except Stopped as stopped:
        wall = round(time.monotonic() - start, 3)
        run_directory.write_provenance(directory, {**provenance, "wall_s": wall})
        message = f"{stopped}; go on with rankaae train resume={_shown(directory)}"
        raise Stopped(message, stopped.status - 128) from stopped
    wall = time.monotonic() - start
    run_directory.write_provenance(directory, {**provenance, "finished": now(), "wall_s": round(wall, 3)})
    _summarise(model, directory, wall)
    return {"run": directory, "score": float(model.scores_T[model.selected_trial])}


def _new_run(cfg: DictConfig) -> tuple[Path, Any]:
    """Return a new run directory and the logger that writes into it."""
    directory = run_directory.new_run_directory(cfg.family.name)
    try:
        return directory, _logger(cfg, directory)
    except UserError:
        directory.rmdir()
        raise


def _second_file(cfg: DictConfig) -> list[Path]:
    return [] if cfg.unlabelled is None else [Path(cfg.unlabelled).resolve()]


def _unlabelled(cfg: DictConfig, family: "Family") -> "np.ndarray | None":
    """Return the spectra of the second file that may be trained on, (N, E).

    Materials on the validation or test side, by the family's split or by their name, are left out, and sites that
    the family itself has.

    Raises
    ------
    UserError
        If the file cannot be read, is of another element or grid, or has no such spectrum.
    """
    import numpy as np

    from rankaae_cli.data.family_file import read_family
    from rankaae_cli.data.splits import TRAIN, split_of

    if cfg.unlabelled is None:
        return None
    other = read_family(cfg.unlabelled)
    cfg.unlabelled = str(_second_file(cfg)[0])
    if other.element != family.element or other.edge != family.edge:
        raise UserError(
            f"unlabelled={cfg.unlabelled} holds {other.element} {other.edge} spectra, not {family.element}"
        )
    if len(other.energy_E) != len(family.energy_E) or not np.allclose(
        other.energy_E, family.energy_E, atol=1e-6
    ):
        raise UserError(
            f"unlabelled={cfg.unlabelled} has another energy grid than the data\n"
            "ingest it with source=family regrid=true"
        )
    held_out = set(family.material_N[family.split_N != TRAIN])
    own = set(zip(family.material_N, family.site_N, strict=True))
    keep_N = [
        material not in held_out
        and split_of(material, cfg.split_seed) == TRAIN
        and (material, site) not in own
        for material, site in zip(other.material_N, other.site_N, strict=True)
    ]
    if not any(keep_N):
        raise UserError(
            f"unlabelled={cfg.unlabelled} has no spectrum on the training side that the data have not\n"
            "leave it out, or give another file"
        )
    return other.spectra_NE[np.array(keep_N)]


def _logger(cfg: DictConfig, directory: Path) -> Any:
    """Return the logger that the configuration names, writing into the run directory; None for none."""
    from hydra.utils import instantiate

    if not cfg.logger:
        return None
    name = str(cfg.logger.get("_target_", "")).rpartition(".")[2]
    try:
        return instantiate(cfg.logger, save_dir=str(directory))
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, ImportError):
            package = name.removesuffix("Logger").lower()
            raise UserError(f"the logger {name} needs a package: pip install {package}") from error
        raise UserError(
            f"the logger {name or cfg.logger} cannot be made: {str(cause).splitlines()[0]}"
        ) from error


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
    changed = interrupted.changed_settings(cfg, stored, ignore=("resume", "data", "unlabelled", "device"))
    if changed:
        raise UserError(
            f"{_shown(directory)} was begun with another configuration: {'; '.join(changed)}\n"
            "resume with the same settings (resume= alone will do), or begin a new run"
        )
    if cfg.data is not None:
        stored.data = cfg.data
    if cfg.unlabelled is not None:
        stored.unlabelled = cfg.unlabelled
    if "device" in interrupted.asked_for():
        stored.device = cfg.device
    return directory, stored


_LOSSES = ("rank", "reconstruction", "prior", "mutual_information", "smoothness")
_AT_LEAST = {
    0: (
        "seed",
        "model.free_styles",
        "objective.input_noise",
        "objective.prior.noise",
        "optimiser.weight_decay",
        "optimiser.clip",
        *(f"objective.{loss}.{key}" for loss in _LOSSES for key in ("weight", "ramp")),
    ),
    1: (
        "trials",
        "max_epochs",
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
    points = "objective.smoothness.kernel_points"
    bounds += [(points, "odd", value(points) % 2 == 1)]
    faults = [f"{key}={value(key)} (expected {expected})" for key, expected, holds in bounds if not holds]
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
    from rankaae_cli.data.splits import TRAIN, VALIDATION

    asked = (cfg.family.name, cfg.family.element, cfg.family.edge, cfg.family.energy.unit)
    found = (family.name, family.element, family.edge, family.energy_unit)
    if asked != found:
        raise UserError(
            f"the data file holds {found[0]} ({found[1]} {found[2]} edge, {found[3]}), "
            f"not {asked[0]} ({asked[1]} {asked[2]} edge, {asked[3]})\ngive +family={found[0]}, or another data="
        )
    # Nothing can be learnt of a descriptor that does not vary in training, or chosen by one in validation.
    varies = [
        all(
            len(np.unique(d_N[(family.split_N == side) & ~np.isnan(d_N)])) > 1 for side in (TRAIN, VALIDATION)
        )
        for d_N in family.descriptors_NK.T
    ]
    kept = [name for name, v in zip(family.descriptor_names, varies, strict=True) if v]
    left_out = [name for name, v in zip(family.descriptor_names, varies, strict=True) if not v]
    if not kept:
        raise UserError(
            f"no descriptor of {', '.join(family.descriptor_names) or 'the file'} takes two known values "
            "in training and in validation\n"
            "the rank constraint needs at least one: ingest data with descriptors"
        )
    if left_out:
        console.print(f"left out, without two known values in training and validation: {', '.join(left_out)}")
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
