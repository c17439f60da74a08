"""``rankaae report``: one self-contained page of a run or of several, with figures and tables for a paper."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.analysis.evaluation.baselines import baselines_files
from rankaae_cli.data.files import write_text
from rankaae_cli.reports.run.content import gather
from rankaae_cli.reports.run.inputs import outputs
from rankaae_cli.runs.directory import METRICS, evaluation_directory

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel
    from rankaae_cli.reports.run.page import PageContent


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
    model: "TrainedModel"
    family: "Family"
    metrics: dict[str, Any]
    traversal: dict[str, Any]
    page: Path | None


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Write the report of a run, or of several; return its path (``page``).

    Of one run the test metrics (``metrics``) are returned too, of several the exit status (``status``).
    """
    from omegaconf import OmegaConf

    from rankaae_cli.reports.batch.write import report_batch
    from rankaae_cli.reports.console import print_evaluation
    from rankaae_cli.runs.find import find_runs, run_names

    names = OmegaConf.to_container(cfg.run) if OmegaConf.is_config(cfg.run) else cfg.run
    found = find_runs(run_names(names))
    if found.single is None or cfg.output is not None:
        return report_batch(found, cfg.output, cfg.pages)
    report = report_run(found.single)
    print_evaluation(
        report.metrics, dict(zip(report.model.descriptor_names, report.model.descriptor_units, strict=True))
    )
    print(report.page)
    return {"page": report.page, "metrics": report.metrics}


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
    from rankaae_cli.core.terminal import console
    from rankaae_cli.runs.load import load_run

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
    from rankaae_cli.analysis.traversal.traverse import TRAVERSAL

    evaluation = evaluation_directory(run_directory, "test")
    shown = [evaluation / METRICS, run_directory / "traversal" / TRAVERSAL, *baselines_files(evaluation)]
    times = [path.stat().st_mtime for path in shown if path.is_file()]
    return page.is_file() and page.stat().st_mtime >= max(times)


def write_report(run_directory: Path, content: "PageContent") -> Path:
    """Write the page and the tables; return the path of the page."""
    from rankaae_cli.reports.run.page import render_page
    from rankaae_cli.reports.tables import write_table

    directory = run_directory / "report"
    tables = (content.descriptors, content.styles, content.trials, content.traversals)
    for table in (*tables, content.associations, content.baselines):
        if table is not None:
            write_table(table, directory / "tables")
    return write_text(directory / "report.html", render_page(content))
