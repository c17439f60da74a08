"""The figure of descriptors against a number of each scan, such as a temperature, or the scan's own."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.analysis.encoded import evenly_spaced
from rankaae_cli.analysis.prediction.against import Against
from rankaae_cli.analysis.prediction.predict import ModelDescription, PredictionResult
from rankaae_cli.core.labels import with_unit
from rankaae_cli.core.mixtures.unmixing import Mixture
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
    mixtures
        By descriptor that scans were read as mixtures of the classes of, one a scan.
    """

    model: ModelDescription
    known_range_K2: np.ndarray
    against: Against
    value_NK: np.ndarray
    low_NK: np.ndarray
    high_NK: np.ndarray
    is_outside_N: np.ndarray
    mixtures: Mapping[str, Sequence[Mixture]] = field(default_factory=dict)


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
        {name: [of_scans[n] for n in rows] for name, of_scans in result.mixtures.items()},
    )


@drawing.styled
def against_figure(trend: Trend) -> Figure:
    """Draw each descriptor with its intervals in a panel, and below these the shares of mixtures.

    Intervals that go on beyond a panel are cut.

    Returns
    -------
    Figure
        One column wide.
    """
    names = trend.model.descriptor_names
    count = len(names) + len(trend.mixtures)
    figure = drawing.new_figure(0.7 + _ROW_INCHES * count, trend.model.subject)
    panels = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    x_N, used_N = trend.against.value_N, ~trend.is_outside_N
    for k, ax in enumerate(panels[: len(names)]):
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
    for ax, (name, mixtures) in zip(panels[len(names) :], trend.mixtures.items(), strict=True):
        _draw_shares(ax, x_N, name, mixtures)
    panels[-1].set_xlabel(trend.against.label, parse_math=False)
    drawing.legend_below(figure, list(panels), columns=2)
    return figure


def _draw_shares(ax: Axes, x_N: np.ndarray, name: str, mixtures: Sequence[Mixture]) -> None:
    """Draw the share of each class with its interval, in colours and marks that tell classes apart."""
    share_NC, low_NC, high_NC = (
        np.array([getattr(one, part) for one in mixtures]) for part in ("share", "low", "high")
    )
    looks = zip(mpl.rcParams["axes.prop_cycle"], itertools.cycle("os^Dv"), strict=False)
    for c, (value, (look, mark)) in enumerate(zip(mixtures[0].classes, looks, strict=False)):
        ax.vlines(x_N, low_NC[:, c], high_NC[:, c], lw=0.5, alpha=0.35, **look)
        label = f"share of {name} {value:g}"
        ax.plot(x_N, share_NC[:, c], mark, ms=2.4, mew=0, label=label, **look)
    ax.set(ylabel=f"Share by {name}", ylim=(-_MARGIN, 1 + _MARGIN))


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
        alt=f"The descriptors of {drawn} scans with their intervals, a panel each, over {trend.against.label}"
        + "".join(f"; below, shares by {name}" for name in trend.mixtures),
        csv="predictions.csv",
    )
