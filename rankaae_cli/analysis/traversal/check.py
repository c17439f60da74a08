"""The network's response to one descriptor beside the difference of matched spectra of the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.traversal.findings import check_remark, unsupported_because
from rankaae_cli.analysis.traversal.walks import StyleWalk
from rankaae_cli.core.statistics.matching import (
    Bins,
    MatchedDifference,
    Pairs,
    amplitude_ratio,
    bins_of,
    match_rows,
    matched_difference,
    unmatched_difference,
)
from rankaae_cli.core.styles.traversal import response_correlation
from rankaae_cli.core.xas.trends import trend_with_range
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS, TRAIN
from rankaae_cli.models.rankaae.trained import TrainedModel

HELD_OUT, ALL = "held_out", "all"
TEXTS = {"held_out": "validation and test rows", "all": "all rows"}
NO_BINS = "it does not vary among these rows"
NO_PAIRS = "too few spectra of the two bins agree in the other descriptors"
_COMPARED_COLUMNS = (
    *("data_difference", "data_low", "data_high", "data_unmatched", "model_same_change"),
    *("data_spectrum_low_bin", "data_spectrum_high_bin", "model_spectrum_low_bin", "model_spectrum_high_bin"),
)


@dataclass(frozen=True)
class Sample:
    """Rows of a family, descriptors in the model's order; `text` says which rows they are."""

    key: str
    text: str
    spectra_NE: np.ndarray
    descriptors_NK: np.ndarray
    material_N: np.ndarray
    styles_TNS: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """The matched difference of a sample, and what the network makes of the same change.

    Attributes
    ----------
    bins, pairs, matched
        See `core.statistics.matching`.
    unmatched_E
        Difference of the bins' means, shape (E,).
    model_low_E, model_high_E
        The decoder at the mean styles of the pairs' low and of their high rows, the other styles those of the
        paired rows; mean over trials, shape (E,).
    """

    bins: Bins
    pairs: Pairs
    matched: MatchedDifference
    unmatched_E: np.ndarray
    model_low_E: np.ndarray
    model_high_E: np.ndarray

    @property
    def same_change_E(self) -> np.ndarray:
        """The network's difference over the same change as the matched spectra, shape (E,)."""
        return self.model_high_E - self.model_low_E


def read_sample(model: TrainedModel, family: Family, key: str) -> Sample:
    """Return the rows that `check_rows` names: a split, ``held_out`` or ``all``."""
    split_N = np.asarray(family.split_N)
    chosen_N = {HELD_OUT: split_N != TRAIN, ALL: split_N >= 0}.get(key)
    if chosen_N is None:
        chosen_N = split_N == SPLITS.index(key)
    columns = [family.descriptor_names.index(name) for name in model.descriptor_names]
    spectra_NE = family.spectra_NE[chosen_N]
    return Sample(
        key=key,
        text=TEXTS.get(key, f"{key} rows"),
        spectra_NE=spectra_NE,
        descriptors_NK=family.descriptors_NK[chosen_N][:, columns],
        material_N=np.asarray(family.material_N)[chosen_N],
        styles_TNS=model.encode(spectra_NE),
    )


def class_values(model: TrainedModel) -> dict[int, Sequence[float]]:
    """Return the values of those descriptors that take few, by index."""
    named = ((i, model.descriptor_classes.get(name)) for i, name in enumerate(model.descriptor_names))
    return {i: values for i, values in named if values}


def compare(model: TrainedModel, style: StyleWalk, sample: Sample, draws: int, seed: int) -> Comparison | str:
    """Match the rows of a sample and walk the network by the same change; why not, where that cannot be."""
    k = style.index
    if not len(sample.spectra_NE):
        return NO_PAIRS
    bins = bins_of(sample.descriptors_NK[:, k], model.descriptor_classes.get(style.name))
    if bins is None:
        return NO_BINS
    pairs = match_rows(sample.descriptors_NK, k, bins, sample.material_N, class_values(model))
    if pairs is None:
        return NO_PAIRS
    matched = matched_difference(
        sample.spectra_NE, sample.descriptors_NK, k, bins, pairs, sample.material_N, seed
    )
    rng = np.random.default_rng(seed)
    sampled = rng.choice(len(pairs.weight), draws, p=pairs.weight)
    rows = np.where(rng.random(draws) < 0.5, pairs.high[sampled], pairs.low[sampled])
    placed_TDS = np.array(sample.styles_TNS[:, rows])
    ends = []
    for side in (pairs.low, pairs.high):
        placed_TDS[:, :, k] = (sample.styles_TNS[:, side, k] @ pairs.weight)[:, None]
        ends.append(model.decode(placed_TDS)[style.members_T].mean(axis=(0, 1), dtype=np.float64))
    return Comparison(bins, pairs, matched, unmatched_difference(sample.spectra_NE, bins), ends[0], ends[1])


def describe_check(
    model: TrainedModel,
    style: StyleWalk,
    sample: Sample,
    outcome: Comparison | str,
    everything: Comparison | str,
    judged: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the numbers of the check, for traversal.json.

    Parameters
    ----------
    model, style, sample
        The network, the walk and the rows.
    outcome
        Of `compare` on these rows.
    everything
        Of `compare` on all rows, for reference.
    judged
        ``reading``, whether the descriptor is read at all, and ``fit``, whether the walk fits its own difference
        best: see `slopes.readings` and `fits.describe_fits`.
    """
    content: dict[str, Any] = {"rows": sample.key, "rows_text": sample.text, "not_comparable_because": None}
    content |= judged
    if isinstance(outcome, str):
        content |= {"not_comparable_because": outcome, "pearson": float("nan")}
    else:
        content |= _compared(model, style, sample, outcome)
    content["pearson_all_rows"] = (
        float("nan")
        if isinstance(everything, str)
        else response_correlation(style.mean.difference_E, everything.matched.difference_E)
    )
    content["not_supported_because"] = unsupported_because(style.name, content)
    content["supported"] = content["not_supported_because"] is None
    content["remark"] = check_remark(style.name, content, model.energy_unit)
    return content


def check_table(model: TrainedModel, style: StyleWalk, outcome: Comparison | str) -> pd.DataFrame:
    """Return ``<descriptor>_check.csv``; its columns are empty where the data cannot be compared."""
    table = pd.DataFrame({"energy": model.energy_E, "traversal": style.mean.difference_E})
    if isinstance(outcome, str):
        return table.reindex(columns=[*table.columns, *_COMPARED_COLUMNS])
    matched = outcome.matched
    low_E, high_E = matched.band()
    compared = (
        *(matched.difference_E, low_E, high_E, outcome.unmatched_E, outcome.same_change_E),
        *(matched.low_E, matched.low_E + matched.difference_E, outcome.model_low_E, outcome.model_high_E),
    )
    return table.assign(**dict(zip(_COMPARED_COLUMNS, compared, strict=True)))


def _compared(model: TrainedModel, style: StyleWalk, sample: Sample, outcome: Comparison) -> dict[str, Any]:
    matched, pairs, bins = outcome.matched, outcome.pairs, outcome.bins
    data_E, walk_E, same_E = matched.difference_E, style.mean.difference_E, outcome.same_change_E
    low_E, high_E = matched.band()
    # The traversal may be of another amplitude; what counts here is where its shape leaves the data's.
    scaled_E = walk_E * amplitude_ratio(data_E, walk_E) if np.any(walk_E) else walk_E
    worst = int(np.abs(scaled_E - data_E).argmax())
    names = model.descriptor_names
    trends = None
    if model.energy_unit == "eV":
        trends = trend_with_range(
            matched.low_E,
            matched.low_E + data_E,
            matched.resampled_low,
            matched.resampled_low + matched.resampled_difference,
            model.energy_E,
        )
    return {
        "bins": {
            "low": _bin(bins.low_text, bins.low_N, pairs.low, sample),
            "high": _bin(bins.high_text, bins.high_N, pairs.high, sample),
        },
        "pairs": len(pairs.weight),
        "matched_on": [names[i] for i in pairs.matched_on],
        "not_matched_on": [n for i, n in enumerate(names) if i not in (*pairs.matched_on, style.index)],
        "imbalance_before": {names[i]: v for i, v in matched.imbalance_before.items()},
        "imbalance_after": {names[i]: v for i, v in matched.imbalance_after.items()},
        "descriptor_change": matched.descriptor_change,
        "pearson": response_correlation(walk_E, data_E),
        "pearson_same_change": response_correlation(same_E, data_E),
        "amplitude_ratio": amplitude_ratio(same_E, data_E),
        "pearson_unmatched": response_correlation(walk_E, outcome.unmatched_E),
        "pearson_ceiling": matched.pearson_ceiling(),
        "pearson_true_response": float("nan")
        if style.truth_E is None
        else response_correlation(data_E, style.truth_E),
        "share_in_band": float(((low_E <= same_E) & (same_E <= high_E)).mean()),
        "energy_of_largest_disagreement": float(model.energy_E[worst]),
        "trends": trends,
    }


def _bin(text: str, rows_N: np.ndarray, matched: np.ndarray, sample: Sample) -> dict[str, Any]:
    return {
        "range": text,
        "rows": int(rows_N.sum()),
        "materials": len(set(sample.material_N[rows_N])),
        "matched_rows": len(set(matched.tolist())),
        "matched_materials": len(set(sample.material_N[matched])),
    }
