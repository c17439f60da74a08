"""Figures of how far a response can be relied on: over the trials, at each energy, and beside the data.

Static and interactive, each from a csv of ``traversal/`` as a table and what traversal.json says. What a figure is
about (`subject`) and where the other styles come from (`others`) head it.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rankaae_cli.analysis.traversal.findings import NOT_READ, not_read_because
from rankaae_cli.core.labels import Subject, unit_text
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, ORANGE, VERMILION
from rankaae_cli.reports.figures.traversal import DIFFERENCE, of_styles
from rankaae_cli.reports.tables import print_number

_BAR = 0.035  # height of the bar that marks energies, of the panel's
_LONGEST_NAME = 8  # in the legend
_SLOPE_BAND, _OWN = "95 % (bootstrap)", "through its own style"
_TEST = "permutations of materials, 5 % over all energies"


@drawing.styled
def stability(
    subject: Subject, table: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]], others: str
) -> Figure:
    """Draw every trial's difference, one panel a style, each on its own scale.

    Parameters
    ----------
    table, styles
        ``stability.csv``, and what traversal.json says of the styles.
    """
    panels, trials = list(of_styles(table)), _trials(table)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    n = len(trials)
    what = f"responses of {n} {'trials' if n != 1 else 'trial'}, 5th to 95th percentile"
    figure = drawing.new_figure(0.65 + 1.25 * rows, subject, what, others)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for ax, (name, panel) in zip(axes.ravel(), panels, strict=False):
        ax.axhline(0, color=GREY, lw=0.5, zorder=0)
        for column in trials.values():
            ax.plot(panel["energy"], panel[column], color=BLUE, lw=0.6, alpha=0.6, label="one trial")
        if n > 1:
            ax.plot(
                panel["energy"],
                panel[[*trials.values()]].mean(axis=1),
                color=BLACK,
                lw=0.9,
                ls="--",
                label="mean",
            )
        ax.set_title(f"{name}{_spread(styles[name])}", parse_math=False)
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    for ax in axes.ravel()[len(panels) :]:
        ax.set_axis_off()
    for ax in axes.ravel()[max(len(panels) - columns, 0) : len(panels)]:
        ax.set_xlabel(subject.energy_label)
        ax.tick_params(labelbottom=True)
    for ax in axes[:, 0]:
        ax.set_ylabel(DIFFERENCE)
    figure.align_ylabels()
    if rows * columns > len(panels):
        handles, labels = axes[0, 0].get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        axes.ravel()[-1].legend(shown.values(), shown.keys(), loc="center left")
    else:
        drawing.legend_below(figure, axes[0, 0], columns=2)
    return figure


def interactive_stability(
    subject: Subject, table: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]], others: str
) -> Any:
    """Return `stability` as an interactive figure."""
    walks, trials = list(of_styles(table)), _trials(table)
    n = len(trials)
    layout = plotly.new_layout(subject, f"responses of {n} {'trials' if n != 1 else 'trial'}, {others}")
    columns = min(3, len(walks))
    rows = -(-len(walks) // columns)
    panels = plotly.add_panels(layout, len(walks), columns, gap=(0.09, 0.26 / max(rows, 2)), stack=True)
    at = plotly.at_energy(subject)
    traces: list[dict[str, Any]] = []
    for i, (panel, (name, walk)) in enumerate(zip(panels, walks, strict=True)):
        for j, (trial, column) in enumerate(trials.items()):
            traces.append(
                plotly.line(
                    panel, walk["energy"], walk[column], "one trial", BLUE + "99",
                    hover=f"trial {trial}, {at}: %{{y:.4g}}<extra></extra>",
                    line_width=1, legendgroup="one", showlegend=i == j == 0,
                )
            )  # fmt: skip
        if n > 1:
            traces.append(
                plotly.line(
                    panel, walk["energy"], walk[[*trials.values()]].mean(axis=1), "mean", BLACK,
                    hover=f"mean, {at}: %{{y:.4g}}<extra></extra>",
                    line_dash="dash", legendgroup="mean", showlegend=i == 0,
                )
            )  # fmt: skip
        plotly.panel_title(layout, panel, f"{name}{_spread(styles[name])}")
        plotly.zero_line(layout, panel)
        plotly.set_axis(layout, panel[0], subject.energy_label if i >= len(walks) - columns else "", nticks=5)
        plotly.set_axis(layout, panel[1], DIFFERENCE if i % columns == 0 else "", nticks=5)
        if i:
            plotly.set_axis(layout, panel[0], matches="x")
    return plotly.figure_of(traces, layout)


@drawing.styled
def sensitivity(subject: Subject, table: pd.DataFrame, name: str, content: Mapping[str, Any]) -> Figure:
    """Draw d(mu)/d(descriptor) against energy, below the mean spectrum; mark where it is significant.

    Parameters
    ----------
    table, name, content
        ``<name>_sensitivity.csv``, the descriptor, and its ``sensitivity`` in traversal.json. Where it is not
        known, the figure says why.
    """
    figure = drawing.new_figure(
        3.0, subject, f"sensitivity to {_judged(name, content)}", content["rows_text"]
    )
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.5))
    top.plot(table["energy"], table["mean_spectrum"], color=BLACK, label="mean decoded spectrum")
    top.set_ylabel(_in_lines(subject.absorption_label))
    bottom.set_xlabel(subject.energy_label)
    if content["unknown_because"]:
        bottom.set_yticks([])
        lines = textwrap.wrap(content["unknown_because"], 45, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(["not known", *lines])
        bottom.text(0.5, 0.5, text, transform=bottom.transAxes, ha="center", va="center",
                    color=GREY, parse_math=False)  # fmt: skip
        bottom.set_ylabel(f"dμ/d{name}", parse_math=False)
        return figure
    _draw_slope(bottom, table, content)
    # Two lines: a long unit would not fit beside the panel.
    bottom.set_ylabel(f"dμ/d{name}\n({content['unit']})", parse_math=False)
    figure.align_ylabels()
    drawing.legend_below(figure, [top, bottom], columns=2)
    return figure


def interactive_sensitivity(
    subject: Subject, table: pd.DataFrame, name: str, content: Mapping[str, Any]
) -> Any | None:
    """Return `sensitivity` as an interactive figure; None where it is not known."""
    if content["unknown_because"]:
        return None
    layout = plotly.new_layout(subject, f"sensitivity to {_judged(name, content)}", content["rows_text"])
    top, bottom = plotly.add_panels(layout, 2, heights=(1, 1.5), gap=(0, 0.11))
    significant = table["significant"].to_numpy(dtype=float) > 0
    marked = np.where(significant, table["sensitivity"], np.nan)
    energy, unit = table["energy"], plotly.escaped(content["unit"])
    traces = [
        plotly.line(
            top, energy, table["mean_spectrum"], "mean spectrum", BLACK,
            f"mean spectrum, {plotly.at_energy(subject)}: %{{y:.4g}}<extra></extra>",
        ),
        *plotly.band(bottom, energy, table["low"], table["high"], _SLOPE_BAND, "#0072B240"),
        plotly.line(
            bottom, energy, table["sensitivity"], "all styles", BLUE,
            f"{plotly.at_energy(subject)}: %{{y:.4g}} {unit}<extra></extra>",
        ),
        plotly.line(
            bottom, energy, table["own_style"], _OWN, BLUE,
            f"{_OWN}, {plotly.at_energy(subject)}: %{{y:.4g}} {unit}<extra></extra>", line_dash="dash",
        ),
        plotly.line(
            bottom, energy, marked, "significant", "#E69F00", line_width=3, connectgaps=False,
            mode="lines", hoverinfo="skip", hovertemplate=None,
        ),
    ]  # fmt: skip
    if not significant.any():
        traces.pop()
    where = "orange: significant" if significant.any() else "nowhere significant"
    plotly.panel_title(layout, bottom, f"{where}, {_TEST}")
    plotly.zero_line(layout, bottom)
    plotly.spectrum_axes(layout, subject, top, bottom, f"dμ/d{name}\n({content['unit']})")
    return plotly.figure_of(traces, layout)


@drawing.styled
def check(subject: Subject, table: pd.DataFrame, name: str, content: Mapping[str, Any], unit: str) -> Figure:
    """Draw mean spectra of the matched bins, and below them data's and network's difference.

    The network's is its response to the change of the style between the paired rows, so the two differences
    can be compared in size too. The traversal, from the 5th to the 95th percentile, is of another change; its
    correlation with the data stands in the title, its values in the csv file.

    Parameters
    ----------
    table, name, content
        ``<name>_check.csv``, the descriptor, and its ``check`` in traversal.json. Where the data cannot be
        compared, the figure says why.
    unit
        Of the descriptor.
    """
    figure = drawing.new_figure(3.7, subject, f"{_judged(name, content)} against data", content["rows_text"])
    if content["not_comparable_because"]:
        ax = figure.subplots()
        ax.set_axis_off()
        text = f"not comparable:\n{content['not_comparable_because']}"
        ax.text(0.5, 0.5, text, ha="center", va="center", color=GREY, wrap=True)
        return figure
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.25))
    _draw_bins(top, table, name, content, unit)
    top.set_ylabel(_in_lines(subject.absorption_label))
    energy, change = table["energy"], "same change"
    bottom.axhline(0, color=GREY, lw=0.5, zorder=0)
    bottom.plot(energy, table["data_difference"], color=BLACK, label="data, matched pairs")
    bottom.fill_between(
        energy,
        table["data_low"],
        table["data_high"],
        color=BLACK,
        alpha=0.18,
        label="its 5 % to 95 % (bootstrap)",
    )
    if len(name) <= _LONGEST_NAME:
        change += f" of {name}"
    bottom.plot(energy, table["model_same_change"], color=BLUE, label=f"network, {change}")
    bottom.set_title(
        f"Pearson r = {_two(content['pearson_same_change'])} (of the whole traversal: "
        f"{_two(content['pearson'])})"
    )
    bottom.set(xlabel=subject.energy_label, ylabel="Difference\nhigh − low")
    figure.align_ylabels()
    drawing.legend_below(figure, [top, bottom], columns=2)
    return figure


def interactive_check(
    subject: Subject, table: pd.DataFrame, name: str, content: Mapping[str, Any]
) -> Any | None:
    """Return `check` as an interactive figure; None where the data cannot be compared."""
    if content["not_comparable_because"]:
        return None
    layout = plotly.new_layout(subject, f"{_judged(name, content)} against data", content["rows_text"])
    top, bottom = plotly.add_panels(layout, 2, heights=(1, 1.25), gap=(0, 0.12))
    energy = table["energy"]

    def curve(panel: tuple[str, str], column: str, label: str, colour: str, **more: Any) -> dict[str, Any]:
        hover = f"{plotly.escaped(label)}<br>{plotly.at_energy(subject)}: %{{y:.4g}}<extra></extra>"
        return plotly.line(panel, energy, table[column], label, colour, hover, **more)

    traces = []
    for side, colour in (("low", GREY), ("high", VERMILION)):
        traces.append(
            curve(top, f"data_spectrum_{side}_bin", f"data, {name} {_value(content, side)}", colour)
        )
    for side, colour in (("low", GREY), ("high", VERMILION)):
        more = {"line_dash": "dash", "line_width": 1.2, "showlegend": False}
        traces.append(
            curve(top, f"model_spectrum_{side}_bin", f"network, same change, {side} bin", colour, **more)
        )
    traces += plotly.band(bottom, energy, table["data_low"], table["data_high"], "data’s 5–95 %", "#1A1A1A2E")
    traces += [
        curve(bottom, "data_difference", "data, matched pairs", BLACK),
        curve(bottom, "model_same_change", f"network, same change of {name}", BLUE),
        # Of use, but only one by one: shown when their entries are clicked.
        curve(bottom, "data_unmatched", "data, unmatched", BLACK, line_dash="dot", visible="legendonly"),
        curve(bottom, "traversal", "whole traversal", BLUE, line_dash="dash", visible="legendonly"),
    ]
    low, high = (content["bins"][side]["matched_rows"] for side in ("low", "high"))
    plotly.panel_title(layout, top, f"{low} and {high} matched spectra")
    plotly.panel_title(
        layout, bottom,
        f"Pearson r = {print_number(content['pearson_same_change'], 2)} "
        f"(of the whole traversal: {print_number(content['pearson'], 2)})",
    )  # fmt: skip
    plotly.zero_line(layout, bottom)
    plotly.spectrum_axes(layout, subject, top, bottom, "Difference\nhigh − low")
    return plotly.figure_of(traces, layout)


def _judged(name: str, content: Mapping[str, Any]) -> str:
    """Return a descriptor's name, and that its style does not read it where that is so."""
    return f"{name} ({NOT_READ.upper()})" if not_read_because(content) else name


def _trials(table: pd.DataFrame) -> dict[int, str]:
    """Return by trial the columns of their differences."""
    columns = [str(c) for c in table.columns if str(c).startswith("difference_trial_")]
    return {int(column.removeprefix("difference_trial_")): column for column in columns}


def _spread(style: Mapping[str, Any]) -> str:
    """Return how alike the trials are; empty for a single one."""
    spread = style["stability"]["relative_spread"]
    several = style["n_trials"] > 1
    return f", spread {print_number(None if spread is None else 100 * spread, 0)} %" if several else ""


def _draw_slope(ax: Axes, table: pd.DataFrame, content: Mapping[str, Any]) -> None:
    """Draw the slope, its band, and below them a bar where it is significant; say so where it is nowhere."""
    energy, significant_E = table["energy"], table["significant"].to_numpy(dtype=float) > 0
    ax.axhline(0, color=GREY, lw=0.5, zorder=0)
    ax.fill_between(energy, table["low"], table["high"], color=BLUE, alpha=0.25, label=_SLOPE_BAND)
    ax.plot(energy, table["sensitivity"], color=BLUE, label="all styles")
    ax.plot(energy, table["own_style"], color=BLUE, ls="--", lw=0.8, label=_OWN)
    ax.margins(y=0.09)
    if not significant_E.any():
        ax.set_title(f"Nowhere significant:\n{_TEST}")
        return
    ax.set_title(f"Orange: significant,\n{_TEST}")
    # The point after a stretch is taken in, since a single point would have no width.
    widened_E = significant_E | np.concatenate([[False], significant_E[:-1]])
    ax.fill_between(
        energy,
        0,
        _BAR,
        where=list(widened_E),
        transform=ax.get_xaxis_transform(),
        color=ORANGE,
        label="significant",
    )


def _draw_bins(ax: Axes, table: pd.DataFrame, name: str, content: Mapping[str, Any], unit: str) -> None:
    """Draw the mean spectra of the matched rows of both bins."""
    shown, bins = name if len(name) <= _LONGEST_NAME else "", content["bins"]  # the heading has the name
    for side, colour, dashes in (("low", GREY, "--"), ("high", VERMILION, "-")):
        label = f"data, {shown} {_value(content, side)} {unit_text(unit)}".rstrip()
        ax.plot(table["energy"], table[f"data_spectrum_{side}_bin"], color=colour, ls=dashes, label=label)
    matched = content["matched_on"]
    others = ", ".join(matched) or "nothing else"
    if len(matched) > 4:
        others = f"{len(matched)} other descriptors"
    low, high = (bins[side]["matched_rows"] for side in ("low", "high"))
    ax.set_title(f"{low} and {high} spectra, matched in {others}", parse_math=False)


def _value(content: Mapping[str, Any], side: str) -> str:
    """Return which values a bin has, such as ``= 4`` or ``≤ 2.1``."""
    text = str(content["bins"][side]["range"])
    return text if text[0] in "≤≥" else f"= {text}"


def _in_lines(label: str) -> str:
    """Return a label in two lines, for a low panel."""
    return label.replace(", ", ",\n").replace(" (", "\n(")


def _two(value: float) -> str:
    """Return a number with two decimals, so that it takes no more room than there is."""
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–"
