"""What mkdocs does beside Markdown: the generated pages of the reference, and formulae as MathML."""

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from reference import reference_pages, table_of_commands, tables_of_a_traversal

ROOT = Path(__file__).parents[2]
# Pages that lie at the root of the repository.
_OF_ROOT = {
    "how-to/contribute.md": "CONTRIBUTING.md",
    "reference/changes.md": "CHANGELOG.md",
    "explanation/security.md": "SECURITY.md",
}
_GENERATED = {
    "<!-- commands -->": table_of_commands,
    "<!-- columns of a traversal -->": tables_of_a_traversal,
}
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files of docs/."""
    for address, name in _OF_ROOT.items():
        files.append(File.generated(config, address, content=(ROOT / name).read_text(encoding="utf-8")))
    for address, content in reference_pages().items():
        files.append(File.generated(config, address, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put what is generated in the place of its mark."""
    for mark, generated in _GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, generated())
    return markdown


def on_page_content(content: str, **_: Any) -> str:
    """Put MathML, which browsers draw by themselves, in the place of LaTeX."""
    return _FORMULA.sub(_mathml, content)


def _mathml(match: re.Match[str]) -> str:
    display = "block" if match[2] == "[" else "inline"
    return convert(html.unescape(match[3]).strip(), display=display)
