"""The README's path with `kind=supervised`: train, evaluate, report, predict; and what such a run cannot do."""

import contextlib
import csv
import json
import re

import numpy as np
import pytest
import torch

from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.find import find_run
from tests.conftest import save_blank_figures

NAMES = ["OS", "CN", "NNRS"]
SMALL = ("kind=supervised", "trials=2", "model.extra_trees.trees=6", "model.inputs=[spectrum]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small family, cu.h5, and a run that is evaluated, reported and has predicted."""
    top = tmp_path_factory.mktemp("work")
    family = synthetic_family("Cu_oxides", "Cu", "K", np.linspace(8983.5, 9047.25, 40), NAMES, 240)
    write_family(top / "cu.h5", family)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(top):
        save_blank_figures(patch)
        assert main(["train", "+family=Cu_oxides", "data=cu.h5", *SMALL]) == 0
        assert main(["evaluate", "resamples=10", "baselines=[mean_spectrum,kernel_ridge]"]) == 0
        assert main(["report"]) == 0
        assert main(["predict", "input=cu.h5", "output=pred"]) == 0
    return top


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return find_run("latest")


def test_numbers_keep_their_places_and_what_is_of_styles_is_absent(run):
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert metrics["n_trials"] == len(metrics["trials"]) == 2
    for scores in (metrics["ensemble"], *metrics["trials"]):
        assert scores["mean_spearman"] > 0.6 and scores["reconstruction"]["mae"] < 0.02
        assert scores["descriptors"]["OS"]["f1"] > 0.4 and scores["descriptors"]["NNRS"]["rmse"] > 0
        assert not {"inter_style", "shapiro", "shapiro_min", "best_epoch", "published_score"} & scores.keys()
    assert not {"disentanglement", "leakage", "coupling", "associations"} & metrics.keys()
    assert metrics["choice"]["by"] == "validation score: mean Spearman"
    compared = json.loads((run / "evaluation" / "baselines.json").read_text())["rows"]
    assert [row["name"] for row in compared] == ["trial", "ensemble", "mean_spectrum", "kernel_ridge"]
    assert compared[1]["has_styles"] is False and compared[1]["styles"] is None


def test_page_has_no_empty_sections(run):
    page = (run / "report" / "report.html").read_text(encoding="utf-8")
    for section in (
        "summary",
        "evaluation",
        "reconstruction",
        "baselines",
        "trials",
        "data",
        "papers",
        "reproduce",
    ):
        assert f'id="{section}"' in page
    for section in ("styles", "traversals", "explorer", "new-descriptors", "learning"):
        assert f'id="{section}"' not in page
    assert "figures/*.pdf" in page and (run / "report" / "style" / "column.mplstyle").is_file()
    assert "neural network" not in page.partition('id="glossary"')[0] and "rankaae traverse" not in page


def test_predictions_are_those_of_the_calibrated_reader(run, folder):
    with (folder / "pred" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240 and {row["verdict"] for row in rows} <= {"in range", "unusual", "outside"}
    assert all(float(row["CN_low"]) <= float(row["CN"]) <= float(row["CN_high"]) for row in rows)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            ["traverse"],
            "this run's model (kind supervised) has no styles: rankaae traverse needs a model that",
        ),
        (["train", "start=latest", "data=cu.h5"], "(kind supervised) has no networks to begin from"),
        (
            ["train", "+family=Cu_oxides", "kind=supervised", "max_epochs=3"],
            "max_epochs= is for kind=rankaae",
        ),
        (["train", "+family=Cu_oxides", "kind=supervised", "start=latest"], "start= is for kind=rankaae"),
        (
            ["train", "+family=Cu_oxides", "kind=supervised", "model=mlp"],
            "model=mlp does not fit kind=supervised",
        ),
        (["train", "+family=Cu_oxides", "model=blend"], "model=blend does not fit kind=rankaae"),
        (["train", "+family=Cu_oxides", "kind=supervised", "model.inputs=[x]"], "there is no input 'x'"),
        (
            [
                "train",
                "+family=Cu_oxides",
                "kind=supervised",
                "model=kernel_ridge",
                "model.kernel_ridge=null",
            ],
            "has no part that reads",
        ),
    ],
)
def test_what_a_reader_cannot_do_is_said_in_a_sentence(run, capsys, call, message):
    before = sorted(run.parents[1].rglob("*"))
    assert main(call) == 2
    assert sorted(run.parents[1].rglob("*")) == before
    error = capsys.readouterr().err
    assert message in error and len(error.strip().splitlines()) <= 2 and "Traceback" not in error


def test_mixtures_of_what_has_many_values_are_refused_and_leave_no_run(run, capsys):
    before = sorted(run.parents[1].rglob("*"))
    assert main(["train", "+family=Cu_oxides", "data=cu.h5", *SMALL, "mixtures.of=NNRS"]) == 2
    assert "expected few, as a valence has\nname a descriptor" in capsys.readouterr().err
    assert sorted(run.parents[1].rglob("*")) == before


def test_an_interrupted_run_ends_alike_and_its_configuration_repeats_it(run, capsys):
    config = (run / "config.yaml").read_text()
    older = re.sub(r"^mixtures:\n(  .*\n)+", "", config, flags=re.MULTILINE)  # of before there were mixtures
    assert older != config
    (run / "config.yaml").write_text(older)
    whole = load_model(run / "checkpoints" / "best.ckpt")
    provenance = json.loads((run / "provenance.json").read_text())
    finished = provenance.pop("finished")
    (run / "provenance.json").write_text(json.dumps(provenance))
    (run / "checkpoints" / "best.ckpt").rename(run / "whole.ckpt")
    assert main(["train", f"resume={run}"]) == 0
    (run / "whole.ckpt").replace(run / "checkpoints" / "whole.ckpt")
    again = load_model(run / "checkpoints" / "best.ckpt")
    (run / "checkpoints" / "whole.ckpt").replace(run / "checkpoints" / "best.ckpt")
    (run / "provenance.json").write_text(json.dumps({**provenance, "finished": finished}))
    spectra_NE = np.random.default_rng(0).random((5, 40))
    np.testing.assert_array_equal(again.indicators(spectra_NE), whole.indicators(spectra_NE))
    capsys.readouterr()
    assert main(["train", "--config-dir", str(run), "--config-name", "config", "--cfg", "job"]) == 0
    assert "kind: supervised" in capsys.readouterr().out


def test_trials_differ_and_share_what_rebuilds_spectra(run):
    model = load_model(run / "checkpoints" / "best.ckpt")
    spectra_NE = np.random.default_rng(0).random((5, 40))
    indicators_TNK = model.indicators(spectra_NE)
    assert indicators_TNK.shape == (2, 5, 3) and (indicators_TNK[0] != indicators_TNK[1]).all()
    assert model.reconstruct(spectra_NE).shape == (2, 5, 40)
    assert model.coordinates(spectra_NE).shape == (1, 5, model.dimensions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["reader"].pop("extra_trees"), None),
        (lambda c: c["reader"].clear(), "a reader without parts"),
        (lambda c: c["reader"]["kernel_ridge"].update(inputs=["x"]), "no input 'x'"),
        (lambda c: c["components"]["mean_E"].fill_(float("nan")), "not finite"),
        (lambda c: c.update(indicator_std_TK=torch.zeros(3, 3)), "moments"),
        (lambda c: c["reader"]["extra_trees"]["forests"].pop(), "descriptors"),
        (lambda c: c["energy"].fill_(float("nan")), "energies that are not finite"),
        (lambda c: c.update(selected_trial=2), "selected trial"),
        (lambda c: c["descriptor_classes"].update(OS=["two"]), "train again"),
    ],
)
def test_a_checkpoint_tampered_with_is_refused_in_one_or_two_lines(run, tmp_path, change, message):
    content = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    change(content)
    torch.save(content, tmp_path / "x.ckpt")
    if message is None:
        assert load_model(tmp_path / "x.ckpt").n_trials == 2  # still a sound reader, of one part
        return
    from rankaae_cli.core.errors import UserError

    with pytest.raises(UserError, match=message) as error:
        load_model(tmp_path / "x.ckpt")
    assert len(str(error.value).splitlines()) <= 2


def test_a_sweep_of_readers_is_reported_on_one_page(folder, monkeypatch, blank_figures):
    monkeypatch.chdir(folder)
    few = ("model=kernel_ridge,random_forest", "+family=Cu_oxides", "data=cu.h5", "model.inputs=[spectrum]")
    assert main(["train", "-m", "kind=supervised", "trials=2", *few, "then=report"]) == 0
    (page,) = folder.glob("multirun/*/*/report/report.html")
    text = page.read_text(encoding="utf-8")
    assert "kernel_ridge" in text or "model.kernel_ridge" in text
