"""Figures of what readings rest on: regions of the spectrum, mixtures, and how many materials were trained on."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, with_unit
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, VERMILION

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
