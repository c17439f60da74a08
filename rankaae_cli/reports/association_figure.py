"""Figure of what free styles go with."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rankaae_cli.core.associations import FLOOR, Associations
from rankaae_cli.reports.drawing import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    VERMILION,
    legend_below,
    new_figure,
    styled,
)
from rankaae_cli.reports.labels import Subject, style_title

_SHOWN = 4  # of each style


@styled
def associations(subject: Subject, found: Associations, style_names: Sequence[str], what: str) -> Figure:
    """Draw the largest partial correlations of every free style, with the line they would have to pass.

    Parameters
    ----------
    subject, what
        What the figure is about.
    found
        Of `core.associations.associations`.
    style_names
        All styles; those that occur in `found` are shown in this order.
    """
    by_style = {name: found.of_style(name) for name in style_names if found.of_style(name)}
    shown = {
        name: [pair for pair in pairs if np.isfinite(pair.partial)][:_SHOWN]
        for name, pairs in by_style.items()
    }
    bars = sum(max(1, len(pairs)) for pairs in shown.values())
    figure = new_figure(0.8 + 0.125 * bars + 0.2 * len(shown), subject, what)
    panels = figure.subplots(
        len(shown),
        1,
        sharex=True,
        squeeze=False,
        height_ratios=[max(1, len(pairs)) + 0.2 for pairs in shown.values()],
    )[:, 0]
    limit = max(FLOOR, found.threshold) if np.isfinite(found.threshold) else FLOOR
    for ax, (name, pairs) in zip(panels, shown.items(), strict=True):
        ax.set_title(style_title(name), parse_math=False)
        ax.axvline(0, color=BLACK, lw=0.6)
        for side in (-1, 1):
            ax.axvline(side * limit, color=BLACK, lw=0.7, ls="--", label=f"stands out beyond ±{limit:.2f}")
        if not pairs:
            ax.text(0.02, 0.5, "too few spectra", transform=ax.transAxes, va="center", color=GREY)
            ax.set_yticks([])
            continue
        place = np.arange(len(pairs))
        ax.barh(
            place,
            [pair.partial for pair in pairs],
            height=0.7,
            color=[VERMILION if pair.stands_out else BLUE for pair in pairs],
            label="partial ρ, named styles taken out",
        )
        ax.plot(
            [p.spearman for p in pairs], place, "o", ms=3, mfc="white", mec=GREY, mew=0.8, label="plain ρ"
        )
        ax.set_yticks(place, [pair.quantity for pair in pairs], parse_math=False)
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
        ax.spines["left"].set_color(LIGHT_GREY)
    known = [abs(v) for pairs in shown.values() for p in pairs for v in (p.partial, p.spearman)]
    reach = min(1.0, 1.15 * max([limit, *known]))
    panels[-1].set(xlabel="Spearman ρ with the free style", xlim=(-reach, reach))
    legend_below(figure, list(panels), columns=2)
    return figure
