import json

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.runs.directory import new_run_directory
from rankaae_cli.runs.find import find_run


def make_run(path, finished=None, checkpoint=True, started="2026-01-01"):
    (path / "checkpoints").mkdir(parents=True)
    content = {"started": started} | ({"finished": finished} if finished else {})
    (path / "provenance.json").write_text(json.dumps(content))
    if checkpoint:
        (path / "checkpoints" / "best.ckpt").touch()
    return path


def test_latest_is_the_newest_finished_run(tmp_path):
    make_run(tmp_path / "Fe" / "a", "2026-01-02T00:00:00")
    newest = make_run(tmp_path / "Cu" / "b", "2026-01-03T00:00:00")
    make_run(tmp_path / "Cu" / "c")
    assert find_run("latest", tmp_path) == newest.resolve()
    assert find_run(str(newest)) == newest.resolve()


def test_a_newer_run_that_has_not_finished_is_said(tmp_path, capsys):
    finished = make_run(tmp_path / "a", "2026-01-02T00:00:00")
    make_run(tmp_path / "b", started="2026-01-01T12:00:00")
    assert find_run("latest", tmp_path) == finished.resolve()
    assert capsys.readouterr().err == ""
    newer = make_run(tmp_path / "c", started="2026-01-03T00:00:00")
    assert find_run("latest", tmp_path) == finished.resolve()
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"taking {finished}: the newer {newer} has not finished")
    assert f"rankaae train resume={newer}" in said


def test_where_no_run_has_finished_the_newest_is_named(tmp_path):
    make_run(tmp_path / "b", started="2026-01-02")
    newest = make_run(tmp_path / "a", started="2026-01-03")
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
    make_run(tmp_path / "unfinished")
    make_run(tmp_path / "elsewhere" / "x")
    make_run(tmp_path / "bare", "2026-01-01", checkpoint=False)
    (make_run(tmp_path / "torn") / "provenance.json").write_text("{")
    with pytest.raises(UserError, match=message):
        find_run(run if run == "latest" else str(tmp_path / run), tmp_path / "elsewhere")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_provenance_does_not_hide_the_good_runs(tmp_path, content, capsys):
    good = make_run(tmp_path / "a", "2026-01-02T00:00:00")
    (make_run(tmp_path / "b") / "provenance.json").write_text(content)
    assert find_run("latest", tmp_path) == good.resolve()
    if content != "{}":
        assert "passed over" in capsys.readouterr().err


def test_runs_that_start_together_do_not_share_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len({new_run_directory("Fe_oxides") for _ in range(20)}) == 20
