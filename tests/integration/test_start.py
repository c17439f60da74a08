"""`rankaae train start=RUN`: what a training takes over from a finished run, and what it refuses."""

import json
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.splits import SPLITS, TRAIN, VALIDATION
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.training.callbacks import KeepBestEpoch
from tests.conftest import in_process

NAMES = ["OS", "CN", "NNRS"]
ENERGY = np.linspace(7111, 7175, 40)
SMALL = ("trials=2", "max_epochs=2", "model.hidden=8", "model.free_styles=1", "batch_size=50", "device=cpu")
QUICK = ("max_epochs=1", "batch_size=50", "device=cpu")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a finished run on one synthetic code, and fewer spectra of another, ``other.h5``."""
    folder = tmp_path_factory.mktemp("work")
    family = synthetic_family("Fe_oxides", "Fe", "K", ENERGY, NAMES, 150)
    write_family(folder / "data.h5", family)
    write_family(folder / "other.h5", other_code(family.with_rows(np.arange(90))))
    done = in_process(
        folder, "train", "+family=Fe_oxides", "data=data.h5", f"hydra.run.dir={folder / 'run'}", *SMALL
    )
    assert done.returncode == 0, done.stderr
    return folder


def other_code(family):
    """The same sites as another code would have them: with other white lines."""
    line_E = 1 + 0.3 * np.exp(-(((ENERGY - 7130) / 4) ** 2))
    return replace(family, spectra_NE=(family.spectra_NE * line_E).astype(np.float32))


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the finished run and its data that a test may change."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "run" / "provenance.json", tmp_path / "run" / "config.yaml"):
        path.write_text(path.read_text().replace(str(finished), str(tmp_path)))
    return tmp_path


def begin(folder, *arguments, run="new"):
    where = f"hydra.run.dir={folder / run}"
    done = in_process(folder, "train", "start=run", "data=other.h5", where, *QUICK, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def checkpoint(run, name="best.ckpt"):
    return torch.load(run / "checkpoints" / name, weights_only=True)


def change(folder, **changes):
    """Write other.h5 again with changes."""
    family = read_family(folder / "other.h5")
    write_family(folder / "other.h5", replace(family, **changes))


def test_every_trial_begins_from_its_own_weights(folder):
    begin(folder, "optimiser.rate=1e-12")
    old, new = checkpoint(folder / "run"), checkpoint(folder / "new")
    fitted = [name for name in old["weights"] if not name.startswith("style_norm")]
    assert fitted and all(torch.allclose(old["weights"][n], new["weights"][n], atol=1e-8) for n in fitted)
    assert not torch.equal(old["weights"][fitted[0]][0], old["weights"][fitted[0]][1])
    # What depends on the spectra is taken from the new ones.
    assert not torch.equal(old["style_mean_TS"], new["style_mean_TS"])
    assert old["calibration"] != new["calibration"]
    begun = json.loads((folder / "new" / "provenance.json").read_text())["start"]
    assert begun["run"] == str(folder / "run") and begun["trials"] == [0, 1]


def test_a_given_up_trial_is_not_begun_from(folder):
    path = folder / "run" / "checkpoints" / "best.ckpt"
    content = checkpoint(folder / "run")
    content["failed_T"] = ["the rank loss was not finite in epoch 1", None]
    torch.save(content | {"selected_trial": 1}, path)
    begin(folder, "optimiser.rate=1e-12")
    new = checkpoint(folder / "new")
    name = "decoder.0.weight" if "decoder.0.weight" in new["weights"] else next(iter(new["weights"]))
    assert new["trials"] == 1
    assert torch.allclose(new["weights"][name][0], content["weights"][name][1], atol=1e-8)


def test_the_run_decides_family_split_and_networks(folder):
    begin(folder, "trials=1", "optimiser.schedule=constant")
    old, new = (yaml.safe_load((folder / run / "config.yaml").read_text()) for run in ("run", "new"))
    assert all(new[key] == old[key] for key in ("family", "split_seed", "model"))
    assert (new["trials"], new["start"]) == (1, str(folder / "run"))
    assert (new["max_steps"], new["optimiser"]["rate"]) == (1200, 4e-3)
    again = folder / "again"
    done = in_process(
        folder, "train", "--config-dir", folder / "new", "--config-name", "config", f"hydra.run.dir={again}"
    )
    assert done.returncode == 0, done.stderr
    assert (again / "metrics.csv").read_bytes() == (folder / "new" / "metrics.csv").read_bytes()


def test_the_schedule_for_few_rows_is_a_default(rankaae):
    def settings(*arguments):
        shown = yaml.safe_load(rankaae("train", *arguments, "--cfg", "job").stdout)
        return shown["max_steps"], shown["optimiser"]["rate"]

    assert settings("start=run", "data=x.h5") == (1200, 4e-3)
    assert settings("start=run", "max_steps=90", "optimiser.rate=1e-3") == (90, 1e-3)
    assert settings("+family=Fe_oxides") == (12000, 3e-3)


def test_an_interrupted_transfer_goes_on(folder, monkeypatch):
    arguments = ("max_epochs=4", "save_every=1")
    begin(folder, *arguments, run="whole")
    kept = KeepBestEpoch.on_train_epoch_end

    def stop_in_epoch_1(self, trainer, pl_module):
        kept(self, trainer, pl_module)
        if trainer.current_epoch == 1:
            signal.raise_signal(signal.SIGTERM)

    call = ("train", "start=run", "data=other.h5", f"hydra.run.dir={folder / 'new'}", *QUICK, *arguments)
    with monkeypatch.context() as patch:
        patch.setattr(KeepBestEpoch, "on_train_epoch_end", stop_in_epoch_1)
        assert in_process(folder, *call).returncode == 128 + signal.SIGTERM
    shutil.move(folder / "run", folder / "moved")
    done = in_process(folder, "train", "resume=new")
    assert done.returncode == 2 and "run is not a run directory" in done.stderr
    done = in_process(folder, "train", "resume=new", "start=moved")
    assert done.returncode == 0, done.stderr
    ours, theirs = checkpoint(folder / "new")["weights"], checkpoint(folder / "whole")["weights"]
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_transfer_goes_on_from_the_same_weights_only(folder, refused):
    begin(folder)
    provenance = json.loads((folder / "new" / "provenance.json").read_text())
    del provenance["finished"]
    (folder / "new" / "provenance.json").write_text(json.dumps(provenance))
    torch.save(
        checkpoint(folder / "run") | {"selected_trial": 1}, folder / "run" / "checkpoints" / "best.ckpt"
    )
    assert "are not those that the run was begun from" in refused("train", "resume=new")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"element": "Co"},
            "but the run of start= Fe K-edge spectra over eV\ngive such data, or a run of these",
        ),
        ({"edge": "L3"}, "hold Fe L3-edge spectra"),
        (
            {"descriptor_names": ("OS", "CN", "MOOD")},
            "NNRS, which the run of start= was trained on\ningest them with it",
        ),
        ({"energy_E": ENERGY + 0.5}, "family.energy.start=7111.0 family.energy.step=1.641026"),
        ({"descriptors_NK": np.full((90, 3), np.nan)}, "training spectra has a known descriptor"),
    ],
    ids=["element", "edge", "descriptors", "grid", "labels"],
)
def test_data_that_do_not_fit_the_run_are_refused(folder, refused, changes, message):
    change(folder, **changes)
    assert message in refused("train", "start=run", "data=other.h5", *QUICK)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("start=run",), "start= needs data="),
        (
            ("start=data.h5", "data=other.h5"),
            "is not a run directory (no provenance.json in it)\ngive one as start=",
        ),
        (("start=run", "data=other.h5", "trials=3"), "trials=3: the run of start= has 2 to begin from"),
        (("start=run", "data=other.h5", "model.hidden=16"), "model.hidden=16, but the networks"),
        (("start=run", "data=other.h5", "model=cnn"), "model.network=cnn, but the networks"),
        (("+family=Fe_oxides", "data=other.h5", "trials=null"), "trials=null is for start= alone"),
        (("+family=Fe_oxides", "data=other.h5", "transfer=few_rows"), "transfer= is for start="),
    ],
    ids=[
        "data",
        "no run",
        "trials",
        "networks",
        "kind of network",
        "without start",
        "transfer without start",
    ],
)
def test_calls_that_do_not_fit_the_run_are_refused(folder, refused, arguments, message):
    assert message in refused("train", *arguments)


def test_runs_that_cannot_be_begun_from_are_refused(folder, refused):
    call = ("train", "start=run", "data=other.h5", *QUICK)
    path = folder / "run" / "checkpoints" / "best.ckpt"
    torch.save(checkpoint(folder / "run") | {"kind": "rankae"}, path)
    assert "no kind of model 'rankae'" in refused(*call)
    provenance = json.loads((folder / "run" / "provenance.json").read_text())
    del provenance["finished"]
    (folder / "run" / "provenance.json").write_text(json.dumps(provenance))
    assert "run has not finished" in refused(*call)


def test_data_to_choose_by_nothing_are_refused(folder, refused):
    family = read_family(folder / "other.h5")
    known = (family.split_N == TRAIN)[:, None]
    change(folder, descriptors_NK=np.where(known, family.descriptors_NK, np.nan))
    n = (family.split_N == VALIDATION).sum()
    message = refused("train", "start=run", "data=other.h5", *QUICK)
    assert f"no descriptor takes two known values among the {n} validation spectra" in message
    assert not (folder / "runs").exists()


def test_few_labelled_rows_are_warned_of(folder):
    assert "warning" not in begin(folder)
    family = read_family(folder / "other.h5")
    descriptors_NK = family.descriptors_NK.copy()
    descriptors_NK[np.flatnonzero(family.split_N == TRAIN)[19:]] = np.nan
    change(folder, descriptors_NK=descriptors_NK)
    assert "warning: 19 labelled training spectra are few" in begin(folder, run="few")


def test_a_descriptor_that_is_constant_in_few_rows_is_kept(folder):
    """What the networks say of it is left as it was."""
    family = read_family(folder / "other.h5")
    descriptors_NK = family.descriptors_NK.copy()
    descriptors_NK[:, 0] = 2.0
    change(folder, descriptors_NK=descriptors_NK)
    begin(folder)
    assert checkpoint(folder / "new")["descriptor_names"] == NAMES


def test_old_spectra_are_replayed(folder, refused):
    """Half of each epoch, so that 1200 batches are half as many epochs."""
    alone = begin(folder, "max_epochs=null", "max_steps=8", run="alone")
    said = begin(folder, "max_epochs=null", "max_steps=8", "replay=0.6", run="replayed")
    n = (read_family(folder / "data.h5").split_N == TRAIN).sum()
    assert f"60% of each epoch are drawn from the {n} training spectra of that run" in said
    assert "of 4 epochs" in alone and "of 2 epochs" in said
    assert (folder / "alone" / "metrics.csv").read_text() != (folder / "replayed" / "metrics.csv").read_text()
    assert "leave replay= out" in refused("train", "+family=Fe_oxides", "replay=0.5", *QUICK)
    call = ("train", "start=run", "data=other.h5", "replay=0.5", *QUICK)
    assert "replay= needs all spectra in memory" in refused(*call, "memory=17kB")
    (folder / "data.h5").unlink()
    message = refused(*call)
    assert "data.h5) are not there any more" in message


def test_another_kind_of_group_to_split_by_is_refused(folder, refused):
    message = refused("train", "start=run", "data=other.h5", "split_by=formula", *QUICK)
    assert "the run of start= is split by material" in message


@pytest.mark.parametrize("is_there", [True, False], ids=["data there", "data gone"])
def test_a_material_stays_on_its_side(folder, refused, is_there):
    if not is_there:
        (folder / "data.h5").unlink()
    assert ("are not there any more" in begin(folder)) != is_there
    family = read_family(folder / "other.h5")
    material = family.material_N[family.split_N == TRAIN][0]
    split_N = np.where(family.material_N == material, 2, family.split_N).astype(np.uint8)
    change(folder, split_N=split_N)
    message = refused("train", "start=run", "data=other.h5", *QUICK)
    assert f"{material} is on the {SPLITS[2]} side of the split, but on the {SPLITS[TRAIN]} side" in message
