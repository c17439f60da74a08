import errno
import json
import math
import os
from datetime import datetime
from pathlib import Path

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import (
    append_text,
    is_locked,
    locked,
    new_folder,
    now,
    read_mapping,
    replacing,
    require_file,
    require_space,
    results_folder,
    strict_json,
    write_text,
)


def fail(path, error):
    with replacing(path) as temporary:
        temporary.write_text("half of it")
        raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the disk is full: .*x.ckpt could not be written"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "the disk quota is used up: .*x.ckpt could not"),
        (OSError(f"Can't write data (error message = '{os.strerror(errno.ENOSPC)}')"), "the disk is full"),
        (RuntimeError(f"Can't decrement id ref count ({os.strerror(errno.ENOSPC)})"), "the disk is full"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), "disk is full"),
        (RuntimeError("[enforce fail at inline_container.cc:595] . unexpected pos 64 vs 0"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written: Permission denied"),
    ],
)
def test_a_write_that_fails_is_explained_and_leaves_what_was_there(tmp_path, error, said):
    path = write_text(tmp_path / "x.ckpt", "before")
    with pytest.raises(UserError, match=said) as caught:
        fail(path, error)
    assert len(str(caught.value).splitlines()) == 2
    assert caught.value.__cause__ is error
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x.ckpt", "before")]


@pytest.mark.parametrize(
    "error", [RuntimeError("a fault of the program"), OSError(errno.EIO, "?"), KeyError()]
)
def test_other_faults_stay_what_they_are(tmp_path, error):
    with pytest.raises(type(error)) as caught:
        fail(tmp_path / "x", error)
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_hold_a_file_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/x.h5 cannot be written"):
        write_text(tmp_path / "file" / "x.h5", "")
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        write_text(tmp_path / ("x" * 300), "")


def test_a_file_to_read_must_be_one(tmp_path):
    (tmp_path / "file").write_text("")
    assert require_file(str(tmp_path / "file")) == tmp_path / "file"
    with pytest.raises(UserError, match=r"there is no file .*nothing"):
        require_file(tmp_path / "nothing")
    with pytest.raises(UserError, match="is a folder, expected a file"):
        require_file(tmp_path)


@pytest.fixture
def write_some(monkeypatch):
    """Let files that are appended to take a few bytes of what is written, then fail or stop."""

    def limit(size, error=None):
        opened = Path.open

        def open_(self, mode="r", *arguments, **options):
            file = opened(self, mode, *arguments, **options)
            if "a" not in mode:
                return file

            class Limited:
                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    file.close()

                def write(self, data):
                    if error:
                        raise OSError(error, os.strerror(error))
                    return file.write(data[:size])

                fileno, truncate = file.fileno, file.truncate

            return Limited()

        monkeypatch.setattr(Path, "open", open_)

    return limit


@pytest.mark.parametrize("error", [None, errno.ENOSPC, errno.EDQUOT])
def test_of_a_line_that_does_not_fit_nothing_is_appended(tmp_path, write_some, error):
    path = write_text(tmp_path / "metrics.csv", "epoch\n1\n")
    append_text(path, "2\n")
    write_some(1, error)
    with pytest.raises(UserError, match=r"metrics.csv could not be written\nfree some space"):
        append_text(path, "3\n")
    assert path.read_text() == "epoch\n1\n2\n"


def test_faults_of_the_drive_stay_what_they_are_where_lines_are_appended(tmp_path, write_some):
    write_some(0, errno.EIO)
    with pytest.raises(OSError) as caught:
        append_text(tmp_path / "x", "1")
    assert caught.value.errno == errno.EIO


def test_space_is_asked_for_before_it_is_taken(tmp_path):
    require_space(tmp_path / "x.h5", 1)
    with pytest.raises(UserError, match=r"x.h5 takes 1000000000.00 GB, and .* GB are left"):
        require_space(tmp_path / "x.h5", 10**18)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is no JSON, or cut short"),
        ("[" * 10**5, "it is no JSON, or cut short"),
        ("[1]", "holds no mapping"),
        (None, "No such file"),
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path, text, said):
    if text is not None:
        write_text(tmp_path / "x.json", text)
    with pytest.raises(UserError, match=f"x.json cannot be read: .*{said}.*\nask"):
        read_mapping(tmp_path / "x.json", "ask for another")


def test_what_is_not_finite_is_null_in_json_however_deep():
    content = {"a": [math.nan, (1.5, -math.inf)], "b": {"c": math.inf, "d": True}}
    assert json.loads(strict_json(content)) == {"a": [None, [1.5, None]], "b": {"c": None, "d": True}}


def test_results_that_fail_leave_no_folder_of_theirs(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    write_text(tmp_path / "file", "")
    for path in ("a/b/c", "there"):
        with pytest.raises(KeyError), results_folder(str(tmp_path / path), tmp_path) as folder:
            write_text(folder / "half.csv", "")
            raise KeyError
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "mine", "there"]
    for path, said in (("full", "is there already"), ("file", "is there already"), ("file/x", "Not a dir")):
        with pytest.raises(UserError, match=said):
            new_folder(str(tmp_path / path), tmp_path)
    with results_folder(None, tmp_path / "a" / "b") as folder:
        write_text(folder / "whole.csv", "1")
    assert (tmp_path / "a" / "b" / "whole.csv").read_text() == "1"


def test_the_time_is_of_utc():
    assert datetime.fromisoformat(now()).utcoffset().total_seconds() == 0


def test_a_lock_is_held_by_one_and_seen_by_others(tmp_path):
    path = tmp_path / ".lock"
    assert not is_locked(path)
    with locked(path) as may:
        assert may and is_locked(path)
        with locked(path) as another:
            assert not another
        assert is_locked(path)
    assert not path.exists() and not is_locked(path)


def test_a_lock_whose_file_its_holder_removed_is_taken_on_the_new_file(tmp_path, monkeypatch):
    path = tmp_path / ".lock"
    first = locked(path)
    first.__enter__()
    # The second has opened the file and waits; the first lets go, which removes it.
    monkeypatch.setattr("time.sleep", lambda _: first.__exit__(None, None, None) if path.exists() else None)
    with locked(path) as may:
        assert may and is_locked(path)
