"""Interactive figures of the spectrum's response to the styles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.core.labels import Subject, described_range, quantity, style_title
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, VERMILION
from rankaae_cli.reports.figures.plotly import (
    WALK_COLOURS,
    add_panels,
    band,
    escaped,
    figure_of,
    line,
    new_layout,
    panel_title,
    set_axis,
    walk_colours,
    zero_line,
)
from rankaae_cli.reports.tables import print_number

_STYLES_IN_A_ROW = 5
_INNER, _OUTER = "#0072B261", "#0072B221"
_DIFFERENCE = "Difference\nlast − first"


def walk(
    subject: Subject,
    columns: pd.DataFrame,
    name: str,
    style: Mapping[str, Any],
    trial: int,
    others: str,
    classes: Sequence[float] = (),
) -> Any:
    """Return the spectra along one style, and below them the difference between its ends.

    Parameters
    ----------
    subject, others
        What the figure is about; where the other styles come from.
    columns
        Contents of ``traversal/<name>.csv``.
    name, style
        The style, and what traversal.json says of it.
    trial
        The selected trial.
    classes
        The values the descriptor takes, where it takes few.
    """
    title = style_title(name)
    layout = new_layout(subject, f"along {title}, {others}")
    top, bottom = add_panels(layout, 2, heights=(1.5, 1), gap=(0, 0.11))
    values = style["descriptor"] if _known(style["descriptor"]) else None
    traces = _spectra(subject, columns, top, name, values, style["unit"])
    traces += _difference(subject, columns, bottom, style, trial, legend=True)
    traces.append(_colour_bar(top, name, style, values, classes))
    ends = described_range(style)
    panel_title(layout, top, f"{title} from {ends}" if ends != "–" else title)
    pearson = style["pearson_true_response"]
    if pearson is not None and np.isfinite(pearson):
        panel_title(layout, bottom, f"Pearson r = {pearson:.2f} with the true response")
    zero_line(layout, bottom)
    _axes(layout, subject, top, bottom)
    return figure_of(traces, layout)


def overview(
    subject: Subject,
    walks: Mapping[str, pd.DataFrame],
    styles: Mapping[str, Mapping[str, Any]],
    trial: int,
    what: str,
) -> Any:
    """Return several styles side by side, spectra above differences, each on one scale.

    Parameters
    ----------
    subject, what
        What the figure is about.
    walks, styles
        Contents of the csv of each style shown, and what traversal.json says of it.
    trial
        The selected trial.
    """
    groups = -(-len(walks) // _STYLES_IN_A_ROW)
    columns = -(-len(walks) // groups)
    layout = new_layout(subject, what, wide=True)
    places = add_panels(
        layout, 2 * groups * columns, columns, heights=[1.25, 1] * groups, gap=(0.025, 0.19 / (2 * groups))
    )
    traces: list[dict[str, Any]] = []
    for i, (name, table) in enumerate(walks.items()):
        row, column = divmod(i, columns)
        top, bottom = places[2 * row * columns + column], places[(2 * row + 1) * columns + column]
        style = styles[name]
        values = style["descriptor"] if _known(style["descriptor"]) else None
        traces += _spectra(subject, table, top, name, values, style["unit"], every=2)
        traces += _difference(subject, table, bottom, style, trial, legend=i == 0)
        ends = described_range(style)
        panel_title(layout, top, f"{style_title(name)}{f': {ends}' if ends != '–' else ''}")
        pearson = style["pearson_true_response"]
        if pearson is not None and np.isfinite(pearson):
            panel_title(layout, bottom, f"Pearson r = {pearson:.2f}")
        zero_line(layout, bottom)
        for panel, first, label in (
            (top, places[0], subject.absorption_label),
            (bottom, places[columns], _DIFFERENCE),
        ):
            shown = column == 0
            set_axis(layout, panel[1], label if shown else "", showticklabels=shown, nticks=6)
            if panel != first:
                set_axis(layout, panel[1], matches=first[1])
        set_axis(layout, top[0], showticklabels=False, nticks=4)
        set_axis(layout, bottom[0], subject.energy_label, nticks=4)
        for panel in (top, bottom):
            if panel != places[0]:
                set_axis(layout, panel[0], matches="x")
    used = {(trace["xaxis"], trace["yaxis"]) for trace in traces}
    for panel in places:
        if panel not in used:
            for axis in panel:
                set_axis(layout, axis, visible=False)
    return figure_of(traces, layout)


def stability(
    subject: Subject,
    walks: Mapping[str, pd.DataFrame],
    styles: Mapping[str, Mapping[str, Any]],
    others: str,
) -> Any:
    """Return every trial's difference, a panel a style, each on its own scale; arguments as of `overview`."""
    n = max(len(_trials(table)) for table in walks.values())
    layout = new_layout(subject, f"responses of {n} {'trials' if n != 1 else 'trial'}, {others}")
    columns = min(3, len(walks))
    rows = -(-len(walks) // columns)
    panels = add_panels(layout, len(walks), columns, gap=(0.09, 0.26 / max(rows, 2)), stack=True)
    traces: list[dict[str, Any]] = []
    for i, (panel, (name, table)) in enumerate(zip(panels, walks.items(), strict=True)):
        trials = _trials(table)
        for j, trial in enumerate(trials):
            traces.append(
                line(
                    panel, table["energy"], table[f"difference_trial_{trial}"], "one trial", BLUE + "99",
                    hover=f"trial {trial}, {_at(subject)}: %{{y:.4g}}<extra></extra>",
                    line_width=1, legendgroup="one", showlegend=i == j == 0,
                )
            )  # fmt: skip
        spread = ""
        if len(trials) > 1:
            mean = table[[f"difference_trial_{t}" for t in trials]].mean(axis=1)
            traces.append(
                line(
                    panel, table["energy"], mean, "mean", BLACK,
                    hover=f"mean, {_at(subject)}: %{{y:.4g}}<extra></extra>",
                    line_dash="dash", legendgroup="mean", showlegend=i == 0,
                )
            )  # fmt: skip
            spread = f", spread {print_number(100 * styles[name]['stability']['relative_spread'], 0)} %"
        panel_title(layout, panel, f"{name}{spread}")
        zero_line(layout, panel)
        set_axis(layout, panel[0], subject.energy_label if i >= len(walks) - columns else "", nticks=5)
        set_axis(layout, panel[1], _DIFFERENCE if i % columns == 0 else "", nticks=5)
        if i:
            set_axis(layout, panel[0], matches="x")
    return figure_of(traces, layout)


def sensitivity(
    subject: Subject, columns: pd.DataFrame, name: str, content: Mapping[str, Any], others: str
) -> Any | None:
    """Return d(mu)/d(descriptor) against energy, below the mean spectrum; None where it is not known.

    Parameters
    ----------
    subject, others
        As of `walk`.
    columns, name, content
        Contents of ``traversal/<name>_sensitivity.csv``, the descriptor, and its ``sensitivity`` in
        traversal.json.
    """
    if content["unknown_because"]:
        return None
    layout = new_layout(subject, f"sensitivity to {name}, {others}")
    top, bottom = add_panels(layout, 2, heights=(1, 1.5), gap=(0, 0.11))
    several = content["n_trials"] > 1
    label = "95 % confidence" if several else "5–95 % of draws"
    of = f"mean of {content['n_trials']} trials" if several else "one trial"
    significant = columns["significant"].to_numpy(dtype=float) > 0
    word = "significant" if several else "of one sign"
    marked = np.where(significant, columns["sensitivity"], np.nan)
    energy, unit = columns["energy"], escaped(content["unit"])
    traces = [
        line(
            top, energy, columns["mean_spectrum"], "mean spectrum", BLACK,
            f"mean spectrum, {_at(subject)}: %{{y:.4g}}<extra></extra>",
        ),
        *band(bottom, energy, columns["low"], columns["high"], label, "#0072B240"),
        line(
            bottom, energy, columns["sensitivity"], of, BLUE,
            f"{_at(subject)}: %{{y:.4g}} {unit}<extra></extra>",
        ),
        line(
            bottom, energy, marked, word, "#E69F00", line_width=3, connectgaps=False,
            mode="lines", hoverinfo="skip", hovertemplate=None,
        ),
    ]  # fmt: skip
    test = f", t test over {content['n_trials']} trials" if several else ""
    if not significant.any():
        traces.pop()
    panel_title(layout, bottom, f"{'orange' if significant.any() else 'nowhere'}: {word}{test}")
    zero_line(layout, bottom)
    _axes(layout, subject, top, bottom)
    set_axis(layout, bottom[1], f"dμ/d{name}\n({content['unit']})", nticks=6)
    return figure_of(traces, layout)


def check(subject: Subject, columns: pd.DataFrame, name: str, content: Mapping[str, Any]) -> Any | None:
    """Return mean spectra of the matched bins, and below them data's and network's difference.

    Parameters
    ----------
    subject
        What the figure is about.
    columns, name, content
        Contents of ``traversal/<name>_check.csv``, the descriptor, and its ``check`` in traversal.json. None
        is returned where the data cannot be compared.
    """
    if content["not_comparable_because"]:
        return None
    layout = new_layout(subject, f"{name} against data", content["rows_text"])
    top, bottom = add_panels(layout, 2, heights=(1, 1.25), gap=(0, 0.12))
    energy = columns["energy"]

    def curve(panel: tuple[str, str], column: str, label: str, colour: str, **more: Any) -> dict[str, Any]:
        hover = f"{escaped(label)}<br>{_at(subject)}: %{{y:.4g}}<extra></extra>"
        return line(panel, energy, columns[column], label, colour, hover, **more)

    traces = []
    for side, colour in (("low", GREY), ("high", VERMILION)):
        value = str(content["bins"][side]["range"])
        label = f"data, {name} {value if value[0] in '≤≥' else f'= {value}'}"
        traces.append(curve(top, f"data_spectrum_{side}_bin", label, colour))
    for side, colour in (("low", GREY), ("high", VERMILION)):
        more = {"line_dash": "dash", "line_width": 1.2, "showlegend": False}
        traces.append(
            curve(top, f"model_spectrum_{side}_bin", f"network, same change, {side} bin", colour, **more)
        )
    traces += band(bottom, energy, columns["data_low"], columns["data_high"], "data’s 5–95 %", "#1A1A1A2E")
    traces += [
        curve(bottom, "data_difference", "data, matched pairs", BLACK),
        curve(bottom, "model_same_change", f"network, same change of {name}", BLUE),
        # Of use, but only one by one: shown when their entries are clicked.
        curve(bottom, "data_unmatched", "data, unmatched", BLACK, line_dash="dot", visible="legendonly"),
        curve(bottom, "traversal", "whole traversal", BLUE, line_dash="dash", visible="legendonly"),
    ]
    numbers = (content["bins"][side]["matched_rows"] for side in ("low", "high"))
    low, high = numbers
    panel_title(layout, top, f"{low} and {high} matched spectra")
    panel_title(
        layout, bottom,
        f"Pearson r = {print_number(content['pearson_same_change'], 2)} "
        f"(of the whole traversal: {print_number(content['pearson'], 2)})",
    )  # fmt: skip
    zero_line(layout, bottom)
    _axes(layout, subject, top, bottom)
    set_axis(layout, bottom[1], "Difference\nhigh − low")
    return figure_of(traces, layout)


def _spectra(
    subject: Subject,
    columns: pd.DataFrame,
    panel: tuple[str, str],
    name: str,
    values: Sequence[float] | None,
    unit: str | None,
    every: int = 1,
) -> list[dict[str, Any]]:
    """Return a trace a level of the walk, from one end's colour to the other's."""
    levels = [str(c) for c in columns.columns if str(c)[:1] == "p" and str(c)[1:].replace(".", "").isdigit()]
    traces = []
    shown = list(enumerate(levels))[::every]
    for colour, (i, level) in zip(walk_colours(len(shown)), shown, strict=True):
        where = f"{style_title(name)} at percentile {float(level[1:]):g}"
        if values is not None:
            where += f", {name} ≈ {quantity(print_number(float(values[i]), 2), unit or '')}"
        hover = f"{escaped(where)}<br>{_at(subject)}: %{{y:.4g}}<extra></extra>"
        traces.append(
            line(
                panel,
                columns["energy"],
                columns[level],
                where,
                colour,
                hover,
                line_width=1.2,
                showlegend=False,
            )
        )
    return traces


def _difference(
    subject: Subject,
    columns: pd.DataFrame,
    panel: tuple[str, str],
    style: Mapping[str, Any],
    trial: int,
    legend: bool,
) -> list[dict[str, Any]]:
    energy, several = columns["energy"], style["n_trials"] > 1
    draws = "5–95 % of draws"
    traces = band(
        panel, energy, columns["draws_low"], columns["draws_high"], draws,
        _OUTER if several else _INNER, showlegend=legend,
    )  # fmt: skip
    if several:
        label = f"range, {style['n_trials']} trials"
        traces += band(
            panel, energy, columns["trials_low"], columns["trials_high"], label, _INNER, showlegend=legend
        )
    of = f"mean of {style['n_trials']} trials" if several else f"trial {trial}"
    traces.append(
        line(
            panel, energy, columns["difference"], of, BLUE,
            f"difference, {of}, {_at(subject)}: %{{y:.4g}}<extra></extra>", legendgroup="d", showlegend=legend,
        )
    )  # fmt: skip
    truth = columns.get("true_response_synthetic")
    if truth is not None and np.isfinite(truth).all():
        traces.append(
            line(
                panel, energy, truth, "truth (synthetic)", VERMILION,
                f"true response, {_at(subject)}: %{{y:.4g}}<extra></extra>",
                line_dash="dash", legendgroup="t", showlegend=legend,
            )
        )  # fmt: skip
    return traces


def _colour_bar(
    panel: tuple[str, str],
    name: str,
    style: Mapping[str, Any],
    values: Sequence[float] | None,
    classes: Sequence[float],
) -> dict[str, Any]:
    """Return a trace without points that carries the colour bar of a walk, marked by the descriptor's values."""
    percentiles = np.asarray(style["percentile"], dtype=float)
    axis = StyleAxis(
        name, style["unit"] or "", percentiles, None if values is None else np.asarray(values), tuple(classes)
    )
    places, texts = axis.ticks()
    return {
        "type": "scatter", "mode": "markers", "x": [None], "y": [None], "xaxis": panel[0], "yaxis": panel[1],
        "showlegend": False, "hoverinfo": "skip",
        "marker": {
            "color": [percentiles[0]], "cmin": percentiles[0], "cmax": percentiles[-1],
            "colorscale": [[i / (len(WALK_COLOURS) - 1), c] for i, c in enumerate(WALK_COLOURS)],
            "showscale": True,
            "colorbar": {
                "thickness": 9, "len": 0.58, "y": 1, "yanchor": "top", "x": 1.01, "outlinewidth": 0,
                "tickvals": places, "ticktext": texts, "tickfont": {"size": 10},
                "title": {"text": escaped(name if values is not None else "pct."), "font": {"size": 10}},
            },
        },
    }  # fmt: skip


def _axes(layout: dict[str, Any], subject: Subject, top: tuple[str, str], bottom: tuple[str, str]) -> None:
    set_axis(layout, top[0], showticklabels=False, matches=bottom[0])
    set_axis(layout, top[1], subject.absorption_label, nticks=6)
    set_axis(layout, bottom[0], subject.energy_label, nticks=6)
    set_axis(layout, bottom[1], _DIFFERENCE, nticks=6)


def _at(subject: Subject) -> str:
    return "index %{x}" if subject.energy_unit == "index" else f"%{{x:.2f}} {subject.energy_unit}"


def _trials(columns: pd.DataFrame) -> list[int]:
    prefix = "difference_trial_"
    return [int(str(c).removeprefix(prefix)) for c in columns.columns if str(c).startswith(prefix)]


def _known(values: Sequence[float | None] | None) -> bool:
    return values is not None and all(value is not None and np.isfinite(value) for value in values)
