"""Schedules of training as pure functions of progress."""

import math

_FINAL = 0.01  # factor on the learning rate at the end


def learning_rate_factor(progress: float, schedule: str, *, warm_up: float = 0.1) -> float:
    """Factor on the learning rate at `progress` in [0, 1].

    Parameters
    ----------
    schedule
        ``"constant"`` and ``"plateau"``, whose reductions come on top: 1. ``"cosine"``: half a cosine from 1 to
        0.01. ``"one_cycle"``: a cosine rise from 0.01 to 1 over the first `warm_up`, then half a cosine down to
        0.01 (Smith, arXiv:1708.07120).

    Raises
    ------
    ValueError
        If the schedule is none of these.
    """
    progress = min(max(progress, 0.0), 1.0)
    if schedule in ("constant", "plateau"):
        return 1.0
    if schedule == "one_cycle" and progress < warm_up:
        return 1 + (_FINAL - 1) * 0.5 * (1 + math.cos(math.pi * progress / warm_up))
    if schedule in ("one_cycle", "cosine"):
        start = warm_up if schedule == "one_cycle" else 0.0
        along = (progress - start) / (1 - start)
        return _FINAL + (1 - _FINAL) * 0.5 * (1 + math.cos(math.pi * along))
    raise ValueError(f"unknown learning-rate schedule {schedule!r}: constant, cosine, one_cycle or plateau")


def epochs_of(steps: int, rows: int, batch_size: int) -> int:
    """Return how many epochs of `rows` training rows make at least that many steps, one a batch."""
    return -(-steps // -(-rows // batch_size))


def ramp(progress: float, length: float) -> float:
    """Return the factor on a loss's weight: rising linearly from 0 to 1 over the first `length` of the run."""
    return 1.0 if length <= 0 else min(progress / length, 1.0)
