"""What a transfer brought: the run that a training began from, and one from scratch, on the same spectra."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.analysis.encoded import EncodedSplit, encode_split
from rankaae_cli.core.errors import Stopped
from rankaae_cli.core.labels import is_known, listed, print_number
from rankaae_cli.core.statistics.bootstrap import material_weights, percentile_interval
from rankaae_cli.core.statistics.metrics import mae, mean_spearman, resampled_mean_spearman, spearman
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.base import Trained
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.models.registry import load_model, part_of_kind
from rankaae_cli.runs.directory import BEST
from rankaae_cli.runs.earlier.start import StartRun, start_of
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.runs.task import task_from_scratch

TRANSFER_JSON, TRANSFER_CSV = "transfer.json", "transfer.csv"
# Of transfer.json: counted up with every change of it, so that a report replaces what is older.
FORMAT_VERSION = 2
# What the runs are compared by, the first that their rows hold, and what sentences call it.
MEASURES = {"mean_spearman": "mean Spearman", "eta": "eta"}
BEFORE, SCRATCH, AFTER = "before", "scratch", "after"
_LABELS = {BEFORE: "The run it began from", SCRATCH: "Trained on these spectra alone", AFTER: "This run"}
_SHARED = (
    *(
        "run",
        "family",
        "element",
        "edge",
        "source",
        "synthetic",
        "split",
        "n",
        "n_materials",
        "resamples",
        "seed",
    ),
    *("rankaae_version", "checkpoint_sha256"),
)


def evaluate_transfer(
    run_directory: Path,
    model: TrainedModel,
    family: Family,
    metrics: Mapping[str, Any],
    scratch: bool | None = True,
    announce: Callable[[str], None] = print,
) -> dict[str, Any] | None:
    """Return how a run with ``start=`` does beside the run that it began from, and beside one from scratch.

    The styles' scales and the calibration of the run that it began from are taken on the new rows, so that nothing
    but the networks differs. From scratch the same networks are trained on the new rows alone, as that run was;
    this is done once and kept in the run's ``scratch/``.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    metrics
        Contents of metrics.json of the split.
    scratch
        Whether to train from scratch where that has not been done; None: not now, which declines it for no other.
    announce
        Takes a line on what is done or cannot be.

    Returns
    -------
    dict or None
        Contents of transfer.json; None for a run that did not begin from another.
    """
    begun = read_provenance(run_directory).get("start")
    if begun is None:
        return None
    models = {
        BEFORE: _as_it_was(run_directory, family, announce),
        SCRATCH: from_scratch(run_directory, model, family, bool(scratch), announce),
        AFTER: model,
    }
    encoded = {
        name: encode_split(one, family, metrics["split"]) for name, one in models.items() if one is not None
    }
    weights_NR = material_weights(
        encoded[AFTER].material_N, int(metrics["resamples"]), np.random.default_rng(int(metrics["seed"]))
    )
    resampled = {
        name: resampled_mean_spearman(rows.ensemble_indicators_NK, rows.descriptors_NK, weights_NR)
        for name, rows in encoded.items()
    }
    scores = {name: _scores(model, rows) for name, rows in encoded.items()}
    return transfer_content(model, family, metrics, {"start": begun, "scratch": scratch}, scores, resampled)


def transfer_content(
    model: Trained,
    family: Family,
    metrics: Mapping[str, Any],
    about: Mapping[str, Any],
    scores: Mapping[str, Mapping[str, Any]],
    resampled: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Return the contents of transfer.json.

    Parameters
    ----------
    model, family, metrics
        Of `evaluate_transfer`.
    about
        What else stands there of the run.
    scores, resampled
        By model, numbers with one of `MEASURES`, and this in every resample of materials, which models share.
    """
    measure = next(measure for measure in MEASURES if measure in scores[AFTER])
    rows = [
        {
            "name": name,
            "label": _LABELS[name],
            **score,
            "interval": percentile_interval(resampled[name]),
            "gain": None if name == AFTER else scores[AFTER][measure] - score[measure],
            "gain_interval": percentile_interval(resampled[AFTER] - resampled[name]),
        }
        for name, score in scores.items()
    ]
    on_train = family.split_N == TRAIN
    return {
        "format_version": FORMAT_VERSION,
        **{key: metrics[key] for key in _SHARED},
        "fidelity": model.fidelity,
        **about,
        "training_spectra": int(on_train.sum()),
        "training_materials": len(set(family.material_N[on_train])),
        "rows": rows,
        "findings": transfer_findings(rows, f"{metrics['n']} {metrics['split']} spectra ({model.fidelity})"),
    }


def transfer_findings(rows: Sequence[Mapping[str, Any]], spectra: str) -> list[str]:
    """Return a sentence on what the transfer brought, by the rows of transfer.json; none where it is not known.

    `spectra` says of how many spectra, and which, they are.
    """
    gains = {row["name"]: row for row in rows if row["gain"] is not None and is_known(row["gain"])}
    measure = next(measure for measure in MEASURES if measure in rows[0])
    score = {row["name"]: print_number(row[measure]) for row in rows}
    over = {BEFORE: "over the run it began from", SCRATCH: "over training on these spectra alone"}
    parts = []
    for name, row in gains.items():
        low, high = row["gain_interval"]
        gain = f"{row['gain']:+.3f}".replace("-", "−")
        known = f" ({print_number(low)} to {print_number(high)})" if is_known(low) else ""
        chance = ", which may be chance" if is_known(low) and low <= 0 <= high else ""
        parts.append(f"{gain}{known} {over[name]} ({score[name]}){chance}")
    about = f"{MEASURES[measure]} of {spectra}: {score[AFTER]} after the transfer"
    return [f"{about}, {listed(parts)}"] if parts else []


def _as_it_was(run_directory: Path, family: Family, announce: Callable[[str], None]) -> TrainedModel | None:
    """Return the model that a run began from, calibrated on the run's own rows; None where it is gone."""
    start = start_at_hand(run_directory, announce)
    if start is None:
        return None
    model: Any = start.model
    # What was not begun from takes no part.
    model.failed_T = [None if t in start.trials else "not begun from" for t in range(model.n_trials)]
    model.selected_trial = start.trials[0]
    calibrated: TrainedModel = part_of_kind(model.kind, "fit").calibrate(model, family)
    return calibrated


def start_at_hand(run_directory: Path, announce: Callable[[str], None]) -> StartRun | None:
    """Return the run that one began from; None, and a line on it, where it is gone or has changed."""
    start = start_of(run_directory)
    if start is None:
        announce("the run that this one began from is gone or has changed: its scores are not known")
    return start


def from_scratch(
    run_directory: Path, model: Trained, family: Family, train: bool, announce: Callable[[str], None]
) -> Any | None:
    """Return the model that was trained from scratch on a run's rows, training it first where asked to."""
    folder = run_directory / "scratch"
    if (folder / BEST).is_file():
        return load_model(folder / BEST)
    if not train:
        return None
    task = task_from_scratch(run_directory, family, model.descriptor_classes, folder)
    if task is None:
        announce(
            "the run that this one began from is gone: how it was trained, to train so from scratch, is not known"
        )
        return None
    announce("training from scratch on these spectra alone, once, to compare (scratch=false leaves it out)")
    try:
        with Progress("training from scratch") as progress:
            return part_of_kind(model.kind, "fit").fit(task, progress)
    except Stopped as stopped:
        raise Stopped(f"{stopped} from scratch; the same call goes on", stopped.status - 128) from stopped


def _scores(model: TrainedModel, rows: EncodedSplit) -> dict[str, Any]:
    """Return the numbers of an ensemble on a split."""
    truth_NK = rows.descriptors_NK
    return {
        "mean_spearman": mean_spearman(rows.ensemble_indicators_NK, truth_NK),
        "descriptors": {
            name: {
                "spearman": spearman(rows.ensemble_indicators_NK[:, k], truth_NK[:, k]),
                "mae": mae(truth_NK[:, k], rows.ensemble_values_NK[:, k]),
            }
            for k, name in enumerate(model.descriptor_names)
        },
        "reconstruction_mae": float(rows.error_N.mean()),
    }
