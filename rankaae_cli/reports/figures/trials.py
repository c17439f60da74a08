"""Figures of the choice among trials."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import ORANGE, VERMILION
from rankaae_cli.reports.tables import print_number

_TRIALS_AT_MOST = 10
_LIMIT = 2.0  # standard deviations at which colours end
_BLUES = [[0, "#F7FBFF"], [0.25, "#C6DBEF"], [0.5, "#6BAED6"], [0.75, "#2171B5"], [1, "#08306B"]]
_SCORES = {"Score": "score", "Published score": "published_score"}
_DECIMALS = {"Published score": 1, "Reconstr. MAE (10⁻³)": 1, "Score": 3}  # of the others two


@drawing.styled
def trial_choice(subject: Subject, choice: Mapping[str, Any]) -> Figure:
    """Draw every trial's measures on validation, the best of ours first; darker is better.

    Parameters
    ----------
    subject
        What the figure is about.
    choice
        ``choice`` of metrics.json.
    """
    alive, labels, value_MT, better_MT = _by_score(choice)
    keep = [
        i
        for i, trial in enumerate(alive)
        if i < _TRIALS_AT_MOST or trial["trial"] in (choice["trial"], choice.get("published_choice"))
    ]
    shown = f"best {len(keep)} of {len(alive)} trials" if len(keep) < len(alive) else ""
    rows = len(labels)
    tied = "published score undecided" if choice.get("published_choice", "") is None else ""
    figure = drawing.new_figure(0.95 + 0.17 * rows, subject, *filter(None, ["validation split", shown, tied]))
    ax = figure.subplots()
    text = _cells(labels, value_MT[:, keep])
    norm, colours = Normalize(-_LIMIT, _LIMIT), mpl.colormaps["Blues"]
    drawing.draw_cells(ax, better_MT[:, keep], text, colours, norm)
    ax.set_yticklabels(labels, parse_math=False)
    ax.set_xticklabels([str(alive[i]["trial"]) for i in keep])
    ax.set_xlabel("Trial, best score first")
    scores = sum(label in _SCORES for label in labels)
    ax.axhline(scores - 0.5, color="white", lw=2, zorder=1)
    chosen = ((choice["trial"], VERMILION, "chosen"),
              (choice.get("published_choice"), ORANGE, "the published score's choice"))[:scores]  # fmt: skip
    for position, i in enumerate(keep):
        for row, (trial, colour, label) in enumerate(chosen):
            if alive[i]["trial"] == trial:
                corner = (position - 0.5, row - 0.5)
                ax.add_patch(Rectangle(corner, 1, 1, fill=False, ec=colour, lw=1.6, label=label, zorder=3))
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=ax, aspect=30, pad=0.02)
    bar.set_label("Better, std. dev. over trials")
    drawing.legend_below(figure, ax)
    return figure


def interactive_trial_choice(subject: Subject, choice: Mapping[str, Any]) -> Any:
    """Return a plotly figure of every trial; None where `trial_choice` has room for all of them."""
    alive, labels, value_MT, better_MT = _by_score(choice)
    if len(alive) <= _TRIALS_AT_MOST:
        return None
    names = [str(trial["trial"]) for trial in alive]
    layout = plotly.new_layout(subject, "validation split", legend=False)
    (panel,) = plotly.add_panels(layout, 1)
    chosen = {0: (str(choice["trial"]), VERMILION)}
    framed = "framed: what our score would choose; the published one is undecided"
    if "published_choice" not in choice:
        framed = "framed: what the score chooses"
    elif choice["published_choice"] is not None:
        chosen[1] = (str(choice["published_choice"]), ORANGE)
        framed = "framed: what each score would choose"
    hover = []
    for row, (label, value_T) in enumerate(zip(labels, value_MT, strict=True)):
        said = [
            f"{plotly.escaped(label)}, trial {n}: {print_number(float(v))}"
            for n, v in zip(names, value_T, strict=True)
        ]
        name, colour = chosen.get(row, ("", ""))
        if name in names:
            column = names.index(name)
            said[column] += ", chosen by this score"
            layout.setdefault("shapes", []).append({
                "type": "rect", "xref": panel[0], "yref": panel[1], "x0": column - 0.5, "x1": column + 0.5,
                "y0": row - 0.5, "y1": row + 0.5, "line": {"color": colour, "width": 2.5},
            })  # fmt: skip
        hover.append(said)
    trace = {
        "type": "heatmap", "z": np.clip(better_MT, -_LIMIT, _LIMIT), "x": names,
        "y": [label.replace("_", " ") for label in labels], "xaxis": panel[0], "yaxis": panel[1],
        "colorscale": _BLUES, "zmin": -_LIMIT, "zmax": _LIMIT, "xgap": 1, "ygap": 1,
        "text": _cells(labels, value_MT), "texttemplate": "%{text}", "textfont": {"size": 10},
        "customdata": hover, "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "colorbar": {"title": {"text": "better,<br>std. dev.", "font": {"size": 10}}, "thickness": 9,
                     "outlinewidth": 0, "tickfont": {"size": 10}, "len": 0.9},
    }  # fmt: skip
    plotly.panel_title(layout, panel, framed)
    for axis, title in zip(panel, ("Trial, best score first", ""), strict=True):
        plotly.set_axis(
            layout, axis, title, type="category", tickmode="linear", dtick=1, ticks="", showgrid=False
        )
    plotly.set_axis(layout, panel[0], tickangle=0)
    plotly.set_axis(layout, panel[1], autorange="reversed")
    return plotly.figure_of([trace], layout)


def _by_score(
    choice: Mapping[str, Any],
) -> tuple[list[Mapping[str, Any]], list[str], np.ndarray, np.ndarray]:
    """Return the trials that did not diverge, the best score first, and their measures.

    The latter are the labels of the M measures, their values, and how many standard deviations over trials each
    is better, shapes (M, trials).
    """
    alive = [trial for trial in choice["trials"] if trial["mean_spearman"] is not None]
    alive.sort(key=lambda trial: trial["rank"] if trial["rank"] is not None else np.inf)
    labels, sign_M, value_MT = _measures(alive)
    return alive, labels, value_MT, sign_M[:, None] * _z(value_MT)


def _measures(trials: list[Mapping[str, Any]]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return labels of M measures, whether more (1) or less (-1) is better, and values, shape (M, trials)."""
    rows: list[tuple[str, int, list[Any]]] = [
        (label, 1, [trial[key] for trial in trials])
        for label, key in _SCORES.items()
        if trials and key in trials[0]
    ]
    for name in trials[0]["descriptors"] if trials else ():
        for key, label in (("spearman", "ρ"), ("f1", "F1")):
            if key in trials[0]["descriptors"][name]:
                values = [trial["descriptors"][name][key] for trial in trials]
                rows.append((f"{name} {label}", 1, values))
    rows += [
        (label, sign, [trial[key] for trial in trials])
        for label, sign, key in (
            ("Max. |ρ| of styles", -1, "max_abs_spearman"),
            ("Excess coupling", -1, "excess"),
            ("Shapiro W", 1, "shapiro_min"),
        )
        if trials and key in trials[0]
    ]
    if trials and "reconstruction_mae" in trials[0]:
        errors = [1000 * trial["reconstruction_mae"] for trial in trials]
        rows.append(("Reconstr. MAE (10⁻³)", -1, errors))
    labels, signs, values = zip(*rows, strict=True)
    return list(labels), np.array(signs), np.array(values, dtype=float)


def _cells(labels: list[str], value_MT: np.ndarray) -> list[list[str]]:
    """Return the measures as they are written in cells."""
    return [
        [drawing.short(v, _DECIMALS.get(label, 2)) for v in row]
        for label, row in zip(labels, value_MT, strict=True)
    ]


def _z(value_MT: np.ndarray) -> np.ndarray:
    """Return how far each value lies from the mean over trials, in standard deviations; 0 where all are equal."""
    result_MT = np.full(value_MT.shape, np.nan)
    for row, value_T in zip(result_MT, value_MT, strict=True):
        known = np.isfinite(value_T)
        if known.any():
            spread = value_T[known].std()
            row[known] = (value_T[known] - value_T[known].mean()) / spread if spread > 0 else 0.0
    return result_MT
