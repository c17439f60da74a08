"""Numbers in coloured cells can be read on every colour."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from rankaae_cli.reports.figures.drawing import draw_cells


def luminance(colour):
    """Relative luminance by the definition of WCAG 2."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("name", ["viridis", "Blues", "cividis", "RdBu_r"])
def test_numbers_stand_out_from_their_cells(name):
    value_RC = np.linspace(0, 1, 64)[None]
    ax = Figure().subplots()
    draw_cells(ax, value_RC, [["0"] * 64], mpl.colormaps[name], Normalize(0, 1))
    for value, text in zip(value_RC[0], ax.texts, strict=True):
        low, high = sorted(luminance(c) for c in (mpl.colormaps[name](value)[:3], text.get_color()))
        assert (high + 0.05) / (low + 0.05) >= 4.5
