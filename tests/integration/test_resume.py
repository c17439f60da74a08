"""A run goes on after any interruption and ends as if there had been none."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from rankaae_cli.cli import main
from rankaae_cli.data.family.samples import sample_path
from tests.conftest import ROOT, in_process

SMALL = ("trials=2", "model.hidden=16", "batch_size=256", "save_every=3", "device=cpu")
EPOCHS = 24


def command(*arguments):
    return [sys.executable, "-m", "rankaae_cli", "train", *map(str, arguments)]


def start(cwd, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def train(cwd, *arguments):
    """Train to the end, in this process; return what it says."""
    done = in_process(cwd, "train", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def wait_for_epoch(run, epoch, process, trials=2):
    metrics = run / "metrics.csv"
    while process.poll() is None:
        if metrics.exists() and metrics.read_text().count("\n") > trials * epoch:
            return
        time.sleep(0.01)
    pytest.fail(f"the run ended before epoch {epoch}: {process.stderr.read()}")


def final_state(run):
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    return {
        **{f"last {k}": v for k, v in state["state_dict"].items()},
        **{f"best {k}": v for k, v in best["weights"].items()},
        "scores": best["scores_T"],
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train(folder, "+family=Ti_oxides", f"max_epochs={EPOCHS}", f"hydra.run.dir={folder / 'run'}", *SMALL)
    return folder / "run"


def assert_same(run, reference):
    ours, theirs = final_state(run), final_state(reference)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert (run / "metrics.csv").read_bytes() == (reference / "metrics.csv").read_bytes()


def test_sigkill_three_times(uninterrupted, tmp_path):
    run = tmp_path / "run"
    rng = random.Random(0)
    arguments = ("+family=Ti_oxides", f"max_epochs={EPOCHS}", f"hydra.run.dir={run}", *SMALL)
    for epoch in sorted(rng.sample(range(1, EPOCHS - 5), 3)):
        process = start(tmp_path, *arguments)
        wait_for_epoch(run, epoch, process)
        time.sleep(rng.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        arguments = (f"resume={run}",)
    train(tmp_path, *arguments)
    assert_same(run, uninterrupted)


def test_sigkill_where_trials_queue(tmp_path):
    """A run goes on in the group of trials in which it was killed."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    epochs, killed_after = 12, 15
    arguments = ("+family=Ti_oxides", f"max_epochs={epochs}", *SMALL, "trials=3", "trials_at_once=1")
    said = train(tmp_path, *arguments, f"hydra.run.dir={whole}")
    assert "3 trials in 3 groups of 1, as trials_at_once allows" in said

    process = start(tmp_path, *arguments, f"hydra.run.dir={run}")
    wait_for_epoch(run, killed_after, process, trials=1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["groups"] == [1, 1, 1] and len(state["finished_groups"]) >= 1
    train(tmp_path, f"resume={run}")
    assert_same(run, whole)


def test_sigterm_saves_and_says_how_to_go_on(uninterrupted, tmp_path):
    run = tmp_path / "run"
    process = start(tmp_path, "+family=Ti_oxides", f"max_epochs={EPOCHS}", f"hydra.run.dir={run}", *SMALL)
    wait_for_epoch(run, 10, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    error = process.stderr.read()
    assert "go on with rankaae train resume=run" in error and "Traceback" not in error
    train(tmp_path, f"resume={run}")
    assert_same(run, uninterrupted)


def test_the_call_that_began_a_run_resumes_it(tmp_path):
    """Also where the number of epochs follows from that of steps."""
    run = tmp_path / "run"
    call = ("+family=Ti_oxides", "max_steps=75", f"hydra.run.dir={run}", *SMALL)
    process = start(tmp_path, *call)
    wait_for_epoch(run, 3, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    train(tmp_path, *call[:2], *SMALL, f"resume={run}")
    epochs = {line.split(",")[0] for line in (run / "metrics.csv").read_text().splitlines()[1:]}
    assert len(epochs) == 25


def test_sigterm_ends_a_sweep(tmp_path):
    process = start(tmp_path, "-m", "+family=Ti_oxides", "seed=0,1", "max_epochs=5000", *SMALL)
    while not (metrics := list(tmp_path.glob("multirun/*/*/0/metrics.csv"))) and process.poll() is None:
        time.sleep(0.05)
    wait_for_epoch(metrics[0].parent, 3, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not list(tmp_path.glob("multirun/*/*/1"))


def test_two_processes_do_not_train_in_one_directory(tmp_path, refused):
    run = tmp_path / "runs" / "run"
    first = start(tmp_path, "+family=Ti_oxides", "max_epochs=5000", f"hydra.run.dir={run}", *SMALL)
    try:
        wait_for_epoch(run, 3, first)
        assert "being trained by another process" in refused("train", f"resume={run}")
        assert "no interrupted run" in refused("train", "resume=latest")
    finally:
        first.kill()
        first.wait()


class TestRefusals:
    @pytest.fixture
    def interrupted(self, uninterrupted, tmp_path):
        """A run directory that looks interrupted: its provenance does not say finished."""
        import json

        run = tmp_path / "run"
        shutil.copytree(uninterrupted, run)
        provenance = json.loads((run / "provenance.json").read_text())
        del provenance["finished"]
        (run / "provenance.json").write_text(json.dumps(provenance))
        return run

    def test_another_configuration(self, interrupted, refused):
        message = refused("train", f"resume={interrupted}", "trials=4", "objective.rank.weight=9")
        assert "trials 2 in the run, 4 now" in message and "objective.rank.weight" in message
        message = refused("train", f"resume={interrupted}", "trials_at_once=1")
        assert "trials_at_once None in the run, 1 now" in message
        message = refused(
            "train", "+family=V_oxides", f"resume={interrupted}", f"max_epochs={EPOCHS}", *SMALL
        )
        assert "family.name Ti_oxides in the run, V_oxides now" in message

    def test_another_kind_of_device(self, interrupted, refused):
        import json

        provenance = json.loads((interrupted / "provenance.json").read_text())
        (interrupted / "provenance.json").write_text(json.dumps({**provenance, "device": "cuda"}))
        assert "was begun on cuda and would go on on cpu" in refused("train", f"resume={interrupted}")

    def test_a_run_of_an_older_program(self, interrupted, refused):
        config = interrupted / "config.yaml"
        kept = [line for line in config.read_text().splitlines() if "max_steps" not in line]
        config.write_text("\n".join(kept))
        assert "an older rankaae, which had no max_steps" in refused("train", f"resume={interrupted}")

    def test_another_data_file(self, interrupted, refused):
        message = refused("train", f"resume={interrupted}", f"data={sample_path('V_oxides')}")
        assert "V_oxides" in message

    def test_a_changed_data_file(self, interrupted, refused, tmp_path):
        import h5py

        changed = tmp_path / "changed.h5"
        shutil.copy(sample_path("Ti_oxides"), changed)
        with h5py.File(changed, "a") as file:
            file.attrs["source"] = "elsewhere"
        assert "not the file that the run was begun with" in refused(
            "train", f"resume={interrupted}", f"data={changed}"
        )

    def test_a_finished_run(self, uninterrupted, refused):
        assert "has finished" in refused("train", f"resume={uninterrupted}")

    def test_no_run(self, refused, tmp_path):
        assert "not a run directory" in refused("train", f"resume={tmp_path}")
        assert "no interrupted run" in refused("train", "resume=latest")


def test_at_least_one_trial_at_once(refused):
    assert "trials_at_once=0 (expected at least 1)" in refused(
        "train", "+family=Ti_oxides", "trials_at_once=0"
    )


def test_a_machine_without_cuda(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arguments = ("train", "+family=Ti_oxides", "max_epochs=1", "trials=1", "model.hidden=8")
    assert "no CUDA device" in refused(*arguments, "device=cuda")
    assert main([*arguments, "device=auto"]) == 0
    (provenance,) = tmp_path.glob("runs/*/*/*/provenance.json")
    assert '"device": "cpu"' in provenance.read_text()
