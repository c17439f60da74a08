"""The commands in README and docs/: those in blocks of shell, and those amid the text."""

import re
import shlex
from dataclasses import dataclass

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Blocks with one of these titles are not run as they stand; their settings are checked all the same.
TITLES = {
    "For example",
    "Installs",
    "On your own data",
    "At the beamline",
    "On a cluster",
    "Takes hours",
    "Shows until it is stopped",
}
_FENCE = re.compile(
    r'^( *)```sh(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^\1```$', re.MULTILINE | re.DOTALL
)
_ANY_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:rankaae [a-z]|make [a-z]|python -m |pip install )[^`]*)`")


@dataclass(frozen=True)
class Command:
    """A line of shell in a page; `title` is that of its block, empty where it is to be run."""

    page: str
    title: str
    words: tuple[str, ...]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def block_commands(path):
    """Return the commands in the blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(path.read_text(encoding="utf-8")):
        for line in match["text"].replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                found.append(Command(name_of(path), match["title"] or "", tuple(words)))
    return found


def inline_commands(path):
    """Return the commands in the text of a page, but for those with <placeholders> or dots."""
    text = _ANY_FENCE.sub("", path.read_text(encoding="utf-8"))
    found = (" ".join(match[1].split()) for match in _INLINE.finditer(text))
    return [
        Command(name_of(path), "in the text", tuple(shlex.split(one)))
        for one in found
        if not re.search(r"<|\.\.\.|COMMAND", one)
    ]
