"""The input sites that are not in a family file, and why: the list of them, and what it amounts to."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rankaae_cli.core.errors import UserError

_COLUMNS = ("material", "site", "reason")
_REASONS_SHOWN = 12


@dataclass(frozen=True)
class Rejection:
    """An input site that is not in the family file, and why. `site` is empty where none could be told."""

    material: str
    site: str
    reason: str


def rejected_reasons(path: Path) -> list[str]:
    """Return the reasons in a list that `rejected_csv` made, one a site.

    Parameters
    ----------
    path
        Of the list.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no such list, or a row of it is too short or too long.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if rows[:1] != [list(_COLUMNS)] or any(len(row) != len(_COLUMNS) for row in rows):
        raise ValueError(f"{path} is no list of rejected sites: expected {', '.join(_COLUMNS)} in every row")
    return [reason for _, _, reason in rows[1:]]


def rejected_csv(rejected: Iterable[Rejection]) -> str:
    """Return the text of the list of rejected sites: a header, then material, site, reason."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_COLUMNS)
    lines.writerows((r.material, r.site, " ".join(r.reason.split())) for r in rejected)
    return text.getvalue()


def nothing_left(rejected: Sequence[Rejection], rejected_path: Path | None) -> UserError:
    """Return the error of an ingest that keeps no site: the commonest reason, and where all of them are.

    `rejected_path` is None where no list of them was written.
    """
    if not rejected:
        return UserError("the input holds no site\ncheck path=")
    (kind, count), *_ = Counter(_kind(r.reason) for r in rejected).most_common(1)
    alike = [r.reason for r in rejected if _kind(r.reason) == kind]
    like = "" if len(set(alike)) == 1 else " like"
    return UserError(
        f"none of {len(rejected)} sites can be used; {count} of them{like}: {' '.join(alike[0].split())}\n"
        + (f"every site's reason is in {rejected_path}" if rejected_path else "nothing was written")
    )


def frequent_reasons(rejected: Sequence[Rejection]) -> list[str]:
    """Return how often each kind of reason occurs; those that occur once, or are all alike, as they are."""
    kinds: dict[str, list[Rejection]] = {}
    for one in rejected:
        kinds.setdefault(_kind(one.reason), []).append(one)
    often = sorted(kinds.items(), key=lambda item: -len(item[1]))
    lines = []
    for kind, ones in often[:_REASONS_SHOWN]:
        said = " ".join(ones[0].reason.split()) if len({one.reason for one in ones}) == 1 else kind
        site = f" {ones[0].site}" if str(ones[0].site) else ""
        lines.append(f"  {len(ones):6d}  {f'{ones[0].material}{site}: ' if len(ones) == 1 else ''}{said}")
    if len(often) > _REASONS_SHOWN:
        lines.append(f"  {sum(len(ones) for _, ones in often[_REASONS_SHOWN:]):6d}  for other reasons")
    return lines


def _kind(reason: str) -> str:
    """Return a reason without what differs from site to site, so that equal ones can be counted."""
    if reason.startswith("coordination number"):
        return reason
    reason = re.sub(r"^first shell is (?!empty).*?, not", "first shell is not", reason)
    # Choices of columns that are advised stay as they can be pasted.
    parts = re.split(r"('measured\.[^']*')", reason)
    for i in range(0, len(parts), 2):
        part = re.sub(r"(?<!\w)(['\"]).*?\1(?!\w)", "...", parts[i])
        parts[i] = re.sub(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w])", "...", part)
    return "".join(parts)
