"""The evaluation of a model that reads yes/no classes: a split, out of fold, by edge, by number of molecules."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.classes.scores import (
    accuracy_of_one,
    is_one_of_several,
    mean_accuracy,
    score_classes,
)
from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.core.statistics.binary.scores import reliability
from rankaae_cli.core.statistics.bootstrap import (
    affordable_resamples,
    material_weights,
    percentile_interval,
)
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS, TEST, groups_of
from rankaae_cli.models.base import Answers, Classifies
from rankaae_cli.schema.finished_run import shipped_resamples

FORMAT_VERSION = 1
CLASSES, RELIABILITY, REJECTION = "classes.csv", "reliability.csv", "rejection.csv"
EDGES, LEARNING, PREDICTIONS = "edges.csv", "learning_curve.csv", "predictions.csv"
_PARTS = (1 / 8, 1 / 4, 1 / 2)
_MOST_TO_REFIT = 2000  # molecules: a learning curve and each edge alone take seconds up to so many


@dataclass(frozen=True)
class _Rows:
    """Some molecules of a family: spectra, classes, and what they share with others."""

    spectra_NE: np.ndarray
    values_NK: np.ndarray
    group_N: np.ndarray

    def chosen(self, rows: np.ndarray) -> "_Rows":
        return _Rows(self.spectra_NE[rows], self.values_NK[rows], self.group_N[rows])


def evaluate_classes(
    run_directory: Path,
    model: Classifies,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Evaluate one split, as `analysis.evaluation.evaluate.evaluate` does that of a model that predicts.

    The molecules of training and validation, which the model is fitted to, are scored out of fold instead, beside
    the split, as ``out_of_fold``.
    """
    rows = np.flatnonzero(family.split_N == SPLITS.index(split))
    of_split, fitting = _rows(family, rows), _rows(family, np.flatnonzero(family.split_N != TEST))
    answers = model.classify(of_split.spectra_NE)
    drawn = affordable_resamples(len(family), shipped_resamples() if resamples is None else resamples)
    rng = np.random.default_rng(seed)
    weights_NR = material_weights(family.material_N[rows], drawn, rng)
    names = model.descriptor_names
    refit = model.refit(fitting.spectra_NE, fitting.values_NK, fitting.group_N, model.segments)
    fitted = fitting.chosen(refit.rows)
    out_of_fold = refit.out_of_fold(fitted.values_NK, fitted.group_N)
    fitted_weights_MR = material_weights(fitted.group_N, drawn, rng)
    metrics = {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "resamples": drawn,
        "seed": seed,
        "split": split,
        "n": len(rows),
        "n_trials": 1,
        "selected_trial": 0,
        "seen_in_fitting": split != SPLITS[TEST],
        **score_classes(names, answers, of_split.values_NK, weights_NR),
        "out_of_fold": {
            "n": len(refit.rows),
            **score_classes(names, out_of_fold, fitted.values_NK, fitted_weights_MR),
        },
        "edges": [],
        "learning_curve": [],
    }
    if len(fitting.values_NK) <= _MOST_TO_REFIT:
        metrics["learning_curve"] = _learning_curve(model, fitting, rng)
        if len(model.segments) > 1:
            metrics["edges"] = _by_edge(model, family, fitting, drawn, rng)
    return metrics, _tables(metrics, family, rows, answers, names, out_of_fold, fitted.values_NK)


def _rows(family: Family, rows: np.ndarray) -> _Rows:
    group_N = groups_of(family, family.split_by)[rows]
    return _Rows(np.asarray(family.spectra_NE[rows]), family.descriptors_NK[rows], group_N)


def _learning_curve(model: Classifies, fitting: _Rows, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the scores out of fold of fits to parts of the molecules: what more of them would bring.

    All are means over the same classes, those that every part has enough molecules of; parts that have too few of
    half the classes are left out.
    """
    scored: list[tuple[int, dict[str, Any]]] = []
    order = rng.permutation(len(fitting.values_NK))
    for part in (*_PARTS, 1.0):
        some = fitting.chosen(np.sort(order[: round(part * len(order))]))
        refit = model.refit(some.spectra_NE, some.values_NK, some.group_N, model.segments)
        values_NK = some.values_NK[refit.rows]
        answers = refit.out_of_fold(values_NK, some.group_N[refit.rows])
        classes = score_classes(model.descriptor_names, answers, values_NK, np.ones((len(values_NK), 1)))[
            "classes"
        ]
        readable = {name: one for name, one in classes.items() if "reason" not in one}
        if 2 * len(readable) >= len(classes):
            scored.append((len(values_NK), readable))
    common = set.intersection(*(set(readable) for _, readable in scored)) if scored else set()
    return [
        {"molecules": molecules, "classes": len(common)}
        | {
            key: float(np.mean([readable[name][key] for name in sorted(common)]))
            for key in ("balanced_accuracy", "area_under_curve")
        }
        for molecules, readable in scored
        if common
    ]


def _by_edge(
    model: Classifies, family: Family, fitting: _Rows, resamples: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Return how well each edge alone and all together read the classes, over all molecules that have all of them.

    Molecules of training and validation are read out of fold, those of the test split by the fit to the others, so
    that none is read by a fit that saw it. The difference to all edges is paired: the same molecules are resampled.
    """
    test = _rows(family, np.flatnonzero(family.split_N == TEST))
    together = _Rows(
        *(np.concatenate([getattr(one, field.name) for one in (fitting, test)]) for field in fields(_Rows))
    )
    whole_N = np.isfinite(together.spectra_NE).all(axis=1)
    weights_NR = material_weights(together.group_N[whole_N], resamples, rng)
    values_NK = together.values_NK[whole_N]
    is_one = is_one_of_several(values_NK)
    statistic = accuracy_of_one if is_one else mean_accuracy
    accuracies: dict[str, tuple[float, np.ndarray, Answers]] = {}
    for name, segments in _choices(model):
        answers = _unseen(model, fitting, test, segments, whole_N)
        whole = float(statistic(answers, values_NK, np.ones((len(values_NK), 1)))[0])
        accuracies[name] = (whole, statistic(answers, values_NK, weights_NR), answers)
    all_whole, all_resampled, _ = accuracies["all"]
    table = []
    for name, (whole, resampled, answers) in accuracies.items():
        per_class = score_classes(model.descriptor_names, answers, values_NK, np.ones((len(values_NK), 1)))
        table.append(
            {
                "edges": name,
                "n": len(values_NK),
                "of": "the one class of each molecule" if is_one else "mean of the classes",
                "balanced_accuracy": whole,
                "interval": list(percentile_interval(resampled)),
                "all_less_this": all_whole - whole,
                "all_less_this_interval": list(percentile_interval(all_resampled - resampled)),
                "area_under_curve": per_class["mean"]["area_under_curve"],
                "classes": {key: one.get("balanced_accuracy") for key, one in per_class["classes"].items()},
            }
        )
    return table


def _choices(model: Classifies) -> list[tuple[str, Sequence[Any]]]:
    return [*((one.name, (one,)) for one in model.segments), ("all", model.segments)]


def _unseen(
    model: Classifies, fitting: _Rows, test: _Rows, segments: Sequence[Any], whole_N: np.ndarray
) -> Answers:
    """Return what is read of all molecules by fits to some edges that did not see them; those of `whole_N`."""
    there = np.flatnonzero(
        ~np.isnan(np.concatenate([fitting.spectra_NE[:, one.points] for one in segments], axis=1)).all(axis=1)
    )
    some = fitting.chosen(there)
    refit = model.refit(some.spectra_NE, some.values_NK, some.group_N, segments)
    fitted = some.chosen(refit.rows)
    parts = (refit.out_of_fold(fitted.values_NK, fitted.group_N), refit.classify(test.spectra_NE))
    # Rows of the molecules that have all edges; those that lack one may be missing from a fit of it.
    place = np.concatenate([there[refit.rows], len(fitting.values_NK) + np.arange(len(test.values_NK))])
    return Answers.joined(parts).with_rows(whole_N[place])


def _tables(
    metrics: dict[str, Any],
    family: Family,
    rows: np.ndarray,
    answers: Answers,
    names: Sequence[str],
    out_of_fold: Answers,
    fitted_values_MK: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """Return the tables of an evaluation by the names of their files."""
    known_MK = np.isfinite(fitted_values_MK) & np.isfinite(out_of_fold.probability_NK)
    bins = reliability(fitted_values_MK[known_MK] == 1, out_of_fold.probability_NK[known_MK])
    tables = {
        CLASSES: class_table(metrics),
        RELIABILITY: pd.DataFrame(bins),
        REJECTION: pd.DataFrame(
            {
                "share_rejected": [one["share"] for one in metrics["mean"]["rejecting"]],
                "balanced_accuracy": [one["balanced_accuracy"] for one in metrics["mean"]["rejecting"]],
                "out_of_fold": [
                    one["balanced_accuracy"] for one in metrics["out_of_fold"]["mean"]["rejecting"]
                ],
            }
        ),
        PREDICTIONS: prediction_table(
            family.material_N[rows], family.site_N[rows], names, answers, family.descriptors_NK[rows]
        ),
    }
    if metrics["learning_curve"]:
        tables[LEARNING] = pd.DataFrame(metrics["learning_curve"])
    if metrics["edges"]:
        tables[EDGES] = edge_table(metrics["edges"])
    return tables


def class_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """Return the scores of each class on the split, and its accuracy out of fold."""
    rows = []
    for name, one in metrics["classes"].items():
        beside = metrics["out_of_fold"]["classes"][name]
        low, high = one.get("balanced_accuracy_interval", (None, None))
        plain = {key: value for key, value in one.items() if not isinstance(value, list)}
        rows.append(
            {"class": name}
            | {key: plain.get(key) for key in ("n", "positives", "balanced_accuracy")}
            | {"low": low, "high": high}
            | {key: plain.get(key) for key in ("area_under_curve", "calibration_error")}
            | {key: plain.get(key) for key in ("coverage_yes", "coverage_no", "decided")}
            | {
                "positives_out_of_fold": beside["positives"],
                "balanced_accuracy_out_of_fold": beside.get("balanced_accuracy"),
                "area_under_curve_out_of_fold": beside.get("area_under_curve"),
                "reason": plain.get("reason", ""),
            }
        )
    return pd.DataFrame(rows)


def edge_table(edges: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the accuracies by each edge alone and by all, with the difference to all."""
    return pd.DataFrame(
        {
            "edges": one["edges"],
            "n": one["n"],
            "of": one["of"],
            "balanced_accuracy": one["balanced_accuracy"],
            "low": one["interval"][0],
            "high": one["interval"][1],
            "all_less_this": one["all_less_this"],
            "all_less_this_low": one["all_less_this_interval"][0],
            "all_less_this_high": one["all_less_this_interval"][1],
            "area_under_curve": one["area_under_curve"],
            **one["classes"],
        }
        for one in edges
    )


def prediction_table(
    material_N: np.ndarray,
    site_N: np.ndarray,
    names: Sequence[str],
    answers: Answers,
    values_NK: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return what is read of molecules: of each class yes, no or undecided, and the probability of yes.

    Parameters
    ----------
    material_N, site_N
        Names of the molecules.
    names, answers
        Of the classes, and what is read of them.
    values_NK
        1, 0 or NaN where known; None where there are none.
    """
    columns: dict[str, Any] = {"material": material_N, "site": site_N}
    for k, name in enumerate(names):
        columns[name] = answers.verdict_NK[:, k]
        columns[f"{name}_probability"] = answers.probability_NK[:, k]
        # Undecided molecules too are rather the one or the other.
        columns[f"{name}_rather"] = np.where(answers.yes_NK[:, k], "yes", "no")
        if values_NK is not None:
            columns[f"{name}_true"] = values_NK[:, k]
    columns |= {"novelty": answers.novelty_N, "verdict": answers.verdict_N}
    return pd.DataFrame(columns)
