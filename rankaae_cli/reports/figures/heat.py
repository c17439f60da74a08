"""Heat maps with a number in every cell."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize

from rankaae_cli.reports.figures.drawing import BLACK, LIGHT_GREY

_DARK = 0.45  # relative luminance below which numbers are white
_SMALLEST = 6.0  # points


def draw_cells(
    ax: Axes,
    value_RC: np.ndarray,  # noqa: N803
    text_RC: Sequence[Sequence[str]],  # noqa: N803
    colours: Colormap,
    norm: Normalize,
) -> None:
    """Colour R by C cells and write in each; cells of NaN stay white.

    Parameters
    ----------
    ax
        Taken over whole: one tick a row and column, without marks.
    value_RC
        Shape (R, C).
    text_RC
        R by C texts.
    colours, norm
        From values to colours.
    """
    colours = colours.with_extremes(bad="white")
    ax.imshow(np.ma.masked_invalid(value_RC), cmap=colours, norm=norm, aspect="auto")
    for r, row in enumerate(text_RC):
        for c, text in enumerate(row):
            known = np.isfinite(value_RC[r, c])
            red, green, blue, _ = colours(norm(value_RC[r, c])) if known else (1.0, 1.0, 1.0, 1.0)
            light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
            ax.text(
                c,
                r,
                text,
                ha="center",
                va="center",
                fontsize=_SMALLEST,
                color="white" if light < _DARK else BLACK,
                parse_math=False,
            )
    rows, columns = value_RC.shape
    ax.set_xticks(range(columns))
    ax.set_yticks(range(rows))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(LIGHT_GREY)


def short(value: float, digits: int = 2) -> str:
    """Return a number without the zero before its point, so that it fits a cell; nothing for NaN."""
    if not np.isfinite(value):
        return ""
    text = f"{value:.{digits}f}"
    sign, text = ("−" if text.startswith("-") and float(text) else ""), text.removeprefix("-")
    return f"{sign}{text[1:] if text.startswith('0.') else text}"
