import json

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.runs.find import find_run, find_runs, run_names
from rankaae_cli.runs.sweep_record import Job, Plan, write_plan


def make_run(path, finished="2026-01-02T00:00:00", checkpoint=True, started="2026-01-01T00:00:00"):
    (path / "checkpoints").mkdir(parents=True)
    content = {"started": started} | ({"finished": finished} if finished else {})
    (path / "provenance.json").write_text(json.dumps(content))
    if checkpoint:
        (path / "checkpoints" / "best.ckpt").touch()
    return path.resolve()


def test_latest_is_the_newest_finished_run(tmp_path):
    make_run(tmp_path / "Fe" / "a", "2026-01-02T00:00:00")
    newest = make_run(tmp_path / "Cu" / "b", "2026-01-03T00:00:00")
    make_run(tmp_path / "Cu" / "c", None)
    assert find_run("latest", tmp_path) == newest.resolve()
    assert find_run(str(newest)) == newest.resolve()


def test_a_newer_run_that_has_not_finished_is_said(tmp_path, capsys):
    finished = make_run(tmp_path / "a", "2026-01-02T00:00:00")
    make_run(tmp_path / "b", None, started="2026-01-01T12:00:00")
    assert find_run("latest", tmp_path) == finished.resolve()
    assert capsys.readouterr().err == ""
    newer = make_run(tmp_path / "c", None, started="2026-01-03T00:00:00")
    assert find_run("latest", tmp_path) == finished.resolve()
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"taking {finished}: the newer {newer} has not finished")
    assert f"rankaae train resume={newer}" in said


def test_where_no_run_has_finished_the_newest_is_named(tmp_path):
    make_run(tmp_path / "b", None, started="2026-01-02")
    newest = make_run(tmp_path / "a", None, started="2026-01-03")
    with pytest.raises(UserError) as error:
        find_run("latest", tmp_path)
    what, todo = str(error.value).splitlines()
    assert "no finished run" in what and f"{newest} has not finished (nor have 1 older ones)" in what
    assert todo.endswith(f"rankaae train resume={newest}")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("latest", "no finished run"),
        ("absent", "not a run directory"),
        ("unfinished", "has not finished"),
        ("bare", "has no checkpoints/best.ckpt"),
        ("torn", "cannot be read"),
    ],
)
def test_a_run_that_cannot_be_used_says_why(tmp_path, run, message):
    make_run(tmp_path / "unfinished", None)
    make_run(tmp_path / "elsewhere" / "x", None)
    make_run(tmp_path / "bare", checkpoint=False)
    (make_run(tmp_path / "torn", None) / "provenance.json").write_text("{")
    with pytest.raises(UserError, match=message):
        find_run(run if run == "latest" else str(tmp_path / run), tmp_path / "elsewhere")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_provenance_does_not_hide_the_good_runs(tmp_path, content, capsys):
    good = make_run(tmp_path / "a", "2026-01-02T00:00:00")
    (make_run(tmp_path / "b", None) / "provenance.json").write_text(content)
    assert find_run("latest", tmp_path) == good.resolve()
    if content != "{}":
        assert "passed over" in capsys.readouterr().err


MULTIRUN = "hydra:\n  job:\n    name: rankaae\n    config_name: {}\n  runtime: {{}}\n"


@pytest.fixture
def sweep(tmp_path):
    """Twelve jobs; 3 has not finished, 7 left nothing but its folder, 8 not even that."""
    folder = tmp_path / "multirun" / "day" / "time"
    for job in range(12):
        if job == 7:
            (folder / "7").mkdir(parents=True)
        elif job != 8:
            make_run(folder / str(job), finished="2026-01-02" if job != 3 else None)
    (folder / "multirun.yaml").write_text(MULTIRUN.format("train"))
    return folder


def test_a_sweep_is_searched_in_the_order_of_its_jobs(sweep):
    found = find_runs(str(sweep))
    assert [path.name for path in found.finished] == ["0", "1", "2", "4", "5", "6", "9", "10", "11"]
    assert found.directory == sweep.resolve() and found.single is None
    unfinished, empty, gone = found.left_out
    assert unfinished.reason == "has not finished" and f"resume={sweep / '3'}" in unfinished.todo
    assert empty.path.name == "7" and "failed before it trained" in empty.reason
    assert gone.path.name == "8" and gone.reason == empty.reason
    assert not unfinished.fault and not empty.fault


@pytest.mark.parametrize("record", ["multirun.yaml", "sweep.json"])
def test_a_sweep_of_another_command_has_no_runs_to_miss(tmp_path, record):
    """Nothing of ``rankaae evaluate -m`` is a training that failed."""
    run = make_run(tmp_path / "runs" / "a")
    swept = tmp_path / "multirun" / "day" / "time"
    for job in ("0", "1"):
        (swept / job).mkdir(parents=True)
    for command, missed in (("evaluate", 0), ("train", 2)):
        if record == "multirun.yaml":
            (swept / record).write_text(MULTIRUN.format(command))
        else:
            write_plan(swept, Plan(command, ".", [], [], [Job(i, str(i), []) for i in range(2)]))
        found = find_runs(str(tmp_path))
        assert found.finished == [run] and len(found.left_out) == missed, command


def test_runs_are_found_at_any_depth_but_not_in_hidden_folders(tmp_path):
    deep = make_run(tmp_path / "runs" / "Fe" / "a" / "b")
    shallow = make_run(tmp_path / "runs" / "x")
    make_run(tmp_path / "runs" / ".trash" / "y")
    assert find_runs(str(tmp_path / "runs")).finished == [deep, shallow]


def test_lists_and_patterns_give_each_run_once(sweep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["multirun/day/time/0", "multirun/*/*/[01]", str(sweep / "10")]
    found = find_runs(names)
    assert [path.name for path in found.finished] == ["0", "1", "10"] and found.directory is None
    assert [path.name for path in find_runs("multirun/**/1?").finished] == ["10", "11"]


def test_one_run_is_single_however_it_is_named(tmp_path, monkeypatch):
    run = make_run(tmp_path / "runs" / "a")
    monkeypatch.chdir(tmp_path)
    for name in ("latest", "runs/a", "runs", "runs/*", ["runs/a"], ["runs/a", "runs"]):
        assert find_runs(name).single == run, name
    make_run(tmp_path / "runs" / "b", finished=None)
    assert find_runs("runs").single is None


def test_a_folder_whose_name_looks_like_a_pattern_is_taken_as_it_is(tmp_path):
    run = make_run(tmp_path / "a[1]" / "x")
    make_run(tmp_path / "a1" / "x")
    assert find_runs(str(tmp_path / "a[1]")).finished == [run]


def test_damaged_runs_are_faults_and_hide_no_others(tmp_path):
    good = make_run(tmp_path / "a")
    (make_run(tmp_path / "b") / "provenance.json").write_text("{")
    make_run(tmp_path / "c", checkpoint=False)
    found = find_runs(str(tmp_path))
    assert found.finished == [good]
    assert [run.fault for run in found.left_out] == [True, True]
    assert "cannot be read" in found.left_out[0].reason and "best.ckpt" in found.left_out[1].reason


def test_where_no_run_has_finished_they_are_named_with_what_to_do(tmp_path):
    for job in range(5):
        make_run(tmp_path / str(job), finished=None)
    with pytest.raises(UserError) as error:
        find_runs(str(tmp_path))
    what, todo = str(error.value).splitlines()
    assert f"{tmp_path / '0'}: has not finished" in what and "and 2 more" in what
    assert f"rankaae train resume={tmp_path / '0'}" in todo


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("nowhere", "there is no run in nowhere"),
        ("no*where", "nothing matches no\\*where"),
        (["runs", "nowhere"], "there is no run in nowhere"),
        ([], "names no run"),
        ("latest", "no finished run"),
        ("runs", "there is no run in runs"),
    ],
)
def test_a_name_that_stands_for_no_run_is_refused(tmp_path, monkeypatch, names, message):
    (tmp_path / "runs").mkdir()
    if isinstance(names, list):
        make_run(tmp_path / "runs" / "a")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        find_runs(names)


def test_run_is_a_name_or_a_list_of_names():
    assert run_names("a") == "a" and run_names(["a", 7]) == ["a", "7"] and run_names(0) == "0"
    for wrong in (None, True, {"a": 1}, [["a"]]):
        with pytest.raises(UserError, match="neither"):
            run_names(wrong)
