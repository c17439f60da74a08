"""Ending an ingest in order when it is asked to: what is computed is kept, and the next call goes on from there."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rankaae_cli.core.errors import Stopped

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_in_order() -> Iterator[None]:
    """Let SIGTERM, a cluster's warning, and Ctrl-C raise Stopped in the body, once.

    Raises
    ------
    Stopped
        When such a signal came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _STOP_SIGNALS:  # what is being saved now is not to be interrupted
            signal.signal(each, signal.SIG_IGN)
        name = signal.Signals(number).name
        raise Stopped(
            f"stopped by {name}: no file was written; what was computed is in the cache, "
            "run the same command again to go on",
            number,
        )

    before = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
