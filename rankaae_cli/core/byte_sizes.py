"""Amounts of memory as people write them: 300MB, 1.5 GB, 2GiB."""

import re

_PREFIXES = " kmgt"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kMGT])(i)?)?B?", re.IGNORECASE)


def parsed_bytes(text: object) -> int | None:
    """Return the number of bytes of ``300MB`` (a million each), ``300MiB`` (2^20 each) or ``300000000``.

    None where it is no such amount.
    """
    match = _SIZE.fullmatch(str(text).strip())
    if not match:
        return None
    number, prefix, binary = match.groups()
    exponent = _PREFIXES.index((prefix or " ").lower())
    return int(float(number) * (1024 if binary else 1000) ** exponent)


def shown_bytes(size: int) -> str:
    """Return an amount of memory to three digits or fewer, such as ``1.02 GB``."""
    for prefix, unit in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if size >= unit:
            return f"{size / unit:.3g} {prefix}B"
    return f"{size} B"
