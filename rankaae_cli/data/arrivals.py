"""Files of a folder as they are finished, by looking at their sizes and times again and again.

Beamlines write to network file systems, which do not tell (by inotify) what another machine writes.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SETTLED = 0.25  # seconds for which a finished file has not changed
# A file that grows point by point is not finished in the pauses between: it is waited for twice as long as these
# were. Longer ones (seconds) are not counted, or a scan that is continued an hour later would be waited for.
_PAUSES, _LONGEST_PAUSE = 2.0, 10.0


@dataclass
class _File:
    """A file as it was seen last.

    Attributes
    ----------
    state
        Node, size, and times of the last change of its contents and of its node.
    since
        When it was first seen so.
    pause
        The longest time between two changes.
    is_given
        Whether it has been given as finished since.
    """

    state: tuple[int, int, int, int]
    since: float
    pause: float = 0.0
    is_given: bool = False

    def see(self, state: tuple[int, int, int, int], now: float) -> None:
        """Take note of what it is like now."""
        if state == self.state:
            return
        grows = state[0] == self.state[0] and state[1] > self.state[1]
        if grows and now - self.since < _LONGEST_PAUSE:
            self.pause = max(self.pause, now - self.since)
        self.state, self.since, self.is_given = state, now, False

    def is_finished(self, now: float) -> bool:
        """Return whether it has not changed for long enough."""
        return now - self.since >= max(SETTLED, _PAUSES * self.pause)


class Arrivals:
    """The files of a folder and the folders in it, hidden ones aside, as they are finished.

    A file is finished when it has not changed for a quarter of a second. One that changes later is finished again.

    Parameters
    ----------
    folder
        The folder; what is there at first counts too.
    without
        A folder in it that is passed over.
    """

    def __init__(self, folder: Path, without: Path) -> None:
        self._folder, self._without = folder, without.resolve()
        self._files: dict[Path, _File] = {}

    def look(self, now: float) -> tuple[list[Path], list[Path]]:
        """Return the files that were finished since the last look, oldest first, and those that are gone.

        Parameters
        ----------
        now
            Seconds by a clock that is not set.

        Raises
        ------
        OSError
            If the folder cannot be read; what is known of its files stays.
        """
        seen = {}
        for path, status in _regular_files(os.fspath(self._folder), self._without):
            state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            seen[path] = status.st_mtime_ns
            known = self._files.setdefault(path, _File(state, now))
            known.see(state, now)
        gone = [path for path in self._files if path not in seen]
        for path in gone:
            del self._files[path]
        finished = [path for path, file in self._files.items() if not file.is_given and file.is_finished(now)]
        for path in finished:
            self._files[path].is_given = True
        return sorted(finished, key=lambda path: (seen[path], path)), gone


def _regular_files(folder: str, without: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            # Whatever is removed while one looks is not there.
            with suppress(FileNotFoundError, NotADirectoryError):
                if not entry.is_dir(follow_symlinks=False):
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode):
                        yield Path(entry.path), status
                elif Path(entry.path).resolve() != without:
                    yield from _regular_files(entry.path, without)
