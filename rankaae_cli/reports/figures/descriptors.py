"""Interactive figures of descriptors read: against their style, and against the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.core.labels import Subject, quantity, unit_text, with_unit
from rankaae_cli.core.statistics.calibration import apply_calibration
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, VERMILION
from rankaae_cli.reports.figures.plotly import (
    add_panels,
    band,
    escaped,
    figure_of,
    line,
    new_layout,
    panel_title,
    set_axis,
)
from rankaae_cli.reports.tables import print_number

_BAND = "#E69F0040"
_CALIBRATION_POINTS = 120
_JITTER = 0.12  # of the distance between classes


@dataclass(frozen=True)
class Reading:
    """One descriptor for a panel.

    Attributes
    ----------
    name, unit
        As in the family file.
    classes
        The values it takes, where it takes few.
    calibration
        Of `core.calibration.fit_calibration`; None where there is none.
    score
        Of metrics.json: ``spearman``, ``r2`` and ``mae``.
    """

    name: str
    unit: str
    classes: Sequence[float] | None
    calibration: Mapping[str, Any] | None
    score: Mapping[str, Any]


def style_vs_descriptor(subject: Subject, rows: pd.DataFrame, readings: Sequence[Reading], split: str) -> Any:
    """Return each descriptor against its style.

    Parameters
    ----------
    subject, split
        What the figure is about.
    rows
        Columns ``material``, ``site``, and of each descriptor ``<name>_style`` and ``<name>_true``.
    readings
        One a panel.
    """
    layout, panels = _panels(subject, len(rows), readings, split)
    traces: list[dict[str, Any]] = []
    for i, (panel, r) in enumerate(zip(panels, readings, strict=True)):
        shown = rows[rows[f"{r.name}_true"].notna()]
        x, true = shown[f"{r.name}_style"].to_numpy(float), shown[f"{r.name}_true"].to_numpy(float)
        if r.calibration is not None and len(x):
            grid = np.linspace(x.min(), x.max(), _CALIBRATION_POINTS)
            y, half = apply_calibration(dict(r.calibration), grid), r.calibration["half_width"]
            label = f"{100 * r.calibration['coverage']:.0f} % interval"
            traces += band(panel, grid, y - half, y + half, label, _BAND, showlegend=i == 0)
            hover = f"calibration: {escaped(r.name)} %{{y:.4g}}<extra></extra>"
            traces.append(
                line(
                    panel, grid, y, "calibration (validation)", VERMILION, hover,
                    legendgroup="calibration", showlegend=i == 0,
                )
            )  # fmt: skip
        unit = escaped(unit_text(r.unit))
        hover = (
            f"%{{text}}<br>style {escaped(r.name)} %{{x:.3f}}<br>true %{{customdata}} {unit}<extra></extra>"
        )
        traces.append(_points(panel, shown, x, _jittered(true, r.classes), hover, split, i, true))
        set_axis(layout, panel[0], f"Style {r.name} (std. dev.)")
        set_axis(layout, panel[1], with_unit(r.name, r.unit), **_class_ticks(r.classes))
        panel_title(layout, panel, f"Spearman ρ = {print_number(r.score['spearman'], 2)}")
    return figure_of(traces, layout)


def prediction_vs_truth(subject: Subject, rows: pd.DataFrame, readings: Sequence[Reading], split: str) -> Any:
    """Return each descriptor as read against its true value.

    Parameters
    ----------
    subject, readings, split
        As of `style_vs_descriptor`.
    rows
        Contents of predictions.csv.
    """
    layout, panels = _panels(subject, len(rows), readings, split)
    traces: list[dict[str, Any]] = []
    for i, (panel, r) in enumerate(zip(panels, readings, strict=True)):
        shown = rows[rows[f"{r.name}_true"].notna() & rows[r.name].notna()]
        true, read = shown[f"{r.name}_true"].to_numpy(float), shown[r.name].to_numpy(float)
        if len(true):
            ends = np.array([min(true.min(), read.min()), max(true.max(), read.max())])
            if r.calibration is not None:
                half = r.calibration["half_width"]
                label = f"{100 * r.calibration['coverage']:.0f} % interval"
                traces += band(panel, ends, ends - half, ends + half, label, _BAND, showlegend=i == 0)
            traces.append(
                line(
                    panel, ends, ends, "read = true", BLACK, line_dash="dash", line_width=1,
                    hoverinfo="skip", hovertemplate=None, legendgroup="equal", showlegend=i == 0,
                )
            )  # fmt: skip
        unit = escaped(unit_text(r.unit))
        hover = f"%{{text}}<br>true %{{customdata}} {unit}<br>read %{{y:.4g}} {unit}<extra></extra>"
        traces.append(_points(panel, shown, _jittered(true, r.classes), read, hover, split, i, true))
        set_axis(layout, panel[0], with_unit(f"{r.name}, true", r.unit), **_class_ticks(r.classes))
        set_axis(layout, panel[1], with_unit(f"{r.name}, read", r.unit), **_class_ticks(r.classes))
        error = quantity(print_number(r.score["mae"], 2), r.unit)
        panel_title(layout, panel, f"R² = {print_number(r.score['r2'], 2)}, MAE {error}")
    return figure_of(traces, layout)


def _panels(
    subject: Subject, n: int, readings: Sequence[Reading], split: str
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    layout = new_layout(subject, f"{split} split, {n:,} spectra")
    rows = -(-len(readings) // 2)
    gap = (0.17, 0.42 / max(rows, 2))
    return layout, add_panels(layout, len(readings), min(2, len(readings)), gap=gap, stack=True)


def _points(
    panel: tuple[str, str],
    rows: pd.DataFrame,
    x: np.ndarray,
    y: np.ndarray,
    hover: str,
    split: str,
    index: int,
    true: np.ndarray,
) -> dict[str, Any]:
    named = [
        f"{escaped(str(material))}, site {site}"
        for material, site in zip(rows["material"], rows["site"], strict=True)
    ]
    opacity = float(np.clip(60 / max(len(x), 1) ** 0.7, 0.3, 0.8))
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": y, "xaxis": panel[0], "yaxis": panel[1],
        "text": named, "customdata": true, "hovertemplate": hover, "name": f"{split} spectra",
        "legendgroup": "points", "showlegend": index == 0,
        "marker": {"size": 4.5, "color": BLUE, "opacity": opacity, "line": {"width": 0}},
    }  # fmt: skip


def _class_ticks(classes: Sequence[float] | None) -> dict[str, Any]:
    return {"tickmode": "array", "tickvals": list(classes)} if classes else {}


def _jittered(value_N: np.ndarray, classes: Sequence[float] | None) -> np.ndarray:
    """Spread values that fall on few classes, so that points do not hide one another; hover gives the value."""
    if not classes or len(classes) < 2:
        return value_N
    step = float(np.diff(np.sort(np.asarray(classes, dtype=float))).min())
    return value_N + np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(value_N)) * step
