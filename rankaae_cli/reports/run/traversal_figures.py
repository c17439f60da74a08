"""The figures of a traversal: drawn beside its tables, and as interactive ones from these."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.traversal.maps import EDGE_MAP, MAIN_PEAK_MAP, MAPPED
from rankaae_cli.analysis.traversal.traverse import (
    COLUMNS,
    FREE_OVERVIEW,
    OTHERS_TEXT,
    OVERVIEW,
    STABILITY,
    TABLES,
    TRAVERSAL,
    Traversal,
    figure_names,
    overviews,
    traverse,
    write_content,
)
from rankaae_cli.core.labels import Subject
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.reports.figures import maps, response, traversal
from rankaae_cli.reports.figures.drawing import FORMATS, save_figure

_SHOWN = {OVERVIEW: "response to each descriptor", FREE_OVERVIEW: "free styles"}


def write_traversal(
    run_directory: Path, model: TrainedModel, family: Family, **settings: Any
) -> dict[str, Any]:
    """Write ``traversal/`` of a run, tables, figures and last traversal.json; return the contents of the latter.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    settings
        Further arguments of `traverse`.
    """
    result = traverse(run_directory, model, family, **settings)
    _draw(run_directory / "traversal", model.subject, result)
    write_content(run_directory, result)
    return result.content


def traversal_files(run_directory: Path, model: TrainedModel) -> list[Path]:
    """Return all files that `write_traversal` writes; the last is traversal.json."""
    directory, figures = run_directory / "traversal", figure_names(model)
    return [
        *(directory / f"{name}.{suffix}" for name in figures for suffix in FORMATS),
        *(directory / f"{name}.csv" for name in (*figures, *TABLES, COLUMNS)),
        directory / TRAVERSAL,
    ]


def interactive_figures(
    run_directory: Path, model: TrainedModel, content: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """Return what makes each interactive figure of a traversal, by the stem of its csv.

    Parameters
    ----------
    run_directory, model
        Of the run.
    content
        Of traversal.json.

    Returns
    -------
    dict
        Functions that return a plotly figure, or None where there is nothing to show. Maps have none: their
        csv says what a picture does not.
    """
    subject, others, styles = model.subject, OTHERS_TEXT[content["others"]], content["styles"]
    trial = int(content["selected_trial"])

    def table(name: str) -> pd.DataFrame:
        return pd.read_csv(run_directory / "traversal" / f"{name}.csv")

    def walk(name: str) -> Any:
        classes = model.descriptor_classes.get(name) or ()
        return traversal.interactive_walk(subject, table(name), name, styles[name], trial, others, classes)

    def overview(name: str) -> Any:
        return traversal.interactive_overview(
            subject, table(name), styles, trial, f"{_SHOWN[name]}, {others}"
        )

    def check(name: str) -> Any:
        return response.interactive_check(subject, table(f"{name}_check"), name, styles[name]["check"])

    def sensitivity(name: str) -> Any:
        return response.interactive_sensitivity(
            subject, table(f"{name}_sensitivity"), name, styles[name]["sensitivity"]
        )

    return {
        **{name: partial(walk, name) for name in styles},
        **{f"{name}_check": partial(check, name) for name in model.descriptor_names},
        **{f"{name}_sensitivity": partial(sensitivity, name) for name in model.descriptor_names},
        **{name: partial(overview, name) for name in overviews(model)},
        STABILITY: lambda: response.interactive_stability(subject, table(STABILITY), styles, others),
    }


def _draw(directory: Path, subject: Subject, result: Traversal) -> None:
    """Draw every figure of a traversal beside its csv."""
    content, tables = result.content, result.tables
    others, trial, styles = OTHERS_TEXT[content["others"]], content["selected_trial"], content["styles"]
    for name, style in styles.items():
        figure = traversal.walk(subject, tables[name], name, style, trial, others, result.axes[name])
        save_figure(figure, directory / name)
        if style["check"]:
            stem, unit = f"{name}_check", style["unit"]
            figure = response.check(subject, tables[stem], name, style["check"], unit)
            save_figure(figure, directory / stem)
            stem = f"{name}_sensitivity"
            figure = response.sensitivity(subject, tables[stem], name, style["sensitivity"])
            save_figure(figure, directory / stem)
    for name in _SHOWN.keys() & tables.keys():
        figure = traversal.overview(subject, tables[name], styles, trial, f"{_SHOWN[name]}, {others}")
        save_figure(figure, directory / name)
    save_figure(response.stability(subject, tables[STABILITY], styles, others), directory / STABILITY)
    mapped = {
        MAIN_PEAK_MAP: ("height of the main peak", f"{subject.absorption_label}, at the main peak"),
        EDGE_MAP: ("edge position", "Edge position (eV), half the edge step"),
    }
    for name, (what, label) in mapped.items():
        if name in tables:
            figure = maps.pair_maps(
                subject, result.axes, tables[name], MAPPED[name], f"{what}, {others}", label
            )
            save_figure(figure, directory / name)
