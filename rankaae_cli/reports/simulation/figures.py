"""Figures of simulated spectra: of structures, of their ranking against a measured one, and of a run's errors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.analysis.simulation.ranking import Ranking
from rankaae_cli.analysis.simulation.structures import SimulatedStructures
from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.core.statistics.calibration import COVERAGE
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, VERMILION

_TITLE = (26, 12, 11)  # characters of a panel's title half a column wide, and how many of both ends are kept
_BEST = 4
_GROUPS, _IN_GROUP = 10, 20  # at most so many groups of like novelty, of at least so many spectra


@drawing.styled
def structures(subject: Subject, result: SimulatedStructures, names: Sequence[str], what: str) -> Figure:
    """Draw the average of each of those structures with the band of its curve, and its sites behind it."""
    average, rows = result.averages(), -(-len(names) // 2)
    figure = drawing.new_figure(0.75 + 1.05 * rows, subject, what)
    panels = figure.subplots(rows, min(2, len(names)), sharex=True, sharey=True, squeeze=False).ravel()
    energy_E = result.family.energy_E
    for ax, name in zip(panels, names, strict=False):
        m = average.names.index(name)
        sites_NE = result.family.spectra_NE[np.flatnonzero(result.family.material_N == name)]
        _band(ax, energy_E, average.spectra_ME[m], average.curves_ME[m])
        if len(sites_NE) > 1:
            for n, site_E in enumerate(sites_NE):
                ax.plot(energy_E, site_E, color=GREY, lw=0.5, label="" if n else "sites")
        ax.plot(energy_E, average.spectra_ME[m], color=BLACK, lw=1.0, label="average of the sites")
        count = "1 site" if len(sites_NE) == 1 else f"{len(sites_NE)} sites"
        ax.set_title(f"{shortened(name, *_TITLE)}, {count}", parse_math=False)
    _finish(figure, subject, list(panels), len(names), min(2, len(names)))
    several = next((ax for ax in panels[: len(names)] if len(ax.lines) > 1), panels[0])
    drawing.legend_below(figure, several)
    return figure


@drawing.styled
def ranking(subject: Subject, result: Ranking) -> Figure:
    """Draw the measured spectrum and the structures that fit it best, each as it fits, and the difference."""
    shown = min(_BEST, len(result.names))
    figure = drawing.new_figure(
        0.75 + 1.15 * shown, subject, f"{result.scan.title} and the structures that fit it best"
    )
    panels = figure.subplots(shown, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for n, ax in enumerate(panels):
        fit = result.fits[n]
        ax.axhline(0, color=LIGHT_GREY, lw=0.5)
        ax.plot(result.energy_W, fit.measured_W, color=BLACK, lw=1.3, label="measured")
        ax.plot(result.energy_W, fit.fitted_W, color=BLUE, ls="--", label="simulated, as it fits")
        apart_W = fit.measured_W - fit.fitted_W
        ax.plot(result.energy_W, apart_W, color=VERMILION, lw=0.8, label="difference")
        name = shortened(result.names[n], 30, 14, 13)
        ax.set_title(
            f"{n + 1}. {name}: probability {result.probability_N[n]:.2g}, difference {fit.misfit:.3f}",
            parse_math=False,
        )
    panels[shown // 2].set_ylabel(subject.absorption_label)
    panels[-1].set_xlabel(subject.energy_label)
    drawing.legend_below(figure, panels[0])
    return figure


@drawing.styled
def examples(subject: Subject, spectra: pd.DataFrame, split: str) -> Figure:
    """Draw the best, the median and the worst simulated spectrum of a split with its band."""
    parts = list(spectra.groupby("which", sort=False))
    figure = drawing.new_figure(0.6 + 1.2 * len(parts), subject, f"{split} split")
    panels = figure.subplots(len(parts), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (which, rows_E) in zip(panels, parts, strict=True):
        energy_E, low_E, high_E = (rows_E[key].to_numpy() for key in ("energy", "low", "high"))
        _band(ax, energy_E, (low_E + high_E) / 2, (high_E - low_E) / 2)
        ax.plot(rows_E["energy"], rows_E["true"], color=BLACK, lw=1.3, label="true")
        ax.plot(rows_E["energy"], rows_E["simulated"], color=VERMILION, ls="--", label="simulated")
        first, error = rows_E.iloc[0], np.abs(rows_E["simulated"] - rows_E["true"]).mean()
        ax.set_title(f"{which}: {first['material']}, site {first['site']}, MAE {error:.3f}", parse_math=False)
    panels[len(panels) // 2].set_ylabel(subject.absorption_label)
    panels[-1].set_xlabel(subject.energy_label)
    drawing.legend_below(figure, panels[0])
    return figure


@drawing.styled
def error_by_energy(subject: Subject, errors: pd.DataFrame, n: int, split: str) -> Figure:
    """Draw the mean spectrum, and beneath it the errors of simulated ones at each energy and their band."""
    figure = drawing.new_figure(3.0, subject, f"{split} split, {drawing.spectra_text(n)}")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.3))
    energy = errors["energy"]
    above.plot(energy, errors["mean_spectrum"], color=GREY, label="mean spectrum of training")
    above.set_ylabel("Absorption")
    below.axhline(0, color=LIGHT_GREY, lw=0.5)
    below.plot(
        energy, errors["half_width"], color=BLUE, ls=":", label=f"half width of {100 * COVERAGE:g} % band"
    )
    below.plot(energy, errors["mean_absolute_error"], color=BLACK, label="mean absolute error")
    below.plot(energy, errors["mean_error"], color=VERMILION, ls="--", label="mean error")
    below.set_ylabel("Error")
    below.set_xlabel(subject.energy_label)
    drawing.legend_below(figure, [above, below], columns=2)
    return figure


@drawing.styled
def error_by_novelty(subject: Subject, rows: pd.DataFrame, split: str) -> Figure:
    """Draw the error of each spectrum against the novelty of its site, and medians of groups."""
    figure = drawing.new_figure(2.5, subject, f"{split} split, {drawing.spectra_text(len(rows))}")
    ax = figure.subplots()
    inside = rows["curve_in_band"].to_numpy(dtype=bool)
    for chosen, colour, marker, label in (
        (inside, LIGHT_GREY, "o", "in its band"),
        (~inside, VERMILION, "x", "not in it"),
    ):
        part = rows[chosen]
        ax.plot(part["novelty"], part["mae"], marker, color=colour, ms=2.2, mew=0.6, label=label)
    groups = max(min(_GROUPS, len(rows) // _IN_GROUP), 1)
    parts = np.array_split(np.argsort(rows["novelty"].to_numpy()), groups)
    middle, error = ([rows[key].iloc[part].median() for part in parts] for key in ("novelty", "mae"))
    ax.plot(middle, error, "o-", color=BLACK, ms=3, lw=1.0, label=f"medians of {groups} groups")
    ax.axvline(1, color=GREY, lw=0.6, ls=":")
    ax.set_yscale("log")
    ax.set_xlabel("Novelty of the site (1: exceeded by 5 % of training)")
    ax.set_ylabel("Mean absolute error")
    drawing.legend_below(figure, ax)
    return figure


def _band(ax: Axes, energy: np.ndarray, middle: np.ndarray, half_width: np.ndarray) -> None:
    low, high = middle - half_width, middle + half_width
    ax.fill_between(energy, low, high, color=BLUE, alpha=0.22, lw=0, label="band of the curve")


def _finish(figure: Figure, subject: Subject, panels: Sequence[Axes], shown: int, columns: int) -> None:
    """Remove panels without spectra, and label the axes at the lower and the left edge."""
    for ax in panels[shown:]:
        ax.remove()
    for ax in panels[max(0, shown - columns) : shown]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(subject.energy_label)
    figure.supylabel(subject.absorption_label, fontsize=7)
