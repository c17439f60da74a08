"""The evaluation of a model that simulates spectra: errors, bands, and the tables behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.bootstrap import LEVEL, affordable_resamples, material_weights
from rankaae_cli.core.statistics.calibration import COVERAGE, IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.core.statistics.metrics import spearman
from rankaae_cli.core.statistics.simulation import score_bands, score_simulations, squared_errors
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS, TRAIN
from rankaae_cli.models.base import Simulates
from rankaae_cli.models.forward.trees import simulate_by_trees
from rankaae_cli.schema.finished_run import shipped_resamples

FORMAT_VERSION = 3
SIMULATIONS, ERRORS, EXAMPLES = "simulations.csv", "simulation_error.csv", "simulation_examples.csv"


def evaluate_simulations(
    run_directory: Path,
    model: Simulates,
    family: Family,
    split: str,
    resamples: int | None = None,
    seed: int = 0,
    trees: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Evaluate one split of a model that simulates; the parameters and returns are those of `evaluate.evaluate`.

    With `trees`, what `simulate_by_trees` is told of its forest, that is fitted to the training rows too.
    """
    s = simulation_of(run_directory, model, family, split)
    resamples = affordable_resamples(len(s.rows), shipped_resamples() if resamples is None else resamples)
    weights_NR = material_weights(s.rows.material_N, resamples, np.random.default_rng(seed))
    metrics = {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "resamples": resamples,
        "seed": seed,
        "interval_level": LEVEL,
        "split": split,
        "n": len(s.rows),
        "n_materials": len(set(s.rows.material_N)),
        "selected_trial": int(model.selected_trial),
        "n_trials": model.n_trials,
        "validation_eta": float(model.scores_T[model.selected_trial]),
        "features": model.features.title,
        "simulation": score_simulations(s.true_NE, s.simulated_NE, s.mean_NE, weights_NR),
        "members": _of_members(model, s, resamples, seed),
        "bands": {
            "coverage": COVERAGE,
            **score_bands(s.true_NE, s.simulated_NE, s.points_NE, s.curves_NE),
        },
        "deviation_spearman": spearman(s.deviation_N, squared_errors(s.true_NE, s.simulated_NE)),
        "novelty": _scored_novelty(s.novelty_N, s.verdicts, s.true_NE, s.simulated_NE),
    }
    if trees is not None:
        by_trees_NE = _by_trees(family, s.rows, trees)
        of_trees = score_simulations(s.true_NE, by_trees_NE, s.mean_NE, weights_NR)
        metrics["simulation"]["extra_trees"] = of_trees
    return metrics, {SIMULATIONS: _of_rows(s), ERRORS: _of_energies(s), EXAMPLES: _examples(s)}


def _of_members(model: Simulates, s: "Simulation", resamples: int, seed: int) -> list[dict[str, Any]]:
    """Return the scores of each of several families; intervals are from resamples of its own materials."""
    members = []
    for member, rows in zip(model.members, s.rows.rows_of_members(), strict=False):
        if not len(rows):
            continue
        weights_NR = material_weights(s.rows.material_N[rows], resamples, np.random.default_rng(seed))
        scores = score_simulations(s.true_NE[rows], s.simulated_NE[rows], s.mean_NE[rows], weights_NR)
        members.append({"family": member.title, "n": len(rows), **scores})
    return members


def _by_trees(family: Family, asked: Family, trees: Mapping[str, Any]) -> np.ndarray:
    """Return what trees fitted to the training rows, of each family alone, simulate of some rows."""
    simulated_NE = np.empty(asked.spectra_NE.shape)
    on_train = family.split_N == TRAIN
    assert family.features is not None and asked.features is not None
    for rows, of in zip(family.rows_of_members(), asked.rows_of_members(), strict=True):
        train = rows[on_train[rows]]
        fitted = family.features.values_NF[train], family.spectra_NE[train].astype(np.float64)
        if len(of):
            simulated_NE[of] = simulate_by_trees(*fitted, asked.features.values_NF[of], **trees)
    return simulated_NE


def _scored_novelty(
    novelty_N: np.ndarray, verdicts: np.ndarray, true_NE: np.ndarray, simulated_NE: np.ndarray
) -> dict[str, Any]:
    """Return how the error goes with the novelty of the site, and the error of each verdict."""
    error_N = np.abs(np.asarray(simulated_NE, dtype=np.float64) - true_NE).mean(axis=1)
    parts = {one: error_N[verdicts == one] for one in (IN_RANGE, UNUSUAL, OUTSIDE)}
    return {
        "spearman": spearman(novelty_N, squared_errors(true_NE, simulated_NE)),
        "verdicts": {
            one: {"n": len(part_N), "mae": float(part_N.mean()) if len(part_N) else float("nan")}
            for one, part_N in parts.items()
        },
    }


@dataclass(frozen=True)
class Simulation:
    """True and simulated spectra of a split, (N, E), deviations, half widths, the training mean, novelty."""

    rows: Family
    true_NE: np.ndarray
    simulated_NE: np.ndarray
    deviation_N: np.ndarray
    mean_NE: np.ndarray
    points_NE: np.ndarray
    curves_NE: np.ndarray
    novelty_N: np.ndarray
    verdicts: np.ndarray

    @property
    def error_NE(self) -> np.ndarray:
        """Simulated less true spectra."""
        return self.simulated_NE - self.true_NE


def simulation_of(run_directory: Path, model: Simulates, family: Family, split: str) -> Simulation:
    """Return what a model makes of a split; of several families each has its own mean spectrum.

    Raises
    ------
    UserError
        If the split has no rows, or they have no features.
    """
    rows = np.flatnonzero(family.split_N == SPLITS.index(split))
    if family.features is None or not len(rows):
        raise UserError(f"the data of {run_directory.name} hold no {split} rows with features\ntrain again")
    part = family.with_rows(rows)
    assert part.features is not None
    shape = (len(rows), len(family.energy_E))
    simulated_NE, mean_NE, points_NE, curves_NE = (np.empty(shape) for _ in range(4))
    deviation_N, novelty_N, verdicts = (
        np.empty(len(rows)),
        np.empty(len(rows)),
        np.full(len(rows), "", object),
    )
    on_train = family.split_N == TRAIN
    for j, (all_of, of) in enumerate(zip(family.rows_of_members(), part.rows_of_members(), strict=True)):
        own, asked = model.of_member(j) if model.members else model, part.features.with_rows(of)
        simulated_NE[of], deviation_N[of] = own.simulate(asked)
        novelty_N[of], verdicts[of] = own.judge(asked)
        mean_NE[of] = family.spectra_NE[all_of[on_train[all_of]]].mean(axis=0, dtype=np.float64)
        points_NE[of], curves_NE[of] = (
            own.half_widths(deviation_N[of], COVERAGE, whole) for whole in (False, True)
        )
    true_NE = part.spectra_NE[:].astype(np.float64)
    half_widths = points_NE, curves_NE
    return Simulation(part, true_NE, simulated_NE, deviation_N, mean_NE, *half_widths, novelty_N, verdicts)


def _of_rows(s: Simulation) -> pd.DataFrame:
    """Return errors and bands of each spectrum."""
    error_NE, titles = np.abs(s.error_NE), np.array([member.title for member in s.rows.members])
    of_member = {"family": titles[s.rows.file_N]} if len(titles) else {}
    return pd.DataFrame(
        {
            "material": s.rows.material_N,
            "site": s.rows.site_N,
            **of_member,
            "mae": error_NE.mean(axis=1),
            "squared_error": squared_errors(s.true_NE, s.simulated_NE),
            "squared_error_of_mean_spectrum": squared_errors(s.true_NE, s.mean_NE),
            "deviation": s.deviation_N,
            "novelty": s.novelty_N,
            "verdict": s.verdicts,
            "points_in_band": (error_NE <= s.points_NE).mean(axis=1),
            "curve_in_band": (error_NE <= s.curves_NE).all(axis=1),
        }
    )


def _of_energies(s: Simulation) -> pd.DataFrame:
    """Return errors and the band at each energy."""
    return pd.DataFrame(
        {
            "energy": s.rows.energy_E,
            "mean_spectrum": s.mean_NE.mean(axis=0),
            "mean_error": s.error_NE.mean(axis=0),
            "mean_absolute_error": np.abs(s.error_NE).mean(axis=0),
            "half_width": s.points_NE.mean(axis=0),
            "in_band": (np.abs(s.error_NE) <= s.points_NE).mean(axis=0),
        }
    )


def _examples(s: Simulation) -> pd.DataFrame:
    """Return the best, the median and the worst spectrum, with the band that is to hold the whole curve."""
    order = np.argsort(squared_errors(s.true_NE, s.simulated_NE), kind="stable")
    chosen = (("best", order[0]), ("median", order[len(order) // 2]), ("worst", order[-1]))
    return pd.concat(
        pd.DataFrame(
            {
                "which": which,
                "material": s.rows.material_N[n],
                "site": s.rows.site_N[n],
                "energy": s.rows.energy_E,
                "true": s.true_NE[n],
                "simulated": s.simulated_NE[n],
                "low": s.simulated_NE[n] - s.curves_NE[n],
                "high": s.simulated_NE[n] + s.curves_NE[n],
            }
        )
        for which, n in chosen
    )
