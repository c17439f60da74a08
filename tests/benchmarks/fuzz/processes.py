"""Reading mutated files in a process of their own, whose time and memory are measured and limited."""

import contextlib
import multiprocessing
import re
import resource
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from tests.benchmarks.fuzz.readings import Reader

LONGEST_S, LARGEST_MB = 5.0, 500
# What a file may take before it is given up: more than is allowed, so that how much more is known.
_GIVEN_UP_S, _GIVEN_UP_BYTES = 30.0, 3 * 2**30
_SILENT_S = 60.0
_KEPT = 2  # files of a fault


@dataclass(frozen=True)
class Outcome:
    """What became of one file: read or refused, or a fault; the process' time and memory for it."""

    number: int
    is_read: bool = False
    fault: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    trace: str = ""


class _TooSlowError(BaseException):
    """No Exception, so that no reader takes it for a fault of the file."""


def outcomes(name: str, reader: Reader, numbers: range, folder: Path, until: float) -> Iterator[Outcome]:
    """Yield what becomes of the mutated files of one reader, in order, as long as there is time.

    Parameters
    ----------
    name, reader
        Of the format or source.
    numbers
        Of the files.
    folder
        Where to keep files that are read wrongly.
    until
        When to stop, on the monotonic clock.
    """
    kept: Counter[str] = Counter()
    context = multiprocessing.get_context("fork")
    while numbers:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_read_all, args=(name, reader, numbers, until, theirs), daemon=True)
        process.start()
        theirs.close()
        for outcome in _received(ours, numbers[0]):
            if outcome.fault:
                kept[outcome.fault] += 1
                if kept[outcome.fault] <= _KEPT:
                    _keep(name, reader, outcome, folder)
            yield outcome
            numbers = numbers[1:]
        # Where the process ended by itself, it was out of time or died of a file, which is told above.
        process.kill()
        process.join()
        if time.monotonic() > until:
            return


def _received(connection: Connection, number: int) -> Iterator[Outcome]:
    """Yield what the process sends; one more where it ends or is silent without saying that it is done."""
    while True:
        try:
            outcome = connection.recv() if connection.poll(_SILENT_S) else Outcome(number, fault="it hangs")
        except EOFError:
            outcome = Outcome(number, fault="the process died")
        if outcome is None:
            return
        yield outcome
        number = outcome.number + 1
        if outcome.fault in ("it hangs", "the process died"):
            return


def _read_all(name: str, reader: Reader, numbers: range, until: float, connection: Connection) -> None:
    """Read the files, and send what becomes of each."""
    signal.signal(signal.SIGVTALRM, _give_up)
    before = _bytes_held("RssAnon")
    resource.setrlimit(resource.RLIMIT_AS, (_virtual_bytes() + _GIVEN_UP_BYTES,) * 2)
    with TemporaryDirectory(prefix="fuzz-") as folder:
        for number in numbers:
            if time.monotonic() > until:
                break
            path = reader.write(f"{name}/{number}", Path(folder) / "file.dat")
            connection.send(_outcome(reader, number, path, before))
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        connection.send(None)


def _outcome(reader: Reader, number: int, path: Path, before: int) -> Outcome:
    with contextlib.suppress(OSError):  # the peak from here on, where the system can tell
        Path("/proc/self/clear_refs").write_text("5")
    start, fault, trace, is_read = time.process_time(), "", "", False
    signal.setitimer(signal.ITIMER_VIRTUAL, _GIVEN_UP_S)
    try:
        is_read = reader.read(path)
    except BaseException as error:
        fault, trace = _named(error), traceback.format_exc()
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    seconds = time.process_time() - start
    # Pages of libraries, which a forked process takes in as it touches them, are no memory of the reader's.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - _bytes_held("RssFile")
    megabytes = (peak - before) / 1e6
    if not fault and seconds > LONGEST_S:
        fault = f"more than {LONGEST_S:g} s"
    if not fault and megabytes > LARGEST_MB:
        fault = f"more than {LARGEST_MB} MB"
    return Outcome(number, is_read, fault, seconds, megabytes, trace)


def _named(error: BaseException) -> str:
    """Return what is alike in faults of one kind: the error, and the program's line that it came through last."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "rankaae_cli" in f.filename]
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    words = re.sub(r"\d+", "N", re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", str(error)))
    return f"{type(error).__name__}{where}: {' '.join(words.split())[:150]}"


def _keep(name: str, reader: Reader, outcome: Outcome, folder: Path) -> None:
    place = folder / re.sub(r"\W+", "_", name)
    place.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        reader.write(f"{name}/{outcome.number}", place / str(outcome.number))
    (place / f"{outcome.number}.txt").write_text(f"{outcome.fault}\n{outcome.trace}")


def _give_up(signum: int, frame: FrameType | None) -> None:
    raise _TooSlowError(f"more than {_GIVEN_UP_S:g} s")


def _bytes_held(kind: str) -> int:
    """Return the resident memory of this process: ``RssAnon``, its own, or ``RssFile``, that of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) * 1024


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
