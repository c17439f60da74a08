"""The evaluation of one split: scores, styles, associations and the tables behind its figures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli import __version__
from rankaae_cli.analysis.encoded import EncodedRun, encode_run
from rankaae_cli.analysis.evaluation.associations import find_associations
from rankaae_cli.analysis.evaluation.scores import Fitted, fit_on_validation, score_split
from rankaae_cli.analysis.evaluation.styles import describe_styles
from rankaae_cli.analysis.evaluation.tables import evaluation_tables
from rankaae_cli.analysis.prediction.calibration import calibration_of
from rankaae_cli.analysis.prediction.predictor import Prediction, Predictor
from rankaae_cli.core.statistics.bootstrap import affordable_resamples
from rankaae_cli.core.statistics.calibration import COVERAGE
from rankaae_cli.core.styles.replication import Repeats
from rankaae_cli.data.family.family_file import Family
from rankaae_cli.models.base import HasStyles, Predicts, Reconstructs, require
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.runs.directory import checkpoint_sha256
from rankaae_cli.schema.finished_run import shipped_resamples

# Of what an evaluation leaves: counted up with every change of it, so that a report replaces what is older.
FORMAT_VERSION = 3


@dataclass(frozen=True)
class Evaluation:
    """What is known of a model on one split.

    Attributes
    ----------
    run
        The model, and its data encoded.
    prediction
        Descriptors of the split with the intervals and verdicts of `rankaae predict`.
    repeats
        What the free styles go with; None where there are none.
    metrics
        Contents of metrics.json.
    tables
        By the names of their files; the figures show them.
    """

    run: EncodedRun
    prediction: Prediction
    repeats: Repeats | None
    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class _Basis:
    """What the parts of metrics.json are computed from."""

    run: EncodedRun
    prediction: Prediction
    fitted: Fitted
    associations: dict[str, Any] | None
    resamples: int
    seed: int


# The parts of metrics.json, in their order, and what a model has to be capable of for each.
_PARTS: tuple[tuple[type, Callable[[_Basis], dict[str, Any]]], ...] = (
    (Predicts, lambda b: score_split(b.run, b.prediction, b.fitted, b.resamples, b.seed)),
    (HasStyles, lambda b: describe_styles(b.run, b.seed)),
    (Predicts, lambda b: {"choice": b.fitted.choice}),
    (HasStyles, lambda b: {"associations": b.associations}),
)


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

    Raises
    ------
    UserError
        If the model cannot do what an evaluation needs, or the split cannot be encoded.
    """
    # Of the rows an evaluation keeps styles and reconstructions.
    require(model, "evaluate", Predicts, Reconstructs, HasStyles)
    run = encode_run(model, family, split)
    calibrated = calibration_of(run_directory, model, run.training, run.validation)
    prediction = Predictor(model, calibrated, COVERAGE, nearest=0).predict(run.split)
    repeats, associations = find_associations(run, seed)
    resamples = affordable_resamples(
        len(run.split.rows), shipped_resamples() if resamples is None else resamples
    )
    basis = _Basis(run, prediction, fit_on_validation(run), associations, resamples, seed)
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
    }
    for capability, part in _PARTS:
        if isinstance(model, capability):
            metrics |= part(basis)
    return Evaluation(run, prediction, repeats, metrics, evaluation_tables(run, prediction, metrics, repeats))
