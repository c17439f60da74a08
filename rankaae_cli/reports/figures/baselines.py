"""The model and its baselines in one picture."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.baseline_table import CANNOT
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, VERMILION, new_figure, styled
from rankaae_cli.reports.tables import print_number

_SPREAD = 0.35  # of a panel, kept free for the numbers beside the points
_LOOKS: dict[str, dict[str, Any]] = {
    "model": {"color": VERMILION, "marker": "D", "ms": 4.0},
    "baseline": {"color": BLUE, "marker": "o", "ms": 4.0},
}


@styled
def baselines_figure(subject: Subject, content: Mapping[str, Any]) -> Figure:
    """Draw how well each method reads descriptors and rebuilds spectra, the model first.

    Parameters
    ----------
    subject
        What the figure is about.
    content
        Of baselines.json.
    """
    rows = content["rows"]
    figure = new_figure(
        0.75 + 0.17 * len(rows), subject, f"{content['split']} split, {content['n']:,} spectra"
    )
    reads, rebuilds = figure.subplots(1, 2, sharey=True)
    _dots(reads, rows, lambda row: _known(row["mean_spearman"]) if row["reads"] else None, 3)
    _dots(rebuilds, rows, lambda row: _known(row["reconstruction"]["mae"]) if row["generates"] else None, 4)
    reads.set_yticks(range(len(rows)), [row["label"] for row in rows])
    for label, row in zip(reads.get_yticklabels(), rows, strict=True):
        label.set_color(VERMILION if row["kind"] == "model" else BLACK)
    reads.set_ylim(len(rows) - 0.4, -0.6)
    reads.set_xlabel("Mean Spearman ρ\n(more is better)")
    rebuilds.set_xlabel("Reconstruction MAE\n(less is better)")
    return figure


def _known(value: float | None) -> float:
    """Return a number of baselines.json, where one that is not known may be null."""
    return float("nan") if value is None else value


def _dots(
    ax: Axes,
    rows: Sequence[Mapping[str, Any]],
    value_of: Callable[[Mapping[str, Any]], float | None],
    digits: int,
) -> None:
    """Draw one point a row with its number beside it, and ``no`` where the method cannot do it."""
    values = [value_of(row) for row in rows]
    known = [value for value in values if value is not None and np.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = (high - low) or abs(high) or 1.0
    left = low - 0.12 * span
    ax.set_xlim(left, high + _SPREAD / (1 - _SPREAD) * 1.12 * span)
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        if value is None or not np.isfinite(value):
            word = CANNOT if value is None else print_number(value)
            ax.annotate(
                word,
                (left, place),
                xytext=(4, 0),
                textcoords="offset points",
                color=GREY,
                va="center_baseline",
            )
            continue
        ax.hlines(place, left, value, color=LIGHT_GREY, lw=0.6, ls=":", zorder=0)
        ax.plot(value, place, ls="none", **_LOOKS[row["kind"]])
        ax.annotate(
            print_number(float(value), digits),
            (value, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=6.5,
        )
    ax.tick_params(axis="y", length=0)
