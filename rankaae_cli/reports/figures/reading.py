"""Figures of what readings rest on: regions of the spectrum, mixtures, and how many materials were trained on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, number_word, print_number, with_unit
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION

_RISE = (0.1, 0.9)  # of the largest of the mean spectrum: between these is its edge
_RESPONSE = ("response", "response_low", "response_high")
_HEAD_INCHES, _PANEL_INCHES, _REST_INCHES = 0.62, 0.92, 0.75


@drawing.styled
def importance(subject: Subject, table: pd.DataFrame, units: Mapping[str, str], about: str) -> Figure:
    """Draw a row of panels a descriptor: by how much permuting a window harms, and what more absorption does.

    Parameters
    ----------
    subject, about
        What heads the figure.
    table
        Contents of importance.csv.
    units
        Of the descriptors, by name.
    """
    groups = list(table.groupby("descriptor", sort=False))
    height = _REST_INCHES + _HEAD_INCHES + _PANEL_INCHES * len(groups)
    figure = drawing.new_figure(height, subject, about)
    ratios = [_HEAD_INCHES, *[_PANEL_INCHES] * len(groups)]
    axes = figure.subplots(len(groups) + 1, 2, sharex=True, height_ratios=ratios, squeeze=False)
    rise = _rise(groups[0][1])
    titles = "Importance: fall of ρ", f"Response, 10⁻³ / (% {subject.energy_unit})"
    for ax, title in zip(axes[0], titles, strict=True):
        ax.plot(groups[0][1]["energy"], groups[0][1]["mean_spectrum"], color=BLACK, label="mean spectrum")
        ax.set_title(title)
    axes[0, 0].set_ylabel("Absorption")
    for (left, right), (name, rows) in zip(axes[1:], groups, strict=True):
        spread = np.hypot(rows["importance_repeats"], rows["importance_members"])
        known = rows.assign(low=rows["importance"] - spread, high=rows["importance"] + spread)
        _curve(left, known, "importance", "low", "high", "± 1 std. dev.", BLUE)
        per_mille = rows.assign(**{column: 1000 * rows[column] for column in _RESPONSE})
        _curve(right, per_mille, *_RESPONSE, "two thirds of the spectra", VERMILION)
        left.set_ylabel(str(name), parse_math=False)
        right.set_ylabel(with_unit(f"Δ{name}", units[str(name)]), parse_math=False)
    for ax in axes.ravel():
        ax.axvspan(*rise, color=LIGHT_GREY, alpha=0.35, lw=0, zorder=0, label="edge of the mean spectrum")
    for ax in axes[-1]:
        ax.set_xlabel(subject.energy_label)
    drawing.legend_below(figure, [axes[0, 0], *axes[1]], columns=2)
    return figure


@drawing.styled
def mixtures(
    subject: Subject, table: pd.DataFrame, content: Mapping[str, Any], unit: str, about: str
) -> Figure:
    """Draw what is read of mixtures against their true mean, beside what a linear combination gives.

    Parameters
    ----------
    subject, about
        What heads the figure.
    table, content
        Contents of mixtures.csv, and ``mixtures`` of metrics.json.
    unit
        Of the descriptor.
    """
    name, rows = str(content["of"]), content["rows"]
    figure = drawing.new_figure(0.65 + 1.55 * len(rows), subject, about)
    axes = figure.subplots(len(rows), 2, sharex=True, sharey=True, squeeze=False)
    ends = [table["true"].min(), table["true"].max()]
    for (left, right), row in zip(axes, rows, strict=True):
        shown = table[table["components"] == row["components"]]
        left.vlines(
            shown["true"], shown["low"], shown["high"], color=ORANGE, lw=0.4, alpha=0.4, label="90 % interval"
        )
        parts = "two" if row["components"] == 2 else f"two to {number_word(row['components'])}"
        panels = (
            (left, "read", f"Reader, {parts} parts"),
            (right, "linear_combination", "Linear combination"),
        )
        for ax, column, title in panels:
            score = row["reader" if column == "read" else column]
            ax.plot(shown["true"], shown[column], "o", ms=1.8, mew=0, color=BLUE, alpha=0.6, label="mixture")
            ax.plot(ends, ends, color=BLACK, lw=0.8, ls="--", label="read = true")
            ax.set_title(title)
            if score is not None:
                numbers = f"RMSE {print_number(score['rmse'], 2)}\nR² {print_number(score['r2'], 2)}"
                ax.text(0.97, 0.04, numbers, transform=ax.transAxes, ha="right", va="bottom")
        left.set_ylabel(with_unit(f"Mean {name}, read", unit), parse_math=False)
    for ax in axes[-1]:
        ax.set_xlabel(with_unit(f"Mean {name}, true", unit), parse_math=False)
    drawing.legend_below(figure, axes[0, 0])
    return figure


@drawing.styled
def learning_curve(subject: Subject, table: pd.DataFrame, about: str) -> Figure:
    """Draw how well descriptors are read against how many materials were trained on.

    Parameters
    ----------
    subject, about
        What heads the figure.
    table
        Contents of learning_curve.csv.
    """
    figure = drawing.new_figure(2.3, subject, about)
    ax = figure.subplots()
    looks = {"validation": (BLUE, "o"), "test": (VERMILION, "s")}
    for split, rows in table.groupby("split", sort=False):
        colour, mark = looks[str(split)]
        ax.fill_between(
            rows["materials"],
            rows["low"],
            rows["high"],
            color=colour,
            alpha=0.18,
            lw=0,
            label="95 % interval",
        )
        label = f"{split} split"
        ax.plot(rows["materials"], rows["mean_spearman"], color=colour, marker=mark, ms=3, label=label)
    counts = table["materials"].unique().tolist()
    ax.set_xscale("log", base=2)
    ax.set_xticks(counts, [f"{count:,}" for count in counts])
    ax.minorticks_off()
    ax.set(xlabel="Materials trained on", ylabel="Mean Spearman ρ")
    drawing.legend_below(figure, ax)
    return figure


def _curve(ax: Axes, rows: pd.DataFrame, column: str, low: str, high: str, band: str, colour: str) -> None:
    ax.axhline(0, color=GREY, lw=0.5)
    ax.fill_between(rows["energy"], rows[low], rows[high], color=colour, alpha=0.25, lw=0, label=band)
    ax.plot(rows["energy"], rows[column], color=colour, label=column)


def _rise(rows: pd.DataFrame) -> tuple[float, float]:
    """Return between which energies the mean spectrum first rises, as shares of its largest value."""
    energy, spectrum = rows["energy"].to_numpy(), rows["mean_spectrum"].to_numpy()
    fine = np.linspace(energy[0], energy[-1], 20 * len(energy))
    above = np.interp(fine, energy, spectrum) / spectrum.max()
    low, high = (float(fine[(above >= share).argmax()]) for share in _RISE)
    return low, high
