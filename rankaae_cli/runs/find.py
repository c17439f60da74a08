"""Which runs a ``run=`` names: the newest, a directory, those below one at any depth, lists and patterns."""

import glob
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.runs.directory import BEST, RUNS
from rankaae_cli.runs.provenance import PROVENANCE, read_provenance
from rankaae_cli.runs.sweep_record import JOB, PRUNED, SWEEP, jobs_of, read_job, read_plan

_SWEEP = "multirun.yaml"  # what Hydra leaves in the directory of a sweep
_TRAIN = "train"
_COMMAND = re.compile(r"^ +config_name: *(\S+)$", re.MULTILINE)
_MOST_NAMED = 3


@dataclass(frozen=True)
class OmittedRun:
    """A run that is left out of a selection, since it cannot be reported.

    Attributes
    ----------
    path
        Of its directory.
    reason
        Why, in half a sentence.
    todo
        What can be done about it; empty where nothing can.
    fault
        Whether something is wrong with it; else it has only not finished.
    """

    path: Path
    reason: str
    todo: str = ""
    fault: bool = False


@dataclass(frozen=True)
class RunSelection:
    """The runs that a ``run=`` names.

    Attributes
    ----------
    finished
        Directories of runs, resolved, each once.
    left_out
        Runs that have not finished or cannot be read.
    directory
        The one directory that was searched; None for runs named one by one, lists and patterns.
    """

    finished: list[Path] = field(default_factory=list)
    left_out: list[OmittedRun] = field(default_factory=list)
    directory: Path | None = None

    @property
    def single(self) -> Path | None:
        """The run, where there is one alone and none was left out."""
        return self.finished[0] if len(self.finished) == 1 and not self.left_out else None


def find_run(run: str, root: Path = RUNS, key: str = "run", instead: str = "") -> Path:
    """Return the directory of a finished run.

    Parameters
    ----------
    run
        A path, or ``latest`` for the newest finished run below `root`.
    key
        Under which a call gives it.
    instead
        What a call can do without a run, in half a sentence, for where there is none yet.

    Raises
    ------
    UserError
        If there is no such run, it has not finished, or it has no checkpoint.
    """
    if run == "latest":
        path = _newest_finished(root, f", or {instead}" if instead else "")
    else:
        path = Path(run)
        if not (path / PROVENANCE).is_file():
            raise UserError(
                f"{path} is not a run directory (no {PROVENANCE} in it)\ngive one as {key}=, or {key}=latest"
            )
        if "finished" not in read_provenance(path):
            raise UserError(
                f"the run {path} has not finished\nwait for it, or go on with it: {_resuming(path)}"
            )
    if not (path / BEST).is_file():
        raise UserError(f"the run {path} has no {BEST}\nit cannot be used: train again")
    return path.resolve()


def readable_runs(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the runs below `root` with their provenance, passing over what cannot be read with a word."""
    runs = []
    for path in root.rglob(PROVENANCE):
        try:
            runs.append((path.parent, read_provenance(path.parent)))
        except UserError as error:
            print(f"passed over: {str(error).splitlines()[0]}", file=sys.stderr)
    return runs


def runs_on_same_data(run: Path) -> list[Path]:
    """Return the other finished runs below ``runs/`` that were trained on the files of a run, the newest first."""
    data = _digests(read_provenance(run))
    others = [
        (content["finished"], path.resolve())
        for path, content in readable_runs(RUNS)
        if "finished" in content and _digests(content) == data and (path / BEST).is_file()
    ]
    return [path for _, path in sorted(others, reverse=True) if path != run.resolve()]


def find_runs(run: str | Sequence[str]) -> RunSelection:
    """Return the runs that `run` names.

    Parameters
    ----------
    run
        ``latest``, a run directory, a directory that holds runs at any depth, a pattern such as
        ``runs/*/2026-11-20/*``, or several of these.

    Raises
    ------
    UserError
        If a name stands for no run, or none of the runs has finished.
    """
    names = [run] if isinstance(run, str) else list(run)
    if not names:
        raise UserError("run=[] names no run\ngive directories of runs, or run=latest")
    if len(names) == 1 and (names[0] == "latest" or (Path(names[0]) / PROVENANCE).is_file()):
        return RunSelection([find_run(names[0])])
    runs: dict[Path, OmittedRun | None] = {}
    for name in names:
        runs |= {path.resolve(): state for path, state in _named(name)}
    left_out = [state for state in runs.values() if state is not None]
    left_out.sort(key=lambda omitted: _natural(str(omitted.path)))
    finished = [path for path, state in runs.items() if state is None]
    if not finished:
        raise UserError(_none_finished(names, left_out))
    directory = Path(names[0]) if len(names) == 1 and Path(names[0]).is_dir() else None
    return RunSelection(finished, left_out, directory and directory.resolve())


def _digests(provenance: dict[str, Any]) -> set[str]:
    return {str(entry.get("sha256")) for entry in provenance.get("data", []) if not entry.get("unlabelled")}


def _newest_finished(root: Path, instead: str) -> Path:
    """Return the newest finished run below `root`; say so where a run that has not finished is newer.

    Where there is none, `instead` follows what can be done about it.
    """
    runs = readable_runs(root)
    finished = [(content["finished"], path) for path, content in runs if "finished" in content]
    begun = [
        (content["started"], path)
        for path, content in runs
        if "started" in content and "finished" not in content
    ]
    since, unfinished = max(begun, default=("", None))
    if finished:
        until, path = max(finished)
        if unfinished is not None and since > until:
            print(
                f"taking {path}: the newer {unfinished} has not finished (to go on with it: "
                f"{_resuming(unfinished)})",
                file=sys.stderr,
            )
        return path
    where = f"there is no finished run below {root.resolve()}"
    if unfinished is None:
        raise UserError(f"{where}\ntrain one: rankaae train +family=...{instead}")
    others = f" (nor have {len(begun) - 1} older ones)" if len(begun) > 1 else ""
    raise UserError(
        f"{where}; {unfinished} has not finished{others}\n"
        f"wait for it, or go on with it: {_resuming(unfinished)}{instead}"
    )


def _named(name: str) -> list[tuple[Path, OmittedRun | None]]:
    """Return the runs that one name stands for, each with why it is left out."""
    if name == "latest":
        return [(find_run(name), None)]
    if Path(name).exists() or not glob.has_magic(name):
        folders = [Path(name)]
    else:
        # Path.glob takes no absolute pattern.
        matches = sorted(glob.glob(name, recursive=True), key=_natural)  # noqa: PTH207
        folders = [Path(match) for match in matches if Path(match).is_dir()]
    runs = [run for folder in folders for run in _below(folder)]
    if not runs:
        there = "nothing matches" if glob.has_magic(name) else "there is no run in"
        raise UserError(f"{there} {name}\ngive the directory of a run or of a sweep as run=, or run=latest")
    return runs


def _below(folder: Path) -> Iterator[tuple[Path, OmittedRun | None]]:
    """Give the runs at and below a directory, in natural order."""
    for place, subfolders, files in os.walk(folder):
        path = Path(place)
        if PROVENANCE in files:
            subfolders.clear()  # a run holds no run
            yield path, _state(path)
            continue
        subfolders[:] = sorted((s for s in subfolders if not s.startswith(".")), key=_natural)
        if SWEEP in files:
            if read_plan(path).command == _TRAIN:  # others leave no runs
                yield from _recorded_without_run(path)
        elif _SWEEP in files and _swept_command(path / _SWEEP) == _TRAIN:
            jobs = [s for s in subfolders if s.isdigit() and any((path / s).rglob(PROVENANCE))]
            # Jobs are counted from 0; one that fails at once leaves no folder, or an empty one.
            for job in range(max(map(int, [*jobs, *filter(str.isdigit, subfolders)]), default=-1) + 1):
                if str(job) not in jobs:
                    gone = path / str(job)
                    yield gone, OmittedRun(gone, "the job of the sweep failed before it trained")


def _swept_command(config: Path) -> str:
    """Return which command Hydra swept; empty where its file, which a user may have cut, does not name it."""
    # Hundreds of lines, of which YAML would read every one.
    match = _COMMAND.search(config.read_text(encoding="utf-8", errors="replace"))
    return match[1] if match else ""


def _recorded_without_run(sweep: Path) -> Iterator[tuple[Path, OmittedRun]]:
    """Give the jobs of a sweep that left no run, with what the sweep recorded of them."""
    for job in jobs_of(sweep):
        folder = sweep / job.directory
        if not (folder / PROVENANCE).is_file():
            reason = job.reason or f"the job is {job.state}"
            yield folder, OmittedRun(folder, reason, _resuming(sweep))


def _state(path: Path) -> OmittedRun | None:
    """Return why a run cannot be reported; None where it has finished."""
    try:
        content = read_provenance(path)
    except UserError as error:
        return OmittedRun(path, str(error).splitlines()[0], "train again", fault=True)
    if "finished" not in content:
        job = read_job(path) if (path / JOB).is_file() else None
        if job is not None and job.state == PRUNED:
            return OmittedRun(path, f"was pruned: {job.reason}", f"{_resuming(path)} finishes it")
        why = f": {job.reason}" if job is not None and job.reason else ""
        return OmittedRun(path, f"has not finished{why}", _resuming(path))
    if not (path / BEST).is_file():
        return OmittedRun(path, f"has no {BEST}", "train again", fault=True)
    return None


def _none_finished(names: Sequence[str], left_out: Sequence[OmittedRun]) -> str:
    shown = "; ".join(f"{run.path}: {run.reason}" for run in left_out[:_MOST_NAMED])
    more = f"; and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
    todo = next((run.todo for run in left_out if run.todo), "")
    begun = "wait for them, or go on with one: " if todo.startswith("rankaae") else ""
    return (
        f"no run of {', '.join(names)} has finished: {shown}{more}\n"
        f"{begun}{todo or 'train them: rankaae train -m +family=...'}"
    )


def _resuming(path: Path) -> str:
    """Return the call that goes on with an interrupted run or sweep."""
    return f"rankaae train {setting('resume', path)}"


def _natural(name: str) -> list[str | int]:
    """Sort key by which job 10 follows job 9: texts and numbers in turn."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]


def run_names(value: object) -> str | list[str]:
    """Return what ``run=`` gives, one name or several.

    Raises
    ------
    UserError
        If it is neither text nor a list of texts.
    """
    if isinstance(value, list) and all(isinstance(name, str | int) for name in value):
        return [str(name) for name in value]
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise UserError(
        f"run={value} is neither a directory nor a list of directories\nsee rankaae report --help"
    )
