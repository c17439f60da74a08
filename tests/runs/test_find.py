import json

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.runs.find import find_runs, run_names
from rankaae_cli.runs.sweep_record import Job, Plan, write_plan


def make_run(path, finished=True, checkpoint=True):
    (path / "checkpoints").mkdir(parents=True)
    content = {"started": "2026-01-01T00:00:00"} | ({"finished": "2026-01-02T00:00:00"} if finished else {})
    (path / "provenance.json").write_text(json.dumps(content))
    if checkpoint:
        (path / "checkpoints" / "best.ckpt").touch()
    return path.resolve()


MULTIRUN = "hydra:\n  job:\n    name: rankaae\n    config_name: {}\n  runtime: {{}}\n"


@pytest.fixture
def sweep(tmp_path):
    """Twelve jobs; 3 has not finished, 7 left nothing but its folder, 8 not even that."""
    folder = tmp_path / "multirun" / "day" / "time"
    for job in range(12):
        if job == 7:
            (folder / "7").mkdir(parents=True)
        elif job != 8:
            make_run(folder / str(job), finished=job != 3)
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
    make_run(tmp_path / "runs" / "b", finished=False)
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
        make_run(tmp_path / str(job), finished=False)
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
