"""The cache of first shells, and what it spares."""

import sqlite3
from contextlib import closing

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures import pymatgen_shells, shell_workers
from rankaae_cli.data.structures.shell_cache import ShellCache, default_cache
from rankaae_cli.data.structures.shell_task import ShellTask
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions
from rankaae_cli.data.structures.shells import first_shells as each_shell
from tests.data.feff_folder import rock_salt, slow_cell

pytest.importorskip("pymatgen")


@pytest.fixture
def tasks():
    structures = {f"m-{i}": rock_salt(a=4.2 + i / 100).encode() for i in range(5)}
    return {
        name: ShellTask(text, (0,), Neighbours("cutoff", 2.4), False) for name, text in structures.items()
    }


@pytest.fixture
def computed(monkeypatch):
    """The names of the structures that were computed rather than read from the cache."""
    names = []
    compute_named = pymatgen_shells.compute_named

    def counting(name, task, time_limit):
        names.append(name)
        return compute_named(name, task, time_limit)

    monkeypatch.setattr(shell_workers, "compute_named", counting)
    return names


def first_shells(tasks, options):
    return dict(each_shell(tasks, options))


def options(tmp_path, **changes):
    return ShellOptions(
        **{"time_limit": 60, "workers": Workers(jobs=1), "cache": tmp_path / "shells.sqlite"} | changes
    )


def test_a_second_call_computes_nothing(tmp_path, tasks, computed):
    first = first_shells(tasks, options(tmp_path))
    assert sorted(computed) == sorted(tasks)
    computed.clear()
    second = first_shells(tasks, options(tmp_path))
    assert computed == []
    assert {n: s.to_json() for n, s in second.items()} == {n: s.to_json() for n, s in first.items()}


def test_an_interrupted_call_does_not_start_over(tmp_path, tasks, computed):
    with closing(each_shell(tasks, options(tmp_path))) as shells:
        before = [next(shells)[0], next(shells)[0]]
    computed.clear()
    assert len(first_shells(tasks, options(tmp_path))) == 5
    assert sorted([*before, *computed]) == sorted(tasks)


def test_a_time_out_is_tried_again_and_a_damaged_structure_is_not(tmp_path, tasks, computed):
    # An alarm may go off where Python swallows it, as in a destructor: one is not enough.
    tasks["slow"] = ShellTask(slow_cell().encode(), tuple(range(32)), Neighbours("crystal_nn"), False)
    tasks["damaged"] = ShellTask(b"no POSCAR", (0,), Neighbours("cutoff", 2.4), False)
    first = first_shells(tasks, options(tmp_path, time_limit=1e-4))
    timed_out = {name for name, shells in first.items() if shells.timed_out}
    assert "slow" in timed_out
    first_shells({"damaged": tasks["damaged"]}, options(tmp_path))
    computed.clear()
    second = first_shells(tasks, options(tmp_path))
    assert sorted(computed) == sorted(timed_out - {"damaged"})
    assert [name for name, shells in second.items() if shells.fault] == ["damaged"]


@pytest.mark.slow
def test_processes_compute_the_same(tmp_path, tasks):
    alone = first_shells(tasks, options(tmp_path / "a"))
    parallel = first_shells(tasks, options(tmp_path / "b", workers=Workers(jobs=2)))
    assert {n: s.to_json() for n, s in alone.items()} == {n: s.to_json() for n, s in parallel.items()}


def test_a_damaged_cache_says_what_to_do(tmp_path, tasks):
    path = tmp_path / "shells.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to be one" * 50)
    with pytest.raises(UserError, match=r"the cache .*shells.sqlite is damaged or no cache .*\ndelete it"):
        first_shells(tasks, options(tmp_path))


def test_records_that_are_no_records_say_what_to_do(tmp_path, tasks):
    first_shells(tasks, options(tmp_path))
    with sqlite3.connect(tmp_path / "shells.sqlite") as db:
        db.execute("UPDATE shells SET record = '{}'")
    with pytest.raises(UserError, match=r"shells.sqlite is damaged or no cache .*\ndelete it"):
        first_shells(tasks, options(tmp_path))


def test_a_cache_that_cannot_be_made_says_what_to_do(tmp_path, tasks):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"the cache .* cannot be used .*\ngive another file with cache="):
        first_shells(tasks, options(tmp_path, cache=tmp_path / "file" / "shells.sqlite"))


def test_a_full_disk_is_named(tmp_path):
    with ShellCache(tmp_path / "c.sqlite") as cache:
        cache._db.execute("PRAGMA max_page_count = 3")
        cache.write("key", "x" * 100_000)
        with pytest.raises(UserError, match="the disk is full"):
            cache._commit()
        cache._pending.clear()


def test_the_cache_is_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "rankaae" / "shells.sqlite"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_cache() == tmp_path / "home" / ".cache" / "rankaae" / "shells.sqlite"


@pytest.mark.parametrize("changes", [{"workers": Workers(jobs=0)}, {"time_limit": 0}])
def test_impossible_options_are_refused(tmp_path, tasks, changes):
    with pytest.raises(UserError, match="must"):
        first_shells(tasks, options(tmp_path, **changes))


def test_without_pymatgen_the_error_says_how_to_get_it(tmp_path, tasks, monkeypatch):
    monkeypatch.setattr(pymatgen_shells, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "rankaae\[structures\]"'):
        first_shells(tasks, options(tmp_path))
