"""Trials spread over devices: each trains its own, in a process of its own, as if they were a run by themselves.

Each part has a folder of its own until all have finished: metrics.csv and checkpoints/last.ckpt, from which it goes
on after an interruption.
"""

import csv
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.files import replacing
from rankaae_cli.training.engine import planned, train_groups
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.resume import StopSignals, is_under_way, read_state, save_beginning
from rankaae_cli.training.task import EpochTask, TrainingError

_FOLDER = "parts"
_DONE, _STOPPED = 0, 3


def fit_parts(task: EpochTask, progress: ProgressReport) -> list[BestEpochs]:
    """Train the parts side by side, the first of them here; return what all groups of trials found, in order.

    Raises
    ------
    TrainingError
        If a part failed.
    Stopped
        If a signal asked the run to stop; every part is saved.
    """
    state = read_state(task.last) if task.resume else None
    if state is not None:  # all parts had finished; only what follows from them was missing
        return TrialGroups.recorded(state, task.trials).finished
    tasks = [part_of(task, part) for part in range(min(task.devices, task.trials))]
    for part in tasks:
        (part.folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    start = multiprocessing.get_context("spawn")
    pipes = [start.Pipe(duplex=False) for _ in tasks[1:]]
    others = [start.Process(target=_train_other, args=(theirs,), daemon=True) for theirs, _ in pipes]
    with StopSignals() as signals:
        for other, (theirs, _) in zip(others, pipes, strict=True):
            other.start()
            theirs.close()  # writing to a process that has ended then fails
        try:
            _hand_over(tasks[1:], [ours for _, ours in pipes], others)
            _train_part(tasks[0], signals, _watching(progress, others))
            _wait(others, signals)
        except BaseException:
            # A part that is asked to stop saves what it has.
            for other in others:
                other.terminate()
            raise
        finally:
            for other in others:
                other.join()
    found = [_groups_of(part) for part in tasks]
    joined = TrialGroups(
        [n for part in found for n in part.sizes], [b for part in found for b in part.finished]
    )
    _join_tables([part.folder / "metrics.csv" for part in tasks], task.folder / "metrics.csv")
    save_beginning(task.last, joined)
    return joined.finished


def remove_parts(task: EpochTask) -> None:
    """Remove the folders of the parts, once all that follows from them is written."""
    shutil.rmtree(task.folder / _FOLDER, ignore_errors=True)


def part_of(task: EpochTask, part: int) -> EpochTask:
    """Return what a part trains: its trials, in its folder, on its device."""
    n = min(task.devices, task.trials)
    smaller, larger_ones = divmod(task.trials, n)
    sizes = [smaller + (i < larger_ones) for i in range(n)]
    device = f"cuda:{part}" if task.device == "cuda" else task.device
    return replace(
        task,
        trials=sizes[part],
        first_trial=sum(sizes[:part]),
        folder=task.folder / _FOLDER / str(part),
        device=device,
        devices=1,
        memory_share=task.memory_share if task.device == "cuda" else task.memory_share / n,
        logger=None,
        watch=task.watch if part == 0 else None,  # another process cannot be handed it
    )


def _train_part(task: EpochTask, signals: StopSignals, progress: ProgressReport) -> None:
    groups = _groups_of(task)
    train_groups(task, groups, is_under_way(read_state(task.last)), signals, progress)
    save_beginning(task.last, groups)  # nothing of it waits


def _hand_over(
    tasks: Sequence[EpochTask], pipes: Sequence[Connection], others: Sequence[BaseProcess]
) -> None:
    """Send the other processes their tasks.

    Were a task an argument of its process, and larger than a pipe holds, writing it would never end where the
    process ends before it reads.
    """
    for task, pipe, other in zip(tasks, pipes, others, strict=True):
        try:
            with pipe:
                pipe.send(task)
        except BrokenPipeError:
            other.join()
    _refuse_failures(others)


def _train_other(pipe: Connection) -> None:
    """Train the part that comes through a pipe in a process of its own; its exit status says how it ended."""
    _end_with_parent()
    with pipe:
        task: EpochTask = pipe.recv()
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # a warning that the process which was called passes on
    try:
        with StopSignals() as signals:
            _train_part(task, signals, lambda done, total, standing: None)
    except Stopped:
        raise SystemExit(_STOPPED) from None


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _groups_of(task: EpochTask) -> TrialGroups:
    state = read_state(task.last)
    return planned(task) if state is None else TrialGroups.recorded(state, task.trials)


def _watching(progress: ProgressReport, others: Sequence[BaseProcess]) -> ProgressReport:
    """Return a report of progress that also looks, after every epoch, whether the other parts still train."""

    def report(done: int, total: int, standing: str) -> None:
        _refuse_failures(others)
        progress(done, total, f"device 0 of {len(others) + 1}: {standing}")

    return report


def _wait(others: Sequence[BaseProcess], signals: StopSignals) -> None:
    """Wait for the other parts; stop them where a signal asks for it or one of them has failed."""
    while any(other.is_alive() for other in others):
        for other in others:
            other.join(timeout=0.2)
        if signals.received is not None:
            raise Stopped("stopped while other devices trained", signals.received)
        _refuse_failures(others)
    _refuse_failures(others)
    if any(other.exitcode == _STOPPED for other in others):
        raise Stopped("stopped on another device", signal.SIGTERM)


def _refuse_failures(others: Sequence[BaseProcess]) -> None:
    for part, other in enumerate(others, start=1):
        if other.exitcode not in (None, _DONE, _STOPPED):
            raise TrainingError(
                f"the process that trained on device {part} ended with status {other.exitcode}; "
                "what it printed says why"
            )


def _join_tables(parts: Sequence[Path], path: Path) -> None:
    """Write the rows of all parts below one head."""
    rows: list[Any] = []
    for part in parts:
        with part.open(newline="", encoding="utf-8") as file:
            head, *of_part = csv.reader(file)
        rows += of_part
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
