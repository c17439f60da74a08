"""The files of generated structures, and of an evaluation of a run that generates them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.evaluation.tables import write_tables
from rankaae_cli.analysis.generation.evaluate import COPY, GUIDED, GenerationEvaluation
from rankaae_cli.analysis.generation.evaluate import TABLE as DISTANCES
from rankaae_cli.analysis.generation.generate import Order
from rankaae_cli.analysis.generation.result import Generation
from rankaae_cli.analysis.generation.steer import STEERING
from rankaae_cli.analysis.traversal.traverse import TRAVERSAL
from rankaae_cli.core.labels import Cell, Ranged, Subject, unit_text
from rankaae_cli.core.structure.bond_network import BINS
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.data.structures.structure_text import cif, extended_xyz
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.figures.drawing import save_figure
from rankaae_cli.reports.generation import figures
from rankaae_cli.reports.tables import Table
from rankaae_cli.runs.directory import METRICS

STRUCTURES, TABLE, SHARES, FIGURE = "structures.extxyz", "structures.csv", "order.csv", "order"
STEERED = "steering"


def write_generation(output: Path, result: Generation) -> None:
    """Write generated structures and tables below the folder `output`.

    ``structures.extxyz`` holds all of them, ``cif/`` each in a file; ``structures.csv`` has a row each, its
    distances to the training structures of the nearest density, and the error of its simulated spectrum;
    ``order.csv`` the shares of bonds, angles and rings.
    """
    rows = result.rows()
    frames = [
        extended_xyz(one, {"sample": str(row["structure"]), "density": result.density})
        for one, row in zip(result.structures, rows, strict=True)
    ]
    write_text(output / STRUCTURES, "".join(frames))
    for one, row in zip(result.structures, rows, strict=True):
        write_text(output / "cif" / f"{row['structure']}.cif", cif(one, f"generated_{row['structure']}"))
    write_tables(output, {TABLE: pd.DataFrame(rows), SHARES: _shares(result.orders)})


def _shares(orders: Mapping[str, Order]) -> pd.DataFrame:
    """Return a row a bin of what is counted, and a column a set of structures."""
    parts = []
    for name, edges in BINS.items():
        middle = (edges[1:] + edges[:-1]) / 2
        shares = {label: order.together.shares()[name] for label, order in orders.items()}
        parts.append(pd.DataFrame({"counted": name, "value": middle, **shares}))
    return pd.concat(parts)


def write_generation_evaluation(directory: Path, subject: Subject, evaluation: GenerationEvaluation) -> None:
    """Write what an evaluation found into a folder; metrics.json last, so that it stands for a whole one."""
    metrics = evaluation.metrics
    write_tables(directory, {DISTANCES: evaluation.distances})
    save_figure(figures.order(subject, evaluation.orders, f"{metrics['split']} split"), directory / FIGURE)
    write_text(directory / METRICS, strict_json(metrics))


def write_steering(
    directory: Path, subject: Subject, content: Mapping[str, Any], table: pd.DataFrame
) -> None:
    """Write what came of a walk along descriptors into a folder; traversal.json last."""
    write_tables(directory, {STEERING: table})
    save_figure(figures.steering(subject, content, table), directory / STEERED)
    write_text(directory / TRAVERSAL, strict_json(content))


def steering_table(content: Mapping[str, Any]) -> Table:
    """Return how far the mean of a descriptor in generated structures follows what was asked for."""
    rows: list[list[Cell]] = [
        [name, unit_text(content["units"][name]), one["lowest"], one["highest"], one["slope"], one["rms"]]
        for name, one in content["walks"].items()
    ]
    keys = ("descriptor", "unit", "lowest", "highest", "slope", "rms")
    headings = ("Descriptor", "Unit", "Asked from", "to", "Slope", "RMS difference")
    caption = table_caption("steering", f"{content['family']}, ", content["synthetic"])
    return Table("steering", keys, headings, rows, caption)


def distances_table(metrics: Mapping[str, Any]) -> Table:
    """Return how far generated structures are from the split's, beside floor, copy and search."""
    rows: list[list[Cell]] = []
    for label in sorted(metrics["distances"], key=lambda label: label.startswith(COPY)):
        one = metrics["distances"][label]
        cells = [
            Ranged(one[name], *one["interval"][name]) if "interval" in one else one[name] for name in BINS
        ]
        rows.append([label, *cells, one["n"]])
    return Table(
        "structure_distances",
        ("row", *BINS, "n"),
        ("Structures", "Coordination", "Angles", "Rings", "Compared"),
        rows,
        table_caption(
            "structure_distances", f"{metrics['family']}, ", metrics["synthetic"], split=metrics["split"]
        ),
        digits=4,
    )


def generation_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return what an evaluation found, a sentence each."""
    together, agreement = metrics["together"][GUIDED], metrics["agreement"]
    named = ", ".join(f"{name} {together[name]:.3f}" for name in BINS)
    lines = [
        f"all {metrics['cells']} cells together: {named}; nearest two atoms {metrics['nearest_atoms']:.2f} "
        "angstrom",
        f"{agreement['conditional']:.0%} of atoms have as many bonds as the atom whose spectrum conditions them, "
        f"{agreement['shuffled']:.0%} would by chance",
    ]
    if "simulated" in metrics:
        lines.append(_simulated_line(metrics["simulated"]))
    return lines


def _simulated_line(s: Mapping[str, Any]) -> str:
    """Return how the simulated spectra of generated structures compare with those that condition the atoms."""
    less = 1 - s["atoms"] / s["atoms_shuffled"]
    return (
        f"spectra simulated by {s['forward']}: error of an atom {s['atoms']:.4f}, {less:.0%} below that against "
        f"other atoms' spectra, {s['atoms'] / s['own_atoms']:.1f} times the model's own; of a structure's mean "
        f"{s['means']:.4f}, {s['means'] / s['own_means']:.1f} times its own"
    )
