"""Contact sheets: small figures of how many measured spectra were normalised."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.core.xas.normalisation import Normalised
from rankaae_cli.data.measured.prepared import Prepared
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION

_BELOW, _ABOVE = 40.0, 100.0  # eV about E0 that a normalised spectrum is shown over
_COLUMNS, _ROWS = 5, 8
_SHEET_INCHES = (7.0, 9.4)
_NAME_CHARACTERS = 26
_SCAN = (0.45, 0.06, 0.54, 0.46)  # of a panel: left, bottom, width and height of what is inset


@drawing.styled
def contact_sheets(prepared: Sequence[Prepared], title: str) -> list[Figure]:
    """Draw many normalised spectra, small, forty a page.

    Parameters
    ----------
    prepared
        In the order in which to show them.
    title
        Above each page.

    Returns
    -------
    list of Figure
        One a page; each panel has the normalised spectrum about its edge with E0 and the half-step energy, and
        inset the whole scan, its pre-edge taken out but not flattened, with its post-edge and the ranges of the
        fits.
    """
    size = _COLUMNS * _ROWS
    pages = [prepared[i : i + size] for i in range(0, len(prepared), size)]
    return [_sheet(page, f"{title}, page {i} of {len(pages)}") for i, page in enumerate(pages, 1)]


def write_sheets(prepared: Sequence[Prepared], title: str, stem: Path) -> list[Path]:
    """Write contact sheets as ``<stem>-<page>.pdf``; return the paths.

    Where they cannot be drawn, that is printed and nothing returned: the spectra are worth more than their
    pictures.
    """
    paths: list[Path] = []
    try:
        for page, figure in enumerate(contact_sheets(prepared, title), 1):
            paths += drawing.save_figure(figure, stem.with_name(f"{stem.name}-{page}"), ("pdf",))
    except Exception as error:
        print(f"how they were normalised could not be drawn: {error}", file=sys.stderr, flush=True)
        return []
    return paths


def sheets_remark(paths: Sequence[Path]) -> str:
    """Return what to do with the sheets, as a sentence."""
    more = f" (and {len(paths) - 1} more pages)" if len(paths) > 1 else ""
    return f"{paths[0]}: look whether they were normalised well{more}"


def _sheet(page: Sequence[Prepared], title: str) -> Figure:
    rows = -(-len(page) // _COLUMNS)
    height = 0.6 + (_SHEET_INCHES[1] - 0.6) * rows / _ROWS
    figure = Figure(figsize=(_SHEET_INCHES[0], height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=GREY, parse_math=False)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False)
    for ax in axes.flat[len(page) :]:
        ax.axis("off")
    for ax, one in zip(axes.flat, page, strict=False):
        _draw_normalised(ax, one)
        if one.normalised is not None:
            _draw_scan(ax, one.normalised)
        ax.set_title(_broken(one.spectrum.name), fontsize=5.5, parse_math=False)
        ax.tick_params(labelsize=5)
        ax.locator_params(axis="x", nbins=3)
    for i in range(max(0, len(page) - _COLUMNS), len(page)):
        axes.flat[i].set_xlabel("Energy (eV)", fontsize=6)
    for row in axes:
        row[0].set_ylabel("Absorption,\nnormalised", fontsize=6)
    shown = list(axes.flat[: len(page)])
    drawing.legend_below(figure, [*shown, *(inset for ax in shown for inset in ax.child_axes)], columns=7)
    return figure


def _draw_scan(ax: Axes, done: Normalised) -> None:
    """Draw the whole scan small, its pre-edge taken out, where a normalised spectrum leaves room: below 0.6."""
    inset = ax.inset_axes(_SCAN)
    inset.patch.set_alpha(0.8)
    scan_M = (done.mu_M - done.pre_edge_M) / done.edge_step
    post_M = (done.post_edge_M - done.pre_edge_M) / done.edge_step
    above = done.energy_M >= done.e0
    inset.axhline(0, color=ORANGE, lw=0.6, label="pre-edge")
    inset.plot(done.energy_M, scan_M, color=GREY, lw=0.6, label="whole scan, less its pre-edge")
    inset.plot(done.energy_M[above], post_M[above], color=VERMILION, lw=0.6, ls="--", label="post-edge")
    for low, high in ((done.ranges.pre1, done.ranges.pre2), (done.ranges.norm1, done.ranges.norm2)):
        assert low is not None and high is not None
        inset.axvspan(done.e0 + low, done.e0 + high, color=LIGHT_GREY, alpha=0.35, lw=0, label="fitted in")
    # The scan decides on the height: a fit that runs away from it may leave the panel.
    inset.set(
        xticks=[], yticks=[], ylim=(min(-0.2, float(scan_M.min())), max(1.2, float(scan_M.max()) + 0.1))
    )
    for spine in inset.spines.values():
        spine.set(visible=True, linewidth=0.4, color=LIGHT_GREY)


def _draw_normalised(ax: Axes, prepared: Prepared) -> None:
    """Draw the normalised spectrum about its edge, with its levels."""
    done = prepared.normalised
    centre = done.e0 if done else float(prepared.energy_M[np.argmax(prepared.absorption_M >= 0.5)])
    shown = (prepared.energy_M > centre - _BELOW) & (prepared.energy_M < centre + _ABOVE)
    energy, absorption = prepared.energy_M[shown], prepared.absorption_M[shown]
    for level in (0, 1):
        ax.axhline(level, color=LIGHT_GREY, lw=0.5)
    ax.plot(energy, absorption, color=BLUE, lw=0.8, label="normalised")
    if done:
        ax.axvline(done.e0, color=BLACK, lw=0.6, ls=":", label="E₀")
        ax.plot([done.half_step], [0.5], "o", color=BLACK, ms=1.6, label="half step")
    ax.set_ylim(min(-0.15, float(absorption.min()) - 0.05), max(1.3, float(absorption.max()) + 0.1))


def _broken(name: str) -> str:
    """Break a long name in two lines, and cut out the middle of one that is longer still."""
    if len(name) <= _NAME_CHARACTERS:
        return name
    if len(name) > 2 * _NAME_CHARACTERS:
        name = f"{name[: _NAME_CHARACTERS - 1]}…{name[-_NAME_CHARACTERS:]}"
    half = -(-len(name) // 2)
    return f"{name[:half]}\n{name[half:]}"
