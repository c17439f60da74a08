"""A figure of a prediction: the spectrum, its reconstruction, and what was read, with intervals."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.calibration import IN_RANGE
from rankaae_cli.reports.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION, new_figure, styled
from rankaae_cli.reports.labels import shortened, with_unit
from rankaae_cli.reports.prediction import Prediction
from rankaae_cli.reports.tables import Ranged, print_number

_ROW_INCHES, _SPECTRUM_INCHES = 0.19, 2.0


@styled
def prediction_figure(prediction: Prediction, n: int) -> Figure:
    """Draw the n-th spectrum with its reconstruction, and below it the readings with their intervals.

    Each reading lies on a grey bar from the 1st to the 99th percentile of the training rows.

    Returns
    -------
    Figure
        One column wide.
    """
    reading, names = prediction.reading, prediction.descriptor_names
    with_shares = [(name, m[n]) for name, m in prediction.mixtures.items()]
    rows = len(names) + sum(len(m.classes) for _, m in with_shares)
    height = _SPECTRUM_INCHES + _ROW_INCHES * rows + 0.45
    figure = new_figure(height, prediction.subject, shortened(prediction.spectra[n].label))
    top, bottom = figure.subplots(2, 1, height_ratios=[_SPECTRUM_INCHES, _ROW_INCHES * rows + 0.1])
    top.plot(prediction.energy_E, prediction.spectra_NE[n], color=BLACK, label="spectrum")
    top.plot(
        prediction.energy_E,
        reading.reconstruction_NE[n],
        color=BLUE,
        ls="--",
        label="reconstruction, ensemble",
    )
    top.set(xlabel=prediction.subject.energy_label, ylabel=prediction.subject.absorption_label)
    top.legend(loc="lower right")
    verdict = reading.verdict_N[n]
    top.set_title(
        f"{verdict} · novelty {print_number(float(reading.novelty_N[n]), 2)} · "
        f"reconstruction error {print_number(float(reading.error_N[n]), 3)}",
        color=GREY if verdict == IN_RANGE else VERMILION,
        loc="left",
        fontsize=6.5,
    )
    lines = [
        (
            with_unit(name, prediction.descriptor_units[k]),
            (reading.value_NK[n, k], reading.low_NK[n, k], reading.high_NK[n, k]),
            (prediction.known_range_K2[k, 0], prediction.known_range_K2[k, 1]),
            BLUE,
        )
        for k, name in enumerate(names)
    ]
    lines += [
        (f"share of {name} {c:g}", (share, low, high), (0.0, 1.0), ORANGE)
        for name, m in with_shares
        for c, share, low, high in zip(m.classes, m.share, m.low, m.high, strict=True)
    ]
    _draw_readings(bottom, lines, prediction.coverage)
    return figure


def _draw_readings(
    ax: Axes,
    lines: Sequence[tuple[str, tuple[float, float, float], tuple[float, float], str]],
    coverage: float,
) -> None:
    """Draw each value with its interval on the range that is known of it, and write the numbers beside it."""
    for y, (_, (value, low, high), (first, last), colour) in enumerate(lines):
        place = _scale(first, last)
        ax.plot([0, 1], [y, y], color=LIGHT_GREY, lw=3.5, solid_capstyle="butt", alpha=0.6)
        # A value may lie beyond what is known; the ends show it, the numbers say by how much.
        ends = np.clip([place(low), place(high)], -0.08, 1.08)
        ax.plot(ends, [y, y], color=colour, lw=1.4, solid_capstyle="butt")
        ax.plot([np.clip(place(value), -0.08, 1.08)], [y], "o", color=colour, ms=3)
        numbers = print_number(Ranged(float(value), float(low), float(high)))
        ax.text(1.13, y, numbers, va="center", fontsize=6.5)
    ax.set_yticks(range(len(lines)), [label for label, *_ in lines])
    ax.set(xlim=(-0.1, 1.95), ylim=(len(lines) - 0.4, -0.6), xticks=[])
    ax.set_xlabel(f"on the range of training; {100 * coverage:g} % intervals", loc="left")
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def _scale(first: float, last: float) -> Callable[[float], float]:
    width = last - first if last > first else 1.0
    return lambda value: (value - first) / width
