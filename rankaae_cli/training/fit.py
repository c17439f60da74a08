"""Training all trials of a task: here in groups, or spread over devices; begun, or gone on with."""

from collections.abc import Callable

import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.processors import idle_processors
from rankaae_cli.training.engine import planned, train_groups
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.memory import available_bytes
from rankaae_cli.training.parts import fit_parts
from rankaae_cli.training.resume import StopSignals, is_under_way, read_state
from rankaae_cli.training.task import EpochTask, TrainingError

# Steps of all trials together, below which to start a process (4 s) takes about what it saves; bytes that its
# libraries and its networks take.
_FEWEST_STEPS, _OF_PROCESS = 2000, 10**9


def chosen_device(name: str, devices: int = 1) -> str:
    """Return ``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    UserError
        If CUDA is asked for and there is none, or there are fewer CUDA devices than `devices`.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "device=cuda was asked for, but torch finds no CUDA device\nuse device=auto or device=cpu"
        )
    chosen = name
    if name == "auto":
        chosen = "cuda" if torch.cuda.is_available() else "cpu"
    if chosen == "cuda" and torch.cuda.device_count() < devices:
        raise UserError(
            f"devices={devices} were asked for, but torch finds {torch.cuda.device_count()} CUDA devices\n"
            "ask for as many as there are, or use device=cpu"
        )
    return chosen


def worthwhile_devices(device: str, trials: int, steps: int, threads: int, held: int) -> int:
    """Return among how many devices to share trials: CUDA devices, or processes on idle processors.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``.
    trials, steps
        How many there are, and batches of each.
    threads
        Of each process.
    held
        Bytes of spectra in each process.
    """
    if device == "cuda":
        most = torch.cuda.device_count()
    elif trials * steps < _FEWEST_STEPS:
        most = 1
    else:
        free = available_bytes(torch.device("cpu"))
        room = trials if free is None else free // (_OF_PROCESS + held)
        most = min(idle_processors() // threads, room)
    share = -(-trials // max(most, 1))
    return -(-trials // share)  # of eight trials six devices take as long as four


def train_trials(task: EpochTask, progress: ProgressReport, announce: Callable[[str], None]) -> BestEpochs:
    """Train, write metrics.csv and last.ckpt, and return the best epoch of every trial.

    Parameters
    ----------
    task
        What to train.
    progress
        Called after every epoch.
    announce
        Called where trials queue, with a sentence that says so.

    Raises
    ------
    TrainingError
        If every trial diverged before it had a usable epoch, the device's memory does not hold a group of them, or
        another process that took part has failed.
    Stopped
        If a signal asked the run to stop; last.ckpt is written.
    """
    groups = fit_parts(task, progress) if task.devices > 1 else _fit_groups(task, progress, announce)
    best = BestEpochs.joined(groups)
    if (best.best_epoch_T < 0).all():
        raise TrainingError("; ".join(f"trial {t}: {reason}" for t, reason in enumerate(best.failed_T)))
    return best


def _fit_groups(
    task: EpochTask, progress: ProgressReport, announce: Callable[[str], None]
) -> list[BestEpochs]:
    """Train all trials in this process, in as many groups as are needed."""
    # A run interrupted before its first saving goes on from the beginning.
    state = read_state(task.last) if task.resume else None
    groups = planned(task) if state is None else TrialGroups.recorded(state, task.trials)
    if len(groups.sizes) > 1:
        reason = "memory allows" if task.trials_at_once is None else "trials_at_once allows"
        announce(f"{groups}, as {reason}")
    goes_on = is_under_way(state)
    if state is not None and goes_on:
        announce(f"going on after epoch {state['epoch'] + 1}")
    del state
    with StopSignals() as signals:
        train_groups(task, groups, goes_on, signals, progress)
    return groups.finished
