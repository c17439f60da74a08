"""Figures of descriptors: against their style, as predicted against the truth, and classes as predicted.

What a figure is about, `subject` and `split` or `what`, heads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject, quantity, unit_text, with_unit
from rankaae_cli.core.statistics.calibration import apply_calibration
from rankaae_cli.reports.figures import drawing, plotly
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, ORANGE, VERMILION
from rankaae_cli.reports.tables import print_number

_BAND = ORANGE + "40"
_CURVE_POINTS, _INTERACTIVE_CURVE_POINTS = 300, 120
_JITTER = 0.12  # of the distance between classes
_POINTS_AT_MOST = 3000  # beyond this, points hide one another and their density is drawn instead


@dataclass(frozen=True)
class DescriptorScores:
    """A descriptor and how well it is predicted.

    Attributes
    ----------
    name, unit
        As in the family file.
    classes
        The values it takes, where it takes few.
    calibration
        Of `rankaae_cli.core.statistics.calibration.fit_calibration`; None where there is none.
    score
        Of metrics.json: ``spearman``, ``r2`` and ``mae``.
    """

    name: str
    unit: str
    classes: Sequence[float] | None
    calibration: Mapping[str, Any] | None
    score: Mapping[str, Any]

    @property
    def interval_label(self) -> str:
        """Name of the band of its interval."""
        assert self.calibration is not None
        return f"{100 * self.calibration['coverage']:.0f} % interval"


@dataclass(frozen=True)
class _Panel:
    """The spectra of which a descriptor is known, the points they are drawn at, and a line with its band."""

    rows: pd.DataFrame
    true_N: np.ndarray
    x_N: np.ndarray
    y_N: np.ndarray
    line: tuple[np.ndarray, np.ndarray] | None
    half_width: float | None


@drawing.styled
def style_vs_descriptor(
    subject: Subject, rows: pd.DataFrame, descriptors: Sequence[DescriptorScores], split: str
) -> Figure:
    """Draw each descriptor against its style, with the calibration and its interval.

    Parameters
    ----------
    rows
        Columns ``material``, ``site``, and of each descriptor ``<name>_style`` and ``<name>_true``.
    descriptors
        One a panel.
    """
    figure, axes, spare = _axes(subject, len(rows), len(descriptors), split)
    for ax, d in zip(axes, descriptors, strict=True):
        panel = _against_style(rows, d, _CURVE_POINTS)
        _draw(ax, panel, d, split, {"color": VERMILION, "label": "calibration (validation)"}, alpha=0.25)
        ax.set(xlabel=f"Style {d.name} (std. dev.)", ylabel=with_unit(d.name, d.unit))
        ax.set_title(f"Spearman ρ = {print_number(d.score['spearman'], 2)}")
        if d.classes:
            ax.set_yticks(list(d.classes))
    _legend(figure, axes, spare)
    return figure


@drawing.styled
def prediction_vs_truth(
    subject: Subject, rows: pd.DataFrame, descriptors: Sequence[DescriptorScores], split: str
) -> Figure:
    """Draw each descriptor as predicted from the spectrum against its true value.

    Parameters
    ----------
    subject, descriptors, split
        As of `style_vs_descriptor`.
    rows
        Contents of predictions.csv.
    """
    figure, axes, spare = _axes(subject, len(rows), len(descriptors), split)
    for ax, d in zip(axes, descriptors, strict=True):
        look = {"color": BLACK, "lw": 0.8, "ls": "--", "label": "read = true"}
        _draw(ax, _against_truth(rows, d), d, split, look, alpha=0.22)
        ax.set(
            xlabel=with_unit(f"{d.name}, true", d.unit),
            ylabel=with_unit(f"{d.name}, read", d.unit),
        )
        ax.set_title(f"ρ = {print_number(d.score['spearman'], 2)}, R² = {print_number(d.score['r2'], 2)}")
        error = f"MAE {quantity(print_number(d.score['mae'], 2), d.unit)}"
        ax.text(0.98, 0.03, error, transform=ax.transAxes, ha="right", va="bottom", parse_math=False)
        if d.classes:
            ax.set_xticks(list(d.classes))
            ax.set_yticks(list(d.classes))
    _legend(figure, axes, spare)
    return figure


def interactive_style_vs_descriptor(
    subject: Subject, rows: pd.DataFrame, descriptors: Sequence[DescriptorScores], split: str
) -> Any:
    """Return the plotly figure of `style_vs_descriptor`."""
    layout, panels = _panels(subject, len(rows), descriptors, split)
    traces: list[dict[str, Any]] = []
    for i, (at, d) in enumerate(zip(panels, descriptors, strict=True)):
        panel = _against_style(rows, d, _INTERACTIVE_CURVE_POINTS)
        traces += _band(at, panel, d, i == 0)
        if panel.line is not None:
            hover = f"calibration: {plotly.escaped(d.name)} %{{y:.4g}}<extra></extra>"
            traces.append(
                plotly.line(
                    at, *panel.line, "calibration (validation)", VERMILION, hover,
                    legendgroup="calibration", showlegend=i == 0,
                )
            )  # fmt: skip
        name, unit = plotly.escaped(d.name), plotly.escaped(unit_text(d.unit))
        hover = f"%{{text}}<br>style {name} %{{x:.3f}}<br>true %{{customdata}} {unit}<extra></extra>"
        traces.append(_points(at, panel, hover, split, i == 0))
        plotly.set_axis(layout, at[0], f"Style {d.name} (std. dev.)")
        plotly.set_axis(layout, at[1], with_unit(d.name, d.unit), **_class_ticks(d.classes))
        plotly.panel_title(layout, at, f"Spearman ρ = {print_number(d.score['spearman'], 2)}")
    return plotly.figure_of(traces, layout)


def interactive_prediction_vs_truth(
    subject: Subject, rows: pd.DataFrame, descriptors: Sequence[DescriptorScores], split: str
) -> Any:
    """Return the plotly figure of `prediction_vs_truth`."""
    layout, panels = _panels(subject, len(rows), descriptors, split)
    traces: list[dict[str, Any]] = []
    for i, (at, d) in enumerate(zip(panels, descriptors, strict=True)):
        panel = _against_truth(rows, d)
        traces += _band(at, panel, d, i == 0)
        if panel.line is not None:
            traces.append(
                plotly.line(
                    at, *panel.line, "read = true", BLACK, line_dash="dash", line_width=1,
                    hoverinfo="skip", hovertemplate=None, legendgroup="equal", showlegend=i == 0,
                )
            )  # fmt: skip
        unit = plotly.escaped(unit_text(d.unit))
        hover = f"%{{text}}<br>true %{{customdata}} {unit}<br>read %{{y:.4g}} {unit}<extra></extra>"
        traces.append(_points(at, panel, hover, split, i == 0))
        plotly.set_axis(layout, at[0], with_unit(f"{d.name}, true", d.unit), **_class_ticks(d.classes))
        plotly.set_axis(layout, at[1], with_unit(f"{d.name}, read", d.unit), **_class_ticks(d.classes))
        error = quantity(print_number(d.score["mae"], 2), d.unit)
        plotly.panel_title(layout, at, f"R² = {print_number(d.score['r2'], 2)}, MAE {error}")
    return plotly.figure_of(traces, layout)


@drawing.styled
def confusion(
    subject: Subject, scores: Mapping[str, Mapping[str, Any]], units: Mapping[str, str], what: str
) -> Figure:
    """Draw the confusion matrix of every descriptor that has classes.

    Parameters
    ----------
    scores
        Of each descriptor with classes, as in metrics.json.
    units
        Of the descriptors.
    """
    n_rows = -(-len(scores) // 2)
    figure = drawing.new_figure(0.45 + 1.75 * n_rows, subject, what)
    panels = figure.subplots(n_rows, 2 if len(scores) > 1 else 1, squeeze=False).ravel()
    for ax, (name, score) in zip(panels, scores.items(), strict=False):
        if score["confusion"] is None or not np.sum(score["confusion"]):
            ax.set_axis_off()
            ax.text(0.5, 0.5, f"{name}: not known", ha="center", va="center", color=GREY, parse_math=False)
            continue
        counts = np.array(score["confusion"], dtype=float)
        total = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
        text = [
            [f"{int(n)}\n{100 * s:.0f} %" if np.isfinite(s) else "0" for n, s in zip(*pair, strict=True)]
            for pair in zip(counts, share, strict=True)
        ]
        drawing.draw_cells(ax, share, text, mpl.colormaps["Blues"], Normalize(0, 1))
        ticks = [f"{c:g}" for c in score["classes"]]
        ax.set_xticklabels(ticks)
        ax.set_yticklabels(ticks)
        ax.set_xlabel(with_unit(f"{name}, read", units.get(name, "")), parse_math=False)
        ax.set_ylabel(with_unit(f"{name}, true", units.get(name, "")), parse_math=False)
        f1, balanced = (print_number(score[key], 2) for key in ("f1", "balanced_accuracy"))
        ax.set_title(f"macro-F1 {f1},\nbalanced acc. {balanced}")
    for ax in panels[len(scores) :]:
        ax.remove()
    return figure


def _against_style(rows: pd.DataFrame, descriptor: DescriptorScores, curve_points: int) -> _Panel:
    """Return points at style and true value, and the calibration over the range of the styles."""
    known = rows[np.isfinite(rows[f"{descriptor.name}_true"])]
    style_N, true_N = (known[f"{descriptor.name}_{what}"].to_numpy(float) for what in ("style", "true"))
    curve, half_width = None, None
    if descriptor.calibration is not None and len(style_N):
        x = np.linspace(style_N.min(), style_N.max(), curve_points)
        curve = x, apply_calibration(dict(descriptor.calibration), x)
        half_width = descriptor.calibration["half_width"]
    return _Panel(known, true_N, style_N, _jittered(true_N, descriptor.classes), curve, half_width)


def _against_truth(rows: pd.DataFrame, descriptor: DescriptorScores) -> _Panel:
    """Return points at true and predicted value, and the line of equality."""
    known = rows[np.isfinite(rows[f"{descriptor.name}_true"]) & np.isfinite(rows[descriptor.name])]
    true_N, predicted_N = (
        known[f"{descriptor.name}_true"].to_numpy(float),
        known[descriptor.name].to_numpy(float),
    )
    equality, half_width = None, None
    if len(true_N):
        ends = np.array([min(true_N.min(), predicted_N.min()), max(true_N.max(), predicted_N.max())])
        equality = ends, ends
        half_width = None if descriptor.calibration is None else descriptor.calibration["half_width"]
    return _Panel(known, true_N, _jittered(true_N, descriptor.classes), predicted_N, equality, half_width)


def _jittered(value_N: np.ndarray, classes: Sequence[float] | None) -> np.ndarray:
    """Spread values that fall on few classes, so that points do not hide one another; hover gives the value."""
    if not classes or len(classes) < 2:
        return value_N
    step = float(np.diff(np.sort(np.asarray(classes, dtype=float))).min())
    return value_N + np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(value_N)) * step


def _axes(
    subject: Subject, n_spectra: int, n_panels: int, split: str
) -> tuple[Figure, Sequence[Axes], Axes | None]:
    """Return a figure, its panels, one a descriptor, and the spare panel where their number is odd."""
    n_rows = -(-n_panels // 2)
    figure = drawing.new_figure(
        0.5 + 1.45 * n_rows, subject, f"{split} split, {drawing.spectra_text(n_spectra)}"
    )
    panels = figure.subplots(n_rows, min(2, n_panels), squeeze=False).ravel().tolist()
    for ax in panels[n_panels:]:
        ax.set_axis_off()
    return figure, panels[:n_panels], panels[-1] if len(panels) > n_panels else None


def _draw(
    ax: Axes, panel: _Panel, descriptor: DescriptorScores, split: str, look: dict[str, Any], alpha: float
) -> None:
    _cloud(ax, panel.x_N, panel.y_N, f"{split} spectra")
    if panel.line is None:
        return
    x, y = panel.line
    ax.plot(x, y, **look)
    if panel.half_width is not None:
        ax.fill_between(
            x, y - panel.half_width, y + panel.half_width,
            color=ORANGE, alpha=alpha, label=descriptor.interval_label, zorder=0,
        )  # fmt: skip


def _cloud(ax: Axes, x: np.ndarray, y: np.ndarray, label: str) -> None:
    """Draw points, or their density where there are too many to tell apart."""
    if len(x) > _POINTS_AT_MOST:
        ax.hexbin(x, y, gridsize=40, bins="log", mincnt=1, linewidths=0.1, label=label)
        return
    alpha = float(np.clip(60 / max(len(x), 1) ** 0.7, 0.25, 0.8))
    ax.scatter(x, y, s=5, color=BLUE, alpha=alpha, lw=0, label=label)


def _legend(figure: Figure, panels: Sequence[Axes], spare: Axes | None) -> None:
    if spare is None:
        drawing.legend_below(figure, panels, columns=3)
    else:
        spare.legend(*panels[0].get_legend_handles_labels(), loc="center left")


def _panels(
    subject: Subject, n: int, descriptors: Sequence[DescriptorScores], split: str
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    layout = plotly.new_layout(subject, f"{split} split, {n:,} spectra")
    rows = -(-len(descriptors) // 2)
    gap = (0.17, 0.42 / max(rows, 2))
    return layout, plotly.add_panels(layout, len(descriptors), min(2, len(descriptors)), gap=gap, stack=True)


def _band(
    at: tuple[str, str], panel: _Panel, descriptor: DescriptorScores, legend: bool
) -> list[dict[str, Any]]:
    if panel.line is None or panel.half_width is None:
        return []
    x, y = panel.line
    low, high = y - panel.half_width, y + panel.half_width
    return plotly.band(at, x, low, high, descriptor.interval_label, _BAND, showlegend=legend)


def _points(at: tuple[str, str], panel: _Panel, hover: str, split: str, legend: bool) -> dict[str, Any]:
    named = [
        f"{plotly.escaped(str(material))}, site {site}"
        for material, site in zip(panel.rows["material"], panel.rows["site"], strict=True)
    ]
    opacity = float(np.clip(60 / max(len(named), 1) ** 0.7, 0.3, 0.8))
    return {
        "type": "scatter", "mode": "markers", "x": panel.x_N, "y": panel.y_N, "xaxis": at[0], "yaxis": at[1],
        "text": named, "customdata": panel.true_N, "hovertemplate": hover, "name": f"{split} spectra",
        "legendgroup": "points", "showlegend": legend,
        "marker": {"size": 4.5, "color": BLUE, "opacity": opacity, "line": {"width": 0}},
    }  # fmt: skip


def _class_ticks(classes: Sequence[float] | None) -> dict[str, Any]:
    return {"tickmode": "array", "tickvals": list(classes)} if classes else {}
