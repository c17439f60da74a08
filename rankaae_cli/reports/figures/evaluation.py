"""Figures of a run: learning curves, descriptors read, spectra reconstructed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rankaae_cli.core.labels import Subject, metric_label, quantity, with_unit
from rankaae_cli.core.statistics.calibration import apply_calibration
from rankaae_cli.reports.figures.drawing import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    ORANGE,
    VERMILION,
    legend_below,
    new_figure,
    styled,
)
from rankaae_cli.reports.tables import print_number

_POINTS_AT_MOST = 3000  # beyond this, points hide one another and their density is drawn instead
_TITLE_CHARACTERS = 28  # of a panel half a column wide


@dataclass(frozen=True)
class DescriptorReading:
    """One descriptor on one split, for a panel.

    Attributes
    ----------
    name, unit
        As in the family file.
    style_N, true_N, predicted_N
        Shape (N,); NaN where not known.
    calibration
        Of `rankaae_cli.core.statistics.calibration.fit_calibration`.
    spearman, r2, mae
        Numbers for the panel's title.
    classes
        The values it takes, where it takes few.
    """

    name: str
    unit: str
    style_N: np.ndarray
    true_N: np.ndarray
    predicted_N: np.ndarray
    calibration: dict[str, Any] | None
    spearman: float
    r2: float
    mae: float
    classes: Sequence[float] | None = None


@dataclass(frozen=True)
class ReconstructionExample:
    """One spectrum and its reconstruction, shape (E,); `title` says which it is."""

    title: str
    spectrum_E: np.ndarray
    reconstruction_E: np.ndarray
    mae: float


@styled
def training_losses(
    subject: Subject, metrics: pd.DataFrame, selected_trial: int, best_epoch: int
) -> Figure | None:
    """Draw every training loss against the epoch, all trials; None where none was recorded."""
    columns = [c for c in _recorded(metrics) if c.startswith("train_")]
    return _curves(subject, metrics, columns, selected_trial, best_epoch, "training rows")


@styled
def validation_curves(
    subject: Subject, metrics: pd.DataFrame, selected_trial: int, best_epoch: int
) -> Figure | None:
    """Draw the measures on the validation rows against the epoch; None where none was recorded."""
    columns = [
        c
        for c in _recorded(metrics)
        if c == "score" or (c.startswith("val_") and not c.startswith("val_spearman_"))
    ]
    return _curves(subject, metrics, columns, selected_trial, best_epoch, "validation rows")


@styled
def descriptor_learning(
    subject: Subject, metrics: pd.DataFrame, names: Sequence[str], selected_trial: int, best_epoch: int
) -> Figure | None:
    """Draw Spearman's correlation of each descriptor on validation against the epoch, selected trial."""
    rows = metrics[metrics["trial"] == selected_trial]
    names = [n for n in names if f"val_spearman_{n}" in rows and rows[f"val_spearman_{n}"].notna().any()]
    if not names:
        return None
    figure = new_figure(2.3, subject, f"validation rows, trial {selected_trial}")
    ax = figure.subplots()
    for name in names:
        known = rows[["epoch", f"val_spearman_{name}"]].dropna()
        ax.plot(known["epoch"], known[f"val_spearman_{name}"], label=name, **_marker(len(known)))
    ax.axvline(best_epoch, color=BLACK, lw=0.7, ls=":", label="epoch kept")
    ax.set(xlabel="Epoch", ylabel="Spearman ρ")
    ax.set_ylim(top=1.0)
    legend_below(figure, ax, columns=6)
    return figure


@styled
def style_vs_descriptor(subject: Subject, readings: Sequence[DescriptorReading], split: str) -> Figure:
    """Draw each descriptor against its style, with the calibration and its interval."""
    figure, panels, spare = _descriptor_panels(subject, readings, split)
    for ax, reading in zip(panels, readings, strict=True):
        known = np.isfinite(reading.true_N)
        style, true = reading.style_N[known], reading.true_N[known]
        _cloud(ax, style, _jittered(true, reading.classes), f"{split} spectra")
        if reading.calibration is not None and len(style):
            x = np.linspace(style.min(), style.max(), 300)
            y, half = apply_calibration(reading.calibration, x), reading.calibration["half_width"]
            ax.plot(x, y, color=VERMILION, label="calibration (validation)")
            share = f"{100 * reading.calibration['coverage']:.0f} % interval"
            ax.fill_between(x, y - half, y + half, color=ORANGE, alpha=0.25, label=share, zorder=0)
        ax.set(xlabel=f"Style {reading.name} (std. dev.)", ylabel=with_unit(reading.name, reading.unit))
        ax.set_title(f"Spearman ρ = {print_number(reading.spearman, 2)}")
        if reading.classes:
            ax.set_yticks(list(reading.classes))
    _legend_of_panels(figure, panels, spare)
    return figure


@styled
def prediction_vs_truth(subject: Subject, readings: Sequence[DescriptorReading], split: str) -> Figure:
    """Draw each descriptor as read from the spectrum against its true value."""
    figure, panels, spare = _descriptor_panels(subject, readings, split)
    for ax, reading in zip(panels, readings, strict=True):
        known = np.isfinite(reading.true_N) & np.isfinite(reading.predicted_N)
        true, predicted = reading.true_N[known], reading.predicted_N[known]
        _cloud(ax, _jittered(true, reading.classes), predicted, f"{split} spectra")
        if len(true):
            ends = np.array([min(true.min(), predicted.min()), max(true.max(), predicted.max())])
            ax.plot(ends, ends, color=BLACK, lw=0.8, ls="--", label="read = true")
            if reading.calibration is not None:
                half = reading.calibration["half_width"]
                share = f"{100 * reading.calibration['coverage']:.0f} % interval"
                ax.fill_between(
                    ends, ends - half, ends + half, color=ORANGE, alpha=0.22, label=share, zorder=0
                )
        ax.set(
            xlabel=with_unit(f"{reading.name}, true", reading.unit),
            ylabel=with_unit(f"{reading.name}, read", reading.unit),
        )
        ax.set_title(f"ρ = {print_number(reading.spearman, 2)}, R² = {print_number(reading.r2, 2)}")
        error = f"MAE {quantity(print_number(reading.mae, 2), reading.unit)}"
        ax.text(0.98, 0.03, error, transform=ax.transAxes, ha="right", va="bottom", parse_math=False)
        if reading.classes:
            ax.set_xticks(list(reading.classes))
            ax.set_yticks(list(reading.classes))
    _legend_of_panels(figure, panels, spare)
    return figure


@styled
def reconstruction_examples(
    subject: Subject, energy_E: np.ndarray, examples: Sequence[ReconstructionExample], split: str
) -> Figure:
    """Draw spectra and their reconstructions, one panel an example."""
    figure = new_figure(0.6 + 1.15 * len(examples), subject, f"{split} split")
    panels = figure.subplots(len(examples), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, example in zip(panels, examples, strict=True):
        ax.plot(energy_E, example.spectrum_E, color=BLACK, lw=1.4, label="given")
        ax.plot(energy_E, example.reconstruction_E, color=VERMILION, ls="--", label="reconstructed")
        ax.set_title(f"{example.title}, MAE {example.mae:.3f}", parse_math=False)
    panels[len(panels) // 2].set_ylabel(subject.absorption_label)
    panels[-1].set_xlabel(subject.energy_label)
    legend_below(figure, panels[0])
    return figure


@styled
def worst_spectra(
    subject: Subject, energy_E: np.ndarray, examples: Sequence[ReconstructionExample], what: str
) -> Figure:
    """Draw the worst reconstructions, two beside one another, the worst first."""
    n_rows = -(-len(examples) // 2)
    figure = new_figure(0.7 + 1.05 * n_rows, subject, what)
    panels = figure.subplots(n_rows, min(2, len(examples)), sharex=True, sharey=True, squeeze=False).ravel()
    for ax, example in zip(panels, examples, strict=False):
        ax.plot(energy_E, example.spectrum_E, color=BLACK, lw=1.1, label="given")
        ax.plot(energy_E, example.reconstruction_E, color=VERMILION, lw=0.9, ls="--", label="reconstructed")
        ax.set_title(f"{_shortened(example.title)}\nMAE {example.mae:.3f}", parse_math=False)
    for ax in panels[len(examples) :]:
        ax.remove()
    for ax in panels[max(0, len(examples) - 2) : len(examples)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(subject.energy_label)
    panels[(n_rows - 1) // 2 * min(2, len(examples))].set_ylabel(subject.absorption_label)
    legend_below(figure, panels[0])
    return figure


@styled
def reconstruction_error(
    subject: Subject, energy_E: np.ndarray, spectra_NE: np.ndarray, reconstructions_NE: np.ndarray, split: str
) -> Figure:
    """Draw the reconstruction's error at each energy, below the mean spectrum."""
    residual_NE = np.asarray(reconstructions_NE, dtype=np.float64) - spectra_NE
    low_E, high_E = np.percentile(residual_NE, [5, 95], axis=0)
    figure = new_figure(2.9, subject, f"{split} split, {_spectra(len(spectra_NE))}")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.3))
    top.plot(energy_E, spectra_NE.mean(axis=0), color=BLACK, label="mean spectrum")
    top.set_ylabel(subject.absorption_label.replace(", ", ",\n").replace(" (", "\n("))
    bottom.fill_between(energy_E, low_E, high_E, color=BLUE, alpha=0.2, label="5 % to 95 % of spectra")
    bottom.plot(energy_E, residual_NE.mean(axis=0), color=BLUE, label="mean error")
    bottom.plot(energy_E, np.abs(residual_NE).mean(axis=0), color=VERMILION, label="mean absolute error")
    bottom.axhline(0, color=GREY, lw=0.5, zorder=0)
    bottom.set(xlabel=subject.energy_label, ylabel="Reconstructed\n− given")
    legend_below(figure, [top, bottom], columns=2)
    return figure


def _recorded(metrics: pd.DataFrame) -> list[str]:
    return [str(c) for c in metrics.columns if metrics[c].notna().any()]


def _curves(
    subject: Subject,
    metrics: pd.DataFrame,
    columns: Sequence[str],
    selected_trial: int,
    best_epoch: int,
    what: str,
) -> Figure | None:
    if not columns:
        return None
    n_rows = -(-len(columns) // 2)
    figure = new_figure(0.6 + 1.15 * n_rows, subject, what)
    panels = figure.subplots(n_rows, 2, sharex=True, squeeze=False).ravel()
    others = sorted(set(metrics["trial"]) - {selected_trial})
    for ax, column in zip(panels, columns, strict=False):
        for trial in [*others, selected_trial]:
            known = metrics.loc[metrics["trial"] == trial, ["epoch", column]].dropna()
            look = (
                {"color": BLUE, "label": f"trial {trial}, selected", "zorder": 3}
                if trial == selected_trial
                else {"color": LIGHT_GREY, "lw": 0.7, "label": "other trials"}
            )
            ax.plot(known["epoch"], known[column], **look, **_marker(len(known)))
        values = metrics[column].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if values.min() > 0 and values.max() / values.min() > 20:
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
        ax.axvline(best_epoch, color=BLACK, lw=0.7, ls=":", label="epoch kept")
        ax.set_ylabel(metric_label(column))
    for ax in panels[len(columns) :]:
        ax.remove()
    for ax in panels[max(len(columns) - 2, 0) : len(columns)]:
        ax.set_xlabel("Epoch")
        ax.tick_params(labelbottom=True)
    figure.align_ylabels()
    legend_below(figure, list(panels[: len(columns)]))
    return figure


def _descriptor_panels(
    subject: Subject, readings: Sequence[DescriptorReading], split: str
) -> tuple[Figure, Sequence[Axes], Axes | None]:
    """Return a figure, its panels, one a descriptor, and the spare panel where their number is odd."""
    n_rows = -(-len(readings) // 2)
    n = len(readings[0].true_N)
    figure = new_figure(0.5 + 1.45 * n_rows, subject, f"{split} split, {_spectra(n)}")
    panels = figure.subplots(n_rows, min(2, len(readings)), squeeze=False).ravel().tolist()
    for ax in panels[len(readings) :]:
        ax.set_axis_off()
    return figure, panels[: len(readings)], panels[-1] if len(panels) > len(readings) else None


def _legend_of_panels(figure: Figure, panels: Sequence[Axes], spare: Axes | None) -> None:
    if spare is None:
        legend_below(figure, panels, columns=3)
    else:
        spare.legend(*panels[0].get_legend_handles_labels(), loc="center left")


def _cloud(ax: Axes, x: np.ndarray, y: np.ndarray, label: str) -> None:
    """Draw points, or their density where there are too many to tell apart."""
    if len(x) > _POINTS_AT_MOST:
        ax.hexbin(x, y, gridsize=40, bins="log", mincnt=1, linewidths=0.1, label=label)
        return
    alpha = float(np.clip(60 / max(len(x), 1) ** 0.7, 0.25, 0.8))
    ax.scatter(x, y, s=5, color=BLUE, alpha=alpha, lw=0, label=label)


def _jittered(value_N: np.ndarray, classes: Sequence[float] | None) -> np.ndarray:
    """Spread values that fall on few classes, so that points do not hide one another."""
    if not classes or len(classes) < 2:
        return value_N
    step = float(np.diff(np.sort(np.asarray(classes, dtype=float))).min())
    return value_N + np.random.default_rng(0).uniform(-0.12, 0.12, len(value_N)) * step


def _marker(points: int) -> dict[str, Any]:
    """Few points are marked, since a curve of one point would be invisible."""
    return {"marker": "o", "ms": 2} if points < 8 else {}


def _shortened(title: str) -> str:
    """Return a title that fits half a column; of a long one the middle is left out."""
    return title if len(title) <= _TITLE_CHARACTERS else f"{title[:12]}…{title[-14:]}"


def _spectra(n: int) -> str:
    return f"{n:,} spectra" if n != 1 else "1 spectrum"
