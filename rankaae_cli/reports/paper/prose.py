"""Sentences with citations, written once as templates and printed as LaTeX, Markdown or HTML."""

import functools
import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from rankaae_cli.core.labels import is_known, number_word
from rankaae_cli.reports.latex import escape_latex
from rankaae_cli.reports.tables import print_number

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$@^])")
_CITATION = re.compile(r"<cite>(.*?)</cite>")
_SPACE = re.compile(r"[ \t\r\n]+")  # not the no-break spaces of quantities


@dataclass(frozen=True)
class Cite:
    """A place where works are cited, by their keys."""

    keys: tuple[str, ...]


Text = tuple[str | Cite, ...]


def paragraph(name: str, **values: Any) -> Text:
    """Return a paragraph from its template, ``templates/paper/<name>.html.j2``.

    The template escapes the values, whatever they hold, and cites in ``<cite>key,key</cite>``.
    """
    return parsed(rendered(f"{name}.html.j2", **values))


def parsed(markup: str) -> Text:
    """Return a text with citations in ``<cite>key,key</cite>``, escaped as HTML."""
    parts = _CITATION.split(_SPACE.sub(" ", markup).strip())
    cites = [Cite(tuple(part.split(","))) if i % 2 else html.unescape(part) for i, part in enumerate(parts)]
    return tuple(part for part in cites if part)


def rendered(template: str, **values: Any) -> str:
    """Return a template below ``templates/paper/`` with its values."""
    return _environment().get_template(template).render(values)


def cited(texts: Iterable[Text]) -> list[str]:
    """Return the keys that are cited, in the order of their first citation."""
    keys = [key for text in texts for part in text if isinstance(part, Cite) for key in part.keys]
    return list(dict.fromkeys(keys))


def as_plain(text: Text) -> str:
    """Return a text without its citations."""
    return _printed(text, str, lambda cite: "")


def as_pieces(text: Text, numbers: dict[str, int]) -> list[tuple[str, list[int]]]:
    """Return a text as pairs of plain words and the numbers of the works cited after them."""
    return [
        ("", sorted(numbers[key] for key in part.keys)) if isinstance(part, Cite) else (part, [])
        for part in text
    ]


def _as_latex(text: Text) -> str:
    return _printed(text, escape_latex, lambda cite: f"~\\cite{{{','.join(cite.keys)}}}")


def _as_markdown(text: Text) -> str:
    """Return a text with pandoc's citations."""
    return _printed(text, _escape_markdown, lambda cite: f" [{'; '.join('@' + key for key in cite.keys)}]")


def _escape_markdown(text: str) -> str:
    """Return a text so that Markdown prints it as it stands, on one line."""
    return _MARKDOWN.sub(r"\\\1", _SPACE.sub(" ", text)).replace("&", "&amp;")


def _printed(text: Text, escape: Callable[[str], str], cite: Callable[[Cite], str]) -> str:
    return "".join(cite(part) if isinstance(part, Cite) else escape(part) for part in text)


@pass_eval_context
def _listed(context: EvalContext, texts: Sequence[str]) -> str:
    """Return ``a, b and c``; where the template escapes, with each escaped unless it is so already."""
    text = Markup if context.autoescape else str
    return text(" and ").join([text(", ").join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rankaae_cli.reports", "templates/paper"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters |= {
        "counted": "{:,}".format,
        "escaped": lambda text: _escape_markdown(text.strip()),
        "g": "{:g}".format,
        "latex": _as_latex,
        "listed": _listed,
        "markdown": _as_markdown,
        "number": print_number,
        "word": number_word,
    }
    environment.tests["known"] = is_known
    return environment
