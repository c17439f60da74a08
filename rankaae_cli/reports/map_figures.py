"""Maps of a number read off the spectrum over the planes of pairs of styles."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rankaae_cli.reports.drawing import COLUMN_INCHES, PAGE_INCHES, new_figure, styled
from rankaae_cli.reports.labels import Subject

_TICKS = (5, 50, 95)
_BAR_INCHES = 1.1  # of the width, for the colour bar and the labels
_NARROW = 2  # styles up to which the figure is one column wide


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
        Share of the variance over the plane that is no sum of the two styles' own responses.
    """

    first: int
    second: int
    percentiles: np.ndarray
    value_LL: np.ndarray  # noqa: N815
    interaction: float


@styled
def pair_maps(
    subject: Subject, names: Sequence[str], maps: Sequence[PairMap], what: str, label: str
) -> Figure:
    """Draw the lower triangle of panels, one a pair, on one scale.

    Parameters
    ----------
    subject
        What the figure is about.
    names
        Of the styles.
    maps
        One a pair.
    what, label
        The number that is mapped, for the heading and the colour bar.
    """
    n = len(names) - 1
    width = COLUMN_INCHES if len(names) <= _NARROW else PAGE_INCHES
    side = (width - _BAR_INCHES) / n  # panels are about square
    figure = new_figure(0.4 + side * n, subject, what, "two styles at a time", width=width)
    axes = figure.subplots(n, n, squeeze=False, sharex=True, sharey=True)
    finite = np.concatenate([m.value_LL[np.isfinite(m.value_LL)] for m in maps])
    norm = Normalize(*((finite.min(), finite.max()) if len(finite) else (0, 1)))
    colour_map = mpl.colormaps["viridis"]
    for pair in maps:
        ax = axes[pair.second - 1, pair.first]
        ax.pcolormesh(
            pair.percentiles, pair.percentiles, pair.value_LL.T, norm=norm, cmap=colour_map, shading="nearest"
        )
        ax.set(xticks=_TICKS, yticks=_TICKS)
        ax.set_title(f"interaction {100 * pair.interaction:.1f} %")
        if pair.second == n:
            ax.set_xlabel(f"{names[pair.first]} (percentile)", parse_math=False)
        if pair.first == 0:
            ax.set_ylabel(f"{names[pair.second]} (percentile)", parse_math=False)
    for row in range(n):
        for column in range(row + 1, n):
            axes[row, column].remove()
    panels = [axes[row, column] for row in range(n) for column in range(row + 1)]
    figure.colorbar(ScalarMappable(norm, colour_map), ax=panels, label=label, aspect=30, pad=0.02)
    return figure
