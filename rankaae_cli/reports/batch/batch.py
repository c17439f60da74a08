"""Several runs side by side: what is compared, and what follows from it."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np

from rankaae_cli.core.labels import Subject, listed
from rankaae_cli.reports.batch.settings import SeedSpread, differing_keys, hashable, seed_spread

SEEDS = ("seed", "split_seed")


@dataclass(frozen=True)
class Response:
    """How the spectrum responds to one descriptor, on energies relative to the edge.

    Attributes
    ----------
    energy_E
        Shape (E,), relative to `origin`.
    origin
        What the energies are counted from: ``edge`` or ``start`` of the grid.
    difference_E, low_E, high_E
        Spectrum at the 95th minus that at the 5th percentile of the style, and the range over trials.
    data_E, data_low_E, data_high_E
        The difference of real spectra matched in the other descriptors, and its 90 % band; NaN where there
        is none.
    style
        The descriptor's entry of traversal.json.
    """

    energy_E: np.ndarray
    origin: str
    difference_E: np.ndarray
    low_E: np.ndarray
    high_E: np.ndarray
    data_E: np.ndarray
    data_low_E: np.ndarray
    data_high_E: np.ndarray
    style: Mapping[str, Any]


@dataclass(frozen=True)
class BatchRun:
    """One run of several.

    Attributes
    ----------
    label
        Its directory, seen from what the runs have in common.
    directory
        Its directory.
    subject
        Family, element, edge, and whether the data are synthetic.
    settings
        Its configuration by dotted key.
    metrics
        Contents of metrics.json of the test split.
    responses
        By descriptor.
    units
        By descriptor.
    first_energy
        Of the grid, by which families are ordered: eV, infinite for an index.
    data_sha256
        Of the data file.
    wall_s
        Of training, s.
    started
        Of training, ISO 8601.
    page
        The link to its own page, seen from this one; None where it has none.
    """

    label: str
    directory: str
    subject: Subject
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    responses: Mapping[str, Response]
    units: Mapping[str, str] = field(default_factory=dict)
    first_energy: float = math.inf
    data_sha256: str = ""
    wall_s: float = math.nan
    started: str = ""
    page: str | None = None

    @property
    def family(self) -> str:
        """The family, synthetic and other spectra apart."""
        return f"{self.subject.family} (synthetic)" if self.subject.synthetic else self.subject.family

    @property
    def validation_score(self) -> float:
        """Score of the selected trial on the validation rows; NaN where not known."""
        score = self.metrics["trials"][self.metrics["selected_trial"]]["validation_score"]
        return math.nan if score is None else float(score)

    @property
    def source(self) -> str:
        """Where the spectra come from, such as ``feff`` or ``synthetic``."""
        return "synthetic" if self.subject.synthetic else str(self.metrics.get("source", ""))

    @property
    def descriptors(self) -> list[str]:
        """Names of its descriptors."""
        return list(self.metrics["ensemble"]["descriptors"])


@dataclass(frozen=True)
class NotReported:
    """A run that is not compared: its label, why, and what can be done."""

    label: str
    reason: str
    todo: str


@dataclass(frozen=True)
class KeyEffect:
    """How much the validation score goes with one setting.

    Attributes
    ----------
    key
        The setting.
    best, worst
        Its values with the highest and the lowest mean.
    difference
        Between these, of scores relative to the mean of their family.
    """

    key: str
    best: str
    worst: str
    difference: float


@dataclass(frozen=True)
class Batch:
    """Runs to compare.

    Attributes
    ----------
    title
        What the runs have in common, such as the sweep's directory.
    runs
        By family, the best validation score first.
    not_reported
        Runs left out.
    command
        The call that made the page.
    made
        When, ISO 8601.
    """

    title: str
    runs: Sequence[BatchRun]
    not_reported: Sequence[NotReported] = ()
    command: str = ""
    made: str = ""

    @functools.cached_property
    def families(self) -> list[str]:
        """Names of the families, by the energy of their edges, which is by element."""
        first = {run.family: run.first_energy for run in self.runs}
        return sorted(first, key=lambda family: (first[family], family))

    @property
    def printed_families(self) -> list[str]:
        """Names of the families as they are printed."""
        return [self.name(run) for run in self.best]

    @property
    def synthetic(self) -> bool:
        """Whether all data are synthetic."""
        return all(run.subject.synthetic for run in self.runs)

    @property
    def partly_synthetic(self) -> bool:
        """Whether some data are synthetic, but not all."""
        return not self.synthetic and any(run.subject.synthetic for run in self.runs)

    @functools.cached_property
    def best(self) -> list[BatchRun]:
        """The best run of each family by validation score, test unseen; the first where scores are equal."""
        chosen: dict[str, BatchRun] = {}
        for run in self.runs:
            if run.family not in chosen or _order(run) > _order(chosen[run.family]):
                chosen[run.family] = run
        return [chosen[family] for family in self.families]

    @functools.cached_property
    def descriptors(self) -> list[str]:
        """Descriptors of any of the runs, in their order."""
        return list(dict.fromkeys(name for run in self.runs for name in run.descriptors))

    @functools.cached_property
    def keys(self) -> list[str]:
        """Settings that differ between runs, seeds last."""
        keys = differing_keys([r.settings for r in self.runs], [r.family for r in self.runs])
        return sorted(keys, key=lambda key: key in SEEDS)

    def spread(self, values: Sequence[float]) -> SeedSpread | None:
        """Return how much `values`, one a run, vary with the seed alone."""
        return seed_spread(
            [r.settings for r in self.runs], [r.family for r in self.runs], [*self.keys, "seed"], values
        )

    def subject(self, runs: Sequence[BatchRun]) -> Subject:
        """Return what a figure of some runs is about."""
        families = sorted({run.family for run in runs})
        if len(families) == 1:
            return runs[0].subject
        return SeveralFamilies(
            f"{len(families)} families", "", "", synthetic=all(run.subject.synthetic for run in runs)
        )

    def name(self, run: BatchRun) -> str:
        """Return a run's family as it is printed: where all data are synthetic, headings and captions say so."""
        return run.subject.family if self.synthetic else run.family


class SeveralFamilies(Subject):
    """What a figure of several families is about."""

    def heading(self, *details: str) -> str:
        """Return the line above a figure; it begins with what is synthetic."""
        return " · ".join([*(["SYNTHETIC DATA"] if self.synthetic else []), self.family, *details])


def shortened(text: str, most: int = 24) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


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


def key_effects(batch: Batch) -> list[KeyEffect]:
    """Return how much the validation score goes with each setting but seeds, the most first.

    Scores are taken relative to the mean of their family, so that families of other difficulty do not count.
    Settings that hardly repeat a value, as in a random search, say nothing so.
    """
    scores: dict[str, list[float]] = {}
    for run in batch.runs:
        if math.isfinite(run.validation_score):
            scores.setdefault(run.family, []).append(run.validation_score)
    effects = []
    for key in batch.keys:
        groups, means = by_value(batch, key), {}
        for value, runs in groups.items():
            relative = [
                run.validation_score - float(np.mean(scores[run.family]))
                for run in runs
                if math.isfinite(run.validation_score)
            ]
            if relative:
                means[value] = float(np.mean(relative))
        if key in SEEDS or len(means) < 2 or 2 * len(means) > len(batch.runs):
            continue
        best, worst = max(means, key=lambda v: means[v]), min(means, key=lambda v: means[v])
        ends = [groups[value][0].settings.get(key) for value in (best, worst)]
        shown = [shown_value(value) for value in ends]
        if shown[0] == shown[1]:  # such as two files of one name in two folders
            shown = [str(value) for value in ends]
        effects.append(KeyEffect(key, shown[0], shown[1], means[best] - means[worst]))
    return sorted(effects, key=lambda effect: -effect.difference)


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
            ("splits", {run.settings.get("split_seed") for run in runs}),
            ("descriptors", {tuple(sorted(run.descriptors)) for run in runs}),
        ):
            if len(values) > 1:
                lines.append(
                    f"The runs of {family} have {len(values)} different {what}: their scores are not of the same "
                    "rows or descriptors, and the best of them is not strictly comparable."
                )
    if len({tuple(sorted(run.descriptors)) for run in batch.best}) > 1:
        lines.append("Families have different descriptors: their means are over different ones.")
    if batch.partly_synthetic:
        synthetic = listed([family for family in batch.families if family.endswith("(synthetic)")])
        lines.append(f"Synthetic data: {synthetic}. These say nothing of a material.")
    return lines


def _order(run: BatchRun) -> float:
    return run.validation_score if math.isfinite(run.validation_score) else -math.inf
