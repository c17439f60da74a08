"""A full disk, a drive that may only be read, and two processes on one output: nothing is lost or half there."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.files import new_folder
from rankaae_cli.runs.find import find_run
from tests.conftest import in_process
from tests.data.feff_folder import good_folder, write
from tests.small_runs import CALLS, differences, write_data

INGEST = (
    *("ingest", "+family=Cu_oxides", "source=feff", "path=feff", "output=x.h5", "cache=c.sqlite"),
    *("parallel.jobs=1", "max_tail=8"),
)
TRAIN = ("train", *CALLS["supervised"], "hydra.run.dir=run")
SAID = {errno.ENOSPC: "the disk is full", errno.EROFS: "cannot be written: Read-only file system"}


@pytest.fixture
def failing(monkeypatch):
    """Let the n-th file of a command not come into its place; return how many did before one failed, or all."""
    replace = Path.replace

    def call(folder, n, number, *arguments, statuses=(2,)):
        count = 0

        def failing_replace(self, target):
            nonlocal count
            count += 1
            if count > n:
                raise OSError(number, os.strerror(number), str(target))
            return replace(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", failing_replace)
            done = in_process(folder, *arguments)
        if count > n:
            assert done.returncode in statuses, done.stderr
            assert SAID[number] in done.stderr and "Traceback" not in done.stderr
        else:
            assert done.returncode == 0, done.stderr
        return count > n

    return call


def half_files(folder):
    return [
        path
        for path in folder.rglob(".*")
        if path.is_file() and path.suffix in (".h5", ".ckpt", ".json", ".yaml")
    ]


def test_an_ingest_leaves_a_whole_file_or_none(failing, rankaae, tmp_path):
    write(tmp_path / "feff", good_folder())
    n = 0
    while failing(tmp_path, n, list(SAID)[n % 2], *INGEST, "overwrite=true"):
        assert not half_files(tmp_path)
        if (tmp_path / "x.h5").exists():
            assert len(read_family(tmp_path / "x.h5")) == 4
        n += 1
    assert n >= 3
    assert len(read_family(tmp_path / "x.h5")) == 4
    assert len(list(tmp_path.glob("x.h5*"))) >= 3


def test_a_training_is_finished_or_can_be_done_again(failing, rankaae, tmp_path):
    write_data("supervised", tmp_path)
    assert rankaae(*TRAIN[:-1], "hydra.run.dir=reference").returncode == 0
    n = 0
    while failing(tmp_path, n, list(SAID)[n % 2], *TRAIN[:-1], f"hydra.run.dir=run{n}"):
        run = tmp_path / f"run{n}"
        assert not half_files(run)
        with pytest.raises(UserError, match=r"has not finished|is not a run directory"):
            find_run(str(run))
        if (run / "provenance.json").exists():
            assert rankaae("train", f"resume={run}").returncode == 0
            assert not differences(run, tmp_path / "reference")
        n += 1
    assert n >= 3 and not differences(tmp_path / f"run{n}", tmp_path / "reference")


def test_an_evaluation_that_failed_is_made_again(failing, rankaae, tmp_path):
    write_data("supervised", tmp_path)
    assert rankaae(*TRAIN).returncode == 0
    for n, last, *settings in (
        (1, "leakage_audit.json", "check=leakage"),
        (5, "metrics.json", "resamples=5"),
    ):
        assert failing(tmp_path, n, errno.ENOSPC, "evaluate", "run=run", *settings)
        assert not (tmp_path / "run" / "evaluation" / last).exists()
        assert rankaae("evaluate", "run=run", *settings).returncode == 0
        assert (tmp_path / "run" / "evaluation" / last).is_file()


def test_a_report_that_failed_is_made_again(failing, rankaae, tmp_path, blank_figures):
    write_data("supervised", tmp_path)
    assert rankaae(*TRAIN).returncode == 0
    page, n = tmp_path / "run" / "report" / "report.html", 0
    while failing(tmp_path, n, list(SAID)[n % 2], "report", "run=run"):
        assert not half_files(tmp_path) and not page.exists()
        n += 3
    assert n >= 3 and page.read_text().rstrip().endswith("</html>")


def test_a_sweep_that_failed_goes_on(failing, rankaae, tmp_path):
    write_data("supervised", tmp_path)
    call, n = ("train", "-m", *CALLS["supervised"], "seed=0,1"), 0
    assert rankaae(*call, "hydra.sweep.dir=reference").returncode == 0
    # Of a job that failed a sweep says so with status 1, as of any other.
    while failing(tmp_path, n, list(SAID)[n % 2], *call, f"hydra.sweep.dir=sweep{n}", statuses=(1, 2)):
        sweep = tmp_path / f"sweep{n}"
        assert not half_files(sweep)
        is_begun = (sweep / "sweep.json").is_file()
        again = ("train", f"resume=sweep{n}") if is_begun else (*call, f"hydra.sweep.dir=sweep{n}")
        done = rankaae(*again)
        assert done.returncode == 0, done.stderr
        assert not [name for job in "01" for name in differences(sweep / job, tmp_path / "reference" / job)]
        n += 3
    assert n >= 6


def _begin(folder, call, results):
    done = in_process(folder, *call)
    results.put((done.returncode, done.stderr))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (INGEST, "another process has made x.h5 meanwhile"),
        (TRAIN, "holds a run already"),
    ],
    ids=["ingest", "train"],
)
def test_of_two_processes_on_one_output_one_wins_and_the_other_says_so(tmp_path, call, said):
    write(tmp_path / "feff", good_folder())
    write_data("supervised", tmp_path)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    both = [context.Process(target=_begin, args=(tmp_path, call, results)) for _ in range(2)]
    for process in both:
        process.start()
    (first, _), (second, error) = sorted(results.get(timeout=120) for _ in both)
    for process in both:
        process.join()
    assert (first, second) == (0, 2) and (said in error or "exists already" in error)
    if call is INGEST:
        assert len(read_family(tmp_path / "x.h5")) == 4
    else:
        assert find_run(str(tmp_path / "run"))


def test_a_folder_that_another_process_makes_meanwhile_is_not_taken(tmp_path, monkeypatch):
    mkdir = Path.mkdir

    def made_meanwhile(self, *arguments, **options):
        mkdir(self, exist_ok=True)
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", made_meanwhile)
    with pytest.raises(UserError, match="there is there already"):
        new_folder(str(tmp_path / "there"), tmp_path)
