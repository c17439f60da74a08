"""A file of records that took long to compute, so that the next ingest need not."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from rankaae_cli.core.errors import UserError

Record = TypeVar("Record")

_COMMIT_EVERY = 2.0  # seconds; what an interruption may cost
_WAIT_FOR_OTHERS = 60.0  # seconds that another ingest may hold the file


def default_cache() -> Path:
    """Return the cache file in the user's cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME")
    return (Path(folder) if folder else Path.home() / ".cache") / "rankaae" / "shells.sqlite"


class ShellCache:
    """Texts by key in an SQLite file, to be used as a context manager.

    Several processes may share one file. What is written is safe some seconds later, and at the end, also
    where the body raises.

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

    def read(self, keys: Mapping[str, str], parse: Callable[[str], Record]) -> dict[str, Record]:
        """Return the records there are: `keys` gives the key of each name, the result the record of each.

        `parse` makes a record of its text; any error of it means that the file is damaged.
        """
        found = {}
        with self._explained():
            for name, key in keys.items():
                row = self._db.execute("SELECT record FROM shells WHERE key = ?", (key,)).fetchone()
                if row:
                    try:
                        found[name] = parse(row[0])
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        raise sqlite3.DatabaseError(f"no record: {error}") from error
        return found

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
            return UserError(f"the cache {self.path} cannot be used ({text})\ngive another file with cache=")
        return UserError(
            f"the cache {self.path} is damaged or no cache ({text})\ndelete it or give another with cache="
        )
