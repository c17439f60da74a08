"""Figures of fingerprints: map of the spectra, mean of each cluster, how many there are, shares in a series."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.core.comparison.fingerprints.stability import LEAST_RECOVERY, LEAST_STABILITY
from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION

# Of Okabe and Ito, in an order whose neighbours differ in grey too; their yellow is too light for lines.
_COLOURS = (BLUE, ORANGE, "#009E73", VERMILION, "#CC79A7", "#56B4E9", BLACK)
_MARKERS = "osD^vP*"
_PANEL_INCHES = 0.82
_NO_CLUSTERS = "no reliable clusters"


@drawing.styled
def fingerprint_map(subject: Subject, table: pd.DataFrame) -> Figure:
    """Draw the spectra on their map, coloured and marked by cluster; `table` is fingerprints.csv."""
    shown = table.dropna(subset=["x", "y"])
    figure = drawing.new_figure(
        3.2, subject, _clusters_text(table["cluster"]), drawing.spectra_text(len(shown))
    )
    ax = figure.subplots()
    for cluster, rows in shown.groupby("cluster"):
        ax.plot(
            rows["x"],
            rows["y"],
            _marker(cluster),
            color=_colour(cluster),
            ms=2.6,
            mew=0,
            alpha=0.75,
            label=_name(cluster),
        )
    ax.set(xticks=[], yticks=[], xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)")
    drawing.legend_below(figure, ax, columns=4)
    return figure


@drawing.styled
def fingerprint_spectra(subject: Subject, table: pd.DataFrame) -> Figure:
    """Draw the mean spectrum of each cluster with the band of nine in ten, a panel each, and the others' mean.

    Parameters
    ----------
    table
        Contents of fingerprint_spectra.csv.
    """
    groups = list(table.groupby("cluster"))
    figure = drawing.new_figure(
        0.9 + _PANEL_INCHES * max(len(groups), 2), subject, _clusters_text(table["cluster"])
    )
    panels = figure.subplots(len(groups), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (cluster, rows) in zip(panels, groups, strict=True):
        colour = _colour(cluster)
        ax.fill_between(
            rows["energy"], rows["low"], rows["high"], color=colour, alpha=0.25, lw=0, label="5 % to 95 %"
        )
        ax.plot(rows["energy"], rows["mean"], color=colour, label="mean")
        if rows["difference"].notna().any():
            others = rows["mean"] - rows["difference"]
            ax.plot(rows["energy"], others, color=GREY, lw=0.8, ls="--", label="mean of the others")
        ax.set_title(f"{_name(cluster)}: {drawing.spectra_text(int(rows['size'].iloc[0]))}", loc="left")
    figure.supylabel(subject.absorption_label, fontsize="medium")
    panels[-1].set_xlabel(subject.energy_label)
    drawing.legend_below(figure, panels[0])
    return figure


@drawing.styled
def fingerprint_numbers(subject: Subject, table: pd.DataFrame) -> Figure:
    """Draw stability and recovery against the number of clusters, beside spectra without clusters.

    Parameters
    ----------
    table
        Contents of fingerprint_numbers.csv.
    """
    chosen = table[table["chosen"]]
    about = f"{int(chosen['clusters'].iloc[0])} clusters" if len(chosen) else _NO_CLUSTERS
    figure = drawing.new_figure(2.3, subject, about)
    ax = figure.subplots()
    for column, label, colour, line, marker in (
        ("stability", "stability", BLUE, "-", "o"),
        ("without", "stability without clusters", GREY, "--", "s"),
    ):
        low, high = table[f"{column}_low"], table[f"{column}_high"]
        ax.fill_between(table["clusters"], low, high, color=colour, alpha=0.2, lw=0)
        ax.plot(table["clusters"], table[column], color=colour, ls=line, marker=marker, ms=3, label=label)
    recovery = table["recovery"]
    ax.plot(table["clusters"], recovery, color=ORANGE, ls="-.", marker="^", ms=3, label="worst cluster again")
    ax.axhline(LEAST_STABILITY, color=BLUE, lw=0.6, ls=":", label="least that is reliable")
    ax.axhline(LEAST_RECOVERY, color=ORANGE, lw=0.6, ls=":")
    if len(chosen):
        ax.plot(
            chosen["clusters"], chosen["stability"], "o", color=VERMILION, ms=6, mfc="none", label="chosen"
        )
    ax.set(xlabel="Number of clusters", ylabel="Agreement of halves", ylim=(-0.05, 1.05))
    ax.set_xticks(table["clusters"])
    drawing.legend_below(figure, ax, columns=2)
    return figure


@drawing.styled
def fingerprint_series(subject: Subject, table: pd.DataFrame, changes: Sequence[float], label: str) -> Figure:
    """Draw the shares of the clusters along a series, with its change points.

    Parameters
    ----------
    table
        Contents of fingerprint_series.csv.
    changes
        Change points of the shares.
    label
        Of the axis, with its unit.
    """
    share = table.pivot(index="value", columns="cluster", values="share")
    figure = drawing.new_figure(2.3, subject, _clusters_text(table["cluster"]))
    ax = figure.subplots()
    stack = ax.stackplot(
        share.index,
        share.to_numpy().T,
        labels=[_name(cluster) for cluster in share.columns],
        colors=[_colour(cluster) for cluster in share.columns],
        alpha=0.8,
    )
    for band in stack:
        band.set(edgecolor="white", linewidth=0.6)
    for i, change in enumerate(changes):
        ax.axvline(change, color=BLACK, lw=0.9, ls="--", label="change" if i == 0 else None)
    ax.set(xlabel=label, ylabel="Share of spectra", ylim=(0, 1), xlim=(share.index.min(), share.index.max()))
    drawing.legend_below(figure, ax, columns=4)
    return figure


@drawing.styled
def fingerprint_components(subject: Subject, table: pd.DataFrame, variance_share: Sequence[float]) -> Figure:
    """Draw the principal components below the mean spectrum; `table` is fingerprint_components.csv."""
    figure = drawing.new_figure(2.9, subject, "principal components")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.3))
    top.plot(table["energy"], table["mean"], color=BLACK, label="mean spectrum")
    top.set_ylabel("Absorption")
    for number, (share, colour, line) in enumerate(
        zip(variance_share, (BLUE, VERMILION, ORANGE), ("-", "--", ":"), strict=False), start=1
    ):
        label = f"component {number}, {100 * share:.0f} %"
        bottom.plot(table["energy"], table[f"component_{number}"], color=colour, ls=line, label=label)
    bottom.axhline(0, color=LIGHT_GREY, lw=0.5, zorder=0)
    bottom.set(xlabel=subject.energy_label, ylabel="Change by one\nstd. deviation")
    drawing.legend_below(figure, [top, bottom], columns=2)
    return figure


def _clusters_text(clusters: pd.Series) -> str:
    number = clusters[clusters > 0].nunique()
    return f"{number} clusters" if number else _NO_CLUSTERS


def _name(cluster: object) -> str:
    return f"cluster {cluster}" if cluster else "all spectra"


def _colour(cluster: object) -> str:
    number = int(str(cluster))
    return _COLOURS[(number - 1) % len(_COLOURS)] if number else GREY


def _marker(cluster: object) -> str:
    return _MARKERS[(int(str(cluster)) - 1) % len(_MARKERS)]
