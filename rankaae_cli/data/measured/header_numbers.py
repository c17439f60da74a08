"""Numbers in the headers of scans: a temperature, a charge, a time."""

import re
from datetime import UTC, datetime

_TIME = "h after"  # begins the unit of times
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d:.,;+-]\S*)?\s*")


def header_number(text: str, unit: str | None = None) -> tuple[float | None, str]:
    """Return number and unit of a header's value; of a time the hours after that in `unit`, or after itself."""
    if match := _QUANTITY.fullmatch(text):
        return float(match[1]), match[2] or ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None, ""
    first = unit.removeprefix(_TIME).strip() if unit and unit.startswith(_TIME) else time.isoformat(sep=" ")
    since = datetime.fromisoformat(first)
    apart = time.replace(tzinfo=time.tzinfo or UTC) - since.replace(tzinfo=since.tzinfo or UTC)
    return apart.total_seconds() / 3600, f"{_TIME} {first}"
