import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

CALL = ["+family=molecules", "family.element=S", "family.edges=[XANES,XES]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """150 molecules; either edge shows another class, one class is rare, the second edge misses of some."""
    folder = tmp_path_factory.mktemp("molecules")
    rng = np.random.default_rng(1)
    causes = rng.normal(size=(150, 2))
    band = np.exp(-0.5 * ((np.arange(30) - 12) / 3) ** 2)
    first, second = (1 + np.outer(causes[:, k], band) / 3 + rng.normal(0, 0.01, (150, 30)) for k in range(2))
    second[::30] = np.nan
    np.save(folder / "a.npy", first)
    np.save(folder / "b.npy", second)
    np.save(folder / "y.npy", np.column_stack([causes > 0.4, np.arange(150) % 20 == 3]))
    (folder / "names.txt").write_text("Alcohol\n1,3-Tautomerizable\nRare\n")
    return folder


@pytest.fixture
def called(rankaae, folder):
    def call(*arguments):
        done = rankaae(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    if not (folder / "runs").exists():
        sources = ["source=npy", "spectra=[a.npy,b.npy]", "labels=y.npy", "names=names.txt"]
        call("ingest", *CALL, *sources)
        trained = rankaae("train", *CALL, "kind=supervised", cwd=folder)
        assert "area under the curve 0." in trained.stderr and "trial 0" not in trained.stderr
    return call


def test_a_run_of_classes_is_evaluated(called, folder):
    said = called("evaluate", "resamples=50")
    assert "out of fold" in said
    evaluation = next(folder.glob("runs/*/*/*/evaluation"))
    metrics = json.loads((evaluation / "metrics.json").read_text())
    assert metrics["classes"]["Rare"]["reason"] == "fewer than ten molecules of yes or of no"
    assert metrics["out_of_fold"]["classes"]["Alcohol"]["balanced_accuracy"] > 0.85
    assert [one["edges"] for one in metrics["edges"]] == ["XANES", "XES", "all"]
    of_edge = {one["edges"]: one["classes"] for one in metrics["edges"]}
    assert of_edge["XANES"]["Alcohol"] > 0.85 > of_edge["XES"]["Alcohol"]
    assert of_edge["XES"]["1,3-Tautomerizable"] > 0.85 > of_edge["XANES"]["1,3-Tautomerizable"]
    assert [one["molecules"] for one in metrics["learning_curve"]][-1] == metrics["out_of_fold"]["n"]
    table = pd.read_csv(evaluation / "predictions.csv")
    assert set(table["Alcohol"]) <= {"yes", "no", "undecided"}


def test_a_rankaae_is_not_trained_on_classes(called, rankaae, folder):
    runs = list(folder.glob("runs/*/*/*"))
    done = rankaae("train", *CALL, "max_epochs=1", "trials=1", cwd=folder)
    assert done.returncode == 2
    assert "yes/no classes, which have no order for styles to keep\ngive kind=supervised" in done.stderr
    assert list(folder.glob("runs/*/*/*")) == runs


def test_a_run_of_classes_has_no_styles_to_traverse(called, rankaae, folder):
    done = rankaae("traverse", cwd=folder)
    assert done.returncode == 2
    assert "has no styles" in done.stderr.splitlines()[-1]


def test_new_molecules_are_told_with_an_edge_missing(called, folder):
    said = called("predict", "input=data/molecules.h5", "output=told")
    assert "spectra: " in said
    table = pd.read_csv(folder / "told" / "predictions.csv")
    assert len(table) == 150
    page = (folder / "told" / "page.html").read_text()
    yes = table[table["1,3-Tautomerizable"] == "yes"].iloc[0]
    row = page[page.index(f'scope="row">{yes["material"]}</th>') :].partition("</tr>")[0]
    assert f"1,3-Tautomerizable ({yes['1,3-Tautomerizable_probability']:.0%})" in row
    true = np.load(folder / "y.npy")[table["material"].str.removeprefix("a_").astype(int), 0]
    assert ((table["Alcohol"] == "yes") == (true == 1)).mean() > 0.85
    assert table["Rare"].isna().all()
    content = json.loads((folder / "told" / "predictions.json").read_text())
    assert set(content["molecules"][0]["classes"]) == {"Alcohol", "1,3-Tautomerizable"}
    sources = ["source=npy", "spectra=a.npy", "family.edges=[XANES]", "output=one.h5"]
    called("ingest", *CALL[:2], *sources)
    called("predict", "input=one.h5", "output=one")
    alone = pd.read_csv(folder / "one" / "predictions.csv")
    assert ((alone["Alcohol"] == "yes") == (table["Alcohol"] == "yes")).mean() > 0.8


def test_what_a_run_of_classes_cannot_predict_is_said(rankaae, called, folder):
    for arguments, said in (
        (["input=a.npy"], "a.npy is one array, the model reads XANES, XES"),
        (["input=data/molecules.h5", "offset=1"], "offset= is for descriptors"),
    ):
        done = rankaae("predict", *arguments, cwd=folder)
        assert done.returncode == 2
        assert said in done.stderr


def test_the_page_of_a_run_of_classes_is_whole(called, folder):
    page = folder / called("report").splitlines()[-1]
    text = page.read_text()
    assert "1,3-Tautomerizable" in text and "data:image/png;base64" in text
    for name in ("classes", "edges"):
        assert (page.parent / "tables" / f"{name}.tex").is_file()
    assert pd.read_csv(page.parent / "tables" / "edges.csv").shape[0] == 3


def test_a_run_of_some_edges_is_evaluated_and_predicts_from_files_with_more(called, folder):
    run = called("train", *CALL[:2], "family.edges=[XES]", "kind=supervised").splitlines()[-1]
    called("evaluate", f"run={run}", "resamples=20")
    metrics = json.loads((folder / run / "evaluation" / "metrics.json").read_text())
    assert metrics["edges"] == []
    of_class = metrics["out_of_fold"]["classes"]
    assert (
        of_class["1,3-Tautomerizable"]["balanced_accuracy"] > 0.85 > of_class["Alcohol"]["balanced_accuracy"]
    )
    said = called("predict", f"run={run}", "input=data/molecules.h5", "output=second")
    assert "145 molecules" in said


def test_runs_of_classes_are_reported_one_by_one(called, rankaae, folder):
    runs = sorted(str(path.relative_to(folder)) for path in folder.glob("runs/*/*/*"))
    done = rankaae("report", f"run=[{','.join(runs[:2])}]", cwd=folder)
    assert "not reported together" in done.stdout + done.stderr


def test_a_checkpoint_that_was_tampered_with_is_refused(called, rankaae, folder, tmp_path):
    run = next(
        path for path in sorted(folder.glob("runs/*/*/*")) if (path / "checkpoints" / "best.ckpt").is_file()
    )
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(run, copy)
    path = copy / "checkpoints" / "best.ckpt"
    content = torch.load(path, weights_only=True)
    for change in ({"novelty": content["novelty"] * np.nan}, {"decisions": content["decisions"][:1]}):
        torch.save({**content, **change}, path)
        done = rankaae("predict", f"run={copy}", f"input={folder / 'data' / 'molecules.h5'}")
        assert done.returncode == 2
        assert "is not a whole checkpoint" in done.stderr
