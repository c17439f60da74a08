"""Trainings killed at random moments and gone on with end as the one that was left alone, bit for bit.

python -m tests.benchmarks.kills [--kills 20] [--epochs 40] [--seed 0]

Each training is killed (SIGKILL) once, a random time after it wrote down an epoch drawn at random, which may be
within a saving; then `rankaae train resume=` takes it to its end. Compared are all weights of last.ckpt and
best.ckpt, the scores, and the bytes of metrics.csv. The exit status is 1 if any differs.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from tests.integration.test_resume import final_state, start

TRIALS = 2
SETTING = (
    "+family=Ti_oxides",
    f"trials={TRIALS}",
    "model.hidden=16",
    "batch_size=256",
    "device=cpu",
)
LONGEST_S = 300.0


def written_epochs(run: Path) -> int:
    """Return how many epochs metrics.csv holds; -1 before its header is written."""
    metrics = run / "metrics.csv"
    return (metrics.read_text().count("\n") - 1) // TRIALS if metrics.exists() else -1


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for a training to end well."""
    _, error = process.communicate(timeout=LONGEST_S)
    if process.returncode != 0:
        raise SystemExit(f"a training failed with status {process.returncode}: {error}")


def kill_in(process: subprocess.Popen[str], run: Path, epoch: int, delay: float) -> bool:
    """Kill a training `delay` seconds after it wrote its epoch; return whether it was still running."""
    while written_epochs(run) < epoch and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay)
    alive = process.poll() is None
    process.kill()
    _, error = process.communicate()
    if not alive and process.returncode != 0:
        raise SystemExit(f"a training failed with status {process.returncode}: {error}")
    return alive


def seconds_an_epoch(process: subprocess.Popen[str], run: Path, epochs: int) -> float:
    """Let a training come to its end; return the time of an epoch."""
    while written_epochs(run) < 0 and process.poll() is None:
        time.sleep(0.002)
    begun = time.perf_counter()
    while written_epochs(run) < epochs and process.poll() is None:
        time.sleep(0.002)
    elapsed = time.perf_counter() - begun
    finish(process)
    return elapsed / epochs


def differences(run: Path, reference: Path) -> list[str]:
    """Return what of a finished run is not as in the reference."""
    ours, theirs = final_state(run), final_state(reference)
    unequal = [
        name
        for name in ours | theirs
        if not (name in ours and name in theirs and torch.equal(ours[name], theirs[name]))
    ]
    same_table = (run / "metrics.csv").read_bytes() == (reference / "metrics.csv").read_bytes()
    return unequal if same_table else [*unequal, "metrics.csv"]


def interrupt(
    folder: Path, setting: tuple[str, ...], epochs: int, epoch_s: float, rng: random.Random
) -> tuple[Path, str]:
    """Train until a random moment, kill, and go on to the end; return the run and when it was killed."""
    while True:
        run = Path(tempfile.mkdtemp(dir=folder)) / "run"
        save_every = rng.choice((1, 2))
        process = start(folder, *setting, f"save_every={save_every}", f"hydra.run.dir={run}")
        if kill_in(process, run, rng.randrange(epochs - 1), rng.random() * 2 * epoch_s):
            break
    half_written = list((run / "checkpoints").glob(".*"))
    moment = f"after epoch {max(written_epochs(run), 0):>2} of {epochs}, saved every {save_every}"
    finish(start(folder, f"resume={run}"))
    return run, f"{moment}{', within a saving' if half_written else ''}"


def main() -> int:
    """Print a line a kill; return 1 if any run ended differently, else 0."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    begun = time.perf_counter()
    different = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = folder / "reference"
        setting = (*SETTING, f"max_epochs={asked.epochs}")
        whole = start(folder, *setting, "save_every=1", f"hydra.run.dir={reference}")
        epoch_s = seconds_an_epoch(whole, reference, asked.epochs)
        print(f"uninterrupted: {asked.epochs} epochs of {epoch_s * 1e3:.0f} ms", flush=True)
        for kill in range(asked.kills):
            run, moment = interrupt(folder, setting, asked.epochs, epoch_s, rng)
            unequal = differences(run, reference)
            different += bool(unequal)
            verdict = f"DIFFERENT: {', '.join(unequal)}" if unequal else "identical"
            print(f"kill {kill + 1:>2} of {asked.kills} {moment}: {verdict}", flush=True)
            shutil.rmtree(run.parent)
        compared = len(final_state(reference))
    elapsed = time.perf_counter() - begun
    print(
        f"{asked.kills - different} of {asked.kills} killed trainings ended with the same {compared} tensors and "
        f"metrics.csv as the uninterrupted one, {elapsed:.0f} s"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
