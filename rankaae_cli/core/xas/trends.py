"""What a spectroscopist reads off a spectrum first: where the edge lies, how high and where the main peak.

The trends known from the literature are stated in these terms, so they can be checked by sign.
"""

from dataclasses import dataclass

import numpy as np

EDGE_LEVEL = 0.5  # of the edge step
EDGE, PEAK_HEIGHT, PEAK_ENERGY = "edge_shift_eV", "main_peak_change", "main_peak_shift_eV"
TRENDS = (EDGE, PEAK_HEIGHT, PEAK_ENERGY)


@dataclass(frozen=True)
class KnownTrend:
    """An expected trend: `measure`, one of `TRENDS`, has `sign` with `descriptor`."""

    descriptor: str
    measure: str
    sign: int


# The edge: Wong et al., Phys. Rev. B 30, 5596 (1984). The white line, which is the main peak of an oxide's K
# edge, grows with the number of neighbours that scatter back. That it grows with OCN has no such argument
# behind it; it is what spectra of oxides show at equal OS and CN.
KNOWN_TRENDS = (
    KnownTrend("OS", EDGE, 1),
    KnownTrend("CN", PEAK_HEIGHT, 1),
    KnownTrend("OCN", PEAK_HEIGHT, 1),
)


def edge_energy(spectrum_E: np.ndarray, energy_E: np.ndarray) -> float:
    """Return where a spectrum first rises through half the edge step, by linear interpolation.

    NaN where it begins above, or never reaches it.
    """
    above_E = spectrum_E >= EDGE_LEVEL
    first = int(above_E.argmax())
    if first == 0:
        return float("nan")
    below, reached = spectrum_E[first - 1], spectrum_E[first]
    part = (EDGE_LEVEL - below) / (reached - below)
    return float(energy_E[first - 1] + part * (energy_E[first] - energy_E[first - 1]))


def main_peak(spectrum_E: np.ndarray, energy_E: np.ndarray) -> tuple[float, float]:
    """Return energy and height of the highest point, refined by the parabola through it and its neighbours."""
    top = int(spectrum_E.argmax())
    if top in (0, len(spectrum_E) - 1):
        return float(energy_E[top]), float(spectrum_E[top])
    a, b, c = np.polyfit(energy_E[top - 1 : top + 2] - energy_E[top], spectrum_E[top - 1 : top + 2], 2)
    if a >= 0:
        return float(energy_E[top]), float(spectrum_E[top])
    return float(energy_E[top] - b / (2 * a)), float(c - b**2 / (4 * a))


def trends_between(first_E: np.ndarray, last_E: np.ndarray, energy_E: np.ndarray) -> dict[str, float]:
    """Return what changes from one spectrum to another.

    Parameters
    ----------
    first_E, last_E
        Spectra in edge steps, shape (E,).
    energy_E
        eV, shape (E,).

    Returns
    -------
    dict
        ``edge_shift_eV``, ``main_peak_change`` (of its height, edge steps) and ``main_peak_shift_eV``.
    """
    (place, height), (last_place, last_height) = main_peak(first_E, energy_E), main_peak(last_E, energy_E)
    return {
        EDGE: edge_energy(last_E, energy_E) - edge_energy(first_E, energy_E),
        PEAK_HEIGHT: last_height - height,
        PEAK_ENERGY: last_place - place,
    }


def trends_per_unit(
    mean_E: np.ndarray,
    slope_E: np.ndarray,
    resampled_slope: np.ndarray,
    change: float,
    energy_E: np.ndarray,
) -> dict[str, dict[str, float]]:
    """Return each trend by one unit of a descriptor, with its 95 % interval over R bootstrap samples.

    They are read off between the mean spectrum less and plus half of what a usual change of the descriptor makes
    of it, and divided by that change: one unit may be far more than any site has.

    Parameters
    ----------
    mean_E
        Mean spectrum, edge steps, shape (E,).
    slope_E, resampled_slope
        Change of the spectrum by one unit, shapes (E,) and (R, E).
    change
        The usual change, in units of the descriptor.
    energy_E
        eV, shape (E,).

    Returns
    -------
    dict
        As of `trend_with_range`.
    """
    half_E, half = slope_E * change / 2, resampled_slope * change / 2
    trends = trend_with_range(mean_E - half_E, mean_E + half_E, mean_E - half, mean_E + half, energy_E, 95.0)
    return {name: {key: value / change for key, value in trend.items()} for name, trend in trends.items()}


def trend_with_range(
    first_E: np.ndarray,
    last_E: np.ndarray,
    repeated_first: np.ndarray,
    repeated_last: np.ndarray,
    energy_E: np.ndarray,
    level: float = 90.0,
) -> dict[str, dict[str, float]]:
    """Return each trend with the interval that holds most of R repetitions: trials, or bootstrap samples.

    Parameters
    ----------
    first_E, last_E
        Shape (E,).
    repeated_first, repeated_last
        The same in each repetition, shape (R, E).
    energy_E
        eV, shape (E,).
    level
        Per cent of the repetitions that the interval holds, as many left out at either end.

    Returns
    -------
    dict
        By trend ``value``, ``low`` and ``high``; NaN where not known.
    """
    repeated = [trends_between(a, b, energy_E) for a, b in zip(repeated_first, repeated_last, strict=True)]
    content = {}
    for name, value in trends_between(first_E, last_E, energy_E).items():
        known = np.array([r[name] for r in repeated])
        known = known[np.isfinite(known)]
        low, high = (
            np.percentile(known, [50 - level / 2, 50 + level / 2]) if len(known) > 1 else (np.nan, np.nan)
        )
        content[name] = {"value": value, "low": float(low), "high": float(high)}
    return content
