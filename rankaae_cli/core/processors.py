"""How many processors of the machine are there for more work."""

import os
import time
from pathlib import Path

import joblib

_LOOK = 0.5  # seconds
_IDLE = slice(3, 5)  # of the times in /proc/stat: idle, and waiting for a disk; see proc_stat(5)
_COUNTED = 8  # what guests take follows, and is in the others already


def idle_processors(root: Path = Path("/")) -> int:
    """Return how many processors this process may take of those that nobody uses now, at least one.

    It may take those of its affinity and of its control group's quota, and no more than OMP_NUM_THREADS, which
    joblib, Ray and many a cluster set for jobs that run side by side. What others use is looked at for half a
    second.

    Parameters
    ----------
    root
        Where ``proc`` lies.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    allowed = min(joblib.cpu_count(), int(asked) if asked.isdigit() else joblib.cpu_count())
    if allowed <= 1:
        return 1
    of_machine = os.cpu_count() or 1
    return max(min(allowed, of_machine - round(of_machine * _busy_share(root))), 1)


def _busy_share(root: Path) -> float:
    """Return which share of all processors' time is used, 0 where the system does not tell."""
    before = _times(root)
    time.sleep(_LOOK)
    spent = [now - then for now, then in zip(_times(root), before, strict=False)][:_COUNTED]
    return 1 - sum(spent[_IDLE]) / sum(spent) if sum(spent) > 0 else 0.0


def _times(root: Path) -> list[int]:
    try:
        with (root / "proc/stat").open(encoding="utf-8") as file:
            return [int(number) for number in file.readline().split()[1:]]
    except (OSError, ValueError):
        return []
