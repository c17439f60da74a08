"""Figures of a predicted spectrum with its descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.analysis.prediction.predict import PredictionResult
from rankaae_cli.core.labels import shortened, with_unit
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION
from rankaae_cli.reports.prediction.tables import descriptor_cells, share_cells
from rankaae_cli.reports.tables import Ranged, print_number

_ROW_INCHES, _SPECTRUM_INCHES = 0.19, 2.0
_BEYOND = 0.07  # of the bar, that an interval is drawn past its ends
_NUMBERS = 1.42  # where the readings stand in numbers


@dataclass(frozen=True)
class _Line:
    """A row of the figure: a number with its interval on the range of the training rows."""

    label: str
    cell: Ranged
    known: tuple[float, float]
    colour: str


@drawing.styled
def prediction_figure(result: PredictionResult, n: int) -> Figure:
    """Draw the n-th spectrum with its reconstruction, and below it the readings with their intervals.

    Each reading lies on a grey bar from the 1st to the 99th percentile of the training rows, each share on one from
    0 to 1. An interval that goes on beyond what is drawn ends in an arrow head.

    Returns
    -------
    Figure
        One column wide.
    """
    prediction, one = result.prediction, result.spectra[n]
    lines = _lines(result, n)
    height = _SPECTRUM_INCHES + _ROW_INCHES * len(lines) + 0.6
    figure = drawing.new_figure(height, result.model.subject, shortened(one.title))
    top, bottom = figure.subplots(2, 1, height_ratios=[_SPECTRUM_INCHES, _ROW_INCHES * len(lines) + 0.1])
    kind = "computed" if one.is_computed else "measured, likeliest variant"
    top.plot(result.model.energy_E, prediction.spectra_NE[n], color=BLACK, label=kind)
    reconstruction_E = prediction.reconstruction_NE[n]
    top.plot(result.model.energy_E, reconstruction_E, color=BLUE, ls="--", label="reconstruction, ensemble")
    scale = "" if one.is_computed else ", scale of the code"
    top.set(
        xlabel=f"{result.model.subject.energy_label}{scale}", ylabel=result.model.subject.absorption_label
    )
    top.legend(loc="lower right")
    verdict = prediction.verdict_N[n]
    numbers = (
        f"novelty {print_number(float(prediction.novelty_N[n]), 2)} · "
        f"reconstruction error {print_number(float(prediction.error_N[n]), 3)}"
    )
    top.set_title(
        f"{verdict}: these readings should not be used\n{numbers}"
        if verdict == OUTSIDE
        else f"{verdict} · {numbers}",
        color=GREY if verdict == IN_RANGE else VERMILION,
        loc="left",
        fontsize=6.5,
    )
    _draw_lines(bottom, lines)
    shares = " (of shares: 0 to 1)" if result.mixtures else ""
    figure.supxlabel(
        f"Grey: 1st to 99th percentile of training spectra{shares}.\n"
        f"Line: {100 * result.coverage:g} % interval, with an arrow head where it goes on.",
        x=0.01,
        ha="left",
        fontsize=6.5,
    )
    return figure


def _lines(result: PredictionResult, n: int) -> list[_Line]:
    """Return what is drawn of the n-th spectrum: its descriptors, then its shares."""
    units = zip(result.model.descriptor_names, result.model.descriptor_units, strict=True)
    columns = zip(units, descriptor_cells(result, n), result.known_range_K2.tolist(), strict=True)
    lines = [_Line(with_unit(*unit), cell, (low, high), BLUE) for unit, cell, (low, high) in columns]
    for name, mixtures in result.mixtures.items():
        shares = zip(mixtures[n].classes, share_cells(mixtures[n]), strict=True)
        lines += [_Line(f"share of {name} {c:g}", cell, (0.0, 1.0), ORANGE) for c, cell in shares]
    return lines


def _draw_lines(ax: Axes, lines: Sequence[_Line]) -> None:
    """Draw each value with its interval on the range that is known of it, and write the numbers beside it."""
    for y, line in enumerate(lines):
        first, last = line.known
        ax.plot([0, 1], [y, y], color=LIGHT_GREY, lw=3.5, solid_capstyle="butt", alpha=0.6)
        for x, end, side in ((-_BEYOND - 0.05, first, "right"), (1 + _BEYOND + 0.05, last, "left")):
            ax.text(x, y, print_number(end, 2), ha=side, va="center", fontsize=5.5, color=GREY)
        value, low, high = (_place(number, first, last) for number in line.cell)
        ends = np.clip([low, high], -_BEYOND, 1 + _BEYOND)
        ax.plot(ends, [y, y], color=line.colour, lw=1.4, solid_capstyle="butt")
        for beyond, x, head in ((low < -_BEYOND, -_BEYOND, "<"), (high > 1 + _BEYOND, 1 + _BEYOND, ">")):
            if beyond:
                ax.plot([x], [y], head, color=line.colour, ms=3.5, mew=0)
        if -_BEYOND <= value <= 1 + _BEYOND:  # else the arrow head and the numbers tell where it is
            ax.plot([value], [y], "o", color=line.colour, ms=3)
        ax.text(_NUMBERS, y, print_number(line.cell), va="center", fontsize=6.5)
    ax.set_yticks(range(len(lines)), [line.label for line in lines])
    ax.set(xlim=(-0.4, 2.45), ylim=(len(lines) - 0.4, -0.6), xticks=[])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _place(number: float | None, first: float, last: float) -> float:
    """Return where a number lies on a bar from 0 to 1; NaN where it is not known."""
    width = last - first if last > first else 1.0
    return float("nan") if number is None else (number - first) / width
