"""The record of a sweep on disk: the jobs that were planned, the state of each, and the table at the end.

``sweep.json`` lists the jobs before the first begins; each job writes ``job.json`` in its own directory as it goes.
So a sweep that was killed, or whose jobs run on other machines, can be read at any time.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import is_locked, now, read_mapping, replacing, write_text
from rankaae_cli.runs.provenance import PROVENANCE, read_provenance

SWEEP, TABLE, JOB, LOG = "sweep.json", "sweep.csv", "job.json", "job.log"
JOB_LOCK = ".job.lock"  # of the process that runs the job

NOT_STARTED, RUNNING, INTERRUPTED = "not started", "running", "interrupted"
DONE, FAILED, PRUNED = "done", "failed", "pruned"
_ADVICE = "begin a new sweep"  # where the record is damaged
ENDED = (DONE, FAILED, PRUNED)


@dataclass(frozen=True)
class Job:
    """A job of a sweep and its state.

    Attributes
    ----------
    number
        Counted from 0.
    directory
        Below that of the sweep.
    overrides
        What the job sets.
    state
        ``not started``, ``running``, ``interrupted``, ``done``, ``failed`` or ``pruned``.
    reason
        Why it failed or was pruned, in one line.
    score
        Validation score, where it has one.
    seconds
        That it took, with those before an interruption that was recorded.
    began
        When, ISO 8601 in UTC.
    """

    number: int
    directory: str
    overrides: list[str]
    state: str = NOT_STARTED
    reason: str = ""
    score: float | None = None
    seconds: float | None = None
    began: str | None = None


@dataclass(frozen=True)
class Plan:
    """What sweep.json holds besides the states of the jobs.

    Attributes
    ----------
    command
        Of rankaae.
    folder
        Working folder of the call.
    call
        Flags and overrides of the call.
    arguments
        The overrides among them that are not Hydra's own.
    jobs
        As planned.
    """

    command: str
    folder: str
    call: list[str]
    arguments: list[str]
    jobs: list[Job] = field(default_factory=list)


def is_sweep() -> bool:
    """Return whether this process runs a job of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def own_sweep() -> Path | None:
    """Return the directory of the sweep that this job belongs to; None where it belongs to none."""
    return Path(HydraConfig.get().sweep.dir).resolve() if is_sweep() else None


def own_finished_run() -> Path | None:
    """Return the directory of this job where its run has finished, though the job as a whole has not."""
    if not is_sweep():
        return None
    folder = Path(HydraConfig.get().runtime.output_dir)
    finished = (folder / PROVENANCE).is_file() and "finished" in read_provenance(folder)
    return folder if finished else None


def write_plan(sweep: Path, plan: Plan) -> None:
    """Write sweep.json with the jobs and their states."""
    content = {"format": "rankaae-sweep", "written": now()} | asdict(plan)
    write_text(sweep / SWEEP, json.dumps(content, indent=2) + "\n")


def read_plan(sweep: Path) -> Plan:
    """Read sweep.json.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    content = read_mapping(sweep / SWEEP, _ADVICE)
    try:
        jobs = [Job(**job) for job in content["jobs"]]
        plan = Plan(content["command"], content["folder"], content["call"], content["arguments"], jobs)
    except (KeyError, TypeError) as error:
        raise UserError(f"{sweep / SWEEP} cannot be read: it is no record of a sweep\n{_ADVICE}") from error
    settings = [plan.call, plan.arguments, *(job.overrides for job in jobs), [plan.command, plan.folder]]
    if not all(isinstance(part, list) and all(isinstance(one, str) for one in part) for part in settings):
        raise UserError(f"{sweep / SWEEP} cannot be read: settings that are no texts\n{_ADVICE}")
    for job in jobs:
        folder = Path(str(job.directory))
        if folder.is_absolute() or ".." in folder.parts:
            raise UserError(f"{sweep / SWEEP} has a job outside of it, at {folder}\n{_ADVICE}")
    return plan


def jobs_of(sweep: Path) -> list[Job]:
    """Return the jobs of a sweep with their states, by number."""
    return [state_of(sweep, job) for job in read_plan(sweep).jobs]


def state_of(sweep: Path, job: Job) -> Job:
    """Return a planned job with its state now."""
    folder = sweep / job.directory
    if (folder / JOB).is_file():
        return read_job(folder)
    return Job(job.number, job.directory, job.overrides)


def write_table(sweep: Path, jobs: Sequence[Job]) -> Path:
    """Write sweep.csv, a row a job and a column a setting; return its path."""
    settings = [dict(o.lstrip("+").split("=", 1) for o in job.overrides if "=" in o) for job in jobs]
    keys = list(dict.fromkeys(key for setting in settings for key in setting))
    path = sweep / TABLE
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["job", *keys, "state", "reason", "score", "seconds"])
        for job, setting in zip(jobs, settings, strict=True):
            numbers = ["" if value is None else value for value in (job.score, job.seconds)]
            values = [setting.get(key, "") for key in keys]
            table.writerow([job.directory, *values, job.state, job.reason, *numbers])
    return path


def write_job(folder: Path, job: Job) -> None:
    """Write job.json."""
    write_text(folder / JOB, json.dumps(asdict(job), indent=2) + "\n")


def read_job(folder: Path) -> Job:
    """Read job.json; a job that says it runs while no process runs it was interrupted.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        job = Job(**read_mapping(folder / JOB, _ADVICE))
    except TypeError as error:
        raise UserError(
            f"{folder / JOB} cannot be read: it is no record of a job\nremove it to run the job again"
        ) from error
    if job.state == RUNNING and not is_locked(folder / JOB_LOCK):
        # Between the two looks it may have ended in order.
        job = Job(**read_mapping(folder / JOB, _ADVICE))
        return job if job.state != RUNNING else replace(job, state=INTERRUPTED)
    return job
