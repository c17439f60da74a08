"""Figure that holds the network's response against matched spectra of the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, unit_text
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, VERMILION, legend_below, new_figure, styled

_LONGEST_NAME = 8  # in the legend


@dataclass(frozen=True)
class CheckCurves:
    """The curves of one check.

    Attributes
    ----------
    name, unit
        Of the descriptor.
    low_text, high_text
        The bins, such as ``4`` and ``6``.
    columns
        Of ``<descriptor>_check.csv``, shape (E,) each; those drawn are ``data_spectrum_low_bin``,
        ``data_spectrum_high_bin``, ``data_difference``, ``data_low``, ``data_high`` and ``model_same_change``.
    """

    name: str
    unit: str
    low_text: str
    high_text: str
    columns: Mapping[str, np.ndarray]


@styled
def check(
    subject: Subject,
    energy_E: np.ndarray,
    name: str,
    curves: CheckCurves | None,
    content: Mapping[str, Any],
) -> Figure:
    """Draw mean spectra of the matched bins, and below them data's and network's difference.

    The network's is its response to the change of the style between the paired rows, so the two differences
    can be compared in size too. The traversal, from the 5th to the 95th percentile, is of another change; its
    correlation with the data stands in the title, its values in the csv file.

    Parameters
    ----------
    subject, energy_E
        What the figure is about; the grid, shape (E,).
    name
        Of the descriptor.
    curves
        None where the data cannot be compared; the figure then says why.
    content
        The check as in traversal.json.
    """
    figure = new_figure(3.7, subject, f"{name} against data", content["rows_text"])
    if curves is None:
        ax = figure.subplots()
        ax.set_axis_off()
        text = f"not comparable:\n{content['not_comparable_because']}"
        ax.text(0.5, 0.5, text, ha="center", va="center", color=GREY, wrap=True)
        return figure
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.25))
    columns = curves.columns
    _draw_spectra(top, subject, energy_E, curves, content)
    bottom.axhline(0, color=GREY, lw=0.5, zorder=0)
    bottom.plot(energy_E, columns["data_difference"], color=BLACK, label="data, matched pairs")
    bottom.fill_between(
        energy_E,
        columns["data_low"],
        columns["data_high"],
        color=BLACK,
        alpha=0.18,
        label="its 5 % to 95 % (bootstrap)",
    )
    bottom.plot(energy_E, columns["model_same_change"], color=BLUE, label=_plain(f"network, {_change(name)}"))
    bottom.set_title(
        f"Pearson r = {_two(content['pearson_same_change'])} (of the whole traversal: "
        f"{_two(content['pearson'])})"
    )
    bottom.set(xlabel=subject.energy_label, ylabel="Difference\nhigh − low")
    figure.align_ylabels()
    legend_below(figure, [top, bottom], columns=2)
    return figure


def _draw_spectra(
    top: Axes, subject: Subject, energy_E: np.ndarray, curves: CheckCurves, content: Mapping[str, Any]
) -> None:
    columns, unit = curves.columns, unit_text(curves.unit)
    for side, text, colour, line in (
        ("low", curves.low_text, GREY, "--"),
        ("high", curves.high_text, VERMILION, "-"),
    ):
        value = text if text[0] in "≤≥" else f"= {text}"
        shown = curves.name if len(curves.name) <= _LONGEST_NAME else ""  # the heading has it
        label = f"data, {shown} {value}{f' {unit}' if unit else ''}"
        top.plot(energy_E, columns[f"data_spectrum_{side}_bin"], color=colour, ls=line, label=_plain(label))
    matched = content["bins"]["low"]["matched_rows"], content["bins"]["high"]["matched_rows"]
    top.set_title(f"{matched[0]} and {matched[1]} spectra, matched in {_others(content)}", parse_math=False)
    top.set_ylabel(subject.absorption_label.replace(", ", ",\n").replace(" (", "\n("))


def _change(name: str) -> str:
    return f"same change of {name}" if len(name) <= _LONGEST_NAME else "same change"


def _others(content: Mapping[str, Any]) -> str:
    others = content["matched_on"]
    if len(others) > 4:
        return f"{len(others)} other descriptors"
    return ", ".join(others) or "nothing else"


def _two(value: float) -> str:
    """Return a number with two decimals, so that it takes no more room than there is."""
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def _plain(label: str) -> str:
    """Legends read mathematics between dollar signs; a name may hold them."""
    return label.replace("$", r"\$")
