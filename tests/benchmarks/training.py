"""Seconds a trial and epoch, for 1, 4 and 8 trials side by side.

python -m tests.benchmarks.training
"""

import itertools
import tempfile
import time
from pathlib import Path

import torch

from rankaae_cli.data.family_file import read_family
from rankaae_cli.data.samples import sample_path
from rankaae_cli.training.fit import FitRequest, fit
from tests.configuration import train_settings

EPOCHS = 5


def seconds_an_epoch(trials: int, *overrides: str) -> float:
    """Train a few epochs on a shipped sample; return the median time of one."""
    config = train_settings(*overrides)
    sample = sample_path("Fe_oxides")
    assert sample is not None
    ends = [time.perf_counter()]
    request = FitRequest(
        read_family(sample),
        {},
        config.model,
        config.objective,
        config.optimiser,
        trials,
        EPOCHS,
        config.batch_size,
        0,
        "cpu",
        Path(tempfile.mkdtemp()),
    )
    fit(request, lambda done, total, standing: ends.append(time.perf_counter()))
    return sorted(b - a for a, b in itertools.pairwise(ends[1:]))[(EPOCHS - 1) // 2]


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print("training on the shipped Fe_oxides sample, one thread: milliseconds a trial and epoch")
    print(f"{'trials':>7} {'default':>9} {'published':>10}")
    for trials in (1, 4, 8):
        row = [seconds_an_epoch(trials, *o) / trials for o in ((), ("+experiment=published",))]
        print(f"{trials:>7} {row[0] * 1e3:>9.1f} {row[1] * 1e3:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
