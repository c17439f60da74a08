"""A set of features: a row of numbers for each site, their names, and what made them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rankaae_cli.core.errors import UserError

UNKNOWN = "unknown"  # the model of features that a file holds without naming it
_JOINT = "+"
_SHOWN = 60  # characters of a title, or of the digest of weights


@dataclass(frozen=True)
class FeatureSet:
    """F features of N sites.

    Making one with arrays that do not fit together, or with infinite values, raises UserError.

    Attributes
    ----------
    values_NF
        Shape (N, F), float32; NaN where not known.
    names
        F strings, such as ``chgnet_0``.
    model, version
        What made them, such as ``chgnet`` and ``0.3.0``; of several sets joined, one after the other with ``+``.
    weights
        SHA-256 of that model's weights, hexadecimal; empty where it has none or they are not known.
    """

    values_NF: np.ndarray
    names: tuple[str, ...]
    model: str
    version: str = ""
    weights: str = ""

    def __post_init__(self) -> None:
        if self.values_NF.ndim != 2 or self.values_NF.shape[1] != len(self.names):
            raise UserError(f"features has shape {self.values_NF.shape}, expected (N, {len(self.names)})")
        again = next((name for i, name in enumerate(self.names) if name in self.names[:i]), None)
        if again is not None:
            raise UserError(f"the feature {again!r} is there twice")
        unbounded = np.isinf(self.values_NF).any(axis=0)
        if unbounded.any():
            raise UserError(f"feature {self.names[unbounded.argmax()]} holds infinite values")

    def __len__(self) -> int:
        return len(self.values_NF)

    @property
    def title(self) -> str:
        """Model and version, as messages name them."""
        return f"{self.model} {self.version.strip(_JOINT)}".strip()

    def with_rows(self, rows: np.ndarray) -> "FeatureSet":
        """Return the features of those rows alone."""
        return replace(self, values_NF=self.values_NF[rows])

    def difference(self, other: "FeatureSet") -> str:
        """Return how another set of features is of another making than this, nothing where it is not."""
        for what, mine, others in (("", self.title, other.title), ("weights ", self.weights, other.weights)):
            if mine != others:
                return f"of {what}{others[:_SHOWN] or UNKNOWN}, not of {what}{mine[:_SHOWN] or UNKNOWN}"
        if self.names == other.names:
            return ""
        lacking = next((name for name in self.names if name not in other.names), None)
        if lacking is not None:
            return f"without {lacking}"
        return "in another order" if len(self.names) == len(other.names) else "more in number"


def side_by_side(sets: Sequence[FeatureSet]) -> FeatureSet:
    """Return the features of several sets as one, whose names must differ."""
    if len(sets) == 1:
        return sets[0]
    return FeatureSet(
        values_NF=np.hstack([each.values_NF for each in sets]),
        names=tuple(name for each in sets for name in each.names),
        model=_JOINT.join(each.model for each in sets),
        version=_JOINT.join(each.version for each in sets),
        weights=_JOINT.join(each.weights for each in sets if each.weights),
    )


def one_below_another(sets: Sequence[FeatureSet]) -> FeatureSet:
    """Return the rows of several sets of one making, one set after another."""
    return replace(sets[0], values_NF=np.concatenate([each.values_NF for each in sets]))


def require_alike(
    sets: Sequence[FeatureSet | None], files: Sequence[str], advice: str = "make a family file of each"
) -> None:
    """Raise UserError, ending in an advice, if some files have features and others not, or of another making."""
    first = sets[0]
    for other, file in zip(sets, files, strict=True):
        if (first is None) != (other is None):
            with_them, without = (file, files[0]) if first is None else (files[0], file)
            raise UserError(f"{with_them} has features, {without} none\n{advice}")
        if first is not None and other is not None and (why := first.difference(other)):
            raise UserError(f"the features of {file} are {why}, those of {files[0]}\n{advice}")
