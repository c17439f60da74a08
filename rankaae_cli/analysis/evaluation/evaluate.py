"""The evaluation of one split: scores, styles, associations and the tables behind its figures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli import __version__
from rankaae_cli.analysis.encoded import EncodedSplit, encode_split
from rankaae_cli.analysis.evaluation.scores import fit_on_validation, score_split
from rankaae_cli.analysis.evaluation.styles import Found, describe_styles, find_associations
from rankaae_cli.analysis.evaluation.tables import evaluation_tables
from rankaae_cli.analysis.prediction.calibration import calibration_of
from rankaae_cli.analysis.prediction.reader import SpectrumReader
from rankaae_cli.analysis.prediction.result import Reading
from rankaae_cli.core.statistics.bootstrap import affordable_resamples
from rankaae_cli.core.statistics.calibration import COVERAGE
from rankaae_cli.data.family.family_file import Family
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.runs.directory import checkpoint_sha256
from rankaae_cli.schema.finished_run import shipped_resamples

# Of what an evaluation leaves: counted up with every change of it, so that a report replaces what is older.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class Evaluation:
    """What is known of a model on one split.

    Attributes
    ----------
    encoded
        The split.
    prediction
        Its descriptors with the intervals and verdicts of `rankaae predict`.
    associations
        What the free styles go with.
    metrics
        Contents of metrics.json.
    tables
        By the names of their files; the figures show them.
    """

    encoded: EncodedSplit
    prediction: Reading
    associations: Found
    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def evaluate(
    run_directory: Path,
    model: TrainedModel,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
) -> Evaluation:
    """Evaluate one split; nothing is written but what predictions rest on, where the run has not kept it yet.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    split
        ``train``, ``validation`` or ``test``.
    resamples, seed
        Of the materials, for intervals, by default as many as conf/evaluate.yaml has, fewer of many rows; the seed
        also of permutations and draws.
    """
    encoded = encode_split(model, family, split)
    resamples = affordable_resamples(
        len(encoded.rows), shipped_resamples() if resamples is None else resamples
    )
    validation = encoded if split == "validation" else encode_split(model, family, "validation")
    training = encoded if split == "train" else encode_split(model, family, "train")
    fitted = fit_on_validation(model, validation, training.spectra_NE.mean(axis=0))
    associations = find_associations(model, family, encoded, validation, training, seed)
    reader = SpectrumReader(model, calibration_of(run_directory, model, family), COVERAGE, nearest=0)
    prediction = reader.read(encoded.spectra_NE)
    metrics = {
        "format_version": FORMAT_VERSION,
        "run": run_directory.name,
        "family": model.family,
        "element": model.element,
        "edge": model.edge,
        "source": model.source,
        "synthetic": model.is_synthetic,
        "rankaae_version": __version__,
        "checkpoint_sha256": checkpoint_sha256(run_directory),
        "resamples": resamples,
        "seed": seed,
        **score_split(model, encoded, prediction, fitted, resamples, seed),
        **describe_styles(model, encoded, validation, training, seed),
        "choice": fitted.choice,
        "associations": associations.summary,
    }
    tables = evaluation_tables(model, encoded, prediction, metrics, associations.repeats)
    return Evaluation(encoded, prediction, associations, metrics, tables)
