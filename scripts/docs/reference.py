"""Pages of the reference that are generated: every key of every command, from the schema and conf/."""

import csv
import dataclasses
import importlib.resources
from typing import Any

from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from rankaae_cli.cli import COMMANDS, options, register
from rankaae_cli.commands.usage.help import Key, head_of, keys_of, value_of
from rankaae_cli.schema import GROUPS, schema_of
from rankaae_cli.schema.expectations import in_words, type_of_key
from rankaae_cli.schema.numbers import expectation_of
from rankaae_cli.schema.train import TRAIN_SCHEMAS, EpochsConfig, TrainConfig

_HEAD = "| key | default | takes | meaning |\n|---|---|---|---|"
_COMMAND = """\
# rankaae {command}

{does}.

```sh title="For example"
{example}
```
"""


def reference_pages() -> dict[str, str]:
    """Return the content of the generated pages by their address below docs/."""
    register()
    pages = {}
    with initialize_config_module("rankaae_cli.conf", version_base="1.3"):
        for command in COMMANDS:
            body = (
                _train_sections()
                if command == "train"
                else _keys_by_parent(command, {None: _values(command)})
            )
            about = COMMANDS[command]
            head = _COMMAND.format(
                command=command, does=about.does[0].upper() + about.does[1:], example=about.example
            )
            pages[f"reference/{command}.md"] = "\n\n".join([head, body, _groups(command)])
    return pages


def table_of_commands() -> str:
    """Return the rows of a table of the commands."""
    return "\n".join(
        f"| [`{command}`]({command}.md) | {about.does} | `{about.example}` |"
        for command, about in COMMANDS.items()
    )


def tables_of_a_traversal() -> str:
    """Return a table of columns for each file of a traversal, those with the same columns together."""
    text = (importlib.resources.files("rankaae_cli.analysis.traversal") / "columns.csv").read_text("utf-8")
    rows_of: dict[str, list[str]] = {}
    for row in csv.DictReader(text.splitlines()):
        unit = row["unit"].format(energy="energy", absorption="abs.").replace("unit of the descriptor", "own")
        line = f"| `{row['column']}` | {unit} | {_cell(row['meaning'])} |"
        rows_of.setdefault(row["file"], []).append(line)
    files_of: dict[str, list[str]] = {}
    for file, lines in rows_of.items():
        files_of.setdefault("\n".join(lines), []).append(f"traversal/{file}")
    return "\n\n".join(
        f"### {_cell(', '.join(files))}\n\n| column | unit | meaning |\n|---|---|---|\n{rows}"
        for rows, files in files_of.items()
    )


def _values(command: str, kind: str | None = None) -> Any:
    """Return the values of a command where nothing is set."""
    cfg = compose(command, [f"kind={kind}"] if kind else [])
    return OmegaConf.to_container(cfg, resolve=False, enum_to_str=True)


def _train_sections() -> str:
    """Return the keys of training: those of every kind of model, those of training in epochs, those of one kind."""
    values = {kind: _values("train", kind) for kind in TRAIN_SCHEMAS}
    of_all = {field.name for field in dataclasses.fields(TrainConfig)}
    of_epochs = {field.name for field in dataclasses.fields(EpochsConfig)} - of_all
    in_epochs = [kind for kind, schema in TRAIN_SCHEMAS.items() if issubclass(schema, EpochsConfig)]
    parts = [
        "## Every kind of model",
        _keys_by_parent("train", values, of_all),
        f"## Kinds trained in epochs: {', '.join(in_epochs)}",
        _keys_by_parent("train", {kind: values[kind] for kind in in_epochs}, of_epochs),
    ]
    for kind, schema in TRAIN_SCHEMAS.items():
        own = {field.name for field in dataclasses.fields(schema)} - of_all - of_epochs
        own |= {"start"} if kind not in in_epochs and "start" in schema.__dataclass_fields__ else set()
        parts += [f"## kind={kind}", _keys_by_parent("train", {kind: values[kind]}, own)]
    return "\n\n".join(parts)


def _keys_by_parent(command: str, values: dict[str | None, Any], names: set[str] | None = None) -> str:
    """Return tables of the keys, one for the plain keys and one for each key that has keys below it.

    Parameters
    ----------
    command
        Its name.
    values
        By kind of model; the keys are those of the first kind.
    names
        Of the keys at the top to show; None for all.
    """
    kind = next(iter(values))
    tables: dict[str, list[str]] = {"": []}
    titles = {"": "" if command == "train" else "## Keys"}
    for key in keys_of(command, kind):
        if names is not None and key.name.partition(".")[0] not in names:
            continue
        if key.holds_keys:
            tables[key.name] = []
            level = "###" if command == "train" or key.name.count(".") else "##"
            titles[key.name] = f"{level} {key.name}\n\n{key.meaning[:1].upper()}{key.meaning[1:]}."
            continue
        tables[key.name.rpartition(".")[0]].append(_row(command, kind, key, values))
    return "\n\n".join(
        "\n\n".join(part for part in (titles[name], "\n".join([_HEAD, *rows]) if rows else "") if part)
        for name, rows in tables.items()
        if rows or name
    )


def _row(command: str, kind: str | None, key: Key, values: dict[str | None, Any]) -> str:
    defaults = {kind: value_of(of_kind, key.name) for kind, of_kind in values.items()}
    if len(set(defaults.values())) == 1:
        default = _code(next(iter(defaults.values())))
    else:
        default = "; ".join(f"{_code(value)} ({kind})" for kind, value in defaults.items())
    takes = in_words(type_of_key(schema_of(command, kind), key.name))
    expected = expectation_of(command, key.name)
    takes = f"{takes}: {expected}" if takes and expected else takes or expected or ""
    return f"| `{key.name}` | {default} | {_cell(takes)} | {_cell(key.meaning)} |"


def _code(value: str) -> str:
    return "" if value == "" else f"`{value}`" if value != "(needed)" else "needed"


def _cell(text: str) -> str:
    """Return a text for a cell: what looks like a tag, or ends a cell, is escaped."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def _groups(command: str) -> str:
    """Return the options of the configuration groups of a command, each with what its file sets."""
    if command not in GROUPS:
        return ""
    parts = [
        "## Configuration groups",
        "An option sets several keys at once; a key that is given beside it counts. Below each stands its file.",
    ]
    for group in GROUPS[command]:
        plus = "+" if group in ("family", "experiment") else ""
        parts.append(f"### {plus}{group}=")
        for option in options(group):
            file = importlib.resources.files("rankaae_cli.conf") / group / f"{option}.yaml"
            text = file.read_text(encoding="utf-8").rstrip()
            head = head_of(group, option)
            title = f"`{plus}{group}={option}`" + (f": {head}" if head else "")
            title = title.replace('"', "'")
            block = "\n".join(f"    {line}" for line in ["```yaml", *text.splitlines(), "```"])
            parts.append(f'??? note "{title}"\n\n{block}')
    return "\n\n".join(parts)
