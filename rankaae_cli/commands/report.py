"""``rankaae report``: one self-contained page of a run, with figures and tables for a paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.commands.report_content import gather
from rankaae_cli.commands.report_inputs import outputs
from rankaae_cli.data.files import write_text

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from rankaae_cli.reports.page import PageContent


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Write the report of a run; return its path (``page``) and the test metrics (``metrics``)."""
    from rankaae_cli.commands.run_directory import load_run
    from rankaae_cli.reports.console import print_evaluation

    run_directory, model, family = load_run(cfg.run)
    metrics, traversal = outputs(run_directory, model, family)
    content = gather(run_directory, model, family, metrics, traversal)
    page = write_report(run_directory, content)
    print_evaluation(metrics, content.units)
    print(page)
    return {"page": page, "metrics": metrics}


def write_report(run_directory: Path, content: "PageContent") -> Path:
    """Write the page and the tables; return the path of the page."""
    from rankaae_cli.reports.page import render_page
    from rankaae_cli.reports.tables import write_table

    directory = run_directory / "report"
    tables = (content.descriptors, content.styles, content.trials, content.traversals)
    for table in (*tables, content.associations, content.baselines):
        if table is not None:
            write_table(table, directory / "tables")
    return write_text(directory / "report.html", render_page(content))
