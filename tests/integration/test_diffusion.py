"""`rankaae train kind=diffusion` and what follows: structures from spectra."""

import csv
import json
import signal
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.structures.structure_set import structures_path, write_structures
from rankaae_cli.models.diffusion.fit import DenoisingScorer
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


def test_a_run_that_was_stopped_ends_as_another_and_is_checked(rankaae, refused, data, tmp_path, monkeypatch):
    done = rankaae("train", *TRAIN, "max_epochs=3")
    assert done.returncode == 0, done.stderr
    assert "a score network on 6 structures" in done.stdout + done.stderr
    first = runs(tmp_path)[0]
    with (first / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert all(0.1 < float(row["val_denoising"]) < 3 for row in rows)

    score, calls = DenoisingScorer.score, []

    def stopping(self, network):
        calls.append(network)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return score(self, network)

    monkeypatch.setattr(DenoisingScorer, "score", stopping)
    done = rankaae("train", *TRAIN, "max_epochs=3")
    assert done.returncode == 128 + signal.SIGTERM and "stopped after epoch 2" in done.stderr
    stopped = runs(tmp_path)[1]
    done = rankaae("train", f"resume={stopped}")
    assert done.returncode == 0, done.stderr
    assert len(calls) == 3
    expected = weights(first)
    assert all(torch.equal(value, expected[name]) for name, value in weights(stopped).items())

    checkpoint = first / "checkpoints" / "best.ckpt"
    content = torch.load(checkpoint, weights_only=True)
    for change in (
        {"noise": [0.5, 0.1]},
        {"conditions": content["conditions"][:, :1]},
        {"weights": {**content["weights"], "no_condition": torch.full((1, 8), float("nan"))}},
        {"condition": "smells"},
    ):
        torch.save({**content, **change}, checkpoint)
        with pytest.raises(UserError, match="is not a whole checkpoint"):
            load_model(checkpoint)


def test_the_condition_may_be_the_descriptors(rankaae, data, tmp_path):
    done = rankaae("train", *TRAIN, "max_epochs=1", "model.condition=descriptors")
    assert done.returncode == 0, done.stderr
    model = load_model(runs(tmp_path)[0] / "checkpoints" / "best.ckpt")
    conditions = model.conditions(np.array([[4.0], [5.0]]))
    fitted = family()
    known = fitted.descriptors_NK[fitted.split_N < 2]
    assert np.allclose(conditions, (np.array([[4.0], [5.0]]) - known.mean()) / known.std())


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


@pytest.fixture
def trained(rankaae, data, tmp_path):
    """The folder of a run of a tiny network."""
    done = rankaae("train", *TRAIN, "max_epochs=1")
    assert done.returncode == 0, done.stderr
    return runs(tmp_path)[0]


FEW = ("density=2.5", f"atoms={ATOMS}", "samples=2", "steps=4")


def test_structures_are_generated_for_a_target(rankaae, refused, trained, data, tmp_path):
    done = rankaae("predict", "input=c.h5", "split=test", "output=out", *FEW)
    assert done.returncode == 0, done.stderr
    frames = (tmp_path / "out" / "structures.extxyz").read_text().splitlines()
    assert len(frames) == 2 * (ATOMS + 2) and frames[0] == str(ATOMS)
    edge = (ATOMS * 12.011 / (0.602214 * 2.5)) ** (1 / 3)
    assert float(frames[1].split('"')[1].split()[0]) == pytest.approx(edge, rel=1e-5)
    positions = np.array([line.split()[1:] for line in frames[2 : 2 + ATOMS]], dtype=float)
    apart = positions[:, None] - positions
    distance = np.linalg.norm(apart - edge * (apart / edge).round(), axis=2)
    assert distance[distance > 0].min() > 1.099
    assert (tmp_path / "out" / "cif" / "2.cif").read_text().count(" C ") == ATOMS
    with (tmp_path / "out" / "structures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["structure"] for row in rows] == ["1", "2"]
    assert all(0 <= float(row["rings_distance"]) <= 1 for row in rows)
    page = (tmp_path / "out" / "page.html").read_text()
    assert page.count("data:image/") == 2 and "2 structures at 2.5" in page
    assert "between two of them coordination" in done.stdout

    # One spectrum alone, and again the same structures.
    np.savetxt(tmp_path / "mean.txt", family().spectra_NE.mean(axis=0)[None])
    for output in ("one", "again"):
        done = rankaae("predict", "input=mean.txt", f"output={output}", "figures=0", *FEW)
        assert done.returncode == 0, done.stderr
    first, second = ((tmp_path / name / "structures.extxyz").read_bytes() for name in ("one", "again"))
    assert first == second

    for arguments, message in (
        ((f"atoms={ATOMS}",), "density= is missing"),
        ((*FEW, "density=40"), "density=40 cannot be: C would have 2.01 atoms a cubic angstrom"),
        ((*FEW, "atoms=3"), "the cell is 2.88 angstrom wide, less than twice the cut-off of 2.4 angstrom"),
        ((*FEW, "atoms=0"), "atoms=0 (expected at least 1)"),
        ((*FEW, "density=-1"), "density=-1.0 (expected positive)"),
        ((*FEW, f"forward={trained}"), "does not simulate spectra"),
        ((*FEW, "mixture=CN"), "mixture= is for descriptors, this run generates structures"),
    ):
        assert message in refused("predict", "input=mean.txt", "output=no", *arguments)
    assert not (tmp_path / "no").exists()
    np.savetxt(tmp_path / "short.txt", np.ones((1, 9)))
    assert "row 1: the row has 9 values, the family's grid 10" in refused("predict", "input=short.txt", *FEW)
    other = replace(family(), energy_E=np.arange(10.0) + 1)
    write_family(tmp_path / "shifted.h5", other)
    assert "is on another grid (10 points, 1 to 10 index) than this run" in refused(
        "predict", "input=shifted.h5", *FEW
    )
    write_family(tmp_path / "oxygen.h5", replace(family(), element="O"))
    assert "holds O K spectra, and this run was trained on C K alone" in refused(
        "predict", "input=oxygen.h5", *FEW
    )


def test_an_evaluation_holds_structures_against_a_split(rankaae, refused, trained):
    done = rankaae("evaluate", "samples=2", "steps=3")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((trained / "evaluation" / "metrics.json").read_text())
    assert metrics["structures"] == ["c3", "c7"] and metrics["cells"] == 2
    table = pd.read_csv(trained / "evaluation" / "structure_distances.csv")
    assert table.groupby("row").size().to_dict() == {
        "generated": 2,
        "unconditional": 2,
        "two of the split": 1,
        "nearest spectra": 2,
        "copied from 2.5 g/cm3": 1,
    }
    means = table.groupby("row")[["coordination", "angles", "rings"]].mean()
    for label, row in means.iterrows():
        assert metrics["distances"][label]["angles"] == pytest.approx(row["angles"], rel=1e-4)
    low, high = metrics["distances"]["generated"]["interval"]["angles"]
    values = table[table.row == "generated"].angles
    assert (high - low) / 2 == pytest.approx(12.7062 * values.std() / np.sqrt(2), rel=1e-3)
    assert "of atoms have as many bonds as the atom whose spectrum conditions them" in done.stdout
    done = rankaae("report")
    assert done.returncode == 0, done.stderr
    page = (trained / "report" / "report.html").read_text()
    assert "Nearest spectra" in page and "Structures along each descriptor" not in page
    message = refused("evaluate", "baselines=[vae]")
    assert "this run generates structures" in message


def test_a_walk_generates_structures_along_each_descriptor(rankaae, refused, trained, tmp_path):
    # Another course from the weights of a run goes on where that one ended.
    done = rankaae("train", f"start={trained}", "data=c.h5", "kind=diffusion", "max_epochs=1", "then=report")
    assert "no page yet: evaluate the run first" in done.stderr
    assert done.returncode == 0, done.stderr
    before, after = (pd.read_csv(run / "metrics.csv").val_denoising[0] for run in runs(tmp_path))
    assert after < before
    assert "was not evaluated on its test split\nrankaae evaluate run=" in refused("report", f"run={trained}")
    done = rankaae("traverse", f"run={trained}", "levels=3", "steps=3", "samples=2")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(trained / "traversal" / "steering.csv")
    assert table.groupby("descriptor").size().to_dict() == {"CN": 6}
    content = json.loads((trained / "traversal" / "traversal.json").read_text())
    assert content["walks"]["CN"]["slope"] == pytest.approx(
        np.polyfit(table.asked, table.found, 1)[0], rel=1e-3
    )
    known = family().descriptors_NK[family().split_N < 2]
    assert table.asked.min() >= known.min() and table.asked.max() <= known.max()
    assert (trained / "traversal" / "steering.png").is_file()
    assert "temperature=-1.0 (expected at least 0)" in refused("traverse", "temperature=-1")
