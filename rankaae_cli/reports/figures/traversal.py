"""Figures of the walks along the styles, static and interactive, from the tables of a traversal.

Each takes a csv of ``traversal/`` as a table, and of traversal.json what it says of the style or, by name, of
all styles. What a figure is about, `subject` and `what` or where the other styles come from (`others`), heads it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.analysis.traversal.remarks import LEVEL_ENOUGH
from rankaae_cli.core.labels import Subject, described_range, quantity, style_title
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLUE, GREY, PAGE_INCHES, VERMILION
from rankaae_cli.reports.tables import print_number

Style = Mapping[str, Any]  # what traversal.json says of one
_STYLES_IN_A_ROW = 5
_TITLE_CHARACTERS = 52
_WALK = "spectra, style from 5th to 95th percentile"
DIFFERENCE = "Difference\nlast − first"
_INNER, _OUTER = "#0072B261", "#0072B221"


@drawing.styled
def walk(
    subject: Subject, table: pd.DataFrame, name: str, style: Style, trial: int, others: str, axis: StyleAxis
) -> Figure:
    """Draw the spectra along one style, and below them the difference between its ends.

    Parameters
    ----------
    table
        ``<name>.csv``.
    name, style
        The style, and what traversal.json says of it.
    trial
        The selected trial.
    axis
        What stands along the colour bar.
    """
    figure = drawing.new_figure(3.4, subject, f"along {style_title(name)}, {others}")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    _draw_spectra(top, table, style)
    bar = figure.colorbar(_colours(style)[1], ax=top, aspect=18, pad=0.02)
    places, texts = axis.ticks(apart=10)
    bar.set_ticks(places, labels=texts)
    bar.ax.set_ylabel(axis.label, parse_math=False)
    bar.minorticks_off()
    if _ends(style):
        ends = f"{name} from {_ends(style)} (5th to 95th percentile)"
        top.set_title(ends if len(ends) <= _TITLE_CHARACTERS else _ends(style), parse_math=False)
    top.set_ylabel(subject.absorption_label)
    _draw_difference(bottom, table, style, trial)
    bottom.set(xlabel=subject.energy_label, ylabel=DIFFERENCE)
    if _pearson(style):
        bottom.set_title(f"{_pearson(style)} with the true response")
    drawing.legend_below(figure, bottom, columns=2)
    return figure


def interactive_walk(
    subject: Subject,
    table: pd.DataFrame,
    name: str,
    style: Style,
    trial: int,
    others: str,
    classes: Sequence[float] = (),
) -> Any:
    """Return `walk` as an interactive figure; `classes` are the values of a descriptor that takes few."""
    title, ends = style_title(name), _ends(style)
    layout = plotly.new_layout(subject, f"along {title}, {others}")
    top, bottom = plotly.add_panels(layout, 2, heights=(1.5, 1), gap=(0, 0.11))
    traces = _spectra_traces(subject, table, top, name, style)
    traces += _difference_traces(subject, table, bottom, style, trial, legend=True)
    traces.append(_colour_bar(top, name, style, classes))
    plotly.panel_title(layout, top, f"{title} from {ends}" if ends else title)
    if _pearson(style):
        plotly.panel_title(layout, bottom, f"{_pearson(style)} with the true response")
    plotly.zero_line(layout, bottom)
    plotly.spectrum_axes(layout, subject, top, bottom, DIFFERENCE)
    return plotly.figure_of(traces, layout)


@drawing.styled
def overview(
    subject: Subject, table: pd.DataFrame, styles: Mapping[str, Style], trial: int, what: str
) -> Figure:
    """Draw several styles side by side, spectra above differences, each on one scale, as wide as a page.

    Parameters
    ----------
    table, styles
        ``overview.csv`` or ``overview_free.csv``, and what traversal.json says of the styles.
    trial
        The selected trial.
    """
    walks = dict(of_styles(table))
    groups, columns = _grid(len(walks))
    figure = drawing.new_figure(0.7 + 2.3 * groups, subject, what, width=PAGE_INCHES)
    axes = figure.subplots(2 * groups, columns, sharex=True, squeeze=False, height_ratios=[1.25, 1] * groups)
    tops, bottoms = axes[0::2].ravel(), axes[1::2].ravel()
    for index, ax in enumerate((*tops[1:], *bottoms[1:])):
        ax.sharey(tops[0] if index < len(tops) - 1 else bottoms[0])
    # Room for the descriptor's range between name and panel.
    pad = 11 if any(_ends(styles[name]) for name in walks) else None
    for top, bottom, (name, rows) in zip(tops, bottoms, walks.items(), strict=False):
        style = styles[name]
        _draw_spectra(top, rows, style)
        _draw_difference(bottom, rows, style, trial)
        top.set_title(style_title(name), weight="bold", pad=pad, parse_math=False)
        top.text(0, 1.03, _ends(style), transform=top.transAxes, parse_math=False)
        if _pearson(style):
            bottom.set_title(_pearson(style))
    for index, ax in enumerate((*tops, *bottoms)):
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        ax.tick_params(labelleft=index % columns == 0, labelbottom=index >= len(tops))
    for ax in (*tops[len(walks) :], *bottoms[len(walks) :]):
        ax.remove()
    for top, bottom in axes[:, 0].reshape(-1, 2):
        top.set_ylabel(subject.absorption_label)
        bottom.set_ylabel(DIFFERENCE)
    figure.align_ylabels()
    for ax in bottoms[: len(walks)]:
        ax.set_xlabel(subject.energy_label)
    colours, _ = _colours(styles[next(iter(walks))])
    lines = [Line2D([], [], color=colour, lw=2.5, solid_capstyle="butt") for colour in colours]
    drawing.legend_below(figure, list(bottoms[: len(walks)]), columns=4, first={_WALK: lines})
    return figure


def interactive_overview(
    subject: Subject, table: pd.DataFrame, styles: Mapping[str, Style], trial: int, what: str
) -> Any:
    """Return `overview` as an interactive figure, every other spectrum of a walk left out."""
    walks = dict(of_styles(table))
    groups, columns = _grid(len(walks))
    layout = plotly.new_layout(subject, what, wide=True)
    places = plotly.add_panels(
        layout, 2 * groups * columns, columns, heights=[1.25, 1] * groups, gap=(0.025, 0.19 / (2 * groups))
    )
    traces: list[dict[str, Any]] = []
    for i, (name, rows) in enumerate(walks.items()):
        row, column = divmod(i, columns)
        top, bottom = places[2 * row * columns + column], places[(2 * row + 1) * columns + column]
        style = styles[name]
        traces += _spectra_traces(subject, rows, top, name, style, every=2)
        traces += _difference_traces(subject, rows, bottom, style, trial, legend=i == 0)
        plotly.panel_title(layout, top, f"{style_title(name)}{f': {_ends(style)}' if _ends(style) else ''}")
        if _pearson(style):
            plotly.panel_title(layout, bottom, _pearson(style))
        plotly.zero_line(layout, bottom)
        for panel, first, label in (
            (top, places[0], subject.absorption_label),
            (bottom, places[columns], DIFFERENCE),
        ):
            shown = column == 0
            plotly.set_axis(layout, panel[1], label if shown else "", showticklabels=shown, nticks=6)
            if panel != first:
                plotly.set_axis(layout, panel[1], matches=first[1])
        plotly.set_axis(layout, top[0], showticklabels=False, nticks=4)
        plotly.set_axis(layout, bottom[0], subject.energy_label, nticks=4)
        for panel in (top, bottom):
            if panel != places[0]:
                plotly.set_axis(layout, panel[0], matches="x")
    used = {(trace["xaxis"], trace["yaxis"]) for trace in traces}
    for panel in places:
        if panel not in used:
            for axis in panel:
                plotly.set_axis(layout, axis, visible=False)
    return plotly.figure_of(traces, layout)


def of_styles(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the styles of a table that holds several below one another, each with its rows, in their order."""
    for name, rows in table.groupby("style", sort=False):
        yield str(name), rows


def _grid(n: int) -> tuple[int, int]:
    """Return how many rows of styles, and how many styles side by side, an overview of `n` has."""
    groups = -(-n // _STYLES_IN_A_ROW)
    return groups, -(-n // groups)


def _levels(table: pd.DataFrame) -> list[str]:
    """Return the columns of the spectra along a walk."""
    return [str(c) for c in table.columns if str(c)[:1] == "p" and str(c)[1:].replace(".", "").isdigit()]


def _truth(table: pd.DataFrame) -> Any | None:
    """Return the known response of a synthetic family; None where there is none."""
    truth = table.get("true_response_synthetic")
    return truth if truth is not None and np.isfinite(truth).all() else None


def _of(style: Style, trial: int) -> str:
    """Return what a walk is of."""
    return f"mean of {style['n_trials']} trials" if style["n_trials"] > 1 else f"trial {trial}"


def _ends(style: Style) -> str:
    """Return the descriptor at both ends in words, such as ``2.1 to 3.4 e``; empty where not known."""
    return described_range(style).removeprefix("–")


def _pearson(style: Style) -> str:
    """Return the correlation of the difference with the known response; empty where not known."""
    pearson = style["pearson_true_response"]
    return "" if pearson is None or not np.isfinite(pearson) else f"Pearson r = {pearson:.2f}"


def _draw_spectra(ax: Axes, table: pd.DataFrame, style: Style) -> None:
    for colour, level, known in zip(_colours(style)[0], _levels(table), _supported(style), strict=True):
        ax.plot(table["energy"], table[level], color=colour, lw=0.8, ls="-" if known else ":")


def _draw_difference(ax: Axes, table: pd.DataFrame, style: Style, trial: int) -> None:
    energy, several, draws = table["energy"], style["n_trials"] > 1, "5 % to 95 % of draws"
    ax.axhline(0, color=GREY, lw=0.5, zorder=0)
    bands = [("draws", draws, 0.13 if several else 0.38)]
    bands += [("trials", f"range over {style['n_trials']} trials", 0.38)] if several else []
    for key, label, alpha in bands:
        low, high = table[f"{key}_low"], table[f"{key}_high"]
        ax.fill_between(energy, low, high, color=BLUE, alpha=alpha, label=label)
    ax.plot(energy, table["difference"], color=BLUE, label=f"difference, {_of(style, trial)}")
    truth = _truth(table)
    if truth is not None:
        ax.plot(energy, truth, color=VERMILION, ls="--", label="true response (synthetic)")


def _supported(style: Style) -> list[bool]:
    """Return of each level whether nearly all that is decoded there lies where training spectra do."""
    at_levels = (style.get("support") or {}).get("at_levels") or [1.0] * len(style["percentile"])
    return [share >= LEVEL_ENOUGH for share in at_levels]


def _colours(style: Style) -> tuple[np.ndarray, ScalarMappable]:
    """Return a colour a level of the walk, and the scale that they are of."""
    percentiles = np.asarray(style["percentile"], dtype=float)
    # viridis without its pale end, which is lost on white paper.
    colour_map: Colormap = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.0, 0.9, 256)))
    norm: Normalize = BoundaryNorm(_edges(percentiles), 256) if len(percentiles) > 1 else Normalize(0, 100)
    return colour_map(norm(percentiles)), ScalarMappable(norm, colour_map)


def _edges(values: np.ndarray) -> np.ndarray:
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _known_values(style: Style) -> np.ndarray | None:
    """Return the calibrated descriptor at each level; None where it is not known at all of them."""
    values = np.asarray(style["descriptor"] or [np.nan], dtype=float)
    return values if np.isfinite(values).all() else None


def _spectra_traces(
    subject: Subject, table: pd.DataFrame, panel: tuple[str, str], name: str, style: Style, every: int = 1
) -> list[dict[str, Any]]:
    """Return a trace a level of the walk, from one end's colour to the other's."""
    values, traces = _known_values(style), []
    shown, supported = list(enumerate(_levels(table)))[::every], _supported(style)
    for colour, (i, level) in zip(plotly.walk_colours(len(shown)), shown, strict=True):
        where = f"{style_title(name)} at percentile {float(level[1:]):g}"
        if values is not None:
            where += f", {name} ≈ {quantity(print_number(float(values[i]), 2), style['unit'] or '')}"
        hover = f"{plotly.escaped(where)}<br>{plotly.at_energy(subject)}: %{{y:.4g}}<extra></extra>"
        more = {"line_width": 1.2, "showlegend": False, "line_dash": "solid" if supported[i] else "dot"}
        traces.append(plotly.line(panel, table["energy"], table[level], where, colour, hover, **more))
    return traces


def _difference_traces(
    subject: Subject, table: pd.DataFrame, panel: tuple[str, str], style: Style, trial: int, legend: bool
) -> list[dict[str, Any]]:
    energy, several, at = table["energy"], style["n_trials"] > 1, plotly.at_energy(subject)
    bands = [("draws", "5–95 % of draws", _OUTER if several else _INNER)]
    bands += [("trials", f"range, {style['n_trials']} trials", _INNER)] if several else []
    traces = []
    for key, label, fill in bands:
        traces += plotly.band(
            panel, energy, table[f"{key}_low"], table[f"{key}_high"], label, fill, showlegend=legend
        )
    of = _of(style, trial)
    traces.append(
        plotly.line(
            panel, energy, table["difference"], of, BLUE,
            f"difference, {of}, {at}: %{{y:.4g}}<extra></extra>", legendgroup="d", showlegend=legend,
        )
    )  # fmt: skip
    truth = _truth(table)
    if truth is not None:
        traces.append(
            plotly.line(
                panel, energy, truth, "truth (synthetic)", VERMILION,
                f"true response, {at}: %{{y:.4g}}<extra></extra>",
                line_dash="dash", legendgroup="t", showlegend=legend,
            )
        )  # fmt: skip
    return traces


def _colour_bar(panel: tuple[str, str], name: str, style: Style, classes: Sequence[float]) -> dict[str, Any]:
    """Return a trace without points that carries the colour bar of a walk, marked by the descriptor's values."""
    percentiles, values = np.asarray(style["percentile"], dtype=float), _known_values(style)
    places, texts = StyleAxis(name, style["unit"] or "", percentiles, values, tuple(classes)).ticks()
    return {
        "type": "scatter", "mode": "markers", "x": [None], "y": [None], "xaxis": panel[0], "yaxis": panel[1],
        "showlegend": False, "hoverinfo": "skip",
        "marker": {
            "color": [percentiles[0]], "cmin": percentiles[0], "cmax": percentiles[-1],
            "colorscale": [[i / (len(plotly.WALK_COLOURS) - 1), c] for i, c in enumerate(plotly.WALK_COLOURS)],
            "showscale": True,
            "colorbar": {
                "thickness": 9, "len": 0.58, "y": 1, "yanchor": "top", "x": 1.01, "outlinewidth": 0,
                "tickvals": places, "ticktext": texts, "tickfont": {"size": 10},
                "title": {"text": plotly.escaped(name if values is not None else "pct."), "font": {"size": 10}},
            },
        },
    }  # fmt: skip
