"""Figures of what an energy offset rests on: measured references, or the sites that two codes have in common."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.analysis.prediction.align import ReferenceCheck
from rankaae_cli.analysis.prediction.offset import scale_of
from rankaae_cli.analysis.prediction.pairs import CodePairs
from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, VERMILION

_REFERENCE_INCHES, _SHIFTS_INCHES = 1.55, 1.5
_BINS_A_SPREAD, _FEWEST_BINS, _MOST_BINS = 3, 8, 60
_EXAMPLES = (0.5, 0.9)  # quantiles of how far pairs are from the offset, of the pairs that are drawn


@drawing.styled
def offset_figure(
    subject: Subject, energy_E: np.ndarray, checks: Sequence[ReferenceCheck], offset: str
) -> Figure:
    """Draw each reference on the computed spectra that it fits best, a panel each.

    Parameters
    ----------
    subject, energy_E
        Of the computed spectra: the family, and their energies, shape (E,).
    checks
        The references, drawn as measured and moved by their own best shifts.
    offset
        The result as text, for the heading.

    Returns
    -------
    Figure
        One column wide.
    """
    figure = drawing.new_figure(0.7 + _REFERENCE_INCHES * len(checks), subject, offset)
    panels = figure.subplots(len(checks), 1, sharex=True, squeeze=False)[:, 0]
    for ax, one in zip(panels, checks, strict=True):
        for spectrum_E in one.nearest_NE:
            ax.plot(energy_E, spectrum_E, color=LIGHT_GREY, lw=0.6, label="computed")
        match = one.match
        for shift, label, colour, line in (
            (0.0, "as measured", BLUE, ":"),
            (match.shift, "moved", BLACK, "-"),
        ):
            moved = one.prepared.energy_M + shift
            shown = (moved > energy_E[0] - 10) & (moved < energy_E[-1])
            ax.plot(moved[shown], one.prepared.absorption_M[shown], color=colour, ls=line, label=label)
        ax.set_title(
            f"{shortened(Path(one.file).name)}\n{one.compound}: {match.shift:+.1f} ± {match.deviation:.1f} eV",
            loc="left", fontsize=6.5, color=GREY, parse_math=False,
        )  # fmt: skip
        ax.set_ylabel("Absorption,\nnormalised")
    panels[-1].set_xlabel(f"{subject.energy_label}, scale of the code")
    drawing.legend_below(figure, list(panels))
    return figure


@drawing.styled
def pairs_figure(subject: Subject, pairs: CodePairs) -> Figure:
    """Draw the shifts of the materials that two codes have in common, and two of the pairs before and after.

    The pairs are those whose own shift is as far from the offset as that of half of them, and of nine in ten. Both
    are moved by the offset, as other spectra will be, and scaled by their own factors.

    Returns
    -------
    Figure
        One column wide.
    """
    result = pairs.result
    figure = drawing.new_figure(
        1.1 + _SHIFTS_INCHES + _REFERENCE_INCHES * len(_EXAMPLES),
        subject,
        f"{scale_of(pairs.moved)} to {scale_of(pairs.onto)}",
        f"offset {_signed(result.offset)} ± {result.spread:.2f} eV",
    )
    top, *panels = figure.subplots(
        1 + len(_EXAMPLES), 1, height_ratios=[_SHIFTS_INCHES, *[_REFERENCE_INCHES] * len(_EXAMPLES)]
    )
    _draw_shifts(top, pairs)
    for ax, quantile in zip(panels, _EXAMPLES, strict=True):
        _draw_pair(ax, pairs, quantile)
        ax.sharex(panels[-1])
    panels[-1].set_xlabel(f"{subject.energy_label}, scale of {scale_of(pairs.onto)}")
    figure.align_ylabels()
    drawing.legend_below(figure, panels)
    return figure


def _draw_shifts(ax: Axes, pairs: CodePairs) -> None:
    """Draw how the shifts of the materials are distributed, with their median and spread."""
    result = pairs.result
    width = np.ptp(result.material_shifts)
    bins = int(np.clip(width / max(result.spread / _BINS_A_SPREAD, 1e-3), _FEWEST_BINS, _MOST_BINS))
    ax.axvspan(
        result.offset - result.spread, result.offset + result.spread, color=LIGHT_GREY, alpha=0.5,
        label=f"± spread, {result.spread:.2f} eV",
    )  # fmt: skip
    ax.hist(result.material_shifts, bins=bins, color=BLUE, rwidth=0.9)
    ax.axvline(result.offset, color=BLACK, label=f"median, {_signed(result.offset)} eV")
    # A single material far off is seen below the bars.
    below = np.full(result.materials, -0.05 * ax.get_ylim()[1])
    ax.plot(result.material_shifts, below, "|", color=BLACK, ms=3.5, mew=0.4)
    ax.set(xlabel="Shift of a material (eV)", ylabel="Materials")
    ax.set_title(f"{result.sites} sites of {result.materials} materials", loc="left", color=GREY)
    ax.legend()


def _draw_pair(ax: Axes, pairs: CodePairs, quantile: float) -> None:
    """Draw the pair whose shift is as far from the offset as that quantile, before and after."""
    offset = pairs.result.offset
    order = (pairs.known["shift"] - offset).abs().sort_values(kind="stable").index.to_numpy()
    n = order[min(int(quantile * len(order)), len(order) - 1)]
    pair = pairs.table.loc[n].to_dict()
    moved, onto = pairs.moved, pairs.onto
    ax.plot(onto.energy_E, onto.spectra_NE[n], color=BLACK, label=scale_of(onto))
    for shift, factor, colour, line, label in (
        (0.0, 1.0, BLUE, ":", "as computed"),
        (offset, pair["amplitude"], VERMILION, "--", "moved and scaled"),
    ):
        energy_E = moved.energy_E + shift
        shown_E = (energy_E > onto.energy_E[0] - 5) & (energy_E < onto.energy_E[-1])
        name = f"{scale_of(moved)}, {label}"
        ax.plot(energy_E[shown_E], factor * moved.spectra_NE[n][shown_E], color=colour, ls=line, label=name)
    ax.set_title(
        f"{shortened(str(moved.material_N[n]))}, site {moved.site_N[n]}: "
        f"its own shift {_signed(pair['shift'])} eV, factor {pair['amplitude']:.2f}",
        loc="left", fontsize=6.5, color=GREY, parse_math=False,
    )  # fmt: skip
    ax.set_ylabel("Absorption,\nnormalised")


def _signed(number: float) -> str:
    return f"{number:+.2f}".replace("-", "−")
