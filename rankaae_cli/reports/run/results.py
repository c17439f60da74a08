"""The results of a run with their figures: written where a command asks for them, completed for a report."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.evaluation import baselines, transfer
from rankaae_cli.analysis.evaluation.leakage_audit import AUDIT_JSON, LeakageAudit
from rankaae_cli.analysis.evaluation.tables import FORMAT_VERSION, table_names, write_tables
from rankaae_cli.analysis.reading import learning_curve as curve
from rankaae_cli.analysis.simulation.evaluate import FORMAT_VERSION as SIMULATED
from rankaae_cli.analysis.simulation.evaluate import SIMULATIONS, evaluate_simulations
from rankaae_cli.analysis.traversal.traverse import ANSWERS, OVERVIEW, TRAVERSAL
from rankaae_cli.analysis.traversal.traverse import FORMAT_VERSION as TRAVERSAL_VERSION
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.models.base import HasStyles, ReadingModel, Simulates, Trained
from rankaae_cli.reports.baseline_table import baselines_csv
from rankaae_cli.reports.figures import comparisons, drawing, reading
from rankaae_cli.reports.run.evaluation_figures import draw_evaluation, figure_names
from rankaae_cli.reports.run.traversal_figures import traversal_files, write_traversal
from rankaae_cli.reports.tables import csv_text
from rankaae_cli.reports.transfer_table import transfer_table
from rankaae_cli.runs.directory import METRICS, checkpoint_sha256, evaluation_directory


def write_evaluation(
    run_directory: Path,
    model: ReadingModel,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate one split and write its tables and figures; return the contents of metrics.json.

    The parameters are those of `rankaae_cli.analysis.evaluation.evaluate.evaluate`.
    """
    # What predicts and fits takes a second to load, which a report that finds all written need not wait for.
    from rankaae_cli.analysis.evaluation.evaluate import evaluate

    metrics, tables = evaluate(run_directory, model, family, split, resamples, seed)
    directory = evaluation_directory(run_directory, split)
    write_tables(directory, tables)
    draw_evaluation(directory, model, metrics, tables)
    # Last, so that metrics.json stands for a whole evaluation.
    write_text(directory / METRICS, strict_json(metrics))
    return metrics


def write_simulations(
    run_directory: Path,
    model: Simulates,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
    trees: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Do as `write_evaluation` of a model that simulates spectra; `trees` are to be fitted beside it."""
    metrics, tables = evaluate_simulations(run_directory, model, family, split, resamples, seed, trees)
    directory = evaluation_directory(run_directory, split)
    write_tables(directory, tables)
    draw_evaluation(directory, model, metrics, tables)
    write_text(directory / METRICS, strict_json(metrics))
    return metrics


def usable_simulations(run_directory: Path, model: Simulates) -> dict[str, Any] | None:
    """Return what `write_simulations` left of the test split; None where it is missing or outdated."""
    directory = evaluation_directory(run_directory, "test")
    names = [f"{name}.{suffix}" for name in figure_names(model) for suffix in drawing.FORMATS]
    files = [directory / name for name in (*names, SIMULATIONS, METRICS)]
    content = _read_json(files[-1])
    return None if _fault(content, checkpoint_sha256(run_directory), SIMULATED, files) else content


def usable_walks(run_directory: Path) -> dict[str, Any] | None:
    """Return what a traversal left of a run that simulates; None where it is missing or outdated."""
    directory = run_directory / "traversal"
    content = _read_json(directory / TRAVERSAL)
    names = [
        OVERVIEW,
        *(content or {}).get("styles", {}),
        *([ANSWERS] if (content or {}).get("against") else []),
    ]
    files = [directory / f"{name}.{suffix}" for name in names for suffix in (*drawing.FORMATS, "csv")]
    return None if _fault(content, checkpoint_sha256(run_directory), TRAVERSAL_VERSION, files) else content


def evaluation_files(run_directory: Path, model: ReadingModel) -> list[Path]:
    """Return all files that `write_evaluation` leaves of the test split; the last is metrics.json."""
    directory = evaluation_directory(run_directory, "test")
    figures = [directory / f"{name}.{suffix}" for name in figure_names(model) for suffix in drawing.FORMATS]
    return [*figures, *(directory / name for name in (*table_names(model), METRICS))]


def write_baselines(directory: Path, subject: Subject, content: dict[str, Any]) -> None:
    """Write the table and the figure of baselines beside the evaluation of a split."""
    write_text(directory / baselines.BASELINES_CSV, baselines_csv(content))
    drawing.save_figure(comparisons.baselines(subject, content), directory / baselines.FIGURE)
    # Last, so that baselines.json stands for the whole comparison.
    write_text(directory / baselines.BASELINES_JSON, strict_json(content))


def baselines_files(directory: Path) -> list[Path]:
    """Return all files that `write_baselines` leaves; the last is baselines.json."""
    figures = [directory / f"{baselines.FIGURE}.{suffix}" for suffix in drawing.FORMATS]
    return [*figures, directory / baselines.BASELINES_CSV, directory / baselines.BASELINES_JSON]


def write_audit(directory: Path, audit: LeakageAudit) -> None:
    """Write what an audit of the split found beside the evaluation, leakage_audit.json last."""
    write_tables(directory, audit.tables)
    write_text(directory / AUDIT_JSON, strict_json(audit.about))


def write_transfer(directory: Path, content: dict[str, Any]) -> None:
    """Write what a transfer brought beside the evaluation of a split, transfer.json last."""
    write_text(directory / transfer.TRANSFER_CSV, csv_text(transfer_table(content)))
    write_text(directory / transfer.TRANSFER_JSON, strict_json(content))


def write_learning_curve(
    directory: Path, subject: Subject, content: dict[str, Any], table: pd.DataFrame
) -> None:
    """Write the learning curve beside the evaluation of a split, its figure, and learning_curve.json last."""
    write_tables(directory, {curve.LEARNING_CSV: table})
    drawing.save_figure(reading.learning_curve(subject, table, "trained anew"), directory / curve.FIGURE)
    write_text(directory / curve.LEARNING_JSON, strict_json(content))


def has_learning_curve(run_directory: Path) -> bool:
    """Return whether the learning curve of a run's model lies beside its evaluation."""
    directory = evaluation_directory(run_directory, "test")
    files = [directory / f"{curve.FIGURE}.{suffix}" for suffix in (*drawing.FORMATS, "csv", "json")]
    content, checkpoint = _read_json(files[-1]), checkpoint_sha256(run_directory)
    return not _fault(content, checkpoint, curve.FORMAT_VERSION, files)


@dataclass(frozen=True)
class RunResults:
    """A run with its results.

    Attributes
    ----------
    directory, model, family
        As `load_run` gives them.
    metrics, traversal
        Contents of metrics.json of the test split and of traversal.json; None of a model that cannot be traversed.
    baselines
        Contents of baselines.json of the test split; None where it is of no use.
    transfer
        Contents of transfer.json of the test split; None for a run that began from no other.
    """

    directory: Path
    model: Any
    family: Family
    metrics: dict[str, Any]
    traversal: dict[str, Any] | None
    baselines: dict[str, Any] | None = None
    transfer: dict[str, Any] | None = None


def completed_results(run_directory: Path, model: Any, family: Family, scratch: bool = True) -> RunResults:
    """Return the results of a run but the baselines, making what is missing, older or of another model.

    Of a transfer this includes, with `scratch`, a training from scratch, unless an evaluation declined it.
    """
    results: dict[str, tuple[type, int, Callable[..., list[Path]], Callable[[], Any]]] = {
        "evaluation of the test split": (
            Trained,
            FORMAT_VERSION,
            evaluation_files,
            lambda: write_evaluation(run_directory, model, family, "test"),
        ),
        "traversal": (
            HasStyles,
            TRAVERSAL_VERSION,
            traversal_files,
            lambda: write_traversal(run_directory, model, family),
        ),
    }
    checkpoint = checkpoint_sha256(run_directory)
    contents: list[dict[str, Any] | None] = []
    for what, (needs, version, files_of, write) in results.items():
        if not isinstance(model, needs):
            contents.append(None)
            continue
        paths = files_of(run_directory, model)
        content = _read_json(paths[-1])
        fault = _fault(content, checkpoint, version, paths)
        if fault:
            console.print(f"{fault} {what} in {run_directory.name}: making it")
            write()
            content = _read_json(paths[-1])
        assert content is not None, f"{paths[-1]} was just written"
        contents.append(content)
    metrics, traversal = contents
    assert metrics is not None
    brought = _completed_transfer(run_directory, model, family, metrics, scratch)
    return RunResults(run_directory, model, family, metrics, traversal, transfer=brought)


def _completed_transfer(
    run_directory: Path, model: Any, family: Family, metrics: dict[str, Any], scratch: bool
) -> dict[str, Any] | None:
    """Return the contents of transfer.json of the test split, making it where it is missing or outdated."""
    directory, content = evaluation_directory(run_directory, "test"), usable_transfer(run_directory)
    if content is not None and (content["scratch"] is not None or not scratch):
        return content
    asked = True if scratch else None
    made = transfer.evaluate_transfer(run_directory, model, family, metrics, asked, console.print)
    if made is not None:
        write_transfer(directory, made)
        # As it was written: NaN is null there.
        return _read_json(directory / transfer.TRANSFER_JSON)
    return None


def usable_transfer(run_directory: Path) -> dict[str, Any] | None:
    """Return the contents of transfer.json of the test split; None where it is missing or outdated."""
    directory = evaluation_directory(run_directory, "test")
    files = [directory / name for name in (transfer.TRANSFER_CSV, transfer.TRANSFER_JSON)]
    content = _read_json(files[-1])
    fault = _fault(content, checkpoint_sha256(run_directory), transfer.FORMAT_VERSION, files)
    return None if fault else content


def usable_baselines(run_directory: Path) -> dict[str, Any] | None:
    """Return the contents of baselines.json of the test split; None where it is of no use."""
    files = baselines_files(evaluation_directory(run_directory, "test"))
    content = _read_json(files[-1])
    checkpoint = checkpoint_sha256(run_directory)
    fault = _fault(content, checkpoint, baselines.FORMAT_VERSION, files)
    if content is not None and fault:
        console.print(
            f"{fault} baselines in {run_directory.name}: left out; rankaae evaluate baselines=all makes them"
        )
    return None if fault else content


def _fault(content: dict[str, Any] | None, checkpoint: str, version: int, paths: list[Path]) -> str:
    """Return why an evaluation or traversal cannot be used: ``no``, ``outdated``, ``incomplete`` or nothing."""
    if content is None:
        return "no"
    if (content.get("checkpoint_sha256"), content.get("format_version")) != (checkpoint, version):
        return "outdated"
    return "" if all(path.is_file() for path in paths) else "incomplete"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
