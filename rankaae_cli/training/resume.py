"""Saving all that training depends on, so that a run can go on after any interruption."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch

from rankaae_cli.data.files import replacing

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SaveState(pl.Callback):
    """Write ``last.ckpt`` every so many epochs and when asked to stop.

    It holds weights, optimisers, epoch counters, the state of the other callbacks and the random generators,
    so that a run continued from it ends with the same weights as one that was never interrupted.

    SIGTERM, a cluster's warning, and Ctrl-C stop the run after the epoch at hand, however often they come;
    `stopped_by` is then the signal's number.

    Parameters
    ----------
    path
        Of last.ckpt.
    generators
        Every random generator that training draws from.
    every
        Epochs between two savings.
    """

    def __init__(self, path: Path, generators: Sequence[torch.Generator], every: int) -> None:
        self.path = path
        self.generators = generators
        self.every = every
        self.stopped_by: int | None = None
        self.asked_by: int | None = None
        self._handlers: dict[int, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the random generators."""
        return {"random_states": [g.get_state() for g in self.generators]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Set the random generators back."""
        for generator, state in zip(self.generators, state_dict["random_states"], strict=True):
            generator.set_state(state)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen for signals, after Lightning has set up its own; they can only be caught in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {s: signal.signal(s, self._ask) for s in _STOP_SIGNALS}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked_by = number

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save, and stop if asked to; stands last in the list of callbacks."""
        last = trainer.current_epoch + 1 == trainer.max_epochs
        if self.asked_by is not None and not last:
            self.stopped_by = self.asked_by
            trainer.should_stop = True
        if self.stopped_by is not None or (trainer.current_epoch + 1) % self.every == 0:
            with replacing(self.path) as temporary:
                trainer.save_checkpoint(temporary)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
