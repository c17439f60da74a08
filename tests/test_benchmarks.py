"""The benchmarks are not run here, but what they rest on holds."""

import importlib
import random
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from scipy import stats

from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.splits import TEST, TRAIN, VALIDATION
from tests.benchmarks import training
from tests.benchmarks.ablations import ABLATIONS
from tests.benchmarks.kills import survived
from tests.benchmarks.labelled_fraction import (
    PARTS,
    epochs_for_equal_steps,
    labelled_rows,
    paired,
    without_labels,
)
from tests.benchmarks.measured_spectra import agreement
from tests.benchmarks.scores import multiplied, open_family
from tests.configuration import composed

MODULES = sorted(p.stem for p in (Path(__file__).parent / "benchmarks").glob("[!_]*.py"))
NAMES = [name for name, _ in ABLATIONS]


@pytest.mark.parametrize("name", MODULES)
def test_imports(name):
    importlib.import_module(f"tests.benchmarks.{name}")


def test_the_speed_of_training_is_measured_where_there_is_no_gpu(capsys):
    training.main(["--device", "cpu", "--trials", "2", "--rows", "64", "--epochs", "2"])
    head, _, row, *_, campaign = capsys.readouterr().out.splitlines()
    assert "64 training rows of 256 points" in head and row.split()[0] == "2"
    assert re.fullmatch(
        r"57000 spectra .* 100 trials of 1500 epochs, .*: \d+ h on one thread of .*", campaign
    )


def test_ablations_have_names_of_their_own():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("name", "overrides"), ABLATIONS, ids=NAMES)
def test_ablation_composes(name, overrides):
    changed = composed("train", "+family=Cu_oxides", *multiplied(overrides))
    default = composed("train", "+family=Cu_oxides")
    assert not OmegaConf.missing_keys(changed)
    assert (changed == default) == (name == "default"), "what is called a change is none"


def test_a_factor_multiplies_the_default():
    weight = composed("train").objective.prior.weight
    assert multiplied(["seed=1", "objective.prior.weight*=0.5"]) == [
        "seed=1",
        f"objective.prior.weight={weight * 0.5}",
    ]


def test_a_measured_spectrum_is_shifted_onto_a_simulated_one_before_they_are_compared():
    grid, energy = np.arange(924, 988, 0.25), np.arange(900, 1000, 0.1)
    spectrum = 0.5 + np.arctan(grid - 940) / np.pi
    measured = 0.5 + np.arctan(energy + 1.5 - 940) / np.pi + 0.01
    offset, error, rho = agreement(energy, measured, grid, spectrum, search=5)
    assert (offset, error, rho) == (
        pytest.approx(1.5, abs=0.3),
        pytest.approx(0.01, abs=0.005),
        pytest.approx(1),
    )


@pytest.mark.parametrize(
    ("stage", "by"),
    [
        ("ingest", signal.SIGKILL),
        ("training of diffusion", signal.SIGKILL),
        ("live prediction", signal.SIGKILL),
        ("training of rankaae", signal.SIGTERM),
        pytest.param("report", signal.SIGKILL, marks=pytest.mark.slow),
        pytest.param("evaluation", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_a_stage_that_is_killed_ends_as_one_left_alone(tmp_path, stage, by):
    assert survived(stage, 1, random.Random(1), tmp_path, by) == 0


class TestLabelledParts:
    @pytest.fixture(scope="class")
    def family(self):
        return open_family(str(sample_path("Ti_oxides")))

    def test_are_of_materials_of_either_side_and_nested(self, family):
        smaller_N = np.zeros(len(family), dtype=bool)
        for part in (*PARTS, 1.0):
            labelled_N = labelled_rows(family, part, seed=0)
            assert labelled_N[family.split_N == TEST].all() and (labelled_N >= smaller_N).all()
            assert set(family.material_N[labelled_N]).isdisjoint(family.material_N[~labelled_N])
            for side in (TRAIN, VALIDATION):
                on_side_N = family.split_N == side
                materials, kept = (
                    len(set(family.material_N[rows])) for rows in (on_side_N, on_side_N & labelled_N)
                )
                assert part <= kept / materials < part + 1 / materials
            smaller_N = labelled_N
        assert smaller_N.all()

    def test_the_rest_stays_without_labels(self, family):
        labelled_N = labelled_rows(family, 0.1, seed=0)
        unlabelled = without_labels(family, labelled_N)
        assert (np.isnan(unlabelled.descriptors_NK).all(axis=1) == ~labelled_N).all()
        assert (unlabelled.spectra_NE == family.spectra_NE).all()

    def test_every_part_takes_as_many_steps(self, family):
        rows = int((family.split_N == TRAIN).sum())
        fewer = family.with_rows(labelled_rows(family, 0.05, seed=0))
        assert epochs_for_equal_steps(family, family, batch_size=128, epochs=300) == 300
        assert epochs_for_equal_steps(family, fewer, batch_size=128, epochs=300) == 300 * -(-rows // 128)

    def test_differences_are_paired_with_an_interval_of_student(self):
        draws, others = (
            [{"mean": value} for value in values] for values in ((0.6, 0.5, 0.7), (0.5, 0.5, 0.5))
        )
        test = stats.ttest_1samp([0.1, 0.0, 0.2], 0)
        expected = (0.1, *test.confidence_interval(0.95))
        assert paired(draws, others, "mean") == pytest.approx(expected)
