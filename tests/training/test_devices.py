"""Training by several processes: what they share, and that nothing of it shows in the result."""

import csv
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.errors import Stopped
from rankaae_cli.models.rankaae.fit import TrainingError, fit
from rankaae_cli.models.rankaae.settings import Spread
from rankaae_cli.models.registry import load_model
from rankaae_cli.training.parts import part_of
from tests.conftest import ROOT

LOSSES = ("reconstruction", "rank", "prior", "mutual_information", "smoothness", "independence")
# Statistics of every kind that all rows of a batch enter: batch norms, ranks, a discriminator, scaled outputs.
BATCH_WISE = (
    "optimiser.rate=1e-4",  # times 10 for two of the losses
    "model.norm=batch",
    "objective.order=in_turn",
    "objective.prior.kind=adversarial",
    "objective.reconstruction.kind=scaled",
    "augmentation=measured",
    "objective.augmentation.core_hole=1.25",
)


def quiet(done, total, standing):
    pass


def rows_of(folder):
    with (folder / "metrics.csv").open() as file:
        return {(int(row["epoch"]), int(row["trial"])): row for row in csv.DictReader(file)}


@pytest.mark.parametrize("settings", [("optimiser.rate=1e-4",), BATCH_WISE], ids=["default", "batch-wise"])
def test_two_processes_with_half_the_rows_train_as_one_with_all(request_of, family, settings):
    # 8 epochs of 7 batches, 56 steps; some batches have an odd number of rows, which no two halves share evenly.
    alone = request_of(*settings, max_epochs=8, batch_size=85)
    shared = replace(request_of(max_epochs=8), **{**vars(alone), "folder": request_of().folder})
    shared = replace(shared, devices=2, spread=Spread.rows)
    one, two = fit(alone, quiet), fit(shared, quiet)
    expected, found = rows_of(alone.folder), rows_of(shared.folder)
    assert expected.keys() == found.keys()
    for key, row in expected.items():
        for loss in LOSSES:
            value, other = float(row[f"train_{loss}"]), float(found[key][f"train_{loss}"])
            assert abs(value - other) < 1e-4 * max(1, abs(value)), (key, loss)
    spectra = family.spectra_NE[:20]
    np.testing.assert_allclose(one.reconstruct(spectra), two.reconstruct(spectra), atol=2e-3)


def test_trials_on_two_devices_are_those_of_one(request_of, family):
    alone = request_of(trials=3, max_epochs=3)
    apart = replace(request_of(trials=3, max_epochs=3), devices=2)
    one, two = fit(alone, quiet), fit(apart, quiet)
    spectra = family.spectra_NE[:20]
    np.testing.assert_allclose(one.reconstruct(spectra), two.reconstruct(spectra), atol=5e-3)
    assert rows_of(alone.folder).keys() == rows_of(apart.folder).keys()
    assert sorted(path.name for path in apart.folder.iterdir()) == ["checkpoints", "metrics.csv"]
    for name in ("best.ckpt", "last.ckpt"):
        loaded = load_model(apart.folder / "checkpoints" / name)
        np.testing.assert_array_equal(loaded.reconstruct(spectra), two.reconstruct(spectra))


@pytest.mark.parametrize("spread", list(Spread))
def test_a_stopped_training_on_two_devices_goes_on_to_the_same_end(request_of, spread):
    asked = replace(request_of(trials=2, max_epochs=6), devices=2, spread=spread, save_every=1)
    whole = fit(replace(asked, folder=request_of().folder), quiet)

    def stop(done, total, standing):
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        fit(asked, stop)
    assert not (asked.folder / "checkpoints" / "best.ckpt").exists()
    resumed = fit(replace(asked, resume=True), quiet)
    for name, weight in whole.autoencoder.state_dict().items():
        np.testing.assert_array_equal(weight, resumed.autoencoder.state_dict()[name], err_msg=name)
    assert len(rows_of(asked.folder)) == 12


@pytest.mark.parametrize("trials", range(1, 13))
@pytest.mark.parametrize("devices", range(1, 13))
def test_every_device_has_its_share_of_the_trials(request_of, trials, devices):
    request = replace(request_of(trials=trials), devices=devices)
    parts = [part_of(request, i) for i in range(min(devices, trials))]
    numbers = [t for part in parts for t in range(part.first_trial, part.first_trial + part.trials)]
    assert numbers == list(range(trials))
    assert max(part.trials for part in parts) - min(part.trials for part in parts) <= 1


@pytest.mark.parametrize("spread", list(Spread))
def test_other_processes_end_with_a_failing_one(request_of, spread):
    def fail(done, total, standing):
        raise OSError("no space left")

    start = time.monotonic()
    with pytest.raises(OSError, match="no space left"):
        fit(replace(request_of(max_epochs=100_000), devices=2, spread=spread), fail)
    assert time.monotonic() - start < 120
    assert multiprocessing.active_children() == []
    assert "LOCAL_RANK" not in os.environ


def test_training_fails_where_another_process_is_lost(request_of):
    def kill_the_others(done, total, standing):
        for other in multiprocessing.active_children():
            os.kill(other.pid, signal.SIGKILL)

    with pytest.raises(TrainingError, match="ended with status -9"):
        fit(replace(request_of(max_epochs=100_000), devices=2, spread=Spread.trials), kill_the_others)


def test_training_that_shares_rows_fails_where_another_process_is_lost(tmp_path):
    """In a process of its own: what gloo leaves behind of a lost connection may not end by itself."""
    settings = ("trials=2", "max_epochs=100000", "model.hidden=8", "device=cpu", "devices=2", "spread=rows")
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "rankaae_cli", "train", "+family=Ti_oxides", *settings],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=said,
            stdout=said,
        )
    try:
        wait_until(lambda: len(list(tmp_path.glob("runs/*/*/*/metrics.csv"))) == 1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in children:
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
        wait_until(
            lambda: "process 1 of 2, which took part in the training" in (tmp_path / "said").read_text()
        )
        assert "ended with status -9" in (tmp_path / "said").read_text()
    finally:
        process.kill()
        process.wait()


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
