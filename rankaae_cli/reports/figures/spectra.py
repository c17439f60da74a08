"""Figures of reconstructed spectra: examples, the worst ones, and the error at each energy.

What a figure is about, `subject` and `what` or `n` spectra of a `split`, heads it.
"""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, VERMILION

# Of the title of a panel half a column wide: how many characters fit, and how many of both ends are kept.
_STILL_TITLE, _INTERACTIVE_TITLE = (28, 12, 14), (24, 10, 13)


@drawing.styled
def reconstruction_examples(subject: Subject, spectra: pd.DataFrame, what: str) -> Figure:
    """Draw spectra and their reconstructions, one panel an example.

    Parameters
    ----------
    spectra
        Columns ``example`` (the panel's title), ``mae``, ``energy``, ``given`` and ``reconstructed``; the rows
        of an example stand together.
    """
    examples = list(spectra.groupby("example", sort=False))
    figure = drawing.new_figure(0.6 + 1.15 * len(examples), subject, what)
    panels = figure.subplots(len(examples), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (title, rows_E) in zip(panels, examples, strict=True):
        ax.plot(rows_E["energy"], rows_E["given"], color=BLACK, lw=1.4, label="given")
        ax.plot(rows_E["energy"], rows_E["reconstructed"], color=VERMILION, ls="--", label="reconstructed")
        ax.set_title(f"{title}, MAE {rows_E['mae'].iloc[0]:.3f}", parse_math=False)
    panels[len(panels) // 2].set_ylabel(subject.absorption_label)
    panels[-1].set_xlabel(subject.energy_label)
    drawing.legend_below(figure, panels[0])
    return figure


@drawing.styled
def worst_spectra(subject: Subject, spectra: pd.DataFrame, what: str) -> Figure:
    """Draw the worst reconstructions, two beside one another, the worst first; `spectra` as for the examples."""
    examples = list(spectra.groupby("example", sort=False))
    n_rows = -(-len(examples) // 2)
    figure = drawing.new_figure(0.7 + 1.05 * n_rows, subject, what)
    panels = figure.subplots(n_rows, min(2, len(examples)), sharex=True, sharey=True, squeeze=False).ravel()
    for ax, (title, rows_E) in zip(panels, examples, strict=False):
        ax.plot(rows_E["energy"], rows_E["given"], color=BLACK, lw=1.1, label="given")
        ax.plot(
            rows_E["energy"], rows_E["reconstructed"], color=VERMILION, lw=0.9, ls="--", label="reconstructed"
        )
        shown = shortened(str(title), *_STILL_TITLE)
        ax.set_title(f"{shown}\nMAE {rows_E['mae'].iloc[0]:.3f}", parse_math=False)
    for ax in panels[len(examples) :]:
        ax.remove()
    for ax in panels[max(0, len(examples) - 2) : len(examples)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(subject.energy_label)
    panels[(n_rows - 1) // 2 * min(2, len(examples))].set_ylabel(subject.absorption_label)
    drawing.legend_below(figure, panels[0])
    return figure


def interactive_reconstructions(subject: Subject, spectra: pd.DataFrame, what: str, columns: int = 1) -> Any:
    """Return the plotly figure of either of the above, with so many `columns` of panels on one scale."""
    examples = list(spectra.groupby("example", sort=False))
    rows = -(-len(examples) // columns)
    layout = plotly.new_layout(subject, what)
    panels = plotly.add_panels(
        layout, len(examples), columns, gap=(0.09, (0.3 if columns == 1 else 0.42) / max(rows, 2)), stack=True
    )
    if columns > 1:
        layout["margin"]["t"] += 14  # for the second line of the panels' titles
    traces: list[dict[str, Any]] = []
    for i, (panel, (title, rows_E)) in enumerate(zip(panels, examples, strict=True)):
        for column, colour, dash in (("given", BLACK, "solid"), ("reconstructed", VERMILION, "dash")):
            traces.append(
                plotly.line(
                    panel, rows_E["energy"], rows_E[column], column, colour,
                    hover=f"{column}, %{{x:.2f}} {_unit(subject)}: %{{y:.4g}}<extra></extra>",
                    line_dash=dash, line_width=1.4, legendgroup=column, showlegend=i == 0,
                )
            )  # fmt: skip
        plotly.set_axis(
            layout, panel[0], subject.energy_label if i >= len(examples) - columns else "", nticks=5
        )
        middle = i == (rows - 1) // 2 * columns
        plotly.set_axis(layout, panel[1], subject.absorption_label if middle else "", nticks=5)
        if i:
            plotly.set_axis(layout, panel[0], matches="x")
            plotly.set_axis(layout, panel[1], matches="y")
        short = str(title) if columns == 1 else shortened(str(title), *_INTERACTIVE_TITLE)
        between = ", " if columns == 1 else "\n"
        plotly.panel_title(layout, panel, f"{short}{between}MAE {rows_E['mae'].iloc[0]:.3f}")
    return plotly.figure_of(traces, layout)


@drawing.styled
def reconstruction_error(subject: Subject, errors: pd.DataFrame, n: int, split: str) -> Figure:
    """Draw the reconstruction's error at each energy, below the mean spectrum.

    Parameters
    ----------
    errors
        Contents of reconstruction_error.csv.
    """
    figure = drawing.new_figure(2.9, subject, f"{split} split, {drawing.spectra_text(n)}")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.3))
    energy = errors["energy"]
    top.plot(energy, errors["mean_spectrum"], color=BLACK, label="mean spectrum")
    top.set_ylabel(subject.absorption_label.replace(", ", ",\n").replace(" (", "\n("))
    bottom.fill_between(
        energy,
        errors["error_p05"],
        errors["error_p95"],
        color=BLUE,
        alpha=0.2,
        label="5 % to 95 % of spectra",
    )
    bottom.plot(energy, errors["mean_error"], color=BLUE, label="mean error")
    bottom.plot(energy, errors["mean_absolute_error"], color=VERMILION, label="mean absolute error")
    bottom.axhline(0, color=GREY, lw=0.5, zorder=0)
    bottom.set(xlabel=subject.energy_label, ylabel="Reconstructed\n− given")
    drawing.legend_below(figure, [top, bottom], columns=2)
    return figure


def interactive_reconstruction_error(subject: Subject, errors: pd.DataFrame, n: int, split: str) -> Any:
    """Return the plotly figure of `reconstruction_error`."""
    layout = plotly.new_layout(subject, f"{split} split, {n:,} spectra")
    top, bottom = plotly.add_panels(layout, 2, heights=(1, 1.3), gap=(0, 0.07))
    energy, unit = errors["energy"], _unit(subject)

    def curve(panel: tuple[str, str], column: str, name: str, colour: str) -> dict[str, Any]:
        hover = f"{name}, %{{x:.2f}} {unit}: %{{y:.4g}}<extra></extra>"
        return plotly.line(panel, energy, errors[column], name, colour, hover)

    label = "5–95 % of spectra"
    traces = [
        curve(top, "mean_spectrum", "mean spectrum", BLACK),
        *plotly.band(bottom, energy, errors["error_p05"], errors["error_p95"], label, BLUE + "33"),
        curve(bottom, "mean_error", "mean error", BLUE),
        curve(bottom, "mean_absolute_error", "mean absolute error", VERMILION),
    ]
    plotly.zero_line(layout, bottom)
    plotly.set_axis(layout, top[0], showticklabels=False, matches="x2")
    plotly.set_axis(layout, top[1], subject.absorption_label, nticks=5)
    plotly.set_axis(layout, bottom[0], subject.energy_label)
    plotly.set_axis(layout, bottom[1], "Reconstructed − given")
    return plotly.figure_of(traces, layout)


def _unit(subject: Subject) -> str:
    return "" if subject.energy_unit == "index" else subject.energy_unit
