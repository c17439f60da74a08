"""The works that a text cites: as BibTeX, and as a numbered list."""

from collections.abc import Sequence

from rankaae_cli.reports.latex import escape_latex
from rankaae_cli.reports.paper.bibliography import REFERENCES, Reference

_MOST_AUTHORS = 4  # in a numbered list; of more, the first alone


def bibtex(keys: Sequence[str]) -> str:
    """Return the entries of `keys` as BibTeX, in ASCII."""
    return "\n".join(_entry(REFERENCES[key]) for key in keys)


def printed_references(keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return each entry of `keys` as printed in a list, with its address on the web (empty where none)."""
    return [(_printed(REFERENCES[key]), address(REFERENCES[key])) for key in keys]


def address(reference: Reference) -> str:
    """Return where a work is found on the web; empty where not known."""
    if reference.doi:
        return f"https://doi.org/{reference.doi}"
    return reference.url or (f"https://arxiv.org/abs/{reference.arxiv}" if reference.arxiv else "")


def _entry(reference: Reference) -> str:
    where = {"article": "journal", "inproceedings": "booktitle", "book": "publisher"}.get(reference.kind)
    fields = {
        "author": " and ".join(map(_author, reference.authors.split("; "))),
        "title": f"{{{escape_latex(reference.title)}}}",
        where or "journal": escape_latex(reference.journal),
        "volume": reference.volume,
        "pages": reference.pages.replace("–", "--"),
        "year": str(reference.year),
        "doi": reference.doi,
        "eprint": reference.arxiv,
        "archiveprefix": "arXiv" if reference.arxiv else "",
        "url": reference.url,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{reference.kind}{{{reference.key},", *lines, "}", ""])


def _author(name: str) -> str:
    # A body is one name: its words are no given and family names.
    return escape_latex(name) if "," in name else f"{{{escape_latex(name)}}}"


def _printed(reference: Reference) -> str:
    names = [_short(name) for name in reference.authors.split("; ")]
    if len(names) > _MOST_AUTHORS:
        who = f"{names[0]} et al."
    else:
        who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    where = " ".join(part for part in (reference.journal, reference.volume) if part)
    parts = [who, reference.title, where, reference.pages]
    parts.append("" if where or not reference.arxiv else f"arXiv:{reference.arxiv}")
    return f"{', '.join(part for part in parts if part)} ({reference.year})"


def _short(name: str) -> str:
    family, _, given = name.partition(", ")
    initials = " ".join(f"{part[0]}." for part in given.replace(".", ". ").split())
    return f"{initials} {family}" if initials else family
