"""The page of a run that simulates spectra: one HTML file, with figures and tables for papers beside it."""

from pathlib import Path
from typing import Any

from rankaae_cli.analysis.simulation.traverse import simulation_findings
from rankaae_cli.core.calls import setting
from rankaae_cli.core.terminal import console
from rankaae_cli.models.base import Simulates
from rankaae_cli.reports.captions import captions
from rankaae_cli.reports.latex import write_table
from rankaae_cli.reports.run import origin
from rankaae_cli.reports.run.evaluation_figures import figure_names
from rankaae_cli.reports.run.figure_files import FigureFiles
from rankaae_cli.reports.run.page import write_report
from rankaae_cli.reports.run.results import usable_simulations, usable_transfer, write_simulations
from rankaae_cli.reports.simulation.scores import simulation_lines, simulation_table
from rankaae_cli.reports.simulation.traversal import (
    completed_traversal,
    simulated_traversals_table,
    walk_texts,
)
from rankaae_cli.reports.transfer_table import transfer_table
from rankaae_cli.runs.directory import evaluation_directory, plain_config, short_path
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance


def report_simulations(run_directory: Path) -> tuple[dict[str, Any], Path]:
    """Write the page of a run below ``report/``, evaluating its test split where that is missing or outdated.

    Returns
    -------
    metrics, page
        Contents of metrics.json, and the path of the page.
    """
    directory, model, family = load_run(str(run_directory))
    metrics = usable_simulations(directory, model)
    if metrics is None:
        console.print(f"evaluation of the test split of {directory.name}: making it")
        metrics = write_simulations(directory, model, family, "test")
    folder, provenance = directory / "report", read_provenance(directory)
    texts = {name: about for name, about in captions()["simulation"].items() if name in figure_names(model)}
    files = FigureFiles(folder / "figures", {})
    pictures = files.copied(evaluation_directory(directory, "test"), texts)
    table, walks = simulation_table(metrics), completed_traversal(directory, model, family)
    brought = usable_transfer(directory)
    transfer = None if brought is None else transfer_table(brought)
    for one in [table] if transfer is None else [table, transfer]:
        write_table(one, folder / "tables")
    traversal: dict[str, Any] = {}
    if walks is not None:
        drawn = files.copied(directory / "traversal", walk_texts(walks), prefix="traversal_")
        traversal = {"table": simulated_traversals_table(walks), "pictures": drawn}
        traversal |= {"lines": simulation_findings(walks), "others": walks["others"]}
        write_table(traversal["table"], folder / "tables")
    page = write_report(
        directory,
        "simulation_report.html.j2",
        subject=model.subject,
        metrics=metrics,
        lines=simulation_lines(metrics),
        scores=table,
        transfer=transfer,
        pictures=pictures,
        traversal=traversal,
        facts=origin.facts(model, family, provenance, plain_config(directory)),
        commands=_commands(directory, model, provenance, metrics),
    )
    return metrics, page


def _commands(
    directory: Path, model: Simulates, provenance: dict[str, Any], metrics: dict[str, Any]
) -> list[str]:
    run = setting("run", short_path(directory))
    trees = " baselines=extra_trees" if "extra_trees" in metrics["simulation"] else ""
    walks = [f"rankaae traverse {run}"] if set(model.descriptor_names) & set(model.features.names) else []
    return [
        origin.text(provenance.get("command")),
        f"rankaae evaluate {run} resamples={metrics['resamples']} seed={metrics['seed']}{trees}",
        *walks,
        f"rankaae report {run}",
        f"rankaae predict {run} input=structures/ measured={model.element}.xdi",
    ]
