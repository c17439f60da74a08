"""Every stage is killed at random moments, and begun again as a user would: it ends as the one that was left alone.

python -m tests.benchmarks.kills [--kills 20] [--stage NAME] [--seed 0] [--signal TERM]

Stages are an ingest, the training of each kind of model, a transfer, a sweep, an evaluation, a report and a live
prediction, at the smallest sizes (tests/small_runs.py). Each runs in a process of its own, forked once all is
loaded, and is killed (SIGKILL, or asked to stop: SIGTERM) at a moment drawn evenly from the time that it took when
left alone. What it left must not pass for finished; then it is resumed where it can be, else run again, and its
results are compared: all numbers of checkpoints, the bytes of metrics.csv, tables. The exit status is 1 if any
differs, or if what was asked to stop shows a traceback or goes on.
"""

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rankaae_cli.cli import main as rankaae
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.models.registry import KINDS, part_of_kind
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.provenance import PROVENANCE
from tests.copper_run import scan
from tests.data.feff_folder import good_folder, write
from tests.small_runs import CALLS, IN_EPOCHS, differences, write_data

EPOCHS, SCANS = 12, 4
LONGEST_S = 300.0


@dataclass(frozen=True)
class Stage:
    """A command that can be killed.

    Attributes
    ----------
    prepare
        Makes in a folder what the stage works on.
    call
        The command.
    resumed
        What a user calls instead after a kill, given the folder.
    different
        Names what of the results in a folder is not as in another.
    unfinished
        Tells what passes for finished of what a kill left, though it is not.
    """

    prepare: Callable[[Path], None]
    call: tuple[str, ...]
    resumed: Callable[[Path], tuple[str, ...]]
    different: Callable[[Path, Path], list[str]]
    unfinished: Callable[[Path], str] = lambda folder: ""


def run_of(name: str) -> Callable[[Path, Path], list[str]]:
    """Return a comparison of runs of that name."""
    return lambda folder, reference: differences(folder / name, reference / name)


def training(kind: str, more: tuple[str, ...] = (), prepare: Callable[[Path], None] | None = None) -> Stage:
    """Return the training of a kind of model."""
    epochs = (f"max_epochs={EPOCHS}",) if kind in IN_EPOCHS else ()
    call = ("train", *(more or CALLS[kind]), *epochs, "hydra.run.dir=run")
    return Stage(
        prepare or (lambda folder: write_data(kind, folder) and None),
        call,
        lambda folder: _resumed(folder, call),
        run_of("run"),
        _is_usable,
    )


def _resumed(folder: Path, call: tuple[str, ...]) -> tuple[str, ...]:
    provenance = folder / "run" / PROVENANCE
    if not provenance.is_file():  # nothing has begun
        shutil.rmtree(folder / "run", ignore_errors=True)
        return call
    if "finished" in json.loads(provenance.read_text()):
        return ()
    return ("train", "resume=run")


def _is_usable(folder: Path) -> str:
    """Return what is wrong with a run that passes for finished: it has to have its weights."""
    with contextlib.suppress(UserError):
        run = find_run(str(folder / "run"))
        return (
            "" if "finished" in json.loads((run / PROVENANCE).read_text()) else "an unfinished run is found"
        )
    return ""


def _of_families(folder: Path, reference: Path) -> list[str]:
    ours, theirs = (read_family(one / "x.h5") for one in (folder, reference))
    names = ("spectra_NE", "descriptors_NK", "quantities_NQ", "material_N", "site_N", "split_N")
    unequal = [n for n in names if not _same(getattr(ours, n), getattr(theirs, n))]
    lists = [f"x.h5.{name}.csv" for name in ("rejected", "labels")]
    return unequal + [n for n in lists if (folder / n).read_bytes() != (reference / n).read_bytes()]


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _whole_family(folder: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        if (folder / "x.h5").exists():
            read_family(folder / "x.h5")
    return ""


def _trained(kind: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        write_data(kind, folder)
        epochs = ("max_epochs=2",) if kind in IN_EPOCHS else ()
        finish(folder, ("train", *CALLS[kind], *epochs, "hydra.run.dir=first"))

    return prepare


def _with_scans(folder: Path) -> None:
    _trained("supervised")(folder)
    finish(folder, ("evaluate", "run=first", "resamples=5"))
    family = read_family(folder / "data.h5")
    (folder / "scans").mkdir()
    for row in range(SCANS):
        (folder / "scans" / f"{row}.xdi").write_text(scan(family, row))


_TABLES = ("metrics.json", "predictions.csv", "trials.csv")


def _metrics(folder: Path, reference: Path) -> list[str]:
    pairs = [(one / "first" / "evaluation" / name for one in (folder, reference)) for name in _TABLES]
    return [ours.name for ours, theirs in pairs if ours.read_bytes() != theirs.read_bytes()]


def _whole_metrics(folder: Path) -> str:
    there = [name for name in _TABLES if (folder / "first" / "evaluation" / name).is_file()]
    return "metrics.json without its tables" if "metrics.json" in there and len(there) < len(_TABLES) else ""


def _written(folder: Path) -> dict[str, bytes | None]:
    """Return the files of an evaluation and a report, by name; None of pictures and the page, which hold times.

    What a kill left of a file that was being written, under a hidden name, is none of them.
    """
    run, tables = folder / "first", (".csv", ".tex", ".json")
    places = [path for place in ("evaluation", "report") for path in (run / place).rglob("[!.]*")]
    files = [path for path in places if path.is_file()]
    return {
        str(path.relative_to(run)): path.read_bytes() if path.suffix in tables else None for path in files
    }


def _reports(folder: Path, reference: Path) -> list[str]:
    ours, theirs = _written(folder), _written(reference)
    return [
        name for name in ours | theirs if name not in ours or name not in theirs or ours[name] != theirs[name]
    ]


def _whole_page(folder: Path) -> str:
    """Return what is wrong with a page that is there: it has to end, and all that it links to has to be there."""
    page = folder / "first" / "report" / "report.html"
    if not page.is_file():
        return ""
    text = page.read_text()
    linked = set(re.findall(r'(?:href|src)="((?![#"]|\w+:)[^"?#]+)', text))
    missing = [name for name in linked if not (page.parent / name).exists()]
    return "half a page" if not text.rstrip().endswith("</html>") else ", ".join(missing)


def _readings(folder: Path, reference: Path) -> list[str]:
    def rows(path: Path) -> list[str]:
        return sorted((path / "out" / "predictions.csv").read_text().splitlines())

    return [] if rows(folder) == rows(reference) else ["predictions.csv"]


_WATCH = ("predict", "run=first", "input=scans", "watch=true", "output=out", "figures=0")
_INGEST = (
    *("ingest", "+family=Cu_oxides", "source=feff", "path=feff", "output=x.h5", "cache=c.sqlite"),
    *("parallel.jobs=1", "max_tail=8"),
)
_SWEEP = ("train", "-m", *CALLS["rankaae"], "max_epochs=3", "seed=0,1", "hydra.sweep.dir=sweep")


def _watch_again(folder: Path) -> tuple[str, ...]:
    shutil.rmtree(folder / "out", ignore_errors=True)
    return _WATCH


def _sweep_again(folder: Path) -> tuple[str, ...]:
    return ("train", "resume=sweep") if (folder / "sweep" / "sweep.json").is_file() else _SWEEP


STAGES: dict[str, Stage] = {
    "ingest": Stage(
        lambda folder: write(folder / "feff", good_folder()) and None,
        _INGEST,
        lambda folder: (*_INGEST, "overwrite=true"),
        _of_families,
        _whole_family,
    ),
    **{f"training of {kind}": training(kind) for kind in KINDS},
    "transfer": training(
        "rankaae", ("start=first", "data=data.h5", "device=cpu", "save_every=1"), _trained("rankaae")
    ),
    "sweep": Stage(
        lambda folder: write_data("rankaae", folder) and None,
        _SWEEP,
        _sweep_again,
        lambda ours, theirs: [n for job in "01" for n in run_of(f"sweep/{job}")(ours, theirs)],
    ),
    "evaluation": Stage(
        _trained("supervised"),
        ("evaluate", "run=first", "resamples=5"),
        lambda folder: ("evaluate", "run=first", "resamples=5"),
        _metrics,
        _whole_metrics,
    ),
    "report": Stage(
        _trained("supervised"),
        ("report", "run=first"),
        lambda folder: ("report", "run=first"),
        _reports,
        _whole_page,
    ),
    "live prediction": Stage(_with_scans, _WATCH, _watch_again, _readings),
}


def begin(folder: Path, call: tuple[str, ...]) -> multiprocessing.process.BaseProcess:
    """Begin a command in a folder, in a forked process."""
    process = multiprocessing.get_context("fork").Process(target=_command, args=(folder, call))
    process.start()
    return process


def _command(folder: Path, call: tuple[str, ...]) -> None:
    os.chdir(folder)
    os.setsid()  # what it starts dies with it
    with (folder / "said.txt").open("a") as said:
        for number in (1, 2):
            os.dup2(said.fileno(), number)
        status = rankaae(list(call))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def finish(folder: Path, call: tuple[str, ...]) -> float:
    """Let a command come to its end; a watch is ended once all scans are read. Return the seconds."""
    begun = time.monotonic()
    process = begin(folder, call)
    if call == _WATCH:
        table = folder / "out" / "predictions.csv"
        while process.is_alive() and (not table.is_file() or len(table.read_text().splitlines()) <= SCANS):
            time.sleep(0.02)
        os.kill(process.pid or 0, signal.SIGINT)
    process.join(LONGEST_S)
    if process.exitcode != 0:
        said = (folder / "said.txt").read_text()[-2000:]
        raise SystemExit(f"{' '.join(call)} ended with status {process.exitcode}: {said}")
    return time.monotonic() - begun


def killed(
    stage: Stage, source: Path, reference: Path, delay: float, by: signal.Signals
) -> tuple[list[str], bool]:
    """Kill a stage after a time, and begin it again; return what differs, and whether it was still running."""
    folder = Path(tempfile.mkdtemp(dir=source.parent)) / "work"
    shutil.copytree(source, folder)
    process = begin(folder, stage.call)
    process.join(delay)
    alive = process.is_alive()
    fault = _stopped(process, folder, by)
    fault = fault or stage.unfinished(folder)
    again = stage.resumed(folder)
    if again:
        finish(folder, again)
    different = [*([fault] if fault else []), *stage.different(folder, reference)]
    if not different:
        shutil.rmtree(folder.parent)
    return different, alive


def _stopped(process: multiprocessing.process.BaseProcess, folder: Path, by: signal.Signals) -> str:
    """Kill a process and what it started, or ask both to stop; return what is wrong with how it ended."""
    try:
        os.killpg(process.pid or 0, by)
    except ProcessLookupError:  # it has not begun a group of its own yet, or is done
        if process.is_alive():
            os.kill(process.pid or 0, by)
    process.join(LONGEST_S)
    if process.is_alive():
        process.kill()
        return f"it goes on after {by.name}"
    said = folder / "said.txt"
    return "a traceback" if said.is_file() and "Traceback" in said.read_text() else ""


def survived(
    name: str, kills: int, rng: random.Random, top: Path, by: signal.Signals = signal.SIGKILL
) -> int:
    """Print how a stage fares; return how many of its kills it did not survive."""
    stage, source, reference = STAGES[name], top / name / "source", top / name / "reference"
    source.mkdir(parents=True)
    stage.prepare(source)
    shutil.copytree(source, reference)
    took = finish(reference, stage.call)
    lost, running = 0, 0
    for kill in range(kills):
        different, alive = killed(stage, source, reference, rng.random() * took, by)
        lost, running = lost + bool(different), running + alive
        if different:
            print(f"kill {kill} of {name}: DIFFERENT: {', '.join(different[:8])}", flush=True)
    print(f"| {name} | {took:.1f} | {kills} | {running} | {kills - lost} |", flush=True)
    return lost


def main() -> int:
    """Print a row a stage; return 1 if a kill of any was not survived, else 0."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20, help="of each stage (default: %(default)s)")
    parser.add_argument("--stage", action="append", choices=STAGES, help="(default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--signal", choices=("KILL", "TERM"), default="KILL", help="(default: %(default)s)")
    asked = parser.parse_args()
    for module in ("ingest", "train", "evaluate", "report", "predict"):
        importlib.import_module(f"rankaae_cli.commands.{module}")
    for kind in KINDS:
        part_of_kind(kind, "fit")
    rng, lost = random.Random(asked.seed), 0
    print(
        "| stage | s, left alone | kills | while it ran | ended the same |\n|---|---|---|---|---|", flush=True
    )
    with tempfile.TemporaryDirectory() as top:
        for name in asked.stage or STAGES:
            lost += survived(name, asked.kills, rng, Path(top), signal.Signals[f"SIG{asked.signal}"])
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
