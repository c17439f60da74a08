"""The report of a run: its page, gathered from the run directory, with figures and tables for papers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rankaae_cli.analysis.evaluation.baselines import FIGURE
from rankaae_cli.analysis.traversal.maps import map_figures
from rankaae_cli.analysis.traversal.traverse import TRAVERSAL, overviews
from rankaae_cli.core.labels import descriptor_meaning
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family_file import Family
from rankaae_cli.data.files import write_text
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.reports.baseline_table import baselines_table
from rankaae_cli.reports.figures.comparisons import interactive_baselines
from rankaae_cli.reports.paper.write import split_counts, write_papers
from rankaae_cli.reports.run import captions as report_captions
from rankaae_cli.reports.run import evaluation_figures, traversal_figures
from rankaae_cli.reports.run import origin as report_origin
from rankaae_cli.reports.run import tables as run_tables
from rankaae_cli.reports.run.explorer import explorer_of
from rankaae_cli.reports.run.figure_files import FigureFiles
from rankaae_cli.reports.run.page import PageContent, Picture, PictureGroup, render_page, sections_of
from rankaae_cli.reports.run.results import baselines_files, outputs, usable_baselines
from rankaae_cli.reports.tables import write_table
from rankaae_cli.runs.directory import (
    METRICS,
    config_text,
    evaluation_directory,
    plain_config,
    read_run_config,
)
from rankaae_cli.runs.load import data_paths, load_run
from rankaae_cli.runs.provenance import read_provenance


@dataclass(frozen=True)
class RunReport:
    """A run that was reported.

    Attributes
    ----------
    directory
        Of the run.
    model, family
        As `load_run` gives them.
    metrics, traversal
        Contents of metrics.json of the test split and of traversal.json.
    page
        Its page; None where there is none.
    """

    directory: Path
    model: TrainedModel
    family: Family
    metrics: dict[str, Any]
    traversal: dict[str, Any]
    page: Path | None


def report_run(run_directory: Path, page: str = "always") -> RunReport:
    """Make what is missing or outdated of a run's evaluation and traversal, and its page.

    Parameters
    ----------
    run_directory
        Of a finished run.
    page
        When to make the page: ``always``, ``outdated`` (also where there is none) or ``never``.

    Raises
    ------
    UserError
        If the run or its data cannot be used.
    """
    run_directory, model, family = load_run(str(run_directory))
    metrics, traversal = outputs(run_directory, model, family)
    path = run_directory / "report" / "report.html"
    if page == "always" or (page == "outdated" and not _is_current(path, run_directory)):
        if page == "outdated":
            console.print(f"page of {run_directory.name}: making it")
        path = write_report(run_directory, gather(run_directory, model, family, metrics, traversal))
    return RunReport(run_directory, model, family, metrics, traversal, path if path.is_file() else None)


def _is_current(page: Path, run_directory: Path) -> bool:
    """Return whether a page was written after what it shows; that itself is known to be current."""
    evaluation = evaluation_directory(run_directory, "test")
    shown = [evaluation / METRICS, run_directory / "traversal" / TRAVERSAL, *baselines_files(evaluation)]
    times = [path.stat().st_mtime for path in shown if path.is_file()]
    return page.is_file() and page.stat().st_mtime >= max(times)


def write_report(run_directory: Path, content: PageContent) -> Path:
    """Write the page and the tables; return the path of the page."""
    directory = run_directory / "report"
    tables = (content.descriptors, content.styles, content.trials, content.traversals)
    for table in (*tables, content.associations, content.baselines):
        if table is not None:
            write_table(table, directory / "tables")
    return write_text(directory / "report.html", render_page(content))


def gather(
    run_directory: Path,
    model: TrainedModel,
    family: Family,
    metrics: dict[str, Any],
    traversal: dict[str, Any],
) -> PageContent:
    """Collect what the page shows, writing the figures for papers on the way."""
    subject, provenance = model.subject, read_provenance(run_directory)
    config, data = plain_config(run_directory), data_paths(read_run_config(run_directory))
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    evaluation = evaluation_directory(run_directory, "test")
    compared = usable_baselines(run_directory)
    interactive = {
        **evaluation_figures.interactive_figures(evaluation, model, metrics),
        **traversal_figures.interactive_figures(run_directory, model, traversal),
    }
    if compared is not None:
        interactive[FIGURE] = partial(interactive_baselines, subject, compared)
    files = FigureFiles(run_directory / "report" / "figures", interactive)
    of_evaluation = evaluation_figures.figure_names(model)

    def evaluated(captions: Mapping[str, str]) -> list[Picture]:
        return files.copied(evaluation, {n: c for n, c in captions.items() if n in of_evaluation})

    def walked(captions: Mapping[str, str]) -> list[Picture]:
        return files.copied(run_directory / "traversal", captions, prefix="traversal_")

    return PageContent(
        subject=subject,
        metrics=metrics,
        traversal=traversal,
        split_counts=split_counts(family),
        descriptors=run_tables.descriptors_table(metrics, units),
        trials=run_tables.trials_table(metrics),
        traversals=run_tables.traversals_table(traversal),
        facts=report_origin.facts(model, family, provenance, config),
        learning=files.learning_curves(run_directory / "metrics.csv", model),
        styles=run_tables.disentanglement_table(metrics),
        associations=run_tables.associations_table(metrics["associations"], metrics)
        if metrics["associations"]
        else None,
        style_pictures=evaluated(report_captions.STYLES),
        coupling_pictures=evaluated(report_captions.COUPLING),
        traversal_pictures=walked({n: report_captions.OVERVIEWS[n] for n in overviews(model)}),
        traversal_groups=_groups(model, walked),
        stability_pictures=walked(report_captions.OF_TRIALS),
        map_pictures=walked({n: report_captions.MAPS[n] for n in map_figures(model)}),
        reconstruction=evaluated(report_captions.RECONSTRUCTION),
        choice_pictures=evaluated(report_captions.CHOICE),
        association_pictures=evaluated(report_captions.ASSOCIATIONS),
        command=report_origin.text(provenance.get("command")),
        config=config_text(run_directory),
        run_name=f"run {run_directory.name}, trained {report_origin.text(provenance.get('started'))[:10]}",
        later_commands=report_origin.commands(run_directory, metrics, traversal, compared),
        rejected=None if model.is_synthetic else report_origin.rejected_sites(data),
        versions={str(name): str(version) for name, version in (provenance.get("packages") or {}).items()},
        units=units,
        baselines=None if compared is None else baselines_table(compared),
        compared=() if compared is None else compared["rows"],
        baseline_pictures=[] if compared is None else files.copied(evaluation, report_captions.BASELINES),
        papers=write_papers(run_directory, model, family, metrics, traversal, compared),
        explorer=explorer_of(model, family, metrics["style_ranges"]),
        sections=sections_of(model),
    )


def _groups(model: TrainedModel, walked: Callable[[Mapping[str, str]], list[Picture]]) -> list[PictureGroup]:
    """Return the figures of each descriptor's style, and those of all free styles together."""
    groups = []
    for name in model.descriptor_names:
        meaning = descriptor_meaning(name)
        heading = name if meaning == name else f"{name}, {meaning}"
        groups.append(
            PictureGroup(f"traversal-{name}", heading, "", walked(report_captions.walk_captions(model, name)))
        )
    free = [name for name in model.style_names if name not in model.descriptor_names]
    if free:
        captions: dict[str, str] = {}
        for name in free:
            captions |= report_captions.walk_captions(model, name)
        text = f"Free styles have no meaning that networks share: these are of trial {model.selected_trial} alone."
        groups.append(PictureGroup("traversal-free", "Free styles", text, walked(captions)))
    return groups
