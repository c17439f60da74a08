"""Damage of an HDF5 file with which HDF5 would read on for ever, or fill the memory, before it says so.

Layouts are those of the HDF5 File Format Specification 3.0: the global heap, section III.E; dataspace and
datatype of an attribute, sections IV.A.2.b and d.
"""

import re
from pathlib import Path

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SEARCHED = 64 * 2**20  # bytes of a file in which damage is looked for
_HEAP = b"GCOL\x01\0\0\0"  # begins a heap of texts
# Texts of any length, one or a list of them, as an attribute's header says it; where they lie follows.
_TEXTS = re.compile(
    rb"\x19\x01.\0\x10\0\0\0\x10\0\0\0\x01\0\0\0\0\0\x08\0(?:\0{4})?"  # of characters of one byte
    rb"(?:\x01([\0\1])([\0\1])\0{5}|\x02([\0\1])([\0\1])[\0\1])",  # dimensions: how many, and with greatest sizes
    re.DOTALL,
)
_MOST_TEXTS = 1000


def is_damaged(path: Path) -> bool:
    """Tell whether a file is HDF5 whose texts have lengths that cannot be; much other damage HDF5 tells soon.

    These are a damaged heap of texts, with free space of no size, and an attribute's text longer than the file.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
        # Not mapped into memory: a file that is cut short meanwhile would end the program.
        data = _MAGIC + file.read(min(length, _SEARCHED))
    # Numbers of eight bytes, as all programs have them, which the file's beginning says.
    if data[14 if data[8:9] < b"\x02" else 10 :][:1] != b"\x08":
        return False
    return _has_endless_heap(data) or any(_is_longer(data, texts, length) for texts in _TEXTS.finditer(data))


def _has_endless_heap(data: bytes) -> bool:
    start = data.find(_HEAP)
    while start >= 0:
        if _is_endless(data, start):
            return True
        start = data.find(_HEAP, start + 1)
    return False


def _is_endless(data: bytes, heap: int) -> bool:
    end = min(heap + _whole(data, heap + 8, 8), len(data))
    place = heap + 16
    while place + 16 <= end:
        index, size = _whole(data, place, 2), _whole(data, place + 8, 8)
        if index == size == 0:
            return True
        place += size if index == 0 else (16 + (size + 7) // 8 * 8) % 2**64
    return False


def _is_longer(data: bytes, texts: re.Match[bytes], length: int) -> bool:
    """Tell whether one of an attribute's texts is longer than the whole file."""
    dimensions, has_greatest = (ord(texts[i] or texts[i + 2]) for i in (1, 2))
    count = _whole(data, texts.end(), 8) if dimensions else 1
    first = texts.end() + 8 * dimensions * (1 + has_greatest)
    return any(_whole(data, first + 16 * i, 4) > length for i in range(min(count, _MOST_TEXTS)))


def _whole(data: bytes, place: int, size: int) -> int:
    return int.from_bytes(data[place : place + size], "little")
