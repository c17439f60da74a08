"""Interactive figures that compare: free styles with quantities, the model with baselines."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.core.labels import Subject, style_title
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, ORANGE, VERMILION
from rankaae_cli.reports.figures.plotly import (
    add_panels,
    escaped,
    figure_of,
    line,
    new_layout,
    panel_title,
    set_axis,
)

_SHOWN = 4  # of each style


def associations(subject: Subject, table: pd.DataFrame, limit: float, rows: str, *what: str) -> Any:
    """Return bars of the largest partial correlations of every free style on validation, and what repeats.

    Parameters
    ----------
    subject, what
        What the figure is about.
    table
        Contents of associations.csv.
    limit
        What a partial correlation on validation has to pass.
    rows
        Split on which what was found has to repeat.
    """
    known = table[np.isfinite(table["found_partial"])]
    known = known.reindex(known["found_partial"].abs().sort_values(ascending=False, kind="stable").index)
    names = sorted(known["style"].unique())
    by_style = {str(name): known[known["style"] == name].head(_SHOWN)[::-1] for name in names}
    layout = new_layout(subject, f"validation and {rows} split", *what) | {"barmode": "overlay"}
    heights = [len(pairs) + 0.3 for pairs in by_style.values()]
    n = max(1, len(by_style))
    panels = add_panels(layout, n, heights=heights or None, gap=(0, 0.35 / max(4, n + 1)))
    traces: list[dict[str, Any]] = []
    seen: set[str] = set()
    for i, (panel, (name, pairs)) in enumerate(zip(panels, by_style.items(), strict=False)):
        for meaning, colour, which in _meanings(pairs):
            if which.any():
                traces.append(_bars(panel, pairs[which], meaning, colour, meaning not in seen))
                seen.add(meaning)
        for column, symbol, colour in (("partial", "diamond", BLACK), ("spearman", "circle-open", GREY)):
            label = f"{'partial' if column == 'partial' else 'plain'} ρ, {rows}"
            traces.append(
                line(
                    panel,
                    pairs[column],
                    [escaped(str(q)) for q in pairs["quantity"]],
                    label,
                    colour,
                    f"%{{y}}<br>{label} %{{x:.3f}}<extra></extra>",
                    mode="markers",
                    marker={"symbol": symbol, "size": 7, "color": colour},
                    legendgroup=column,
                    showlegend=i == 0,
                )
            )
        last = i == len(by_style) - 1
        panel_title(layout, panel, style_title(name))
        set_axis(layout, panel[0], "Spearman ρ with the free style" if last else "", showticklabels=last)
        # Bars of one colour come together: the order is that of their size all the same.
        order = [escaped(str(q)) for q in pairs["quantity"]]
        set_axis(layout, panel[1], type="category", categoryorder="array", categoryarray=order)
        set_axis(layout, panel[1], tickmode="linear", dtick=1, ticks="")
        if i:
            set_axis(layout, panel[0], matches="x")
        _mark_limit(layout, panel, limit)
    return figure_of(traces, layout)


def _meanings(pairs: pd.DataFrame) -> list[tuple[str, str, pd.Series]]:
    """Return what bars mean, their colour, and which of the pairs they stand for."""
    stands_out, repeats = pairs["stands_out"].astype(bool), pairs["repeats"].astype(bool)
    return [
        ("partial ρ, validation: stands out", VERMILION, stands_out),
        ("repeats, but is of a descriptor", ORANGE, repeats & ~stands_out),
        ("partial ρ, validation", BLUE, ~repeats & ~stands_out),
    ]


def _bars(
    panel: tuple[str, str], pairs: pd.DataFrame, meaning: str, colour: str, legend: bool
) -> dict[str, Any]:
    return {
        "type": "bar", "orientation": "h", "x": pairs["found_partial"],
        "y": [escaped(str(q)) for q in pairs["quantity"]], "xaxis": panel[0], "yaxis": panel[1],
        "customdata": pairs["found_rows"],
        "hovertemplate": "%{y}<br>partial ρ, validation %{x:.3f}<br>%{customdata:,} spectra<extra></extra>",
        "marker": {"color": colour}, "name": meaning, "legendgroup": meaning, "showlegend": legend,
    }  # fmt: skip


def _mark_limit(layout: dict[str, Any], panel: tuple[str, str], limit: float) -> None:
    for side in (-limit, limit):
        layout.setdefault("shapes", []).append({
            "type": "line", "xref": panel[0], "yref": f"{panel[1]} domain", "x0": side, "x1": side,
            "y0": 0, "y1": 1, "line": {"color": BLACK, "width": 1, "dash": "dash"},
        })  # fmt: skip


def baselines(subject: Subject, content: Mapping[str, Any]) -> Any:
    """Return how well each method reads descriptors and rebuilds spectra, the model first.

    Parameters
    ----------
    subject
        What the figure is about.
    content
        Of baselines.json.
    """
    rows = list(content["rows"])[::-1]
    layout = new_layout(subject, f"{content['split']} split, {content['n']:,} spectra")
    reads, rebuilds = add_panels(layout, 2, 2, gap=(0.06, 0))
    sides: tuple[tuple[tuple[str, str], str, Callable[[Mapping[str, Any]], Any], int], ...] = (
        (reads, "mean Spearman ρ", lambda row: row["mean_spearman"] if row["reads"] else None, 3),
        (rebuilds, "reconstruction MAE", lambda row: row["reconstruction"]["mae"] if row["generates"] else None, 4),
    )  # fmt: skip
    traces = []
    labels = [str(row["label"]) for row in rows]
    for panel, what, value_of, digits in sides:
        for kind, colour, symbol in (("model", VERMILION, "diamond"), ("baseline", BLUE, "circle")):
            value = [_number(value_of(row)) if row["kind"] == kind else None for row in rows]
            traces.append(
                line(
                    panel, value, labels, "this model" if kind == "model" else "baseline", colour,
                    f"%{{y}}: {what} %{{x:.{digits}f}}<extra></extra>", mode="markers+text",
                    text=["" if v is None else f"{v:.{digits}f}" for v in value], textposition="middle right",
                    textfont={"size": 10}, cliponaxis=False,
                    marker={"color": colour, "symbol": symbol, "size": 9},
                    legendgroup=kind, showlegend=panel == reads,
                )
            )  # fmt: skip
    for panel in (reads, rebuilds):
        set_axis(layout, panel[1], type="category", categoryorder="array", categoryarray=labels,
                 range=[-0.6, len(labels) - 0.4], nticks=0, ticks="")  # fmt: skip
    set_axis(layout, rebuilds[1], showticklabels=False, matches="y")
    set_axis(layout, reads[0], "Spearman ρ\n(more is better)", nticks=5)
    set_axis(layout, rebuilds[0], "MAE\n(less is better)", nticks=5)
    for (panel, _, value_of, _), share in zip(sides, (0.3, 0.3), strict=True):
        known = [v for v in (_number(value_of(row)) for row in rows) if v is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        span = (high - low) or abs(high) or 1.0
        set_axis(layout, panel[0], range=[low - 0.1 * span, high + share * span])
    return figure_of(traces, layout)


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
