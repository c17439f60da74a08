"""Figures of the spectrum's response to the styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.core.labels import Subject, style_title
from rankaae_cli.reports.figures.drawing import (
    BLACK,
    BLUE,
    GREY,
    PAGE_INCHES,
    VERMILION,
    legend_below,
    new_figure,
    styled,
)
from rankaae_cli.reports.tables import print_number

_STYLES_IN_A_ROW = 5
_TITLE_CHARACTERS = 52
_WALK = "spectra, style from 5th to 95th percentile"


@dataclass(frozen=True)
class StyleResponse:
    """One style's walk, ready to draw.

    Attributes
    ----------
    name
        Of the style.
    percentiles
        Shape (L,).
    spectra_LE
        Mean spectrum at each level.
    difference_E, low_E, high_E
        Last minus first, and its band.
    band
        What the band is, such as ``range over 8 trials``.
    line
        What the difference is of, such as ``mean of 8 trials``.
    others
        Where the other styles come from, for the heading.
    ends
        The descriptor at both ends in words, such as ``2.1 to 3.4 e``; empty where not known.
    true_response_E
        The known response, synthetic families only.
    pearson
        Correlation of the difference with the known response.
    outer
        A second band: what it is, its lower and its upper edge.
    axis
        What stands along the colour bar; percentiles where there is none.
    """

    name: str
    percentiles: np.ndarray
    spectra_LE: np.ndarray  # noqa: N815
    difference_E: np.ndarray
    low_E: np.ndarray
    high_E: np.ndarray
    band: str
    line: str
    others: str
    ends: str = ""
    true_response_E: np.ndarray | None = None
    pearson: float = float("nan")
    outer: tuple[str, np.ndarray, np.ndarray] | None = None
    axis: StyleAxis | None = None


@dataclass(frozen=True)
class TrialResponses:
    """One style's difference in every trial.

    Attributes
    ----------
    name
        Of the style.
    difference_TE
        Shape (T, E).
    stability
        Of `core.traversal.stability`.
    """

    name: str
    difference_TE: np.ndarray
    stability: Mapping[str, Any]


@styled
def traversal(subject: Subject, energy_E: np.ndarray, response: StyleResponse) -> Figure:
    """Draw the spectra along one style, and below them the difference between its ends."""
    figure = new_figure(3.4, subject, f"along {style_title(response.name)}, {response.others}")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    _draw_spectra(top, energy_E, response)
    axis = response.axis or StyleAxis(response.name, "", response.percentiles, None)
    bar = figure.colorbar(_colours(response.percentiles)[1], ax=top, aspect=18, pad=0.02)
    places, texts = axis.ticks(apart=10)
    bar.set_ticks(places, labels=texts)
    bar.ax.set_ylabel(axis.label, parse_math=False)
    bar.minorticks_off()
    if response.ends:
        ends = f"{response.name} from {response.ends} (5th to 95th percentile)"
        top.set_title(ends if len(ends) <= _TITLE_CHARACTERS else response.ends, parse_math=False)
    top.set_ylabel(subject.absorption_label)
    _draw_difference(bottom, energy_E, response)
    bottom.set(xlabel=subject.energy_label, ylabel="Difference\nlast − first")
    if np.isfinite(response.pearson):
        bottom.set_title(f"Pearson r = {response.pearson:.2f} with the true response")
    legend_below(figure, bottom, columns=2)
    return figure


@styled
def overview(subject: Subject, energy_E: np.ndarray, responses: Sequence[StyleResponse], what: str) -> Figure:
    """Draw several styles side by side, spectra above differences, each on one scale, as wide as a page."""
    groups = -(-len(responses) // _STYLES_IN_A_ROW)
    columns = -(-len(responses) // groups)
    figure = new_figure(0.7 + 2.3 * groups, subject, what, width=PAGE_INCHES)
    axes = figure.subplots(2 * groups, columns, sharex=True, squeeze=False, height_ratios=[1.25, 1] * groups)
    tops, bottoms = axes[0::2].ravel(), axes[1::2].ravel()
    for index, ax in enumerate((*tops[1:], *bottoms[1:])):
        ax.sharey(tops[0] if index < len(tops) - 1 else bottoms[0])
    # Room for the descriptor's range between name and panel.
    pad = 11 if any(response.ends for response in responses) else None
    for top, bottom, response in zip(tops, bottoms, responses, strict=False):
        _draw_spectra(top, energy_E, response)
        _draw_difference(bottom, energy_E, response)
        top.set_title(style_title(response.name), weight="bold", pad=pad, parse_math=False)
        top.text(0, 1.03, response.ends, transform=top.transAxes, parse_math=False)
        if np.isfinite(response.pearson):
            bottom.set_title(f"Pearson r = {response.pearson:.2f}")
    for index, ax in enumerate((*tops, *bottoms)):
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        ax.tick_params(labelleft=index % columns == 0, labelbottom=index >= len(tops))
    for ax in (*tops[len(responses) :], *bottoms[len(responses) :]):
        ax.remove()
    for top, bottom in axes[:, 0].reshape(-1, 2):
        top.set_ylabel(subject.absorption_label)
        bottom.set_ylabel("Difference\nlast − first")
    figure.align_ylabels()
    for ax in bottoms[: len(responses)]:
        ax.set_xlabel(subject.energy_label)
    colours, _ = _colours(responses[0].percentiles)
    walk = [Line2D([], [], color=colour, lw=2.5, solid_capstyle="butt") for colour in colours]
    legend_below(figure, list(bottoms[: len(responses)]), columns=4, first={_WALK: walk})
    return figure


@styled
def stability(
    subject: Subject, energy_E: np.ndarray, panels: Sequence[TrialResponses], others: str
) -> Figure:
    """Draw every trial's difference, one panel a style, each on its own scale."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    n = len(panels[0].difference_TE)
    what = f"responses of {n} {'trials' if n != 1 else 'trial'}, 5th to 95th percentile"
    figure = new_figure(0.65 + 1.25 * rows, subject, what, others)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for ax, panel in zip(axes.ravel(), panels, strict=False):
        ax.axhline(0, color=GREY, lw=0.5, zorder=0)
        for difference_E in panel.difference_TE:
            ax.plot(energy_E, difference_E, color=BLUE, lw=0.6, alpha=0.6, label="one trial")
        if n > 1:
            ax.plot(energy_E, panel.difference_TE.mean(axis=0), color=BLACK, lw=0.9, ls="--", label="mean")
            spread = print_number(100 * panel.stability["relative_spread"], 0)
            ax.set_title(f"{panel.name}, spread {spread} %", parse_math=False)
        else:
            ax.set_title(panel.name, parse_math=False)
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    for ax in axes.ravel()[len(panels) :]:
        ax.set_axis_off()
    for ax in axes.ravel()[max(len(panels) - columns, 0) : len(panels)]:
        ax.set_xlabel(subject.energy_label)
        ax.tick_params(labelbottom=True)
    for ax in axes[:, 0]:
        ax.set_ylabel("Difference\nlast − first")
    figure.align_ylabels()
    if rows * columns > len(panels):
        handles, labels = axes[0, 0].get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        axes.ravel()[-1].legend(shown.values(), shown.keys(), loc="center left")
    else:
        legend_below(figure, axes[0, 0], columns=2)
    return figure


def _draw_spectra(ax: Axes, energy_E: np.ndarray, response: StyleResponse) -> None:
    colours, _ = _colours(response.percentiles)
    for colour, spectrum_E in zip(colours, response.spectra_LE, strict=True):
        ax.plot(energy_E, spectrum_E, color=colour, lw=0.8)


def _draw_difference(ax: Axes, energy_E: np.ndarray, response: StyleResponse) -> None:
    ax.axhline(0, color=GREY, lw=0.5, zorder=0)
    if response.outer is not None:
        label, low_E, high_E = response.outer
        ax.fill_between(energy_E, low_E, high_E, color=BLUE, alpha=0.13, label=label)
    ax.fill_between(energy_E, response.low_E, response.high_E, color=BLUE, alpha=0.38, label=response.band)
    ax.plot(energy_E, response.difference_E, color=BLUE, label=f"difference, {response.line}")
    if response.true_response_E is not None and np.isfinite(response.true_response_E).all():
        ax.plot(
            energy_E, response.true_response_E, color=VERMILION, ls="--", label="true response (synthetic)"
        )


def _colours(percentiles: np.ndarray) -> tuple[np.ndarray, ScalarMappable]:
    # viridis without its pale end, which is lost on white paper.
    cut = mpl.colormaps["viridis"](np.linspace(0.0, 0.9, 256))
    colour_map: Colormap = mpl.colors.ListedColormap(cut)
    norm: Normalize = BoundaryNorm(_edges(percentiles), 256) if len(percentiles) > 1 else Normalize(0, 100)
    return colour_map(norm(percentiles)), ScalarMappable(norm, colour_map)


def _edges(values: np.ndarray) -> np.ndarray:
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
