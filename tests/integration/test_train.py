"""rankaae train as a whole command."""

import csv
import importlib.util
import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.runs.load import load_run

QUICK = ("max_epochs=1", "trials=1", "model.hidden=8", "device=cpu")


@pytest.fixture
def sample():
    return read_family(sample_path("Ti_oxides"))


def only_run(folder):
    (run,) = [p.parent for p in folder.glob("runs/*/*/*/provenance.json")]
    return run


def test_the_sample_is_used_and_said_to_be_synthetic(program, tmp_path):
    done = program("train", "+family=Fe_oxides", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stderr
    run = only_run(tmp_path)
    assert done.stdout.strip() == str(run.relative_to(tmp_path))
    assert {p.name for p in run.iterdir()} == {"config.yaml", "provenance.json", "metrics.csv", "checkpoints"}
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["command"] == "rankaae train +family=Fe_oxides " + " ".join(QUICK)
    assert provenance["finished"] > provenance["started"]
    assert provenance["data"][0]["source"] == "synthetic" and len(provenance["data"][0]["sha256"]) == 64
    assert provenance["packages"]["torch"]


def test_the_written_configuration_repeats_the_run(rankaae, tmp_path):
    assert rankaae("train", "+family=Fe_oxides", "seed=3", *QUICK).returncode == 0
    run = only_run(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    done = rankaae("train", "--config-dir", run, "--config-name", "config", cwd=again)
    assert done.returncode == 0, done.stderr
    provenance = json.loads((only_run(again) / "provenance.json").read_text())
    assert provenance["command"] == f"rankaae train --config-dir {run} --config-name config"
    assert (only_run(again) / "metrics.csv").read_bytes() == (run / "metrics.csv").read_bytes()


def test_default_data_file_is_taken_before_the_sample(rankaae, tmp_path, sample):
    write_family(tmp_path / "data" / "Ti_oxides.h5", replace(sample, source="feff"))
    done = rankaae("train", "+family=Ti_oxides", *QUICK)
    assert done.returncode == 0 and "synthetic" not in done.stderr
    assert json.loads((only_run(tmp_path) / "provenance.json").read_text())["data"][0]["source"] == "feff"


def test_another_split_seed_gives_another_split(rankaae, tmp_path):
    def rows(*extra):
        lines = rankaae("train", "+family=Ti_oxides", *QUICK, *extra).stderr.splitlines()
        return next(line for line in lines if " train," in line)

    assert rows() != rows("split_seed=4")


def test_a_split_by_formula_is_kept_with_the_run(rankaae, tmp_path, sample):
    formula_N = np.array([f"TiO{m[-2:]}" for m in sample.material_N], dtype=object)
    write_family(tmp_path / "data" / "Ti_oxides.h5", replace(sample, groups={"formula": formula_N}))
    done = rankaae("train", "+family=Ti_oxides", "split_by=formula", *QUICK)
    assert done.returncode == 0 and "split by formula" in done.stderr
    run = only_run(tmp_path)
    assert "split_by: formula" in (run / "config.yaml").read_text()
    assert json.loads((run / "provenance.json").read_text())["split_by"] == "formula"
    _, _, family = load_run(str(run))
    sides = {f: set(family.split_N[family.groups["formula"] == f]) for f in set(formula_N)}
    assert all(len(side) == 1 for side in sides.values()) and set.union(*sides.values()) == {0, 1, 2}


def test_a_sweep_gives_every_job_its_own_directory(rankaae, tmp_path):
    done = rankaae("train", "-m", "+family=Ti_oxides,V_oxides", "seed=0,1", *QUICK)
    assert done.returncode == 0, done.stderr
    runs = sorted(tmp_path.glob("multirun/*/*/*/provenance.json"))
    assert [p.parent.name for p in runs] == ["0", "1", "2", "3"]


def test_a_failing_job_does_not_stop_the_others(rankaae, tmp_path):
    done = rankaae("train", "-m", "+family=amorphous_carbon,Ti_oxides", *QUICK)
    assert done.returncode == 1 and "no sample of amorphous_carbon" in done.stderr
    assert len(list(tmp_path.glob("multirun/*/*/1/checkpoints/best.ckpt"))) == 1


def test_a_given_directory_is_used_once(rankaae, tmp_path):
    where = f"hydra.run.dir={tmp_path / 'here'}"
    assert rankaae("train", "+family=Ti_oxides", where, *QUICK).returncode == 0
    assert (tmp_path / "here" / "checkpoints" / "best.ckpt").exists()
    done = rankaae("train", "+family=Ti_oxides", where, *QUICK)
    assert done.returncode == 2 and "holds a run already" in done.stderr


def test_a_logger_of_lightning_gets_every_epoch(rankaae, tmp_path):
    done = rankaae("train", "+family=Ti_oxides", "logger=csv", *QUICK, "max_epochs=2", "trials=2")
    assert done.returncode == 0, done.stderr
    (log,) = only_run(tmp_path).glob("lightning_logs/*/metrics.csv")
    with log.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "1"]
    assert float(rows[1]["val_reconstruction_mae/trial_1"]) > 0


def test_a_logger_that_is_not_installed_is_named(refused, tmp_path):
    if importlib.util.find_spec("wandb") is not None:
        pytest.skip("wandb is installed")
    assert "pip install wandb" in refused("train", "+family=Ti_oxides", "logger=wandb", *QUICK)
    assert not list(tmp_path.glob("runs/*/*/*"))


def test_divergence_of_every_trial_is_a_failed_run(rankaae):
    done = rankaae("train", "+family=Ti_oxides", *QUICK, "optimiser.rate=1e30", "max_epochs=3")
    assert done.returncode == 1
    assert "trial 0" in done.stderr and "Traceback" not in done.stderr


class TestUnlabelled:
    def test_spectra_without_descriptors_train_too(self, rankaae, tmp_path, sample):
        half = np.arange(len(sample)) % 2 == 0
        write_family(tmp_path / "all.h5", sample)
        rows = ("spectra_NE", "descriptors_NK", "material_N", "site_N", "split_N")
        labelled = replace(sample, **{name: getattr(sample, name)[half] for name in rows})
        write_family(tmp_path / "half.h5", labelled)
        arguments = ("+family=Ti_oxides", "data=half.h5", *QUICK)
        alone = rankaae("train", *arguments)
        done = rankaae("train", *arguments, "unlabelled=all.h5")
        assert done.returncode == 0, done.stderr
        # Only training materials count, and sites that the labelled file has are not taken twice.
        expected = (~half & (sample.split_N == 0)).sum()
        assert f"{expected} more training spectra without descriptors" in done.stderr
        runs = sorted(tmp_path.glob("runs/*/*/*/metrics.csv"))
        assert runs[0].read_text() != runs[1].read_text()
        assert "more training" not in alone.stderr
        provenance = json.loads((runs[1].parent / "provenance.json").read_text())
        assert provenance["data"][1]["unlabelled"] is True

    def test_files_that_do_not_fit_are_refused(self, refused, tmp_path, sample):
        def message(**changes):
            write_family(tmp_path / "other.h5", replace(sample, **changes))
            return refused("train", "+family=Ti_oxides", "unlabelled=other.h5", *QUICK)

        assert "holds Fe K spectra, not Ti" in message(element="Fe")
        assert "another energy grid" in message(energy_E=sample.energy_E + 1)
        assert "no spectrum on the training side" in message()


class TestBadData:
    @pytest.fixture
    def data(self, tmp_path):
        return tmp_path / "own.h5"

    @pytest.fixture
    def message(self, refused, data, tmp_path):
        def call(*extra, family="Ti_oxides"):
            text = refused("train", f"+family={family}", f"data={data}", *QUICK, *extra)
            assert not (tmp_path / "runs").exists()
            return text

        return call

    def test_missing(self, message, data):
        assert f"no data file {data}" in message()

    def test_not_hdf5(self, message, data):
        data.write_text("energy,mu\n")
        assert "cannot be read as HDF5" in message()

    def test_not_a_family(self, message, data):
        with h5py.File(data, "w") as file:
            file["x"] = 1
        assert "not a family file" in message()

    def test_newer_version(self, message, data):
        shutil.copy(sample_path("Ti_oxides"), data)
        with h5py.File(data, "a") as file:
            file.attrs["format_version"] = 99
        assert "version 99" in message() and "install a newer rankaae" in message()

    def test_incomplete(self, message, data):
        shutil.copy(sample_path("Ti_oxides"), data)
        with h5py.File(data, "a") as file:
            del file["site"]
        assert "not a whole family file" in message()

    def test_another_family(self, message, data, sample):
        write_family(data, sample)
        assert "holds Ti_oxides (Ti K edge, eV), not V_oxides (V K edge, eV)" in message(family="V_oxides")

    def test_another_edge_or_unit(self, message, data, sample):
        write_family(data, replace(sample, edge="L3"))
        assert "L3 edge" in message()
        write_family(data, replace(sample, energy_unit="index"))
        assert "index" in message()

    def test_a_descriptor_unknown_on_validation_is_left_out(self, rankaae, data, sample):
        descriptors = sample.descriptors_NK.copy()
        descriptors[sample.split_N == 1, 2] = np.nan
        write_family(data, replace(sample, descriptors_NK=descriptors))
        done = rankaae("train", "+family=Ti_oxides", f"data={data}", *QUICK)
        assert done.returncode == 0 and "left out" in done.stderr and "OCN" in done.stderr

    def test_empty_side(self, message, data, sample):
        keep = sample.split_N != 2
        rows = {
            name: getattr(sample, name)[keep]
            for name in ("spectra_NE", "descriptors_NK", "material_N", "site_N", "split_N")
        }
        write_family(data, replace(sample, **rows))
        assert "on the test side" in message()

    def test_a_material_on_two_sides(self, message, data, sample):
        split = sample.split_N.copy()
        same = sample.material_N == sample.material_N[0]
        assert same.sum() > 0
        material = sample.material_N.copy()
        material[:2] = "twin"
        split[0], split[1] = 0, 2
        write_family(data, replace(sample, split_N=split, material_N=material))
        assert "the sites of twin are on two sides" in message()

    def test_no_descriptor_known(self, message, data, sample):
        write_family(data, replace(sample, descriptors_NK=np.full_like(sample.descriptors_NK, np.nan)))
        assert "takes two known values in training" in message()

    def test_a_descriptor_without_values_is_left_out_and_named(self, rankaae, data, sample):
        descriptors = sample.descriptors_NK.copy()
        descriptors[:, 0] = np.nan
        write_family(data, replace(sample, descriptors_NK=descriptors))
        done = rankaae("train", "+family=Ti_oxides", f"data={data}", *QUICK)
        assert done.returncode == 0 and "left out" in done.stderr and "OS" in done.stderr

    def test_no_cuda(self, message, data, sample):
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has a CUDA device")
        write_family(data, sample)
        assert "no CUDA device" in message("device=cuda")


def test_what_was_taken_off_and_a_kind_that_there_is_not_are_refused(refused):
    said = refused("train", "+family=Fe_oxides", *QUICK, "spread=rows", "devices=2")
    assert "spread=rows cannot be used: rankaae 0.1.0 was the last that had it" in said
    assert "there is no kind 'unheard': there are: diffusion, forward, rankaae, supervised" in refused(
        "train", "+family=Fe_oxides", "kind=unheard"
    )
