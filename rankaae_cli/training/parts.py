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
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.files import replacing
from rankaae_cli.training.engine import planned, train_groups
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.resume import StopSignals, is_under_way, read_state, save_beginning
from rankaae_cli.training.task import EpochTask, TrainingError, Watch

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
    pipes = [start.Pipe() for _ in tasks[1:]]
    others = [start.Process(target=_train_other, args=(theirs,), daemon=True) for theirs, _ in pipes]
    ours = [pipe for _, pipe in pipes]
    with StopSignals() as signals:
        _start(others)
        for theirs, _ in pipes:
            theirs.close()  # writing to a process that has ended then fails
        standings = _Standings(progress, task.watch, others, ours)
        try:
            _hand_over(tasks[1:], ours, others)
            own = replace(tasks[0], watch=standings.take)
            _train_part(own, signals, standings.note)
            _wait(others, signals, standings)
        except BaseException:
            # A part that is asked to stop saves what it has.
            for other in others:
                other.terminate()
            raise
        finally:
            for pipe in ours:
                pipe.close()  # nobody waits to be heard
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
        watch=None,  # another process cannot be handed it
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
            pipe.send(task)
        except ConnectionError:
            other.join()
    _refuse_failures(others)


def _train_other(pipe: Connection) -> None:
    """Train the part that comes through a pipe in a process of its own; its exit status says how it ended.

    After every epoch it sends back how it stands.
    """
    _end_with_parent()
    task: EpochTask = pipe.recv()
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # a warning that the process which was called passes on
    standings: list[str] = []

    def send(done: int, total: int, score: float) -> None:
        with suppress(OSError):  # the process that was called hears no more: it stops this one
            pipe.send(_Standing(done, total, standings[-1], score))

    try:
        with StopSignals() as signals:
            own = replace(task, watch=send)
            _train_part(own, signals, lambda done, total, standing: standings.append(standing))
    except Stopped:
        raise SystemExit(_STOPPED) from None


def _start(others: Sequence[BaseProcess]) -> None:
    """Start processes that Ctrl-C, which reaches all of a terminal, does not interrupt: SIGTERM stops them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for other in others:
            other.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


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


class _Standing(NamedTuple):
    """How a part stands: epochs done and in all, in words, and its best validation score so far."""

    done: int
    total: int
    words: str
    score: float


class _Standings:
    """How all parts stand, as one; after every epoch of the first, whether the others still train.

    Parameters
    ----------
    progress, watch
        Told how all stand, as by a training in one process.
    others, pipes
        The other processes, and what each sends its standing by.
    """

    def __init__(
        self,
        progress: ProgressReport,
        watch: Watch | None,
        others: Sequence[BaseProcess],
        pipes: Sequence[Connection],
    ) -> None:
        self.progress, self.watch = progress, watch
        self.others, self.pipes = others, pipes
        self.latest: dict[int, _Standing] = {}
        self._words = ""

    def note(self, done: int, total: int, words: str) -> None:
        """Note how the first part stands; its score comes next."""
        self._words = words

    def take(self, done: int, total: int, score: float) -> None:
        """Take the first part's score, hear the others, and tell."""
        _refuse_failures(self.others)
        self.latest[0] = _Standing(done, total, self._words, score)
        self.hear()
        self._tell()

    def hear(self) -> bool:
        """Take what the other parts have sent; return whether it was anything."""
        heard = False
        for part, pipe in enumerate(self.pipes, start=1):
            with suppress(EOFError, OSError):  # of one that has ended
                while pipe.poll():
                    self.latest[part] = pipe.recv()
                    heard = True
        return heard

    def hear_and_tell(self) -> None:
        """Hear the others, once the first part is done."""
        if self.hear():
            self._tell()

    def _tell(self) -> None:
        parts = 1 + len(self.others)
        standings = list(self.latest.values())
        best = max(standings, key=lambda one: one.score)
        # Each part has epochs of its own: the mean is what one process would have done.
        total = best.total
        done = sum(one.done * total // one.total for one in standings) // parts
        self.progress(done, total, f"{done} of {total} epochs on {parts} devices, the best: {best.words}")
        if self.watch is not None:
            self.watch(done, total, best.score)


def _wait(others: Sequence[BaseProcess], signals: StopSignals, standings: _Standings) -> None:
    """Wait for the other parts; stop them where a signal asks for it or one of them has failed."""
    while any(other.is_alive() for other in others):
        for other in others:
            other.join(timeout=0.2)
        standings.hear_and_tell()
        if signals.received is not None:
            raise Stopped("stopped while other devices trained", signals.received)
        _refuse_failures(others)
    standings.hear_and_tell()
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
