"""The page of a run that generates structures: one HTML file, with figures and tables for papers beside it."""

import json
from pathlib import Path
from typing import Any

from rankaae_cli.analysis.traversal.traverse import TRAVERSAL
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.reports.captions import captions
from rankaae_cli.reports.generation.write import (
    FIGURE,
    STEERED,
    distances_table,
    generation_lines,
    steering_table,
)
from rankaae_cli.reports.latex import write_table
from rankaae_cli.reports.run import origin
from rankaae_cli.reports.run.figure_files import FigureFiles
from rankaae_cli.reports.run.page import write_report
from rankaae_cli.runs.directory import METRICS, evaluation_directory, plain_config, short_path
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance


def report_generation(run_directory: Path) -> tuple[dict[str, Any], Path]:
    """Write the page of a run below ``report/``, from its evaluation and, where there is one, its walk.

    Returns
    -------
    metrics, page
        Contents of metrics.json, and the path of the page.

    Raises
    ------
    UserError
        If its test split was not evaluated, which takes minutes.
    """
    directory, model, family = load_run(str(run_directory))
    run, evaluation = setting("run", short_path(directory)), evaluation_directory(directory, "test")
    if not (evaluation / METRICS).is_file():
        raise UserError(f"{directory} was not evaluated on its test split\nrankaae evaluate {run}")
    metrics = json.loads((evaluation / METRICS).read_text(encoding="utf-8"))
    folder, provenance = directory / "report", read_provenance(directory)
    files, texts = FigureFiles(folder / "figures", {}), captions()["generated"]
    pictures = files.copied(evaluation, {FIGURE: texts["compared"]})
    tables, walks = [distances_table(metrics)], []
    if (directory / "traversal" / TRAVERSAL).is_file():
        content = json.loads((directory / "traversal" / TRAVERSAL).read_text(encoding="utf-8"))
        walks = files.copied(directory / "traversal", {STEERED: texts["steering"]})
        tables.append(steering_table(content))
    for one in tables:
        write_table(one, folder / "tables")
    page = write_report(
        directory,
        "generation_report.html.j2",
        subject=model.subject,
        metrics=metrics,
        lines=generation_lines(metrics),
        tables=tables,
        pictures=pictures,
        walks=walks,
        learning=files.learning_curves(directory / "metrics.csv", model),
        facts=origin.facts(model, family, provenance, plain_config(directory)),
        commands=[
            origin.text(provenance.get("command")),
            f"rankaae evaluate {run} samples={metrics['cells']} seed={metrics['seed']}",
            f"rankaae traverse {run}",
            f"rankaae report {run}",
            f"rankaae predict {run} input=SPECTRUM.txt density={metrics['density']:.2g}",
        ],
    )
    return metrics, page
