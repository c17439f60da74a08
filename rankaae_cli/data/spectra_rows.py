"""Spectra that are not in memory: rows of a file, of a spool, of several of these, or made when asked for."""

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# Rows that are read, checked or written at once where nothing else is asked for.
ROWS_AT_ONCE = 4096
# Up to so many bytes rows that are gathered one by one stay in memory.
_SPOOLED_FROM = 128 * 2**20

Rows = slice | np.ndarray | Sequence[int]


class SpectraRows(ABC):
    """N spectra on one grid, float32, of which a few are in memory at a time.

    Indexing with a slice, a mask or indices reads those rows into an array, as of one.

    Attributes
    ----------
    shape
        (N, E).
    rows_together
        Neighbouring rows that are read about as quickly as one of them: those of a chunk of a file.
    """

    dtype = np.dtype(np.float32)
    rows_together = 1

    def __init__(self, rows: int, points: int) -> None:
        self.shape = (rows, points)
        self._finite: bool | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (spectrum_E for block_NE in blocks_of(self) for spectrum_E in block_NE)

    def all_finite(self) -> bool:
        """Return whether no value is NaN or infinite; what has been read for it once is not read again."""
        if self._finite is None:
            self._finite = all(bool(np.isfinite(block_NE).all()) for block_NE in blocks_of(self))
        return self._finite

    @property
    def nbytes(self) -> int:
        """How many bytes they would take in memory."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @abstractmethod
    def run_of(self, first: int, end: int) -> np.ndarray:
        """Return the rows from `first` up to before `end`, shape (end - first, E)."""

    def __getitem__(self, rows: Rows) -> np.ndarray:
        if isinstance(rows, slice) and rows.step in (None, 1):
            first, end, _ = rows.indices(len(self))
            return self.run_of(first, max(first, end))
        return self.rows_of(as_indices(rows, len(self)))

    def rows_of(self, index_B: np.ndarray) -> np.ndarray:
        """Return the rows of those indices, in their order, shape (B, E)."""
        out_BE = np.empty((len(index_B), self.shape[1]), dtype=self.dtype)
        order_B = np.argsort(index_B, kind="stable")
        sorted_B = index_B[order_B]
        # A gap that is larger than what is read together is not read over.
        breaks = np.flatnonzero(np.diff(sorted_B) > self.rows_together) + 1
        for part in np.split(np.arange(len(sorted_B)), breaks) if len(sorted_B) else ():
            for some in np.array_split(part, -(-len(part) // ROWS_AT_ONCE)):
                first, last = sorted_B[some[0]], sorted_B[some[-1]]
                run = self.run_of(int(first), int(last) + 1)
                out_BE[order_B[some]] = run[sorted_B[some] - first]
        return out_BE

    def take(self, rows: Rows) -> "SpectraRows":
        """Return those rows alone, without reading them."""
        return SelectedRows(self, as_indices(rows, len(self)))


Spectra = np.ndarray | SpectraRows


def as_indices(rows: Rows, n: int) -> np.ndarray:
    """Return the indices, int64, that a slice, a mask of shape (n,) or indices choose of n rows."""
    if isinstance(rows, slice):
        return np.arange(n)[rows]
    chosen = np.asarray(rows, dtype=None if len(rows) else np.int64)
    if chosen.dtype == bool:
        if chosen.shape != (n,):
            raise IndexError(f"a mask of shape {chosen.shape} for {n} rows")
        return np.flatnonzero(chosen)
    chosen = np.where(chosen < 0, chosen + n, chosen).astype(np.int64)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= n):
        raise IndexError(f"row {chosen.max()} of {n}")
    return chosen


def rows_taken(spectra: Spectra, rows: Rows) -> Spectra:
    """Return those rows alone; of spectra that are not in memory, without reading them."""
    return spectra.take(rows) if isinstance(spectra, SpectraRows) else spectra[rows]


def all_finite(spectra: Spectra) -> bool:
    """Return whether no value of the spectra is NaN or infinite."""
    return spectra.all_finite() if isinstance(spectra, SpectraRows) else bool(np.isfinite(spectra).all())


def blocks_of(spectra: Spectra, rows: int = ROWS_AT_ONCE) -> Iterator[np.ndarray]:
    """Yield the spectra in order, at most `rows` at a time."""
    for first in range(0, len(spectra), rows):
        yield spectra[first : first + rows]


class SelectedRows(SpectraRows):
    """Some rows of others, in an order of their own."""

    def __init__(self, base: SpectraRows, index_N: np.ndarray) -> None:
        super().__init__(len(index_N), base.shape[1])
        self.base = base
        self.index_N = index_N
        self.rows_together = base.rows_together

    def all_finite(self) -> bool:
        """Return whether no value is NaN or infinite; rows of what is known to be finite are not read."""
        return bool(self.base._finite) or super().all_finite()

    def run_of(self, first: int, end: int) -> np.ndarray:
        """Return neighbouring rows of this order."""
        return self.base.rows_of(self.index_N[first:end])

    def rows_of(self, index_B: np.ndarray) -> np.ndarray:
        """Return rows of this order."""
        return self.base.rows_of(self.index_N[index_B])

    def take(self, rows: Rows) -> SpectraRows:
        """Return rows of this order, as rows of what lies below."""
        return SelectedRows(self.base, self.index_N[as_indices(rows, len(self))])


class JoinedRows(SpectraRows):
    """The rows of several, one after another."""

    def __init__(self, parts: Sequence[Spectra]) -> None:
        super().__init__(sum(len(part) for part in parts), parts[0].shape[1])
        self.parts = tuple(parts)
        # What is joined has been checked.
        self._finite = True
        self.begin = np.cumsum([0, *(len(part) for part in parts)])
        self.rows_together = max(getattr(part, "rows_together", 1) for part in parts)

    def run_of(self, first: int, end: int) -> np.ndarray:
        """Return neighbouring rows, be they of two parts."""
        pieces = [
            part[max(first - begin, 0) : end - begin]
            for part, begin in zip(self.parts, self.begin[:-1].tolist(), strict=True)
            if first < begin + len(part) and end > begin
        ]
        return np.concatenate([np.empty((0, self.shape[1]), self.dtype), *pieces])

    def rows_of(self, index_B: np.ndarray) -> np.ndarray:
        """Return rows of all parts, read part by part."""
        out_BE = np.empty((len(index_B), self.shape[1]), dtype=self.dtype)
        part_B = np.searchsorted(self.begin, index_B, side="right") - 1
        for p, part in enumerate(self.parts):
            if len(here := np.flatnonzero(part_B == p)):
                out_BE[here] = part[index_B[here] - self.begin[p]]
        return out_BE


class FileRows(SpectraRows):
    """The spectra of a family file, read from it when they are asked for."""

    def __init__(self, path: Path, shape: tuple[int, int], chunk_rows: int) -> None:
        super().__init__(*shape)
        self.path = path
        self.rows_together = chunk_rows
        self._dataset: h5py.Dataset | None = None

    @classmethod
    def of(cls, dataset: h5py.Dataset, path: Path) -> "FileRows":
        """Return the rows of a dataset of shape (N, E) in the file at `path`."""
        return cls(path.resolve(), dataset.shape, dataset.chunks[0] if dataset.chunks else 1)

    def run_of(self, first: int, end: int) -> np.ndarray:
        """Read neighbouring rows."""
        if self._dataset is None:
            self._dataset = h5py.File(self.path, "r")["spectra"]
        out_BE = np.empty((end - first, self.shape[1]), dtype=self.dtype)
        if end > first:
            self._dataset.read_direct(out_BE, np.s_[first:end])
        return out_BE

    def __getstate__(self) -> dict[str, Any]:
        # Another process opens the file for itself.
        return {**self.__dict__, "_dataset": None}


class GeneratedRows(SpectraRows):
    """Spectra that a function generates: ``make(first, end)`` returns neighbouring rows, all finite."""

    def __init__(self, rows: int, points: int, make: Callable[[int, int], np.ndarray]) -> None:
        super().__init__(rows, points)
        self._make = make
        self._finite = True

    def run_of(self, first: int, end: int) -> np.ndarray:
        """Make neighbouring rows."""
        return self._make(first, end)


class SpooledRows(SpectraRows):
    """Spectra in a temporary file, in the folder for such (``TMPDIR``); it goes with the object that wrote it."""

    def __init__(self, file: Any, rows: int, points: int) -> None:
        super().__init__(rows, points)
        self._file = file
        file.flush()

    def run_of(self, first: int, end: int) -> np.ndarray:
        """Read neighbouring rows."""
        width = self.shape[1] * self.dtype.itemsize
        # Reads by position, so that two threads do not disturb each other.
        content = os.pread(self._file.fileno(), (end - first) * width, first * width)
        return np.frombuffer(content, dtype=self.dtype).reshape(end - first, self.shape[1])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": self._file.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._file = Path(state["_file"]).open("rb")  # noqa: SIM115 - read for as long as the object lives


def gathered_spectra(
    spectra: Iterable[np.ndarray], points: int, spooled_from: int = _SPOOLED_FROM
) -> Spectra:
    """Take spectra of shape (E,) one by one; return them in memory, or where they are large in a temporary file.

    Parameters
    ----------
    spectra
        As many as come.
    points
        E.
    spooled_from
        Bytes beyond which they are written to the file.
    """
    file: Any = None
    some: list[np.ndarray] = []
    size = written = 0
    for spectrum_E in spectra:
        some.append(np.ascontiguousarray(spectrum_E, dtype=np.float32))
        size += some[-1].nbytes
        if size > (spooled_from if file is None else ROWS_AT_ONCE * points * 4):
            file = file or tempfile.NamedTemporaryFile(prefix="rankaae-")  # noqa: SIM115 - goes with its rows
            file.writelines(some)
            written += len(some)
            some, size = [], 0
    if file is None:
        return np.array(some, dtype=np.float32).reshape(len(some), points)
    file.writelines(some)
    return SpooledRows(file, written + len(some), points)
