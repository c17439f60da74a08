"""What spectra without labels are worth: descriptors read with labels for a part of the training materials.

python -m tests.benchmarks.labelled_fraction [FAMILY_FILE] [--trials 4] [--epochs N] [--seed 0] [--output STEM]

A seeded permutation of the training materials decides which keep their descriptors; smaller parts lie within larger
ones. The spectra of the rest train without descriptors in one row, and not at all in the other. Fewer rows make
fewer batches an epoch: epochs are added so that every point takes as many optimiser steps, and so has more epochs
to choose the best from. Spearman's correlation of the ensemble on the test rows. Validation, by which epochs are
chosen, keeps its labels. Hours on one core.
"""

import math
from dataclasses import fields, replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from rankaae_cli.core.labels import Subject
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.reports.figures.drawing import (
    BLUE,
    PAGE_INCHES,
    VERMILION,
    legend_below,
    new_figure,
    save_figure,
    styled,
)
from rankaae_cli.training.task import TrainingError
from tests.benchmarks.scores import (
    Column,
    Scores,
    Table,
    append_csv,
    batches,
    command_line,
    describe,
    open_family,
    program_epochs,
    split_scores,
    train,
    train_config,
)

PARTS = (0.05, 0.10, 0.25, 0.50, 1.00)
WITH, WITHOUT = "with the unlabelled rest", "labelled rows alone"
PANELS_A_ROW = 3


def labelled_rows(family: Family, part: float, seed: int) -> np.ndarray:
    """Return which rows keep their descriptors, (N,) bool: all but a part of the training materials' rows."""
    on_train_N = family.split_N == TRAIN
    materials = np.random.default_rng(seed).permutation(sorted(set(family.material_N[on_train_N])))
    kept = set(materials[: math.ceil(part * len(materials))])
    return ~on_train_N | np.array([material in kept for material in family.material_N])


def without_labels(family: Family, labelled_N: np.ndarray) -> Family:
    """Return the family with the descriptors of the other rows unknown."""
    return replace(family, descriptors_NK=np.where(labelled_N[:, None], family.descriptors_NK, np.nan))


def rows_of(family: Family, chosen_N: np.ndarray) -> Family:
    """Return the family with those rows alone."""
    by_row = [
        f.name
        for f in fields(family)
        if f.name.endswith(("_N", "_NE", "_NK", "_NQ")) and getattr(family, f.name) is not None
    ]
    return replace(family, **{name: getattr(family, name)[chosen_N] for name in by_row})


def epochs_for_equal_steps(full: Family, part: Family, batch_size: int, epochs: int) -> int:
    """Return in how many epochs a part takes as many steps as the whole in `epochs`."""
    return round(epochs * batches(full, batch_size) / batches(part, batch_size))


def measure(family: Family, trials: int, epochs: int) -> Scores:
    """Train, and return the ensemble's scores on the test rows; none where every trial diverged."""
    try:
        return split_scores(train(family, (), trials, epochs).model, family, "test").ensemble
    except TrainingError as error:
        print(f"  {error}")
        return {}


@styled
def curves(family: Family, points: dict[str, dict[float, Scores]], details: str) -> Figure:
    """Draw the mean and every descriptor against the labelled part, with and without the other spectra."""
    subject = Subject(
        family.name,
        family.element,
        family.edge,
        family.energy_unit,
        family.normalisation,
        family.is_synthetic,
    )
    names = ("mean", *family.descriptor_names)
    n_rows = math.ceil(len(names) / PANELS_A_ROW)
    figure = new_figure(0.6 + 1.6 * n_rows, subject, "test split", details, width=PAGE_INCHES)
    panels = figure.subplots(n_rows, PANELS_A_ROW, sharex=True, squeeze=False).ravel()
    for ax, name in zip(panels, names, strict=False):
        for what, colour, marker in ((WITH, BLUE, "o"), (WITHOUT, VERMILION, "s")):
            rho = [scores.get(name, np.nan) for scores in points[what].values()]
            ax.plot(list(points[what]), rho, color=colour, marker=marker, ms=3, label=what)
        ax.set_title("Mean over the descriptors" if name == "mean" else name)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(PARTS))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for ax in panels[len(names) :]:
        ax.remove()
    for ax in panels[max(len(names) - PANELS_A_ROW, 0) : len(names)]:
        ax.set_xlabel("Training materials with descriptors")
        ax.tick_params(labelbottom=True)
    for ax in panels[: len(names) : PANELS_A_ROW]:
        ax.set_ylabel("Spearman ρ")
    legend_below(figure, list(panels[: len(names)]))
    return figure


def main() -> None:
    """Print the table, write it as it grows, and draw it."""
    parser = command_line(__doc__, trials=4)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the choice of materials (default: %(default)s)"
    )
    asked = parser.parse_args()
    family = open_family(asked.data)
    asked.epochs = asked.epochs or program_epochs(family)
    batch_size = train_config(family).batch_size
    names = ("mean", *family.descriptor_names)
    table = Table(
        32,
        [
            Column("labelled rows", 0, "labelled"),
            Column("training rows", 0, "rows"),
            Column("epochs", 0, "epochs"),
            Column("steps", 0, "steps"),
            *(Column(name, 3, name) for name in names),
        ],
    )
    print(
        f"{describe(family)} rows; {asked.trials} trials, as many steps as {asked.epochs} epochs of all rows"
    )
    table.print_head()
    points: dict[str, dict[float, Scores]] = {WITH: {}, WITHOUT: {}}
    for part in PARTS:
        labelled_N = labelled_rows(family, part, asked.seed)
        for what, reduced in (
            (WITH, without_labels(family, labelled_N)),
            (WITHOUT, rows_of(family, labelled_N)),
        ):
            epochs = epochs_for_equal_steps(family, reduced, batch_size, asked.epochs)
            # All labelled, both are the same.
            same = points[WITH].get(part) if labelled_N.all() else None
            scores = measure(reduced, asked.trials, epochs) if same is None else same
            points[what][part] = scores
            row = {
                "labelled rows": float((labelled_N & (family.split_N == TRAIN)).sum()),
                "training rows": float((reduced.split_N == TRAIN).sum()),
                "epochs": float(epochs),
                "steps": float(epochs * batches(reduced, batch_size)),
                **{name: scores.get(name, float("nan")) for name in names},
            }
            table.print_row(f"{part:>4.0%} {what}", row)
            append_csv(asked.output, {"part": part, "spectra": what, "trials": asked.trials, **row})
    if asked.output is not None:
        details = f"ensemble of {asked.trials} trial{'s' if asked.trials != 1 else ''}"
        print(*save_figure(curves(family, points, details), asked.output), sep="\n")


if __name__ == "__main__":
    main()
