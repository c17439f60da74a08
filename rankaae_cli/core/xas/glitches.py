"""Faults of a measured spectrum that are no absorption: glitches, jumps, a saturated detector.

Letter M: points of a measured spectrum, `energy_M` in eV, ascending, and `normalised_M` in edge steps; its edge is
`e0`, eV.
"""

from collections.abc import Sequence

import numpy as np

from rankaae_cli.core.xas.edge_position import point_noise

_XANES = (-40.0, 80.0)  # eV from the edge, where single points are looked at
_POST_EDGE = 15.0  # eV above the edge, from where on jumps are looked for
_SMALLEST = 0.05  # edge steps
# What stands out does so this many times further than its neighbours do of theirs once it is left out. Pre-edge
# peaks of tetrahedral ions, two points wide, come to 1.7.
_STANDS_OUT = 3.0
_ABOVE_NOISE = 8.0
_WIDEST = 2  # points of a glitch
_SIDE = 4  # points on either side of a jump that a line is laid through
_FULL = 5  # points in a row at the very top


def glitches(energy_M: np.ndarray, normalised_M: np.ndarray, e0: float) -> list[tuple[float, float]]:
    """Return single points, and pairs, that stand out of a spectrum from 40 eV before to 80 eV after its edge.

    A point stands out by its distance from the cubic through two points on either side, and from the line through
    one: by more than 0.05 of the edge step, eight times the noise, and three times what the neighbours do without
    it.

    Returns
    -------
    list of (energy, height)
        eV and edge steps, the highest first; of a pair its first point.
    """
    smallest = max(_SMALLEST, _ABOVE_NOISE * point_noise(normalised_M))
    low, high = np.searchsorted(energy_M, [e0 + _XANES[0], e0 + _XANES[1]])
    candidates: list[tuple[int, int, float]] = []
    for i in range(max(low, _SIDE), min(high, len(energy_M) - _WIDEST - _SIDE)):
        for width in range(1, _WIDEST + 1):
            height = _height(energy_M, normalised_M, i, width)
            if abs(height) > smallest:
                candidates.append((i, width, height))
    kept: list[tuple[int, int, float]] = []
    for i, width, height in sorted(candidates, key=lambda one: -abs(one[2])):
        is_new = all(i + width <= j - 2 or i >= j + other + 2 for j, other, _ in kept)
        if is_new and abs(height) > _STANDS_OUT * _unrest(energy_M, normalised_M, i, width):
            kept.append((i, width, height))
    return [(float(energy_M[i]), float(height)) for i, _, height in kept]


def jumps(energy_M: np.ndarray, normalised_M: np.ndarray, e0: float) -> list[tuple[float, float]]:
    """Return where a spectrum goes on at another level from one point to the next, from 15 eV above its edge on.

    The lines through four points on either side end apart by more than 0.05 of the edge step, eight times the noise
    and three times what the points scatter about them; and between the two points the spectrum changes three times
    faster than between those about them, as fine structure does not.

    Returns
    -------
    list of (energy, height)
        eV between the two points, and edge steps; the highest first.
    """
    smallest = max(_SMALLEST, _ABOVE_NOISE * point_noise(normalised_M))
    first = int(np.searchsorted(energy_M, e0 + _POST_EDGE))
    candidates: list[tuple[int, float]] = []
    for i in range(first + _SIDE, len(energy_M) - _SIDE + 1):
        slope = np.abs(
            np.diff(normalised_M[i - _SIDE : i + _SIDE]) / np.diff(energy_M[i - _SIDE : i + _SIDE])
        )
        if not slope[_SIDE - 1] > _STANDS_OUT * np.delete(slope, _SIDE - 1).max():
            continue
        middle = (energy_M[i - 1] + energy_M[i]) / 2
        ends, scatter = [], 0.0
        for side in (slice(i - _SIDE, i), slice(i, i + _SIDE)):
            x, y = energy_M[side] - middle, normalised_M[side]
            line = np.polyfit(x, y, 1)
            ends.append(float(line[1]))
            scatter = max(scatter, float(np.abs(y - np.polyval(line, x)).max()))
        height = ends[1] - ends[0]
        if abs(height) > max(smallest, _STANDS_OUT * scatter):
            candidates.append((i, height))
    kept: list[tuple[int, float]] = []
    for i, height in sorted(candidates, key=lambda one: -abs(one[1])):
        if all(abs(i - j) > _SIDE for j, _ in kept):
            kept.append((i, height))
    return [(float((energy_M[i - 1] + energy_M[i]) / 2), height) for i, height in kept]


def full_range(values_M: np.ndarray) -> slice | None:
    """Return where a detector is full: five points or more in a row at the very top, equal to the last digit.

    Parameters
    ----------
    values_M
        Shape (M,), counts or absorption; what is no number counts for nothing.

    Returns
    -------
    slice or None
        None where there are no such points, or all are equal.
    """
    known_M = np.isfinite(values_M)
    if not known_M.any():
        return None
    top = values_M == values_M[known_M].max()
    if top.all():
        return None
    turns = np.flatnonzero(np.diff(np.concatenate([[False], top, [False]]).astype(np.int8)))
    starts, stops = turns[::2], turns[1::2]
    longest = int((stops - starts).argmax())
    if stops[longest] - starts[longest] < _FULL:
        return None
    return slice(int(starts[longest]), int(stops[longest]))


def _height(energy: np.ndarray, values: np.ndarray, i: int, width: int) -> float:
    """Return how far `width` points from `i` on stand out of their neighbours, with its sign; 0 if they do not."""
    distances = []
    for k in range(i, i + width):
        around = [i - 2, i - 1, i + width, i + width + 1]
        distances.append(values[k] - _through(energy[around], values[around], energy[k]))
        inner = around[1:3]
        distances.append(values[k] - np.interp(energy[k], energy[inner], values[inner]))
    least = float(min(np.abs(distances)))
    if min(distances) > 0:
        return least
    return -least if max(distances) < 0 else 0.0


def _unrest(energy: np.ndarray, values: np.ndarray, i: int, width: int) -> float:
    """Return by how much the neighbours stand out of theirs where `width` points from `i` on are left out."""
    left = np.delete(np.arange(i - 4, i + width + 4), slice(4, 4 + width))
    energy, values = energy[left], values[left]
    return max(
        abs(float(values[k] - _through(energy[around], values[around], energy[k])))
        for k in range(2, 6)
        for around in ([k - 2, k - 1, k + 1, k + 2],)
    )


def _through(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, at: float) -> float:
    """Return the value at `at` of the cubic through four points (Lagrange)."""
    x, y = np.asarray(x), np.asarray(y)
    apart = x[:, None] - x[None, :] + np.eye(len(x))
    weights = np.where(np.eye(len(x), dtype=bool), 1.0, (at - x)[None, :] / apart).prod(axis=1)
    return float(weights @ y)
