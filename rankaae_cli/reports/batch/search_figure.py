"""The figure of a search: its history, what matters, and the score against the settings that matter most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from rankaae_cli.reports.figures.drawing import BLUE, GREY, PAGE_INCHES, VERMILION, styled

_MOST_SLICES = 6


@dataclass(frozen=True)
class SearchedJob:
    """A job of a search.

    Attributes
    ----------
    number
        From 0.
    score
        Validation score; of a pruned job its best until then.
    pruned
        Whether it was given up.
    settings
        What was searched, by key.
    """

    number: int
    score: float
    pruned: bool
    settings: dict[str, Any]


@styled
def search_figure(
    jobs: Sequence[SearchedJob],
    importances: Mapping[str, float],
    log: Sequence[str],
    title: str,
    synthetic: bool,
) -> Figure:
    """Draw the score of every job in order, the importance of settings, and the score against each of up to six.

    Parameters
    ----------
    jobs
        With at least one that was not pruned.
    importances
        Share of the variance of the score by setting; empty where there are too few jobs.
    log
        Settings that have a logarithmic axis.
    title
        Of the search.
    synthetic
        Whether it was trained on spectra of the synthetic generator.
    """
    keys = list(dict.fromkeys([*importances, *(key for job in jobs for key in job.settings)]))
    keys = sorted(keys, key=lambda key: -importances.get(key, 0.0))
    slices = keys[:_MOST_SLICES]
    columns = 3
    rows = -(-len(slices) // columns)
    figure = Figure(figsize=(PAGE_INCHES, 2.3 + 1.75 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    heading = f"{'SYNTHETIC DATA · ' if synthetic else ''}{title} · {_counted(jobs)}"
    look = {"color": VERMILION, "weight": "bold"} if synthetic else {"color": GREY}
    figure.suptitle(heading, x=0.03 / PAGE_INCHES, ha="left", parse_math=False, **look)
    above, below = figure.subfigures(2, 1, height_ratios=[2.1, 1.75 * rows])  # type: ignore[misc]
    history, bars = above.subplots(1, 2, width_ratios=[1.25, 1]) if importances else (above.subplots(), None)
    limits = _score_limits(jobs)
    _draw_history(history, jobs, limits[0])
    if bars is not None:
        _draw_importances(bars, importances)
    axes = below.subplots(rows, columns, sharey=True, squeeze=False)
    for ax, key in zip(axes.ravel(), slices, strict=False):
        _draw_slice(ax, jobs, key, key in log, limits[0])
    for ax in axes.ravel()[len(slices) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("Validation score")
    for ax in (history, axes[0, 0]):
        ax.set_ylim(*limits)
    return figure


def _counted(jobs: Sequence[SearchedJob]) -> str:
    pruned = sum(job.pruned for job in jobs)
    return f"{len(jobs)} jobs, {pruned} of them pruned" if pruned else f"{len(jobs)} jobs"


def _score_limits(jobs: Sequence[SearchedJob]) -> tuple[float, float]:
    """Return limits that hold all jobs but pruned ones, and a few, far below the rest."""
    scores = np.array([job.score for job in jobs if not job.pruned])
    low, middle = np.percentile(scores, [0, 50])
    high = max(job.score for job in jobs)
    low = max(low, middle - 4 * (high - middle)) if high > middle else low
    room = 0.06 * (high - low) or 0.1
    return low - room, high + room


def _draw_history(ax: Axes, jobs: Sequence[SearchedJob], lowest: float) -> None:
    _draw_points(ax, [(job.number, job) for job in jobs], lowest)
    complete = [job for job in jobs if not job.pruned]
    best = np.maximum.accumulate([job.score for job in complete])
    ax.step(
        [job.number for job in complete], best, where="post", color=VERMILION, lw=0.9, label="best so far"
    )
    ax.set_xlabel("Job")
    ax.set_ylabel("Validation score")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(loc="best", fontsize=6.5)


def _draw_importances(ax: Axes, importances: Mapping[str, float]) -> None:
    ordered = sorted(importances.items(), key=lambda item: item[1])
    ax.barh(range(len(ordered)), [value for _, value in ordered], color=BLUE, height=0.6)
    ax.set_yticks(range(len(ordered)), [_name(key) for key, _ in ordered], parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, None)
    ax.set_xlabel("Share of the score's variance")


def _draw_slice(ax: Axes, jobs: Sequence[SearchedJob], key: str, log: bool, lowest: float) -> None:
    """Draw the score against one setting: numbers on an axis, anything else side by side."""
    known = [job for job in jobs if key in job.settings]
    values = [job.settings[key] for job in known]
    numbers = [float(value) for value in values if _is_number(value)]
    if len(numbers) == len(values) and not isinstance(values[0], str):
        _draw_points(ax, list(zip(numbers, known, strict=True)), lowest)
        if log:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.xaxis.set_minor_formatter(NullFormatter())
        else:
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=all(number.is_integer() for number in numbers)))
    else:
        choices = sorted(
            set(values), key=lambda value: (0, float(value)) if _is_number(value) else (1, value)
        )
        _draw_points(ax, [(choices.index(job.settings[key]), job) for job in known], lowest)
        ax.set_xticks(range(len(choices)), [str(choice) for choice in choices], parse_math=False)
        ax.set_xlim(-0.5, len(choices) - 0.5)
    ax.set_xlabel(_name(key), parse_math=False)


def _draw_points(ax: Axes, points: Sequence[tuple[float, SearchedJob]], lowest: float) -> None:
    """Draw jobs; those below `lowest`, the end of the axis, as triangles upon it."""
    for pruned, colour, marker, label in ((False, BLUE, "o", "completed"), (True, GREY, "x", "pruned")):
        of_kind = [(x, job.score) for x, job in points if job.pruned is pruned]
        for shown, form, words in (
            ([(x, y) for x, y in of_kind if y >= lowest], marker, label),
            ([(x, lowest) for x, y in of_kind if y < lowest], "v", f"{label}, below the axis"),
        ):
            if shown:
                xs, ys = zip(*shown, strict=True)
                ax.scatter(xs, ys, s=12, c=colour, marker=form, lw=0.8, label=words, clip_on=False, zorder=3)


def _name(key: str) -> str:
    """Return a key as short as it is clear."""
    name = key.lstrip("+").removeprefix("objective.").removeprefix("model.").removeprefix("optimiser.")
    return {"rate": "learning rate", "hidden": "hidden width"}.get(
        name, name.replace("_", " ").replace(".", " ")
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
