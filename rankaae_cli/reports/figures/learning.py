"""Learning curves: losses, measures on validation, descriptors learnt."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rankaae_cli.core.labels import Subject, metric_label
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY

_PREFIX = "val_spearman_"  # of the columns of a descriptor
_EPOCHS_AT_MOST = 250  # of an interactive curve; more are no wider on a screen
_SEVERAL_DECADES = 20.0  # beyond this ratio of values an axis is logarithmic
_FEW_POINTS = 8  # fewer than these are marked, since a curve of one point would be invisible


def recorded_columns(metrics: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns of metrics.csv with values that each figure of learning shows."""
    recorded = [str(c) for c in metrics.columns if metrics[c].notna().any()]
    per_descriptor = [c for c in recorded if c.startswith(_PREFIX)]
    return {
        "training_losses": [c for c in recorded if c.startswith("train_")],
        "validation_curves": [
            c for c in recorded if c == "score" or (c.startswith("val_") and c not in per_descriptor)
        ],
        "descriptor_learning": per_descriptor,
    }


@drawing.styled
def curves(
    subject: Subject, metrics: pd.DataFrame, columns: Sequence[str], selected: int, best_epoch: int, what: str
) -> Figure:
    """Draw measures against the epoch, a panel each, a line a trial.

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
    n_rows = -(-len(columns) // 2)
    figure = drawing.new_figure(0.6 + 1.15 * n_rows, subject, what)
    panels = figure.subplots(n_rows, 2, sharex=True, squeeze=False).ravel()
    for ax, column in zip(panels, columns, strict=False):
        for trial, name, known in _trials(metrics, column, selected):
            look: dict[str, Any] = (
                {"color": BLUE, "zorder": 3} if trial == selected else {"color": LIGHT_GREY, "lw": 0.7}
            )
            ax.plot(known["epoch"], known[column], label=name, **look, **_marker(len(known)))
        if _spans_decades(metrics[column]):
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
        ax.axvline(best_epoch, color=BLACK, lw=0.7, ls=":", label="epoch kept")
        ax.set_ylabel(metric_label(column))
    for ax in panels[len(columns) :]:
        ax.remove()
    for ax in panels[max(len(columns) - 2, 0) : len(columns)]:
        ax.set_xlabel("Epoch")
        ax.tick_params(labelbottom=True)
    figure.align_ylabels()
    drawing.legend_below(figure, list(panels[: len(columns)]))
    return figure


def interactive_curves(
    subject: Subject, metrics: pd.DataFrame, columns: Sequence[str], selected: int, best_epoch: int, what: str
) -> Any:
    """Return the plotly figure of `curves`."""
    layout = plotly.new_layout(subject, what)
    rows = -(-len(columns) // 2)
    panels = plotly.add_panels(
        layout, len(columns), min(2, len(columns)), gap=(0.14, 0.3 / max(rows, 2)), stack=True
    )
    traces: list[dict[str, Any]] = []
    for i, (panel, column) in enumerate(zip(panels, columns, strict=True)):
        shown = set()
        for trial, name, values in _trials(metrics, column, selected):
            front, known = trial == selected, _thinned(values)
            traces.append(
                plotly.line(
                    panel, known["epoch"], known[column], name, BLUE if front else LIGHT_GREY,
                    hover=f"trial {trial}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
                    line_width=1.6 if front else 1, legendgroup=name,
                    showlegend=i == 0 and name not in shown,
                    mode="lines+markers" if len(known) < _FEW_POINTS else "lines",
                )
            )  # fmt: skip
            shown.add(name)
        plotly.set_axis(layout, panel[0], "Epoch" if i >= len(columns) - 2 else "")
        plotly.set_axis(layout, panel[1])
        if _spans_decades(metrics[column]):
            plotly.set_axis(layout, panel[1], type="log", dtick=1)
        plotly.panel_title(layout, panel, metric_label(column).replace("\n", " "))
        _mark_epoch(layout, panel, best_epoch)
    return plotly.figure_of(traces, layout)


@drawing.styled
def descriptor_learning(
    subject: Subject, metrics: pd.DataFrame, columns: Sequence[str], selected: int, best_epoch: int, what: str
) -> Figure:
    """Draw Spearman's correlation of each descriptor on validation against the epoch, of the selected trial.

    Parameters are those of `curves`, the columns ``val_spearman_<descriptor>``.
    """
    figure = drawing.new_figure(2.3, subject, what)
    ax = figure.subplots()
    for name, known in _correlations(metrics, columns, selected):
        ax.plot(known["epoch"], known["rho"], label=name, **_marker(len(known)))
    ax.axvline(best_epoch, color=BLACK, lw=0.7, ls=":", label="epoch kept")
    ax.set(xlabel="Epoch", ylabel="Spearman ρ")
    ax.set_ylim(top=1.0)
    drawing.legend_below(figure, ax, columns=6)
    return figure


def interactive_descriptor_learning(
    subject: Subject, metrics: pd.DataFrame, columns: Sequence[str], selected: int, best_epoch: int, what: str
) -> Any:
    """Return the plotly figure of `descriptor_learning`."""
    layout = plotly.new_layout(subject, what)
    (panel,) = plotly.add_panels(layout, 1)
    traces = []
    for i, (name, values) in enumerate(_correlations(metrics, columns, selected)):
        known = _thinned(values)
        traces.append(
            plotly.line(
                panel, known["epoch"], known["rho"], name, plotly.OKABE_ITO[i % len(plotly.OKABE_ITO)],
                hover=f"{name}, epoch %{{x}}: ρ %{{y:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    plotly.set_axis(layout, panel[0], "Epoch")
    plotly.set_axis(layout, panel[1], "Spearman ρ")
    _mark_epoch(layout, panel, best_epoch, "epoch kept")
    return plotly.figure_of(traces, layout)


def _trials(metrics: pd.DataFrame, column: str, selected: int) -> list[tuple[int, str, pd.DataFrame]]:
    """Return every trial, the selected one last and so in front, its name, and its known values."""
    order = [*sorted(set(metrics["trial"]) - {selected}), selected]
    return [
        (
            trial,
            f"trial {trial}, selected" if trial == selected else "other trials",
            metrics.loc[metrics["trial"] == trial, ["epoch", column]].dropna(),
        )
        for trial in order
    ]


def _correlations(
    metrics: pd.DataFrame, columns: Sequence[str], selected: int
) -> list[tuple[str, pd.DataFrame]]:
    """Return of each descriptor its name and a trial's known ``epoch`` and ``rho``."""
    rows = metrics[metrics["trial"] == selected]
    return [
        (column.removeprefix(_PREFIX), rows[["epoch", column]].set_axis(["epoch", "rho"], axis=1).dropna())
        for column in columns
    ]


def _spans_decades(values: pd.Series) -> bool:
    known = values.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    return len(known) > 0 and known.min() > 0 and known.max() / known.min() > _SEVERAL_DECADES


def _marker(points: int) -> dict[str, Any]:
    return {"marker": "o", "ms": 2} if points < _FEW_POINTS else {}


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
