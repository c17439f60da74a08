"""Trials that train in groups, one after another."""

import csv
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import CSVLogger

from rankaae_cli.core.errors import Stopped
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.models.rankaae.module import RankAAE
from rankaae_cli.models.rankaae.task import RankAAETask
from rankaae_cli.models.registry import load_model
from rankaae_cli.training.groups import TrialGroups
from rankaae_cli.training.task import TrainingError


def quiet(done, total, standing):
    pass


def weights(model):
    return {k: v.numpy() for k, v in model.autoencoder.state_dict().items()}


@pytest.fixture
def little_memory(monkeypatch):
    """Memory for as many trials as given; the function to change it."""
    from rankaae_cli.training import engine

    def room_for(trials):
        monkeypatch.setattr(RankAAETask, "bytes_a_trial", lambda *sizes: 60)
        monkeypatch.setattr(engine, "available_bytes", lambda device: 100 * trials)

    return room_for


@pytest.mark.parametrize(("trials", "at_once", "sizes"), [(4, 2, [2, 2]), (5, 2, [2, 2, 1])])
def test_groups_give_what_all_trials_at_once_give(request_of, family, trials, at_once, sizes):
    together, grouped = request_of(trials=trials), request_of(trials=trials, trials_at_once=at_once)
    reports, said = [], []
    expected = fit(together, quiet)
    model = fit(grouped, lambda *report: reports.append(report), said.append)
    spectra = family.spectra_NE[:50]
    np.testing.assert_allclose(model.encode(spectra), expected.encode(spectra), atol=5e-3)
    np.testing.assert_allclose(model.scores_T, expected.scores_T, atol=2e-3)
    assert model.failed_T == [None] * trials
    assert np.array_equal(model.best_epoch_T, expected.best_epoch_T)
    assert model.selected_trial == expected.selected_trial

    loaded = load_model(grouped.folder / "checkpoints" / "last.ckpt")
    assert np.array_equal(loaded.encode(spectra), model.encode(spectra))
    epochs = len(sizes) * 2
    assert [(done, total) for done, total, _ in reports] == [(i + 1, epochs) for i in range(epochs)]
    assert reports[0][2].startswith(f"trials 0 to 1 of {trials}, epoch 1 of 2, validation Spearman ")
    assert f"of {trials}, epoch 2 of 2," in reports[-1][2]
    several = "2" if min(sizes) == 2 else "1 or 2"
    assert said == [f"{trials} trials in {len(sizes)} groups of {several}, as trials_at_once allows"]

    def rows(request):
        return list(csv.DictReader((request.folder / "metrics.csv").read_text().splitlines()))

    numbers = [(int(r["trial"]), int(r["epoch"])) for r in rows(grouped)]
    assert numbers == [
        (first + t, e)
        for first, size in zip((0, 2, 4), sizes, strict=False)
        for e in range(2)
        for t in range(size)
    ]
    by_number = {(r["trial"], r["epoch"]): float(r["score"]) for r in rows(together)}
    for row in rows(grouped):
        assert float(row["score"]) == pytest.approx(by_number[row["trial"], row["epoch"]], abs=2e-3)


def test_groups_are_as_few_and_as_equal_as_possible():

    for trials in range(1, 30):
        for at_once in range(1, 32):
            sizes = TrialGroups.of(trials, at_once).sizes
            assert sum(sizes) == trials and len(sizes) == -(-trials // at_once)
            assert max(sizes) - min(sizes) <= 1 and max(sizes) <= at_once
    assert str(TrialGroups.of(24, 11)) == "24 trials in 3 groups of 8"
    assert TrialGroups.of(24, None).sizes == [24]


def test_groups_of_a_run_that_recorded_none_are_one():
    assert TrialGroups.recorded({"state_dict": {}}, 4) == TrialGroups([4])


def test_memory_decides_where_nothing_is_asked_for(request_of, little_memory):
    little_memory(1)
    said = []
    fit(request_of(max_epochs=1), quiet, said.append)
    assert said == ["2 trials in 2 groups of 1, as memory allows"]
    little_memory(2)
    fit(request_of(max_epochs=1), quiet, lambda text: pytest.fail("nothing queues"))


@pytest.mark.parametrize("stops", [(2, 4), (3,)], ids=["within groups", "at the end of one"])
def test_groups_go_on_where_they_were_stopped(request_of, little_memory, stops):
    """Also where there is more memory by then: the run keeps the groups it was begun with."""
    overrides = ("optimiser.schedule=plateau", "optimiser.patience=1")
    little_memory(2)
    whole, parted = (request_of(*overrides, trials=5, max_epochs=3) for _ in range(2))
    expected = fit(whole, quiet)
    for stop in stops:

        def stopping(done, total, standing, stop=stop):
            if done == stop:
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(Stopped) as stopped:
            fit(parted, stopping)
        assert stopped.value.status == 128 + signal.SIGTERM
        little_memory(100)
        parted = replace(parted, resume=True)
    begun = []
    model = fit(parted, lambda done, total, standing: begun.append(done))
    assert begun[0] == stops[-1] + 1
    assert all(np.array_equal(v, weights(expected)[k]) for k, v in weights(model).items())
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (
            torch.load(r.folder / "checkpoints" / name, weights_only=True) for r in (parted, whole)
        )
        assert ours.keys() == theirs.keys()
        assert torch.equal(ours["scores_T"], theirs["scores_T"])
        for key in ("groups", "failed_T", "selected_trial", "calibration"):
            assert ours.get(key) == theirs.get(key)
    assert (parted.folder / "metrics.csv").read_bytes() == (whole.folder / "metrics.csv").read_bytes()


def test_a_group_that_fails_does_not_end_the_others(request_of, monkeypatch):

    original = RankAAE._reconstruction

    def poisoned(self, *tensors):
        return original(self, *tensors) * (float("nan") if 0 in self.trials else 1.0)

    monkeypatch.setattr(RankAAE, "_reconstruction", poisoned)
    request = request_of(trials_at_once=1)
    model = fit(request, quiet)
    assert "not finite in epoch 0" in model.failed_T[0] and model.failed_T[1] is None
    assert model.selected_trial == 1
    rows = list(csv.DictReader((request.folder / "metrics.csv").open()))
    assert [(r["trial"], r["epoch"]) for r in rows] == [("0", "0"), ("1", "0"), ("1", "1")]


def test_groups_have_a_curve_a_trial_in_the_log(request_of, tmp_path):
    fit(request_of(trials_at_once=1, logger=CSVLogger(tmp_path)), quiet)
    (log,) = tmp_path.glob("lightning_logs/*/metrics.csv")
    rows = list(csv.DictReader(log.open()))
    for trial in range(2):
        assert [r["step"] for r in rows if r[f"score/trial_{trial}"]] == ["0", "1"]


def test_a_group_too_large_for_the_device_is_said(request_of, monkeypatch):

    def full(self, batch, batch_idx):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(RankAAE, "training_step", full)
    with pytest.raises(TrainingError, match="begin a new run with trials_at_once=2"):
        fit(request_of(trials=5), quiet)
    with pytest.raises(TrainingError, match="smaller batch_size"):
        fit(request_of(trials=1), quiet)
