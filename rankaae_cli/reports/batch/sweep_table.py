"""The table at the end of a sweep."""

import re
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLES = {"done": "green", "failed": "bold red", "interrupted": "yellow", "not started": "yellow"}


def described(job: Any) -> str:
    """Return how a job ended, in a line."""
    if job.score is None:
        return f"{job.state}: {job.reason}" if job.reason else job.state
    return f"{job.state}, score {job.score:.3f}, {_seconds(job.seconds)}"


def print_jobs(title: str, jobs: Sequence[Any], most: int | None = None) -> None:
    """Print a sweep's jobs: what sets each apart, how it stands, why where it failed.

    Parameters
    ----------
    title
        Of the sweep.
    jobs
        With ``directory``, ``overrides``, ``state``, ``reason``, ``score`` and ``seconds``.
    most
        Of the jobs with a score print so many, the best first, and of the others those that failed; None prints all
        in their order.
    """
    # Wide enough that nothing is cut where the output is not a terminal.
    console = Console(highlight=False, stderr=True)
    if not console.is_terminal:
        console = Console(highlight=False, stderr=True, width=1000)
    states = [job.state for job in jobs]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    console.print(Text(f"{title}: {len(jobs)} job{'s' if len(jobs) != 1 else ''}: {counts}", style="bold"))
    common = set.intersection(*(set(job.overrides) for job in jobs)) if len(jobs) > 1 else set()
    grid = Table(box=None, pad_edge=False)
    for heading, where in (("job", "left"), ("overrides", "left"), ("state", "left")):
        grid.add_column(heading, justify=where)  # type: ignore[arg-type]
    grid.add_column("score", justify="right", no_wrap=True)
    grid.add_column("time", justify="right", no_wrap=True)
    grid.add_column("reason", overflow="fold")
    for job in jobs if most is None else _best_first(jobs, most):
        apart = " ".join(_short(override) for override in job.overrides if override not in common)
        grid.add_row(
            Text(job.directory),
            Text(apart),
            Text(job.state, style=_STYLES.get(job.state, "")),
            "" if job.score is None else f"{job.score:.3f}",
            _seconds(job.seconds),
            Text(job.reason),
        )
    console.print(grid)


def _best_first(jobs: Sequence[Any], most: int) -> list[Any]:
    done = sorted((job for job in jobs if job.state == "done"), key=lambda job: -job.score)
    return [*done[:most], *(job for job in jobs if job.state not in ("done", "pruned"))]


def _short(override: str) -> str:
    """Return an override with its number, where it has many digits, rounded to four."""
    key, _, value = override.partition("=")
    return f"{key}={float(value):.4g}" if re.fullmatch(r"-?\d*\.\d{4,}(e-?\d+)?", value) else override


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
