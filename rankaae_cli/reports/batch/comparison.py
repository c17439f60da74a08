"""What follows from several runs side by side: which settings go with the score, and which scores compare."""

import math
from typing import Any, TypeGuard

import pandas as pd

from rankaae_cli.core.labels import listed
from rankaae_cli.reports.batch.batch import SEEDS, Batch, BatchRun
from rankaae_cli.reports.batch.settings import SeedSpread, hashable


def shown_value(value: Any) -> str:
    """Return a value of a configuration as it is printed; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and value.endswith(".h5"):
        return value.rsplit("/", 1)[-1]
    return str(value)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value of a configuration is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def by_value(batch: Batch, key: str) -> dict[Any, list[BatchRun]]:
    """Return the runs by their value of a setting, numbers in ascending order, then texts."""
    groups: dict[Any, list[BatchRun]] = {}
    for run in batch.runs:
        groups.setdefault(hashable(run.settings.get(key)), []).append(run)

    def order(item: tuple[Any, list[BatchRun]]) -> tuple[bool, float, str]:
        value = item[1][0].settings.get(key)
        number = float(value) if is_number(value) else math.inf
        return (math.isinf(number), number, shown_value(value))

    return dict(sorted(groups.items(), key=order))


def key_effects(batch: Batch, seeds: SeedSpread | None = None) -> list[dict[str, Any]]:
    """Return how much the validation score goes with each setting but seeds, the most first.

    Scores are taken relative to the mean of their family, so that families of other difficulty do not count.
    Settings that hardly repeat a value, as in a random search, say nothing so.

    Parameters
    ----------
    batch
        The runs.
    seeds
        How much the score varies with the seed alone.

    Returns
    -------
    list of dict
        Of each setting its ``key``; ``best`` and ``worst``, its values with the highest and the lowest mean; the
        ``difference`` between these, of scores relative to the mean of their family; ``chance``, up to which
        difference seeds alone would give such means, None where that is not known.
    """
    scores = pd.Series([run.validation_score for run in batch.runs], list(map(id, batch.runs)), dtype=float)
    relative = scores - scores.groupby([run.family for run in batch.runs]).transform("mean")
    effects = []
    for key in batch.keys:
        groups = by_value(batch, key)
        means = {value: float(relative[list(map(id, runs))].mean()) for value, runs in groups.items()}
        means = {value: mean for value, mean in means.items() if math.isfinite(mean)}
        if key in SEEDS or len(means) < 2 or 2 * len(means) > len(batch.runs):
            continue
        best, worst = max(means, key=lambda v: means[v]), min(means, key=lambda v: means[v])
        values = [groups[value][0].settings.get(key) for value in (best, worst)]
        shown = [shown_value(value) for value in values]
        if shown[0] == shown[1]:  # such as two files of one name in two folders
            shown = [str(value) for value in values]
        # The mean of n runs varies by the deviation of one over the root of n; two means are compared.
        each = max(1.0, len(batch.runs) / max(2, len({str(run.settings.get(key)) for run in batch.runs})))
        chance = None if seeds is None else 2 * seeds.deviation * math.sqrt(2 / each)
        ends = {"best": shown[0], "worst": shown[1], "difference": means[best] - means[worst]}
        effects.append({"key": key, **ends, "chance": chance})
    return sorted(effects, key=lambda effect: -effect["difference"])


def means_are_joined(batch: Batch) -> bool:
    """Return whether the figure of settings joins means: where a family has two values of one setting."""
    return any(
        len({hashable(run.settings.get(key)) for run in batch.runs if run.family == family}) > 1
        for key in batch.keys
        if key not in SEEDS
        for family in batch.families
    )


def cautions(batch: Batch) -> list[str]:
    """Return why some scores cannot be compared as they stand."""
    lines = []
    for family in batch.families:
        runs = [run for run in batch.runs if run.family == family]
        for what, values in (
            ("data files", {run.data_sha256 for run in runs}),
            (
                "splits",
                {
                    (run.settings.get("split_seed"), run.settings.get("split_by") or "material")
                    for run in runs
                },
            ),
            ("descriptors", {tuple(sorted(run.descriptors)) for run in runs}),
        ):
            if len(values) > 1:
                lines.append(
                    f"The runs of {family} have {len(values)} different {what}: their scores are not of the same "
                    "rows or descriptors, and the best of them is not strictly comparable."
                )
        if len({run.score_parts for run in runs}) > 1:
            lines.append(
                f"The scores of the runs of {family} are made of different parts: the best of them by score need "
                "not be the best."
            )
    if len({tuple(sorted(run.descriptors)) for run in batch.best}) > 1:
        lines.append("Families have different descriptors: their means are over different ones.")
    if batch.partly_synthetic:
        synthetic = listed([family for family in batch.families if family.endswith("(synthetic)")])
        lines.append(f"Synthetic data: {synthetic}. These say nothing of a material.")
    return lines
