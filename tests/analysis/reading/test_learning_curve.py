"""The learning curve of a reader of the shipped synthetic sample, trained anew on fewer materials."""

import numpy as np
import pytest

from rankaae_cli.analysis.reading.learning_curve import learning_curve
from rankaae_cli.core.statistics.metrics import mean_spearman
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.load import load_run
from tests.conftest import in_process

SETTINGS = ("model=kernel_ridge", "model.inputs=[spectrum]", "trials=2")
METRICS = {
    "run": "a",
    "family": "Fe_oxides",
    "element": "Fe",
    "edge": "K",
    "source": "synthetic",
    "synthetic": True,
}
METRICS |= {"resamples": 40, "seed": 3}


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    in_process(folder, "train", "kind=supervised", "+family=Fe_oxides", *SETTINGS)
    directory, model, family = load_run(str(next(folder.glob("runs/*/*/*"))))
    lines: list[str] = []
    content, table = learning_curve(
        directory, model, family, METRICS | {"checkpoint_sha256": ""}, lines.append
    )
    return directory, family, content, table, lines


def test_materials_double_up_to_those_of_the_run(curve):
    _, family, _, table, lines = curve
    count = len(set(family.material_N[family.split_N == TRAIN]))
    assert table["materials"].unique().tolist() == [round(count / n) for n in (8, 4, 2, 1)]
    assert table["rows"].is_monotonic_increasing
    assert len(lines) == 3


def test_the_run_itself_is_the_end(curve):
    directory, family, _, table, _ = curve
    model = load_model(directory / "checkpoints" / "best.ckpt")
    rows = family.split_N == 2
    read = model.indicators(family.spectra_NE[rows]).mean(axis=0)
    last = table[table["split"] == "test"].iloc[-1]
    assert last["mean_spearman"] == pytest.approx(mean_spearman(read, family.descriptors_NK[rows]), abs=0.01)
    assert last["low"] <= last["mean_spearman"] <= last["high"]


def test_the_gain_of_the_last_doubling_is_said(curve):
    _, _, content, table, _ = curve
    score = table[table["split"] == "test"]["mean_spearman"].to_numpy()
    assert content["gain"] == pytest.approx(score[-1] - score[-2])
    assert score[-1] > score[0]
    (line,) = content["findings"]
    assert np.isfinite(content["gain_interval"]).all() and "materials" in line
