"""The scores of an evaluation: what is fitted on validation, and numbers with intervals on a split."""

import math
from collections.abc import Callable, Mapping, Sequence
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
from rankaae_cli.core.statistics.metrics import (
    resampled_mean_spearman,
    score_readings,
    score_rebuilding,
    score_styles,
)
from rankaae_cli.models.base import HasNetworks, HasStyles, Predicts, ReadingModel, Reconstructs

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
    alive = [t for t, calibration in enumerate(model.calibration["trials"]) if calibration is not None]
    trial_cuts = [
        _fit_cuts(model, validation.indicators_TNK[t], validation) if t in alive else None
        for t in range(model.n_trials)
    ]
    return Fitted(
        ensemble_cuts=_fit_cuts(model, validation.ensemble_indicators_NK, validation),
        trial_cuts=trial_cuts,
        choice=_choice(run, trial_cuts),
    )


def _fit_cuts(model: Predicts, indicators_NK: np.ndarray, validation: EncodedSplit) -> Cuts:
    return {
        name: fit_cuts(indicators_NK[:, k], validation.descriptors_NK[:, k], model.descriptor_classes[name])
        for k, name in enumerate(model.descriptor_names)
        if model.descriptor_classes.get(name)
    }


@dataclass(frozen=True)
class _Measured:
    """What a trial, or the ensemble, makes of the rows of a split.

    Attributes
    ----------
    rows
        The split.
    indicators_NK, styles_NS, rebuilt_NE
        Of its spectra; of the ensemble the styles are the named ones.
    calibrations, classes, cuts, weights_NR
        See `core.statistics.metrics.score_readings`.
    """

    rows: EncodedSplit
    indicators_NK: np.ndarray
    styles_NS: np.ndarray
    rebuilt_NE: np.ndarray
    calibrations: Mapping[str, Any]
    classes: Mapping[str, Sequence[float]]
    cuts: Cuts
    weights_NR: np.ndarray | None = None

    @classmethod
    def trial(
        cls, model: ReadingModel, rows: EncodedSplit, t: int, cuts: Cuts, weights_NR: np.ndarray | None = None
    ) -> "_Measured":
        """Return what trial t makes of rows."""
        indicators_NK, styles_NS, rebuilt_NE = (
            of_trials[t] for of_trials in (rows.indicators_TNK, rows.styles_TNS, rows.reconstructions_TNE)
        )
        calibrations = model.calibration["trials"][t]["descriptors"]
        about = (calibrations, model.descriptor_classes, cuts, weights_NR)
        return cls(rows, indicators_NK, styles_NS, rebuilt_NE, *about)


# The numbers of a trial or the ensemble, by what a model has to be able to do for them.
_SCORES: tuple[tuple[type, Callable[[_Measured], dict[str, Any]]], ...] = (
    (
        Predicts,
        lambda m: score_readings(
            m.indicators_NK, m.rows.descriptors_NK, m.calibrations, m.classes, m.cuts, m.weights_NR
        ),
    ),
    (HasStyles, lambda m: score_styles(m.styles_NS, m.rows.descriptors_NK)),
    (Reconstructs, lambda m: score_rebuilding(m.rebuilt_NE, m.rows.spectra_NE, m.weights_NR)),
)


def _scores(model: ReadingModel, measured: _Measured) -> dict[str, Any]:
    """Return all numbers that a model has, the 95 % intervals of those that are no descriptor's in ``interval``."""
    content: dict[str, Any] = {}
    interval: dict[str, Any] = {}
    for capability, score in _SCORES:
        if isinstance(model, capability):
            part = score(measured)
            interval |= part.pop("interval", {})
            content |= part
    return {**content, "interval": interval} if interval else content


def _choice(run: EncodedRun, trial_cuts: list[Cuts | None]) -> dict[str, Any]:
    """Return the chosen trial, the reason, and every trial's measures and scores on validation."""
    model, validation = run.model, run.validation
    mean_spectrum_E = run.training.spectra_NE.mean(axis=0)
    baseline = float(np.abs(validation.spectra_NE - mean_spectrum_E).mean(dtype=np.float64))
    scored = [
        None if cuts is None else _scores(model, _Measured.trial(model, validation, t, cuts))
        for t, cuts in enumerate(trial_cuts)
    ]
    ours_T = np.where([scores is not None for scores in scored], model.scores_T, np.nan)
    our_ranks = ranks(ours_T)
    judged = [None if scores is None else _measures(scores, baseline) for scores in scored]
    # A trial that diverged has the keys of the others, none of them known.
    keys = next(list(measures) for measures in judged if measures is not None)
    trials: list[dict[str, Any]] = [
        {"trial": t, **(measures or dict.fromkeys(keys)), "score": float(ours_T[t]), "rank": our_ranks[t]}
        for t, measures in enumerate(judged)
    ]
    published = _published_choice(model, validation, scored, trials) if isinstance(model, HasStyles) else {}
    selected = int(model.selected_trial)
    ahead = _lead(model, validation, mean_spectrum_E, our_ranks)
    return {
        "trial": selected,
        "by": chosen_by(trials),
        "reason": choice_reason(trials, selected, ahead),
        "lead": ahead,
        **published,
        "n_validation": len(validation.error_N),
        "trials": trials,
    }


def _published_choice(
    model: HasStyles,
    validation: EncodedSplit,
    scored: Sequence[dict[str, Any] | None],
    trials: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what the published score would choose; each trial's is added to `trials`."""
    measures = [
        None
        if scores is None
        else published_measures(
            validation.styles_TNS[t],
            validation.descriptors_NK,
            model.descriptor_names,
            model.descriptor_classes,
            scores["reconstruction"]["mae"],
        )
        for t, scores in enumerate(scored)
    ]
    theirs_T = published_scores(measures)
    their_ranks = ranks(theirs_T)
    for t, trial in enumerate(trials):
        trial |= {
            "published_score": float(theirs_T[t]),
            "published_rank": their_ranks[t],
            "published_measures": measures[t],
        }
    chosen = their_ranks.index(1) if their_ranks.count(1) == 1 else None
    return {"published_choice": chosen, "published_by": PUBLISHED_BY}


def _lead(
    model: ReadingModel,
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
    first, second = (
        _resampled_score(model, validation, t, mean_spectrum_E, weights_NR) for t in (selected, over)
    )
    against_chance = lead(first[:-1], second[:-1], float(first[-1] - second[-1]))
    return {"over": over, "level": LEVEL, "resamples": weights_NR.shape[1] - 1, **against_chance}


def _resampled_score(
    model: ReadingModel, rows: EncodedSplit, t: int, mean_spectrum_E: np.ndarray, weights_NR: np.ndarray
) -> np.ndarray:
    """Return what trials are chosen by, of one trial in resamples of the rows, shape (R,)."""
    if not isinstance(model, HasStyles):
        return resampled_mean_spearman(rows.indicators_TNK[t], rows.descriptors_NK, weights_NR)
    flat_NE = np.broadcast_to(mean_spectrum_E, rows.spectra_NE.shape)
    return resampled_scores(
        rows.styles_TNS[t],
        reconstruction_mae_rows(rows.spectra_NE, rows.reconstructions_TNE[t]),
        reconstruction_mae_rows(rows.spectra_NE, flat_NE),
        rows.descriptors_NK,
        weights_NR,
    )


def _measures(scores: dict[str, Any], baseline_mae: float) -> dict[str, Any]:
    """Return what a trial is judged by, from its scores on validation."""
    measures = {
        "mean_spearman": scores["mean_spearman"],
        "descriptors": {
            name: {key: score[key] for key in ("spearman", "f1") if key in score}
            for name, score in scores["descriptors"].items()
        },
    }
    if "inter_style" in scores:
        mae = scores["reconstruction"]["mae"]
        measures |= {
            **{key: scores["inter_style"][key] for key in ("max_abs_spearman", "excess")},
            "reconstruction_mae": mae,
            "relative_error": mae / baseline_mae if baseline_mae else math.nan,
            "shapiro_min": scores["shapiro_min"],
        }
    return measures


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

    measured = _Measured(
        encoded,
        encoded.ensemble_indicators_NK,
        encoded.ensemble_indicators_NK,
        encoded.ensemble_spectra_NE,
        model.calibration["ensemble"]["descriptors"],
        model.descriptor_classes,
        fitted.ensemble_cuts,
        weights_NR,
    )
    ensemble = _scores(model, measured)
    unknown = _without_measures(ensemble)
    for k, name in enumerate(model.descriptor_names):
        classes = model.descriptor_classes.get(name)
        ensemble["descriptors"][name] |= _intervals(prediction, encoded, k, classes)
    trials: list[dict[str, Any]] = []
    for t, cuts in enumerate(fitted.trial_cuts):
        scores = unknown
        if cuts is not None:
            resampled = t == model.selected_trial or len(encoded.error_N) <= _ROWS_FOR_ALL
            resamples_NR = weights_NR if resampled else None
            scores = _scores(model, _Measured.trial(model, encoded, t, cuts, resamples_NR))
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


def _about_trial(model: ReadingModel, choice: dict[str, Any], t: int) -> dict[str, Any]:
    """Return what is known of a trial before the split; its ranks are None where it diverged."""
    judged = choice["trials"][t]
    return {
        "trial": t,
        "selected": t == model.selected_trial,
        "rank": judged["rank"],
        "validation_score": float(model.scores_T[t]),
        **{key: judged[key] for key in ("published_score", "published_rank") if key in judged},
        **({"best_epoch": int(model.best_epoch_T[t])} if isinstance(model, HasNetworks) else {}),
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
