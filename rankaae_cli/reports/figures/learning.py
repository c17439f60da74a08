"""Interactive learning curves: losses, measures on validation, descriptors learnt."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.core.labels import Subject, metric_label
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY
from rankaae_cli.reports.figures.plotly import (
    OKABE_ITO,
    add_panels,
    figure_of,
    line,
    new_layout,
    panel_title,
    set_axis,
)

_EPOCHS_AT_MOST = 250  # of a curve; more are no wider on a screen
_SEVERAL_DECADES = 20.0  # as in the still picture: beyond this ratio the axis is logarithmic


def curves(
    subject: Subject, metrics: pd.DataFrame, columns: Sequence[str], selected: int, best_epoch: int, what: str
) -> Any:
    """Return measures against the epoch, a panel each, a line a trial.

    Parameters
    ----------
    subject, what
        What the figure is about.
    metrics
        Contents of metrics.csv.
    columns
        The measures.
    selected, best_epoch
        The trial that is drawn in front, and the epoch kept of it.
    """
    layout = new_layout(subject, what)
    rows = -(-len(columns) // 2)
    panels = add_panels(
        layout, len(columns), min(2, len(columns)), gap=(0.14, 0.3 / max(rows, 2)), stack=True
    )
    traces: list[dict[str, Any]] = []
    others = sorted(set(metrics["trial"]) - {selected})
    for i, (panel, column) in enumerate(zip(panels, columns, strict=True)):
        for trial in [*others, selected]:
            front = trial == selected
            known = _thinned(metrics.loc[metrics["trial"] == trial, ["epoch", column]].dropna())
            name = f"trial {trial}, selected" if front else "other trials"
            first = i == 0 and (front or trial == others[0])
            traces.append(
                line(
                    panel, known["epoch"], known[column], name, BLUE if front else LIGHT_GREY,
                    hover=f"trial {trial}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
                    line_width=1.6 if front else 1, legendgroup=name, showlegend=first,
                    mode="lines" if len(known) > 7 else "lines+markers",
                )
            )  # fmt: skip
        values = metrics[column].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        set_axis(layout, panel[0], "Epoch" if i >= len(columns) - 2 else "")
        set_axis(layout, panel[1])
        if len(values) and values.min() > 0 and values.max() / values.min() > _SEVERAL_DECADES:
            set_axis(layout, panel[1], type="log", dtick=1)
        panel_title(layout, panel, metric_label(column).replace("\n", " "))
        _mark_epoch(layout, panel, best_epoch)
    return figure_of(traces, layout)


def descriptor_learning(
    subject: Subject, metrics: pd.DataFrame, names: Sequence[str], selected: int, best_epoch: int
) -> Any:
    """Return Spearman's correlation of each style with its descriptor on validation against the epoch."""
    layout = new_layout(subject, f"validation rows, trial {selected}")
    (panel,) = add_panels(layout, 1)
    rows = metrics[metrics["trial"] == selected]
    traces = []
    for i, name in enumerate(names):
        known = _thinned(rows[["epoch", f"val_spearman_{name}"]].dropna())
        traces.append(
            line(
                panel, known["epoch"], known[f"val_spearman_{name}"], name, OKABE_ITO[i % len(OKABE_ITO)],
                hover=f"{name}, epoch %{{x}}: ρ %{{y:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    set_axis(layout, panel[0], "Epoch")
    set_axis(layout, panel[1], "Spearman ρ")
    _mark_epoch(layout, panel, best_epoch, "epoch kept")
    return figure_of(traces, layout)


def _mark_epoch(layout: dict[str, Any], panel: tuple[str, str], epoch: int, label: str = "") -> None:
    layout.setdefault("shapes", []).append({
        "type": "line", "xref": panel[0], "yref": f"{panel[1]} domain", "x0": epoch, "x1": epoch,
        "y0": 0, "y1": 1, "line": {"color": BLACK, "width": 1, "dash": "dot"},
    })  # fmt: skip
    if label:
        layout["annotations"].append({
            "text": label, "xref": panel[0], "yref": f"{panel[1]} domain", "x": epoch, "y": 0.02,
            "xanchor": "right", "yanchor": "bottom", "showarrow": False, "font": {"size": 10, "color": GREY},
        })  # fmt: skip


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return as many rows as a screen can show, evenly chosen, the first and the last among them."""
    if len(rows) <= _EPOCHS_AT_MOST:
        return rows
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, _EPOCHS_AT_MOST).astype(int))]
