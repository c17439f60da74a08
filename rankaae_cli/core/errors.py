"""Errors that a user can cause, as opposed to faults of the program."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """The call or the input is wrong.

    The message is one or two lines: what was found, what was expected, what to do. The command line prints
    it without a traceback and exits with status 2. Letters that cannot be printed are blanks in it.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(printable(line) for line in message.split("\n")))


class Stopped(BaseException):
    """The run was asked to stop by a signal and did so in order; the exit status is 128 + its number.

    Like KeyboardInterrupt it is no Exception, so that it ends a sweep, not only one job of it.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.status = 128 + signal_number


class Pruned(Exception):  # noqa: N818
    """A job of a search was given up because others did better at the same point; `score` is its best so far."""

    def __init__(self, message: str, score: float) -> None:
        super().__init__(message)
        self.score = score


def printable(text: str) -> str:
    """Return a text on one line, whatever of a file stands in it: letters that cannot be printed are blanks."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


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
