"""Lightning's trainer as it is used here: without files, bars or remarks of its own."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl

from rankaae_cli.training.processes import strategy_of

_LOGGERS = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric")


def new_trainer(
    device: str,
    max_epochs: int,
    callbacks: Sequence[pl.Callback],
    *,
    processes: int = 1,
    all_used: bool = True,
    logger: Any = None,
) -> pl.Trainer:
    """Return a trainer; see `quiet_lightning` for its remarks.

    Parameters
    ----------
    device
        Of this process: ``cpu``, ``cuda`` or one of its devices.
    max_epochs
        Length of the training.
    callbacks
        Its only ones.
    processes
        That share the batches.
    all_used
        Whether every backward pass reaches every parameter; counts with several processes.
    logger
        One of Lightning's; None for none.
    """
    return pl.Trainer(
        accelerator="gpu" if device.startswith("cuda") else "cpu",
        max_epochs=max_epochs,
        callbacks=list(callbacks),
        logger=logger or False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **strategy_of(processes, device, all_used),
    )


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning from advice that does not apply here while the body runs.

    The batches come from arrays: no loader has workers to spare. Processes are started here, not by ``srun``.
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for module in ("pytorch_lightning", "lightning_fabric"):
            warnings.filterwarnings("ignore", module=module)
        yield
