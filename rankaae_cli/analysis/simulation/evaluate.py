"""The evaluation of a model that simulates spectra: errors, bands, and the tables behind them."""

from collections.abc import Mapping, Sequence
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
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.models.base import Simulates
from rankaae_cli.models.forward.trees import simulate_by_trees
from rankaae_cli.schema.finished_run import shipped_resamples

FORMAT_VERSION = 2
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
    rows = np.flatnonzero(family.split_N == SPLITS.index(split))
    if family.features is None or not len(rows):
        raise UserError(f"the data of {run_directory.name} hold no {split} rows with features\ntrain again")
    part = family.with_rows(rows)
    assert part.features is not None
    true_NE = part.spectra_NE[:].astype(np.float64)
    simulated_NE, deviation_N = model.simulate(part.features)
    novelty_N, verdicts = model.judge(part.features)
    mean_E = family.spectra_NE[np.flatnonzero(family.split_N == TRAIN)].mean(axis=0, dtype=np.float64)
    points_NE, curves_NE = (model.half_widths(deviation_N, COVERAGE, whole) for whole in (False, True))
    resamples = affordable_resamples(len(rows), shipped_resamples() if resamples is None else resamples)
    weights_NR = material_weights(part.material_N, resamples, np.random.default_rng(seed))
    metrics = {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "resamples": resamples,
        "seed": seed,
        "interval_level": LEVEL,
        "split": split,
        "n": len(rows),
        "n_materials": len(set(part.material_N)),
        "selected_trial": int(model.selected_trial),
        "n_trials": model.n_trials,
        "validation_eta": float(model.scores_T[model.selected_trial]),
        "features": model.features.title,
        "simulation": score_simulations(true_NE, simulated_NE, mean_E, weights_NR),
        "bands": {"coverage": COVERAGE, **score_bands(true_NE, simulated_NE, points_NE, curves_NE)},
        "deviation_spearman": spearman(deviation_N, squared_errors(true_NE, simulated_NE)),
        "novelty": _scored_novelty(novelty_N, verdicts, true_NE, simulated_NE),
    }
    if trees is not None:
        by_trees_NE = _by_trees(family, part.features, trees)
        metrics["simulation"]["extra_trees"] = score_simulations(true_NE, by_trees_NE, mean_E, weights_NR)
    simulation = _Simulation(
        part, true_NE, simulated_NE, deviation_N, mean_E, points_NE, curves_NE, novelty_N, verdicts
    )
    return metrics, {
        SIMULATIONS: _of_rows(simulation),
        ERRORS: _of_energies(simulation),
        EXAMPLES: _examples(simulation),
    }


def _by_trees(family: Family, asked: FeatureSet, trees: Mapping[str, Any]) -> np.ndarray:
    """Return what trees fitted to the training rows simulate of some features."""
    train = np.flatnonzero(family.split_N == TRAIN)
    assert family.features is not None
    spectra_ME = family.spectra_NE[train].astype(np.float64)
    return simulate_by_trees(family.features.values_NF[train], spectra_ME, asked.values_NF, **trees)


def _scored_novelty(
    novelty_N: np.ndarray, verdicts: Sequence[str], true_NE: np.ndarray, simulated_NE: np.ndarray
) -> dict[str, Any]:
    """Return how the error goes with the novelty of the site, and the error of each verdict."""
    error_N = np.abs(np.asarray(simulated_NE, dtype=np.float64) - true_NE).mean(axis=1)
    parts = {one: error_N[np.array(verdicts) == one] for one in (IN_RANGE, UNUSUAL, OUTSIDE)}
    return {
        "spearman": spearman(novelty_N, squared_errors(true_NE, simulated_NE)),
        "verdicts": {
            one: {"n": len(part_N), "mae": float(part_N.mean()) if len(part_N) else float("nan")}
            for one, part_N in parts.items()
        },
    }


@dataclass(frozen=True)
class _Simulation:
    """True and simulated spectra of a split, (N, E), deviations, half widths, the training mean, novelty."""

    rows: Family
    true_NE: np.ndarray
    simulated_NE: np.ndarray
    deviation_N: np.ndarray
    mean_E: np.ndarray
    points_NE: np.ndarray
    curves_NE: np.ndarray
    novelty_N: np.ndarray
    verdicts: Sequence[str]

    @property
    def error_NE(self) -> np.ndarray:
        return self.simulated_NE - self.true_NE


def _of_rows(s: _Simulation) -> pd.DataFrame:
    """Return errors and bands of each spectrum."""
    error_NE = np.abs(s.error_NE)
    return pd.DataFrame(
        {
            "material": s.rows.material_N,
            "site": s.rows.site_N,
            "mae": error_NE.mean(axis=1),
            "squared_error": squared_errors(s.true_NE, s.simulated_NE),
            "squared_error_of_mean_spectrum": squared_errors(s.true_NE, s.mean_E[None]),
            "deviation": s.deviation_N,
            "novelty": s.novelty_N,
            "verdict": s.verdicts,
            "points_in_band": (error_NE <= s.points_NE).mean(axis=1),
            "curve_in_band": (error_NE <= s.curves_NE).all(axis=1),
        }
    )


def _of_energies(s: _Simulation) -> pd.DataFrame:
    """Return errors and the band at each energy."""
    return pd.DataFrame(
        {
            "energy": s.rows.energy_E,
            "mean_spectrum": s.mean_E,
            "mean_error": s.error_NE.mean(axis=0),
            "mean_absolute_error": np.abs(s.error_NE).mean(axis=0),
            "half_width": s.points_NE.mean(axis=0),
            "in_band": (np.abs(s.error_NE) <= s.points_NE).mean(axis=0),
        }
    )


def _examples(s: _Simulation) -> pd.DataFrame:
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
