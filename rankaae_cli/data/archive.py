"""Reading the files of a folder or of an archive, one after the other, without unpacking to disk."""

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankaae_cli.core.errors import UserError

MEMBER_LIMIT = 64 * 2**20  # bytes; no POSCAR, xmu.dat or table of spectra comes near
MEMBERS_LIMIT = 5_000_000
# How each compression begins, and what opens it.
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"BZh": bz2.open,
}
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile)


@dataclass(frozen=True)
class Member:
    """One file or folder of a folder or archive.

    Attributes
    ----------
    parts
        Its path, split at the slashes, relative to the folder or archive.
    data
        Its bytes, if they were wanted; None otherwise, and where there is a fault.
    fault
        Why a wanted file was not read, or empty.
    is_folder
        Whether it is a folder.
    """

    parts: tuple[str, ...]
    data: bytes | None = None
    fault: str = ""
    is_folder: bool = False


def members(path: str | Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yield all files and folders of a folder or an archive, with the bytes of the wanted files.

    Nothing is written to disk. A wanted file is read only if it is a plain file below the top, of at most
    64 MiB; otherwise it is yielded with a fault.

    Parameters
    ----------
    path
        A folder, a tar file (plain or compressed by gzip, xz or bzip2) or a zip file, whatever its name.
    wanted
        Tells from a file's name (the last part of its path) whether to read it.

    Raises
    ------
    UserError
        If there is no such path, or the archive is damaged or is none.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"there is no file or folder {path}\ncorrect path=")
    if path.is_dir():
        yield from _of_folder(path, wanted)
        return
    with _explained(path):
        found = _of_zip(path, wanted) if zipfile.is_zipfile(path) else _of_tar(path, wanted)
        for count, member in enumerate(found):
            if count >= MEMBERS_LIMIT:
                raise UserError(f"{path} holds more than {MEMBERS_LIMIT} files\ngive a part of it")
            yield member


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}\ncheck the file") from error


def _unreadable(path: Path, why: object) -> UserError:
    return UserError(
        f"{path} cannot be read as an archive ({why}): it is cut short, damaged or none\n"
        "expected a folder, or a .tar, .tar.gz, .tar.xz or .zip of one; fetch it again"
    )


def _of_folder(top: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    visited = set()
    for folder, below, names in os.walk(top, followlinks=True):
        here = Path(folder)
        real = here.resolve()
        if real in visited:  # a link that leads back up
            below.clear()
            continue
        visited.add(real)
        below.sort()
        parts = here.relative_to(top).parts
        if parts:
            yield Member(parts, is_folder=True)
        for name in sorted(names):
            below_parts = (*parts, name)
            yield _of_file(here / name, below_parts) if wanted(name) else Member(below_parts)


def _of_file(file: Path, parts: tuple[str, ...]) -> Member:
    try:
        if not file.is_file():
            return Member(parts, fault="is not a plain file")
        if file.stat().st_size > MEMBER_LIMIT:
            return Member(parts, fault=_TOO_LARGE)
        return Member(parts, file.read_bytes())
    except OSError as error:
        return Member(parts, fault=f"cannot be read: {error.strerror}")


_TOO_LARGE = f"is larger than {MEMBER_LIMIT // 2**20} MiB"
_LEADS_OUT = "has a name that leads out of the archive"


def _parts(name: str) -> tuple[tuple[str, ...], str]:
    """Split a member's name, of no matter what system; return its parts and a fault."""
    name = name.replace("\\", "/")
    parts = tuple(p for p in name.split("/") if p not in ("", "."))
    leads_out = ".." in parts or name.startswith("/") or (parts and parts[0].endswith(":"))
    return parts, _LEADS_OUT if leads_out else ""


def _of_tar(path: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    with path.open("rb") as file:
        magic = file.read(6)
    opener = next((o for start, o in _OPENERS.items() if magic.startswith(start)), None)
    if opener is None and path.stat().st_size % tarfile.BLOCKSIZE:
        # tarfile takes a header that is cut short for the end of the archive.
        raise _unreadable(path, "its size is not that of a tar file")
    with (
        opener(path) if opener else path.open("rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for info in archive:
            parts, fault = _parts(info.name)
            if not info.isdir() and parts and wanted(parts[-1]):
                if not fault and not info.isreg():
                    fault = "is a link or a device, not a file"
                if not fault and info.size > MEMBER_LIMIT:
                    fault = _TOO_LARGE
                source = None if fault else archive.extractfile(info)
                yield Member(parts, source.read() if source else None, fault)
            elif parts and not fault:
                yield Member(parts, is_folder=info.isdir())
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps every header otherwise
        # Behind the archive's own end the compressed stream has an end and a checksum of its own.
        while stream.read(2**20):
            pass


def _of_zip(path: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            parts, fault = _parts(info.filename)
            if not info.is_dir() and parts and wanted(parts[-1]):
                if not fault and info.file_size > MEMBER_LIMIT:
                    fault = _TOO_LARGE
                if not fault and info.flag_bits & 1:
                    fault = "is encrypted"
                yield Member(parts, None if fault else archive.read(info), fault)
            elif parts and not fault:
                yield Member(parts, is_folder=info.is_dir())
