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
from rankaae_cli.models.base import HasStyles, Predicts, ReadsMixtures, Reconstructs, Simulates, recipe_of
from rankaae_cli.reports.figures import comparisons, descriptors, drawing, reading, spectra, styles, trials
from rankaae_cli.reports.simulation import figures as simulation


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

    model: Any
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
    def units(self) -> dict[str, str]:
        return dict(zip(self.model.descriptor_names, self.model.descriptor_units, strict=True))

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
    """A figure: what a model has to be able to do for it, and what draws it, still and perhaps interactive.

    Both take the subject, the table of the figure where it `has_table`, and `about`.
    """

    needs: type
    about: Callable[[_Source], tuple[Any, ...]]
    still: Callable[..., Figure]
    interactive: Callable[..., Any] | None = None
    has_table: bool = True

    def drawn_by(self, draw: Callable[..., Any], name: str, source: _Source) -> Any:
        """Return what a function draws of a source."""
        table = (source.table(name),) if self.has_table else ()
        return draw(source.subject, *table, *self.about(source))


def figure_names(model: Any) -> tuple[str, ...]:
    """Return the names of the figures of an evaluation of a model."""
    empty = set()
    if not any(model.descriptor_classes.get(name) for name in model.descriptor_names):
        empty.add("confusion")
    if isinstance(model, HasStyles) and len(model.style_names) == len(model.descriptor_names):
        empty.add("associations")
    if recipe_of(model) is None:
        empty.add("mixtures")
    return tuple(
        name for name, figure in _FIGURES.items() if name not in empty and isinstance(model, figure.needs)
    )


def draw_evaluation(
    directory: Path, model: Any, metrics: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
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
        figure = _FIGURES[name]
        drawing.save_figure(figure.drawn_by(figure.still, name, source), directory / name)


def interactive_figures(
    directory: Path, model: Any, metrics: Mapping[str, Any]
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
    figures = {name: _FIGURES[name] for name in figure_names(model)}
    return {
        name: partial(figure.drawn_by, figure.interactive, name, source)
        for name, figure in figures.items()
        if figure.interactive is not None
    }


def _classes(source: _Source) -> tuple[Any, ...]:
    scores = {n: s for n, s in source.metrics["ensemble"]["descriptors"].items() if "confusion" in s}
    return scores, source.units, source.of_average


def _importance(source: _Source) -> tuple[Any, ...]:
    content = source.metrics["importance"]
    return source.units, f"{source.split} split, {content['n']} spectra, {averaged(source.metrics)}"


def _mixtures(source: _Source) -> tuple[Any, ...]:
    content = source.metrics["mixtures"]
    count = sum(row["n"] for row in content["rows"])
    return content, source.units[content["of"]], f"{count} mixtures of {source.split} spectra"


def _normality(source: _Source) -> tuple[Any, ...]:
    trial = source.metrics["trials"][int(source.model.selected_trial)]
    return dict(zip(source.model.style_names, trial["shapiro"], strict=True)), source.of_trial


def _associations(source: _Source) -> tuple[Any, ...]:
    content = source.metrics["associations"]
    # Of too few rows the threshold is not known: NaN here, null in the file.
    limits = [content[key] for key in ("floor", "threshold") if content[key] is not None]
    limit = float(np.nanmax(limits))
    return source.model.style_names, limit, content["repeated_on"], f"trial {content['trial']}"


_FIGURES: dict[str, _EvaluationFigure] = {
    "style_vs_descriptor": _EvaluationFigure(
        HasStyles,
        lambda s: (s.descriptors, s.split),
        descriptors.style_vs_descriptor,
        descriptors.interactive_style_vs_descriptor,
    ),
    "prediction_vs_truth": _EvaluationFigure(
        Predicts,
        lambda s: (s.descriptors, s.split),
        descriptors.prediction_vs_truth,
        descriptors.interactive_prediction_vs_truth,
    ),
    "importance": _EvaluationFigure(Predicts, _importance, reading.importance),
    "mixtures": _EvaluationFigure(ReadsMixtures, _mixtures, reading.mixtures),
    "confusion": _EvaluationFigure(Predicts, _classes, descriptors.confusion, has_table=False),
    "reconstruction_examples": _EvaluationFigure(
        Reconstructs,
        lambda s: (f"{s.split} split",),
        spectra.reconstruction_examples,
        spectra.interactive_reconstructions,
    ),
    "reconstruction_error": _EvaluationFigure(
        Reconstructs,
        lambda s: (s.metrics["n"], s.split),
        spectra.reconstruction_error,
        spectra.interactive_reconstruction_error,
    ),
    "worst_spectra": _EvaluationFigure(
        Reconstructs,
        lambda s: (s.of_average,),
        spectra.worst_spectra,
        partial(spectra.interactive_reconstructions, columns=2),
    ),
    "coupling": _EvaluationFigure(HasStyles, lambda s: (s.of_trial,), styles.coupling),
    "normality": _EvaluationFigure(HasStyles, _normality, styles.normality, styles.interactive_normality),
    "leakage": _EvaluationFigure(
        HasStyles, lambda s: (f"training rows, trial {s.metrics['leakage']['trial']}",), styles.leakage
    ),
    "trials": _EvaluationFigure(
        Predicts,
        lambda s: (s.metrics["choice"],),
        trials.trial_choice,
        trials.interactive_trial_choice,
        has_table=False,
    ),
    "associations": _EvaluationFigure(
        HasStyles, _associations, comparisons.associations, comparisons.interactive_associations
    ),
    "simulation_examples": _EvaluationFigure(Simulates, lambda s: (s.split,), simulation.examples),
    "simulation_error": _EvaluationFigure(
        Simulates, lambda s: (s.metrics["n"], s.split), simulation.error_by_energy
    ),
    "simulations": _EvaluationFigure(Simulates, lambda s: (s.split,), simulation.error_by_novelty),
}
