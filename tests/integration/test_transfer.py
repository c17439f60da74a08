"""What `rankaae evaluate` and `report` show of a run that began from another."""

import json
import shutil
import signal
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.splits import TEST
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.load import load_run
from rankaae_cli.training.callbacks import KeepBestEpoch
from tests.conftest import in_process, save_blank_figures

NAMES = ["OS", "CN", "NNRS"]
ENERGY = np.linspace(7111, 7175, 40)
SMALL = ("trials=2", "model.hidden=16", "model.free_styles=1", "batch_size=64", "device=cpu")


def done(folder, *arguments):
    call = in_process(folder, *arguments)
    assert call.returncode == 0, call.stderr
    return call.stdout + call.stderr


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with a run on one synthetic code, and one that began from it on fewer spectra of another."""
    folder = tmp_path_factory.mktemp("work")
    family = synthetic_family("Fe_oxides", "Fe", "K", ENERGY, NAMES, 600)
    write_family(folder / "data.h5", family)
    few = family.with_rows(np.arange(150))
    line_E = 1 + 0.3 * np.exp(-(((ENERGY - 7130) / 4) ** 2))
    write_family(folder / "other.h5", replace(few, spectra_NE=(few.spectra_NE * line_E).astype(np.float32)))
    where = "hydra.run.dir="
    done(folder, "train", "+family=Fe_oxides", "data=data.h5", "max_epochs=40", f"{where}run", *SMALL)
    done(folder, "train", "start=run", "data=other.h5", "max_epochs=20", f"{where}new", "device=cpu")
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch)
        (folder / "said.txt").write_text(done(folder, "evaluate", "run=new", "resamples=100"))
    return folder


@pytest.fixture
def folder(work, tmp_path, blank_figures):
    """A copy of the runs that a test may change; the paths in it are those of the original."""
    shutil.copytree(work, tmp_path, dirs_exist_ok=True)
    return tmp_path


def content(folder):
    return json.loads((folder / "new" / "evaluation" / "transfer.json").read_text())


def test_before_after_and_from_scratch_are_scored_alike(work):
    rows = {row["name"]: row for row in content(work)["rows"]}
    assert list(rows) == ["before", "scratch", "after"]
    metrics = json.loads((work / "new" / "evaluation" / "metrics.json").read_text())["ensemble"]
    assert rows["after"]["mean_spearman"] == metrics["mean_spearman"]
    assert rows["after"]["interval"] == metrics["interval"]["mean_spearman"]
    assert rows["after"]["reconstruction_mae"] == pytest.approx(metrics["reconstruction"]["mae"])
    _, _, family = load_run(str(work / "new"))
    test_N = family.split_N == TEST
    for name, path in (("before", "run"), ("scratch", "new/scratch")):
        model = load_model(work / path / "checkpoints" / "best.ckpt")
        # The mean over trials of styles that are standardised on the new training rows.
        train, test = (model.indicators(family.spectra_NE[family.split_N == side]) for side in (0, TEST))
        mean, std = train.mean(1, keepdims=True), train.std(1, keepdims=True)
        styles_NK = ((test - mean) / std).mean(0)
        rho = [
            spearmanr(s, d).statistic
            for s, d in zip(styles_NK.T, family.descriptors_NK[test_N].T, strict=True)
        ]
        assert rows[name]["mean_spearman"] == pytest.approx(np.mean(rho), abs=1e-3)
        assert rows[name]["gain"] == pytest.approx(metrics["mean_spearman"] - rows[name]["mean_spearman"])
        low, high = rows[name]["gain_interval"]
        assert low < rows[name]["gain"] < high


def test_the_gain_is_told_in_a_table_and_a_sentence(work):
    said = (work / "said.txt").read_text()
    assert "training from scratch on these spectra alone" in said
    assert "The run it began from" in said and " after the transfer, " in said
    table = pd.read_csv(work / "new" / "evaluation" / "transfer.csv")
    assert table["gain"].notna().tolist() == [True, True, False]
    assert table["mean_spearman_low"].notna().all()


def test_it_is_trained_from_scratch_once(folder):
    checkpoint = folder / "new" / "scratch" / "checkpoints" / "best.ckpt"
    before = checkpoint.stat().st_mtime_ns
    said = done(folder, "evaluate", "run=new", "resamples=100")
    assert checkpoint.stat().st_mtime_ns == before and "training from scratch" not in said
    assert content(folder)["rows"][1]["name"] == "scratch"
    shutil.rmtree(folder / "new" / "scratch")
    done(folder, "evaluate", "run=new", "resamples=100", "scratch=false")
    assert not (folder / "new" / "scratch").exists()
    assert [row["name"] for row in content(folder)["rows"]] == ["before", "after"]
    assert content(folder)["scratch"] is False


def test_a_training_from_scratch_goes_on(folder, work, monkeypatch):
    shutil.rmtree(folder / "new" / "scratch")
    kept = KeepBestEpoch.on_train_epoch_end

    def stop_in_epoch_1(self, trainer, pl_module):
        kept(self, trainer, pl_module)
        if trainer.current_epoch == 1:
            signal.raise_signal(signal.SIGTERM)

    call = ("evaluate", "run=new", "resamples=100")
    with monkeypatch.context() as patch:
        patch.setattr(KeepBestEpoch, "on_train_epoch_end", stop_in_epoch_1)
        stopped = in_process(folder, *call)
    assert stopped.returncode == 128 + signal.SIGTERM
    assert "stopped after epoch 2 from scratch; the same call goes on" in stopped.stderr
    done(folder, *call)
    ours, whole = (load_model(f / "new" / "scratch" / "checkpoints" / "best.ckpt") for f in (folder, work))
    assert all(np.array_equal(ours.weights[name], whole.weights[name]) for name in whole.weights)


def test_what_is_gone_is_left_out(folder):
    provenance = (folder / "new" / "provenance.json").read_text()
    gone = provenance.replace('"run": "', '"run": "/gone')
    (folder / "new" / "provenance.json").write_text(gone)
    said = done(folder, "evaluate", "run=new", "resamples=100")
    assert "is gone or has changed: its scores are not known" in said
    assert [row["name"] for row in content(folder)["rows"]] == ["scratch", "after"]


def test_a_page_among_others_trains_nothing_from_scratch(folder):
    shutil.rmtree(folder / "new" / "scratch")
    (folder / "new" / "evaluation" / "transfer.json").unlink()
    done(folder, "report", "run=[run,new]", "output=both")
    assert not (folder / "new" / "scratch").exists() and content(folder)["scratch"] is None
    # By itself it does, unless an evaluation declined it.
    done(folder, "report", "run=new")
    assert (folder / "new" / "scratch").exists() and content(folder)["scratch"] is True


def test_the_page_shows_it(folder, work):
    (folder / "new" / "evaluation" / "transfer.json").unlink()
    done(folder, "report", "run=new")
    page = (folder / "new" / "report" / "report.html").read_text()
    assert '<section id="transfer">' in page and "Gain of this run" in page
    assert f"<code>{work / 'run'}</code>" in page and "Began from" in page
    assert (folder / "new" / "report" / "tables" / "transfer.tex").is_file()
    done(folder, "report", "run=run")
    assert 'id="transfer"' not in (folder / "run" / "report" / "report.html").read_text()
