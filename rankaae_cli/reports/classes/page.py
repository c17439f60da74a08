"""The page of a run that reads yes/no classes: one HTML file, with figures and tables for papers beside it."""

from pathlib import Path
from typing import Any

from rankaae_cli.core.calls import setting
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import Classifies
from rankaae_cli.reports.classes.figures import FIGURES, figures_of
from rankaae_cli.reports.classes.write import class_scores, edge_scores, summary_lines, write_class_evaluation
from rankaae_cli.reports.latex import write_table
from rankaae_cli.reports.run.figure_files import save_picture
from rankaae_cli.reports.run.origin import text
from rankaae_cli.reports.run.page import write_report
from rankaae_cli.runs.directory import short_path
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance


def report_classes(run_directory: Path) -> tuple[dict[str, Any], Path]:
    """Evaluate the test split of a run of yes/no classes and write its page below ``report/``.

    Returns
    -------
    metrics, page
        Contents of metrics.json, and the path of the page.
    """
    directory, model, family = load_run(str(run_directory))
    metrics, tables = write_class_evaluation(directory, model, family, SPLITS[-1])
    folder = directory / "report"
    pictures = []
    for name in figures_of(tables):
        table, draw, caption = FIGURES[name]
        with replacing(folder / "tables" / table) as temporary:
            tables[table].to_csv(temporary, index=False)
        figure = draw(model.subject, tables)
        pictures.append(save_picture(figure, folder, f"figures/{name}", caption, csv=f"tables/{table}"))
    shown = [class_scores(metrics), *([edge_scores(metrics)] if metrics["edges"] else [])]
    for one in shown:
        write_table(one, folder / "tables")
    page = write_report(
        directory,
        "classes.html.j2",
        subject=model.subject,
        metrics=metrics,
        lines=summary_lines(metrics),
        tables=shown,
        pictures=pictures,
        facts=_facts(model, family, directory),
        commands=_commands(directory, metrics),
    )
    return metrics, page


def _facts(model: Classifies, family: Any, directory: Path) -> list[tuple[str, str]]:
    """Return pairs of a name and its value: data, edges, times."""
    provenance = read_provenance(directory)
    sides = {name: int((family.split_N == i).sum()) for i, name in enumerate(SPLITS)}
    edges = ", ".join(one.name for one in model.segments) or f"{model.element} {model.edge}"
    return [
        ("data", ", ".join(str(entry["path"]) for entry in provenance.get("data", []))),
        ("molecules", ", ".join(f"{count} {name}" for name, count in sides.items())),
        ("edges", edges),
        ("classes", str(len(model.descriptor_names))),
        ("trained", f"{text(provenance.get('started'))[:19]}, {text(provenance.get('wall_s'))} s"),
        ("command", text(provenance.get("command"))),
    ]


def _commands(directory: Path, metrics: dict[str, Any]) -> list[str]:
    run = setting("run", short_path(directory))
    return [
        f"rankaae evaluate {run} resamples={metrics['resamples']} seed={metrics['seed']}",
        f"rankaae report {run}",
        f"rankaae predict {run} input=NEW.h5",
    ]
