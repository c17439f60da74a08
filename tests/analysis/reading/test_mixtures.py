"""A reader trained on mixtures of the shipped synthetic sample, and what is said of how it reads others."""

from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.analysis.encoded import encode_run
from rankaae_cli.analysis.prediction.calibration import calibrate_prediction, calibrating_rows
from rankaae_cli.analysis.prediction.predictor import Predictor
from rankaae_cli.analysis.reading.mixtures import mixture_findings, score_mixtures
from rankaae_cli.core.statistics.metrics import r2
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.mixtures import Recipe
from rankaae_cli.models.base import recipe_of
from rankaae_cli.models.registry import load_model
from rankaae_cli.models.supervised.fit import Task, fit
from rankaae_cli.models.supervised.settings import KernelRidgeSettings, MixtureSettings, ReaderSettings
from rankaae_cli.models.supervised.trained import from_checkpoint

SETTINGS = ReaderSettings(
    inputs=["spectrum"],
    rebuilding_error=0.1,
    random_forest=None,
    extra_trees=None,
    kernel_ridge=KernelRidgeSettings(components=20, gamma=1.0, alpha=0.1),
    network=None,
)
FAMILY = read_family(sample_path("Fe_oxides"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    task = Task(
        family=FAMILY,
        descriptor_classes={"OS": [2.0, 3.0]},
        trials=2,
        seed=5,
        folder=folder,
        model=SETTINGS,
        mixtures=MixtureSettings(of="OS", share=0.5, components=2),
    )
    assert "mixtures of OS" in task.description
    fit(task, lambda *_: None)
    return load_model(folder / "checkpoints" / "best.ckpt")


@pytest.fixture(scope="module")
def predictor(model):
    run = encode_run(model, FAMILY, "test")
    calibrated = calibrate_prediction(model, run.training, calibrating_rows(model, FAMILY))
    return run, Predictor(model, calibrated, 0.9, nearest=0)


@pytest.fixture(scope="module")
def scored(predictor):
    run, reads = predictor
    return score_mixtures(run, recipe_of(run.model), reads, 50, seed=0, count=60)


def test_the_checkpoint_says_what_was_mixed(model):
    assert recipe_of(model) == Recipe("OS", 0.5, 2, seed=5)
    rows = calibrating_rows(model, FAMILY)
    k = model.descriptor_names.index("OS")
    known = np.isfinite(rows.descriptors_NK[:, k])
    # Half of the rows are mixtures, and of these alone OS is known.
    assert known.sum() == np.isfinite(FAMILY.descriptors_NK[FAMILY.split_N == 1, k]).sum()
    assert {name.rsplit(" ", 1)[0] for name in rows.material_N[known]} == {"validation mixtures"}


def test_what_is_read_off_mixtures_has_no_classes(predictor):
    run, reads = predictor
    assert reads.calibration.class_probabilities_K[run.model.descriptor_names.index("OS")] is None
    assert len(set(np.round(reads.predict(run.split).value_NK[:, 0], 6))) > len(run.split.rows) / 2


def test_scores_are_those_of_the_table(scored):
    metrics, table = scored
    (row,) = metrics["rows"]
    assert row["components"] == 2 and row["n"] == len(table)
    assert row["reader"]["rmse"] == pytest.approx(np.sqrt(((table["read"] - table["true"]) ** 2).mean()))
    assert row["reader"]["r2"] == pytest.approx(r2(table["true"].to_numpy(), table["read"].to_numpy()))
    assert row["reader"]["coverage"] == pytest.approx(
        table["true"].between(table["low"], table["high"]).mean()
    )
    assert row["reader"]["coverage"] > 0.75
    assert row["ahead"] == pytest.approx(row["linear_combination"]["rmse"] - row["reader"]["rmse"])
    low, high = row["ahead_interval"]
    assert low <= high
    assert metrics["sets"] == table["materials"].nunique() > 1


def test_a_sentence_says_both(scored):
    metrics, _ = scored
    (line,) = mixture_findings(metrics, "test")
    assert line.startswith(
        "mean OS of 60 mixtures of two test spectra of different OS: root mean square error "
    )
    assert "linear combination of training spectra" in line
    worse = {**metrics["rows"][0], "ahead": -0.2, "ahead_interval": [-0.3, -0.1]}
    (line,) = mixture_findings(metrics | {"rows": [worse]}, "test")
    assert line.endswith("so the reader is behind by 0.200 (0.100 to 0.300)")
    alone = {**metrics["rows"][0], "linear_combination": None}
    (line,) = mixture_findings(metrics | {"rows": [alone]}, "test")
    assert "linear combination" not in line


def test_without_a_recipe_nothing_is_mixed(model):
    assert recipe_of(replace(model, mixtures=None)) is None
    pure = calibrating_rows(replace(model, mixtures=None), FAMILY)
    assert len(pure.rows) == (FAMILY.split_N == 1).sum()


@pytest.mark.parametrize("change", [{"of": "SO"}, {"share": 1.0}, {"components": 1}])
def test_a_checkpoint_with_impossible_mixtures_is_refused(model, change):
    content = model.to_dict()
    content["mixtures"] = {**content["mixtures"], **change}
    with pytest.raises(ValueError, match="cannot be drawn"):
        from_checkpoint(content)
