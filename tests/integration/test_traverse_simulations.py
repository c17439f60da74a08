"""`rankaae traverse` of a model that simulates from descriptors, beside a RankAAE of the same data."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.features.family_features import with_features
from rankaae_cli.models.registry import load_model
from tests.conftest import in_process, save_blank_figures

NAMES = ["OS", "CN", "NNRS"]


@pytest.fixture(scope="module")
def family():
    made = synthetic_family("Fe_oxides", "Fe", "K", np.linspace(7111, 7175, 40), NAMES, 300)
    made = with_features(made, ["descriptors"], "synthetic")
    values_NF = made.features.values_NF.copy()
    values_NF[:8, made.features.names.index("NNRS")] = np.nan
    return replace(made, features=replace(made.features, values_NF=values_NF))


@pytest.fixture(scope="module")
def run(family, tmp_path_factory):
    """The folder of a run that simulates; a RankAAE of the same data is older."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch)
        yield _trained(folder, family)


def _trained(folder, family):
    write_family(folder / "fe.h5", family)
    small = ("trials=2", "max_epochs=3", "model.hidden=8", "device=cpu", "batch_size=64")
    for settings in (small, ("kind=forward", "model.lengths=[4]", "model.noises=[0.001]")):
        done = in_process(folder, "train", "+family=Fe_oxides", "data=fe.h5", *settings)
        assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


def traversed(run, *settings):
    done = in_process(run.parents[3], "traverse", f"run={run}", *settings)
    assert done.returncode == 0, done.stderr
    return json.loads((run / "traversal" / "traversal.json").read_text()), done.stdout


def test_a_response_is_the_true_one_and_stands_beside_that_of_the_decoder(run):
    content, printed = traversed(run, "levels=5")
    folder = run / "traversal"
    (styled,) = (path for path in run.parent.iterdir() if path != run)
    assert content["against"]["run"] == styled.name and styled.name in printed
    answers = pd.read_csv(folder / "answers.csv")
    for name in NAMES:
        style, table = content["styles"][name], pd.read_csv(folder / f"{name}.csv")
        assert style["pearson_true_response"] > 0.8
        r = np.corrcoef(table["difference"], table["true_response_synthetic"])[0, 1]
        assert style["pearson_true_response"] == pytest.approx(r, abs=1e-6)
        both = answers[answers["style"] == name]
        np.testing.assert_array_equal(both["simulated"], table["difference"])
        r = np.corrcoef(both["simulated"], both["decoded"])[0, 1]
        assert content["against"]["pearson"][name] == pytest.approx(r, abs=1e-6)
        assert {f"{name}.{suffix}" for suffix in ("png", "pdf")} <= {path.name for path in folder.iterdir()}
    described = set(pd.read_csv(folder / "columns.csv")["file"])
    assert described == {"<style>.csv", "overview.csv", "support.csv", "answers.csv"}


def test_a_report_shows_the_traversal(run):
    done = in_process(run.parents[3], "report", f"run={run}")
    assert done.returncode == 0, done.stderr
    page = (run / "report" / "report.html").read_text()
    content = json.loads((run / "traversal" / "traversal.json").read_text())
    assert "Traversals: how simulated spectra respond" in page and content["against"]["run"] in page
    for name in ("traversal_answers", "traversal_overview", *(f"traversal_{name}" for name in NAMES)):
        assert f'id="figure-{name}"' in page and (run / "report" / "figures" / f"{name}.pdf").is_file()
    assert len(pd.read_csv(run / "report" / "tables" / "traversals.csv")) == len(NAMES)


def test_independent_others_give_the_partial_dependence(run, family):
    content, _ = traversed(run, "others=independent", "levels=3", "draws=1000")
    model = load_model(run / "checkpoints" / "best.ckpt")
    index = model.features.names.index("NNRS")
    values_NF = family.features.values_NF[family.split_N == 0]
    values_NF = values_NF[np.isfinite(values_NF[:, index])]
    table = pd.read_csv(run / "traversal" / "NNRS.csv")
    for level, column in zip(content["styles"]["NNRS"]["descriptor"], ("p05", "p50", "p95"), strict=True):
        set_NF = values_NF.copy()
        set_NF[:, index] = level
        spectra_NE, _ = model.simulate(replace(model.features, values_NF=set_NF))
        np.testing.assert_allclose(table[column], spectra_NE.mean(axis=0), atol=1e-5)


def test_another_run_than_one_with_styles_is_refused(run, refused):
    (styled,) = (path for path in run.parent.iterdir() if path != run)
    assert "has no styles" in refused("traverse", f"run={run}", f"against={run}")
    assert "against= is of a run that simulates" in refused("traverse", f"run={styled}", f"against={run}")
