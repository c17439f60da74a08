"""Several runs side by side: what is compared of each."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.batch.settings import SeedSpread, differing_keys, seed_spread

SEEDS = ("seed", "split_seed")


@dataclass(frozen=True)
class Response:
    """How the spectrum responds to one descriptor, on energies relative to the edge.

    Attributes
    ----------
    origin
        What the energies are counted from: ``edge`` or ``start`` of the grid.
    curves
        Of <descriptor>.csv ``energy``, here relative to `origin`, ``difference``, ``trials_low`` and
        ``trials_high``; of <descriptor>_check.csv ``data_difference``, ``data_low`` and ``data_high``, NaN where
        there are no matched data.
    style
        The descriptor's entry of traversal.json.
    """

    origin: str
    curves: pd.DataFrame
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
    first_energy
        Of the grid, by which families are ordered: eV, infinite for an index.
    data_sha256
        Of the data file.
    wall_s
        Of training, s.
    page
        The link to its own page, seen from this one; None where it has none.
    """

    label: str
    directory: str
    subject: Subject
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    responses: Mapping[str, Response]
    first_energy: float = math.inf
    data_sha256: str = ""
    wall_s: float = math.nan
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
    def score_parts(self) -> str:
        """What its validation score is made of, in words."""
        return str(self.metrics["choice"]["by"]).partition(": ")[2]

    @property
    def source(self) -> str:
        """Where the spectra come from, such as ``feff`` or ``synthetic``."""
        return "synthetic" if self.subject.synthetic else str(self.metrics.get("source", ""))

    @property
    def descriptors(self) -> list[str]:
        """Names of its descriptors."""
        return list(self.metrics["ensemble"]["descriptors"])


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
        Runs left out, as in batch.json: ``run``, the ``reason``, and what is ``todo``.
    command
        The call that made the page.
    created
        When, ISO 8601.
    """

    title: str
    runs: Sequence[BatchRun]
    not_reported: Sequence[Mapping[str, str]] = ()
    command: str = ""
    created: str = ""

    @functools.cached_property
    def families(self) -> list[str]:
        """Names of the families, by the energy of their edges, which is by element."""
        first = {run.family: run.first_energy for run in self.runs}
        return sorted(first, key=lambda family: (first[family], family))

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

    @property
    def score_parts(self) -> str:
        """What the validation scores are made of, in words; models without styles have no coupling in theirs."""
        return "; or of other runs: ".join(dict.fromkeys(run.score_parts for run in self.runs))

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


def _order(run: BatchRun) -> float:
    return run.validation_score if math.isfinite(run.validation_score) else -math.inf
