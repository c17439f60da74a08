"""Reading the files of a folder or of an archive, one after the other, without unpacking to disk."""

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.compression import bare_name, opened, uncompressed, unpacking

MEMBER_LIMIT = 64 * 2**20  # bytes; no POSCAR, xmu.dat or table of spectra comes near
MEMBERS_LIMIT = 5_000_000
_LONGEST_LINK = 4096  # bytes
# What the libraries raise for a damaged archive, or one of a kind that they do not know.
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


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
        Why a wanted file was not read, or what a folder holds is not known; or empty.
    is_folder
        Whether it is a folder, or a link that may lead to one.
    """

    parts: tuple[str, ...]
    data: bytes | None = None
    fault: str = ""
    is_folder: bool = False


def members(path: str | Path, wanted: Callable[[str], bool], limit: int | None = None) -> Iterator[Member]:
    """Yield all files and folders of a folder or an archive, with the bytes of the wanted files.

    Nothing is written to disk. A wanted file is read only if it is a plain file below the top, of at most
    `limit` bytes; otherwise it is yielded with a fault. So is a folder that cannot be read. A compressed file is
    wanted and yielded by its name without the compression's ending, with its bytes uncompressed; in a folder it is
    passed over where a file of that name lies beside it. Links to folders are followed in a folder, unless they
    lead back up; those are yielded with a fault, as are an archive's links to folders.

    Parameters
    ----------
    path
        A folder, a tar file (plain or compressed by gzip, xz or bzip2) or a zip file, whatever its name.
    wanted
        Tells from a file's name (the last part of its path) whether to read it.
    limit
        Bytes; None: 64 MiB.

    Raises
    ------
    UserError
        If there is no such path or it cannot be read, or the archive is damaged or is none.
    """
    path = Path(path)
    limit = MEMBER_LIMIT if limit is None else limit
    if not path.exists():
        raise UserError(f"there is no file or folder {path}\ncorrect path=")
    with _explained(path):
        if path.is_dir():
            contents = _of_folder(path, (), (path.resolve(),), wanted, limit)
        else:
            of_archive = _of_zip if zipfile.is_zipfile(path) else _of_tar
            contents = of_archive(path, lambda name: wanted(bare_name(name)), limit)
        for count, member in enumerate(contents):
            if count >= MEMBERS_LIMIT:
                raise UserError(f"{path} holds more than {MEMBERS_LIMIT} files\ngive a part of it")
            yield _uncompressed(member, limit)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise _unreadable(path) from error
    except SpectrumError as error:
        raise _unreadable(path, str(error)) from error
    except OSError as error:
        why = error.strerror or "the drive gives no reason"
        raise UserError(f"{path} cannot be read: {why}\ncheck the file") from error


def _unreadable(path: Path, why: str = "it is cut short, damaged or none") -> UserError:
    return UserError(
        f"{path} cannot be read as an archive ({why})\n"
        "expected a folder, or a .tar, .tar.gz, .tar.xz or .zip of one; fetch it again"
    )


def _uncompressed(member: Member, limit: int) -> Member:
    """Return a member without its compression; as it is where it was not wanted."""
    if member.is_folder or (member.data is None and not member.fault):
        return member
    bare = replace(member, parts=(*member.parts[:-1], bare_name(member.parts[-1])))
    try:
        return bare if member.data is None else replace(bare, data=uncompressed(member.data, limit))
    except SpectrumError as error:
        return replace(bare, data=None, fault=str(error).removeprefix("it "))


def _of_folder(
    folder: Path, parts: tuple[str, ...], above: tuple[Path, ...], wanted: Callable[[str], bool], limit: int
) -> Iterator[Member]:
    """Yield what is below a folder; `above` are the true paths of the folder itself and those above it."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: (_is_folder(entry), entry.name))
    names = {entry.name for entry in entries}
    for entry in entries:
        file, below = Path(entry.path), (*parts, _readable(entry.name))
        bare = bare_name(entry.name)
        if not _is_folder(entry):
            if wanted(bare) and (bare == entry.name or bare not in names):
                yield _of_file(file, below, limit)
            elif entry.is_symlink() and not file.exists():
                yield Member(below, fault="is a link to nothing", is_folder=True)
            else:
                yield Member(below)
        elif (real := file.resolve()) in above:
            yield Member(below, fault="is a link to a folder above it", is_folder=True)
        else:
            yield Member(below, is_folder=True)
            try:
                yield from _of_folder(file, below, (*above, real), wanted, limit)
            except OSError as error:
                yield Member(below, fault=f"cannot be read: {error.strerror}", is_folder=True)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False


def _readable(name: str) -> str:
    """Return a name without bytes that are no UTF-8, so that it can be written to files."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _of_file(file: Path, parts: tuple[str, ...], limit: int) -> Member:
    try:
        if not file.is_file():
            return Member(parts, fault="is not a plain file")
        if file.stat().st_size > limit:
            return Member(parts, fault=_too_large(limit))
        return Member(parts, file.read_bytes())
    except OSError as error:
        return Member(parts, fault=f"cannot be read: {error.strerror}")


_LEADS_OUT = "has a name that leads out of the archive"


def _too_large(limit: int) -> str:
    return f"is larger than {limit // 2**20} MiB"


def _parts(name: str) -> tuple[tuple[str, ...], str]:
    """Split a member's name, of no matter what system; return its parts and a fault."""
    name = name.replace("\\", "/")
    parts = tuple(_readable(p) for p in name.split("/") if p not in ("", "."))
    leads_out = ".." in parts or name.startswith("/") or (parts and parts[0].endswith(":"))
    return parts, _LEADS_OUT if leads_out else ""


def _of_tar(path: Path, wanted: Callable[[str], bool], limit: int) -> Iterator[Member]:
    if not unpacking(path) and path.stat().st_size % tarfile.BLOCKSIZE:
        # tarfile takes a header that is cut short for the end of the archive.
        raise _unreadable(path, "its size is not that of a tar file")
    with opened(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        links = _Links()
        for info in archive:
            parts, fault = _parts(info.name)
            links.see(parts, info.isdir(), info.linkname if info.issym() else None)
            if not info.isdir() and parts and wanted(parts[-1]):
                if not fault and not info.isreg():
                    fault = "is a link or a device, not a file"
                if not fault and info.size > limit:
                    fault = _too_large(limit)
                source = None if fault else archive.extractfile(info)
                yield Member(parts, source.read() if source else None, fault)
            elif parts and not fault:
                yield Member(parts, is_folder=info.isdir())
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps every header otherwise
        yield from links.to_folders(wanted)
        # Behind the archive's own end the compressed stream has an end and a checksum of its own.
        while stream.read(2**20):
            pass


def _of_zip(path: Path, wanted: Callable[[str], bool], limit: int) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        links = _Links()
        for info in archive.infolist():
            parts, fault = _parts(info.filename)
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            short = info.file_size < _LONGEST_LINK and not info.flag_bits & 1
            target = archive.read(info).decode("utf-8", "replace") if is_link and short else None
            links.see(parts, info.is_dir(), target)
            if not info.is_dir() and parts and wanted(parts[-1]):
                if not fault and is_link:
                    fault = "is a link or a device, not a file"
                if not fault and info.file_size > limit:
                    fault = _too_large(limit)
                if not fault and info.flag_bits & 1:
                    fault = "is encrypted"
                yield Member(parts, None if fault else archive.read(info), fault)
            elif parts and not fault:
                yield Member(parts, is_folder=info.is_dir())
        yield from links.to_folders(wanted)


class _Links:
    """The symbolic links of an archive: which lead to a folder is known only once all of it is read."""

    def __init__(self) -> None:
        self._folders: set[tuple[str, ...]] = set()
        self._targets: dict[tuple[str, ...], tuple[str, ...] | None] = {}

    def see(self, parts: tuple[str, ...], is_folder: bool, target: str | None) -> None:
        """Take note of a member, and of where it leads if it is a link."""
        folder = parts if is_folder else parts[:-1]
        while folder and folder not in self._folders:
            self._folders.add(folder)
            folder = folder[:-1]
        if target is not None and parts:
            inside = os.path.normpath("/".join((*parts[:-1], target.replace("\\", "/"))))
            leads_out = target.startswith("/") or inside.startswith("..")
            self._targets[parts] = None if leads_out else _parts(inside)[0]

    def to_folders(self, wanted: Callable[[str], bool]) -> Iterator[Member]:
        """Yield the links to the archive's folders, or to what is outside it, but for the wanted names."""
        for parts, target in self._targets.items():
            if not wanted(parts[-1]) and (target is None or target in self._folders or target == ()):
                where = "outside the archive" if target is None else "to a folder"
                yield Member(parts, fault=f"is a link {where}, which is not followed", is_folder=True)
