"""Figure of the change of the spectrum by one unit of a descriptor."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.analysis.traversal.findings import sensitivity_unit
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.styles.traversal import Sensitivity
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, ORANGE, legend_below, new_figure, styled

_BAR = 0.035  # height of the bar that marks energies, of the panel's


@styled
def sensitivity(
    subject: Subject,
    energy_E: np.ndarray,
    name: str,
    unit: str,
    spectrum_E: np.ndarray,
    slope: Sensitivity | None,
    others: str,
    unknown_because: str | None = None,
) -> Figure:
    """Draw d(mu)/d(descriptor) against energy, below the mean spectrum; mark where it is significant.

    Parameters
    ----------
    subject, energy_E
        What the figure is about; the grid, shape (E,).
    name, unit
        Of the descriptor.
    spectrum_E
        Mean decoded spectrum along the walk, shape (E,).
    slope
        None where it is not known; the figure then says why.
    others
        Where the other styles come from, for the heading.
    unknown_because
        Why not.
    """
    figure = new_figure(2.9, subject, f"sensitivity to {name}, {others}")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.5))
    top.plot(energy_E, spectrum_E, color=BLACK, label="mean spectrum of the walk")
    top.set_ylabel(subject.absorption_label.replace(", ", ",\n").replace(" (", "\n("))
    bottom.set_xlabel(subject.energy_label)
    if slope is None:
        bottom.set_yticks([])
        text = f"not known\n{unknown_because or ''}"
        bottom.text(0.5, 0.5, _wrapped(text), transform=bottom.transAxes, ha="center", va="center",
                    color=GREY, parse_math=False)  # fmt: skip
        bottom.set_ylabel(f"dμ/d{name}", parse_math=False)
        return figure
    _draw_slope(bottom, energy_E, slope)
    # Two lines: a long unit would not fit beside the panel.
    bottom.set_ylabel(f"dμ/d{name}\n({sensitivity_unit(name, unit)})", parse_math=False)
    figure.align_ylabels()
    legend_below(figure, [top, bottom], columns=2)
    return figure


def _draw_slope(ax: Axes, energy_E: np.ndarray, slope: Sensitivity) -> None:
    """Draw the slope, its band, and below them a bar where it is significant; say so where it is nowhere."""
    several = slope.n_trials > 1
    band = "95 % confidence at each energy" if several else "5 % to 95 % of draws"
    line = f"mean of {slope.n_trials} trials" if several else "one trial"
    ax.axhline(0, color=GREY, lw=0.5, zorder=0)
    ax.fill_between(energy_E, slope.low_E, slope.high_E, color=BLUE, alpha=0.25, label=band)
    ax.plot(energy_E, slope.mean_E, color=BLUE, label=line)
    ax.margins(y=0.09)
    if several:
        significant, test = (
            "significant",
            f"t test over {slope.n_trials} trials,\nfalse discovery rate 5 % over the energies",
        )
    else:
        significant, test = "of one sign", "about 95 % of the draws\nof the one trial"
    if not slope.significant_E.any():
        ax.set_title(f"Nowhere {significant}: {test}")
        return
    ax.set_title(f"Orange: {significant}, {test}")
    ax.fill_between(
        energy_E,
        0,
        _BAR,
        where=list(_widened(slope.significant_E)),
        transform=ax.get_xaxis_transform(),
        color=ORANGE,
        label=significant,
    )


def _widened(where_E: np.ndarray) -> np.ndarray:
    """Take in the point after a stretch, since a single point would have no width."""
    return where_E | np.concatenate([[False], where_E[:-1]])


def _wrapped(text: str, characters: int = 44) -> str:
    lines: list[str] = [""]
    for word in text.replace("\n", " \n ").split(" "):
        if word == "\n" or len(lines[-1]) + len(word) > characters:
            lines.append("" if word == "\n" else word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
