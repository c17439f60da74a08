"""A beamtime in front of `rankaae predict watch=true`: how late scans are read, and what memory it takes.

python -m tests.benchmarks.live [--scans 1000] [--every 0.3] [--run RUN] [--figures 12]

Scans are written line by line into a folder that is watched, one every so many seconds. One in twenty is cut short,
one empty, one no scan at all, and one is written anew later. Late is from the end of writing until the scan's line
stands in predictions.csv. Memory is the resident set of the watching process. The exit status is 1 if a scan is
neither read nor named, or the watch does not end in order. Without --run a small one on synthetic data is made.
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rankaae_cli.data.family.family_file import read_family
from tests.copper_run import make_run, scan

PIECES, PAUSE = 4, 0.03  # in which a scan is written, and seconds between them
KINDS = 20  # of which the first ones are faulty
LONGEST_S = 120.0


@dataclass
class Beamtime:
    """What was written, and what came of it; times are those of one clock, by file.

    Attributes
    ----------
    written, read
        When a sound scan was finished, and when its line was there.
    faulty
        Names of those that are none.
    memory
        MB of the watching process, by how many files were written.
    """

    written: dict[str, float] = field(default_factory=dict)
    read: dict[str, float] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    memory: dict[int, float] = field(default_factory=dict)


def write(path: Path, text: str) -> float:
    """Write a scan piece by piece; return when it was finished."""
    lines = text.splitlines(keepends=True)
    size = -(-len(lines) // PIECES)
    with path.open("w") as file:
        for first in range(0, len(lines), size):
            time.sleep(PAUSE)
            file.write("".join(lines[first : first + size]))
            file.flush()
    return time.monotonic()


def write_all(
    folder: Path, scans: int, every: float, beamtime: Beamtime, memory: Callable[[], float]
) -> None:
    """Write the scans of a beamtime, some of them faulty."""
    family = read_family(folder.parent / "cu.h5")
    for i in range(scans):
        begin, path = time.monotonic(), folder / f"scan_{i:05d}.xdi"
        text = scan(family, i % len(family), noise=1e-3, Sample_temperature=f"{300 + 0.1 * i:.1f} K")
        kind = i % KINDS
        if kind < 3:
            path.write_text((text[: len(text) // 3], "", "dear diary\n")[kind])
            beamtime.faulty.add(path.name)
        else:
            if kind == 3:
                write(path, scan(family, (i + 1) % len(family)))
                time.sleep(1)
            beamtime.written[path.name] = write(path, text)
        if i + 1 in (100, scans):
            beamtime.memory[i + 1] = memory()
        time.sleep(max(0.0, begin + every - time.monotonic()))


def look_at(table: Path, beamtime: Beamtime, stop: threading.Event) -> None:
    """Note when the line of each scan is there; the last time it was written where it is written anew."""
    lines: dict[str, str] = {}
    while not stop.wait(0.01):
        try:
            rows = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            name = row.partition(",")[0]
            if lines.get(name) != row:
                lines[name], beamtime.read[name] = row, time.monotonic()


def memory_of(process: int) -> float:
    """Return the resident set of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int((status.partition("VmRSS:")[2].split() or ["0"])[0]) / 1e3  # 0 of one that has ended


def run_beamtime(top: Path, run: Path, given: argparse.Namespace) -> tuple[Beamtime, set[str], int, float]:
    """Return what came of the scans, names of those not read, the exit status, and seconds of the processor."""
    folder, output = top / "beamtime", top / "read"
    folder.mkdir()
    call = [
        "predict",
        f"run={run}",
        "input=beamtime",
        "watch=true",
        "output=read",
        f"figures={given.figures}",
    ]
    command = [sys.executable, "-m", "rankaae_cli", *call, "against=Sample.temperature", "offset=0"]
    with (top / "log.txt").open("w") as log:
        watch = subprocess.Popen(command, cwd=top, stdout=log, stderr=log)
        while not (output / "page.html").exists():
            if watch.poll() is not None:
                raise SystemExit((top / "log.txt").read_text())
            time.sleep(0.05)
        beamtime, stop = Beamtime(), threading.Event()
        looking = threading.Thread(target=look_at, args=(output / "predictions.csv", beamtime, stop))
        looking.start()
        write_all(folder, given.scans, given.every, beamtime, lambda: memory_of(watch.pid))
        if watch.poll() is not None:
            raise SystemExit((top / "log.txt").read_text()[-2000:])
        end = time.monotonic() + LONGEST_S
        while set(beamtime.written) - set(beamtime.read) and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(2)
        stop.set()
        looking.join()
        before = os.times()
        watch.send_signal(signal.SIGINT)
        status = watch.wait(LONGEST_S)
        after = os.times()
    with (output / "rejected.csv").open() as file:
        named = {row["file"] for row in csv.DictReader(file)}
    return beamtime, named, status, after.children_user - before.children_user


def main() -> int:
    """Print how late scans are read and what memory that takes; return 1 where any is lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--every", type=float, default=0.3)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--figures", type=int, default=12)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        make_run(top)
        run = given.run.absolute() if given.run else next(top.glob("runs/*/*/*"))
        beamtime, named, status, seconds = run_beamtime(top, run, given)
    late = [
        max(beamtime.read[one] - end, 0.0) for one, end in beamtime.written.items() if one in beamtime.read
    ]
    lost = set(beamtime.written) - set(beamtime.read) | beamtime.faulty - named
    print(f"{len(beamtime.written)} scans, {len(beamtime.faulty)} faulty, one every {given.every:g} s")
    shown = zip(("median", "90 %", "99 %", "all"), np.quantile(late, [0.5, 0.9, 0.99, 1]), strict=True)
    print("read within " + ", ".join(f"{seconds:.2f} s ({share})" for share, seconds in shown))
    print("memory " + ", ".join(f"{mb:.0f} MB after {n} scans" for n, mb in beamtime.memory.items()))
    print(
        f"{seconds:.0f} s of the processor; ended with status {status}; lost: {', '.join(sorted(lost)) or 'none'}"
    )
    return int(bool(lost) or status != 0)


if __name__ == "__main__":
    sys.exit(main())
