"""Maps of a number read off the spectrum over the planes of pairs of styles."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.analysis.traversal.findings import INTERACTION
from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import COLUMN_INCHES, PAGE_INCHES

_BAR_INCHES = 1.1  # of the width, for the colour bar and the labels
_NARROW = 2  # styles up to which the figure is one column wide
_NOTE_CHARACTERS_PER_INCH = 21
_LINE_INCHES = 0.13
_SMALLEST_SHARE = 0.0005


@drawing.styled
def pair_maps(
    subject: Subject,
    axes_of: Mapping[str, StyleAxis],
    table: pd.DataFrame,
    column: str,
    what: str,
    label: str,
) -> Figure:
    """Draw the lower triangle of panels, one a pair, on one scale.

    Parameters
    ----------
    subject
        What the figure is about.
    axes_of
        What stands along the axes, by style.
    table, column
        ``map_<what>.csv``, and the column that is mapped.
    what, label
        The number that is mapped, for the heading and the colour bar.
    """
    names = list(dict.fromkeys([*table["first"], *table["second"]]))
    styles, n = [axes_of[name] for name in names], len(names) - 1
    width = COLUMN_INCHES if len(names) <= _NARROW else PAGE_INCHES
    side = (width - _BAR_INCHES) / n  # panels are about square
    note = textwrap.wrap(_note(styles), int(_NOTE_CHARACTERS_PER_INCH * width))
    height = 0.5 + side * n + _LINE_INCHES * len(note)
    figure = drawing.new_figure(height, subject, what, "two styles at a time", width=width)
    axes = figure.subplots(n, n, squeeze=False, sharex="col", sharey="row")
    finite = table[column][np.isfinite(table[column])]
    norm = Normalize(*((finite.min(), finite.max()) if len(finite) else (0, 1)))
    colour_map = mpl.colormaps["viridis"]
    across, up = [style.ticks(apart=18) for style in styles], [style.ticks(apart=10) for style in styles]
    for (first, second), rows in table.groupby(["first", "second"], sort=False):
        i, j = names.index(first), names.index(second)
        ax, percentiles = axes[j - 1, i], rows["second_percentile"].unique()
        grid = rows[column].to_numpy().reshape(len(percentiles), len(percentiles))
        ax.pcolormesh(percentiles, percentiles, grid.T, norm=norm, cmap=colour_map, shading="nearest")
        ax.set_xticks(*across[i])
        ax.set_yticks(*up[j])
        ax.set_title(f"interaction {_share(rows['interaction_share'].iloc[0])}")
        if j == n:
            ax.set_xlabel(styles[i].label, parse_math=False)
        if i == 0:
            ax.set_ylabel(styles[j].label, parse_math=False)
    for hidden in zip(*np.triu_indices(n, 1), strict=True):
        axes[hidden].remove()
    panels = [axes[shown] for shown in zip(*np.tril_indices(n), strict=True)]
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
