"""Does the default win? The default setting against trees and PCA, on materials that no model saw.

python -m tests.benchmarks.accuracy [FAMILY_FILE] [--trials 8] [--epochs N] [--seeds 0 1 2] [--output STEM]

For every split by material: Spearman's correlation of each descriptor, reconstruction MAE, excess coupling (by
chance: with permuted styles), smallest Shapiro W, all on the test rows. The trees are extremely randomised ones,
supervised, a model a descriptor; PCA has as many components as the autoencoder has styles. Seconds are those of
training all trials, or of fitting. Three splits of eight trials take half an hour and more on one core.
"""

import time

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor

from rankaae_cli.core.statistics.metrics import mae, mean_spearman, spearman
from rankaae_cli.data.family.family_file import Family
from rankaae_cli.data.family.splits import TEST, TRAIN
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


def of_trees(family: Family) -> Scores:
    """Return the scores of extremely randomised trees, one model a descriptor on the rows where it is known."""
    start = time.perf_counter()
    train_NE, test_NE = (family.spectra_NE[family.split_N == side] for side in (TRAIN, TEST))
    train_NK, test_NK = (family.descriptors_NK[family.split_N == side] for side in (TRAIN, TEST))
    predicted_NK = np.empty_like(test_NK)
    for k, descriptor_N in enumerate(train_NK.T):
        known_N = np.isfinite(descriptor_N)
        trees = ExtraTreesRegressor(300, min_samples_leaf=2, max_features=0.3, n_jobs=-1, random_state=0)
        predicted_NK[:, k] = trees.fit(train_NE[known_N], descriptor_N[known_N]).predict(test_NE)
    seconds = time.perf_counter() - start
    rho = {
        name: spearman(predicted_NK[:, k], test_NK[:, k]) for k, name in enumerate(family.descriptor_names)
    }
    return {"mean": mean_spearman(predicted_NK, test_NK), **rho, "seconds": seconds}


def of_pca(family: Family, components: int) -> Scores:
    """Return the reconstruction error of PCA fitted on the training rows; of the mean spectrum for none."""
    start = time.perf_counter()
    train_NE, test_NE = (family.spectra_NE[family.split_N == side].astype(float) for side in (TRAIN, TEST))
    if components == 0:
        return {"MAE": mae(test_NE, np.broadcast_to(train_NE.mean(axis=0), test_NE.shape))}
    pca = PCA(min(components, *train_NE.shape), random_state=0).fit(train_NE)
    made_NE = pca.inverse_transform(pca.transform(test_NE))
    return {"MAE": mae(test_NE, made_NE), "seconds": time.perf_counter() - start}


def compared(family: Family, trials: int, epochs: int) -> dict[str, Scores]:
    """Train the default on one split; return its scores on test and those it is held against, by name."""
    training = train(family, (), trials, epochs)
    on_test = split_scores(training.model, family, "test")
    styles = len(training.model.style_names)
    return {
        "ensemble": {**on_test.ensemble, "seconds": training.seconds},
        "selected trial": on_test.selected,
        "mean of trials": on_test.single,
        "trees": of_trees(family),
        f"PCA, {styles} components": of_pca(family, styles),
        "mean spectrum": of_pca(family, 0),
    }


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
        "seconds": 0,
    }
    table = Table(31, [Column(key, n, key) for key, n in digits.items()])
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
        scores = mean_of(each)
        table.print_row(f"mean, {name}", scores)
        append_csv(asked.output, {"split": "mean", "what": name, **_in_order(table, scores)})


def _in_order(table: Table, scores: Scores) -> Scores:
    return {column.key: scores.get(column.key, float("nan")) for column in table.columns}


if __name__ == "__main__":
    main()
