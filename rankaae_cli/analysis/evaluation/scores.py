"""The scores of an evaluation: what is fitted on validation, and numbers with intervals on a split."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rankaae_cli.analysis.encoded import EncodedRun, EncodedSplit
from rankaae_cli.analysis.evaluation.findings import PUBLISHED_BY, choice_reason, chosen_by
from rankaae_cli.analysis.evaluation.published_score import (
    lead,
    published_measures,
    published_scores,
    ranks,
    resampled_scores,
)
from rankaae_cli.analysis.prediction.predictor import Prediction
from rankaae_cli.core.statistics.bootstrap import LEVEL, affordable_resamples, material_weights
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL, reconstruction_mae_rows
from rankaae_cli.core.statistics.classification import fit_cuts
from rankaae_cli.core.statistics.coverage import coverage_by_group
from rankaae_cli.core.statistics.metrics import score_styles
from rankaae_cli.models.rankaae.trained import TrainedModel

Cuts = dict[str, dict[str, Any] | None]
_LEAD_RESAMPLES = 500  # enough for an interval that only has to be told from 0
_ROWS_FOR_ALL = 2000  # beyond, Kendall's intervals (quadratic in rows) of every trial would take minutes


@dataclass(frozen=True)
class Fitted:
    """What evaluating fits or chooses; all of it on the validation rows.

    Attributes
    ----------
    ensemble_cuts, trial_cuts
        Thresholds between the classes of each descriptor that has some, by name (see
        `core.statistics.classification.fit_cuts`): of the ensemble and of every trial, None for one that diverged.
    choice
        Which trial was chosen and why, with both scores of every trial; as in metrics.json.
    """

    ensemble_cuts: Cuts
    trial_cuts: list[Cuts | None]
    choice: dict[str, Any]


def fit_on_validation(run: EncodedRun) -> Fitted:
    """Fit the thresholds between classes, and measure every trial as those who choose among them do."""
    model, validation = run.model, run.validation
    mean_spectrum_E = run.training.spectra_NE.mean(axis=0)
    alive = [t for t, calibration in enumerate(model.calibration["trials"]) if calibration is not None]
    trial_cuts = [
        _fit_cuts(model, validation.styles_TNS[t], validation) if t in alive else None
        for t in range(model.n_trials)
    ]
    return Fitted(
        ensemble_cuts=_fit_cuts(model, validation.ensemble_styles_NK, validation),
        trial_cuts=trial_cuts,
        choice=_choice(model, validation, trial_cuts, mean_spectrum_E),
    )


def _fit_cuts(model: TrainedModel, styles_NS: np.ndarray, validation: EncodedSplit) -> Cuts:
    return {
        name: fit_cuts(styles_NS[:, k], validation.descriptors_NK[:, k], model.descriptor_classes[name])
        for k, name in enumerate(model.descriptor_names)
        if model.descriptor_classes.get(name)
    }


def _choice(
    model: TrainedModel,
    validation: EncodedSplit,
    trial_cuts: list[Cuts | None],
    mean_spectrum_E: np.ndarray,
) -> dict[str, Any]:
    """Return the chosen trial, the reason, and every trial's measures and both scores on validation."""
    baseline = float(np.abs(validation.spectra_NE - mean_spectrum_E).mean(dtype=np.float64))
    measured = [
        None if cuts is None else _judge(model, validation, t, cuts) for t, cuts in enumerate(trial_cuts)
    ]
    published = [None if scores is None else scores[1] for scores in measured]
    ours_T = np.where([scores is not None for scores in measured], model.scores_T, np.nan)
    theirs_T = published_scores(published)
    our_ranks, their_ranks = ranks(ours_T), ranks(theirs_T)
    judged = [None if scores is None else _measures(scores[0], baseline) for scores in measured]
    # A trial that diverged has the keys of the others, none of them known.
    keys = next(list(measures) for measures in judged if measures is not None)
    trials = [
        {
            "trial": t,
            **(measures or dict.fromkeys(keys)),
            "score": float(ours_T[t]),
            "rank": our_ranks[t],
            "published_score": float(theirs_T[t]),
            "published_rank": their_ranks[t],
            "published_measures": published[t],
        }
        for t, measures in enumerate(judged)
    ]
    selected = int(model.selected_trial)
    ahead = _lead(model, validation, mean_spectrum_E, our_ranks)
    return {
        "trial": selected,
        "by": chosen_by(trials),
        "reason": choice_reason(trials, selected, ahead),
        "lead": ahead,
        "published_choice": their_ranks.index(1) if their_ranks.count(1) == 1 else None,
        "published_by": PUBLISHED_BY,
        "n_validation": len(validation.error_N),
        "trials": trials,
    }


def _lead(
    model: TrainedModel,
    validation: EncodedSplit,
    mean_spectrum_E: np.ndarray,
    rank_of: Sequence[int | None],
) -> dict[str, Any] | None:
    """Hold the selected trial's lead over the next against chance; None where it is not the best or is alone."""
    selected = int(model.selected_trial)
    others = {t: rank for t, rank in enumerate(rank_of) if rank is not None and t != selected}
    if rank_of[selected] != 1 or not others:
        return None
    over = min(others, key=lambda t: others[t])
    resamples = affordable_resamples(len(validation.material_N), _LEAD_RESAMPLES)
    weights_NR = material_weights(validation.material_N, resamples, np.random.default_rng(0))
    # The rows themselves are the last resample.
    weights_NR = np.column_stack([weights_NR, np.ones(len(weights_NR))])
    flat_NE = np.broadcast_to(mean_spectrum_E, validation.spectra_NE.shape)
    first, second = (
        resampled_scores(
            validation.styles_TNS[t],
            reconstruction_mae_rows(validation.spectra_NE, validation.reconstructions_TNE[t]),
            reconstruction_mae_rows(validation.spectra_NE, flat_NE),
            validation.descriptors_NK,
            weights_NR,
        )
        for t in (selected, over)
    )
    against_chance = lead(first[:-1], second[:-1], float(first[-1] - second[-1]))
    return {"over": over, "level": LEVEL, "resamples": weights_NR.shape[1] - 1, **against_chance}


def _judge(
    model: TrainedModel, validation: EncodedSplit, t: int, cuts: Cuts
) -> tuple[dict[str, Any], dict[str, float]]:
    """Return the scores of trial t on validation, and what the published score is made of."""
    scores = score_styles(
        validation.styles_TNS[t],
        validation.reconstructions_TNE[t],
        validation.spectra_NE,
        validation.descriptors_NK,
        model.calibration["trials"][t]["descriptors"],
        model.descriptor_classes,
        cuts,
    )
    measures = published_measures(
        validation.styles_TNS[t],
        validation.descriptors_NK,
        model.descriptor_names,
        model.descriptor_classes,
        scores["reconstruction"]["mae"],
    )
    return scores, measures


def _measures(scores: dict[str, Any], baseline_mae: float) -> dict[str, Any]:
    """Return what a trial is judged by, from its scores on validation."""
    mae = scores["reconstruction"]["mae"]
    return {
        "mean_spearman": scores["mean_spearman"],
        "descriptors": {
            name: {key: score[key] for key in ("spearman", "f1") if key in score}
            for name, score in scores["descriptors"].items()
        },
        "max_abs_spearman": scores["inter_style"]["max_abs_spearman"],
        "excess": scores["inter_style"]["excess"],
        "reconstruction_mae": mae,
        "relative_error": mae / baseline_mae if baseline_mae else math.nan,
        "shapiro_min": scores["shapiro_min"],
    }


def score_split(
    run: EncodedRun, prediction: Prediction, fitted: Fitted, resamples: int, seed: int
) -> dict[str, Any]:
    """Return the numbers of the ensemble and of every trial on a split.

    Intervals of single values are those of `prediction` for the ensemble, with their mean half width, and of one
    width for the trials.

    The ensemble and the selected trial have intervals over materials; the other trials where rows are not many.
    On the validation split the numbers of calibrated values and of classes are of the very rows that calibration
    and thresholds were fitted to, so they are better than on other materials.
    """
    model, encoded = run.model, run.split
    # The same resamples for all, so that their differences are those of the models.
    weights_NR = material_weights(encoded.material_N, resamples, np.random.default_rng(seed))

    def score(
        styles_NS: np.ndarray,
        spectra_NE: np.ndarray,
        calibration: dict[str, Any],
        cuts: Cuts,
        interval: bool = True,
    ) -> dict[str, Any]:
        return score_styles(
            styles_NS,
            spectra_NE,
            encoded.spectra_NE,
            encoded.descriptors_NK,
            calibration["descriptors"],
            model.descriptor_classes,
            cuts,
            weights_NR if interval else None,
        )

    ensemble = score(
        encoded.ensemble_styles_NK,
        encoded.ensemble_spectra_NE,
        model.calibration["ensemble"],
        fitted.ensemble_cuts,
    )
    unknown = _without_measures(ensemble)
    for k, name in enumerate(model.descriptor_names):
        classes = model.descriptor_classes.get(name)
        ensemble["descriptors"][name] |= _intervals(prediction, encoded, k, classes)
    trials: list[dict[str, Any]] = []
    for t, (calibration, cuts) in enumerate(zip(model.calibration["trials"], fitted.trial_cuts, strict=True)):
        if calibration is None or cuts is None:
            scores = unknown
        else:
            interval = t == model.selected_trial or len(encoded.error_N) <= _ROWS_FOR_ALL
            scores = score(encoded.styles_TNS[t], encoded.reconstructions_TNE[t], calibration, cuts, interval)
        trials.append(_about_trial(model, fitted.choice, t) | scores)
    return {
        "split": encoded.split,
        "n": len(encoded.error_N),
        "n_materials": len(set(encoded.material_N)),
        "selected_trial": int(model.selected_trial),
        "n_trials": model.n_trials,
        "interval_level": LEVEL,
        "ensemble": {"n_trials": int(model.alive_T.sum()), **ensemble},
        "trials": trials,
        "verdicts": {
            verdict: prediction.verdict_N.count(verdict) for verdict in (IN_RANGE, UNUSUAL, OUTSIDE)
        },
    }


def _about_trial(model: TrainedModel, choice: dict[str, Any], t: int) -> dict[str, Any]:
    """Return what is known of a trial before the split; its ranks are None where it diverged."""
    judged = choice["trials"][t]
    return {
        "trial": t,
        "selected": t == model.selected_trial,
        "rank": judged["rank"],
        "validation_score": float(model.scores_T[t]),
        "published_score": judged["published_score"],
        "published_rank": judged["published_rank"],
        "best_epoch": int(model.best_epoch_T[t]),
        "failed": model.failed_T[t],
    }


def _without_measures(scores: Any) -> Any:
    """Return the numbers of a trial that diverged: counts as in `scores` of another, no measure known."""
    if isinstance(scores, dict):
        return {key: _without_measures(value) for key, value in scores.items()}
    return scores if isinstance(scores, int) else None


def _intervals(
    prediction: Prediction, encoded: EncodedSplit, k: int, classes: Sequence[float] | None
) -> dict[str, Any]:
    """Return half the mean width of a descriptor's intervals, and which share of known true values they hold."""
    low_N, high_N, true_N = prediction.low_NK[:, k], prediction.high_NK[:, k], encoded.descriptors_NK[:, k]
    known_N = np.isfinite(true_N)
    within_N = (low_N <= true_N) & (true_N <= high_N)
    groups = coverage_by_group(true_N, low_N, high_N, encoded.material_N, classes)
    return {
        "interval_half_width": float((high_N - low_N).mean()) / 2,
        "interval_coverage": float(within_N[known_N].mean()) if known_N.any() else math.nan,
        "coverage": [{**asdict(group), "interval": list(group.interval)} for group in groups],
    }
