"""What an independent reader of spectra sees along the walks, beside what it sees in matched real spectra."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.traversal.check import Comparison, Sample
from rankaae_cli.analysis.traversal.walks import StyleWalk
from rankaae_cli.core.statistics.matching import matched_difference
from rankaae_cli.core.styles.leakage import per_walked, reading_change
from rankaae_cli.core.styles.reader import READER, SpectrumReader, fit_reader
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.rankaae.trained import TrainedModel


def independent_reading(
    model: TrainedModel,
    family: Family,
    walks: Sequence[StyleWalk],
    sample: Sample,
    outcomes: Mapping[str, Comparison | str],
    seed: int,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Read decoded spectra along each named walk, and matched real ones, by a reader fitted to training spectra.

    A change is counted in spreads, the standard deviations of a descriptor as it is read off the sample's spectra,
    per spread of the walked descriptor as read; so the reader's own shrinking is the same in both. The pairs differ
    in the walked descriptor and are alike in the others; what is left of a difference in these is taken off by
    regression.

    Parameters
    ----------
    model, family, walks
        The networks, the family, and the walks of the named styles.
    sample, outcomes
        Rows, and by style the pairs of them that `check.compare` gives.
    seed
        Of the bootstrap.

    Returns
    -------
    reading, table
        For traversal.json; ``independent_reader.csv``.
    """
    names = model.descriptor_names
    reader = _fitted(model, family)
    read_NK = reader.read(sample.spectra_NE) if len(sample.spectra_NE) else np.empty((0, len(names)))
    spread_K = read_NK.std(axis=0) if len(read_NK) else np.full(len(names), np.nan)
    rows = []
    for walk in walks:
        along = _along_walk(model, reader, walk, spread_K)
        paired = _in_pairs(sample, outcomes[walk.name], walk.index, read_NK / spread_K, seed)
        rows += [
            {"walked": walk.name, "read": name, **_numbers("walk", along, k), **_numbers("pairs", paired, k)}
            for k, name in enumerate(names)
            if k != walk.index
        ]
    table = pd.DataFrame(rows)
    return {"reader": READER, "rows": sample.text, "changes": table.to_dict("records")}, table


def _fitted(model: TrainedModel, family: Family) -> SpectrumReader:
    columns = [family.descriptor_names.index(name) for name in model.descriptor_names]
    training, validation = (
        (family.spectra_NE[rows], family.descriptors_NK[rows][:, columns])
        for rows in (family.split_N == split for split in (TRAIN, VALIDATION))
    )
    return fit_reader(*training, *validation)


def _along_walk(
    model: TrainedModel, reader: SpectrumReader, walk: StyleWalk, spread_K: np.ndarray
) -> np.ndarray:
    """Return the changes per spread walked: mean over the trials averaged, least and most, shape (3, K)."""
    change_TK = reading_change(model.decode, reader.read, walk.points, walk.members_T) / spread_K
    each_TK = per_walked(change_TK, walk.index)
    known = each_TK[np.isfinite(each_TK[:, walk.index])]
    if not len(known):
        return np.full((3, len(spread_K)), np.nan)
    return np.stack([per_walked(change_TK.mean(axis=0), walk.index), known.min(axis=0), known.max(axis=0)])


def _in_pairs(
    sample: Sample, outcome: Comparison | str, walked: int, read_NK: np.ndarray, seed: int
) -> np.ndarray:
    """Return the same in matched pairs of real spectra, with the bootstrap's 5th and 95th percentile."""
    unknown = np.full((3, read_NK.shape[1]), np.nan)
    if isinstance(outcome, str):
        return unknown
    matched = matched_difference(
        read_NK, sample.descriptors_NK, walked, outcome.bins, outcome.pairs, sample.material_N, seed
    )
    change_K = per_walked(matched.difference_E, walked)
    each = per_walked(matched.resampled_difference, walked)
    each = each[np.isfinite(each[:, walked])]
    return np.stack([change_K, *np.percentile(each, [5, 95], axis=0)]) if len(each) else unknown


def _numbers(what: str, changes: np.ndarray, k: int) -> dict[str, float]:
    return {f"{what}{end}": float(v) for end, v in zip(("", "_low", "_high"), changes[:, k], strict=True)}
