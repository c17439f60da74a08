"""How well a reader that was trained on mixtures reads the mean of those that it never saw, as of a valence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import EncodedRun, encode_split
from rankaae_cli.analysis.prediction.predictor import Predictor
from rankaae_cli.core.labels import number_word, print_number
from rankaae_cli.core.mixtures.unmixing import Unmixer
from rankaae_cli.core.statistics.bootstrap import material_weights, percentile_interval
from rankaae_cli.core.statistics.classification import nearest_class
from rankaae_cli.core.statistics.metrics import r2
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.data.mixtures import Recipe, mixtures_of


def score_mixtures(
    run: EncodedRun, recipe: Recipe, predictor: Predictor, resamples: int, seed: int, count: int = 300
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Read mixtures of the split's spectra, and fit linear combinations of training spectra to them.

    Parameters
    ----------
    run
        The model, its training rows, and the split.
    recipe
        Of the mixtures that the model was trained on. Of two components and of as many as those, mixtures are read.
    predictor
        Of the model.
    resamples, seed
        Of sets of materials, for intervals; the seed also of the draws.
    count
        Mixtures of each number of components; a linear combination takes 0.03 s.

    Returns
    -------
    metrics
        ``of``, ``level`` (share of true values that intervals are to hold), ``sets`` (of materials; no material is
        in two) and ``rows``, a list: ``components`` (at most), ``n``, ``reader`` and ``linear_combination``, each
        with ``rmse``, ``r2`` and intervals, the latter None where too few training spectra are known; of the reader
        also ``coverage`` of its intervals and their mean ``width``; and ``ahead``, by how much the root mean square
        error of the linear combination is larger, with ``ahead_interval``.
    table
        A row a mixture: ``components``, ``materials`` (the set), ``true``, ``read``, ``low``, ``high`` and
        ``linear_combination``.
    """
    unmixer = _unmixer(run, recipe, predictor.coverage, seed)
    tables = []
    for components in sorted({2, recipe.components}):
        side = SPLITS.index(run.split.split)
        drawn = replace(recipe, components=components, seed=seed)
        mixtures = mixtures_of(run.family, drawn, side, count)
        encoded = encode_split(run.model, mixtures, run.split.split)
        k = run.model.descriptor_names.index(recipe.of)
        prediction = predictor.predict(encoded)
        table = pd.DataFrame(
            {
                "components": components,
                "materials": encoded.material_N,
                "true": encoded.descriptors_NK[:, k],
                "read": prediction.value_NK[:, k],
                "low": prediction.low_NK[:, k],
                "high": prediction.high_NK[:, k],
                "linear_combination": np.nan if unmixer is None else _combined(unmixer, encoded.spectra_NE),
            }
        )
        tables.append(table)
    return {
        "of": recipe.of,
        "level": predictor.coverage,
        "sets": len(set(tables[0]["materials"])),
        "rows": [_scores(table, resamples, seed) for table in tables],
    }, pd.concat(tables)


def _unmixer(run: EncodedRun, recipe: Recipe, coverage: float, seed: int) -> Unmixer | None:
    training, k = run.training, run.model.descriptor_names.index(recipe.of)
    value_N = training.descriptors_NK[:, k]
    known_N = np.isfinite(value_N)
    classes = run.model.descriptor_classes.get(recipe.of) or np.unique(value_N[known_N]).tolist()
    class_N = nearest_class(value_N[known_N], classes)
    try:
        return Unmixer(training.spectra_NE[known_N], class_N, training.material_N[known_N], coverage, seed)
    except ValueError:
        return None


def _combined(unmixer: Unmixer, spectra_NE: np.ndarray) -> np.ndarray:
    """Return the mean of the classes in the shares of the linear combinations that fit best, shape (N,)."""
    return np.array([unmixer.read(spectrum_E).share @ np.array(unmixer.classes) for spectrum_E in spectra_NE])


def _scores(table: pd.DataFrame, resamples: int, seed: int) -> dict[str, Any]:
    """Return the numbers of the mixtures of a table, in which sets of materials stand for materials."""
    weights_NR = material_weights(table["materials"].to_numpy(), resamples, np.random.default_rng(seed))
    true_N = table["true"].to_numpy()
    read = {name: table[name].to_numpy() for name in ("read", "linear_combination")}
    squares = {name: (value_N - true_N) ** 2 for name, value_N in read.items()}
    replicates = {name: np.sqrt(_means(square_N, weights_NR)) for name, square_N in squares.items()}
    scores: dict[str, dict[str, Any]] = {
        name: {
            "rmse": float(np.sqrt(squares[name].mean())),
            "rmse_interval": percentile_interval(replicates[name]),
            "r2": r2(true_N, value_N),
        }
        for name, value_N in read.items()
    }
    reader, combination = scores["read"], scores["linear_combination"]
    holds_N = ((table["low"] <= true_N) & (true_N <= table["high"])).to_numpy(dtype=float)
    width_N = (table["high"] - table["low"]).to_numpy()
    ahead = combination["rmse"] - reader["rmse"]
    return {
        "components": int(table["components"].iloc[0]),
        "n": len(table),
        "reader": reader
        | {
            "coverage": float(holds_N.mean()),
            "coverage_interval": percentile_interval(_means(holds_N, weights_NR)),
            "width": float(width_N.mean()),
        },
        "linear_combination": combination if np.isfinite(ahead) else None,
        "ahead": ahead,
        "ahead_interval": percentile_interval(replicates["linear_combination"] - replicates["read"]),
    }


def _means(value_N: np.ndarray, weights_NR: np.ndarray) -> np.ndarray:
    return np.asarray(value_N @ weights_NR / weights_NR.sum(axis=0))


def mixture_findings(content: Mapping[str, Any], split: str) -> list[str]:
    """Return a sentence a number of components on how mixtures of spectra of a split are read.

    `content` is ``mixtures`` of metrics.json.
    """
    return [_finding(content["of"], row, split, content["level"]) for row in content["rows"]]


def _finding(name: str, row: Mapping[str, Any], split: str, level: float) -> str:
    reader, combination = row["reader"], row["linear_combination"]
    parts = "two" if row["components"] == 2 else f"two to {number_word(row['components'])}"
    said = (
        f"mean {name} of {row['n']} mixtures of {parts} {split} spectra of different {name}: root mean square "
        f"error {_ranged(reader['rmse'], reader['rmse_interval'])}, R² {print_number(reader['r2'])}; "
        f"{100 * level:g} % intervals hold {_ranged(reader['coverage'], reader['coverage_interval'])}"
    )
    if combination is None:
        return said
    ahead, ends = row["ahead"], row["ahead_interval"]
    place = "ahead"
    if ahead < 0:
        ahead, ends, place = -ahead, [-end for end in reversed(ends)], "behind"
    chance = ", which may be chance" if ends[0] <= 0 <= ends[1] else ""
    other = (
        f"{_ranged(combination['rmse'], combination['rmse_interval'])}, R² {print_number(combination['r2'])}"
    )
    return (
        f"{said}; linear combination of training spectra: {other}, so the reader is {place} by "
        f"{_ranged(ahead, ends)}{chance}"
    )


def _ranged(value: float, ends: Sequence[float]) -> str:
    low, high = ends
    return f"{print_number(value)} ({print_number(low)} to {print_number(high)})"
