"""Extreme but legal data: what each kind of model makes of them, or in which words they are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.models.registry import load_model
from tests.small_runs import CALLS, write_data


def with_spectra(change):
    return lambda family: replace(family, spectra_NE=change(np.asarray(family.spectra_NE)).astype(np.float32))


def with_descriptors(change):
    return lambda family: replace(family, descriptors_NK=change(family.descriptors_NK.copy()))


def of_one_class(values_NK):
    values_NK[:, 1] = 4.0
    return values_NK


def one_known(values_NK):
    values_NK[3:] = np.nan
    return values_NK


def one_material(family):
    return replace(family, material_N=np.full(len(family), "m", dtype=object), site_N=np.arange(len(family)))


def twice(family):
    """Every row again, as another site of its material."""
    arrays = ("spectra_NE", "descriptors_NK", "quantities_NQ", "material_N", "split_N")
    doubled = {name: np.concatenate([getattr(family, name)] * 2) for name in arrays}
    features = family.features.with_rows(np.tile(np.arange(len(family)), 2))
    sites = np.arange(len(doubled["split_N"]))
    return replace(family, **doubled, site_N=sites, features=features, groups={})


ALL_THE_SAME = "all spectra of the data are the same"
NO_TWO_VALUES = "takes two known values in training and in validation"
ONE_SIDE = "are on two sides of the split"
# What each is, and what `rankaae train` says to it where it refuses it; of a kind, else of all.
EXTREMES = {
    "constant spectra": (with_spectra(lambda s: 0 * s + 1), {"": ALL_THE_SAME, "forward": ""}),
    "the same spectrum in all rows": (with_spectra(lambda s: 0 * s + s[:1]), {"": ALL_THE_SAME, "forward": ""}),
    "spectra that are constant each": (with_spectra(lambda s: 0 * s + s[:, -1:]), {}),
    "one row": (lambda family: family.with_rows([0]), {"": "side of the split"}),
    "one row a side": (
        lambda family: family.with_rows([int(np.argmax(family.split_N == side)) for side in range(3)]),
        {"": NO_TWO_VALUES, "forward": "cannot be held by"},
    ),
    "one material": (one_material, {"": ONE_SIDE}),
    "one class": (with_descriptors(of_one_class), {}),
    "all descriptors unknown": (with_descriptors(lambda d: d * np.nan), {"": NO_TWO_VALUES, "forward": ""}),
    "three known": (with_descriptors(one_known), {"": NO_TWO_VALUES, "forward": ""}),
    "rows twice": (twice, {}),
    "a million times as large": (with_spectra(lambda s: 1e6 * s), {}),
    "a millionth as large": (with_spectra(lambda s: 1e-6 * s), {}),
    "descriptors a million times as large": (with_descriptors(lambda d: 1e6 * d), {}),
}  # fmt: skip
SETTINGS = {
    "a batch of one": (("batch_size=1",), "batch_size=1 (expected at least 2)"),
    "a batch larger than the rows": (("batch_size=100000",), ""),
    "more styles than rows": (("model.free_styles=80",), ""),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return read_family(write_data("rankaae", tmp_path_factory.mktemp("data")))


def train(rankaae, kind, *settings):
    epochs = ("max_epochs=1",) if kind == "rankaae" else ()
    return rankaae("train", *CALLS[kind], *epochs, *settings, "hydra.run.dir=run")


def require_sound(done, folder, said):
    """A run that finished has finite weights and scores that are finite or said to be none; else a sentence."""
    if said:
        assert done.returncode == 2, done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("rankaae: ")]
        assert said in lines[0]
        assert not (folder / "run" / "checkpoints" / "best.ckpt").exists()
        return
    assert done.returncode == 0, done.stderr
    model = load_model(folder / "run" / "checkpoints" / "best.ckpt")
    made = (
        model.reconstruct(np.zeros((1, len(model.energy_E)), dtype=np.float32))
        if hasattr(model, "reconstruct")
        else 0
    )
    assert np.isfinite(made).all()


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("kind", ["rankaae", "supervised", "forward"])
def test_extreme_data(rankaae, data, tmp_path, kind, name):
    change, said = EXTREMES[name]
    write_family(tmp_path / "data.h5", change(data))
    require_sound(train(rankaae, kind), tmp_path, said.get(kind, said.get("", "")))


@pytest.mark.parametrize("name", SETTINGS)
def test_extreme_settings(rankaae, data, tmp_path, name):
    settings, said = SETTINGS[name]
    write_family(tmp_path / "data.h5", data)
    require_sound(train(rankaae, "rankaae", *settings), tmp_path, said)


@pytest.mark.parametrize("name", ["spectra that are constant each"])
def test_extreme_data_are_evaluated(rankaae, data, tmp_path, name):
    write_family(tmp_path / "data.h5", EXTREMES[name][0](data))
    assert train(rankaae, "supervised").returncode == 0
    done = rankaae("evaluate", "run=run", "resamples=5")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "evaluation" / "metrics.json").read_text())["n"] > 0
