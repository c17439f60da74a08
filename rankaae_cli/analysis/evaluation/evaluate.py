"""The evaluation of one split: scores, styles, associations and the tables behind its figures."""

from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.encoded import EncodedRun, encode_run
from rankaae_cli.analysis.evaluation.associations import find_associations
from rankaae_cli.analysis.evaluation.near_duplicates import find_near_duplicates
from rankaae_cli.analysis.evaluation.scores import fit_on_validation, score_split
from rankaae_cli.analysis.evaluation.styles import describe_styles
from rankaae_cli.analysis.evaluation.tables import FORMAT_VERSION, Evaluation, evaluation_tables
from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.analysis.prediction.calibration import calibrating_rows, calibration_of
from rankaae_cli.analysis.prediction.predictor import Predictor
from rankaae_cli.analysis.reading.importance import find_importance
from rankaae_cli.analysis.reading.mixtures import score_mixtures
from rankaae_cli.core.statistics.bootstrap import affordable_resamples
from rankaae_cli.core.statistics.calibration import COVERAGE
from rankaae_cli.core.styles.replication import Repeats
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.base import HasStyles, Predicts, ReadingModel, Reconstructs, recipe_of, require
from rankaae_cli.schema.finished_run import shipped_resamples


def evaluate(
    run_directory: Path,
    model: ReadingModel,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
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

    Returns
    -------
    metrics, tables
        Contents of metrics.json; the tables by the names of their files, which the figures show.

    Raises
    ------
    UserError
        If the model cannot do what an evaluation needs, or the split cannot be encoded.
    """
    require(model, "rankaae evaluate", Predicts, Reconstructs)
    run = encode_run(model, family, split)
    recipe = recipe_of(model)
    calibrating = run.validation if recipe is None else calibrating_rows(model, family)
    calibrated = calibration_of(run_directory, model, run.training, calibrating)
    predictor = Predictor(model, calibrated, COVERAGE, nearest=0)
    prediction = predictor.predict(run.split)
    repeats, of_styles = _about_styles(run, seed) if isinstance(model, HasStyles) else (None, {})
    resamples = affordable_resamples(
        len(run.split.rows), shipped_resamples() if resamples is None else resamples
    )
    fitted = fit_on_validation(run)
    near_duplicates, listed = find_near_duplicates(run)
    importance, of_windows = find_importance(run, seed)
    of_mixtures, mixtures = (
        (None, pd.DataFrame()) if recipe is None else score_mixtures(run, recipe, predictor, resamples, seed)
    )
    metrics = {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "resamples": resamples,
        "seed": seed,
        **score_split(run, prediction, fitted, resamples, seed),
        **of_styles,
        "choice": fitted.choice,
        "near_duplicates": near_duplicates,
        "importance": importance,
        "mixtures": of_mixtures,
    }
    tables = Evaluation(run, prediction, metrics, repeats, listed, of_windows, mixtures)
    return metrics, evaluation_tables(tables)


def _about_styles(run: EncodedRun, seed: int) -> tuple[Repeats | None, dict[str, Any]]:
    """Return what the free styles go with, and what metrics.json says of styles."""
    repeats, associations = find_associations(run, seed)
    return repeats, {**describe_styles(run, seed), "associations": associations}
