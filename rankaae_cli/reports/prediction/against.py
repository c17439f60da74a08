"""The figure of descriptors against a number of each scan, such as a temperature, or the scan's own."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from rankaae_cli.analysis.encoded import evenly_spaced
from rankaae_cli.analysis.prediction.against import Against
from rankaae_cli.analysis.prediction.predict import ModelDescription, PredictionResult
from rankaae_cli.core.labels import with_unit
from rankaae_cli.core.statistics.calibration import OUTSIDE
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLUE, GREY, LIGHT_GREY
from rankaae_cli.reports.run.page import Picture

MOST_SCANS = 400  # that are drawn; evenly spaced among more
_ROW_INCHES = 0.95
_MARGIN = 0.08  # of the height of a panel, beyond its values and what is known


@dataclass(frozen=True)
class Trend:
    """Descriptors of N scans and what they are drawn against; K descriptors.

    Attributes
    ----------
    model
        That read them.
    known_range_K2
        1st and 99th percentile of each descriptor among the training rows.
    against
        A number of each scan, N of them.
    value_NK, low_NK, high_NK
        As of a `Prediction`.
    is_outside_N
        Whether the readings should not be used.
    """

    model: ModelDescription
    known_range_K2: np.ndarray
    against: Against
    value_NK: np.ndarray
    low_NK: np.ndarray
    high_NK: np.ndarray
    is_outside_N: np.ndarray


def trend_of(result: PredictionResult, against: Against) -> Trend:
    """Return the trend of at most so many scans of a call as are drawn."""
    rows, prediction = evenly_spaced(len(result.spectra), MOST_SCANS), result.prediction
    return Trend(
        result.model,
        result.known_range_K2,
        Against(against.key, against.unit, against.value_N[rows]),
        prediction.value_NK[rows],
        prediction.low_NK[rows],
        prediction.high_NK[rows],
        np.array(prediction.verdict_N)[rows] == OUTSIDE,
    )


@drawing.styled
def against_figure(trend: Trend) -> Figure:
    """Draw each descriptor with its intervals in a panel; intervals that go on beyond it are cut.

    Returns
    -------
    Figure
        One column wide.
    """
    names = trend.model.descriptor_names
    figure = drawing.new_figure(0.7 + _ROW_INCHES * len(names), trend.model.subject)
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    x_N, used_N = trend.against.value_N, ~trend.is_outside_N
    for k, ax in enumerate(panels):
        known, value_N = trend.known_range_K2[k], trend.value_NK[:, k]
        ax.axhspan(*known, color=LIGHT_GREY, alpha=0.35, lw=0, label="1st to 99th percentile of training")
        ax.vlines(
            x_N, trend.low_NK[:, k], trend.high_NK[:, k], color=BLUE, lw=0.5, alpha=0.35, label="interval"
        )
        ax.plot(x_N[used_N], value_N[used_N], "o", color=BLUE, ms=2.2, mew=0, label="scan")
        if trend.is_outside_N.any():
            rows = trend.is_outside_N
            ax.plot(
                x_N[rows], value_N[rows], "o", mfc="none", mec=GREY, mew=0.5, ms=2.4, label="scan, outside"
            )
        ends = np.concatenate([known, value_N[np.isfinite(x_N)]])
        ends = ends[np.isfinite(ends)]
        if ends.size and np.ptp(ends) > 0:
            ax.set_ylim(ends.min() - _MARGIN * np.ptp(ends), ends.max() + _MARGIN * np.ptp(ends))
        ax.set_ylabel(with_unit(names[k], trend.model.descriptor_units[k]))
    panels[-1].set_xlabel(trend.against.label, parse_math=False)
    drawing.legend_below(figure, list(panels), columns=2)
    return figure


def against_picture(trend: Trend, png: bytes, n: int, file: str = "") -> Picture:
    """Return the figure for the page.

    Parameters
    ----------
    trend
        What it shows.
    png
        The figure.
    n
        How many scans were read.
    file
        The figure for papers, seen from the page.
    """
    drawn, without = len(trend.value_NK), int((~np.isfinite(trend.against.value_N)).sum())
    parts = [f"Descriptors against {trend.against.label if trend.against.unit else trend.against.key}."]
    parts += [f"{drawn} of {n} scans, evenly spaced."] if drawn < n else []
    parts += [f"{without} without such a number are left out."] if without else []
    return Picture(
        source=drawing.data_uri(png),
        caption=" ".join([*parts, "Intervals that go on are cut. Hollow: readings that should not be used."]),
        file=file,
        name="against",
        alt=f"The descriptors of {drawn} scans with their intervals, a panel each, over {trend.against.label}",
        csv="predictions.csv",
    )
