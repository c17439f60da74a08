"""Figure of classes as they are read."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, with_unit
from rankaae_cli.reports.figures.drawing import GREY, new_figure, styled
from rankaae_cli.reports.figures.heat import draw_cells
from rankaae_cli.reports.tables import print_number


@styled
def confusion(
    subject: Subject, scores: Mapping[str, Mapping[str, Any]], units: Mapping[str, str], what: str
) -> Figure:
    """Draw the confusion matrix of every descriptor that has classes.

    Parameters
    ----------
    subject, what
        What the figure is about.
    scores
        Of each descriptor with classes, as in metrics.json.
    units
        Of the descriptors.
    """
    n_rows = -(-len(scores) // 2)
    figure = new_figure(0.45 + 1.75 * n_rows, subject, what)
    panels = figure.subplots(n_rows, 2 if len(scores) > 1 else 1, squeeze=False).ravel()
    for ax, (name, score) in zip(panels, scores.items(), strict=False):
        if score["confusion"] is None or not np.sum(score["confusion"]):
            ax.set_axis_off()
            ax.text(0.5, 0.5, f"{name}: not known", ha="center", va="center", color=GREY, parse_math=False)
            continue
        counts = np.array(score["confusion"], dtype=float)
        total = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
        text = [
            [f"{int(n)}\n{100 * s:.0f} %" if np.isfinite(s) else "0" for n, s in zip(*pair, strict=True)]
            for pair in zip(counts, share, strict=True)
        ]
        draw_cells(ax, share, text, mpl.colormaps["Blues"], Normalize(0, 1))
        ticks = [f"{c:g}" for c in score["classes"]]
        ax.set_xticklabels(ticks)
        ax.set_yticklabels(ticks)
        ax.set_xlabel(with_unit(f"{name}, read", units.get(name, "")), parse_math=False)
        ax.set_ylabel(with_unit(f"{name}, true", units.get(name, "")), parse_math=False)
        f1, balanced = (print_number(score[key], 2) for key in ("f1", "balanced_accuracy"))
        ax.set_title(f"macro-F1 {f1},\nbalanced acc. {balanced}")
    for ax in panels[len(scores) :]:
        ax.remove()
    return figure
