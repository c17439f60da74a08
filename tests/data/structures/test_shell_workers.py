"""First shells through each of joblib's backends."""

import importlib.util

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures import shell_workers
from rankaae_cli.data.structures.shell_workers import BACKENDS, Workers, computed_shells
from rankaae_cli.data.structures.shells import Job
from tests.data.feff_folder import rock_salt

pytest.importorskip("pymatgen")


@pytest.fixture
def jobs():
    structures = {f"m-{i}": rock_salt(a=4.2 + i / 100).encode() for i in range(5)}
    return {name: Job(text, (0,), Neighbours("cutoff", 2.4), False) for name, text in structures.items()}


def texts(jobs, workers, time_limit=60):
    return {n: s.to_json() for n, s in computed_shells(jobs.items(), workers, time_limit)}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_computes_the_same(jobs, backend, monkeypatch):
    if backend in ("ray", "dask"):
        module = {"ray": "ray", "dask": "distributed"}[backend]
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    monkeypatch.setattr(shell_workers, "_BATCH_A_WORKER", 1)  # several batches
    assert texts(jobs, Workers(backend, 2)) == texts(jobs, Workers(jobs=1))


def test_jobs_are_taken_as_they_are_needed(jobs):
    taken = []

    def tell(jobs):
        for name, job in jobs.items():
            taken.append(name)
            yield name, job

    many = {f"m-{i}": jobs["m-0"] for i in range(40)}
    results = computed_shells(tell(many), Workers("threading", 2), 60)
    next(results)
    assert len(taken) < 20
    assert len(list(results)) == 39


def test_the_time_limit_holds_in_a_thread_too(jobs, monkeypatch):
    from rankaae_cli.data.structures import structures

    def endless(job):
        while True:
            try:
                sum(range(100))
            except Exception:  # what raises only this does not end it
                continue

    monkeypatch.setattr(structures, "_compute", endless)
    results = dict(computed_shells(list(jobs.items())[:3], Workers("threading", 2), 0.2))
    assert len(results) == 3 and all(shells.timed_out for shells in results.values())


def test_a_backend_whose_package_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shell_workers, "find_spec", lambda name: None)
    for backend in ("ray", "dask"):
        with pytest.raises(UserError, match=rf'needs .*\npip install "rankaae\[{backend}\]"'):
            Workers(backend).require_usable()
    Workers("loky").require_usable()


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (Workers("dusk"), "no parallel.backend=dusk: did you mean dask"),
        (Workers(jobs=0), "parallel.jobs= must not be 0"),
        (Workers(address="tcp://10.0.0.1:8786"), "add parallel.backend=ray or parallel.backend=dask"),
    ],
)
def test_impossible_workers_are_refused(workers, said):
    with pytest.raises(UserError, match=said):
        workers.require_usable()


def test_a_cluster_that_is_not_there_is_named(jobs, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(shell_workers, "_CONNECT_WITHIN", 1.0)
    workers = Workers("dask", 1, "tcp://127.0.0.1:1")
    with pytest.raises(
        UserError, match=r"no Dask cluster could be used at parallel.address=tcp://127.0.0.1:1"
    ):
        texts(jobs, workers)
