"""``rankaae train``: a family file -> a run directory."""

import importlib.resources
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.core.terminal import Progress, console
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.soundness import unsound_remark
from rankaae_cli.data.family.splits import MATERIAL, SPLITS
from rankaae_cli.data.files import now
from rankaae_cli.models.base import Classifies, HasNetworks, HasStyles, Samples, Simulates, Trained
from rankaae_cli.models.registry import load_model, part_of_kind
from rankaae_cli.runs import data as training_data
from rankaae_cli.runs import directory as run_directory
from rankaae_cli.runs import logger as train_logger
from rankaae_cli.runs import provenance as run_provenance
from rankaae_cli.runs import resume as interrupted
from rankaae_cli.runs.course import AUTO, Course, is_in_epochs
from rankaae_cli.runs.earlier.start import StartRun, fitting_family
from rankaae_cli.runs.load import load_family, with_edges_of
from rankaae_cli.runs.sweep_record import own_finished_run
from rankaae_cli.runs.task import task_of
from rankaae_cli.schema import schema_of
from rankaae_cli.schema.ingest import IngestConfig
from rankaae_cli.schema.train import Then
from rankaae_cli.sweeps import optuna_study as search_study
from rankaae_cli.training.task import Task


def run(cfg: DictConfig) -> dict[str, Any]:
    """Train; return the run's path (``run``) and the selected trial's validation score (``score``)."""
    if finished := own_finished_run():
        _after_training(cfg, finished)
        return {"run": finished, "score": _score(load_model(finished / run_directory.BEST))}
    resumed = None
    if cfg.resume is not None:
        resumed, cfg = _interrupted_run(cfg)
    course = Course.of(cfg)
    _ingest_where_needed(cfg)
    data, is_sample = training_data.data_files(cfg)
    family = _family(cfg, data, course.start)
    cfg.data = str(data[0]) if len(data) == 1 else [str(path) for path in data]
    pruning = search_study.pruning_of_job() if is_in_epochs(cfg) else None
    alone = pruning is not None or bool(cfg.get("logger"))
    given = course.given(cfg, family, resumed is not None, alone)
    if given.get("memory") is None:
        family = family.in_memory()
    files = [*data, *training_data.second_file(cfg)]
    if resumed is None:
        directory, logger, provenance = _new_run(cfg, files, family, course)
    else:
        directory = resumed
        provenance = run_provenance.provenance_when_resumed(resumed, files, course.device)
        for earlier in course.earlier_runs:
            earlier.require_unchanged(provenance)
        logger = train_logger.logger_of(cfg, directory)
    run_provenance.write_provenance(directory, provenance)
    if is_in_epochs(cfg):
        given |= {"logger": logger, "watch": pruning}
    with run_directory.discarding_unused(directory, resumed is None):
        task = task_of(
            cfg,
            family=family,
            descriptor_classes=training_data.classes_of(cfg, family),
            folder=directory,
            resume=resumed is not None,
            **given,
        )
        if is_sample:
            console.print(
                f"{cfg.family.data} is not there: training on the shipped sample, which is synthetic"
            )
        for line in (*_description(task), *course.description(cfg, family, given.get("unlabelled_NE"))):
            console.print(line)
        model, wall = _train(cfg.kind, task, provenance)
    _summarise(model, directory, wall)
    _after_training(cfg, directory)
    return {"run": directory, "score": _score(model)}


# Where and from what a run goes on, not what it is.
_MAY_CHANGE = ("resume", "data", "unlabelled", "start", "teacher", "device", "ingest", "then")


def _family(cfg: DictConfig, data: list[Path], start: StartRun | None) -> Family:
    """Return the rows and descriptors to train on."""
    schema, split = schema_of("train", cfg.kind), (cfg.split_seed, cfg.split_by)
    reads = {"across": schema.joins_families, "with_structures": schema.reads_structures}
    family = load_family(data, *split, cfg.regrid, stored=True, **reads, announce=console.print)
    if cfg.family is None:
        cfg.family = OmegaConf.structured(training_data.family_of_data(family))
    family = with_edges_of(cfg, family)
    cfg.split_by = family.split_by
    if start is not None:
        family = fitting_family(start, family, cfg.split_seed)
    training_data.require_family(cfg, family)
    task = part_of_kind(cfg.kind, "fit").Task
    task.require(family)
    if start is None or task.learns_from == "features":
        family = training_data.usable_family(family, task.learns_from)
    if remark := unsound_remark(family):
        console.print(f"warning: {remark}")
    return family


def _train(kind: str, task: Task, provenance: dict[str, Any]) -> tuple[Trained, float]:
    """Train and keep the time in provenance.json; return the model and the seconds, those before a break too."""
    directory = task.folder
    start = time.monotonic() - provenance.get("wall_s", 0.0)
    try:
        with interrupted.training_lock(directory), Progress("training") as progress:
            model = part_of_kind(kind, "fit").fit(task, progress, announce=console.print)
    except Stopped as stopped:
        wall = round(time.monotonic() - start, 3)
        run_provenance.write_provenance(directory, {**provenance, "wall_s": wall})
        message = (
            f"{stopped}; go on with rankaae train {setting('resume', run_directory.short_path(directory))}"
        )
        raise Stopped(message, stopped.status - 128) from stopped
    wall = time.monotonic() - start
    run_provenance.write_provenance(directory, {**provenance, "finished": now(), "wall_s": round(wall, 3)})
    return model, wall


def _new_run(
    cfg: DictConfig, files: list[Path], family: Family, course: Course
) -> tuple[Path, Any, dict[str, Any]]:
    """Return a new run directory with its configuration, the logger that writes into it, and its provenance."""
    directory = run_directory.new_run_directory(cfg.family.name)
    try:
        logger = train_logger.logger_of(cfg, directory)
    except UserError:
        run_directory.unclaimed(directory)
        raise
    provenance = run_provenance.provenance_at_start(files, family, course.device)
    provenance |= {earlier.key: earlier.record() for earlier in course.earlier_runs}
    run_directory.write_config(directory, cfg)
    return directory, logger, provenance


def _interrupted_run(cfg: DictConfig) -> tuple[Path, DictConfig]:
    """Return the directory of the run to go on with and its configuration.

    Raises
    ------
    UserError
        If there is none, it has finished, or the call asks for another configuration than the run's.
    """
    directory = interrupted.find_interrupted_run(cfg.resume)
    stored = run_directory.typed_config(directory)
    missing = sorted(OmegaConf.missing_keys(stored))
    if missing:
        raise UserError(
            f"{run_directory.short_path(directory)} was begun with an older rankaae, "
            f"which had no {', '.join(missing)}\nbegin a new run"
        )
    # Where the call leaves it open, the run has it as it was found for it.
    left_open = [key for key in ("memory", "trials", "split_seed", "split_by") if cfg.get(key) is None]
    left_open += ["devices"] if cfg.get("devices") == AUTO else []
    left_open += ["model"] if stored.get("start") is not None else []
    changed = interrupted.changed_settings(cfg, stored, ignore=(*_MAY_CHANGE, *left_open))
    if changed:
        raise UserError(
            f"{run_directory.short_path(directory)} was begun with another configuration: {'; '.join(changed)}\n"
            "resume with the same settings (resume= alone will do), or begin a new run"
        )
    for key in ("data", "unlabelled", "start", "teacher"):
        if key in stored and cfg.get(key) is not None:
            stored[key] = cfg[key]
    if "device" in interrupted.keys_of_call():
        stored.device = cfg.device
    return directory, stored


_ENDINGS = ("", ".tar.xz", ".tar.gz", ".tar", ".zip")


def _description(task: Task) -> Iterator[str]:
    """Give lines on what is trained."""
    family = task.family
    rows = ", ".join(f"{(family.split_N == side).sum()} {name}" for side, name in enumerate(SPLITS))
    by = "" if family.split_by == MATERIAL else f", split by {family.split_by.replace('_', ' ')}"
    yield f"{family.name}: {len(family)} spectra ({rows}{by}), descriptors {', '.join(family.descriptor_names)}"
    yield task.description


def _ingest_where_needed(cfg: DictConfig) -> None:
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
    sources = [path for end in _ENDINGS if (path := calculations / f"{cfg.family.name}{end}").exists()]
    if data.is_file() or not sources:
        return
    data.parent.mkdir(parents=True, exist_ok=True)
    # Jobs of one family that begin together wait for the first.
    with FileLock(data.parent / f".{data.name}.lock"):
        if not data.is_file():
            _ingest(cfg, sources[0])


def _ingest(cfg: DictConfig, path: Path) -> None:
    from rankaae_cli.commands import ingest  # pandas and what reads archives, which few calls need

    text = (importlib.resources.files("rankaae_cli.conf") / "ingest.yaml").read_text(encoding="utf-8")
    defaults = OmegaConf.create(text)
    assert isinstance(defaults, DictConfig)
    for key in ("defaults", "hydra"):
        defaults.pop(key, None)
    given = {"family": OmegaConf.to_container(cfg.family), "source": "feff", "path": str(path)}
    settings = OmegaConf.merge(OmegaConf.structured(IngestConfig), defaults, given)
    assert isinstance(settings, DictConfig)
    ingest.run(settings)


def _after_training(cfg: DictConfig, directory: Path) -> None:
    """Do what `then` says; the path of a page that is made ends the output, as the run's own does without."""
    if cfg.then is not Then.report:
        return
    # Matplotlib and plotly, which few calls need.
    from rankaae_cli.reports.classes.page import report_classes
    from rankaae_cli.reports.run.report import report_run
    from rankaae_cli.reports.simulation.report import report_simulations

    model = load_model(directory / run_directory.BEST)
    if isinstance(model, Classifies):
        print(report_classes(directory)[1])
    elif isinstance(model, Simulates):
        print(report_simulations(directory)[1])
    elif isinstance(model, Samples):
        # It is evaluated by settings of its own, which no training knows.
        console.print("no page yet: evaluate the run first, then rankaae report")
    else:
        print(report_run(directory, "outdated")[1])


def _score(model: Trained) -> float:
    """Return the validation score of the selected trial."""
    return float(model.scores_T[model.selected_trial])


def _summarise(model: Trained, directory: Path, wall: float) -> None:
    for trial, reason in enumerate(model.failed_T):
        if reason is not None:
            console.print(f"trial {trial} was given up: {reason}")
    t = model.selected_trial
    epoch = f", epoch {model.best_epoch_T[t]}" if isinstance(model, HasNetworks) else ""
    best = f"trial {t} is best on validation (score {_score(model):.3f}{epoch})"
    if isinstance(model, Classifies):
        best = f"area under the curve {_score(model):.3f}, mean over the classes, out of fold"
    console.print(f"trained in {wall:.0f} s; {best}")
    path = run_directory.short_path(directory)
    traverse = "rankaae traverse, " if isinstance(model, HasStyles) else ""
    then = f"{traverse}rankaae report"
    if isinstance(model, Simulates):
        walked = set(model.descriptor_names) & set(model.features.names)
        then = "rankaae traverse" if walked else "rankaae predict input=structures/"
    if isinstance(model, Samples):
        then = "rankaae predict input=TARGET density=DENSITY"
    console.print(f"next: rankaae evaluate, {then} ({setting('run', path)})")
    print(path)
