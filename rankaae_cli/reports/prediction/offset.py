"""A figure of an energy offset: each reference, moved, on the computed spectra that it was held against."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.reports.figures.drawing import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    legend_below,
    new_figure,
    styled,
)

_PANEL_INCHES = 1.55


@dataclass(frozen=True)
class ShownReference:
    """A reference as it is drawn.

    Attributes
    ----------
    name, known
        Of the file, and what the compound is known to be, in words.
    energy_M, absorption_M
        Shape (M,): calibrated, not moved; normalised.
    shift, deviation
        eV.
    nearest_NE
        The computed spectra that it fits best.
    """

    name: str
    known: str
    energy_M: np.ndarray
    absorption_M: np.ndarray
    shift: float
    deviation: float
    nearest_NE: np.ndarray


@styled
def offset_figure(
    subject: Subject, energy_E: np.ndarray, references: Sequence[ShownReference], offset: str
) -> Figure:
    """Draw each reference moved by its own best shift, a panel each; `offset` is the result in words.

    Returns
    -------
    Figure
        One column wide.
    """
    figure = new_figure(0.7 + _PANEL_INCHES * len(references), subject, offset)
    panels = figure.subplots(len(references), 1, sharex=True, squeeze=False)[:, 0]
    for ax, one in zip(panels, references, strict=True):
        for spectrum_E in one.nearest_NE:
            ax.plot(energy_E, spectrum_E, color=LIGHT_GREY, lw=0.6, label="computed")
        for shift, label, colour, line in (
            (0.0, "as measured", BLUE, ":"),
            (one.shift, "moved", BLACK, "-"),
        ):
            moved = one.energy_M + shift
            shown = (moved > energy_E[0] - 10) & (moved < energy_E[-1])
            ax.plot(moved[shown], one.absorption_M[shown], color=colour, ls=line, label=label)
        ax.set_title(
            f"{shortened(one.name)}\n{one.known}: {one.shift:+.1f} ± {one.deviation:.1f} eV",
            loc="left", fontsize=6.5, color=GREY, parse_math=False,
        )  # fmt: skip
        ax.set_ylabel("Absorption,\nnormalised")
    panels[-1].set_xlabel(f"{subject.energy_label}, scale of the code")
    legend_below(figure, list(panels))
    return figure
