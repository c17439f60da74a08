"""Saving all that training depends on, so that a run can go on after any interruption."""

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch

from rankaae_cli.data.files import replacing
from rankaae_cli.training.groups import TrialGroups

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# With this one submitit warns that the time of a job of Slurm is over; its handler queues the job again.
_WARNING = signal.SIGUSR2
_GRACE = 100.0  # seconds that the epoch at hand may take then; the presets of conf/ warn 180 s before the end
# Of large data, so many epochs may take longer than a cluster lets a job run.
_LONGEST_UNSAVED = 600.0  # seconds


class StopSignals:
    """Catches SIGTERM, a cluster's warning, and Ctrl-C, however often they come, while its body runs.

    `received` is the number of the last one. They can only be caught in the main thread. SIGUSR2 is caught where it
    belonged to somebody, who gets it in the end: when the body is left, or if that takes too long.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers: dict[int, Any] = {}
        self._grace: threading.Timer | None = None
        self._is_passed_on = False

    def __enter__(self) -> "StopSignals":
        self._handlers = self.listen()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._grace is not None:
            self._grace.cancel()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._grace is not None and not self._is_passed_on:
            signal.raise_signal(_WARNING)

    def listen(self) -> dict[int, Any]:
        """Take the signals; return to whom they belonged."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        warning = (_WARNING,) if callable(signal.getsignal(_WARNING)) else ()
        return {s: signal.signal(s, self._note) for s in (*_STOP_SIGNALS, *warning)}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        if number != _WARNING:
            return
        if self._grace is not None:  # the epoch takes too long
            if not self._is_passed_on:
                self._is_passed_on = True  # the owner may raise, which leaves the body
                self._handlers[_WARNING](number, frame)
            return
        main = threading.main_thread().ident
        assert main is not None
        self._grace = threading.Timer(_GRACE, signal.pthread_kill, (main, _WARNING))
        self._grace.daemon = True
        self._grace.start()


class SaveState(pl.Callback):
    """Write ``last.ckpt`` every so many epochs and when asked to stop.

    It holds weights, optimisers, epoch counters, the state of the other callbacks and the random generators of
    the trials at hand, the groups that the trials are trained in and what the finished ones found, so that a run
    continued from it ends with the same weights as one that was never interrupted.

    Parameters
    ----------
    path
        Of last.ckpt.
    generators
        Every random generator that training draws from.
    groups
        Of trials.
    every
        Epochs between two savings; after the first epoch that ends ten minutes after the last, it is saved all the
        same.
    signals
        Stop training after the epoch at hand; `stopped` then tells so.
    """

    def __init__(
        self,
        path: Path,
        generators: Sequence[torch.Generator],
        groups: TrialGroups,
        every: int,
        signals: StopSignals,
    ) -> None:
        self.path = path
        self.generators = generators
        self.groups = groups
        self.every = every
        self.signals = signals
        self.stopped = False
        self._saved = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the random generators."""
        return {"random_states": [g.get_state() for g in self.generators]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Set the random generators back."""
        for generator, state in zip(self.generators, state_dict["random_states"], strict=True):
            generator.set_state(state)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the groups of trials."""
        checkpoint.update(self.groups.to_dict())

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen for signals again, since Lightning has set up its own; it gives them back by itself."""
        self.signals.listen()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save, and stop if asked to; stands last in the list of callbacks."""
        if trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs:
            return  # the end of these trials is saved when Lightning has finished
        is_overdue = time.monotonic() - self._saved > _LONGEST_UNSAVED
        self.stopped = self.signals.received is not None
        if self.stopped:
            trainer.should_stop = True
        if self.stopped or is_overdue or (trainer.current_epoch + 1) % self.every == 0:
            self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Write last.ckpt."""
        self._saved = time.monotonic()
        with replacing(self.path) as temporary:
            trainer.save_checkpoint(temporary)


def save_beginning(path: Path, groups: TrialGroups) -> None:
    """Write a last.ckpt from which the next group of trials begins."""
    with replacing(path) as temporary:
        torch.save(groups.to_dict(), temporary)


def read_state(path: Path) -> dict[str, Any] | None:
    """Return what a last.ckpt holds, in the processor's memory; None if there is none."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def is_under_way(state: Mapping[str, Any] | None) -> bool:
    """Return whether there is a last.ckpt and it was written while a group of trials trained, not before it."""
    return state is not None and "state_dict" in state
