"""Figures of the styles: whether they are normal, coupled, and leak into one another."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject
from rankaae_cli.core.statistics.metrics import normal_quantiles
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, legend_below, new_figure, styled
from rankaae_cli.reports.figures.heat import draw_cells, short
from rankaae_cli.reports.tables import print_number

_COLUMNS = 3
_NAME_CHARACTERS = 12
_POINTS_AT_MOST = 400  # of a Q-Q line; more are no wider than a line


@styled
def normality(
    subject: Subject, styles_NS: np.ndarray, w_by_style: Mapping[str, float | None], what: str
) -> Figure:
    """Draw a Q-Q plot of every style against the standard normal distribution.

    Parameters
    ----------
    subject, what
        What the figure is about.
    styles_NS
        Shape (N, S).
    w_by_style
        Shapiro-Wilk W of each style, by name, in the order of the columns.
    """
    n_rows = -(-len(w_by_style) // _COLUMNS)
    figure = new_figure(0.7 + 1.1 * n_rows, subject, what)
    panels = figure.subplots(
        n_rows, min(_COLUMNS, len(w_by_style)), sharex=True, sharey=True, squeeze=False
    ).ravel()
    for ax, style_N, (name, w) in zip(panels, styles_NS.T, w_by_style.items(), strict=False):
        theoretical, sample = normal_quantiles(style_N)
        shown = _both_ends(len(sample))
        ax.axline((0, 0), slope=1, color=BLACK, lw=0.7, ls="--", label="standard normal")
        ax.plot(theoretical[shown], sample[shown], ".", ms=2, color=BLUE, label="style")
        ax.set_title(f"{_short_name(name)}\nW = {print_number(w)}", parse_math=False)
    for ax in panels[len(w_by_style) :]:
        ax.remove()
    for ax in panels[max(0, len(w_by_style) - _COLUMNS) : len(w_by_style)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("Normal quantile")
    for ax in panels[: len(w_by_style) : _COLUMNS]:
        ax.set_ylabel("Style")
    legend_below(figure, panels[0])
    return figure


@styled
def coupling(
    subject: Subject,
    styles: Sequence[str],
    between_styles_SS: np.ndarray,
    between_descriptors_KK: np.ndarray,
    what: str,
) -> Figure:
    """Draw the rank correlations of styles, and across the diagonal those of their descriptors.

    Parameters
    ----------
    subject, what
        What the figure is about.
    styles
        Names, the K named ones first.
    between_styles_SS, between_descriptors_KK
        Spearman's correlations, shapes (S, S) and (K, K).
    """
    s, k = len(styles), len(between_descriptors_KK)
    value_SS = np.where(np.tri(s, k=-1, dtype=bool), between_styles_SS, np.nan)
    upper = np.triu_indices(k, 1)
    value_SS[upper] = between_descriptors_KK[upper]
    figure = new_figure(_height(s), subject, what)
    ax = figure.subplots()
    norm, colours = Normalize(-1, 1), mpl.colormaps["RdBu_r"]
    draw_cells(ax, value_SS, [[short(v) for v in row] for row in value_SS], colours, norm)
    _name_axes(ax, styles)
    ax.plot([-0.5, s - 0.5], [-0.5, s - 0.5], color=BLACK, lw=0.7)
    ax.set_title("below the diagonal: styles; above: descriptors")
    figure.colorbar(ScalarMappable(norm, colours), ax=ax, label="Spearman ρ", aspect=30, pad=0.02)
    return figure


@styled
def leakage(
    subject: Subject,
    styles: Sequence[str],
    matrix_SS: np.ndarray,
    what: str,
) -> Figure:
    """Draw how far each style moves when one is walked and the decoded spectra are encoded again.

    Parameters
    ----------
    subject, what
        What the figure is about.
    styles
        Names.
    matrix_SS
        Of `core.leakage.leakage_matrix`: walked, then moved style; shape (S, S).
    """
    figure = new_figure(_height(len(styles)), subject, what)
    ax = figure.subplots()
    known = matrix_SS[np.isfinite(matrix_SS)]
    top = max(1.0, float(known.max())) if len(known) else 1.0
    norm: Normalize = TwoSlopeNorm(0.3, 0, top)  # half of the colours for what ought to be nothing
    colours = mpl.colormaps["Blues"]
    draw_cells(ax, matrix_SS, [[short(v) for v in row] for row in matrix_SS], colours, norm)
    _name_axes(ax, styles)
    ax.set(xlabel="Style that moves", ylabel="Style walked")
    label = "Moved / intended"
    figure.colorbar(ScalarMappable(norm, colours), ax=ax, label=label, aspect=30, pad=0.02)
    return figure


def _height(styles: int) -> float:
    return 1.0 + 0.2 * max(styles, 5)


def _name_axes(ax: Axes, styles: Sequence[str]) -> None:
    names = [_short_name(name) for name in styles]
    ax.set_xticklabels(names, rotation=90, parse_math=False)
    ax.set_yticklabels(names, parse_math=False)


def _short_name(name: str) -> str:
    name = name.replace("_", " ")
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"


def _both_ends(n: int) -> np.ndarray:
    """Return indices of all points near both ends and of evenly chosen ones between, ascending."""
    if n <= _POINTS_AT_MOST:
        return np.arange(n)
    ends = np.arange(_POINTS_AT_MOST // 8)
    between = np.linspace(0, n - 1, _POINTS_AT_MOST).astype(int)
    return np.unique(np.concatenate([ends, between, n - 1 - ends]))
