"""What a wrong call is told, and that following the advice works."""

import re
import shlex

import pytest
from hydra.errors import MissingConfigException

from rankaae_cli.commands.usage.call_errors import call_error_message

FAMILY = """
name: Zn_any
element: Zn
edge: K
energy: {start: 9655.0, step: 0.25, points: 256, unit: eV}
descriptors: {CN: }
neighbours: {method: crystal_nn}
keep: null
data: data/Zn_any.h5
"""
INGEST = ("ingest", "+family=Fe_oxides", "source=xdi")


@pytest.mark.parametrize("name", ["foil-8,5mu.dat", "O'Brien.dat", "scan (1).dat", "a=b.dat", "é [2].dat"])
def test_the_advice_on_a_path_works_when_pasted(refused, name):
    message = refused(*INGEST, f"path={name}")
    pasted = shlex.split(re.search(r"write (.*?)(?: for one text.*)?$", message.strip())[1])
    assert f"there is no file or folder {name}" in refused(*INGEST, *pasted)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("predict", "input=a,b.xdi"), "'input=[a,b.xdi]' for a list, or add -m"),
        (("train", "+family=Fe_oxides", "logger=csv,mlflow"), "choose one of csv, mlflow, none"),
        (("train", "+family=Fe_oxides", "trials=1,2"), "add -m to make one job of each"),
        (("train", "+family=Fe_oxides", "optimiser.rate=0,01"), "a number with a point for decimals"),
        (("train", "+family=Fe_oxides", "trials=range(1,3)"), "add -m to make"),
        (("train", "+family=Fe_oxides", "optimiser.rate=interval(1,3)"), "add -m and hydra/sweeper=optuna"),
        (("train", "+family=Fe_oxides", "+trials=3"), "write trials=... without the +"),
        ((*INGEST, "pth=a,b"), "did you mean path?"),
        ((*INGEST, "path=my", "scan.dat"), "write \"path='my scan.dat'\""),
        (("predict", "CuO.xdi"), "such as input=CuO.xdi"),
        ((*INGEST, "path=~/scan.dat"), "the shell has left the ~ in it"),
        (("align", "references={a,b.xdi:1}"), r"'references={foil-8\,5mu.dat:1}'"),
        ((*INGEST, "max_tail=abc"), "max_tail=abc: expected a number"),
        ((*INGEST, "cache=[a,b]"), "cache=[a,b]: expected a text, or null"),
        ((*INGEST, "overwrite=perhaps"), "expected true or false"),
        (("ingest", "+family=Fe_oxides", "source=xdy"), "expected one of feff, csv"),
        (("ingest", "+family=Fe_oxides", "source=csv,npz"), "add -m to make one job of each"),
        (("train", "+family=Fe_oxides", "trials=2.5"), "expected a whole number"),
        (("train", "-m", "+family=Fe_oxides", "hydra.sweeper.max_batch_size=0"), "(expected a whole number"),
    ],
)
def test_what_was_expected_is_said_in_words(refused, call, expected):
    assert expected in refused(*call)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("logger=csv",), "logger=csv does not fit kind=supervised\n"),
        (("+augmentation=measured",), "augmentation=measured does not fit kind=supervised\n"),
        (("+experiment=published",), "experiment=published does not fit kind=supervised\n"),
        (
            ("+experiment=for_measured_spectra",),
            "experiment=for_measured_spectra does not fit kind=supervised\n",
        ),
        (("model.network.hidden=5",), "model.network is null in this call\ngive model=network too"),
        (("model=extra_trees", "model.trees=20"), "model.extra_trees.trees"),
        (("model.inputs=spectrum,cumulative_sum",), "'model.inputs=[spectrum,cumulative_sum]' for a list"),
        (("mixtures.share=many",), "mixtures.share=many: expected a number"),
        (("model.extra_trees=3",), "model.extra_trees: expected a mapping with trees"),
    ],
)
def test_what_fits_another_kind_of_model_is_said(refused, call, expected):
    assert expected in refused("train", "kind=supervised", "+family=Fe_oxides", *call)


def test_a_search_of_no_jobs_is_refused(refused, tmp_path):
    pytest.importorskip("optuna")
    call = ("train", "-m", "+family=Fe_oxides", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=0")
    assert "hydra.sweeper.n_trials=0 (expected a whole number, at least 1)" in refused(*call)
    assert list(tmp_path.iterdir()) == []


class TestFamilyOfAUser:
    @pytest.fixture
    def message(self, refused, tmp_path):
        (tmp_path / "mine" / "family").mkdir(parents=True)

        def call(text):
            (tmp_path / "mine" / "family" / "Zn_any.yaml").write_text(text)
            return refused(
                *("ingest", "--config-dir", "mine", "+family=Zn_any", "source=xdi"),
                *("path=nowhere", "output=o.h5"),
            )

        return call

    def test_null_keeps_all(self, message):
        for keep in ("null", "", "{}", "{ligands: null}"):
            assert "there is no file or folder nowhere" in message(FAMILY.replace("null", keep))

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            (("keep: null", "keep: 3"), "family/Zn_any.yaml: family.keep: expected a mapping with ligands"),
            (("keep: null", "keep: {coordination: x}"), "expected a list of whole numbers, or null"),
            (("keep: null", "keeps: null"), "ingest has no key 'family.keeps': did you mean family.keep"),
            (("points: 256", "points: many"), "family.energy.points: expected a whole number"),
            (("element: Zn", "element: [Zn"), "Zn_any.yaml, line "),
        ],
    )
    def test_what_is_wrong_in_the_file_is_said(self, message, changes, expected):
        assert expected in message(FAMILY.replace(*changes))


def test_a_printed_call_works_where_its_path_needs_quotes(rankaae, tmp_path):
    output = "Fe, O'Brien.h5"
    done = rankaae(
        *("ingest", "+family=Fe_oxides", "source=synthetic", "synthetic.spectra=200"),
        "output='Fe, O\\'Brien.h5'",
    )
    assert (tmp_path / output).is_file()
    call = shlex.split(re.search(r"next: rankaae (.*)", done.stdout)[1])
    done = rankaae(*call, "trials=1", "max_epochs=1", "model.hidden=8", "device=cpu")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("base", "extra"), [("joblib", "joblib"), ("submitit_slurm", "slurm")])
def test_a_launcher_that_is_not_installed_names_what_brings_it(base, extra):
    error = MissingConfigException("", f"hydra/launcher/{base}")
    assert f"rankaae[{extra}]" in call_error_message(error, "train", [], lambda group: [])
