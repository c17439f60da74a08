"""Trials in groups that train one after another: which they are, and what the finished ones have found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class BestEpochs:
    """What has been kept of each trial's best epoch.

    Attributes
    ----------
    scores_T, best_epoch_T
        Its validation score and number; -inf and -1 where there was none.
    failed_T
        Why a trial was given up, or None.
    weights
        Of the autoencoders, stacked.
    """

    scores_T: Tensor
    best_epoch_T: Tensor
    failed_T: list[str | None]
    weights: dict[str, Tensor]

    @classmethod
    def joined(cls, parts: Sequence["BestEpochs"]) -> "BestEpochs":
        """Return those of several groups as one."""
        return cls(
            torch.cat([part.scores_T for part in parts]),
            torch.cat([part.best_epoch_T for part in parts]),
            [reason for part in parts for reason in part.failed_T],
            {name: torch.cat([part.weights[name] for part in parts]) for name in parts[0].weights},
        )


@dataclass
class TrialGroups:
    """Trials in groups of consecutive numbers.

    Attributes
    ----------
    sizes
        Number of trials in each group.
    finished
        What the groups that have finished found.
    first
        Number of the first trial.
    """

    sizes: list[int]
    finished: list[BestEpochs] = field(default_factory=list)
    first: int = 0

    @classmethod
    def of(cls, trials: int, at_once: int | None, first: int = 0) -> "TrialGroups":
        """Part trials into as few groups as hold at most `at_once` each, of sizes that differ by one at most."""
        n = 1 if at_once is None else -(-trials // at_once)
        smaller, larger_ones = divmod(trials, n)
        return cls([smaller + (i < larger_ones) for i in range(n)], first=first)

    @classmethod
    def recorded(cls, state: Mapping[str, Any], trials: int) -> "TrialGroups":
        """Return the groups of a run from its last.ckpt; one that records none had all trials in one."""
        finished = [BestEpochs(**part) for part in state.get("finished_groups", [])]
        return cls(list(state.get("groups", [trials])), finished, state.get("first_trial", 0))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values and tensors, as stored in last.ckpt."""
        finished = [dict(vars(part)) for part in self.finished]
        return {"groups": self.sizes, "finished_groups": finished, "first_trial": self.first}

    def waiting(self) -> Iterator[range]:
        """Yield the trials of each group in order, as long as there is one that `finished` does not hold."""
        while len(self.finished) < len(self.sizes):
            first = self.first + sum(self.sizes[: len(self.finished)])
            yield range(first, first + self.sizes[len(self.finished)])

    def title_of(self, trials: range) -> str:
        """Name the trials of a group; nothing where they are all."""
        if len(self.sizes) == 1:
            return ""
        return f"trial {trials[0]}" if len(trials) == 1 else f"trials {trials[0]} to {trials[-1]}"

    def __str__(self) -> str:
        few, many = min(self.sizes), max(self.sizes)
        return f"{sum(self.sizes)} trials in {len(self.sizes)} groups of {few}" + (
            f" or {many}" if many > few else ""
        )
