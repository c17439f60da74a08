import errno
import os
from datetime import datetime

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import is_locked, locked, now, replacing, require_file, write_text


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
