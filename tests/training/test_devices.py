"""Training by several processes: what they share, and that nothing of it shows in the result."""

import csv
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import Stopped
from rankaae_cli.core.settings import Spread
from rankaae_cli.training.fit import fit
from rankaae_cli.training.trained import TrainedModel

LOSSES = ("reconstruction", "rank", "prior", "mutual_information", "smoothness", "independence")
# Statistics of every kind that all rows of a batch enter: batch norms, ranks, a discriminator, scaled outputs.
BATCH_WISE = (
    "optimiser.rate=1e-4",  # times 10 for two of the losses
    "model.norm=batch",
    "objective.order=in_turn",
    "objective.prior.kind=adversarial",
    "objective.reconstruction.kind=scaled",
    "augmentation=measured",
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
        loaded = TrainedModel.load(apart.folder / "checkpoints" / name)
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


def test_helping_processes_end_with_a_failing_one(request_of):
    def fail(done, total, standing):
        raise OSError("no space left")

    start = time.monotonic()
    with pytest.raises(OSError, match="no space left"):
        fit(replace(request_of(max_epochs=200), devices=2), fail)
    assert time.monotonic() - start < 120
    assert "LOCAL_RANK" not in os.environ
