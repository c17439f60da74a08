"""Figure of what free styles go with."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, style_title
from rankaae_cli.core.styles.replication import Repeat, Repeats
from rankaae_cli.reports.figures.drawing import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    ORANGE,
    VERMILION,
    legend_below,
    new_figure,
    styled,
)

_SHOWN = 4  # of each style
_MEANINGS = {
    VERMILION: "partial ρ, validation: stands out",
    ORANGE: "repeats, but is of a descriptor",
    BLUE: "partial ρ, validation",
}


@styled
def associations(
    subject: Subject, found: Repeats, style_names: Sequence[str], rows: str, *what: str
) -> Figure:
    """Draw the largest partial correlations of every free style on validation, and what repeats of them.

    Parameters
    ----------
    subject, what
        What the figure is about.
    found
        Of `core.repeats.repeats`.
    style_names
        All styles; those that occur in `found` are shown in this order.
    rows
        Split on which what was found has to repeat.
    """
    by_style = {name: found.of_style(name) for name in style_names if found.of_style(name)}
    shown = {
        name: [pair for pair in pairs if np.isfinite(pair.found_partial)][:_SHOWN]
        for name, pairs in by_style.items()
    }
    bars = sum(max(1, len(pairs)) for pairs in shown.values())
    figure = new_figure(
        0.95 + 0.125 * bars + 0.2 * len(shown), subject, f"validation and {rows} split", *what
    )
    panels = figure.subplots(
        len(shown),
        1,
        sharex=True,
        squeeze=False,
        height_ratios=[max(1, len(pairs)) + 0.2 for pairs in shown.values()],
    )[:, 0]
    for ax, (name, pairs) in zip(panels, shown.items(), strict=True):
        ax.set_title(style_title(name), parse_math=False)
        ax.axvline(0, color=BLACK, lw=0.6)
        for side in (-1, 1):
            limit = f"needed on validation, ±{found.limit:.2f}"
            ax.axvline(side * found.limit, color=BLACK, lw=0.7, ls="--", label=limit)
        _bars(ax, pairs, rows)
    known = [
        abs(v) for pairs in shown.values() for p in pairs for v in (p.found_partial, p.partial, p.spearman)
    ]
    reach = min(1.0, 1.15 * max([found.limit, *(v for v in known if np.isfinite(v))]))
    panels[-1].set(xlabel="Spearman ρ with the free style", xlim=(-reach, reach))
    legend_below(figure, list(panels), columns=2)
    return figure


def _bars(ax: Axes, pairs: Sequence[Repeat], rows: str) -> None:
    """Draw one bar a pair for the search, and points for the rows where it has to repeat."""
    if not pairs:
        ax.text(0.02, 0.5, "too few spectra", transform=ax.transAxes, va="center", color=GREY)
        ax.set_yticks([])
        return
    place = np.arange(len(pairs))
    ax.barh(place, [pair.found_partial for pair in pairs], height=0.7, color=[_colour(p) for p in pairs])
    # Proxies, so that the legend has each colour that occurs and no other.
    for colour in dict.fromkeys(_colour(pair) for pair in pairs):
        ax.barh(0, 0, color=colour, label=_MEANINGS[colour])
    ax.plot(
        [pair.partial for pair in pairs],
        place,
        "D",
        ms=3,
        mfc=BLACK,
        mec="white",
        mew=0.5,
        label=f"partial ρ, {rows}",
    )
    ax.plot(
        [pair.spearman for pair in pairs],
        place,
        "o",
        ms=3,
        mfc="white",
        mec=GREY,
        mew=0.8,
        label=f"plain ρ, {rows}",
    )
    ax.set_yticks(place, [pair.quantity for pair in pairs], parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.spines["left"].set_color(LIGHT_GREY)


def _colour(pair: Repeat) -> str:
    return VERMILION if pair.stands_out else ORANGE if pair.repeats else BLUE
