"""Figures of yes/no classes: accuracy of each, reliability, rejection, learning curve, edges."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.analysis.classes.evaluate import CLASSES, EDGES, LEARNING, REJECTION, RELIABILITY
from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY

_ROW_INCHES = 0.15
Tables = Mapping[str, pd.DataFrame]


@drawing.styled
def accuracies(subject: Subject, tables: Tables) -> Figure:
    """Draw the balanced accuracy of each class: on the split with its interval, and out of fold."""
    table = tables[CLASSES].sort_values("balanced_accuracy_out_of_fold", na_position="first")
    figure = drawing.new_figure(0.9 + _ROW_INCHES * len(table), subject, "balanced accuracy by class")
    ax = figure.subplots()
    place = np.arange(len(table))
    accuracy, low, high = (table[key].astype(float) for key in ("balanced_accuracy", "low", "high"))
    ax.hlines(place, low, high, color=LIGHT_GREY, lw=2)
    ax.plot(accuracy, place, "o", color=BLUE, ms=3, label="this split, with 95 % interval")
    ax.plot(table["balanced_accuracy_out_of_fold"], place, "|", color=BLACK, ms=6, label="out of fold")
    ax.set_yticks(place, table["class"], parse_math=False)
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.axvline(0.5, color=GREY, lw=0.5, ls=":")
    ax.set_xlabel("Balanced accuracy")
    drawing.legend_below(figure, ax)
    return figure


@drawing.styled
def reliability(subject: Subject, tables: Tables) -> Figure:
    """Draw how many molecules of a stated probability are of the class, over all classes, out of fold."""
    table = tables[RELIABILITY]
    figure = drawing.new_figure(2.6, subject, "reliability, out of fold")
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.6, ls=":")
    ax.plot(table["probability"], table["share"], "o-", color=BLUE, ms=3)
    ax.set_xlabel("Stated probability of yes")
    ax.set_ylabel("Share of yes")
    ax.set_aspect("equal")
    return figure


@drawing.styled
def rejection(subject: Subject, tables: Tables) -> Figure:
    """Draw the accuracy of the molecules that are left when the least certain are rejected."""
    table = tables[REJECTION]
    figure = drawing.new_figure(2.2, subject, "rejecting the least certain")
    ax = figure.subplots()
    labels = {"balanced_accuracy": "this split", "out_of_fold": "out of fold"}
    _lines(ax, 100 * table["share_rejected"], table, labels)
    ax.set_xlabel("Rejected (%)")
    ax.set_ylabel("Balanced accuracy")
    drawing.legend_below(figure, ax)
    return figure


@drawing.styled
def learning_curve(subject: Subject, tables: Tables) -> Figure:
    """Draw accuracy against the number of molecules fitted to, out of fold."""
    table = tables[LEARNING]
    figure = drawing.new_figure(2.2, subject, "learning curve, out of fold")
    ax = figure.subplots()
    labels = {"balanced_accuracy": "balanced accuracy", "area_under_curve": "area under the curve"}
    _lines(ax, table["molecules"], table, labels)
    ax.set_xscale("log")
    ticks = table["molecules"].to_numpy()
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.minorticks_off()
    ax.set_xlabel("Molecules")
    drawing.legend_below(figure, ax)
    return figure


@drawing.styled
def edges(subject: Subject, tables: Tables) -> Figure:
    """Draw the balanced accuracy by each edge alone and by all of them."""
    table = tables[EDGES]
    figure = drawing.new_figure(0.9 + 0.3 * len(table), subject, "by each edge alone, and by all")
    ax = figure.subplots()
    place = np.arange(len(table))[::-1]
    ax.hlines(place, table["low"], table["high"], color=LIGHT_GREY, lw=3)
    ax.plot(table["balanced_accuracy"], place, "o", color=BLUE, ms=4)
    ax.set_yticks(place, table["edges"], parse_math=False)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlabel("Balanced accuracy, 95 % interval")
    return figure


def _lines(ax: Axes, x: pd.Series, table: pd.DataFrame, labels: Mapping[str, str]) -> None:
    for (column, label), colour in zip(labels.items(), (BLUE, BLACK), strict=True):
        ax.plot(x, table[column], "o-", color=colour, ms=3, label=label)


# By the name of its file: the table that it shows, what draws it, and what is said below it.
FIGURES: Mapping[str, tuple[str, Callable[[Subject, Tables], Figure], str]] = {
    "classes": (
        CLASSES,
        accuracies,
        "Balanced accuracy of each class on the split with its 95 % interval over molecules, and of the "
        "molecules of training and validation by fits that did not see them. Classes with fewer than ten molecules "
        "of yes or of no on the split have no dot.",
    ),
    "reliability": (
        RELIABILITY,
        reliability,
        "How many molecules are of a class among those of which its probability is stated alike, all classes "
        "together. On the diagonal probabilities are what they say.",
    ),
    "rejection": (
        REJECTION,
        rejection,
        "Balanced accuracy, averaged over the classes, of the molecules that are left when those nearest to the "
        "threshold of a class are rejected.",
    ),
    "learning_curve": (
        LEARNING,
        learning_curve,
        "Scores of fits to parts of the molecules, each molecule read by a fit that did not see it; means over the "
        "classes of which every part has enough molecules.",
    ),
    "edges": (
        EDGES,
        edges,
        "Balanced accuracy by each edge alone and by all together, over all molecules that have all of them, each "
        "read by a fit that did not see it; 95 % intervals over molecules.",
    ),
}


def figures_of(tables: Any) -> list[str]:
    """Return the names of the figures that there are tables for."""
    return [name for name, (table, _, _) in FIGURES.items() if table in tables]
