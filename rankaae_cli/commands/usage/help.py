"""What ``rankaae COMMAND --help`` shows: examples, configuration groups, and every key with its meaning.

Meanings are those beside the types of the dataclasses that `rankaae_cli.schema` is made of; what an option of a
configuration group is, the comment at the head of its file says.
"""

import importlib.resources
import inspect
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.schema import GROUPS, schema_of

_WIDEST = 120
_VALUE_WIDTH = 18
# Keys below a group of a group, such as baseline_settings.aae.objective.rank, are explained where they are at home.
_DEEPEST = 2


@dataclass(frozen=True)
class Key:
    """A key of a command.

    Attributes
    ----------
    name
        Dotted.
    meaning
        One line, without the choices.
    choices
        Its values where they are few; empty where they are not.
    holds_keys
        Whether it has keys below it instead of a value.
    """

    name: str
    meaning: str
    choices: tuple[str, ...] = ()
    holds_keys: bool = False


def keys_of(command: str, kind: str | None = None) -> list[Key]:
    """Return every key of a command, of training those of a kind of model, each before the keys below it."""
    return list(_keys(schema_of(command, kind), ""))


def help_text(command: str, cfg: DictConfig, options: Callable[[str], list[str]]) -> str:
    """Return the help of a command.

    Parameters
    ----------
    command
        Its name.
    cfg
        The configuration that the call would use; its values are shown.
    options
        Gives the options of a configuration group by name.
    """
    hydra = HydraConfig.get()
    width = min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST)
    parts = [hydra.help.header.rstrip()]
    if command in GROUPS:
        parts.append(_groups(GROUPS[command], dict(hydra.runtime.choices), options, width))
    parts.append("Keys, set as key=value; beside them the values that this call would use")
    values = OmegaConf.to_container(cfg, resolve=False, enum_to_str=True)
    parts += _sections(keys_of(command, cfg.get("kind")), values, width)
    parts.append(hydra.help.footer.rstrip())
    return "\n\n".join(parts)


def head_of(group: str, option: str) -> str:
    """Return the first sentence of the comment at the head of an option's file; nothing where it does not ship."""
    file = importlib.resources.files("rankaae_cli.conf") / group / f"{option}.yaml"
    if not file.is_file():
        return ""
    comments = [line.partition("#")[2].strip() for line in file.read_text(encoding="utf-8").splitlines()[:4]]
    said = " ".join(line for line in comments if line and not line.startswith("@package"))
    return said.partition(". ")[0].rstrip(".")


def value_of(values: Any, name: str) -> str:
    """Return the value of a dotted key as one would write it."""
    for part in name.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    if values == "???":
        return "(needed)"
    if isinstance(values, bool) or values is None:
        return {True: "true", False: "false", None: "null"}[values]
    if isinstance(values, dict):
        return "{...}" if values else "{}"
    return f"[{','.join(map(str, values))}]" if isinstance(values, list) else str(values)


def _keys(node: Any, prefix: str) -> Iterator[Key]:
    for name, annotated in get_type_hints(node, include_extras=True).items():
        if get_origin(annotated) is ClassVar:
            continue
        hint, meaning = get_args(annotated) if get_origin(annotated) is Annotated else (annotated, "")
        kinds = (hint, *get_args(hint))
        choices = next(
            (tuple(k.__members__) for k in kinds if inspect.isclass(k) and issubclass(k, Enum)), ()
        )
        below = None if get_origin(hint) is dict else next((k for k in kinds if is_dataclass(k)), None)
        yield Key(f"{prefix}{name}", meaning, choices, below is not None)
        if below is not None:
            yield from _keys(below, f"{prefix}{name}.")


def _groups(
    groups: tuple[str, ...], chosen: dict[str, Any], options: Callable[[str], list[str]], width: int
) -> str:
    """Return the configuration groups, the chosen option of each marked."""
    rows = []
    for group in groups:
        if group == "family":
            rows.append(("  +family=NAME", ", ".join(options(group))))
            continue
        if group not in chosen and group != "experiment":
            continue  # of another kind of model
        plus = "" if group in chosen else "+"
        for option in options(group):
            mark = "* " if chosen.get(group) == option else "  "
            rows.append((f"{mark}{plus}{group}={option}", head_of(group, option)))
    title = "Configuration groups, each option a set of keys (* in this call)"
    return "\n".join([title, *_table(rows, width)])


def _sections(keys: list[Key], values: Any, width: int) -> list[str]:
    """Return a table of the plain keys of every level."""
    sections: dict[str, list[tuple[str, ...]]] = {"": []}
    titles = {"": ""}
    for key in keys:
        parent = key.name.rpartition(".")[0]
        if parent not in sections:
            continue
        value = value_of(values, key.name)
        if key.holds_keys and key.name.count(".") < _DEEPEST and value != "null":
            sections[key.name] = []
            titles[key.name] = f"{key.name}: {key.meaning}"
            continue
        choices = f" [{' | '.join(key.choices)}]" if key.choices else ""
        sections[parent].append((f"  {key.name}", value, key.meaning + choices))
    return [
        "\n".join([*([titles[name]] if name else []), *_table(rows, width)])
        for name, rows in sections.items()
        if rows or titles[name]
    ]


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Return rows with their columns under each other and the last one wrapped."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    if len(widths) > 1:
        widths[1] = min(widths[1], _VALUE_WIDTH)
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for *heads, last in rows:
        start = "  ".join(head.ljust(w) for head, w in zip(heads, widths, strict=True)) + "  "
        wrapped = textwrap.wrap(last, max(width - indent, 30)) or [""]
        # A value too long for its column has the line to itself.
        if len(start) > indent:
            lines.append(start.rstrip())
            start = " " * indent
        lines.append(start + wrapped[0])
        lines += [" " * indent + line for line in wrapped[1:]]
    return [line.rstrip() for line in lines]
