"""Several processes that share the batches of one training, by Lightning's DDP strategy.

Process 0 is the one that was called; it alone writes and reports. The others are started here and take part in
every step, each with its share of the rows (`networks.shares`).
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.process import BaseProcess
from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy, Strategy

from rankaae_cli.training.request import TrainingError

_ADDRESS = "127.0.0.1"
# No step takes so long; a process that does not answer is gone.
_PATIENCE = timedelta(minutes=5)
_SECONDS_TO_END = 2.0


def strategy_of(processes: int, device: str, all_used: bool) -> dict[str, Any]:
    """Return what a Lightning trainer is told for so many processes.

    `device` is this process's; `all_used`: every backward pass reaches every parameter.
    """
    # Left alone, Lightning takes the tasks of a job of Slurm for processes of its own, and refuses other numbers.
    environment = LightningEnvironment()
    if processes == 1:
        index = torch.device(device).index
        return {"devices": 1 if index is None else [index], "plugins": [environment]}
    strategy: Strategy = DDPStrategy(
        timeout=_PATIENCE,
        cluster_environment=environment,
        find_unused_parameters=not all_used,
        broadcast_buffers=False,
    )
    return {"devices": processes, "strategy": strategy, "use_distributed_sampler": False}


def device_of(device: str, processes: int) -> str:
    """Return the device of this process: with several, the CUDA device of its own number."""
    return f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" and processes > 1 else device


def is_first_process() -> bool:
    """Return whether this process was called, and so writes; the others were started to help it."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


@contextlib.contextmanager
def taking_part(processes: int, share: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Start the other processes for as long as the body runs; each calls ``share(*arguments)``.

    They end with the body, whatever ends it.

    Raises
    ------
    TrainingError
        If one of them has failed.
    """
    if processes == 1:
        yield
        return
    port = _free_port()
    before = dict(os.environ)
    start = multiprocessing.get_context("spawn")
    others = [
        start.Process(target=_take_part, args=(rank, processes, port, share, arguments), daemon=True)
        for rank in range(1, processes)
    ]
    try:
        _join_group(0, processes, port)
        for other in others:
            other.start()
        yield
    except RuntimeError as error:
        # What a lost partner looks like differs between backends; it may be noticed before it has quite ended.
        wait_for_any([other.sentinel for other in others], timeout=_SECONDS_TO_END)
        lost = [rank for rank, other in enumerate(others, start=1) if other.exitcode]
        if lost:
            raise TrainingError(
                f"process {lost[0]} of {processes}, which took part in the training, ended with status "
                f"{others[lost[0] - 1].exitcode}; what it printed says why"
            ) from error
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        _end(others)
        os.environ.clear()
        os.environ.update(before)


def end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _take_part(
    rank: int, processes: int, port: int, share: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    end_with_parent()
    # Whoever was called decides when to stop.
    for number in (signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    _join_group(rank, processes, port)
    share(*arguments)


def _join_group(rank: int, processes: int, port: int) -> None:
    """Tell Lightning which process this is; it forms the group when training starts."""
    os.environ |= {
        "MASTER_ADDR": _ADDRESS,
        "MASTER_PORT": str(port),
        "NODE_RANK": "0",
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
    }
    if torch.cuda.is_available():
        torch.cuda.set_device(rank % torch.cuda.device_count())


def _end(others: Sequence[BaseProcess]) -> None:
    for other in others:
        other.join(timeout=5)
        if other.is_alive():
            other.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])
