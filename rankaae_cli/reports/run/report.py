"""The report of a run: its page, gathered from the run directory, with figures and tables for papers."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rankaae_cli.analysis.evaluation.baselines import FIGURE
from rankaae_cli.analysis.evaluation.transfer import TRANSFER_JSON
from rankaae_cli.analysis.reading.learning_curve import FIGURE as LEARNING_CURVE
from rankaae_cli.analysis.reading.learning_curve import LEARNING_JSON
from rankaae_cli.analysis.traversal.maps import map_figures
from rankaae_cli.analysis.traversal.traverse import STABILITY, TRAVERSAL, overviews
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import descriptor_meaning
from rankaae_cli.core.terminal import console
from rankaae_cli.data.files import write_text
from rankaae_cli.models.base import Classifies, Predicts, require
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.reports.baseline_table import baselines_table
from rankaae_cli.reports.captions import Captions, captions
from rankaae_cli.reports.figures.comparisons import interactive_baselines
from rankaae_cli.reports.latex import write_table
from rankaae_cli.reports.paper.write import split_counts, write_papers
from rankaae_cli.reports.run import evaluation_figures, traversal_figures
from rankaae_cli.reports.run import origin as report_origin
from rankaae_cli.reports.run import tables as run_tables
from rankaae_cli.reports.run.explorer import explorer_data
from rankaae_cli.reports.run.figure_files import FigureFiles, walk_captions
from rankaae_cli.reports.run.page import PageContent, Picture, PictureGroup, render_page, sections_of
from rankaae_cli.reports.run.results import (
    RunResults,
    baselines_files,
    completed_results,
    has_learning_curve,
    usable_baselines,
)
from rankaae_cli.reports.transfer_table import transfer_table
from rankaae_cli.runs.directory import (
    METRICS,
    config_text,
    evaluation_directory,
    plain_config,
    read_run_config,
    short_path,
)
from rankaae_cli.runs.load import data_paths, load_run
from rankaae_cli.runs.provenance import read_provenance


def report_run(run_directory: Path, page: str = "always") -> tuple[RunResults, Path | None]:
    """Make what is missing or outdated of a run's evaluation and traversal, and its page.

    Parameters
    ----------
    run_directory
        Of a finished run.
    page
        When to make the page: ``always``, ``outdated`` (also where there is none) or ``never``. A transfer is held
        against a training from scratch, where that is missing, for ``always`` alone.

    Returns
    -------
    results, page
        The run, and its page; None where there is none.

    Raises
    ------
    UserError
        If the run or its data cannot be used.
    """
    directory, model, family = load_run(str(run_directory))
    if isinstance(model, Classifies):
        raise UserError(
            f"{directory.name} reads yes/no classes, which are not reported together\n"
            f"report it alone: rankaae report {setting('run', short_path(directory))}"
        )
    require(model, "rankaae report", Predicts)
    results = completed_results(directory, model, family, scratch=page == "always")
    directory = results.directory
    path = directory / "report" / "report.html"
    if page == "always" or (page == "outdated" and not _is_current(path, directory)):
        if page == "outdated":
            console.print(f"page of {directory.name}: making it")
        path = _write(directory / "report", gather(replace(results, baselines=usable_baselines(directory))))
    return results, path if path.is_file() else None


def _is_current(page: Path, run_directory: Path) -> bool:
    """Return whether a page was written after what it shows; that itself is known to be current."""
    evaluation = evaluation_directory(run_directory, "test")
    shown = [evaluation / METRICS, run_directory / "traversal" / TRAVERSAL, evaluation / TRANSFER_JSON]
    shown.append(evaluation / LEARNING_JSON)
    shown += baselines_files(evaluation)
    times = [path.stat().st_mtime for path in shown if path.is_file()]
    return page.is_file() and page.stat().st_mtime >= max(times)


def _write(directory: Path, content: PageContent) -> Path:
    """Write the page and the tables; return the path of the page."""
    of_traversal = (content.traversals, content.fits, content.reading)
    tables = (content.descriptors, content.coverage, content.styles, content.trials, *of_traversal)
    for table in (*tables, content.associations, content.baselines, content.transfer):
        if table is not None:
            write_table(table, directory / "tables")
    return write_text(directory / "report.html", render_page(content))


def gather(run: RunResults) -> PageContent:
    """Collect what the page shows, writing the figures for papers on the way."""
    run_directory, model, metrics, traversal = run.directory, run.model, run.metrics, run.traversal
    provenance, compared = read_provenance(run_directory), run.baselines
    config, data = plain_config(run_directory), data_paths(read_run_config(run_directory))
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    files = FigureFiles(run_directory / "report" / "figures", _interactive_figures(run))
    return PageContent(
        subject=model.subject,
        metrics=metrics,
        traversal=traversal,
        split_counts=split_counts(run.family),
        split_by=run.family.split_by,
        descriptors=run_tables.descriptors_table(metrics, units),
        coverage=run_tables.coverage_table(metrics),
        trials=run_tables.trials_table(metrics),
        traversals=None if traversal is None else run_tables.traversals_table(traversal),
        fits=None if traversal is None else run_tables.fits_table(traversal),
        reading=None if traversal is None else run_tables.reading_table(traversal),
        facts=report_origin.facts(model, run.family, provenance, config),
        pictures=_pictures(run, files),
        styles=run_tables.disentanglement_table(metrics) if "disentanglement" in metrics else None,
        associations=run_tables.associations_table(metrics["associations"], metrics)
        if metrics.get("associations")
        else None,
        traversal_groups=()
        if traversal is None
        else _groups(model, traversal["styles"], _of_styles(run, files)),
        command=report_origin.text(provenance.get("command")),
        config=config_text(run_directory),
        run_name=f"run {run_directory.name}, trained {report_origin.text(provenance.get('started'))[:10]}",
        later_commands=report_origin.commands(run_directory, metrics, traversal, compared),
        rejected=None if model.is_synthetic else report_origin.rejected_sites(data),
        versions={str(name): str(version) for name, version in (provenance.get("packages") or {}).items()},
        units=units,
        baselines=None if compared is None else baselines_table(compared),
        compared=() if compared is None else compared["rows"],
        transfer=None if run.transfer is None else transfer_table(run.transfer),
        transferred=run.transfer,
        papers=write_papers(run),
        explorer=None if traversal is None else explorer_data(model, run.family, metrics["style_ranges"]),
        sections=sections_of(model),
    )


def _interactive_figures(run: RunResults) -> dict[str, Callable[[], Any]]:
    """Return what makes each interactive figure of the page, by name."""
    evaluation = evaluation_directory(run.directory, "test")
    made = dict(evaluation_figures.interactive_figures(evaluation, run.model, run.metrics))
    if run.traversal is not None:
        made |= traversal_figures.interactive_figures(run.directory, run.model, run.traversal)
    if run.baselines is not None:
        made[FIGURE] = partial(interactive_baselines, run.model.subject, run.baselines)
    return made


def _pictures(run: RunResults, files: FigureFiles) -> dict[str, list[Picture]]:
    """Return the figures of each section but those of single styles, and write their files for papers."""
    evaluation, of_styles = evaluation_directory(run.directory, "test"), _of_styles(run, files)
    of_evaluation = evaluation_figures.figure_names(run.model)
    if has_learning_curve(run.directory):
        of_evaluation = (*of_evaluation, LEARNING_CURVE)
    of_walks = set()
    if run.traversal is not None:
        of_walks = {*overviews(run.model), STABILITY, *map_figures(run.model)}
    pictures = {
        "learning": files.learning_curves(run.directory / "metrics.csv", run.model),
        "baselines": [] if run.baselines is None else files.copied(evaluation, captions()["baselines"]),
    }
    for section in ("styles", "importance", "coupling", "reconstruction", "choice", "associations"):
        pictures[section] = files.copied(evaluation, _texts(section, of_evaluation))
    for section in ("overviews", "stability", "maps"):
        pictures[section] = of_styles(_texts(section, of_walks))
    return pictures


def _of_styles(run: RunResults, files: FigureFiles) -> Callable[[Captions], list[Picture]]:
    """Return what gives the figures of a traversal, by their texts."""
    return partial(files.copied, run.directory / "traversal", prefix="traversal_")


def _texts(section: str, figures: Collection[str]) -> Captions:
    """Return the captions of those figures of a section that the run has."""
    return {name: about for name, about in captions()[section].items() if name in figures}


def _groups(
    model: TrainedModel, styles: Mapping[str, Any], pictures_of: Callable[[Captions], list[Picture]]
) -> list[PictureGroup]:
    """Return the figures of each descriptor's style, and those of all free styles together."""
    groups = []
    for name in model.descriptor_names:
        meaning = descriptor_meaning(name)
        heading = name if meaning == name else f"{name}, {meaning}"
        pictures = pictures_of(walk_captions(model, name, styles[name]))
        groups.append(PictureGroup(f"traversal-{name}", heading, "", pictures))
    free = [name for name in model.style_names if name not in model.descriptor_names]
    if free:
        pictures = [
            picture for name in free for picture in pictures_of(walk_captions(model, name, styles[name]))
        ]
        text = f"Free styles have no meaning that networks share: these are of trial {model.selected_trial} alone."
        groups.append(PictureGroup("traversal-free", "Free styles", text, pictures))
    return groups
