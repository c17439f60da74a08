"""Seconds a trial and epoch, and the share of the device's own matrix-product rate that training reaches.

python -m tests.benchmarks.training [--device auto] [--trials 1 8 32] [--rows 2500] [--epochs 5]

On a CUDA device where there is one, else on one thread of the processor. What a campaign would take follows: all
oxide families, 57,000 spectra in all, 100 trials of 1,500 epochs each.

The share is the time that the matrix products of an epoch alone take on this machine, measured in the same run on
the same shapes, over the time of the whole epoch. Counted are the linear layers, 2 n_in n_out operations a row
each: in the steps a forward product, and backward one for the inputs and one for the weights; at the end of the
epoch one more pass of the encoder over the training rows (statistics of the styles) and one of both networks over
the validation rows; and the smoothing of the generated spectra, a product with an E x E matrix.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.training.fit import chosen_device
from rankaae_cli.training.memory import keep_freed_memory
from tests.configuration import train_settings
from tests.tasks import task_with

POINTS = 256
# The copper oxides of OmniXAS and its seven neighbours; 70 % of the spectra are trained on.
CAMPAIGN_SPECTRA, CAMPAIGN_TRIALS, CAMPAIGN_EPOCHS = 57_000, 100, 1500
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


def seconds_an_epoch(family: Family, trials: int, device: str, epochs: int, *overrides: str) -> float:
    """Train a few epochs; return the median time of one."""
    ends = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as folder:
        counts = {"trials": trials, "max_epochs": epochs}
        task = task_with(train_settings(*overrides), family, Path(folder), device=device, **counts)
        fit(task, lambda done, total, standing: ends.append(time.perf_counter()))
    return sorted(b - a for a, b in itertools.pairwise(ends[1:]))[(epochs - 1) // 2]


def layers(*overrides: str) -> dict[str, list[tuple[int, int]]]:
    """Return (n_in, n_out) of the linear layers of each network."""
    m = train_settings(*overrides).model
    styles = 5 + m.free_styles
    encoder = [POINTS, *[m.hidden] * m.encoder_layers, styles]
    decoder = [styles, *[m.hidden] * m.decoder_layers, POINTS]
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


def product_seconds(trials: int, rows: int, n_in: int, n_out: int, device: str) -> tuple[float, float]:
    """Return the time of the forward product, and of the two backward ones, of a layer."""
    shapes = ((rows, n_in), (n_in, n_out), (rows, n_out))
    x, w, g = (torch.randn(trials, *shape, device=device) for shape in shapes)

    def median(function: Callable[[], object]) -> float:
        times = []
        for _ in range(8):
            start = time.perf_counter()
            function()
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return sorted(times[1:])[3]

    forward = median(lambda: torch.bmm(x, w))
    backward = median(lambda: torch.bmm(g, w.transpose(1, 2))) + median(
        lambda: torch.bmm(x.transpose(1, 2), g)
    )
    return forward, backward


def products_of_an_epoch(
    trials: int, training_rows: int, validation_rows: int, device: str, *overrides: str
) -> dict[str, tuple[float, float]]:
    """Return by place the seconds of matrix products of an epoch, and operations a training row and trial."""
    batches = -(-training_rows // train_settings(*overrides).batch_size)
    rows = training_rows // batches
    widths = layers(*overrides)
    steps = [0.0, 0.0]
    for name, (forward, backward) in passes(*overrides).items():
        for n_in, n_out in widths[name] if forward else ():
            f, b = product_seconds(trials, rows, n_in, n_out, device)
            steps[0] += batches * (forward * f + backward * b)
            steps[1] += 2 * n_in * n_out * (forward + 2 * backward)
    end = [0.0, 0.0]
    for names, n in ((("encoder",), training_rows), (("encoder", "decoder"), validation_rows)):
        for n_in, n_out in (layer for name in names for layer in widths[name]):
            end[0] += product_seconds(trials, n, n_in, n_out, device)[0]
            end[1] += 2 * n_in * n_out * n / training_rows
    smoothing = batches * product_seconds(1, trials * rows, POINTS, POINTS, device)[0]
    return {
        "steps": (steps[0], steps[1]),
        "end of the epoch": (end[0], end[1]),
        "smoothing": (smoothing, 2.0 * POINTS**2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="auto")
    parser.add_argument("--trials", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--epochs", type=int, default=5, help="two or more: the first is not counted")
    given = parser.parse_args(arguments)
    device = chosen_device(given.device)
    torch.set_num_threads(1)
    keep_freed_memory()
    family = family_of(given.rows)
    validation_rows = int((family.split_N == 1).sum())
    where = (
        torch.cuda.get_device_name() if device == "cuda" else "one thread of the processor: there is no GPU"
    )
    if device == "cpu" and torch.cuda.is_available():
        where = "one thread of the processor"
    print(f"{where}; {given.rows} training rows of {POINTS} points; milliseconds a trial and epoch")
    heads = f"{'default':>8} {'published sizes, in turn':>25} {'jointly':>8} {'products of these':>18}"
    print(f"{'trials':>7} {heads} share")
    best = np.inf
    for trials in given.trials:
        of_epoch = family, trials, device, given.epochs
        default = seconds_an_epoch(*of_epoch) / trials
        jointly = seconds_an_epoch(*of_epoch, PUBLISHED, "objective.order=joint") / trials
        in_turn = seconds_an_epoch(*of_epoch, PUBLISHED) / trials
        products = products_of_an_epoch(trials, given.rows, validation_rows, device, PUBLISHED)
        seconds = sum(value for value, _ in products.values()) / trials
        times = f"{default * 1e3:>8.1f} {in_turn * 1e3:>25.1f} {jointly * 1e3:>8.1f} {seconds * 1e3:>18.1f}"
        print(f"{trials:>7} {times} {seconds / in_turn:>5.0%}", flush=True)
        best = min(best, default)
    head = "operations a training row, trial and epoch, and their share of the products' time"
    print(f"{head} at {trials} trials, in turn:")
    for name, (value, operations) in products.items():
        print(f"  {name}: {operations / 1e6:.2f} MFLOP, {value / trials / seconds:.0%}")
    campaign = best / given.rows * 0.7 * CAMPAIGN_SPECTRA * CAMPAIGN_TRIALS * CAMPAIGN_EPOCHS
    of_what = f"{CAMPAIGN_SPECTRA} spectra of all oxide families, {CAMPAIGN_TRIALS} trials"
    print(f"{of_what} of {CAMPAIGN_EPOCHS} epochs, default networks: {campaign / 3600:.0f} h on {where}")


if __name__ == "__main__":
    main()
