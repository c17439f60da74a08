"""Mutated files are read: what comes of each is a sound spectrum, or a refusal in one or two lines.

python -m tests.benchmarks.fuzz [--files 10000] [--reader NAME] [--seconds 1800] [--first 0] [--output FOLDER]

Every format of measured files (`FORMATS` in data/measured/detect.py), every source of `rankaae ingest` (seeds.py),
and what the program writes itself (own_files.py: checkpoints, run directories, ...) has small valid files;
each file is one of them with faults that know what it is made of (*_mutations.py).
A file is made of its number alone, so `--reader NAME --first NUMBER --files 1` repeats it. Files are read in a
process of their own; none may take more than 5 s of it or 500 MB. Those read wrongly are kept, two of
each fault. The exit status is 1 if there are any.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.fuzz.own_files import own_readers
from tests.benchmarks.fuzz.processes import LARGEST_MB, LONGEST_S, Outcome, outcomes
from tests.benchmarks.fuzz.readings import readers


def main() -> int:
    """Read as many mutated files of each reader as asked for; print a row a reader."""
    known = {**readers(), **own_readers()}
    options = _options(list(known))
    names = options.reader or list(known)
    folder = Path(options.output or tempfile.mkdtemp(prefix="fuzz-"))
    print(
        "| reader | files | read | refused | wrong | slowest, s | most memory, MB |\n|---|---|---|---|---|---|---|"
    )
    end, wrong = time.monotonic() + options.seconds, 0
    for i, name in enumerate(names):
        # What one reader leaves of its share of the time is the others'.
        until = time.monotonic() + (end - time.monotonic()) / (len(names) - i)
        row = _Row()
        numbers = range(options.first, options.first + options.files)
        for outcome in outcomes(name, known[name], numbers, folder, until):
            row.take(outcome)
        print(row.shown(name), flush=True)
        for fault, at in row.faults.items():
            print(f"    {len(at)} x {fault} (files {', '.join(map(str, at[:4]))})", flush=True)
        wrong += len(row.faults)
    print(f"files that were read wrongly: {folder}" if wrong else "none was read wrongly")
    return 1 if wrong else 0


class _Row:
    """What became of the files of one reader."""

    def __init__(self) -> None:
        self.files = self.read = self.refused = 0
        self.seconds = self.megabytes = 0.0
        self.faults: dict[str, list[int]] = {}

    def take(self, outcome: Outcome) -> None:
        """Count one file."""
        self.files += 1
        self.seconds = max(self.seconds, outcome.seconds)
        self.megabytes = max(self.megabytes, outcome.megabytes)
        if outcome.fault:
            self.faults.setdefault(outcome.fault, []).append(outcome.number)
        elif outcome.is_read:
            self.read += 1
        else:
            self.refused += 1

    def shown(self, name: str) -> str:
        """Return the row of the table."""
        wrong = self.files - self.read - self.refused
        counts = f"{self.files} | {self.read} | {self.refused} | {wrong}"
        return f"| {name} | {counts} | {self.seconds:.2f} | {self.megabytes:.0f} |"


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000, help="of each reader (default: %(default)s)")
    parser.add_argument("--reader", action="append", choices=names, help="(default: all)")
    parser.add_argument("--seconds", type=float, default=1800, help="for all together (default: %(default)s)")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first file (default: %(default)s)"
    )
    parser.add_argument("--output", help=f"(default: a new one; limits: {LONGEST_S:g} s, {LARGEST_MB} MB)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
