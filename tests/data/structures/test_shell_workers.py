"""First shells through each of joblib's backends."""

import subprocess
import sys

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures import shell_workers
from rankaae_cli.data.structures.shell_task import ShellTask
from rankaae_cli.data.structures.shell_workers import BACKENDS, Workers, computed_shells
from tests.conftest import ROOT
from tests.data.feff_folder import rock_salt

pytest.importorskip("pymatgen")


def structure_tasks():
    structures = {f"m-{i}": rock_salt(a=4.2 + i / 100).encode() for i in range(5)}
    return {
        name: ShellTask(text, (0,), Neighbours("cutoff", 2.4), False) for name, text in structures.items()
    }


@pytest.fixture
def tasks():
    return structure_tasks()


def texts(tasks, workers, time_limit=60):
    return {n: s.to_json() for n, s in computed_shells(tasks.items(), workers, time_limit)}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_computes_the_same(tasks, backend, monkeypatch):
    if backend == "ray":
        pytest.importorskip("ray")
    monkeypatch.setattr(shell_workers, "_BATCH_A_WORKER", 1)  # several batches
    assert texts(tasks, Workers(backend, 2)) == texts(tasks, Workers(jobs=1))


def test_jobs_are_taken_as_they_are_needed(tasks):
    taken = []

    def tell(tasks):
        for name, task in tasks.items():
            taken.append(name)
            yield name, task

    many = {f"m-{i}": tasks["m-0"] for i in range(40)}
    results = computed_shells(tell(many), Workers("threading", 2), 60)
    next(results)
    assert len(taken) < 20
    assert len(list(results)) == 39


TRACED = """
import sys, threading
from tests.data.structures.test_shell_workers import Workers, structure_tasks, texts

for trace in (sys.settrace, threading.settrace):
    trace(lambda *event: None)
assert len(texts(structure_tasks(), Workers("threading", 2))) == 5
"""


def test_threads_come_to_their_end_where_they_are_traced():
    subprocess.run([sys.executable, "-c", TRACED], cwd=ROOT, check=True, timeout=120)


def test_the_time_limit_holds_in_a_thread_too(tasks, monkeypatch):
    from rankaae_cli.data.structures import pymatgen_shells

    def endless(task):
        while True:
            try:
                sum(range(100))
            except Exception:  # what raises only this does not end it
                continue

    monkeypatch.setattr(pymatgen_shells, "_compute", endless)
    results = dict(computed_shells(list(tasks.items())[:3], Workers("threading", 2), 0.2))
    assert len(results) == 3 and all(shells.timed_out for shells in results.values())


def test_a_backend_whose_package_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shell_workers, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'needs ray\npip install "rankaae\[ray\]"'):
        Workers("ray").require_usable()
    Workers("loky").require_usable()


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (Workers("loki"), "no parallel.backend=loki: did you mean loky"),
        (Workers("dask"), "parallel.backend=dask is no more, version 0.1.0 had it"),
        (Workers(jobs=0), "parallel.jobs= must not be 0"),
        (Workers(address="tcp://10.0.0.1:8786"), "add parallel.backend=ray"),
    ],
)
def test_impossible_workers_are_refused(workers, said):
    with pytest.raises(UserError, match=said):
        workers.require_usable()


def test_a_cluster_that_is_not_there_is_named(tasks, monkeypatch):
    ray = pytest.importorskip("ray")

    def unreachable(**_):
        raise ConnectionError("no one answers")

    monkeypatch.setattr(ray, "init", unreachable)
    workers = Workers("ray", 1, "127.0.0.1:1")
    with pytest.raises(
        UserError, match=r"no Ray cluster could be used at parallel.address=127.0.0.1:1: no one"
    ):
        texts(tasks, workers)
