"""What the benchmarks of accuracy share: the family, training through `fit`, scores, tables."""

import argparse
import csv
import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.encoded import encode_split
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.metrics import score_readings, score_reconstruction, score_styles
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.splits import SPLITS, TRAIN
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.models.rankaae.task import RankAAETask
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.runs.data import require_family, rows_trained_on, usable_family
from rankaae_cli.runs.load import load_family
from rankaae_cli.schema.train import RankAAEConfig
from rankaae_cli.training.fit import chosen_device
from rankaae_cli.training.schedules import epochs_of
from tests.configuration import composed
from tests.tasks import task_with

DATA = "RANKAAE_BENCH_DATA"

# Numbers by the head of their column: mean (Spearman over the descriptors), each descriptor's name, MAE (of the
# reconstruction), excess, by chance (the excess with permuted styles), W (the smallest of Shapiro and Wilk).
Scores = dict[str, float]


def command_line(description: str | None, trials: int) -> argparse.ArgumentParser:
    """Return a parser of what all take: the family file, trials, epochs and where to write."""
    assert description is not None
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = os.environ.get(DATA) or str(sample_path("Cu_oxides"))
    parser.add_argument(
        "data", nargs="?", default=default, help=f"a family file (default: ${DATA}, else a sample)"
    )
    parser.add_argument("--trials", type=int, default=trials, help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="(default: the program's)")
    parser.add_argument("--output", type=_new_stem, help="write OUTPUT.csv, and figures where there are any")
    return parser


def _new_stem(text: str) -> Path:
    """Return a path without suffix beside which there is no csv yet: hours of work are not written over."""
    stem = Path(text)
    if csv_path(stem).exists():
        raise argparse.ArgumentTypeError(f"{csv_path(stem)} is there already")
    return stem


def csv_path(stem: Path) -> Path:
    """Return where the table goes."""
    return stem.with_name(f"{stem.name}.csv")


def open_family(path: str, split_seed: int = 0) -> Family:
    """Return the family of a file with the split of that seed, less the descriptors that cannot be learnt."""
    try:
        family = load_family([Path(path)], split_seed)
        require_family(composed("train", f"+family={family.name}"), family)
        return usable_family(family, RankAAETask.learns_from)
    except UserError as error:
        raise SystemExit(str(error)) from error


def describe(family: Family) -> str:
    """Return a line on the family, which says where it is synthetic."""
    rows = ", ".join(f"{(family.split_N == side).sum()} {name}" for side, name in enumerate(SPLITS))
    kind = "SYNTHETIC spectra" if family.is_synthetic else f"spectra from {family.source}"
    return f"{family.name}, {kind}: {rows}"


@dataclass(frozen=True)
class Training:
    """A trained model and the seconds that its training took, validation with it."""

    model: TrainedModel
    seconds: float


def program_epochs(family: Family) -> int:
    """Return for how many epochs `rankaae train` would train on the family."""
    settings = train_config(family)
    return settings.max_epochs or epochs_of(
        settings.max_steps, rows_trained_on(family, None), settings.batch_size
    )


def batches(family: Family, batch_size: int) -> int:
    """Return the steps of an epoch."""
    return math.ceil((family.split_N == TRAIN).sum() / batch_size)


def train(
    family: Family,
    overrides: Sequence[str],
    trials: int,
    epochs: int,
    taught_NK: np.ndarray | None = None,
) -> Training:
    """Train as `rankaae train` would with these overrides, and with what a teacher reads.

    Raises
    ------
    TrainingError
        If every trial diverged before it had a usable epoch.
    """
    settings = train_config(family, *overrides)
    with tempfile.TemporaryDirectory() as folder:
        request = task_with(
            settings,
            family,
            Path(folder),
            trials=trials,
            max_epochs=epochs,
            labelled_share=settings.labelled_share,
            taught_NK=taught_NK,
            seed=settings.seed,
            device=chosen_device(settings.device.value),
            threads=settings.threads,
        )
        start = time.perf_counter()
        model = fit(request, lambda done, total, standing: None)
        return Training(model, time.perf_counter() - start)


def train_config(family: Family, *overrides: str) -> RankAAEConfig:
    """Return the settings of `rankaae train` with overrides, of which `key*=factor` multiplies a default."""
    settings = OmegaConf.to_object(composed("train", f"+family={family.name}", *multiplied(overrides)))
    assert isinstance(settings, RankAAEConfig)
    return settings


def multiplied(overrides: Sequence[str]) -> list[str]:
    """Return overrides in Hydra's grammar: `key*=factor` becomes `key=` factor times the default."""
    default: DictConfig = composed("train")
    plain = []
    for override in overrides:
        key, times, factor = override.partition("*=")
        plain.append(f"{key}={OmegaConf.select(default, key) * float(factor)!r}" if times else override)
    return plain


@dataclass(frozen=True)
class SplitScores:
    """Scores on one split: of the ensemble, of the selected trial, and the mean over trials that did not fail."""

    ensemble: Scores
    selected: Scores
    single: Scores


def split_scores(model: TrainedModel, family: Family, split: str) -> SplitScores:
    """Score a model on one split as `rankaae evaluate` does."""
    reading = encode_split(model, family, split)

    def score(styles_NS: np.ndarray, spectra_NE: np.ndarray, calibration: dict[str, Any]) -> Scores:
        known_NK = reading.descriptors_NK
        scores = {
            **score_readings(styles_NS[:, : known_NK.shape[1]], known_NK, calibration["descriptors"], {}),
            **score_styles(styles_NS, known_NK),
            "reconstruction": score_reconstruction(spectra_NE, reading.spectra_NE),
        }
        return {
            "mean": scores["mean_spearman"],
            **{name: value["spearman"] for name, value in scores["descriptors"].items()},
            "MAE": scores["reconstruction"]["mae"],
            "excess": scores["inter_style"]["excess"],
            "by chance": scores["inter_style"]["excess_permuted"],
            "W": scores["shapiro_min"],
        }

    trials = {
        t: score(reading.styles_TNS[t], reading.reconstructions_TNE[t], model.calibration["trials"][t])
        for t in np.flatnonzero(model.alive_T)
    }
    ensemble = score(
        reading.ensemble_indicators_NK, reading.ensemble_spectra_NE, model.calibration["ensemble"]
    )
    return SplitScores(ensemble, trials[model.selected_trial], mean_of(list(trials.values())))


def mean_of(scores: Sequence[Scores]) -> Scores:
    """Return the mean of every number over those of them that know it."""
    names = dict.fromkeys(name for each in scores for name in each)
    known = {name: [s[name] for s in scores if np.isfinite(s.get(name, np.nan))] for name in names}
    return {name: float(np.mean(values)) if values else float("nan") for name, values in known.items()}


@dataclass(frozen=True)
class Column:
    """A column of numbers: their key in a row, the digits after the point, and what stands above."""

    key: str
    digits: int
    head: str

    @property
    def width(self) -> int:
        """Characters, with the gap before it."""
        return max(len(self.head), 6) + 2


@dataclass(frozen=True)
class Table:
    """Aligned text, printed line by line: a name, then numbers."""

    name_width: int
    columns: Sequence[Column]

    def print_head(self) -> None:
        """Print what stands above the columns."""
        print(" " * self.name_width + "".join(f"{c.head:>{c.width}}" for c in self.columns), flush=True)

    def print_row(self, name: str, values: Mapping[str, float]) -> None:
        """Print a row; a dash where a number is not known."""
        cells = ""
        for column in self.columns:
            value = values.get(column.key, float("nan"))
            text = f"{value:.{column.digits}f}" if np.isfinite(value) else "-"
            cells += f"{text:>{column.width}}"
        print(f"{name:<{self.name_width}}{cells}", flush=True)


def append_csv(stem: Path | None, row: Mapping[str, Any]) -> None:
    """Append a row to the csv of an output, if one is asked for; all rows have the same keys."""
    if stem is None:
        return
    path = csv_path(stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
