"""The figures of an evaluation, one a question: drawn beside its tables, and interactive ones from these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.analysis.evaluation.tables import table_of
from rankaae_cli.core.labels import Subject, averaged
from rankaae_cli.models.base import HasStyles, Predicts, Reconstructs, Trained
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.reports.figures import comparisons, descriptors, drawing, spectra, styles, trials


@dataclass(frozen=True)
class _Source:
    """What the figures of one split are made from.

    Attributes
    ----------
    model
        The model.
    metrics
        Contents of metrics.json.
    table
        From the name of a figure to the table that it shows.
    """

    model: TrainedModel
    metrics: Mapping[str, Any]
    table: Callable[[str], pd.DataFrame]

    @property
    def subject(self) -> Subject:
        return self.model.subject

    @property
    def split(self) -> str:
        return str(self.metrics["split"])

    @property
    def of_trial(self) -> str:
        return f"{self.split} split, trial {self.model.selected_trial}"

    @property
    def of_average(self) -> str:
        return f"{self.split} split, {averaged(self.metrics)}"

    @property
    def descriptors(self) -> list[descriptors.DescriptorScores]:
        model, scores = self.model, self.metrics["ensemble"]["descriptors"]
        calibrations = model.calibration["ensemble"]["descriptors"]
        return [
            descriptors.DescriptorScores(
                name, unit, model.descriptor_classes.get(name), calibrations[name], scores[name]
            )
            for name, unit in zip(model.descriptor_names, model.descriptor_units, strict=True)
        ]


class _EvaluationFigure(NamedTuple):
    """A figure: what a model has to be able to do for it, and how it is drawn, still and perhaps interactive."""

    needs: type
    still: Callable[[_Source], Figure]
    interactive: Callable[[_Source], Any] | None = None


def figure_names(model: TrainedModel) -> tuple[str, ...]:
    """Return the names of the figures of an evaluation of a model."""
    empty = set()
    if not any(model.descriptor_classes.get(name) for name in model.descriptor_names):
        empty.add("confusion")
    if len(model.style_names) == len(model.descriptor_names):
        empty.add("associations")
    return tuple(
        name for name, figure in _FIGURES.items() if name not in empty and isinstance(model, figure.needs)
    )


def draw_evaluation(
    directory: Path, model: TrainedModel, metrics: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Draw and save all figures of one split.

    Parameters
    ----------
    directory
        Where they go.
    model, metrics
        The model, and the contents of metrics.json.
    tables
        Of the evaluation, by the names of their files.
    """
    source = _Source(model, metrics, lambda name: tables[table_of(name)])
    for name in figure_names(model):
        drawing.save_figure(_FIGURES[name].still(source), directory / name)


def interactive_figures(
    directory: Path, model: TrainedModel, metrics: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """Return what makes each interactive figure of a split, by name; its result may be None.

    Parameters
    ----------
    directory
        Where the tables of the evaluation lie.
    model, metrics
        As of `draw_evaluation`.
    """
    source = _Source(
        model, metrics, lambda name: pd.read_csv(directory / table_of(name), dtype={"material": str})
    )
    makers = {name: _FIGURES[name].interactive for name in figure_names(model)}
    return {name: partial(make, source) for name, make in makers.items() if make is not None}


def _confusion(source: _Source) -> Figure:
    scores = {n: s for n, s in source.metrics["ensemble"]["descriptors"].items() if "confusion" in s}
    units = dict(zip(source.model.descriptor_names, source.model.descriptor_units, strict=True))
    return descriptors.confusion(source.subject, scores, units, source.of_average)


def _normality(source: _Source, draw: Callable[..., Any]) -> Any:
    trial = source.metrics["trials"][int(source.model.selected_trial)]
    w_by_style = dict(zip(source.model.style_names, trial["shapiro"], strict=True))
    return draw(source.subject, source.table("normality"), w_by_style, source.of_trial)


def _leakage(source: _Source) -> Figure:
    rows = f"training rows, trial {source.metrics['leakage']['trial']}"
    return styles.leakage(source.subject, source.table("leakage"), rows)


def _associations(source: _Source, draw: Callable[..., Any]) -> Any:
    content = source.metrics["associations"]
    # Of too few rows the threshold is not known: NaN here, null in the file.
    known = [
        limit
        for limit in (content["floor"], content["threshold"])
        if limit is not None and np.isfinite(limit)
    ]
    return draw(
        source.subject,
        source.table("associations"),
        source.model.style_names,
        max(known),
        content["repeated_on"],
        f"trial {content['trial']}",
    )


def _of_descriptors(name: str, draw: Callable[..., Any]) -> Callable[[_Source], Any]:
    return lambda s: draw(s.subject, s.table(name), s.descriptors, s.split)


def _of_errors(draw: Callable[..., Any]) -> Callable[[_Source], Any]:
    return lambda s: draw(s.subject, s.table("reconstruction_error"), s.metrics["n"], s.split)


_FIGURES: dict[str, _EvaluationFigure] = {
    "style_vs_descriptor": _EvaluationFigure(
        HasStyles,
        _of_descriptors("style_vs_descriptor", descriptors.style_vs_descriptor),
        _of_descriptors("style_vs_descriptor", descriptors.interactive_style_vs_descriptor),
    ),
    "prediction_vs_truth": _EvaluationFigure(
        Predicts,
        _of_descriptors("prediction_vs_truth", descriptors.prediction_vs_truth),
        _of_descriptors("prediction_vs_truth", descriptors.interactive_prediction_vs_truth),
    ),
    "confusion": _EvaluationFigure(Predicts, _confusion),
    "reconstruction_examples": _EvaluationFigure(
        Reconstructs,
        lambda s: spectra.reconstruction_examples(s.subject, s.table("reconstruction_examples"), s.split),
        lambda s: spectra.interactive_reconstructions(
            s.subject, s.table("reconstruction_examples"), f"{s.split} split"
        ),
    ),
    "reconstruction_error": _EvaluationFigure(
        Reconstructs,
        _of_errors(spectra.reconstruction_error),
        _of_errors(spectra.interactive_reconstruction_error),
    ),
    "worst_spectra": _EvaluationFigure(
        Reconstructs,
        lambda s: spectra.worst_spectra(s.subject, s.table("worst_spectra"), s.of_average),
        lambda s: spectra.interactive_reconstructions(
            s.subject, s.table("worst_spectra"), s.of_average, columns=2
        ),
    ),
    "coupling": _EvaluationFigure(
        HasStyles, lambda s: styles.coupling(s.subject, s.table("coupling"), s.of_trial)
    ),
    "normality": _EvaluationFigure(
        HasStyles,
        partial(_normality, draw=styles.normality),
        partial(_normality, draw=styles.interactive_normality),
    ),
    "leakage": _EvaluationFigure(HasStyles, _leakage),
    "trials": _EvaluationFigure(
        Trained,
        lambda s: trials.trial_choice(s.subject, s.metrics["choice"]),
        lambda s: trials.interactive_trial_choice(s.subject, s.metrics["choice"]),
    ),
    "associations": _EvaluationFigure(
        HasStyles,
        partial(_associations, draw=comparisons.associations),
        partial(_associations, draw=comparisons.interactive_associations),
    ),
}
