"""Figures of a comparison: how well each two codes agree, how far they are shifted, and pairs of spectra."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.analysis.comparison.pairs import Comparison
from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, PAGE_INCHES, VERMILION

_CELL_INCHES, _MOST_COLUMN_CODES = 0.52, 4
_PANEL_INCHES = 1.35
_LEAST_WIDTH = 0.1  # eV, of a broadening that shows


@drawing.styled
def agreement_matrix(subject: Subject, summaries: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the mean Spearman correlation of each two codes as cells, with the shift below it."""
    names = list(dict.fromkeys(name for one in summaries for name in (one["first"], one["second"])))
    width = drawing.COLUMN_INCHES if len(names) <= _MOST_COLUMN_CODES else PAGE_INCHES
    figure = drawing.new_figure(1.3 + _CELL_INCHES * len(names), subject, "agreement", width=width)
    ax = figure.subplots()
    place = {name: i for i, name in enumerate(names)}
    score_CC = np.full((len(names), len(names)), np.nan)
    for one in summaries:
        mean = one["spearman"]["mean"]
        for i, j, sign in (
            (place[one["first"]], place[one["second"]], 1),
            (place[one["second"]], place[one["first"]], -1),
        ):
            score_CC[i, j] = np.nan if mean is None else mean
            if mean is not None:
                dark = mean < 0.75
                text = f"{mean:.3f}\n{sign * one['shift']:+.1f} {_unit(subject)}"
                ax.text(
                    j,
                    i,
                    text.replace("-", "−"),
                    ha="center",
                    va="center",
                    fontsize=6,
                    color="white" if dark else BLACK,
                )
    ax.imshow(score_CC, vmin=0.5, vmax=1, cmap="cividis", aspect="auto")
    labels = [shortened(name, 18, 9, 8) for name in names]
    ax.set_xticks(range(len(names)), labels, rotation=30, ha="right", parse_math=False)
    ax.set_yticks(range(len(names)), labels, parse_math=False)
    ax.set_xlabel("fitted to")
    ax.set_ylabel("moved")
    ax.tick_params(length=0)
    return figure


@drawing.styled
def shift_figure(subject: Subject, comparisons: Sequence[Comparison]) -> Figure:
    """Draw the shifts of the pairs of each two codes about their median."""
    shown = [one for one in comparisons if one.joint is not None]
    figure = drawing.new_figure(0.9 + 0.42 * len(shown), subject, "shifts of pairs")
    ax = figure.subplots()
    for row, one in enumerate(shown):
        joint = one.joint
        assert joint is not None, "those shown have one"
        shift_N = one.table["shift"].to_numpy() - joint.offset
        jitter_N = np.random.default_rng(0).uniform(-0.22, 0.22, len(shift_N))
        ax.plot(shift_N, row + jitter_N, ".", color=BLUE, ms=2, alpha=0.6, mew=0)
        error = one.summary(1, 0)["shift_error"]
        ax.errorbar(0, row, xerr=error, fmt="|", color=BLACK, ms=8, capsize=2)
    labels = [
        f"{shortened(one.first, 14, 7, 6)} → {shortened(one.second, 14, 7, 6)}: "
        f"{one.joint.offset:+.2f} {_unit(subject)}"
        for one in shown
        if one.joint is not None
    ]
    ax.set_yticks(range(len(shown)), labels, fontsize=6, parse_math=False)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.axvline(0, color=GREY, lw=0.5, ls=":")
    ax.set_xlabel(f"Shift less the median ({subject.energy_unit})")
    return figure


@drawing.styled
def pairs_figure(subject: Subject, comparison: Comparison) -> Figure:
    """Draw the pairs that agree least, the first moved, scaled and offset onto the second."""
    rows = -(-len(comparison.curves) // 2)
    columns = min(2, len(comparison.curves))
    first, second = (shortened(name, 22, 11, 10) for name in (comparison.first, comparison.second))
    about = replace(subject, family=f"{first}, {second}")
    figure = drawing.new_figure(0.8 + _PANEL_INCHES * rows, about, "pairs that agree least")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    table = comparison.table.set_index(["material", "site"])
    for ax, one in zip(panels, comparison.curves, strict=False):
        row = table.loc[[(one.material, one.site)]].iloc[0]
        ax.plot(one.energy_E, one.second_E, color=BLACK, lw=1.0, label=second)
        ax.plot(one.energy_E, one.first_E, color=VERMILION, lw=0.9, label=f"{first}, moved")
        # The sharper of the two is either.
        sharper_E = one.first_broadened_E if row["width"] > 0 else one.second_broadened_E
        if abs(row["width"]) >= _LEAST_WIDTH:
            ax.plot(one.energy_E, sharper_E, color=BLUE, lw=0.8, ls="--", label="the sharper one broadened")
        name = shortened(str(one.material), 16, 8, 7)
        ax.set_title(f"{name} {one.site}: ρ {row['spearman']:.3f}", fontsize=6.5, parse_math=False)
        ax.set_yticks([])
    for ax in panels[len(comparison.curves) :]:
        ax.remove()
    for ax in panels[max(0, len(comparison.curves) - columns) : len(comparison.curves)]:
        ax.set_xlabel(f"{subject.energy_label} of {second}", fontsize=7, parse_math=False)
    panels[0].set_ylabel("Absorption (arb. units)")
    drawing.legend_below(figure, list(panels[: len(comparison.curves)]), columns=2)
    return figure


@drawing.styled
def convergence_figure(subject: Subject, table: pd.DataFrame, threshold: float) -> Figure:
    """Draw how far each setting is from the last one of its code."""
    figure = drawing.new_figure(2.3, subject, "distance to the last setting")
    ax = figure.subplots()
    for code, colour in zip(table["code"].unique(), (BLUE, VERMILION, BLACK, GREY) * 4, strict=False):
        own = table[(table["code"] == code) & (table["distance"] > 0)]
        ax.plot(own["order"], own["distance"], "o-", color=colour, ms=3, label=str(code))
    # Codes may have settings of their own.
    settings = table.groupby("order")["setting"].agg(lambda own: " / ".join(dict.fromkeys(own)))
    ax.set_xticks(settings.index, settings, rotation=30, ha="right", parse_math=False)
    ax.axhline(threshold, color=GREY, lw=0.6, ls=":")
    ax.set_yscale("log")
    ax.set_xlabel("Setting")
    ax.set_ylabel("1 − Spearman")
    drawing.legend_below(figure, ax)
    return figure


def _unit(subject: Subject) -> str:
    return "" if subject.energy_unit == "index" else subject.energy_unit
