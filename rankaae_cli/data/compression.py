"""Files that are compressed as a whole: read alike wherever they lie, known by how they begin."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

from rankaae_cli.core.xas.spectra import SpectrumError


class _Compression(NamedTuple):
    """A kind of compression: its name, how its files begin and end, what unpacks them, what opens them here."""

    name: str
    start: bytes
    ending: str
    program: str
    opener: Callable[[Any], Any] | None


_KINDS = (
    _Compression("gzip", b"\x1f\x8b", ".gz", "gunzip", gzip.open),
    _Compression("xz", b"\xfd7zXZ\x00", ".xz", "unxz", lzma.open),
    _Compression("bzip2", b"BZh", ".bz2", "bunzip2", bz2.open),
    _Compression("lzma", b"]\x00\x00", ".lzma", "unlzma", lzma.open),
    _Compression("zstd", b"(\xb5/\xfd", ".zst", "unzstd", None),
    _Compression("lz4", b"\x04\x22M\x18", ".lz4", "unlz4", None),
    _Compression("compress", b"\x1f\x9d", ".Z", "uncompress", None),
)
_LONGEST = max(len(kind.start) for kind in _KINDS)
_DAMAGED = (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile)


def bare_name(name: str) -> str:
    """Return a file's name without the ending of a compression: ``xmu.dat.gz`` is ``xmu.dat``."""
    return next((name.removesuffix(k.ending) for k in _KINDS if name.endswith(k.ending)), name)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its bytes, uncompressed.

    Raises
    ------
    SpectrumError
        If it is damaged, also while it is read, or compressed in a way that is not read.
    OSError
        If it cannot be opened or read for another reason.
    """
    with path.open("rb") as file, _uncompressing(file) as stream:
        yield stream


def uncompressed(data: bytes, limit: int) -> bytes:
    """Return the bytes of a file, uncompressed; raise SpectrumError as `opened`, and beyond `limit` bytes."""
    if _kind(data) is None:
        return data
    with _uncompressing(io.BytesIO(data)) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise SpectrumError(f"it is larger than {limit // 2**20} MiB, uncompressed")
    return content


def unpacking(path: Path) -> str:
    """Return what to do with a compressed file that is only read uncompressed; empty where it is not compressed."""
    with path.open("rb") as file:
        kind = _kind(file.read(_LONGEST))
    return "" if kind is None else f"it is compressed by {kind.name}: unpack it, such as by {kind.program}"


@contextmanager
def _uncompressing(file: IO[bytes]) -> Iterator[IO[bytes]]:
    kind = _kind(file.read(_LONGEST))
    file.seek(0)
    if kind is not None and kind.opener is None:
        raise SpectrumError(
            f"it is compressed by {kind.name}, which is not read: unpack it, such as by {kind.program}"
        )
    try:
        with nullcontext(file) if kind is None or kind.opener is None else kind.opener(file) as stream:
            yield stream
    except (*_DAMAGED, OSError) as error:
        # bz2 reports a damaged stream as an OSError without a number, which those of a drive have.
        if kind is None or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise SpectrumError("it is compressed, and damaged or cut short") from error


def _kind(start: bytes) -> _Compression | None:
    return next((kind for kind in _KINDS if start.startswith(kind.start)), None)
