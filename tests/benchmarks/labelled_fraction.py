"""What spectra without labels are worth: descriptors read with labels for a part of the materials.

python -m tests.benchmarks.labelled_fraction [FAMILY_FILE] [--parts 0.05 0.1 0.25] [--draws 10] [--trials 2]
    [--epochs N] [--output STEM]

Each draw is a permutation of the materials of either side, training and validation, that decides which keep their
descriptors: an epoch is chosen by as few labels as there would be. Smaller parts lie within larger ones. Trained on
are the labelled rows alone; all rows; and all rows, taught by a reader of kind=supervised that was fitted to the
labelled ones. Fewer rows make fewer batches an epoch: epochs are added so that all three take as many optimiser
steps, and those of the labelled rows have more epochs to choose from.

Printed are Spearman's correlations of the ensemble on the test rows, all of which keep their descriptors; their
mean on all validation rows too, whose descriptors no training is given, to choose settings by. Then what the rows
without labels add: differences within each draw, their mean over the draws and its 95 % interval by Student's t.
Hours on one core.
"""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.supervised import fit as reading
from rankaae_cli.runs.earlier.teacher import stand_ins
from rankaae_cli.runs.task import task_of
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
from tests.configuration import composed

PARTS = (0.05, 0.10, 0.25)
SPECTRA = ALONE, ALL, TAUGHT = "labelled rows alone", "all rows", "all rows, taught"


def labelled_rows(family: Family, part: float, seed: int) -> np.ndarray:
    """Return which rows keep their descriptors, (N,) bool: those of a part of the materials, and all test rows."""
    labelled_N = np.ones(len(family), dtype=bool)
    for side in (TRAIN, VALIDATION):
        on_side_N = family.split_N == side
        materials = np.random.default_rng(seed).permutation(sorted(set(family.material_N[on_side_N])))
        kept = set(materials[: math.ceil(part * len(materials))])
        labelled_N[on_side_N] = [material in kept for material in family.material_N[on_side_N]]
    return labelled_N


def without_labels(family: Family, labelled_N: np.ndarray) -> Family:
    """Return the family with the descriptors of the other rows unknown."""
    return replace(family, descriptors_NK=np.where(labelled_N[:, None], family.descriptors_NK, np.nan))


def readings(family: Family, labelled_N: np.ndarray) -> np.ndarray:
    """Return what the program's reader, fitted to the rows that keep their descriptors, teaches of the others."""
    config = composed("train", f"+family={family.name}", "kind=supervised", "threads=1")
    with tempfile.TemporaryDirectory() as folder:
        own = {"family": family.with_rows(labelled_N), "descriptor_classes": {}, "folder": Path(folder)}
        reader = reading.fit(task_of(config, **own), lambda done, total, standing: None)
    return stand_ins(reader, without_labels(family, labelled_N), None)


def epochs_for_equal_steps(full: Family, part: Family, batch_size: int, epochs: int) -> int:
    """Return in how many epochs a part takes as many steps as the whole in `epochs`."""
    return round(epochs * batches(full, batch_size) / batches(part, batch_size))


def measure(
    family: Family, labelled_N: np.ndarray, spectra: str, trials: int, epochs: int, seed: int
) -> Scores:
    """Train on what a draw leaves of a family, in as many steps as `epochs` of it take; return the scores."""
    left = family.with_rows(labelled_N) if spectra == ALONE else without_labels(family, labelled_N)
    epochs = epochs_for_equal_steps(family, left, train_config(family).batch_size, epochs)
    taught_NK = readings(family, labelled_N) if spectra == TAUGHT else None
    training = train(left, [f"seed={seed}"], trials, epochs, taught_NK)
    return {
        "labelled": float((labelled_N & (family.split_N == TRAIN)).sum()),
        "epochs": float(epochs),
        "seconds": training.seconds,
        "validation": split_scores(training.model, family, "validation").ensemble["mean"],
        **split_scores(training.model, family, "test").ensemble,
    }


def paired(of_draws: Sequence[Scores], others: Sequence[Scores], key: str) -> tuple[float, float, float]:
    """Return the mean difference over the draws and its 95 % interval by Student's t; NaN of a single one."""
    difference_D = np.array([a[key] - b[key] for a, b in zip(of_draws, others, strict=True)])
    n, mean = len(difference_D), float(difference_D.mean())
    if n < 2:
        return mean, math.nan, math.nan
    half = float(stats.t.ppf(0.975, n - 1) * difference_D.std(ddof=1) / math.sqrt(n))
    return mean, mean - half, mean + half


def main() -> None:
    """Print the table, and write it as it grows."""
    parser = command_line(__doc__, trials=2)
    parser.add_argument("--parts", type=float, nargs="+", default=PARTS, help="(default: %(default)s)")
    parser.add_argument("--draws", type=int, default=10, help="(default: %(default)s)")
    asked = parser.parse_args()
    family = open_family(asked.data)
    epochs = asked.epochs or program_epochs(family)
    scored = [*(Column(name, 3, name) for name in ("validation", "mean", *family.descriptor_names))]
    scored.append(Column("MAE", 4, "MAE"))
    table = Table(46, [*(Column(name, 0, name) for name in ("labelled", "epochs", "seconds")), *scored])
    print(f"{describe(family)} rows; {asked.trials} trials, as many steps as {epochs} epochs of all rows")
    table.print_head()

    def add(part: float, draw: int | str, spectra: str, row: Scores) -> None:
        table.print_row(f"{part:.0%} {draw}, {spectra}", row)
        values = {column.key: row.get(column.key, math.nan) for column in table.columns}
        append_csv(asked.output, {"part": part, "draw": draw, "spectra": spectra, **values})

    for part in asked.parts:
        scores: dict[str, list[Scores]] = {spectra: [] for spectra in SPECTRA}
        for draw in range(asked.draws):
            labelled_N = labelled_rows(family, part, draw)
            for spectra, of_draws in scores.items():
                of_draws.append(measure(family, labelled_N, spectra, asked.trials, epochs, draw))
                add(part, draw, spectra, of_draws[-1])
        for spectra in (ALL, TAUGHT):
            of_keys = {c.key: paired(scores[spectra], scores[ALONE], c.key) for c in scored}
            for i, what in enumerate(("difference", "low", "high")):
                add(part, what, spectra, {key: values[i] for key, values in of_keys.items()})


if __name__ == "__main__":
    main()
