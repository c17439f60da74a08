"""Errors that a user can cause, as opposed to faults of the program."""

import difflib
import re
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LONG_WORD, _LONGEST_MESSAGE = 280, 560  # letters, of what a message repeats of a call or a file


class UserError(ValueError):
    """The call or the input is wrong.

    The message is one or two lines: what was found, what was expected, what to do. The command line prints
    it without a traceback and exits with status 2. It is made `concise`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(concise(message))


class Stopped(BaseException):
    """The run was asked to stop by a signal and did so in order; the exit status is 128 + its number.

    Like KeyboardInterrupt it is no Exception, so that it ends a sweep, not only one job of it.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.status = 128 + signal_number


@contextmanager
def stopping_in_order(outcome: str) -> Iterator[None]:
    """Let SIGTERM, a cluster's warning, and Ctrl-C raise Stopped in the body, once; `outcome` is what is left then.

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
        raise Stopped(f"stopped by {signal.Signals(number).name}: {outcome}", number)

    before = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Pruned(Exception):  # noqa: N818
    """A job of a search was given up because others did better at the same point; `score` is its best so far."""

    def __init__(self, message: str, score: float) -> None:
        super().__init__(message)
        self.score = score


class UnusableError(ValueError):
    """Contents of a checkpoint that cannot be used; the text says why, as a part of a sentence."""


def printable(text: str) -> str:
    """Return a text on one line, whatever of a file stands in it: letters that cannot be printed are blanks."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def concise(message: str) -> str:
    """Return a message on lines that can be printed, and short enough: long words are cut, then lines."""
    lines = [printable(line) for line in message.split("\n")]
    for pattern in (rf"\S{{{_LONG_WORD},}}", rf".{{{_LONG_WORD},}}"):
        if sum(map(len, lines)) > _LONGEST_MESSAGE:
            lines = [re.sub(pattern, _cut, line) for line in lines]
    return "\n".join(lines)


def _cut(match: re.Match[str]) -> str:
    return f"{match[0][: _LONG_WORD // 2]}...{match[0][-_LONG_WORD // 4 :]}"


def nearest(name: str, known: Iterable[str], else_list: Iterable[str] | None = None) -> str:
    """Return a sentence that names the entries of `known` nearest to `name`.

    Where none is near it lists `else_list`, by default all of `known`.
    """
    names = sorted(known)
    by_lower = {n.lower(): n for n in names}
    close = [by_lower[n] for n in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are: {', '.join(names if else_list is None else sorted(else_list))}"
