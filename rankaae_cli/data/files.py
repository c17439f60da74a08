"""Writing files so that a reader never sees half of one."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankaae_cli.core.errors import UserError


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
        If the disk is full or the place cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8) to `path` through a temporary file; return the path."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def _explained(error: OSError, path: Path) -> Exception:
    """Turn an error of the file system that a user can mend into one that says how."""
    # HDF5 reports a full disk without an errno, in its text.
    if error.errno == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error):
        return UserError(f"the disk is full: {path} could not be written\nfree some space or write elsewhere")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return UserError(f"{path} cannot be written: {error.strerror}\nchoose another place")
    return error
