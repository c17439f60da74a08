"""Faults of a measured spectrum that are no absorption: glitches, jumps, a saturated detector.

Letter M: points of a measured spectrum, `energy_M` in eV, ascending, and `normalised_M` in edge steps; its edge is
`e0`, eV.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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
    points = np.arange(max(low, _SIDE), min(high, len(energy_M) - _WIDEST - _SIDE))
    candidates: list[tuple[int, int, float]] = []
    for width in range(1, _WIDEST + 1):
        height_N = _heights(energy_M, normalised_M, points, width)
        stands_out_N = np.abs(height_N) > smallest
        standing = zip(points[stands_out_N].tolist(), height_N[stands_out_N].tolist(), strict=True)
        candidates += [(i, width, height) for i, height in standing]
    kept: list[tuple[int, int, float]] = []
    for i, width, height in sorted(candidates, key=lambda one: (-abs(one[2]), *one[:2])):
        is_new = all(i + width <= j - 2 or i >= j + other + 2 for j, other, _ in kept)
        if is_new and abs(height) > _STANDS_OUT * _unrest(energy_M, normalised_M, i, width):
            kept.append((i, width, height))
    return [(float(energy_M[i]), height) for i, _, height in kept]


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
    if len(energy_M) < first + 2 * _SIDE:
        return []
    slope = np.abs(np.diff(normalised_M[first:]) / np.diff(energy_M[first:]))
    about_NW = sliding_window_view(slope, 2 * _SIDE - 1)
    others_N = np.delete(about_NW, _SIDE - 1, axis=1).max(axis=1)
    candidates: list[tuple[int, float]] = []
    steeper = np.flatnonzero(about_NW[:, _SIDE - 1] > _STANDS_OUT * others_N)
    for i in (first + _SIDE + steeper).tolist():
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


def _heights(energy: np.ndarray, values: np.ndarray, points: np.ndarray, width: int) -> np.ndarray:
    """Return how far `width` points from each of `points` on stand out of their neighbours, with its sign; or 0."""
    around = points[:, None] + np.array([-2, -1, width, width + 1])
    x, y = energy[around], values[around]
    distances = []
    for at in (points + k for k in range(width)):
        distances.append(values[at] - _through(x, y, energy[at]))
        line = (y[:, 2] - y[:, 1]) / (x[:, 2] - x[:, 1]) * (energy[at] - x[:, 1]) + y[:, 1]
        distances.append(values[at] - line)
    least = np.min(np.abs(distances), axis=0)
    return np.where(
        np.min(distances, axis=0) > 0, least, np.where(np.max(distances, axis=0) < 0, -least, 0.0)
    )


def _unrest(energy: np.ndarray, values: np.ndarray, i: int, width: int) -> float:
    """Return by how much the neighbours stand out of theirs where `width` points from `i` on are left out."""
    left = np.delete(np.arange(i - 4, i + width + 4), slice(4, 4 + width))
    each = np.arange(2, 6)
    around = left[each[:, None] + np.array([-2, -1, 1, 2])]
    at = left[each]
    return float(np.abs(values[at] - _through(energy[around], values[around], energy[at])).max())


def _through(x_N4: np.ndarray, y_N4: np.ndarray, at_N: np.ndarray) -> np.ndarray:
    """Return the values at `at_N` of the cubics through four points each (Lagrange)."""
    value_N = np.zeros(len(at_N))
    for j in range(4):
        others = [k for k in range(4) if k != j]
        ratio_N3 = (at_N[:, None] - x_N4[:, others]) / (x_N4[:, [j]] - x_N4[:, others])
        value_N += ratio_N3.prod(axis=1) * y_N4[:, j]
    return value_N
