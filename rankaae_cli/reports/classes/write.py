"""The files and lines of an evaluation of yes/no classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.classes.evaluate import evaluate_classes
from rankaae_cli.analysis.classes.scores import REJECTED, rejected_gain
from rankaae_cli.analysis.evaluation.tables import write_tables
from rankaae_cli.core.labels import Ranged, print_number
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.models.base import Classifies
from rankaae_cli.reports.classes.figures import FIGURES, figures_of
from rankaae_cli.reports.figures.drawing import save_figure
from rankaae_cli.reports.tables import Table, print_table
from rankaae_cli.runs.directory import METRICS, evaluation_directory


def write_class_evaluation(
    run_directory: Path,
    model: Classifies,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Evaluate one split, write tables and figures, and return the contents of metrics.json and the tables."""
    metrics, tables = evaluate_classes(run_directory, model, family, split, resamples, seed)
    directory = evaluation_directory(run_directory, split)
    write_tables(directory, tables)
    for name in figures_of(tables):
        save_figure(FIGURES[name][1](model.subject, tables), directory / name)
    # Last, so that metrics.json stands for a whole evaluation.
    write_text(directory / METRICS, strict_json(metrics))
    return metrics, tables


def class_scores(metrics: Mapping[str, Any]) -> Table:
    """Return the scores of each class as a table, the best first."""
    rows: list[list[Any]] = []
    for name, one in metrics["classes"].items():
        beside = metrics["out_of_fold"]["classes"][name]
        if "reason" in one:
            of_split: list[Any] = [None] * 5
        else:
            of_split = [
                Ranged(one["balanced_accuracy"], *one["balanced_accuracy_interval"]),
                Ranged(one["area_under_curve"], *one["area_under_curve_interval"]),
                *(one[key] for key in ("coverage_yes", "coverage_no", "decided")),
            ]
        rows.append([name, one["positives"], *of_split, beside.get("balanced_accuracy")])
    rows.sort(key=lambda row: -(row[-1] or 0))
    mean = metrics["mean"]
    rows.append(
        [
            "mean",
            None,
            Ranged(mean["balanced_accuracy"], *mean.get("balanced_accuracy_interval", (None, None))),
            *(mean[key] for key in ("area_under_curve", "coverage_yes", "coverage_no", "decided")),
            metrics["out_of_fold"]["mean"]["balanced_accuracy"],
        ]
    )
    return Table(
        "classes",
        (
            *("class", "yes", "balanced_accuracy", "area_under_curve"),
            *("coverage_yes", "coverage_no", "decided", "balanced_accuracy_out_of_fold"),
        ),
        (
            *("Class", "Yes", "Balanced accuracy", "Area under curve"),
            *("Holds yes", "Holds no", "Decided", "Balanced accuracy out of fold"),
        ),
        rows,
        "Balanced accuracy with the truth first; 95 % intervals over molecules. Holds: share of the molecules of "
        "yes, or of no, whose verdict is right or undecided. A class with fewer than ten molecules of yes or of no "
        "on the split is not scored there (–). Out of fold: the molecules of training and validation, read by fits "
        "that did not see them.",
    )


def edge_scores(metrics: Mapping[str, Any]) -> Table:
    """Return the accuracies by edge as a table."""
    return Table(
        "edges",
        ("edges", "balanced_accuracy", "all_less_this", "area_under_curve"),
        ("Edges", "Balanced accuracy", "All less this", "Area under curve"),
        [
            [
                one["edges"],
                Ranged(one["balanced_accuracy"], *one["interval"]),
                Ranged(one["all_less_this"], *one["all_less_this_interval"]),
                one["area_under_curve"],
            ]
            for one in metrics["edges"]
        ],
        "Over all molecules that have every edge, each read by a fit that did not see it; differences are paired.",
        digits=4,
    )


def summary_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return the main results of an evaluation, a sentence each."""
    lines = []
    for where, one in (
        (f"{metrics['split']} split, {metrics['n']} molecules", metrics),
        (f"out of fold, {metrics['out_of_fold']['n']} molecules", metrics["out_of_fold"]),
    ):
        if one is metrics and metrics["seen_in_fitting"]:
            lines.append(
                f"the molecules of the {metrics['split']} split were fitted to: its scores say little"
            )
        mean = one["mean"]
        accuracy, left = rejected_gain(mean)
        numbers = {key: print_number(value) for key, value in mean.items() if isinstance(value, float)}
        lines.append(
            f"{where}: {one['n_scored']} classes scored, balanced accuracy {numbers['balanced_accuracy']}, area "
            f"under the curve {numbers['area_under_curve']}, expected calibration error "
            f"{numbers['pooled_calibration_error']} ({numbers['calibration_error']} a class)"
        )
        yes, no = (print_number(mean[key]) for key in ("coverage_yes", "coverage_no"))
        lines.append(
            f"  verdicts are right or undecided for {yes} of yes and {no} of no, {numbers['decided']} are decided; "
            f"rejecting {REJECTED:.0%} of the least certain: accuracy {print_number(accuracy)} to "
            f"{print_number(left)}"
        )
        if one["one_of"]:
            whole = Ranged(one["one_of"]["balanced_accuracy"], *one["one_of"]["interval"])
            lines.append(f"  the one class of each molecule: balanced accuracy {print_number(whole)}")
    if metrics["learning_curve"]:
        curve = [f"{one['balanced_accuracy']:.3f} of {one['molecules']}" for one in metrics["learning_curve"]]
        classes = metrics["learning_curve"][0]["classes"]
        lines.append(f"learning curve, out of fold: {', '.join(curve)} molecules, over {classes} classes")
    return lines


def print_class_evaluation(metrics: Mapping[str, Any]) -> None:
    """Print the main numbers of an evaluation."""
    print_table(f"{metrics['family']}, {metrics['split']} split", class_scores(metrics), metrics["synthetic"])
    if metrics["edges"]:
        print_table("by edge", edge_scores(metrics), metrics["synthetic"])
    print("\n".join(summary_lines(metrics)))
