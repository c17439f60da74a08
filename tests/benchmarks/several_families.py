"""What several families at once bring to each: eta of held-out spectra, 5 folds by material.

python -m tests.benchmarks.several_families FAMILY_FILE FAMILY_FILE ... [--lengths 4,8] [--noises 0.0001,0.001]

Each fold in turn is what is tested on, the next one validation; kernels are chosen by training rows alone. Of every
family: a process of it alone, one of all, and the latter's rows beside it with a kernel chosen for it. Ten minutes
on one core for 4,000 rows.
"""

import argparse
import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.statistics.bootstrap import material_weights, percentile_interval
from rankaae_cli.core.statistics.simulation import error_ratio, resampled_ratio, squared_errors
from rankaae_cli.data.family.families import read_families
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.splits import TEST, TRAIN, VALIDATION
from rankaae_cli.models.forward.fit import Task, fit
from rankaae_cli.models.forward.settings import ForwardSettings
from rankaae_cli.models.forward.trained import TrainedSimulator

FOLDS = 5
NAMES = ("alone", "all", "tuned")


def in_fold(family: Family, fold: int) -> Family:
    """Return the family with one fold of materials as test, and the next as validation."""
    fold_N = np.array([fold_of(material) for material in family.material_N.astype(str)])
    sides = {fold: TEST, (fold + 1) % FOLDS: VALIDATION}
    return replace(family, split_N=np.array([sides.get(f, TRAIN) for f in fold_N], dtype=np.uint8))


def fold_of(material: str) -> int:
    """Return the fold of a material, which its name decides."""
    return int(hashlib.sha256(f"f:{material}".encode()).hexdigest(), 16) % FOLDS


def trained(family: Family, settings: ForwardSettings, earlier: Family | None = None) -> TrainedSimulator:
    """Return the model of a family."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "checkpoints").mkdir()
        given = {"descriptor_classes": {}, "trials": 1, "seed": 0, "folder": Path(folder)}
        task = Task(family=family, model=settings, earlier=earlier, **given)
        return fit(task, lambda *steps: None)


def main() -> None:
    """Print eta of every family, alone, with all and tuned, and the gain over alone with its interval."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--lengths", default="4,8")
    parser.add_argument("--noises", default="0.0001,0.001")
    parser.add_argument("--shares", default="0,0.25,0.5,0.75,0.9")
    given = parser.parse_args()
    numbers = [[float(x) for x in text.split(",")] for text in (given.lengths, given.noises, given.shares)]
    settings = ForwardSettings(*numbers, with_validation=True)
    families = [read_family(path) for path in given.files]
    joint, _ = read_families(given.files, across=True)
    simulated = {name: [np.empty(f.spectra_NE.shape) for f in families] for name in NAMES}
    mean = [np.empty(f.spectra_NE.shape) for f in families]
    for fold in range(FOLDS):
        everything = in_fold(joint, fold)
        of_all = trained(everything, settings)
        for j, family in enumerate(in_fold(family, fold) for family in families):
            test = np.flatnonzero(family.split_N == TEST)
            mean[j][test] = family.spectra_NE[family.split_N != TEST].mean(axis=0)
            models = (trained(family, settings), of_all.of_member(j), trained(family, settings, everything))
            for name, model in zip(NAMES, models, strict=True):
                simulated[name][j][test] = model.simulate(family.features.with_rows(test))[0]
        print(f"fold {fold + 1} of {FOLDS}", flush=True)
    for j, family in enumerate(families):
        weights = material_weights(family.material_N, 1000, np.random.default_rng(0))
        true = family.spectra_NE.astype(np.float64)
        etas = [error_ratio(true, simulated[name][j], mean[j]) for name in NAMES]
        mse = [squared_errors(true, simulated[name][j]).mean() for name in NAMES]
        alone, _, tuned = (resampled_ratio(true, simulated[name][j], mean[j], weights) for name in NAMES)
        low, high = percentile_interval(tuned - alone)
        text = ", ".join(f"{n} {e:.2f} ({m:.5f})" for n, e, m in zip(NAMES, etas, mse, strict=True))
        print(f"{family.name}: eta (mean squared error) {text}; gain {low:+.2f} to {high:+.2f}", flush=True)


if __name__ == "__main__":
    main()
