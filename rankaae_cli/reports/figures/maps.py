"""Maps of a number read off the spectrum over the planes of pairs of styles."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.analysis.traversal.findings import INTERACTION
from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures.drawing import COLUMN_INCHES, PAGE_INCHES, new_figure, styled

_BAR_INCHES = 1.1  # of the width, for the colour bar and the labels
_NARROW = 2  # styles up to which the figure is one column wide
_NOTE_CHARACTERS_PER_INCH = 21
_LINE_INCHES = 0.13
_SMALLEST_SHARE = 0.0005


@dataclass(frozen=True)
class PairMap:
    """One pair of styles.

    Attributes
    ----------
    first, second
        Indices of the styles; the first varies along the first axis of the values.
    percentiles
        Of both styles, shape (L,).
    value_LL
        Shape (L, L); NaN where not defined.
    interaction
        Share of the variance of these values that is no sum of the two styles' own responses; NaN where the
        values do not vary or are not all defined.
    """

    first: int
    second: int
    percentiles: np.ndarray
    value_LL: np.ndarray  # noqa: N815
    interaction: float


@styled
def pair_maps(
    subject: Subject, styles: Sequence[StyleAxis], maps: Sequence[PairMap], what: str, label: str
) -> Figure:
    """Draw the lower triangle of panels, one a pair, on one scale.

    Parameters
    ----------
    subject
        What the figure is about.
    styles
        What stands along the axes.
    maps
        One a pair.
    what, label
        The number that is mapped, for the heading and the colour bar.
    """
    n = len(styles) - 1
    width = COLUMN_INCHES if len(styles) <= _NARROW else PAGE_INCHES
    side = (width - _BAR_INCHES) / n  # panels are about square
    note = textwrap.wrap(_note(styles), int(_NOTE_CHARACTERS_PER_INCH * width))
    height = 0.5 + side * n + _LINE_INCHES * len(note)
    figure = new_figure(height, subject, what, "two styles at a time", width=width)
    axes = figure.subplots(n, n, squeeze=False, sharex="col", sharey="row")
    finite = np.concatenate([m.value_LL[np.isfinite(m.value_LL)] for m in maps])
    norm = Normalize(*((finite.min(), finite.max()) if len(finite) else (0, 1)))
    colour_map = mpl.colormaps["viridis"]
    across, up = [style.ticks(apart=18) for style in styles], [style.ticks(apart=10) for style in styles]
    for pair in maps:
        ax = axes[pair.second - 1, pair.first]
        ax.pcolormesh(
            pair.percentiles, pair.percentiles, pair.value_LL.T, norm=norm, cmap=colour_map, shading="nearest"
        )
        ax.set_xticks(*across[pair.first])
        ax.set_yticks(*up[pair.second])
        ax.set_title(f"interaction {_share(pair.interaction)}")
        if pair.second == n:
            ax.set_xlabel(styles[pair.first].label, parse_math=False)
        if pair.first == 0:
            ax.set_ylabel(styles[pair.second].label, parse_math=False)
    for row in range(n):
        for column in range(row + 1, n):
            axes[row, column].remove()
    panels = [axes[row, column] for row in range(n) for column in range(row + 1)]
    figure.colorbar(ScalarMappable(norm, colour_map), ax=panels, label=label, aspect=30, pad=0.02)
    figure.supxlabel("\n".join(note), x=0.03 / width, ha="left", fontsize=mpl.rcParams["legend.fontsize"])
    return figure


def _note(styles: Sequence[StyleAxis]) -> str:
    """Return what the axes and the interaction are."""
    marked = "ticks: " + (
        "the descriptor, as calibrated" if all(s.is_calibrated for s in styles) else "as each axis says"
    )
    return (
        f"Axes: even steps in percentile of each style, 5th to 95th; {marked}. Interaction: {INTERACTION}, "
        "of the quantity mapped here."
    )


def _share(share: float) -> str:
    if not np.isfinite(share):
        return "not defined"
    return "< 0.1 %" if share < _SMALLEST_SHARE else f"{100 * share:.1f} %"
