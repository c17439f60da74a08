"""`rankaae train teacher=RUN`: what stands in for descriptors that training spectra lack, and what is refused."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.models.registry import load_model
from tests.conftest import in_process

NAMES = ["OS", "CN", "NNRS"]
ENERGY = np.linspace(7111, 7175, 40)
QUICK = ("trials=1", "max_epochs=2", "model.hidden=8", "model.free_styles=1", "batch_size=50", "device=cpu")


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A folder with ``few.h5``, of few labels, a reader fitted to these, ``reader``, and a run taught by it."""
    folder = tmp_path_factory.mktemp("work")
    family = synthetic_family("Fe_oxides", "Fe", "K", ENERGY, NAMES, 150)
    write_family(folder / "all.h5", family)
    unknown_N = (family.split_N == TRAIN) & (np.arange(len(family)) % 4 > 0)
    few_NK = np.where(unknown_N[:, None], np.nan, family.descriptors_NK)
    few_NK[::8, 0] = np.nan  # known in part
    write_family(folder / "few.h5", replace(family, descriptors_NK=few_NK.astype(np.float32)))
    reader = ("kind=supervised", "trials=1", "model=extra_trees", "model.extra_trees.trees=20")
    train(folder, "few.h5", "reader", *reader)
    train(folder, "few.h5", "run", "teacher=reader", *QUICK)
    return folder


@pytest.fixture
def folder(taught, tmp_path):
    """A copy of these that a test may change."""
    shutil.copytree(taught, tmp_path, dirs_exist_ok=True)
    for path in (*tmp_path.glob("*/provenance.json"), *tmp_path.glob("*/config.yaml")):
        path.write_text(path.read_text().replace(str(taught), str(tmp_path)))
    return tmp_path


def train(folder, data, run, *arguments):
    where = f"hydra.run.dir={folder / run}"
    done = in_process(folder, "train", "+family=Fe_oxides", f"data={data}", where, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def losses(run):
    with (run / "metrics.csv").open() as file:
        return [float(row["train_rank"]) for row in csv.DictReader(file)]


def test_readings_stand_in_for_what_is_not_known_alone(folder):
    family = read_family(folder / "few.h5")
    model = load_model(folder / "reader" / "checkpoints" / "best.ckpt")
    read_NK = model.indicators(family.spectra_NE[:]).mean(axis=0)
    for read_N, known_N in zip(read_NK.T, family.descriptors_NK.T, strict=True):
        fitted_N = (family.split_N == TRAIN) & np.isfinite(known_N)
        line = stats.linregress(read_N[fitted_N], known_N[fitted_N])
        read_N[:] = line.intercept + line.slope * read_N
    filled_N = (family.split_N == TRAIN)[:, None] & np.isnan(family.descriptors_NK)
    filled_NK = np.where(filled_N, read_NK, family.descriptors_NK).astype(np.float32)
    write_family(folder / "filled.h5", replace(family, descriptors_NK=filled_NK))
    # All have labels there, so that a share of the batches is none of it.
    train(folder, "filled.h5", "by_hand", *QUICK, "labelled_share=0")
    stderr = train(folder, "few.h5", "by_reader", *QUICK, "labelled_share=0", "teacher=reader")
    assert "descriptors that training spectra lack are taken as reader reads them" in stderr.replace(
        "\n", " "
    )
    assert losses(folder / "by_reader") == pytest.approx(losses(folder / "by_hand"), rel=1e-4)


def test_few_labels_are_remarked_on_where_nobody_teaches(folder):
    remark = "training spectra have descriptors: those without may make the reading worse"
    assert remark in train(folder, "few.h5", "alone", *QUICK).replace("\n", " ")
    assert remark not in train(folder, "all.h5", "enough", *QUICK).replace("\n", " ")


def test_rows_that_are_taught_do_not_count_as_labelled(folder):
    train(folder, "few.h5", "natural", *QUICK, "labelled_share=0", "teacher=reader")
    assert losses(folder / "natural") != losses(folder / "run")


def test_the_run_says_who_taught_it(folder):
    about = json.loads((folder / "run" / "provenance.json").read_text())["teacher"]
    assert (
        about["kind"] == "supervised"
        and about["run"] == str(folder / "reader")
        and len(about["checkpoint_sha256"]) == 64
    )


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        ("all.h5", (), "reads OS, CN, NNRS: no training spectrum lacks any of these\nleave teacher= out"),
        ("few.h5", ("split_seed=1",), "side in the run of teacher= (one of"),
        ("few.h5", ("split_by=formula",), "but the run of teacher= is split by material"),
        ("few.h5", ("teacher=nothing",), "nothing"),
        ("shifted.h5", (), "than the run of teacher= ("),
        ("copper.h5", ("family.element=Cu",), "but the run of teacher= Fe K-edge spectra over eV"),
    ],
)
def test_what_cannot_teach_is_refused(folder, data, arguments, message):
    family = read_family(folder / "few.h5")
    write_family(folder / "shifted.h5", replace(family, energy_E=family.energy_E + 1))
    write_family(folder / "copper.h5", replace(family, element="Cu"))
    call = ("train", "+family=Fe_oxides", f"data={data}", "teacher=reader", *QUICK, *arguments)
    done = in_process(folder, *call)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert not (folder / "runs").exists()
