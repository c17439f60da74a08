"""Figures that compare: free styles with quantities, the model with baselines.

What a figure is about, `subject` and `what`, heads it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, style_title
from rankaae_cli.reports.baseline_table import CANNOT
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION
from rankaae_cli.reports.tables import print_number

_SHOWN = 4  # quantities of each style
_MEANINGS = {
    VERMILION: "partial ρ, validation: stands out",
    ORANGE: "repeats, but is of a descriptor",
    BLUE: "partial ρ, validation",
}
_SPREAD = 0.35  # of a panel, kept free for the numbers beside the points
_LOOKS: dict[str, dict[str, Any]] = {
    "model": {"color": VERMILION, "marker": "D", "ms": 4.0},
    "baseline": {"color": BLUE, "marker": "o", "ms": 4.0},
    "average": {"color": ORANGE, "marker": "s", "ms": 4.0},
}
_POINTS = (
    ("model", VERMILION, "diamond", "this model"),
    ("baseline", BLUE, "circle", "baseline"),
    ("average", ORANGE, "square", "averaged with a baseline"),
)
Value = Callable[[Mapping[str, Any]], float | None]
# Of the two panels: the number of a row of baselines.json, None where the method has none; its decimals.
_SIDES: tuple[tuple[str, str, Value, int], ...] = (
    ("Mean Spearman ρ", "(more is better)", lambda row: _known(row["mean_spearman"]) if row["reads"] else None, 3),
    ("Reconstruction MAE", "(less is better)",
     lambda row: _known(row["reconstruction"]["mae"]) if row["generates"] else None, 4),
)  # fmt: skip


@drawing.styled
def associations(
    subject: Subject, table: pd.DataFrame, style_names: Sequence[str], limit: float, rows: str, *what: str
) -> Figure:
    """Draw the largest partial correlations of every free style on validation, and what repeats of them.

    Parameters
    ----------
    table
        Contents of associations.csv.
    style_names
        All styles; those that occur in `table` are shown in this order.
    limit
        What a partial correlation on validation has to pass.
    rows
        Split on which an association has to repeat.
    """
    by_style = _strongest(table, style_names)
    bars = sum(max(1, len(pairs)) for pairs in by_style.values())
    figure = drawing.new_figure(
        0.95 + 0.125 * bars + 0.2 * len(by_style), subject, f"validation and {rows} split", *what
    )
    heights = [max(1, len(pairs)) + 0.2 for pairs in by_style.values()]
    panels = figure.subplots(len(by_style), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (name, pairs) in zip(panels, by_style.items(), strict=True):
        ax.set_title(style_title(name), parse_math=False)
        ax.axvline(0, color=BLACK, lw=0.6)
        for side in (-1, 1):
            label = f"needed on validation, ±{limit:.2f}"
            ax.axvline(side * limit, color=BLACK, lw=0.7, ls="--", label=label)
        _bars(ax, pairs, rows)
    known = pd.concat(list(by_style.values()))[["found_partial", "partial", "spearman"]].abs().to_numpy(float)
    reach = min(1.0, 1.15 * max([limit, *known[np.isfinite(known)]]))
    panels[-1].set(xlabel="Spearman ρ with the free style", xlim=(-reach, reach))
    drawing.legend_below(figure, list(panels), columns=2)
    return figure


def interactive_associations(
    subject: Subject, table: pd.DataFrame, style_names: Sequence[str], limit: float, rows: str, *what: str
) -> Any:
    """Return the plotly figure of `associations`; styles of which nothing is known are left out."""
    by_style = {name: pairs[::-1] for name, pairs in _strongest(table, style_names).items() if len(pairs)}
    layout = plotly.new_layout(subject, f"validation and {rows} split", *what) | {"barmode": "overlay"}
    heights = [len(pairs) + 0.3 for pairs in by_style.values()]
    n = max(1, len(by_style))
    panels = plotly.add_panels(layout, n, heights=heights or None, gap=(0, 0.35 / max(4, n + 1)))
    traces: list[dict[str, Any]] = []
    in_legend: set[str] = set()
    for i, (panel, (name, pairs)) in enumerate(zip(panels, by_style.items(), strict=False)):
        # Bars of one colour come together: the order is that of their size all the same.
        order = [plotly.escaped(str(q)) for q in pairs["quantity"]]
        for colour, meaning in _MEANINGS.items():
            which = pairs["colour"] == colour
            if which.any():
                traces.append(_bar_trace(panel, pairs[which], meaning, colour, meaning not in in_legend))
                in_legend.add(meaning)
        for column, symbol, colour in (("partial", "diamond", BLACK), ("spearman", "circle-open", GREY)):
            label = f"{'partial' if column == 'partial' else 'plain'} ρ, {rows}"
            traces.append(
                plotly.line(
                    panel, pairs[column], order, label, colour,
                    f"%{{y}}<br>{label} %{{x:.3f}}<extra></extra>", mode="markers",
                    marker={"symbol": symbol, "size": 7, "color": colour},
                    legendgroup=column, showlegend=i == 0,
                )
            )  # fmt: skip
        last = i == len(by_style) - 1
        plotly.panel_title(layout, panel, style_title(name))
        plotly.set_axis(
            layout, panel[0], "Spearman ρ with the free style" if last else "", showticklabels=last
        )
        plotly.set_axis(layout, panel[1], type="category", categoryorder="array", categoryarray=order)
        plotly.set_axis(layout, panel[1], tickmode="linear", dtick=1, ticks="")
        if i:
            plotly.set_axis(layout, panel[0], matches="x")
        for side in (-limit, limit):
            layout.setdefault("shapes", []).append({
                "type": "line", "xref": panel[0], "yref": f"{panel[1]} domain", "x0": side, "x1": side,
                "y0": 0, "y1": 1, "line": {"color": BLACK, "width": 1, "dash": "dash"},
            })  # fmt: skip
    return plotly.figure_of(traces, layout)


@drawing.styled
def baselines(subject: Subject, content: Mapping[str, Any]) -> Figure:
    """Draw how well each method predicts descriptors and reconstructs spectra, the model first.

    Parameters
    ----------
    content
        Of baselines.json.
    """
    rows = content["rows"]
    figure = drawing.new_figure(
        0.75 + 0.17 * len(rows), subject, f"{content['split']} split, {content['n']:,} spectra"
    )
    panels = figure.subplots(1, 2, sharey=True)
    for ax, (what, better, value_of, digits) in zip(panels, _SIDES, strict=True):
        _dots(ax, rows, value_of, digits)
        ax.set_xlabel(f"{what}\n{better}")
    panels[0].set_yticks(range(len(rows)), [row["label"] for row in rows])
    for label, row in zip(panels[0].get_yticklabels(), rows, strict=True):
        label.set_color(VERMILION if row["kind"] == "model" else BLACK)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    return figure


def interactive_baselines(subject: Subject, content: Mapping[str, Any]) -> Any:
    """Return the plotly figure of `baselines`."""
    rows = list(content["rows"])[::-1]
    labels = [str(row["label"]) for row in rows]
    layout = plotly.new_layout(subject, f"{content['split']} split, {content['n']:,} spectra")
    panels = plotly.add_panels(layout, 2, 2, gap=(0.06, 0))
    traces = []
    hovered = ("mean Spearman ρ", "reconstruction MAE")
    for panel, (_, _, value_of, digits), what in zip(panels, _SIDES, hovered, strict=True):
        for kind, colour, symbol, meaning in _POINTS:
            value = [value_of(row) if row["kind"] == kind else None for row in rows]
            value = [v if v is not None and np.isfinite(v) else None for v in value]
            if kind not in {row["kind"] for row in rows}:
                continue
            traces.append(
                plotly.line(
                    panel, value, labels, meaning, colour,
                    f"%{{y}}: {what} %{{x:.{digits}f}}<extra></extra>", mode="markers+text",
                    text=["" if v is None else f"{v:.{digits}f}" for v in value], textposition="middle right",
                    textfont={"size": 10}, cliponaxis=False,
                    marker={"color": colour, "symbol": symbol, "size": 9},
                    legendgroup=kind, showlegend=panel == panels[0],
                )
            )  # fmt: skip
        plotly.set_axis(layout, panel[1], type="category", categoryorder="array", categoryarray=labels,
                 range=[-0.6, len(labels) - 0.4], nticks=0, ticks="")  # fmt: skip
        low, high, span = _range([value_of(row) for row in rows])
        plotly.set_axis(layout, panel[0], range=[low - 0.1 * span, high + 0.3 * span])
    plotly.set_axis(layout, panels[1][1], showticklabels=False, matches="y")
    plotly.set_axis(layout, panels[0][0], "Spearman ρ\n(more is better)", nticks=5)
    plotly.set_axis(layout, panels[1][0], "MAE\n(less is better)", nticks=5)
    return plotly.figure_of(traces, layout)


def _strongest(table: pd.DataFrame, style_names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the largest known partial correlations of each style on validation, with the colour of each."""
    colour = np.select(
        [table["stands_out"].astype(bool), table["repeats"].astype(bool)], [VERMILION, ORANGE], BLUE
    )
    table = table.assign(colour=colour).sort_values("found_partial", ascending=False, key=abs, kind="stable")
    by_style = {name: table[table["style"] == name] for name in style_names}
    return {
        name: pairs[np.isfinite(pairs["found_partial"])].head(_SHOWN)
        for name, pairs in by_style.items()
        if len(pairs)
    }


def _bars(ax: Axes, pairs: pd.DataFrame, rows: str) -> None:
    """Draw one bar a pair for the search, and points for the rows where it has to repeat."""
    if not len(pairs):
        ax.text(0.02, 0.5, "too few spectra", transform=ax.transAxes, va="center", color=GREY)
        ax.set_yticks([])
        return
    place = np.arange(len(pairs))
    ax.barh(place, pairs["found_partial"], height=0.7, color=list(pairs["colour"]))
    # Proxies, so that the legend has each colour that occurs and no other.
    for colour in dict.fromkeys(pairs["colour"]):
        ax.barh(0, 0, color=colour, label=_MEANINGS[colour])
    look: dict[str, Any] = {"ms": 3, "ls": "none"}
    ax.plot(pairs["partial"], place, "D", mfc=BLACK, mec="white", mew=0.5, label=f"partial ρ, {rows}", **look)
    ax.plot(pairs["spearman"], place, "o", mfc="white", mec=GREY, mew=0.8, label=f"plain ρ, {rows}", **look)
    ax.set_yticks(place, list(pairs["quantity"]), parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.spines["left"].set_color(LIGHT_GREY)


def _bar_trace(
    panel: tuple[str, str], pairs: pd.DataFrame, meaning: str, colour: str, legend: bool
) -> dict[str, Any]:
    return {
        "type": "bar", "orientation": "h", "x": pairs["found_partial"],
        "y": [plotly.escaped(str(q)) for q in pairs["quantity"]], "xaxis": panel[0], "yaxis": panel[1],
        "customdata": pairs["found_rows"],
        "hovertemplate": "%{y}<br>partial ρ, validation %{x:.3f}<br>%{customdata:,} spectra<extra></extra>",
        "marker": {"color": colour}, "name": meaning, "legendgroup": meaning, "showlegend": legend,
    }  # fmt: skip


def _dots(ax: Axes, rows: Sequence[Mapping[str, Any]], value_of: Value, digits: int) -> None:
    """Draw one point a row with its number beside it, and ``no`` where the method cannot do it."""
    values = [value_of(row) for row in rows]
    low, high, span = _range(values)
    left = low - 0.12 * span
    ax.set_xlim(left, high + _SPREAD / (1 - _SPREAD) * 1.12 * span)
    beside: dict[str, Any] = {"textcoords": "offset points", "va": "center_baseline"}
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        if value is None or not np.isfinite(value):
            word = CANNOT if value is None else print_number(value)
            ax.annotate(word, (left, place), xytext=(4, 0), color=GREY, **beside)
            continue
        ax.hlines(place, left, value, color=LIGHT_GREY, lw=0.6, ls=":", zorder=0)
        ax.plot(value, place, ls="none", **_LOOKS[row["kind"]])
        number = print_number(float(value), digits)
        ax.annotate(number, (value, place), xytext=(5, 0), fontsize=6.5, **beside)
    ax.tick_params(axis="y", length=0)


def _known(value: float | None) -> float:
    """Return a number of baselines.json, where one that is not known may be null."""
    return float("nan") if value is None else value


def _range(values: Sequence[float | None]) -> tuple[float, float, float]:
    """Return the ends of the known values and how far these are apart, never 0."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return low, high, (high - low) or abs(high) or 1.0
