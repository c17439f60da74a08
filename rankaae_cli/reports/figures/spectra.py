"""Interactive figures of spectra rebuilt: examples and the error at each energy."""

from typing import Any

import pandas as pd

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, VERMILION
from rankaae_cli.reports.figures.plotly import (
    add_panels,
    band,
    figure_of,
    line,
    new_layout,
    panel_title,
    set_axis,
    zero_line,
)

_TITLE_CHARACTERS = 24  # of a panel half a card wide


def reconstructions(subject: Subject, spectra: pd.DataFrame, what: str, columns: int = 1) -> Any:
    """Return spectra and what the network makes of them, a panel each, on one scale.

    Parameters
    ----------
    subject, what
        What the figure is about.
    spectra
        Columns ``example`` (the panel's title), ``material``, ``site``, ``mae``, ``energy``, ``given`` and
        ``reconstructed``; the rows of an example stand together.
    columns
        Panels side by side.
    """
    examples = list(spectra.groupby("example", sort=False))
    rows = -(-len(examples) // columns)
    layout = new_layout(subject, what)
    panels = add_panels(
        layout, len(examples), columns, gap=(0.09, (0.3 if columns == 1 else 0.42) / max(rows, 2)), stack=True
    )
    if columns > 1:
        layout["margin"]["t"] += 14  # for the second line of the panels' titles
    traces: list[dict[str, Any]] = []
    for i, (panel, (title, rows_E)) in enumerate(zip(panels, examples, strict=True)):
        for column, colour, dash in (("given", BLACK, "solid"), ("reconstructed", VERMILION, "dash")):
            traces.append(
                line(
                    panel, rows_E["energy"], rows_E[column], column, colour,
                    hover=f"{column}, %{{x:.2f}} {_unit(subject)}: %{{y:.4g}}<extra></extra>",
                    line_dash=dash, line_width=1.4, legendgroup=column, showlegend=i == 0,
                )
            )  # fmt: skip
        set_axis(layout, panel[0], subject.energy_label if i >= len(examples) - columns else "", nticks=5)
        middle = i == (rows - 1) // 2 * columns
        set_axis(layout, panel[1], subject.absorption_label if middle else "", nticks=5)
        if i:
            set_axis(layout, panel[0], matches="x")
            set_axis(layout, panel[1], matches="y")
        short = str(title) if columns == 1 else _shortened(str(title))
        between = ", " if columns == 1 else "\n"
        panel_title(layout, panel, f"{short}{between}MAE {rows_E['mae'].iloc[0]:.3f}")
    return figure_of(traces, layout)


def reconstruction_error(subject: Subject, errors: pd.DataFrame, what: str) -> Any:
    """Return the reconstruction's error at each energy, below the mean spectrum.

    Parameters
    ----------
    subject, what
        What the figure is about.
    errors
        Contents of reconstruction_error.csv.
    """
    layout = new_layout(subject, what)
    top, bottom = add_panels(layout, 2, heights=(1, 1.3), gap=(0, 0.07))
    energy, unit = errors["energy"], _unit(subject)

    def curve(panel: tuple[str, str], column: str, name: str, colour: str) -> dict[str, Any]:
        hover = f"{name}, %{{x:.2f}} {unit}: %{{y:.4g}}<extra></extra>"
        return line(panel, energy, errors[column], name, colour, hover)

    label = "5–95 % of spectra"
    traces = [
        curve(top, "mean_spectrum", "mean spectrum", BLACK),
        *band(bottom, energy, errors["error_p05"], errors["error_p95"], label, "#0072B233"),
        curve(bottom, "mean_error", "mean error", BLUE),
        curve(bottom, "mean_absolute_error", "mean absolute error", VERMILION),
    ]
    zero_line(layout, bottom)
    set_axis(layout, top[0], showticklabels=False, matches="x2")
    set_axis(layout, top[1], subject.absorption_label, nticks=5)
    set_axis(layout, bottom[0], subject.energy_label)
    set_axis(layout, bottom[1], "Reconstructed − given")
    return figure_of(traces, layout)


def _unit(subject: Subject) -> str:
    return "" if subject.energy_unit == "index" else subject.energy_unit


def _shortened(title: str) -> str:
    return title if len(title) <= _TITLE_CHARACTERS else f"{title[:10]}…{title[-13:]}"
