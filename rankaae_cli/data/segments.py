"""Joint axes: spectra of several edges, or of other kinds, of one molecule side by side.

Letters beyond the legend: M segments of an axis.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np


class RowsOfSpectra(Protocol):
    """Spectra of shape (N, E), an array or what reads rows where they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and energies."""

    def __getitem__(self, rows: slice) -> np.ndarray: ...


@dataclass(frozen=True)
class Segment:
    """A stretch of a joint axis: `length` points from `start` on, of the edge or kind of spectrum `name`."""

    name: str
    start: int
    length: int

    @property
    def points(self) -> slice:
        """Where its points are on the axis."""
        return slice(self.start, self.start + self.length)


def side_by_side(names: Sequence[str], lengths: Sequence[int]) -> tuple[Segment, ...]:
    """Return segments of those names and lengths, one after another."""
    starts = accumulate(lengths, initial=0)
    return tuple(Segment(*each) for each in zip(names, starts, lengths, strict=False))


def axis_fault(energy_E: np.ndarray, segments: Sequence[Segment]) -> str:
    """Return what is wrong with an axis, in words, or nothing; without segments it is one stretch."""
    ends = [0, *(segment.start + segment.length for segment in segments)]
    if segments and (ends[:-1] != [segment.start for segment in segments] or ends[-1] != len(energy_E)):
        return f"the segments {', '.join(s.name for s in segments)} do not cover the {len(energy_E)} energies"
    for segment in segments or side_by_side([""], [len(energy_E)]):
        of = f" of {segment.name}" if segment.name else ""
        part_E = energy_E[segment.points]
        if len(part_E) < 2:
            return f"{len(part_E)} energies{of}, expected at least 2"
        if not (np.isfinite(part_E).all() and (np.diff(part_E) > 0).all()):
            return f"the energies{of} are not finite and ascending"
    return ""


def is_missing(spectra_NE: np.ndarray, segments: Sequence[Segment]) -> np.ndarray:
    """Tell which segments of which spectra are NaN at all points; shape (N, M), bool."""
    parts = [np.isnan(spectra_NE[:, segment.points]).all(axis=1) for segment in segments]
    return np.stack(parts, axis=1)


def segments_fault(spectra_NE: RowsOfSpectra, segments: Sequence[Segment]) -> str:
    """Return what is wrong with spectra on a joint axis, in words, or nothing.

    A segment is there as a whole or missing as a whole, and every row has one.
    """
    for block_NE in _blocks(spectra_NE):
        missing_NM = is_missing(block_NE, segments)
        if missing_NM.all(axis=1).any():
            return "some rows hold no spectrum of any edge"
        for m, segment in enumerate(segments):
            if not np.isfinite(block_NE[~missing_NM[:, m], segment.points]).all():
                return f"some spectra of {segment.name} hold NaN or infinite values at some of their points"
    return ""


def _blocks(spectra_NE: RowsOfSpectra, rows: int = 4096) -> Iterator[np.ndarray]:
    for first in range(0, spectra_NE.shape[0], rows):
        yield spectra_NE[first : first + rows]
