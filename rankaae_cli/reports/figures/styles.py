"""Figures of the styles: whether they are normal, coupled, and leak into one another.

What a figure is about, `subject` and `what`, heads it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, style_title
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLACK, BLUE
from rankaae_cli.reports.tables import print_number

_COLUMNS = 3
_NAME_CHARACTERS = 12
_POINTS_AT_MOST = 400  # of a Q-Q line; more are no wider than a line


@drawing.styled
def normality(
    subject: Subject, table: pd.DataFrame, w_by_style: Mapping[str, float | None], what: str
) -> Figure:
    """Draw a Q-Q plot of every style against the standard normal distribution.

    Parameters
    ----------
    table
        Columns ``style``, ``normal_quantile`` and ``value``, ascending.
    w_by_style
        Shapiro-Wilk W of each style.
    """
    n_rows = -(-len(w_by_style) // _COLUMNS)
    figure = drawing.new_figure(0.7 + 1.1 * n_rows, subject, what)
    panels = figure.subplots(
        n_rows, min(_COLUMNS, len(w_by_style)), sharex=True, sharey=True, squeeze=False
    ).ravel()
    for ax, (name, w) in zip(panels, w_by_style.items(), strict=False):
        points = table[table["style"] == name]
        points = points.iloc[_both_ends(len(points))]
        ax.axline((0, 0), slope=1, color=BLACK, lw=0.7, ls="--", label="standard normal")
        ax.plot(points["normal_quantile"], points["value"], ".", ms=2, color=BLUE, label="style")
        ax.set_title(f"{_short_name(name)}\nW = {print_number(w)}", parse_math=False)
    for ax in panels[len(w_by_style) :]:
        ax.remove()
    for ax in panels[max(0, len(w_by_style) - _COLUMNS) : len(w_by_style)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("Normal quantile")
    for ax in panels[: len(w_by_style) : _COLUMNS]:
        ax.set_ylabel("Style")
    drawing.legend_below(figure, panels[0])
    return figure


def interactive_normality(
    subject: Subject, table: pd.DataFrame, w_by_style: Mapping[str, float | None], what: str
) -> Any:
    """Return the plotly figure of `normality`."""
    layout = plotly.new_layout(subject, what)
    columns = min(_COLUMNS, len(w_by_style))
    rows = -(-len(w_by_style) // columns)
    panels = plotly.add_panels(layout, len(w_by_style), columns, gap=(0.07, 0.3 / max(rows, 2)))
    ends = [float(table["normal_quantile"].min()), float(table["normal_quantile"].max())]
    traces: list[dict[str, Any]] = []
    for i, (panel, (name, w)) in enumerate(zip(panels, w_by_style.items(), strict=True)):
        points = table[table["style"] == name]
        traces.append(
            plotly.line(
                panel, ends, ends, "standard normal", BLACK, line_dash="dash", line_width=1,
                hoverinfo="skip", hovertemplate=None, legendgroup="n", showlegend=i == 0,
            )
        )  # fmt: skip
        traces.append(
            plotly.line(
                panel, points["normal_quantile"], points["value"], "style", BLUE,
                f"{plotly.escaped(style_title(name))}: %{{y:.3f}} where normal %{{x:.3f}}<extra></extra>",
                mode="markers", marker={"size": 3, "color": BLUE}, legendgroup="s", showlegend=i == 0,
            )
        )  # fmt: skip
        plotly.panel_title(layout, panel, f"{name.replace('_', ' ')}, W {print_number(w, 2)}")
        plotly.set_axis(
            layout, panel[0], "Normal quantile" if i >= len(w_by_style) - columns else "", nticks=4
        )
        plotly.set_axis(layout, panel[1], "Style" if i % columns == 0 else "", nticks=5)
        if i:
            plotly.set_axis(layout, panel[0], matches="x")
            plotly.set_axis(layout, panel[1], matches="y")
    return plotly.figure_of(traces, layout)


@drawing.styled
def coupling(subject: Subject, table: pd.DataFrame, what: str) -> Figure:
    """Draw the rank correlations of styles, and across the diagonal those of their descriptors.

    Parameters
    ----------
    table
        Columns ``style``, then one a style: below the diagonal between styles, above it between descriptors,
        NaN where neither.
    """
    styles = [str(name) for name in table["style"]]
    norm = Normalize(-1, 1)
    figure, ax = _square(subject, table[styles].to_numpy(float), styles, "RdBu_r", norm, "Spearman ρ", what)
    ends = [-0.5, len(styles) - 0.5]
    ax.plot(ends, ends, color=BLACK, lw=0.7)
    ax.set_title("below the diagonal: styles; above: descriptors")
    return figure


@drawing.styled
def leakage(subject: Subject, table: pd.DataFrame, what: str) -> Figure:
    """Draw how far each style moves when one is walked and the decoded spectra are encoded again.

    Parameters
    ----------
    table
        Contents of leakage.csv.
    """
    styles = [str(name) for name in table["walked"]]
    matrix_SS = table[styles].to_numpy(float)
    known = matrix_SS[np.isfinite(matrix_SS)]
    top = max(1.0, float(known.max())) if len(known) else 1.0
    norm: Normalize = TwoSlopeNorm(0.3, 0, top)  # half of the colours for what ought to be nothing
    figure, ax = _square(subject, matrix_SS, styles, "Blues", norm, "Moved / intended", what)
    ax.set(xlabel="Style that moves", ylabel="Style walked")
    return figure


def _square(
    subject: Subject,
    value_SS: np.ndarray,
    styles: Sequence[str],
    colour_map: str,
    norm: Normalize,
    label: str,
    what: str,
) -> tuple[Figure, Axes]:
    """Draw a number for each pair of styles; return the figure and its panel."""
    figure = drawing.new_figure(1.0 + 0.2 * max(len(styles), 5), subject, what)
    ax, colours = figure.subplots(), mpl.colormaps[colour_map]
    drawing.draw_cells(ax, value_SS, [[drawing.short(v) for v in row] for row in value_SS], colours, norm)
    names = [_short_name(name) for name in styles]
    ax.set_xticklabels(names, rotation=90, parse_math=False)
    ax.set_yticklabels(names, parse_math=False)
    figure.colorbar(ScalarMappable(norm, colours), ax=ax, label=label, aspect=30, pad=0.02)
    return figure, ax


def _short_name(name: str) -> str:
    name = name.replace("_", " ")
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"


def _both_ends(n: int) -> np.ndarray:
    """Return indices of all points near both ends and of evenly chosen ones between, ascending."""
    if n <= _POINTS_AT_MOST:
        return np.arange(n)
    ends = np.arange(_POINTS_AT_MOST // 8)
    between = np.linspace(0, n - 1, _POINTS_AT_MOST).astype(int)
    return np.unique(np.concatenate([ends, between, n - 1 - ends]))
