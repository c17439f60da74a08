"""Whether each walk fits the matched difference of its own descriptor better than those of all others.

Responses to several descriptors resemble one another, as most of them move the edge or the main peak. So a high
correlation of a walk with the difference of its descriptor says little by itself: it has to be above that with
every other descriptor's difference, and above what chance gives.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rankaae_cli.analysis.traversal.check import Comparison, Sample, class_values
from rankaae_cli.analysis.traversal.findings import LOSES, UNCERTAIN, WINS
from rankaae_cli.analysis.traversal.walks import StyleWalk
from rankaae_cli.core.statistics.matching import row_weights
from rankaae_cli.core.styles.slopes import SIGNIFICANCE, contrasts_by_chance, design
from rankaae_cli.core.styles.traversal import response_correlation
from rankaae_cli.models.rankaae.trained import TrainedModel


def fit_table(walks: Sequence[StyleWalk], outcomes: Mapping[str, Comparison | str]) -> np.ndarray:
    """Return Pearson's correlation of each walk with each descriptor's matched difference, shape (K, K)."""
    return np.array(
        [
            [
                np.nan
                if isinstance(outcome, str)
                else response_correlation(walk.mean.difference_E, outcome.matched.difference_E)
                for outcome in outcomes.values()
            ]
            for walk in walks
        ]
    )


def describe_fits(
    model: TrainedModel,
    walks: Sequence[StyleWalk],
    outcomes: Mapping[str, Comparison | str],
    sample: Sample,
    seed: int,
) -> dict[str, dict[str, Any] | None]:
    """Return by descriptor whether its walk wins its own row of the table; None where it has no difference.

    A walk wins where its correlation with its own difference is above the absolute ones with all others, also in
    95 % of bootstrap samples of the materials, and chance gives as much in at most 5 % of permutations of them. It
    loses where another one is at least as high; else it is uncertain.

    Parameters
    ----------
    model, sample
        The network and the rows.
    walks, outcomes
        Of the named styles, in the same order; see `check.compare`.
    seed
        Of the permutations.
    """
    pearson_KK = fit_table(walks, outcomes)
    described: dict[str, dict[str, Any] | None] = {}
    for k, walk in enumerate(walks):
        outcome = outcomes[walk.name]
        if isinstance(outcome, str) or np.isnan(pearson_KK[k, k]):
            described[walk.name] = None
            continue
        by_chance = _by_chance(model, walk, outcome, sample, seed)
        p_value = float((1 + (by_chance >= pearson_KK[k, k]).sum()) / (1 + len(by_chance)))
        described[walk.name] = {
            **_rivalry(walk, outcomes, pearson_KK[k], k),
            "p_value": p_value if len(by_chance) else float("nan"),
        }
    for fit in described.values():
        if fit is not None:
            fit["verdict"] = _verdict(fit)
    return described


def _rivalry(
    walk: StyleWalk, outcomes: Mapping[str, Comparison | str], pearson_K: np.ndarray, own: int
) -> dict[str, Any]:
    """Return the other descriptor whose difference the walk fits best, and how surely its own fits better."""
    names, others_K = list(outcomes), np.nan_to_num(np.abs(pearson_K))
    others_K[own] = -1.0
    rival = int(others_K.argmax())
    if len(names) < 2 or others_K[rival] <= 0:
        return {"pearson": float(pearson_K[own]), "rival": None, "rival_pearson": None, "better_share": 1.0}
    each = [
        np.full(1, np.nan)
        if isinstance(outcome, str)
        else _correlations(outcome.matched.resampled_difference, walk.mean.difference_E)
        for outcome in outcomes.values()
    ]
    resamples = min((len(one) for k, one in enumerate(each) if np.isfinite(pearson_K[k])), default=0)
    # The same materials are drawn for every descriptor, so resamples go together.
    highest = np.max([np.abs(one[:resamples]) for k, one in enumerate(each)
                      if k != own and np.isfinite(pearson_K[k])], axis=0)  # fmt: skip
    return {
        "pearson": float(pearson_K[own]),
        "rival": names[rival],
        "rival_pearson": float(pearson_K[rival]),
        "better_share": float((each[own][:resamples] > highest).mean()) if resamples else float("nan"),
    }


def _by_chance(
    model: TrainedModel, walk: StyleWalk, outcome: Comparison, sample: Sample, seed: int
) -> np.ndarray:
    """Return the walk's correlation with the difference of its pairs where materials get others' spectra, (R,)."""
    given = design(sample.descriptors_NK, walk.index, sample.material_N, class_values(model))
    if given is None:
        return np.empty(0)
    weight_n = row_weights(outcome.pairs, len(sample.spectra_NE))[given.rows]
    rest_nE = given.rest(sample.spectra_NE[given.rows].astype(np.float64))  # noqa: N806
    chance = contrasts_by_chance(weight_n, rest_nE, given.material_n, np.random.default_rng(seed))
    return _correlations(chance, walk.mean.difference_E)


def _correlations(curves: np.ndarray, response_E: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each of R curves, shape (R, E), with a response; 0 where one is constant."""
    centred, own_E = curves - curves.mean(axis=1, keepdims=True), response_E - response_E.mean()
    size = np.linalg.norm(centred, axis=1) * np.linalg.norm(own_E)
    return np.asarray((centred @ own_E) / np.where(size > 0, size, np.inf))


def _verdict(fit: Mapping[str, Any]) -> str:
    if fit["rival_pearson"] is not None and abs(fit["rival_pearson"]) >= fit["pearson"]:
        return LOSES
    sure = fit["p_value"] <= SIGNIFICANCE and fit["better_share"] >= 1 - SIGNIFICANCE
    return WINS if sure else UNCERTAIN
