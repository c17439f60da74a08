"""Interactive figures of styles and trials: heat maps and quantiles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.core.labels import Subject, style_title
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, ORANGE, VERMILION
from rankaae_cli.reports.figures.heat import short
from rankaae_cli.reports.figures.plotly import (
    add_panels,
    escaped,
    figure_of,
    line,
    new_layout,
    panel_title,
    set_axis,
)
from rankaae_cli.reports.figures.trials import choice_measures, measure_digits
from rankaae_cli.reports.tables import print_number

_BLUES = [[0, "#F7FBFF"], [0.25, "#C6DBEF"], [0.5, "#6BAED6"], [0.75, "#2171B5"], [1, "#08306B"]]
_RED_BLUE = [[0, "#053061"], [0.25, "#4393C3"], [0.5, "#F7F7F7"], [0.75, "#D6604D"], [1, "#67001F"]]
_LIMIT = 2.0  # standard deviations at which the colours of trials end


def coupling(subject: Subject, table: pd.DataFrame, what: str) -> Any:
    """Return the rank correlations of styles, and across the diagonal those of their descriptors.

    Parameters
    ----------
    subject, what
        What the figure is about.
    table
        Columns ``style``, then one a style: below the diagonal between styles, above it between descriptors,
        NaN where neither.
    """
    layout = new_layout(subject, what, legend=False)
    (panel,) = add_panels(layout, 1)
    panel_title(layout, panel, "below the diagonal: styles; above: descriptors")
    names = list(table.columns[1:])
    value = table[names].to_numpy(dtype=float)
    upper = np.triu(np.ones(value.shape, dtype=bool), 1)
    hover = [
        [
            f"{'descriptors' if upper[r, c] else 'styles'} {escaped(names[r])} and {escaped(names[c])}"
            for c in range(len(names))
        ]
        for r in range(len(names))
    ]
    traces = [_heat(panel, value, names, names, _RED_BLUE, (-1, 1), "Spearman ρ", hover)]
    _name_heat(layout, panel)
    return figure_of(traces, layout)


def leakage(subject: Subject, table: pd.DataFrame, what: str) -> Any:
    """Return how far each style moves when one is walked, decoded and encoded again.

    Parameters
    ----------
    subject, what
        What the figure is about.
    table
        Contents of leakage.csv.
    """
    layout = new_layout(subject, what, legend=False)
    (panel,) = add_panels(layout, 1)
    walked, moved = [str(n) for n in table["walked"]], [str(c) for c in table.columns if c != "walked"]
    value = table[moved].to_numpy(dtype=float)
    hover = [[f"{escaped(w)} walked, {escaped(m)} moves" for m in moved] for w in walked]
    traces = [_heat(panel, value, moved, walked, _BLUES, (0, 1), "moved / intended", hover)]
    set_axis(layout, panel[0], "Style that moves")
    set_axis(layout, panel[1], "Style walked")
    _name_heat(layout, panel)
    return figure_of(traces, layout)


def normality(
    subject: Subject, table: pd.DataFrame, w_by_style: Mapping[str, float | None], what: str
) -> Any:
    """Return a Q-Q plot of every style against the standard normal distribution.

    Parameters
    ----------
    subject, what
        What the figure is about.
    table
        Columns ``style``, ``normal_quantile`` and ``value``.
    w_by_style
        Shapiro-Wilk W of each style.
    """
    layout = new_layout(subject, what)
    columns = min(3, len(w_by_style))
    rows = -(-len(w_by_style) // columns)
    panels = add_panels(layout, len(w_by_style), columns, gap=(0.07, 0.3 / max(rows, 2)))
    ends = [float(table["normal_quantile"].min()), float(table["normal_quantile"].max())]
    traces: list[dict[str, Any]] = []
    for i, (panel, (name, w)) in enumerate(zip(panels, w_by_style.items(), strict=True)):
        points = table[table["style"] == name]
        traces.append(
            line(
                panel, ends, ends, "standard normal", BLACK, line_dash="dash", line_width=1,
                hoverinfo="skip", hovertemplate=None, legendgroup="n", showlegend=i == 0,
            )
        )  # fmt: skip
        traces.append(
            line(
                panel, points["normal_quantile"], points["value"], "style", BLUE,
                f"{escaped(style_title(name))}: %{{y:.3f}} where normal %{{x:.3f}}<extra></extra>",
                mode="markers", marker={"size": 3, "color": BLUE}, legendgroup="s", showlegend=i == 0,
            )
        )  # fmt: skip
        panel_title(layout, panel, f"{name.replace('_', ' ')}, W {print_number(w, 2)}")
        set_axis(layout, panel[0], "Normal quantile" if i >= len(w_by_style) - columns else "", nticks=4)
        set_axis(layout, panel[1], "Style" if i % columns == 0 else "", nticks=5)
        if i:
            set_axis(layout, panel[0], matches="x")
            set_axis(layout, panel[1], matches="y")
    return figure_of(traces, layout)


def trials(subject: Subject, choice: Mapping[str, Any]) -> Any:
    """Return every trial's measures on validation, coloured by how much better than the mean they are.

    Parameters
    ----------
    subject
        What the figure is about.
    choice
        ``choice`` of metrics.json.
    """
    names, labels, value_MT, better_MT = choice_measures(choice)
    layout = new_layout(subject, "validation split", legend=False)
    (panel,) = add_panels(layout, 1)
    chosen = {0: (str(choice["trial"]), VERMILION)}
    framed = "framed: what our score would choose; the published one is undecided"
    if choice["published_choice"] is not None:
        chosen[1] = (str(choice["published_choice"]), ORANGE)
        framed = "framed: what each score would choose"
    hover, text = [], []
    for row, (label, value_T) in enumerate(zip(labels, value_MT, strict=True)):
        said = [
            f"{escaped(label)}, trial {n}: {print_number(float(v))}"
            for n, v in zip(names, value_T, strict=True)
        ]
        name, colour = chosen.get(row, ("", ""))
        if name in names:
            column = names.index(name)
            said[column] += ", chosen by this score"
            layout.setdefault("shapes", []).append({
                "type": "rect", "xref": panel[0], "yref": panel[1], "x0": column - 0.5, "x1": column + 0.5,
                "y0": row - 0.5, "y1": row + 0.5, "line": {"color": colour, "width": 2.5},
            })  # fmt: skip
        hover.append(said)
        text.append([short(v, measure_digits(label)) for v in value_T])
    shown, limits = np.clip(better_MT, -_LIMIT, _LIMIT), (-_LIMIT, _LIMIT)
    trace = _heat(panel, shown, names, labels, _BLUES, limits, "better,<br>std. dev.", hover, text)
    panel_title(layout, panel, framed)
    set_axis(layout, panel[0], "Trial, best score first")
    _name_heat(layout, panel, tall=False)
    return figure_of([trace], layout)


def confusion(
    subject: Subject, scores: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], what: str
) -> Any:
    """Return the confusion matrix of every descriptor that has classes.

    Parameters
    ----------
    subject, what
        What the figure is about.
    scores
        Of each descriptor with classes, as in metrics.json.
    titles
        Of the axes: each descriptor with its unit.
    """
    layout = new_layout(subject, what, legend=False)
    known = {n: s for n, s in scores.items() if s["confusion"] is not None and np.sum(s["confusion"])}
    n = max(1, len(known))
    panels = add_panels(layout, n, gap=(0, 0.36 / max(n, 2)))
    traces = []
    for panel, (name, score) in zip(panels, known.items(), strict=False):
        count = np.array(score["confusion"], dtype=float)
        total = count.sum(axis=1, keepdims=True)
        share = np.divide(count, total, out=np.full(count.shape, np.nan), where=total > 0)
        classes = [f"{c:g}" for c in score["classes"]]
        text = [[f"{int(n)}<br>{100 * s:.0f} %" if np.isfinite(s) else "0" for n, s in zip(*pair, strict=True)]
                for pair in zip(count, share, strict=True)]  # fmt: skip
        hover = [[f"true {escaped(name)} {t}, read {r}: {int(n)} spectra"
                  for r, n in zip(classes, row, strict=True)]
                 for t, row in zip(classes, count, strict=True)]  # fmt: skip
        trace = _heat(panel, share, classes, classes, _BLUES, (0, 1), "share", hover, text)
        traces.append(trace | {"showscale": False})
        set_axis(layout, panel[0], f"{titles[name]}, read", type="category")
        set_axis(layout, panel[1], f"{titles[name]}, true", type="category", autorange="reversed")
        f1, balanced = (print_number(score[key], 2) for key in ("f1", "balanced_accuracy"))
        panel_title(layout, panel, f"macro-F1 {f1}, balanced {balanced}")
    return figure_of(traces, layout)


def _heat(
    panel: tuple[str, str],
    value_RC: np.ndarray,  # noqa: N803
    columns: Sequence[str],
    rows: Sequence[str],
    colours: list[list[Any]],
    limits: tuple[float, float],
    label: str,
    hover: Sequence[Sequence[str]],
    text: Sequence[Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return a heat map with a number in every cell and a sentence when hovered."""
    shown = text if text is not None else [[short(v) for v in row] for row in value_RC]
    return {
        "type": "heatmap", "z": value_RC, "x": [c.replace("_", " ") for c in columns],
        "y": [r.replace("_", " ") for r in rows], "xaxis": panel[0], "yaxis": panel[1],
        "colorscale": colours, "zmin": limits[0], "zmax": limits[1], "xgap": 1, "ygap": 1,
        "text": shown, "texttemplate": "%{text}", "textfont": {"size": 10}, "customdata": hover,
        "hovertemplate": f"%{{customdata}}{': %{z:.3f}' if text is None else ''}<extra></extra>",
        "hoverongaps": False,
        "colorbar": {"title": {"text": label, "font": {"size": 10}}, "thickness": 9, "outlinewidth": 0,
                     "tickfont": {"size": 10}, "len": 0.9},
    }  # fmt: skip


def _name_heat(layout: dict[str, Any], panel: tuple[str, str], tall: bool = True) -> None:
    for axis in panel:
        set_axis(layout, axis, type="category", tickmode="linear", dtick=1, ticks="", showgrid=False)
    set_axis(layout, panel[0], tickangle=-90 if tall else 0)
    set_axis(layout, panel[1], autorange="reversed")
