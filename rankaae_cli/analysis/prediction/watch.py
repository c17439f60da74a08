"""A folder that scans are being written to: each is read once it is finished, and again when it has changed."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rankaae_cli.analysis.prediction.input import Fault, InputSpectrum, read_scans
from rankaae_cli.analysis.prediction.predict import LoadedRun, PredictionResult
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.arrivals import Arrivals
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.training.memory import return_freed_memory

_PAUSE = 0.1  # s between two looks, at least
_SHARE = 0.1  # of the time that looks may take: those at many files are further apart
_PATIENCE = 10.0  # s that the folder may be gone for, as a network's folders now and then are


@dataclass(frozen=True)
class Look:
    """What a look at the folder brought: at most one file, which has been read.

    Attributes
    ----------
    file
        Below the folder; None where there is none to read.
    labels
        Of the spectra in it that can be used.
    result
        Of those that are new, or other than before; None where none is.
    faults
        What of it could not be read, and why.
    gone
        Files that are not there any more.
    """

    file: str | None = None
    labels: tuple[str, ...] = ()
    result: PredictionResult | None = None
    faults: list[Fault] = field(default_factory=list)
    gone: tuple[str, ...] = ()


def watch(
    run: LoadedRun, folder: Path, output: Path, options: MeasuredOptions, stop: threading.Event
) -> Iterator[Look]:
    """Read the scans of a folder as they are finished, until asked to stop.

    Parameters
    ----------
    run
        Reads them.
    folder
        What is there already is read too.
    output
        A folder that is passed over where it lies in the other.
    options
        How measured spectra are read and normalised.
    stop
        Ends it when set.

    Yields
    ------
    Look
        After each file, and where there is nothing to read ten times a second at most.

    Raises
    ------
    UserError
        If the folder has been gone for ten seconds.
    """
    arrivals, known = Arrivals(folder, output), _Known()
    last_seen = time.monotonic()
    while not stop.is_set():
        begin = time.monotonic()
        try:
            finished, gone = arrivals.look(begin)
        except OSError as error:
            if begin - last_seen > _PATIENCE:
                raise UserError(
                    f"{folder} has been gone for {_PATIENCE:g} s ({error.strerror}): the watch is over\n"
                    "begin it again when the folder is there"
                ) from error
            finished, gone = [], []
        else:
            last_seen = begin
        took = time.monotonic() - begin
        yield Look(gone=tuple(known.forget(_name(path, folder)) for path in gone))
        for path in finished:
            if stop.is_set():
                return
            yield _read(run, path, folder, options, known)
        if finished:
            return_freed_memory()
        else:
            stop.wait(max(_PAUSE, took / _SHARE))


class _Known:
    """What has been read of each file: digests of its spectra by their labels."""

    def __init__(self) -> None:
        self._digests: dict[str, dict[str, bytes]] = {}

    def forget(self, file: str) -> str:
        """Forget a file; return its name."""
        self._digests.pop(file, None)
        return file

    def replace(self, file: str, spectra: list[InputSpectrum]) -> list[InputSpectrum]:
        """Take note of the spectra of a file; return those that were not in it before, or were others."""
        before, now = self._digests.get(file, {}), {one.file: _digest(one) for one in spectra}
        self._digests[file] = now
        return [one for one in spectra if before.get(one.file) != now[one.file]]


def _digest(one: InputSpectrum) -> bytes:
    spectrum = one.prepared.spectrum
    digest = hashlib.blake2b(repr(sorted(spectrum.metadata.items())).encode(), digest_size=16)
    for values in (one.prepared.energy_M, one.prepared.absorption_M):
        digest.update(values.tobytes())
    return digest.digest()


def _read(run: LoadedRun, path: Path, folder: Path, options: MeasuredOptions, known: _Known) -> Look:
    """Read a file; a fault of the program costs that file alone, too."""
    file = _name(path, folder)
    try:
        read, faults = read_scans(path, folder.absolute(), run.grid.spec, options)
        usable, spectra_NE, unusable = run.usable(read)
        is_new = {one.file for one in known.replace(file, usable)}
        chosen = [n for n, one in enumerate(usable) if one.file in is_new]
        result = run.predict([usable[n] for n in chosen], spectra_NE[chosen]) if chosen else None
    except Exception as error:
        known.forget(file)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
        return Look(file, faults=[(file, f"it cannot be read: {reason}")])
    return Look(file, tuple(one.file for one in usable), result, faults + unusable)


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))
