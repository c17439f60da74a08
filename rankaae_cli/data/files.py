"""Writing files so that a reader never sees half of one, and what reading and writing have in common."""

import errno
import fcntl
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rankaae_cli.core.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
)
# What torch.save says, as a RuntimeError without an errno, where a write did not go through.
_TORCH_WRITE_FAILED = ("PytorchStreamWriter failed", "unexpected pos")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, and rename it into place on success.

    Parameters
    ----------
    path
        The file to make or replace. Missing folders above it are made.

    Yields
    ------
    Path
        A path in the same folder, with the same suffix; it is removed if the body raises.

    Raises
    ------
    UserError
        If the disk is full or the place cannot be written to, also where HDF5 or torch reports it in words
        of its own.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        explained = _explained(error, path)
        if explained is None:
            raise
        raise explained from error
    finally:
        with suppress(OSError):  # there may be no folder to hold it
            temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8) to `path` through a temporary file; return the path."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def append_text(path: str | Path, text: str) -> None:
    """Append `text` (UTF-8) to a file in one piece; where that cannot be, the file is left as it was.

    Raises
    ------
    UserError
        If the disk is full or the place cannot be written to.
    """
    path, data = Path(path), text.encode("utf-8")
    try:
        with path.open("ab", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if file.write(data) != len(data):
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        explained = _explained(error, path)
        if explained is None:
            raise
        raise explained from error


def strict_json(content: Any) -> str:
    """Return JSON that every reader takes: NaN and infinities become null."""
    return json.dumps(_without_nan(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_mapping(path: Path, todo: str = "") -> dict[str, Any]:
    """Read a JSON file that holds a mapping; raise UserError with `todo` if it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}\n{todo}".rstrip()) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: it is no JSON, or cut short\n{todo}".rstrip()) from error
    if not isinstance(content, dict):
        raise UserError(f"{path} cannot be read: it holds no mapping\n{todo}".rstrip())
    return content


def require_space(path: str | Path, size: int) -> None:
    """Raise UserError if the disk of `path` has not `size` bytes left."""
    left = shutil.disk_usage(Path(path).absolute().parent).free
    if left < size:
        raise UserError(
            f"{path} takes {size / 1e9:.2f} GB, and {left / 1e9:.2f} GB are left\n"
            "free some space or write elsewhere"
        )


def new_folder(path: str | None, default: Path) -> Path:
    """Return a folder that nothing has been written to yet: that of `output=`, else the default one.

    Raises
    ------
    UserError
        If it is there already and not empty, or cannot be made.
    """
    folder = default if path is None else Path(path)
    try:
        is_there = folder.exists()
        if is_there and (not folder.is_dir() or any(folder.iterdir())):
            raise FileExistsError
        folder.mkdir(parents=True, exist_ok=is_there)  # another process may make it meanwhile
    except FileExistsError as error:
        raise UserError(f"{folder} is there already\nchoose another output=, or remove it") from error
    except OSError as error:
        raise UserError(
            f"nothing can be written to {folder}: {error.strerror}\nchoose another output="
        ) from error
    return folder


@contextmanager
def results_folder(path: str | None, default: Path) -> Iterator[Path]:
    """Give a folder as `new_folder` does; if the body raises, it and folders made above it are removed."""
    folder = default if path is None else Path(path)
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    new_folder(path, default)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if folder in missing:
            with suppress(OSError):  # others may have written to one
                for one in missing[1:]:
                    one.rmdir()
        else:
            folder.mkdir()
        raise


def require_file(path: str | Path, key: str = "path=") -> Path:
    """Return the path of a file to read, which `key` gives; raise UserError if there is none or it is a folder."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, expected a file\ncorrect {key}")
    if not path.exists():
        raise UserError(f"there is no file {path}\ncorrect {key}")
    return path


@contextmanager
def locked(path: Path, wait: float = 1.0) -> Iterator[bool]:
    """Hold the lock on a file while the body runs; give False where another process holds it.

    The file is made, and removed at the end unless the body raises. The lock is waited for up to `wait` seconds:
    `is_locked`, where that is used of the file, takes it for a moment.
    """
    try:
        lock = FileLock(path).acquire(timeout=wait)
    except Timeout:
        yield False
        return
    with lock:
        yield True
        path.unlink(missing_ok=True)


def is_locked(path: str | Path) -> bool:
    """Return whether a process holds the lock (flock) on a file; False where there is no such file."""
    try:
        with Path(path).open("r+") as file:
            # Shared, which filelock has not: two that look at once are not to take each other for the holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def now() -> str:
    """Return the current time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    return content


def _explained(error: OSError | RuntimeError, path: Path) -> UserError | None:
    """Return an error that says what a user can do, or None where the fault is another."""
    number, text = getattr(error, "errno", None), str(error)
    # HDF5 reports a full disk without an errno, in its text.
    if number in _FULL or any(os.strerror(full) in text for full in _FULL):
        why = "the disk is full" if number != errno.EDQUOT else "the disk quota is used up"
        return UserError(f"{why}: {path} could not be written\nfree some space or write elsewhere")
    if isinstance(error, RuntimeError) and any(words in text for words in _TORCH_WRITE_FAILED):
        return UserError(
            f"{path} could not be written, most likely because the disk is full\n"
            "free some space or write elsewhere"
        )
    if isinstance(error, OSError) and number in _FORBIDDEN:
        return UserError(f"{path} cannot be written: {error.strerror}\nchoose another place")
    return None
