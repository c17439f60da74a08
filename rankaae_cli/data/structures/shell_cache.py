"""A file of records that took long to compute, so that the next ingest need not."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from rankaae_cli.core.errors import UserError

Record = TypeVar("Record")

_COMMIT_EVERY = 2.0  # seconds; what an interruption may cost
_WAIT_FOR_OTHERS = 60.0  # seconds that another ingest may hold the file
_SHARED_DRIVES = re.compile(
    r"nfs|cifs|smb|lustre|gpfs|beegfs|ceph|afs|glusterfs|sshfs|9p|panfs|pvfs|orangefs"
)
_MOUNTS = Path("/proc/self/mounts")


def default_cache() -> Path:
    """Return the cache file in the user's cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME")
    return (Path(folder) if folder else Path.home() / ".cache") / "rankaae" / "shells.sqlite"


class ShellCache:
    """Texts by key in an SQLite file, to be used as a context manager.

    Several processes may share one file: each waits for its turn to write, up to a minute.
    What is written is safe some seconds later, and at the end, also where the body raises.

    Parameters
    ----------
    path
        The file; made where it does not exist.

    Raises
    ------
    UserError
        If the file cannot be made or is damaged, or the disk is full (from any method).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __enter__(self) -> "ShellCache":
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_WAIT_FOR_OTHERS)
            if not _is_shared_drive(self.path):
                # Those who read do not wait for one who writes. It needs memory that all of them share, which
                # machines that mount one drive do not have.
                self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS shells (key TEXT PRIMARY KEY, record TEXT NOT NULL)")
            self._db.commit()
        self._pending: dict[str, str] = {}
        self._committed = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._commit()
        except UserError:
            if kind is None:
                raise
        finally:
            self._db.close()

    def read(self, key: str, parse: Callable[[str], Record]) -> Record | None:
        """Return the record under a key, or None.

        `parse` makes a record of its text; any error of it means that the file is damaged.
        """
        if key in self._pending:
            return parse(self._pending[key])
        with self._explained():
            row = self._db.execute("SELECT record FROM shells WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            try:
                return parse(row[0])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise sqlite3.DatabaseError("malformed record") from error

    def write(self, key: str, record: str) -> None:
        """Put a record under a key."""
        self._pending[key] = record
        if time.monotonic() - self._committed > _COMMIT_EVERY:
            self._commit()

    def _commit(self) -> None:
        # One short transaction, so that others who share the file hardly wait.
        with self._explained(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO shells VALUES (?, ?)", self._pending.items())
        self._pending.clear()
        self._committed = time.monotonic()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> UserError:
        text = str(error)
        if "full" in text or "No space" in text:
            return UserError(
                f"the disk is full: {self.path} could not be written\nfree some space or give cache="
            )
        if isinstance(error, sqlite3.OperationalError | OSError) and "malformed" not in text:
            why = "others hold it" if "locked" in text else "it cannot be opened and written there"
            return UserError(f"the cache {self.path} cannot be used ({why})\ngive another file with cache=")
        return UserError(
            f"the cache {self.path} is damaged or no cache of this program\ndelete it or give another with cache="
        )


def _is_shared_drive(path: Path) -> bool:
    """Return whether a file lies on a drive that several machines may mount, as Linux tells."""
    if not _MOUNTS.exists():
        return False
    place = path.resolve()
    kinds = {}
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _, folder, kind, *_ = line.split(" ")
        kinds[Path(folder.replace("\\040", " "))] = kind
    return bool(_SHARED_DRIVES.search(next((kinds[above] for above in place.parents if above in kinds), "")))
