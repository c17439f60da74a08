"""How the time of an epoch grows with the number of spectra, and with the number of trials.

python -m tests.benchmarks.growth [--million] [--output FOLDER]

Default setting. Seconds are the processor's, of one thread: of the steps, of the statistics and scores at the end
of the epoch, and of reading where spectra are read from the file; other programs on the machine change them less
than the clock's, which are beside them in growth.csv. Each is the smallest of three epochs. The slope is that
between neighbouring points on logarithmic axes, 1 where the cost is linear. The spectra are those of the shipped
sample, over and over.
"""

import argparse
import contextlib
import csv
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterMathtext, NullLocator

from rankaae_cli.core.labels import Subject
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.spectra_rows import JoinedRows
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.reports.figures.drawing import BLUE, GREY, new_figure, save_figure, styled
from rankaae_cli.training.memory import keep_freed_memory
from tests.configuration import train_settings
from tests.tasks import task_with

SPECTRA, MILLION = (1_000, 10_000, 100_000), 1_000_000
TRIALS = (1, 2, 4, 8, 16, 32, 64)
SPECTRA_OF_TRIALS = 2_500
MEMORY = 300_000_000
EPOCHS = 4
NAMES = ("spectra", "trials")


@dataclass(frozen=True)
class Point:
    """Seconds of an epoch: the processor's and the clock's."""

    spectra: int
    trials: int
    processor: float
    clock: float


def family_of(spectra: int) -> Family:
    """Return the shipped Fe_oxides sample with its rows repeated to that many, without copying them."""
    sample = sample_path("Fe_oxides")
    assert sample is not None
    family = read_family(sample)
    rows = np.resize(np.arange(len(family)), spectra)
    return replace(
        family,
        spectra_NE=JoinedRows([family.spectra_NE]).take(rows),
        descriptors_NK=family.descriptors_NK[rows],
        quantities_NQ=np.empty((spectra, 0)),
        quantity_names=(),
        quantity_units=(),
        material_N=family.material_N[rows],
        site_N=np.arange(spectra),
        split_N=family.split_N[rows],
    )


class _Measured(Exception):
    """The epochs have been timed; what follows them is not needed."""


def measured(family: Family, trials: int, memory: int | None = None) -> Point:
    """Train a few epochs and return the seconds of the quickest, the first left out."""
    ends: list[tuple[float, float]] = []

    def note(done: int, total: int, standing: str) -> None:
        ends.append((time.process_time(), time.perf_counter()))
        if done == total:
            raise _Measured

    with tempfile.TemporaryDirectory() as folder:
        counts = {"trials": trials, "trials_at_once": trials, "max_epochs": EPOCHS}
        with contextlib.suppress(_Measured):
            fit(task_with(train_settings(), family, Path(folder), memory=memory, **counts), note)
    processor, clock = (min(b[i] - a[i] for a, b in itertools.pairwise(ends)) for i in (0, 1))
    return Point(len(family), trials, processor, clock)


def of_a_million() -> Point:
    """Measure an epoch of a million spectra that are read from a file, 1 GB, in blocks."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_family(Path(folder) / "million.h5", family_of(MILLION))
        return measured(read_family(path, stored=True), 1, MEMORY)


def slopes(points: Sequence[Point], size: Callable[[Point], int]) -> list[float]:
    """Return the slopes between neighbouring points on logarithmic axes."""
    return [
        float(np.log(b.processor / a.processor) / np.log(size(b) / size(a)))
        for a, b in itertools.pairwise(points)
    ]


@styled
def growth_figure(series: dict[str, list[Point]]) -> Figure:
    """Draw the seconds of an epoch over the spectra, and over the trials, beside lines of slope 1."""
    figure = new_figure(2.0, Subject("Fe_oxides", "Fe", "K", synthetic=True), "time of an epoch, one thread")
    about = {"spectra": ("Spectra", "one trial"), "trials": ("Trials", f"{SPECTRA_OF_TRIALS:,} spectra")}
    panels = figure.subplots(1, 2, squeeze=False)[0]
    for ax, (name, points) in zip(panels, series.items(), strict=True):
        size = np.array([getattr(point, name) for point in points], dtype=float)
        seconds = np.array([point.processor for point in points])
        ax.loglog(size, seconds[-1] * size / size[-1], color=GREY, linestyle="--", linewidth=0.8)
        ax.loglog(size, seconds, color=BLUE, marker="o", markersize=3)
        label, title = about[name]
        ax.set_xlabel(label)
        ax.set_title(title)
        ax.set_xticks(size[:: 2 if len(size) > 4 else 1])
        # Powers of ten for the spectra, whose numbers are too long to stand side by side.
        ax.xaxis.set_major_formatter(LogFormatterMathtext() if name == "spectra" else "{x:.0f}")
        ax.xaxis.set_minor_locator(NullLocator())
        middle = float(np.sqrt(size[0] * size[-1]))
        at = (middle, seconds[-1] * middle / size[-1])
        ax.annotate("slope 1", at, (5, -3), textcoords="offset points", va="top", color=GREY)
    panels[0].set_ylabel("Processor seconds")
    return figure


def main() -> None:
    """Measure, print the tables, write growth.csv and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--million", action="store_true", help="a million spectra too: 1 GB of disk, minutes")
    parser.add_argument("--output", type=Path, help="folder of growth.csv and growth.png")
    arguments = parser.parse_args()
    output = arguments.output or Path("build/benchmarks") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    torch.set_num_threads(1)
    keep_freed_memory()
    print(f"processor seconds an epoch, one thread; {SPECTRA_OF_TRIALS} spectra for the trials")
    series: dict[str, list[Point]] = {name: [] for name in NAMES}
    for name, sizes in zip(NAMES, (SPECTRA, TRIALS), strict=True):
        print(f"{name:>9} {'seconds':>9} {'a spectrum and trial, ms':>25} {'slope':>6}")
        for n in sizes:
            of_n = (n, 1) if name == "spectra" else (SPECTRA_OF_TRIALS, n)
            _add(series[name], measured(family_of(of_n[0]).in_memory(), of_n[1]), name)
        if name == "spectra" and arguments.million:
            _add(series[name], of_a_million(), name)
            print(f"          the last read from its file, {MEMORY // 10**6} MB of it in memory at a time")
    output.mkdir(parents=True, exist_ok=True)
    with (output / "growth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("varied", "spectra", "trials", "processor_s", "clock_s"))
        for name, points in series.items():
            table.writerows((name, p.spectra, p.trials, p.processor, p.clock) for p in points)
    save_figure(growth_figure(series), output / "growth")
    print(output / "growth.png")


def _add(points: list[Point], point: Point, name: str) -> None:
    points.append(point)
    slope = f"{slopes(points[-2:], lambda p: getattr(p, name))[0]:.2f}" if len(points) > 1 else ""
    each = point.processor / point.spectra / point.trials * 1e3
    print(f"{getattr(point, name):>9} {point.processor:>9.3f} {each:>25.4f} {slope:>6}", flush=True)


if __name__ == "__main__":
    main()
