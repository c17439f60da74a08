"""Trials spread over devices: each trains its own, in a process of its own, as if they were a run by themselves.

Each part has a folder of its own until all have finished: metrics.csv and checkpoints/last.ckpt, from which it goes
on after an interruption.
"""

import csv
import multiprocessing
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.files import replacing
from rankaae_cli.training.callbacks import ProgressReport
from rankaae_cli.training.engine import planned, train_groups
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.processes import end_with_parent
from rankaae_cli.training.request import FitRequest, TrainingError
from rankaae_cli.training.resume import StopSignals, is_under_way, read_state, save_beginning

_FOLDER = "parts"
_DONE, _STOPPED = 0, 3


def fit_parts(request: FitRequest, progress: ProgressReport) -> list[BestEpochs]:
    """Train the parts side by side, the first of them here; return what all groups of trials found, in order.

    Raises
    ------
    TrainingError
        If a part failed.
    Stopped
        If a signal asked the run to stop; every part is saved.
    """
    state = read_state(_last(request)) if request.resume else None
    if state is not None:  # all parts had finished; only what follows from them was missing
        return TrialGroups.recorded(state, request.trials).finished
    requests = [part_of(request, part) for part in range(min(request.devices, request.trials))]
    for part in requests:
        (part.folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    start = multiprocessing.get_context("spawn")
    others = [start.Process(target=_train_other, args=(part,), daemon=True) for part in requests[1:]]
    with StopSignals() as signals:
        for other in others:
            other.start()
        try:
            _train_part(requests[0], signals, _watching(progress, others))
            _wait(others, signals)
        except BaseException:
            # A part that is asked to stop saves what it has.
            for other in others:
                other.terminate()
            raise
        finally:
            for other in others:
                other.join()
    found = [_groups_of(part) for part in requests]
    joined = TrialGroups(
        [n for part in found for n in part.sizes], [b for part in found for b in part.finished]
    )
    _join_tables([part.folder / "metrics.csv" for part in requests], request.folder / "metrics.csv")
    save_beginning(_last(request), joined)
    return joined.finished


def remove_parts(request: FitRequest) -> None:
    """Remove the folders of the parts, once all that follows from them is written."""
    shutil.rmtree(request.folder / _FOLDER, ignore_errors=True)


def part_of(request: FitRequest, part: int) -> FitRequest:
    """Return what a part trains: its trials, in its folder, on its device."""
    n = min(request.devices, request.trials)
    smaller, larger_ones = divmod(request.trials, n)
    sizes = [smaller + (i < larger_ones) for i in range(n)]
    device = f"cuda:{part}" if request.device == "cuda" else request.device
    return replace(
        request,
        trials=sizes[part],
        first_trial=sum(sizes[:part]),
        folder=request.folder / _FOLDER / str(part),
        device=device,
        devices=1,
        memory_share=request.memory_share if request.device == "cuda" else request.memory_share / n,
        logger=None,
        watch=request.watch if part == 0 else None,  # another process cannot be handed it
    )


def _train_part(request: FitRequest, signals: StopSignals, progress: ProgressReport) -> None:
    groups = _groups_of(request)
    state = read_state(_last(request))
    train_groups(request, groups, state is not None and is_under_way(state), signals, progress)
    save_beginning(_last(request), groups)  # nothing of it waits


def _train_other(request: FitRequest) -> None:
    """Train one part in a process of its own; its exit status says how it ended."""
    end_with_parent()
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # a warning that the process which was called passes on
    try:
        with StopSignals() as signals:
            _train_part(request, signals, lambda done, total, standing: None)
    except Stopped:
        raise SystemExit(_STOPPED) from None


def _groups_of(request: FitRequest) -> TrialGroups:
    state = read_state(_last(request))
    return planned(request) if state is None else TrialGroups.recorded(state, request.trials)


def _last(request: FitRequest) -> Path:
    return request.folder / "checkpoints" / "last.ckpt"


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
