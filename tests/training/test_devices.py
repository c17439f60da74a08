"""Trials spread over several processes: nothing of it shows in the result."""

import csv
import multiprocessing
import os
import pickle
import signal
import time
from dataclasses import replace
from multiprocessing import resource_tracker, spawn

import numpy as np
import pytest

from rankaae_cli.core.errors import Stopped
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.models.registry import load_model
from rankaae_cli.training import fit as training_fit
from rankaae_cli.training.parts import part_of
from rankaae_cli.training.task import TrainingError


def quiet(done, total, standing):
    pass


def rows_of(folder):
    with (folder / "metrics.csv").open() as file:
        return {(int(row["epoch"]), int(row["trial"])): row for row in csv.DictReader(file)}


def test_trials_on_two_devices_are_those_of_one(request_of, family):
    # As of the default networks, a trial's part of every array fills whole vectors of the processor.
    alone = request_of("model.hidden=64", "model.free_styles=2", trials=3, max_epochs=3)
    apart = replace(alone, folder=request_of().folder, devices=2)
    one, two = fit(alone, quiet), fit(apart, quiet)
    spectra = family.spectra_NE[:20]
    for name, weight in one.autoencoder.state_dict().items():
        np.testing.assert_array_equal(weight, two.autoencoder.state_dict()[name], err_msg=name)
    assert rows_of(alone.folder).keys() == rows_of(apart.folder).keys()
    assert sorted(path.name for path in apart.folder.iterdir()) == ["checkpoints", "metrics.csv"]
    for name in ("best.ckpt", "last.ckpt"):
        loaded = load_model(apart.folder / "checkpoints" / name)
        np.testing.assert_array_equal(loaded.reconstruct(spectra), two.reconstruct(spectra))


def test_a_stopped_training_on_two_devices_goes_on_to_the_same_end(request_of):
    alone = request_of("model.hidden=64", "model.free_styles=2", trials=2, max_epochs=6)
    asked = replace(alone, folder=request_of().folder, devices=2, save_every=1)
    whole = fit(alone, quiet)

    def stop(done, total, standing):
        if done >= 2:  # Ctrl-C reaches all processes of a terminal
            for other in multiprocessing.active_children():
                os.kill(other.pid, signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

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


@pytest.mark.parametrize(
    ("idle", "trials", "steps", "threads", "free", "devices"),
    [
        (2, 8, 12_000, 1, None, 2),
        (6, 8, 12_000, 1, None, 4),  # six would take as long
        (16, 8, 12_000, 1, None, 8),
        (16, 8, 12_000, 4, None, 4),
        (2, 8, 12_000, 4, None, 1),
        (16, 1, 12_000, 1, None, 1),
        (16, 8, 100, 1, None, 1),  # over before another process has begun
        (16, 8, 12_000, 1, 7.9e9, 4),  # of 1.5 GB each there is room for five
    ],
)
def test_as_many_devices_as_save_time(monkeypatch, idle, trials, steps, threads, free, devices):
    monkeypatch.setattr(training_fit, "idle_processors", lambda: idle)
    monkeypatch.setattr(training_fit, "available_bytes", lambda device: free and int(free))
    assert training_fit.worthwhile_devices("cpu", trials, steps, threads, 500_000_000) == devices


def test_all_that_stand_side_by_side_are_told_of(request_of):
    lines = []
    fit(
        replace(request_of(trials=3, max_epochs=4), devices=2),
        lambda *of: lines.append(of),
    )
    done, total, standing = lines[-1]
    assert (done, total) == (4, 4)
    assert standing.startswith("4 of 4 epochs on 2 devices, the best: epoch ")
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)


def test_other_processes_end_with_a_failing_one(request_of):
    def fail(done, total, standing):
        raise OSError("no space left")

    start, others = time.monotonic(), set(multiprocessing.active_children())  # workers of other tests stay
    with pytest.raises(OSError, match="no space left"):
        fit(replace(request_of(max_epochs=100_000), devices=2), fail)
    assert time.monotonic() - start < 120
    assert set(multiprocessing.active_children()) <= others


def test_training_fails_where_another_process_is_lost(request_of):
    of_other_tests = set(multiprocessing.active_children())

    def kill_the_others(done, total, standing):
        for other in set(multiprocessing.active_children()) - of_other_tests:
            os.kill(other.pid, signal.SIGKILL)

    with pytest.raises(TrainingError, match="ended with status -9"):
        fit(replace(request_of(max_epochs=100_000), devices=2), kill_the_others)


def test_training_fails_where_another_process_ends_before_it_has_its_task(request_of):
    request = replace(request_of(), devices=2)
    assert len(pickle.dumps(request)) > 65_536  # what a pipe holds
    resource_tracker.ensure_running()  # it is a process of Python too
    python = spawn.get_executable()
    spawn.set_executable("/bin/false")
    try:
        with pytest.raises(TrainingError, match="device 1 ended with status 1"):
            fit(request, quiet)
    finally:
        spawn.set_executable(python)
