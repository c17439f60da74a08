"""Models that ship: spectra are read on a machine that has nothing but the program."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rankaae_cli.analysis.prediction.calibration import CACHE
from rankaae_cli.analysis.prediction.offset import OffsetFile, write_offset
from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.reports.pretrained import averages_of_neighbours, pack
from rankaae_cli.runs import shipped
from rankaae_cli.runs.directory import BEST, CONFIG
from rankaae_cli.runs.shipped import CARD, NOTICE, OFFSET, find_shipped, shipped_models
from tests.copper_run import scan
from tests.shipped_scan import NAME, shipped_scan

MOST_BYTES = 3_000_000
FILES = {str(BEST), CONFIG, "evaluation/metrics.json", CARD, NOTICE, OFFSET, str(CACHE), "provenance.json"}
# What predictions rest on, all of it derived: no spectra, no descriptors or names of sites.
DERIVED = {
    "version",
    "checkpoint",
    "signs_N3",
    "training_TMS",
    "known_range_K2",
}
DERIVED |= {"extremes_K2", "resolution_K", "usual"}
FITTED = ("nodes_", "root_T_", "classes_", "coefficients_", "intercept_")
FITTED += ("score_N_", "knot_M_", "rank_M_", "shares_", "mean_error_", "likelihood_N_", "counts_")
# Of the machine that trained, where a word begins; a web address is none.
ABSOLUTE_PATH = re.compile(r"(?<![\w/.:>-])(/[\w.-]+){2}|\b[A-Z]:\\")


@pytest.fixture(scope="module")
def made():
    return shipped_scan()


@pytest.fixture
def read(rankaae, tmp_path, made):
    """Predict the scan with what a call adds; return the process and the row of predictions.csv."""
    (tmp_path / "scan.xdi").write_text(made[0])

    def call(*overrides):
        output = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        done = rankaae(
            "predict", f"model={NAME}", "input=scan.xdi", f"output={output}", "figures=0", *overrides
        )
        assert done.returncode == 0, done.stderr
        return done, pd.read_csv(output / "predictions.csv").iloc[0]

    return call


def test_a_measured_spectrum_is_read_without_a_run(read, made, tmp_path):
    done, row = read()
    assert row.verdict == "in range" and row.reconstruction_mae < 0.02
    for name, value in made[1].items():
        assert row[f"{name}_low"] <= value <= row[f"{name}_high"], name
        assert abs(row[name] - value) < 0.35 * (row[f"{name}_high"] - row[f"{name}_low"]), name
    assert (row.offset, row.offset_uncertainty) == (5.3, 1.0)
    assert f"+5.3 ± 1 eV (that of the model {NAME})" in done.stdout
    assert np.isnan(row.nearest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out1", "scan.xdi"]


def test_an_offset_of_the_call_is_absolute(read):
    _, own = read()
    done, same = read("offset=5.3", "offset_uncertainty=1")
    assert "(given)" in done.stdout and own.drop("warnings").equals(same.drop("warnings"))
    _, other = read("offset=2")
    assert other.offset == 2 and other.reconstruction_mae > own.reconstruction_mae


def test_a_number_of_neighbours_is_said_to_have_no_effect(read):
    line = "nearest=3 has no effect: no training spectra ship with a model"
    assert line in read("nearest=3")[0].stderr
    assert "has no effect" not in read("nearest=0")[0].stderr + read()[0].stderr


def test_the_page_names_the_model_and_no_neighbours(rankaae, tmp_path, made):
    (tmp_path / "scan.xdi").write_text(made[0])
    assert rankaae("predict", f"model={NAME}", "input=scan.xdi", "output=out").returncode == 0
    page = (tmp_path / "out" / "page.html").read_text()
    assert f"read with the model {NAME}" in page and "Nearest of training" not in page
    content = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert Path(content["model"]) == find_shipped(NAME) and "run" not in content
    assert content["spectra"][0]["nearest"] == []


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model=Cu_oxide"], f"no model Cu_oxide ships; did you mean {NAME}?"),
        (["model="], f"model= names no model\nthere are: {NAME}"),
        (["+model=nickel"], f"no model nickel ships; there are: {NAME}"),
        (["model=runs/mine"], "a run of yours is given as run="),
        ([f"model={NAME}", "run=latest"], "run= and model= both name"),
        ([f"model={NAME}", "mixture=OS"], "mixture=OS: a model that ships holds no spectra to mix"),
        ([f"model={NAME}", "input=fe.csv"], "there is no file or folder fe.csv"),
    ],
)
def test_refused(refused, tmp_path, made, overrides, said):
    (tmp_path / "scan.xdi").write_text(made[0])
    assert said in refused("predict", "input=scan.xdi", "output=out", *overrides)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.xdi"]


def test_without_a_run_the_models_that_ship_are_named(refused):
    said = refused("predict", "input=scan.xdi")
    assert "there is no finished run" in said and f"take a model that ships: model={NAME}" in said


def strings_in(content):
    """All strings in nested dicts and lists, keys included."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        content = [*content, *content.values()]
    return (
        [text for part in content for text in strings_in(part)] if isinstance(content, list | tuple) else []
    )


@pytest.mark.parametrize("name", shipped_models())
def test_ships_nothing_of_the_data_or_of_the_machine_that_trained(name):
    directory = find_shipped(name)
    paths = [path for path in directory.rglob("*") if path.is_file()]
    assert {str(path.relative_to(directory)) for path in paths} == FILES
    assert sum(path.stat().st_size for path in paths) < MOST_BYTES
    checkpoint = torch.load(directory / BEST, weights_only=True)
    points = len(checkpoint["energy"])
    with np.load(directory / CACHE) as file:
        arrays = dict(file)
    assert {key for key in arrays if not key.startswith(FITTED)} == DERIVED
    assert not any(points in array.shape for array in arrays.values())
    assert [key for key, array in arrays.items() if array.dtype.kind in "SUO"] == ["checkpoint"]
    rows = json.loads((directory / "provenance.json").read_text())["data"]
    assert rows and all("/" not in entry["path"] for entry in rows)
    assert not any(ABSOLUTE_PATH.search(text) for text in strings_in(checkpoint))
    for path in paths:
        content = path.read_bytes()
        assert b"mp-" not in content, path
        assert path.suffix in (".ckpt", ".npz") or not ABSOLUTE_PATH.search(content.decode()), path


def test_models_are_listed_with_what_they_read(rankaae):
    listed = rankaae("models")
    assert listed.returncode == 0
    for name in shipped_models():
        assert f"{name}: Cu K edge" in listed.stdout and "spectra of" not in listed.stderr
        card = rankaae("models", f"model={name}").stdout
        assert f"rankaae predict model={name} input=" in card
        assert "## Energy offset" in card and "+5.3 ± 1 eV" in card
        assert (find_shipped(name) / NOTICE).read_text().strip() in card
    assert f"models that ship: {', '.join(shipped_models())}" in rankaae("--help").stdout
    unknown = rankaae("models", "model=Cu_oxids")
    assert unknown.returncode == 2 and f"did you mean {NAME}?" in unknown.stderr


def test_a_packed_run_predicts_as_the_run_does(work, tmp_path, monkeypatch, blank_figures):
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path / "pretrained")
    target = tmp_path / "pretrained" / "small"
    target.mkdir(parents=True)
    (target / NOTICE).write_text("Made up.\n")
    write_offset(
        target / OFFSET, OffsetFile("Cu", "K", "measured", "synthetic", "", 0.4, 0.2, note="Made up.")
    )
    run = next(work.glob("runs/*/*/*"))
    assert pack(str(run), "small") == target
    (tmp_path / "a.xdi").write_text(scan(read_family(work / "cu.h5"), 3))
    common = ("predict", f"input={tmp_path}/a.xdi", "figures=0")
    assert main([*common, "model=small", f"output={tmp_path}/a"]) == 0
    given = ("offset=0.4", "offset_uncertainty=0.2")
    assert main([*common, f"run={run}", *given, f"output={tmp_path}/b"]) == 0
    ours, theirs = (pd.read_csv(tmp_path / output / "predictions.csv") for output in "ab")
    # Of distances from training spectra a model that ships knows those from means of neighbours alone.
    distances = ["nearest", "novelty", "novelty_p"]
    pd.testing.assert_frame_equal(
        ours.drop(columns=distances), theirs.drop(columns=distances), check_exact=True
    )
    assert ours.verdict.tolist() == ["in range"] and ours.nearest.isna().all()
    assert ours.novelty.item() == pytest.approx(theirs.novelty.item(), abs=0.1)
    assert ours.novelty_p.item() == pytest.approx(theirs.novelty_p.item(), abs=0.05)
    card = (target / CARD).read_text()
    assert "Made up." in card and "+0.4 ± 0.2 eV" in card


@pytest.mark.parametrize("rows", [2, 7, 158])
def test_styles_that_ship_are_means_of_several_rows(rows):
    styles_TMS = np.random.default_rng(0).normal(size=(2, rows, 4))
    averages_TGS = averages_of_neighbours(styles_TMS)
    assert averages_TGS.shape == (2, max(rows // 3, 1), 4)
    weights = np.full(averages_TGS.shape[1], 3.0)
    weights[-1] += rows - weights.sum()  # the last group has what is left
    np.testing.assert_allclose(weights @ averages_TGS[0] / rows, styles_TMS[0].mean(0), atol=1e-12)
    apart = np.linalg.norm(styles_TMS[0][:, None] - averages_TGS[0], axis=-1)
    assert rows < 3 or apart.min() > 0.05
