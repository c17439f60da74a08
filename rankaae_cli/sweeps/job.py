"""A job of a sweep as a launcher runs it, in whichever process or on whichever machine."""

import os
import shlex
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from rankaae_cli.core.errors import Pruned, Stopped
from rankaae_cli.data.files import locked, now
from rankaae_cli.runs import sweep_record
from rankaae_cli.runs.directory import CONFIG
from rankaae_cli.runs.provenance import PROVENANCE
from rankaae_cli.runs.sweep_record import DONE, FAILED, INTERRUPTED, JOB_LOCK, LOG, PRUNED, RUNNING, Job

INTERRUPTED_STATUS = 128 + signal.SIGTERM
_busy = threading.Event()  # a job runs in this process


@dataclass(frozen=True)
class Origin:
    """Where a sweep was called.

    Attributes
    ----------
    process
        Its number.
    folder
        The working folder.
    arguments
        What stood after the command.
    """

    process: int
    folder: str
    arguments: list[str]


def run_job(
    run: Callable[[DictConfig], dict[str, Any]],
    explain: Callable[[Exception], str],
    cfg: DictConfig,
    origin: Origin,
) -> float | None:
    """Run one job and keep a record of it; return its score, None where it has none.

    A job that was interrupted is resumed; one that is done or pruned is left as it is.

    Parameters
    ----------
    run
        The command.
    explain
        Gives the message for an error; its first line is kept as the reason.
    cfg
        The job's configuration.
    origin
        Where the sweep was called.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / JOB_LOCK) as is_free:
        if not is_free:
            return None
        with _as_called(folder, origin):
            return _run_recorded(run, explain, cfg, folder, in_sweep=os.getpid() == origin.process)


def _run_recorded(
    run: Callable[[DictConfig], dict[str, Any]],
    explain: Callable[[Exception], str],
    cfg: DictConfig,
    folder: Path,
    in_sweep: bool,
) -> float | None:
    job = _recorded_job(folder)
    if job.state in (DONE, PRUNED):
        return job.score
    _resume_begun(folder, cfg)
    began, earlier = time.monotonic(), job.seconds or 0.0
    job = replace(job, state=RUNNING, reason="", score=None, began=job.began or now())
    sweep_record.write_job(folder, job)

    def record(state: str, **what: Any) -> None:
        seconds = round(earlier + time.monotonic() - began, 3)
        sweep_record.write_job(folder, replace(job, state=state, seconds=seconds, **what))

    try:
        result = run(cfg)
    except Pruned as pruned:
        record(PRUNED, reason=str(pruned), score=pruned.score)
        return pruned.score
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("RANKAAE_DEBUG") == "1":
            traceback.print_exception(error)
        message = explain(error)
        print(f"rankaae: {message}", file=sys.stderr)
        record(FAILED, reason=message.partition("\n")[0])
        return None
    except (Stopped, KeyboardInterrupt, SystemExit) as stopped:
        out_of_time = isinstance(stopped, SystemExit)
        record(INTERRUPTED, reason="out of time" if out_of_time else str(stopped).partition(";")[0])
        if in_sweep or out_of_time:
            raise
        _leave_to_slurm(stopped)
        return None  # an exception does not reach the process of the sweep; the record does
    score = float(result["score"]) if "score" in result else None
    record(DONE, score=score)
    return score


def _leave_to_slurm(stopped: BaseException) -> None:
    """End a job of Slurm that was stopped: it may be in the queue again, and has no result yet to be taken."""
    if os.environ.get("SUBMITIT_EXECUTOR") == "slurm":
        raise SystemExit(INTERRUPTED_STATUS) from stopped


def _resume_begun(folder: Path, cfg: DictConfig) -> None:
    """Resume a run that was begun in the job's directory."""
    if "resume" not in cfg or cfg.resume is not None:
        return
    if (folder / PROVENANCE).is_file():
        cfg.resume = str(folder)
    else:
        # Killed between the two files: there is nothing to go on from.
        (folder / CONFIG).unlink(missing_ok=True)


def _recorded_job(folder: Path) -> Job:
    """Return the job of a directory with its recorded state."""
    sweep = Path(HydraConfig.get().sweep.dir).resolve()
    planned = next(job for job in sweep_record.read_plan(sweep).jobs if sweep / job.directory == folder)
    return sweep_record.state_of(sweep, planned)


@contextmanager
def _as_called(folder: Path, origin: Origin) -> Iterator[None]:
    """Give a process of a launcher the folder and arguments of the call, and print into job.log."""
    if os.getpid() == origin.process:
        yield
        return
    if os.getppid() == origin.process:
        _stop_without(origin.process)
    _busy.set()
    before, arguments = Path.cwd(), sys.argv
    os.chdir(origin.folder)
    sys.argv = ["rankaae", *origin.arguments]
    streams = [(stream, os.dup(stream.fileno())) for stream in (sys.__stdout__, sys.__stderr__) if stream]
    with (folder / LOG).open("a", encoding="utf-8") as log:
        print(f"# rankaae {shlex.join(HydraConfig.get().overrides.task)}", file=log, flush=True)
        for stream, _ in streams:
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
        try:
            yield
        finally:
            for stream, kept in streams:
                stream.flush()
                os.dup2(kept, stream.fileno())
                os.close(kept)
            os.chdir(before)
            sys.argv = arguments
            _busy.clear()


def _stop_without(parent: int) -> None:
    """Stop this process as soon as the one that started it is gone, a job that it runs in order, as by SIGTERM."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        while _busy.is_set():
            time.sleep(1)
        os._exit(INTERRUPTED_STATUS)  # nobody is left to give it another job

    if not any(thread.name == "rankaae-parent" for thread in threading.enumerate()):
        threading.Thread(target=watch, name="rankaae-parent", daemon=True).start()
