"""Mutations that know what a text is made of: lines, fields and numbers; compression and encodings."""

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from functools import cache
from random import Random

NUMBERS = (
    *("nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "1e400", "0", "-0.0", "-1", "1", "2147483648"),
    *(
        "99999999999999999999999",
        "1_000",
        "1,5",
        "1.5D+3",
        "2.4-101",
        "********",
        "0x10",
        "1e",
        "--",
        "",
        "\u0663",
    ),
)
# Words that formats look for, in places where they are not meant.
WORDS = (
    *(
        "#S 1 ascan",
        "#L energy  i0",
        "#N 3",
        "[record]",
        "@x = (1,2);",
        "# ///",
        "#----",
        "ENE_7112",
        "AUX_CN,,",
    ),
    *(
        "xsedge+ 50, used to normalize mu  1.0",
        "# omega e k mu mu0 chi",
        "Data:",
        "energy mu",
        "energy energy",
    ),
    *(
        "# Column.1: energy eV",
        "# Column.99999999999: mu",
        "# Column.-1: i0",
        "# Column.2: i0",
        "Direct",
        "# XDI/1.0",
    ),
    *(
        "# Athena project file",
        "# Element.symbol: Xx",
        "# Mono.d_spacing: -1",
        "'",
        '"',
        "\\",
        "e\u0301\u00e9",
        "[{(",
    ),
)
COMPRESSIONS: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, lzma.compress, bz2.compress)
BOMB_MIB = 300
_TOKEN = re.compile(rb"[-+]?\d[\d.,eE+-]*")


def mutated_text(random: Random, data: bytes) -> bytes:
    """Return a text with one to three faults, sometimes in another encoding, compressed, or a bomb."""
    for _ in range(random.randint(1, 3)):
        data = random.choice(_TEXT)(random, data)[: 2**20]
    if random.random() < 0.04:
        text = data.decode("utf-8", "replace")
        data = text.encode(
            random.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"]), "replace"
        )
    if random.random() < 0.06:
        data = random.choice(COMPRESSIONS)(data)
        data = damaged(random, data) if random.random() < 0.7 else data
    if random.random() < 0.002:
        data = _bomb(
            random.randrange(len(COMPRESSIONS)), random.choice([b"0", b"\n", b"1 2\n", b"\0"]), data[:9999]
        )
    return data


def damaged(random: Random, data: bytes) -> bytes:
    """Cut bytes off, change some, put some in, or repeat a piece."""
    kind, at = random.randrange(4), random.randrange(len(data) + 1)
    if kind == 0:
        return data[:at]
    if kind == 1:
        changed = bytearray(data)
        for _ in range(random.choice([1, 1, 3, 30])):
            if changed:
                changed[random.randrange(len(changed))] = random.randrange(256)
        return bytes(changed)
    if kind == 2:
        return data[:at] + random.randbytes(random.choice([1, 8, 200])) + data[at:]
    return data[:at] + data[max(0, at - random.choice([1, 50, 5000])) :]


def _bomb(compression: int, filling: bytes, start: bytes) -> bytes:
    return COMPRESSIONS[compression](start) + filling_of(compression, filling)


@cache
def filling_of(compression: int, filling: bytes) -> bytes:
    """Return what is large once it is uncompressed: streams of a megabyte, one behind the other."""
    return COMPRESSIONS[compression](filling * (2**20 // len(filling))) * BOMB_MIB


def _lines(change: Callable[[Random, list[bytes]], None]) -> Callable[[Random, bytes], bytes]:
    def changed(random: Random, data: bytes) -> bytes:
        lines = data.split(b"\n")
        change(random, lines)
        return b"\n".join(lines)

    return changed


def _span(random: Random, lines: list[bytes]) -> slice:
    """Return some lines one after the other, those at the top as often as all others: they are the header."""
    top = random.random() < 0.5
    start = random.randrange(min(12, len(lines)) if top else len(lines))
    return slice(start, start + random.choice([1, 1, 2, 5, 50]))


def _dropped(random: Random, lines: list[bytes]) -> None:
    del lines[_span(random, lines)]


def _repeated(random: Random, lines: list[bytes]) -> None:
    span = _span(random, lines)
    lines[span] = lines[span] * random.choice([2, 3, 100, 3000])


def _moved(random: Random, lines: list[bytes]) -> None:
    span = _span(random, lines)
    piece, lines[span] = lines[span], []
    at = random.randrange(len(lines) + 1)
    lines[at:at] = piece


def _turned(random: Random, lines: list[bytes]) -> None:
    span = slice(random.randrange(len(lines)), None)
    piece = lines[span]
    random.shuffle(piece) if random.random() < 0.5 else piece.reverse()
    lines[span] = piece


def _with_word(random: Random, lines: list[bytes]) -> None:
    word = random.choice(WORDS) * random.choice([1, 1, 1, 3, 20000])
    lines.insert(random.randrange(min(20, len(lines))), word.encode())


def _with_field(random: Random, lines: list[bytes]) -> None:
    """Take a field of a line away, or put one more in."""
    i = random.randrange(len(lines))
    fields = lines[i].split()
    if fields and random.random() < 0.5:
        del fields[random.randrange(len(fields))]
    else:
        fields.insert(random.randrange(len(fields) + 1), random.choice(NUMBERS).encode())
    lines[i] = b" ".join(fields)


def _column(random: Random, lines: list[bytes]) -> None:
    """Change one column of all rows: constant, negative, scaled, with a number in it that is none."""
    which, kind, number = random.randrange(4), random.randrange(5), random.choice(NUMBERS).encode()
    factor = random.choice([0.0, -1.0, 1e-3, 1e3, 1e300, -1e-300])
    for i, line in enumerate(lines):
        found = list(_TOKEN.finditer(line))
        if line[:1] in b"#%" or len(found) <= which:
            continue
        token = found[which]
        try:
            value = float(token[0])
        except ValueError:
            continue
        new = (b"%g" % (factor * value), number, b"%g" % abs(value - 7000), b"", b"%.0f" % value)[kind]
        lines[i] = line[: token.start()] + new + line[token.end() :]


def _number(random: Random, data: bytes) -> bytes:
    """Put other numbers into the place of some, in the header as often as in the rows."""
    for _ in range(random.choice([1, 1, 4, 40])):
        token = _TOKEN.search(data, random.randrange(400 if random.random() < 0.5 else len(data) + 1))
        if token:
            data = data[: token.start()] + random.choice(NUMBERS).encode() + data[token.end() :]
    return data


def _separators(random: Random, data: bytes) -> bytes:
    pairs = (
        (b"\n", b"\r"),
        (b"\n", b"\r\n"),
        (b" ", b""),
        (b" ", b"\t"),
        (b" ", b","),
        (b".", b","),
        (b"\n", b" "),
    )
    return data.replace(
        *random.choice([*pairs, (b",", b""), (b"#", b""), (b"'", b""), (b":", b""), (b"_", b" ")])
    )


def _long_or_deep(random: Random, data: bytes) -> bytes:
    piece = random.choice([b"1 ", b"x", b"[", b"(", b"{'a':", b'"', b"7112.5,", b"\t", b"#", b"\xff", b"\0"])
    at = random.randrange(len(data) + 1)
    return data[:at] + piece * random.choice([60, 2000, 100_000, 1_000_000]) + data[at:]


_TEXT = (
    *(_lines(change) for change in (_dropped, _repeated, _moved, _turned, _with_word, _with_field, _column)),
    *(damaged, _number, _number, _separators, _long_or_deep),
)
