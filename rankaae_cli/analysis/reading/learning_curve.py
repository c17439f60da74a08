"""The learning curve: how well a model reads where it is trained on fewer materials, and what more would bring."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import encode_split
from rankaae_cli.core.labels import is_known, print_number
from rankaae_cli.core.statistics.bootstrap import material_weights, percentile_interval
from rankaae_cli.core.statistics.metrics import mean_spearman, resampled_mean_spearman, spearman
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.base import ReadingModel
from rankaae_cli.models.registry import part_of_kind
from rankaae_cli.runs.task import task_anew

LEARNING_JSON, LEARNING_CSV = "learning_curve.json", "learning_curve.csv"
FIGURE = "learning_curve"
# Of learning_curve.json: counted up with every change of it.
FORMAT_VERSION = 1
_SHARES = (1 / 8, 1 / 4, 1 / 2)
_SPLITS = ("validation", "test")
_SHARED = (
    "run",
    "family",
    "element",
    "edge",
    "source",
    "synthetic",
    "resamples",
    "seed",
    "checkpoint_sha256",
)


def learning_curve(
    run_directory: Path,
    model: ReadingModel,
    family: Family,
    metrics: Mapping[str, Any],
    announce: Callable[[str], None] = print,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Train a run's model anew on fewer and fewer of its training materials, each set within the next.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them; the run itself is the end of the curve.
    metrics
        Contents of metrics.json, whose resamples and seed are taken.
    announce
        Takes a line before each training.

    Returns
    -------
    content
        Of learning_curve.json: ``gain`` of the last doubling of the materials in mean Spearman on the test split,
        over the same resamples, with ``gain_interval``, and ``findings``.
    table
        A row a number of materials and split: ``materials``, ``rows``, ``split``, ``mean_spearman`` with its 95 %
        interval ``low`` and ``high``, and of each descriptor ``spearman_<name>``.
    """
    rng = np.random.default_rng(int(metrics["seed"]))
    materials = rng.permutation(np.unique(family.material_N[family.split_N == TRAIN].astype(str)))
    rows, replicates = [], []
    for share in (*_SHARES, 1.0):
        chosen = materials[: max(1, round(share * len(materials)))]
        kept_N = (family.split_N != TRAIN) | np.isin(family.material_N.astype(str), chosen)
        part, trained = family.with_rows(kept_N), model
        if share < 1:
            announce(f"training on {len(chosen)} of {len(materials)} materials, for the learning curve")
            trained = _trained(run_directory, model, part)
        for split in _SPLITS:
            row, resampled = _row(trained, part, split, int(metrics["resamples"]), int(metrics["seed"]))
            rows.append({"materials": len(chosen), "rows": int((part.split_N == TRAIN).sum()), **row})
        replicates.append(resampled)
    table = pd.DataFrame(rows)
    of_test = table[table["split"] == "test"]
    gain = float(of_test["mean_spearman"].iloc[-1] - of_test["mean_spearman"].iloc[-2])
    content = {
        "format_version": FORMAT_VERSION,
        **{key: metrics[key] for key in _SHARED},
        "gain": gain,
        "gain_interval": percentile_interval(replicates[-1] - replicates[-2]),
    }
    return content | {"findings": _findings(content, of_test["materials"].tolist())}, table


def _trained(run_directory: Path, model: ReadingModel, family: Family) -> ReadingModel:
    with tempfile.TemporaryDirectory() as folder, Progress("training") as progress:
        task = task_anew(run_directory, family, model.descriptor_classes, Path(folder))
        trained: ReadingModel = part_of_kind(model.kind, "fit").fit(task, progress)
    return trained


def _row(
    model: ReadingModel, family: Family, split: str, resamples: int, seed: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Return the numbers of a model on a split, and its mean correlation in each resample of the materials."""
    encoded = encode_split(model, family, split)
    read_NK, true_NK = encoded.ensemble_indicators_NK, encoded.descriptors_NK
    weights_NR = material_weights(encoded.material_N, resamples, np.random.default_rng(seed))
    resampled = resampled_mean_spearman(read_NK, true_NK, weights_NR)
    low, high = percentile_interval(resampled)
    of_each = {
        f"spearman_{name}": spearman(read_NK[:, k], true_NK[:, k])
        for k, name in enumerate(model.descriptor_names)
    }
    mean = mean_spearman(read_NK, true_NK)
    return {"split": split, "mean_spearman": mean, "low": low, "high": high, **of_each}, resampled


def _findings(content: Mapping[str, Any], materials: list[int]) -> list[str]:
    low, high = content["gain_interval"]
    if not is_known(low):
        return []
    chance = ", which may be chance" if low <= 0 <= high else ""
    return [
        f"mean Spearman of the test split rises by {print_number(content['gain'])} ({print_number(low)} to "
        f"{print_number(high)}) from {materials[-2]} to {materials[-1]} materials{chance}: about what as many "
        "materials again would bring at most"
    ]
