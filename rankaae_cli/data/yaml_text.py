"""YAML from anybody: read as text within limits, so that no file takes all the memory or runs for ever."""

import io
from pathlib import Path

import yaml

from rankaae_cli.core.errors import UserError

_LARGEST = 2**18  # bytes; what the program writes takes some ten thousand
_MOST_VALUES, _DEEPEST = 100_000, 50
_OF_PYTHON = "tag:yaml.org,2002:python"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def open_yaml(path: Path) -> io.StringIO:
    """Return the text of a YAML file that can be loaded safely, under the file's name.

    Raises
    ------
    OSError
        If it cannot be read.
    UserError
        If it is no text, or too large, also once what it repeats by name (``*name``) is written out; too deep; or
        names objects of Python, which are never made.
    yaml.MarkedYAMLError
        If it is no YAML.
    """
    if path.stat().st_size > _LARGEST:
        raise UserError(
            f"{path} is larger than {_LARGEST // 2**10} kB, which no configuration is\ncorrect the path"
        )
    try:
        stream = io.StringIO(path.read_text(encoding="utf-8"))
        stream.name = str(path)  # which errors tell
        fault = _fault(stream)
    except (UnicodeDecodeError, yaml.reader.ReaderError):
        fault = "is no text, or holds letters that YAML does not take"
    if fault:
        raise UserError(f"{path} {fault}\ncorrect it there")
    stream.seek(0)
    return stream


def _fault(text: io.StringIO) -> str:
    """Return what is wrong with a YAML text, or nothing; without making anything of it."""
    sizes: dict[str, int] = {}  # values of what has a name
    open_ones: list[tuple[str | None, int]] = []  # name of each list or mapping, and values before it
    values = 0
    for event in yaml.parse(text, Loader=_LOADER):
        tag = str(getattr(event, "tag", None))
        if tag.startswith(_OF_PYTHON):
            return f"names an object of Python, {tag.removeprefix(_OF_PYTHON)[:40]!r}"
        if isinstance(event, yaml.AliasEvent):
            values += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, yaml.CollectionStartEvent):
            open_ones.append((event.anchor, values))
        elif isinstance(event, yaml.CollectionEndEvent):
            name, before = open_ones.pop()
            values += 1
            sizes |= {name: values - before} if name else {}
        if len(open_ones) > _DEEPEST:
            return f"is more than {_DEEPEST} levels deep"
        if values > _MOST_VALUES:
            return f"holds more than {_MOST_VALUES} values"
    return ""
