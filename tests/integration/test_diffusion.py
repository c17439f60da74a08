"""`rankaae train kind=diffusion` and what follows: structures from spectra."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.structures.structure_set import structures_path, write_structures
from rankaae_cli.models.registry import load_model
from tests.models.diffusion.carbon import ATOMS, family

SMALL = (
    *("model.cutoff=2.4", "model.layers=1", "model.width=8", "model.pair_width=6", "model.channels=2"),
    *("model.radial=5", "model.components=2", "batch_size=16", "save_every=1"),
)
TRAIN = ("kind=diffusion", "+family=amorphous_carbon", "data=c.h5", "family.energy.points=10", *SMALL)


def write(folder, data):
    write_family(folder / "c.h5", data)
    write_structures(structures_path(folder / "c.h5"), data.structures, data.rows)


def runs(folder):
    return sorted(folder.glob("runs/*/*/*"))


@pytest.fixture
def data(tmp_path):
    write(tmp_path, family())
    return tmp_path / "c.h5"


def weights(run):
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return {**best["weights"], **last["state_dict"], "scores": best["scores_T"]}


def test_training_repeats_resumes_and_is_checked(rankaae, refused, data, tmp_path):
    done = rankaae("train", *TRAIN, "max_epochs=4")
    assert done.returncode == 0, done.stderr
    assert "a score network on 6 structures" in done.stdout + done.stderr
    first = runs(tmp_path)[0]
    with (first / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    assert all(0.1 < float(row["val_denoising"]) < 3 for row in rows)
    # Stopped after two epochs of four, and gone on with.
    assert rankaae("train", *TRAIN, "max_epochs=4").returncode == 0
    second = runs(tmp_path)[1]
    expected = weights(first)
    assert all(torch.equal(value, expected[name]) for name, value in weights(second).items())

    message = refused("evaluate", f"run={first}")
    assert "kind diffusion) does not predict descriptors" in message
    checkpoint = first / "checkpoints" / "best.ckpt"
    content = torch.load(checkpoint, weights_only=True)
    for change in (
        {"noise": [0.5, 0.1]},
        {"told": content["told"][:, :1]},
        {"weights": {**content["weights"], "untold": torch.full((1, 8), float("nan"))}},
        {"condition": "smells"},
    ):
        torch.save({**content, **change}, checkpoint)
        assert "is not a whole checkpoint" in refused("evaluate", f"run={first}")


def test_a_run_goes_on_where_it_was_stopped(rankaae, data, tmp_path, monkeypatch):
    import signal

    from rankaae_cli.models.diffusion.fit import DenoisingScorer

    assert rankaae("train", *TRAIN, "max_epochs=4").returncode == 0
    score, calls = DenoisingScorer.score, []

    def stopping(self, network):
        calls.append(network)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return score(self, network)

    monkeypatch.setattr(DenoisingScorer, "score", stopping)
    done = rankaae("train", *TRAIN, "max_epochs=4")
    assert done.returncode == 128 + signal.SIGTERM and "stopped after epoch 2" in done.stderr
    stopped = runs(tmp_path)[1]
    done = rankaae("train", f"resume={stopped}")
    assert done.returncode == 0, done.stderr
    assert len(calls) == 4
    expected = weights(runs(tmp_path)[0])
    assert all(torch.equal(value, expected[name]) for name, value in weights(stopped).items())


def test_the_condition_may_be_the_descriptors(rankaae, data, tmp_path):
    done = rankaae("train", *TRAIN, "max_epochs=1", "model.condition=descriptors")
    assert done.returncode == 0, done.stderr
    model = load_model(runs(tmp_path)[0] / "checkpoints" / "best.ckpt")
    told = model.told(np.array([[4.0], [5.0]]))
    fitted = family()
    known = fitted.descriptors_NK[fitted.split_N < 2]
    assert np.allclose(told, (np.array([[4.0], [5.0]]) - known.mean()) / known.std())


def test_what_cannot_be_trained_on_is_said(refused, rankaae, data, tmp_path):
    narrow = refused("train", *TRAIN, "max_epochs=1", "model.cutoff=4.5")
    assert (
        "angstrom wide, less than twice the cut-off of 4.5 angstrom\ngive a smaller model.cutoff=" in narrow
    )
    assert "model.least_noise=2 is not below model.most_noise=0.8" in refused(
        "train", *TRAIN, "model.least_noise=2"
    )
    assert "model.layers=0 (expected at least 1)" in refused("train", *TRAIN, "model.layers=0")
    mixed = family()
    one = mixed.structures["c0"]
    other = replace(one, species=("C",) * ATOMS + ("O",), positions=np.vstack([one.positions, [0, 0, 0]]))
    write(tmp_path, replace(mixed, structures={**mixed.structures, "c0": other}))
    assert "structure 'c0' holds O beside C" in refused("train", *TRAIN)
    structures_path(data).unlink()
    message = refused("train", *TRAIN)
    assert "has no structures beside it (c.h5.structures.h5)\ningest it from structures again" in message
    assert not runs(tmp_path)


def test_snapshots_of_one_network_across_the_split_are_warned_of(rankaae, tmp_path):
    mixed = family()
    sides = np.where(np.isin(mixed.material_N, ("c4", "c5")), 2, mixed.split_N).astype(np.uint8)
    write(tmp_path, replace(mixed, split_N=sides, split_by="material"))
    done = rankaae("train", *TRAIN, "max_epochs=1", "split_by=material")
    assert done.returncode == 0, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "warning: c0 and c4 (and 1 more pairs) are on two sides of the split with the same cell" in said
