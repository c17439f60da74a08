"""The columns that docs/reference/columns.md explains, by file."""

import csv
import html
import re
from collections import defaultdict

from tests.conftest import ROOT

# What may stand in the place of a name in brackets, where it is not anything.
_NAMES = {
    "descriptor": r"[A-Z][A-Za-z0-9]*",
    "style": r"[A-Z][A-Za-z0-9]*|free_\d+",
    "class": r"[^_]+",
    "loss": r"[a-z_]+",
}
_PAGE = ROOT / "docs" / "reference" / "columns.md"


def undocumented(folder, own=()):
    """Return file and column of what a folder's tables have and the page does not say, but for files in `own`.

    Tables of a report repeat columns of others, and those of a traversal bring their own explanation.
    """
    known = _explained()
    found = []
    for path in sorted(folder.rglob("*.csv")):
        if {"report", "traversal"} & set(path.parts) or path.name in own:
            continue
        patterns = [
            column for name, columns in known.items() if re.fullmatch(name, path.name) for column in columns
        ]
        with path.open(encoding="utf-8", newline="") as file:
            columns = next(csv.reader(file), [])
        found += [(path.name, one) for one in columns if not any(re.fullmatch(p, one) for p in patterns)]
    return sorted(set(found))


def _explained():
    """Return patterns of columns by patterns of names of files."""
    known, files = defaultdict(list), []
    for line in _PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            files = [name.rpartition("/")[2] for name in html.unescape(line[4:]).split(", ")]
        elif line.startswith("| `"):
            columns = re.findall(r"`([^`]+)`", line.split(" | ")[0])
            for name in files:
                known[_pattern(name)] += [_pattern(column) for column in columns]
    return known


def _pattern(name):
    """Return a pattern of a name: what may stand in the place of <this>, and a number in that of N."""
    parts = re.split(r"(<[^>]*>|(?<![A-Za-z])N(?![A-Za-z]))", name)
    fixed, places = parts[::2], parts[1::2]
    patterns = [r"[\d.]+" if place == "N" else f"(?:{_NAMES.get(place[1:-1], '.+')})" for place in places]
    return "".join(re.escape(one) + pattern for one, pattern in zip(fixed, [*patterns, ""], strict=True))
