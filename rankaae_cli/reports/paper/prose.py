"""Sentences with citations, written once and printed as LaTeX, Markdown or HTML."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from string import Formatter

from rankaae_cli.reports.latex import escape_latex

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$@^])")


@dataclass(frozen=True)
class Cite:
    """A place where works are cited, by their keys."""

    keys: tuple[str, ...]


Text = tuple[str | Cite, ...]


def text(template: str, **values: "str | int | Text") -> Text:
    """Return a template with its values filled in.

    Parameters
    ----------
    template
        Prose with ``{name}`` for a value and ``{@key}`` or ``{@key,key}`` for a citation.
    **values
        Strings, numbers or texts. They are never read as templates, whatever they hold.
    """
    parts: list[str | Cite] = []
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(literal)
        if name is None:
            continue
        if name.startswith("@"):
            parts.append(Cite(tuple(name[1:].split(","))))
        else:
            value = values[name]
            parts += value if isinstance(value, tuple) else [str(value)]
    return tuple(part for part in parts if part)


def joined(texts: Iterable[Text], separator: str = " ") -> Text:
    """Return texts one after the other, leaving out empty ones."""
    parts: list[str | Cite] = []
    for one in texts:
        if one:
            parts += [separator, *one] if parts else one
    return tuple(parts)


def listed_texts(texts: Sequence[Text], separator: str = ", ", last: str = " and ") -> Text:
    """Return ``a, b and c``."""
    if len(texts) < 2:
        return joined(texts)
    return joined([joined(texts[:-1], separator), texts[-1]], last)


def cited(texts: Iterable[Text]) -> list[str]:
    """Return the keys that are cited, in the order of their first citation."""
    keys = [key for one in texts for part in one if isinstance(part, Cite) for key in part.keys]
    return list(dict.fromkeys(keys))


def as_latex(one: Text) -> str:
    r"""Return a text as LaTeX, with ``\cite``."""
    return _printed(one, escape_latex, lambda cite: f"~\\cite{{{','.join(cite.keys)}}}")


def as_markdown(one: Text) -> str:
    """Return a text as Markdown, with pandoc's citations."""
    return _printed(one, escape_markdown, lambda cite: f" [{'; '.join('@' + key for key in cite.keys)}]")


def as_plain(one: Text) -> str:
    """Return a text without its citations."""
    return _printed(one, str, lambda cite: "")


def as_pieces(one: Text, numbers: dict[str, int]) -> list[tuple[str, list[int]]]:
    """Return a text as pairs of plain words and the numbers of the works cited after them."""
    pieces: list[tuple[str, list[int]]] = []
    for part in one:
        if isinstance(part, Cite):
            pieces.append(("", sorted(numbers[key] for key in part.keys)))
        else:
            pieces.append((part, []))
    return pieces


def escape_markdown(words: str) -> str:
    """Return `words` so that Markdown prints them as they stand, on one line."""
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(words.split("\n")))
    return escaped.replace("&", "&amp;")


def _printed(one: Text, escape: Callable[[str], str], cite: Callable[[Cite], str]) -> str:
    return "".join(cite(part) if isinstance(part, Cite) else escape(part) for part in one)
