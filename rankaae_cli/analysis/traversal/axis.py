"""Ticks along a style: the walk is even in percentiles, the marks are values of the descriptor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rankaae_cli.core.labels import style_title, with_unit

_PERCENTILE_TICKS = (5.0, 50.0, 95.0)
_MOST_VALUES, _FEWEST_VALUES = (6, 5, 4, 3), 3
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # times powers of ten
_FLAT = 0.01  # of the range: as near to a value as this, a stretch of the calibration is at it


@dataclass(frozen=True)
class StyleAxis:
    """What stands along an axis that walks a style.

    Attributes
    ----------
    name, unit
        Of the style and of its descriptor.
    percentiles
        Of the style, ascending, dense enough that the calibration is linear between them, shape (P,).
    value_P
        The calibrated descriptor there, ascending or flat; None of a free style; NaN where not known.
    classes
        The values the descriptor takes, where it takes few; no others are marked.
    """

    name: str
    unit: str
    percentiles: np.ndarray
    value_P: np.ndarray | None
    classes: tuple[float, ...] = ()

    @property
    def is_calibrated(self) -> bool:
        """Whether the axis has values of a descriptor; else it has percentiles."""
        return self.value_P is not None and bool(np.isfinite(self.value_P).all())

    @property
    def label(self) -> str:
        """Such as ``NNRS (Å)``, or ``free style 1 (percentile)``."""
        if self.is_calibrated:
            return with_unit(self.name, self.unit)
        return f"{style_title(self.name)} (percentile)"

    def ticks(self, apart: float = 14.0) -> tuple[list[float], list[str]]:
        """Return where to put ticks, in percentiles, and what to write there.

        Where the calibration is flat, a stretch of percentiles has one value; its tick stands in the middle.

        Parameters
        ----------
        apart
            Ticks nearer than so many percentiles would overlap; the first and the last go first.
        """
        if self.value_P is None or not self.is_calibrated:
            return list(_PERCENTILE_TICKS), [f"{percentile:g}" for percentile in _PERCENTILE_TICKS]
        for most in _MOST_VALUES:
            values = self._marked(most)
            places = [self._place(value) for value in values]
            if len(values) < _FEWEST_VALUES or all(b - a >= apart for a, b in pairwise(places)):
                break
        if len(values) < _FEWEST_VALUES:
            # Where the calibration bends, even values stand too near at one end: some are left out.
            values = self._marked(_MOST_VALUES[0])
            places = [self._place(value) for value in values]
        kept: list[int] = []
        for index in _ends_first(len(places)):
            if all(abs(places[index] - places[other]) >= apart for other in kept):
                kept.append(index)
        texts = _printed(values)
        return [places[index] for index in sorted(kept)], [texts[index] for index in sorted(kept)]

    def _marked(self, most: int) -> list[float]:
        """Return the values worth a tick."""
        assert self.value_P is not None
        first, last = float(self.value_P[0]), float(self.value_P[-1])
        slack = _FLAT * (last - first)
        if last <= first:
            return [first]
        wanted = self.classes or _even_values(first, last, most)
        values = [float(value) for value in wanted if first - slack <= value <= last + slack]
        return values if len(values) >= 2 else [first, *values, last]

    def _place(self, value: float) -> float:
        assert self.value_P is not None
        slack = _FLAT * float(self.value_P[-1] - self.value_P[0])
        reached = min(int(np.searchsorted(self.value_P, value - slack, "left")), len(self.value_P) - 1)
        left = max(int(np.searchsorted(self.value_P, value + slack, "right")) - 1, 0)
        return float(self.percentiles[reached] + self.percentiles[left]) / 2


def _even_values(first: float, last: float, most: int) -> Sequence[float]:
    """Return round values in even steps that span a range in `most` steps or fewer, two of them inside it."""
    power = 10.0 ** math.floor(math.log10((last - first) / most))
    steps = [power * step for step in (*(step / 10 for step in _STEPS[:-1]), *_STEPS)]
    widest = next(index for index, step in enumerate(steps) if step >= (last - first) / most)
    for step in reversed(steps[: widest + 1]):
        values = step * np.arange(math.floor(first / step), math.ceil(last / step) + 1)
        if ((first <= values) & (values <= last)).sum() >= 2:
            break
    return list(values)


def _printed(values: Sequence[float]) -> list[str]:
    """Return values with as many decimals as the finest needs, or as their differences make sensible."""
    span = values[-1] - values[0]
    decimals = max(len(f"{value:.6g}".partition(".")[2]) for value in values)
    if span > 0:
        decimals = min(decimals, max(0, 2 - math.floor(math.log10(span))))
    return [f"{value:.{decimals}f}".replace("-", "−") for value in values]


def _ends_first(n: int) -> Sequence[int]:
    """Return 0 to n - 1, beginning with both ends and going on from the middle."""
    inner = sorted(range(1, n - 1), key=lambda index: abs(2 * index - (n - 1)))
    return [0, *([n - 1] if n > 1 else []), *inner]
