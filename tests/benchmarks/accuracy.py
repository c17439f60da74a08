"""Does the default win? The default setting against trees, their blend with kernel ridge, and PCA.

python -m tests.benchmarks.accuracy [FAMILY_FILE] [--trials 8] [--epochs N] [--seeds 0 1 2] [--output STEM]

For every split by material: Spearman's correlation of each descriptor, reconstruction MAE, excess coupling (by
chance: with permuted styles), smallest Shapiro W, all on the test rows, which no method saw. The baselines are
those of `rankaae evaluate baselines=...`; PCA has as many components as the autoencoder has styles. Ahead: mean
correlation of the ensemble less that of the row, low and high its 95 % interval over the same resamples of the
materials. Seconds are those of training all trials, or of fitting. Three splits of eight trials take half an hour
and more on one core.
"""

from typing import Any

import numpy as np
from omegaconf import OmegaConf

from rankaae_cli.analysis.evaluation.baselines import ensemble_on, fit_and_score, fitting_rows
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TEST
from tests.benchmarks.scores import (
    Column,
    Scores,
    Table,
    append_csv,
    command_line,
    describe,
    mean_of,
    open_family,
    program_epochs,
    split_scores,
    train,
)
from tests.configuration import composed

BASELINES = ("extra_trees", "derivative_trees", "kernel_ridge", "blend", "pca_linear", "mean_spectrum")
RESAMPLES = 1000


def compared(family: Family, trials: int, epochs: int) -> dict[str, Scores]:
    """Train the default on one split; return its scores on test and those it is held against, by name."""
    training = train(family, (), trials, epochs)
    model, on_test = training.model, split_scores(training.model, family, "test")
    rows = np.flatnonzero(family.split_N == TEST)
    settings: Any = OmegaConf.to_object(composed("evaluate").baseline_settings)
    fitted = fit_and_score(
        fitting_rows(family),
        family.spectra_NE[rows],
        family.descriptors_NK[rows],
        family.descriptor_names,
        BASELINES,
        settings,
        styles=len(model.style_names),
        seed=0,
        threads=1,
        ensemble=ensemble_on(model, family, rows, RESAMPLES, seed=0),
    )
    return {
        "ensemble": {**on_test.ensemble, "seconds": training.seconds},
        "selected trial": on_test.selected,
        "mean of trials": on_test.single,
        **{row["label"]: _scores_of(row) for row in fitted},
    }


def _scores_of(row: dict[str, Any]) -> Scores:
    """Return the numbers of a row of baselines.json that the table has."""
    scores = {"mean": row["mean_spearman"], "seconds": row["seconds"]}
    scores |= {name: score["spearman"] for name, score in row["descriptors"].items()}
    if row["generates"]:
        scores["MAE"] = row["reconstruction"]["mae"]
    if row["ensemble_ahead"]:
        scores["ahead"] = row["ensemble_ahead"]["difference"]
        scores["low"], scores["high"] = row["ensemble_ahead"]["interval"]
    return scores


def main() -> None:
    """Print the table."""
    parser = command_line(__doc__, trials=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the split by material")
    asked = parser.parse_args()
    family = open_family(asked.data)
    asked.epochs = asked.epochs or program_epochs(family)
    names = family.descriptor_names
    digits = {
        **dict.fromkeys(("mean", *names), 3),
        "MAE": 4,
        "excess": 3,
        "by chance": 3,
        "W": 3,
        **dict.fromkeys(("ahead", "low", "high"), 3),
        "seconds": 0,
    }
    table = Table(36, [Column(key, n, key) for key, n in digits.items()])
    print(
        f"{describe(family)} rows at split seed 0; {asked.trials} trials of {asked.epochs} epochs; test rows"
    )
    table.print_head()
    rows: dict[str, list[Scores]] = {}
    for seed in asked.seeds:
        for name, scores in compared(open_family(asked.data, seed), asked.trials, asked.epochs).items():
            rows.setdefault(name, []).append(scores)
            table.print_row(f"split {seed}, {name}", scores)
            append_csv(asked.output, {"split": seed, "what": name, **_in_order(table, scores)})
    for name, each in rows.items():
        # The mean of intervals is no interval.
        scores = mean_of(
            [{key: value for key, value in s.items() if key not in ("low", "high")} for s in each]
        )
        table.print_row(f"mean, {name}", scores)
        append_csv(asked.output, {"split": "mean", "what": name, **_in_order(table, scores)})


def _in_order(table: Table, scores: Scores) -> Scores:
    return {column.key: scores.get(column.key, float("nan")) for column in table.columns}


if __name__ == "__main__":
    main()
