"""What commands show while they work: a progress bar on a terminal, plain lines in a log file."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

# Standard error: standard output is kept for results, such as the path a script wants.
console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Progress of long work; call it with (done, in all, how it stands).

    On a terminal a bar; elsewhere a line now and then, so that a log file stays short. Without a `unit` the
    numbers fill the bar and give the time left, but are not shown: how it stands says all.
    """

    def __init__(self, task: str, unit: str = "") -> None:
        self.task = task
        self.unit = unit
        self.bar: RichProgress | None = None
        self.last_line = 0.0
        self.first: tuple[int, float] | None = None  # how many were done at the first call, and when
        if console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                *([MofNCompleteColumn()] if unit else []),
                TimeRemainingColumn(),
            )
            self.bar = RichProgress(
                *columns, TextColumn("{task.fields[standing]}"), console=console, transient=True
            )

    def __enter__(self) -> "Progress":
        self.last_line = time.monotonic()
        if self.bar is not None:
            self.bar.start()
            self.bar.add_task(self.task, total=None, standing="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, done: int, total: int | None, standing: str = "") -> None:
        """Show that `done` of `total` are done, or `done` where no one knows of how many."""
        now = time.monotonic()
        if self.first is None:
            self.first = (done, now)
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=done, total=total, standing=standing)
        elif done == total or now - self.last_line > _SECONDS_BETWEEN_LINES:
            self.last_line = now
            left = self._left(done, total, now)
            count = f"{done} {self.unit}" if total is None else f"{done} of {total} {self.unit}"
            parts = [f"{count}{left and f', {left}'}", standing] if self.unit else [standing, left]
            if any(parts):
                print(f"{self.task}: {'; '.join(filter(None, parts))}", file=sys.stderr, flush=True)

    def _left(self, done: int, total: int | None, now: float) -> str:
        """Return about how long the rest takes, at the pace so far."""
        assert self.first is not None
        before, start = self.first
        if total is None or done in (total, before):
            return ""
        seconds = (now - start) / (done - before) * (total - done)
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
