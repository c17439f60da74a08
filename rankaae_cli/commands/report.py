"""``rankaae report``: one self-contained page of a run or of several, with figures and tables for a paper."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.models.base import Classifies, Samples, Simulates
from rankaae_cli.models.registry import load_model
from rankaae_cli.reports.batch.write import report_batch
from rankaae_cli.reports.console import print_evaluation, print_lines, print_simulations
from rankaae_cli.reports.generation.report import report_generation
from rankaae_cli.reports.generation.write import generation_lines
from rankaae_cli.reports.run.report import report_run
from rankaae_cli.reports.simulation.report import report_simulations
from rankaae_cli.runs.directory import BEST
from rankaae_cli.runs.find import find_runs, run_names


def run(cfg: DictConfig) -> dict[str, Any]:
    """Write the report of a run, or of several; return its path (``page``).

    Of one run the test metrics (``metrics``) are returned too, of several the exit status (``status``).
    """
    names = OmegaConf.to_container(cfg.run) if OmegaConf.is_config(cfg.run) else cfg.run
    runs = find_runs(run_names(names))
    if runs.single is None or cfg.output is not None:
        return report_batch(runs, cfg.output, cfg.pages)
    model = load_model(runs.single / BEST)
    page: Path | None
    if isinstance(model, Simulates):
        metrics, page = report_simulations(runs.single)
        print_simulations(metrics)
    elif isinstance(model, Classifies):
        # What evaluates takes a second to load, which a report that finds all written need not wait for.
        from rankaae_cli.reports.classes.page import report_classes
        from rankaae_cli.reports.classes.write import print_class_evaluation

        metrics, page = report_classes(runs.single)
        print_class_evaluation(metrics)
    elif isinstance(model, Samples):
        metrics, page = report_generation(runs.single)
        print_lines(generation_lines(metrics))
    else:
        results, page = report_run(runs.single)
        model, metrics = results.model, results.metrics
        print_evaluation(metrics, dict(zip(model.descriptor_names, model.descriptor_units, strict=True)))
        if results.transfer is not None:
            print_lines(results.transfer["findings"])
    print(page)
    return {"page": page, "metrics": metrics}
