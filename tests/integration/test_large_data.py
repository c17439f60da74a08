"""Data that do not fit into memory, and several files at once, as a user meets them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from omegaconf import OmegaConf

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.samples import sample_path
from tests.conftest import ROOT

QUICK = ("max_epochs=2", "trials=1", "model.hidden=8", "device=cpu", "batch_size=64")


@pytest.fixture
def sample():
    return read_family(sample_path("Ti_oxides"))


def only_run(folder):
    (run,) = [p.parent for p in folder.glob("runs/*/*/*/provenance.json")]
    return run


class TestMemory:
    def test_little_memory_is_said_and_kept_to(self, rankaae, tmp_path):
        done = rankaae("train", "+family=Ti_oxides", "memory=200kB", *QUICK)
        assert done.returncode == 0, done.stderr
        assert "the spectra take 1.64 MB in memory and may take 200 kB: they are read from the" in done.stderr
        run = only_run(tmp_path)
        assert OmegaConf.load(run / "config.yaml").memory == "200kB"
        again = tmp_path / "again"
        again.mkdir()
        done = rankaae("train", "--config-dir", run, "--config-name", "config", cwd=again)
        assert (only_run(again) / "metrics.csv").read_bytes() == (run / "metrics.csv").read_bytes()

    def test_enough_memory_changes_nothing(self, rankaae, tmp_path):
        for memory in ("null", "1GB"):
            done = rankaae("train", "+family=Ti_oxides", f"memory={memory}", *QUICK)
            assert done.returncode == 0 and "in blocks" not in done.stderr
        one, two = (path.read_bytes() for path in tmp_path.glob("runs/*/*/*/metrics.csv"))
        assert one == two

    def test_what_does_not_fit_is_read_in_blocks_unasked(self, tmp_path, monkeypatch, capfd):
        from rankaae_cli.cli import main
        from rankaae_cli.runs import data

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(data, "available_bytes", lambda device: 3_000_000)
        assert main(["train", "+family=Ti_oxides", *QUICK]) == 0
        assert "may take 1 MB" in capfd.readouterr().err
        run = only_run(tmp_path)
        assert OmegaConf.load(run / "config.yaml").memory == "1MB"

        # As a job of a sweep does, the call that goes on with it gives its settings again.
        provenance = json.loads((run / "provenance.json").read_text())
        del provenance["finished"]
        (run / "provenance.json").write_text(json.dumps(provenance))
        monkeypatch.setattr(data, "available_bytes", lambda device: 5_000_000)
        assert main(["train", "+family=Ti_oxides", *QUICK, f"resume={run}"]) == 0, capfd.readouterr().err
        assert "may take 1 MB" in capfd.readouterr().err
        assert main(["train", "+family=Ti_oxides", *QUICK, f"resume={run}", "memory=2MB"]) == 2

    def test_impossible_amounts_are_refused(self, refused):
        assert "memory=lots is no amount of memory" in refused("train", "+family=Ti_oxides", "memory=lots")
        message = refused("train", "+family=Ti_oxides", "memory=100kB", "batch_size=64")
        assert "does not hold two batches of 64 spectra" in message and "give at least 132kB" in message

    def test_a_killed_run_goes_on_to_the_same_end(self, rankaae, tmp_path):
        settings = ("train", "+family=Ti_oxides", "memory=200kB", *QUICK, "max_epochs=15", "save_every=1")
        assert rankaae(*settings, "hydra.run.dir=whole").returncode == 0
        program = [sys.executable, "-m", "rankaae_cli", *settings, "hydra.run.dir=killed"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(program, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
        table = tmp_path / "killed" / "metrics.csv"
        end = time.monotonic() + 120
        while not table.exists() or len(table.read_text().splitlines()) < 4:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = rankaae("train", "resume=killed")
        assert done.returncode == 0, done.stderr
        assert table.read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()


class TestSeveralFiles:
    @pytest.fixture
    def halves(self, sample, tmp_path):
        for name, rows in (("a.h5", slice(0, 400)), ("b.h5", slice(300, 800))):
            write_family(tmp_path / name, sample.with_rows(np.arange(800)[rows]))

    @pytest.mark.parametrize("memory", ["null", "250kB"])
    def test_they_are_trained_on_together_and_found_again(
        self, rankaae, tmp_path, halves, memory, blank_figures
    ):
        done = rankaae("train", "+family=Ti_oxides", "data=[a.h5,b.h5]", f"memory={memory}", *QUICK)
        assert done.returncode == 0, done.stderr
        assert "100 of 900 spectra are of sites that an earlier file has too; all are kept" in done.stderr
        run = only_run(tmp_path)
        entries = json.loads((run / "provenance.json").read_text())["data"]
        assert [(entry["path"], entry["rows"]) for entry in entries] == [
            (str(tmp_path / "a.h5"), 400),
            (str(tmp_path / "b.h5"), 500),
        ]
        assert len({entry["sha256"] for entry in entries}) == 2
        # The others read the data as evaluate does, and take longer.
        commands = [("evaluate", "resamples=20"), ("traverse", "draws=20"), ("report",)]
        for command in commands if memory != "null" else commands[:1]:
            done = rankaae(*command)
            assert done.returncode == 0, done.stderr
        metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
        family = [read_family(tmp_path / name) for name in ("a.h5", "b.h5")]
        assert metrics["n"] == sum((f.split_N == 2).sum() for f in family)
        (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes())
        done = rankaae("evaluate")
        assert done.returncode == 2 and "b.h5 has changed since the run" in done.stderr

    def test_files_that_do_not_fit_are_refused(self, refused, tmp_path, halves, sample):
        assert "no data file none.h5" in refused("train", "+family=Ti_oxides", "data=[a.h5,none.h5]", *QUICK)
        write_family(tmp_path / "c.h5", replace(sample, energy_E=sample.energy_E + 1))
        message = refused("train", "+family=Ti_oxides", "data=[a.h5,c.h5]", *QUICK)
        assert "another energy grid" in message and "regrid=true" in message
        moved = replace(sample, split_N=((sample.split_N + 1) % 3).astype(np.uint8))
        write_family(tmp_path / "c.h5", moved)
        message = refused("train", "+family=Ti_oxides", "data=[a.h5,c.h5]", *QUICK)
        assert "on two sides of the split" in message and "split_seed=" in message

    def test_other_grids_are_brought_to_the_first(self, rankaae, tmp_path, halves, sample, blank_figures):
        wider = np.r_[sample.energy_E, sample.energy_E[-1] + 1]
        spectra = np.hstack([sample.spectra_NE, sample.spectra_NE[:, -1:]])
        changes = {"energy_E": wider, "spectra_NE": spectra, "true_response_KE": None}
        write_family(tmp_path / "wide.h5", replace(sample, **changes))
        arguments = ("+family=Ti_oxides", "data=[a.h5,wide.h5]", "regrid=true", *QUICK)
        assert rankaae("train", *arguments).returncode == 0
        done = rankaae("evaluate", "resamples=20")
        assert done.returncode == 0, done.stderr
