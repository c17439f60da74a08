"""Figures of several runs: what is read how well, responses side by side, settings against scores."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from rankaae_cli.core.labels import described_range, descriptor_meaning
from rankaae_cli.reports.batch.batch import SEEDS, Batch, BatchRun, Response, shortened
from rankaae_cli.reports.batch.comparison import by_value, is_number, shown_value
from rankaae_cli.reports.batch.tables import spearman, verdict
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION

# Of Okabe and Ito, without the yellow that white paper swallows. Seven colours and nine markers do not
# repeat together before the 64th family.
_COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", ORANGE, "#56B4E9", BLACK)
_MARKERS = "os^DvPX<>"
MOST_PANELS = 12
_DECADE = 10.0


class ResponsePanel(NamedTuple):
    """One panel of responses: the run that is shown, beside the other runs of its family on the same axis."""

    title: str
    response: Response
    others: Sequence[Response]
    unit: str


@drawing.styled
def matrix(batch: Batch) -> Figure:
    """Draw test Spearman of each descriptor, of the best run of each family, with intervals."""
    runs, names = batch.best, batch.descriptors
    cells = [[spearman(run, name) for name in names] for run in runs]
    value_RC = np.array([[np.nan if c.value is None else c.value for c in row] for row in cells])  # noqa: N806
    text = [[_cell_text(*cell) for cell in row] for row in cells]
    width = drawing.COLUMN_INCHES if len(names) <= 6 else drawing.PAGE_INCHES
    subject = batch.subject(runs)
    figure = drawing.new_figure(0.85 + 0.27 * len(runs), subject, "test split, Spearman ρ", width=width)
    ax = figure.subplots()
    norm, colours = Normalize(colour_start(value_RC), 1), mpl.colormaps["Blues"]
    drawing.draw_cells(ax, value_RC, text, colours, norm)
    ax.set_xticklabels([shortened(name, 12) for name in names], parse_math=False)
    ax.set_yticklabels([shortened(batch.name(run)) for run in runs], parse_math=False)
    ax.xaxis.tick_top()
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=ax, aspect=25, pad=0.02)
    bar.set_label("Spearman ρ" if len(runs) > 2 else "ρ")
    return figure


def response_figures(batch: Batch) -> Iterator[tuple[str, Figure, str]]:
    """Give name, figure and caption: one a descriptor with all families, or one of all descriptors of a family."""
    thin = (
        " Thin lines: the family's other runs, cut where they leave the panel."
        if len(batch.runs) > len(batch.best)
        else ""
    )
    if len(batch.best) == 1:
        run = batch.best[0]
        panels = [_panel(batch, run, name, name) for name in run.responses]
        if panels:
            text = f"Responses of run {run.label}, the best on validation.{thin}"
            yield "responses", _responses(batch, [run], panels, "95th − 5th percentile"), text
        return
    for number, name in enumerate(batch.descriptors, 1):
        runs = [run for run in batch.best if name in run.responses]
        panels = [_panel(batch, run, name, shortened(batch.name(run))) for run in runs]
        if panels:
            meaning = descriptor_meaning(name)
            about = f"{name}, {meaning}" if meaning != name else name
            text = f"Response of the spectrum to {about}, best run of each family on validation.{thin}"
            # Numbered, since a descriptor's name may hold what a file's name may not.
            yield (
                f"responses_{number}_{_file_part(name)}",
                _responses(batch, runs, panels, f"response to {name}"),
                text,
            )


@drawing.styled
def settings(batch: Batch) -> Figure | None:
    """Draw the validation score of every run against each setting that differs; None where none does."""
    keys = batch.keys[:MOST_PANELS]
    if not keys:
        return None
    columns, rows, width = _arranged(len(keys), 3)
    figure = drawing.new_figure(0.7 + 1.6 * rows, batch.subject(batch.runs), "validation split", width=width)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax, key in zip(axes.ravel(), keys, strict=False):
        _draw_setting(ax, batch, key)
    for ax in axes.ravel()[len(keys) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("Validation score")
    drawing.legend_below(figure, axes[0, 0], columns=3 if width == drawing.COLUMN_INCHES else 5)
    return figure


def energy_label(origin: str, unit: str) -> str:
    """Return the label of an axis of energies relative to the edge or to the grid's start."""
    counted = "" if unit == "index" else f" ({unit})"
    return {"edge": f"Energy from the edge{counted}", "start": f"Energy from the grid's start{counted}"}[
        origin
    ] + (", index" if unit == "index" else "")


def colour_start(value_RC: np.ndarray) -> float:  # noqa: N803
    """Return where colours of correlations begin: 0.5, or a tenth at or below the lowest where that is less."""
    known = value_RC[np.isfinite(value_RC)]
    return min(0.5, float(np.floor(10 * known.min()) / 10)) if len(known) else 0.0


def family_look(batch: Batch, family: str) -> tuple[str, str]:
    """Return colour and marker of a family."""
    index = batch.families.index(family)
    return _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]


@drawing.styled
def _responses(batch: Batch, runs: Sequence[BatchRun], panels: Sequence[ResponsePanel], what: str) -> Figure:
    """Draw responses side by side, all on one scale, each against the data's; `what` is said in the heading."""
    columns, rows, width = _arranged(len(panels), 4)
    figure = drawing.new_figure(0.75 + 1.35 * rows, batch.subject(runs), what, width=width)
    one_axis = len({(panel.unit, panel.response.origin) for panel in panels}) == 1
    axes = figure.subplots(rows, columns, sharex=one_axis, sharey=True, squeeze=False)
    for index, (ax, panel) in enumerate(zip(axes.ravel(), panels, strict=False)):
        _draw_response(ax, panel)
        if index + columns >= len(panels) or not one_axis:
            ax.set_xlabel(energy_label(panel.response.origin, panel.unit))
            ax.tick_params(labelbottom=True)
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    for ax in axes.ravel()[len(panels) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("Difference\n95th − 5th pct.")
    # Other runs may be failures of any size: they do not set the scale.
    axes[0, 0].set_ylim(*_scale(panels))
    drawing.legend_below(
        figure, list(axes.ravel()[: len(panels)]), columns=2 if width == drawing.COLUMN_INCHES else 5
    )
    return figure


def _panel(batch: Batch, run: BatchRun, name: str, title: str) -> ResponsePanel:
    shown = run.responses[name]
    others: list[Response] = [
        other.responses[name]
        for other in batch.runs
        if other is not run
        and other.family == run.family
        and name in other.responses
        and other.responses[name].origin == shown.origin
    ]
    return ResponsePanel(title, shown, others, run.subject.energy_unit)


def _file_part(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:40]


def _arranged(panels: int, most: int) -> tuple[int, int, float]:
    """Return columns (at most so many), rows, and the width in inches, of a journal's column or page."""
    rows = -(-panels // most)
    columns = -(-panels // rows)
    return columns, rows, drawing.COLUMN_INCHES if columns == 1 else drawing.PAGE_INCHES


def _cell_text(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or not np.isfinite(value):
        return ""
    if low is None or high is None or not np.isfinite(low):
        return drawing.short(value)
    return f"{drawing.short(value)}\n[{drawing.short(low)}, {drawing.short(high)}]"


def _scale(panels: Sequence[ResponsePanel]) -> tuple[float, float]:
    """Return the limits that hold what is shown of every panel but the other runs."""
    shown = np.concatenate([panel.response.curves.drop(columns="energy") for panel in panels])
    shown = shown[np.isfinite(shown)]
    low, high = (min(0.0, shown.min()), max(0.0, shown.max())) if len(shown) else (0.0, 0.0)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _draw_response(ax: Axes, panel: ResponsePanel) -> None:
    response, curves = panel.response, panel.response.curves
    ax.axhline(0, color=GREY, lw=0.5, zorder=0)
    if response.origin == "edge":
        ax.axvline(0, color=GREY, lw=0.5, ls=":", zorder=0)
    energy = curves["energy"]
    if np.isfinite(curves["data_difference"]).any():
        ax.plot(energy, curves["data_difference"], color=BLACK, lw=0.7, label="data, matched pairs")
        look: dict[str, Any] = {"alpha": 0.15, "lw": 0, "label": "its 5 % to 95 % (bootstrap)"}
        ax.fill_between(energy, curves["data_low"], curves["data_high"], color=BLACK, **look)
    ax.plot(energy, curves["difference"], color=BLUE, label="network, mean of trials")
    look = {"alpha": 0.25, "lw": 0, "label": "range over trials"}
    ax.fill_between(energy, curves["trials_low"], curves["trials_high"], color=BLUE, **look)
    look = {"color": LIGHT_GREY, "lw": 0.5, "zorder": 1, "label": "the family's other runs"}
    for other in panel.others:
        ax.plot(other.curves["energy"], other.curves["difference"], **look)
    check = response.style.get("check") or {}
    r = check.get("pearson")
    known = r is not None and np.isfinite(r)
    says = f"r = {r:.2f}, {verdict(response.style)}".replace("-", "−") if known else verdict(response.style)
    ax.set_title(panel.title, weight="bold", pad=18, parse_math=False)
    ends = described_range(response.style)
    ax.text(0, 1.03, f"{ends}\n{says}", transform=ax.transAxes, fontsize=6.5, parse_math=False)


def _draw_setting(ax: Axes, batch: Batch, key: str) -> None:
    """Draw one panel: numbers on an axis, logarithmic from a decade on; anything else side by side."""
    groups = by_value(batch, key)
    values = [runs[0].settings.get(key) for runs in groups.values()]
    numbers = [float(value) for value in values if is_number(value)]
    numeric = 2 < len(numbers) == len(values) and key not in SEEDS
    places = dict(zip(groups, numbers if numeric else range(len(values)), strict=True))
    if numeric and min(numbers) > 0 and max(numbers) / min(numbers) >= _DECADE:
        ax.set_xscale("log")
    for f, family in enumerate(batch.families):
        colour, marker = family_look(batch, family)
        # Families side by side, where places are not numbers.
        shift = 0.0 if numeric else 0.5 * (f - (len(batch.families) - 1) / 2) / len(batch.families)
        means_x, means_y, xs, ys = [], [], [], []
        for group, runs in groups.items():
            scores = [run.validation_score for run in runs if run.family == family]
            if scores:
                xs += [places[group] + shift] * len(scores)
                ys += scores
                means_x.append(places[group] + shift)
                means_y.append(float(np.mean(scores)))
        label = shortened(batch.name(next(run for run in batch.runs if run.family == family)))
        ax.scatter(xs, ys, s=11, c=colour, marker=marker, alpha=0.75, lw=0, label=label)
        if key not in SEEDS:  # which have no order
            ax.plot(means_x, means_y, color=colour, lw=0.7, alpha=0.8)
    ax.set_title(shortened(key, 34), parse_math=False)
    if numeric:
        if len(values) <= 5:
            ax.set_xticks(numbers, [shown_value(v) for v in values])
            ax.xaxis.set_minor_formatter(NullFormatter())
            ax.minorticks_off()
        ax.margins(x=0.1)
        return
    names = [shortened(shown_value(value), 14) for value in values]
    crowded = sum(map(len, names)) > 30
    ax.set_xticks(range(len(names)), names, parse_math=False, **_turned(crowded))
    ax.set_xlim(-0.6, len(names) - 0.4)


def _turned(crowded: bool) -> dict[str, Any]:
    return {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
