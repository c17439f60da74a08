"""Seconds a trial and epoch, and the share of the machine's own matrix-product rate that training reaches.

python -m tests.benchmarks.training

The share is the time that the matrix products of the step alone take on this machine, measured in the same run
on the same shapes, over the time of the whole step. Counted are the linear layers: a forward product, and
backward one for the inputs and one for the weights, 2 n_in n_out operations a row each.
"""

import itertools
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rankaae_cli.data.family_file import Family, read_family
from rankaae_cli.data.samples import sample_path
from rankaae_cli.training.fit import FitRequest, fit
from tests.configuration import train_settings

TRAINING_ROWS = 2500
EPOCHS = 5
PUBLISHED = "+experiment=published"


def family_of(training_rows: int) -> Family:
    """Return the shipped Fe_oxides sample with its rows repeated to that many on the training side."""
    sample = sample_path("Fe_oxides")
    assert sample is not None
    family = read_family(sample)
    rows = np.concatenate(
        [
            np.resize(np.flatnonzero(family.split_N == 0), training_rows),
            np.flatnonzero(family.split_N != 0),
        ]
    )
    return replace(
        family,
        spectra_NE=family.spectra_NE[rows],
        descriptors_NK=family.descriptors_NK[rows],
        material_N=family.material_N[rows],
        site_N=np.arange(len(rows)),
        split_N=family.split_N[rows],
    )


def seconds_an_epoch(family: Family, trials: int, *overrides: str) -> float:
    """Train a few epochs; return the median time of one."""
    config = train_settings(*overrides)
    ends = [time.perf_counter()]
    request = FitRequest(
        family,
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


def layers(*overrides: str) -> dict[str, list[tuple[int, int]]]:
    """Return (n_in, n_out) of the linear layers of each network."""
    m = train_settings(*overrides).model
    styles = 5 + m.free_styles
    encoder = [256, *[m.hidden] * m.encoder_layers, styles]
    decoder = [styles, *[m.hidden] * m.decoder_layers, 256]
    widths = {"encoder": encoder, "decoder": decoder, "discriminator": [styles, 64, 64, 1]}
    return {name: list(itertools.pairwise(w)) for name, w in widths.items()}


def passes(*overrides: str) -> dict[str, tuple[int, int]]:
    """Return how often a step passes each network forward and backward."""
    published = PUBLISHED in overrides
    # In turn: rank E; reconstruction E D; prior E, discriminator twice; mutual information D E; smoothness D.
    # Jointly: reconstruction, rank and prior share one pass of E; mutual information and smoothness one of D.
    if published:
        return {"encoder": (4, 4), "decoder": (3, 3), "discriminator": (2, 2)}
    return {"encoder": (2, 2), "decoder": (2, 2), "discriminator": (0, 0)}


def product_seconds(trials: int, rows: int, n_in: int, n_out: int) -> tuple[float, float]:
    """Return the time of the forward product, and of the two backward ones, of a layer."""
    x, w, g = (
        torch.randn(trials, rows, n_in),
        torch.randn(trials, n_in, n_out),
        torch.randn(trials, rows, n_out),
    )

    def median(function):  # type: ignore[no-untyped-def]
        times = []
        for _ in range(8):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return sorted(times[1:])[3]

    forward = median(lambda: torch.bmm(x, w))
    backward = median(lambda: torch.bmm(g, w.transpose(1, 2))) + median(
        lambda: torch.bmm(x.transpose(1, 2), g)
    )
    return forward, backward


def product_time_of_an_epoch(trials: int, *overrides: str) -> tuple[float, float]:
    """Return seconds of matrix products, and operations a row and trial, of one epoch."""
    batches = -(-TRAINING_ROWS // train_settings(*overrides).batch_size)
    rows = TRAINING_ROWS // batches
    seconds = operations = 0.0
    for name, (forward, backward) in passes(*overrides).items():
        for n_in, n_out in layers(*overrides)[name]:
            if forward == 0:
                continue
            f, b = product_seconds(trials, rows, n_in, n_out)
            seconds += batches * (forward * f + backward * b)
            operations += 2 * n_in * n_out * (forward + 2 * backward)
    return seconds, operations


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    family = family_of(TRAINING_ROWS)
    print(f"{TRAINING_ROWS} training rows of 256 points, one thread; milliseconds a trial and epoch")
    print(
        f"{'trials':>7} {'default':>9} {'published':>10} {'its products':>13} {'share':>6} {'MFLOP/row':>10}"
    )
    for trials in (1, 8, 32):
        default = seconds_an_epoch(family, trials) / trials
        published = seconds_an_epoch(family, trials, PUBLISHED) / trials
        products, operations = product_time_of_an_epoch(trials, PUBLISHED)
        share = products / trials / published
        line = f"{trials:>7} {default * 1e3:>9.1f} {published * 1e3:>10.1f} {products / trials * 1e3:>13.1f}"
        print(f"{line} {share:>6.0%} {operations / 1e6:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
