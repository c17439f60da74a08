"""The works that a text cites, from ``templates/paper/references.bib``: as BibTeX, and as a numbered list.

What is not certain of an entry is left out of it. The file is in UTF-8; what is written of it is ASCII.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from rankaae_cli.reports.latex import escape_latex

_MOST_AUTHORS = 4  # in a numbered list; of more, the first alone
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.MULTILINE)


@functools.cache
def entries() -> Mapping[str, str]:
    """Return every entry of the file by its key."""
    text = (files("rankaae_cli.reports") / "templates/paper/references.bib").read_text(encoding="utf-8")
    return {re.split("[{,]", entry, maxsplit=2)[1]: f"{entry}\n" for entry in text.rstrip().split("\n\n")}


def bibtex(keys: Sequence[str]) -> str:
    """Return the entries of `keys` as BibTeX, in ASCII."""
    text = "\n".join(entries()[key] for key in keys)
    return re.sub(r"[^\x00-\x7f]", lambda letter: escape_latex(letter[0]), text)


def printed_references(keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return each entry of `keys` as printed in a list, with its address on the web (empty where none)."""
    works = [fields(key) for key in keys]
    return [(_printed(work), address(work)) for work in works]


def fields(key: str) -> dict[str, str]:
    """Return the fields of an entry as they are printed."""
    values = dict(_FIELD.findall(entries()[key]))
    return {name: re.sub(r"[{}\\]", "", value).replace("--", "–") for name, value in values.items()}


def address(work: Mapping[str, str]) -> str:
    """Return where a work is found on the web; empty where not known."""
    if "doi" in work:
        return f"https://doi.org/{work['doi']}"
    return work.get("url") or (f"https://arxiv.org/abs/{work['eprint']}" if "eprint" in work else "")


def _printed(work: Mapping[str, str]) -> str:
    names = [_short(name) for name in work["author"].split(" and ")]
    if len(names) > _MOST_AUTHORS:
        who = f"{names[0]} et al."
    else:
        who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    journal = next((work[key] for key in ("journal", "booktitle", "publisher") if key in work), "")
    where = f"{journal} {work.get('volume', '')}".strip()
    parts = [who, work["title"], where, work.get("pages", "")]
    parts.append("" if where or "eprint" not in work else f"arXiv:{work['eprint']}")
    return f"{', '.join(part for part in parts if part)} ({work['year']})"


def _short(name: str) -> str:
    family, _, given = name.partition(", ")
    initials = " ".join(f"{part[0]}." for part in given.replace(".", ". ").split())
    return f"{initials} {family}" if initials else family
