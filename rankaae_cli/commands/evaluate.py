"""``rankaae evaluate``: how well a run reads descriptors and reconstructs spectra, on one split."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.evaluation.baselines import (
    chosen_baselines,
    evaluate_baselines,
    kept_baselines,
    known_baselines,
)
from rankaae_cli.analysis.evaluation.leakage_audit import SPECTRA_CSV, audit_leakage
from rankaae_cli.analysis.evaluation.transfer import evaluate_transfer
from rankaae_cli.analysis.reading.learning_curve import learning_curve
from rankaae_cli.analysis.simulation.transfer import evaluate_simulation_transfer
from rankaae_cli.commands.generation import evaluate as evaluate_structures
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.base import Classifies, Samples, Simulates, Trained
from rankaae_cli.reports.baseline_table import print_baselines, print_kept
from rankaae_cli.reports.classes.write import print_class_evaluation, write_class_evaluation
from rankaae_cli.reports.console import (
    print_evaluation,
    print_lines,
    print_reconstruction_warning,
    print_simulations,
)
from rankaae_cli.reports.run.results import (
    write_audit,
    write_baselines,
    write_evaluation,
    write_learning_curve,
    write_simulations,
    write_transfer,
)
from rankaae_cli.reports.transfer_table import print_transfer
from rankaae_cli.runs.data import unlabelled_rows
from rankaae_cli.runs.directory import evaluation_directory, read_run_config
from rankaae_cli.runs.load import data_paths, load_run, structures_beside


def run(cfg: DictConfig) -> dict[str, Any]:
    """Evaluate a run, and baselines beside it where asked; return the contents of metrics.json."""
    baselines = chosen_baselines(cfg.baselines)
    settings: Any = OmegaConf.to_object(cfg.baseline_settings) if baselines else None
    run_directory, model, family = load_run(cfg.run)
    split = cfg.split.value
    if cfg.check is not None:
        return _audit(cfg, run_directory, model, family)
    if cfg.learning_curve and isinstance(model, Classifies | Simulates | Samples):
        raise UserError(
            "learning_curve=true is of reading descriptors, which this run does not\nleave it out"
        )
    if isinstance(model, Classifies):
        return _evaluate_classes(cfg, run_directory, model, family, split)
    if isinstance(model, Simulates):
        return _evaluate_simulations(cfg, run_directory, model, family, split)
    if isinstance(model, Samples):
        if baselines:
            raise UserError(
                "baselines= read descriptors, this run generates structures\nleave baselines= out"
            )
        return evaluate_structures(cfg, run_directory, model, family, split)
    directory = evaluation_directory(run_directory, split)
    metrics = write_evaluation(run_directory, model, family, split, cfg.resamples, cfg.seed)
    print_evaluation(metrics, dict(zip(model.descriptor_names, model.descriptor_units, strict=True)))
    if baselines:
        kept, outdated = kept_baselines(directory, metrics, baselines, settings)
        content = evaluate_baselines(
            run_directory, model, family, metrics, baselines, settings, cfg.threads, kept
        )
        print_kept(kept, outdated)
        write_baselines(directory, model.subject, content)
        print_baselines(content)
    brought = evaluate_transfer(run_directory, model, family, metrics, cfg.scratch, console.print)
    if brought is not None:
        write_transfer(directory, brought)
        print_transfer(brought)
    if cfg.learning_curve:
        content, table = learning_curve(run_directory, model, family, metrics, console.print)
        write_learning_curve(evaluation_directory(run_directory, "test"), model.subject, content, table)
        print_lines(content["findings"])
    print_reconstruction_warning(metrics, known_baselines(directory, metrics))
    print(directory)
    return metrics


def _audit(cfg: DictConfig, run_directory: Path, model: Trained, family: Family) -> dict[str, Any]:
    """List what is on two sides of the split; return the contents of leakage_audit.json."""
    if chosen_baselines(cfg.baselines) or cfg.learning_curve:
        raise UserError("check= scores nothing\nleave baselines= and learning_curve= out, or check=")
    config = read_run_config(run_directory)
    structures = family.structures or structures_beside(data_paths(config))
    audit = audit_leakage(run_directory, model, family, unlabelled_rows(config, family), structures)
    write_audit(evaluation_directory(run_directory, "test"), audit)
    print_lines(audit.lines())
    if config.get("start"):
        print(f"what {config.start}, from which the run began, was trained on is a check of its own")
    print(evaluation_directory(run_directory, "test") / SPECTRA_CSV)
    return audit.about


def _evaluate_classes(
    cfg: DictConfig, run_directory: Path, model: Classifies, family: Family, split: str
) -> dict[str, Any]:
    """Evaluate a model of yes/no classes; return the contents of metrics.json."""
    if chosen_baselines(cfg.baselines):
        raise UserError("baselines= read descriptors, this run reads yes/no classes\nleave baselines= out")
    metrics, _ = write_class_evaluation(run_directory, model, family, split, cfg.resamples, cfg.seed)
    print_class_evaluation(metrics)
    print(evaluation_directory(run_directory, split))
    return metrics


_TREES = "extra_trees"  # the baseline of models that simulate


def _evaluate_simulations(
    cfg: DictConfig, run_directory: Path, model: Simulates, family: Family, split: str
) -> dict[str, Any]:
    """Evaluate a model that simulates spectra; return the contents of metrics.json."""
    asked = chosen_baselines(cfg.baselines)
    if asked and _TREES not in asked:
        raise UserError(
            f"baselines={','.join(asked)}: this run simulates spectra, beside which stand the mean spectrum and, "
            f"if asked, trees\ngive baselines={_TREES}, or leave it out"
        )
    own = {"seed": cfg.seed, "threads": cfg.threads}
    trees = {**cfg.baseline_settings[_TREES], **own} if asked else None
    metrics = write_simulations(run_directory, model, family, split, cfg.resamples, cfg.seed, trees)
    print_simulations(metrics)
    directory = evaluation_directory(run_directory, split)
    brought = evaluate_simulation_transfer(run_directory, model, family, metrics, cfg.scratch, console.print)
    if brought is not None:
        write_transfer(directory, brought)
        print_transfer(brought)
    print(directory)
    return metrics
