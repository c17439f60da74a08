"""Runs of a sweep compared: which settings differ between them, and how much seeds alone vary a number."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# What decides where and how a run computes, not what.
_NO_SETTINGS = (
    "resume",
    "ingest",
    "then",
    "device",
    "threads",
    "devices",
    "spread",
    "memory",
    "save_every",
    "trials_at_once",
    "logger",
    "family.data",
)
# Families differ in these by definition; only where they differ within one are they a setting.
_OF_FAMILY = ("family", "data", "unlabelled")


@dataclass(frozen=True)
class SeedSpread:
    """How much a number varies among runs that differ in their seed alone.

    Attributes
    ----------
    runs, settings
        The repeated runs, and the settings that they repeat.
    deviation
        Standard deviation within a setting, pooled over settings.
    widest
        The largest difference between two runs of one setting.
    """

    runs: int
    settings: int
    deviation: float
    widest: float


def differing_keys(configs: Sequence[Mapping[str, Any]], families: Sequence[str]) -> list[str]:
    """Return the settings that differ between runs, in the order of the configurations.

    Parameters
    ----------
    configs
        One a run, as `flattened` gives them. A key that one of them lacks differs.
    families
        Of each run. What belongs to a family (its grid, its data file, ...) counts only where it differs
        between runs of one family.
    """
    keys = dict.fromkeys(key for config in configs for key in config)
    members = defaultdict(list)
    for config, family in zip(configs, families, strict=True):
        members[family].append(config)

    def differs(key: str, among: Sequence[Mapping[str, Any]]) -> bool:
        return len({hashable(config.get(key)) for config in among}) > 1

    return [
        key
        for key in keys
        if not _is_of(key, _NO_SETTINGS)
        and (
            any(differs(key, among) for among in members.values())
            if _is_of(key, _OF_FAMILY)
            else differs(key, configs)
        )
    ]


def seed_spread(
    configs: Sequence[Mapping[str, Any]],
    families: Sequence[str],
    keys: Sequence[str],
    values: Sequence[float],
) -> SeedSpread | None:
    """Return how much `values` vary among runs that differ in ``seed`` alone; None where no setting is repeated.

    Parameters
    ----------
    configs, families
        As of `differing_keys`.
    keys
        Its result.
    values
        One a run; runs of NaN do not count.
    """
    groups: dict[Hashable, dict[Hashable, float]] = defaultdict(dict)
    for config, family, value in zip(configs, families, values, strict=True):
        if math.isfinite(value):
            others = tuple(hashable(config.get(key)) for key in keys if key != "seed")
            # The same seed again gives the same numbers and tells nothing.
            groups[(family, others)][hashable(config.get("seed"))] = value
    repeated = [np.array(list(group.values())) for group in groups.values() if len(group) > 1]
    if not repeated:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in repeated)
    runs = sum(len(group) for group in repeated)
    return SeedSpread(
        runs=runs,
        settings=len(repeated),
        deviation=math.sqrt(squares / (runs - len(repeated))),
        widest=max(float(np.ptp(group)) for group in repeated),
    )


def hashable(value: Any) -> Hashable:
    """Return a value of a configuration so that equal ones compare equal and 1 is not True."""
    if isinstance(value, Mapping):
        return tuple((name, hashable(v)) for name, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(hashable(v) for v in value)
    return (isinstance(value, bool), value)


def _is_of(key: str, roots: Sequence[str]) -> bool:
    return any(key == root or key.startswith(f"{root}.") for root in roots)
