"""What to say of a call that Hydra or OmegaConf refuses: what was found, what was expected, what to type."""

import difflib
import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from rankaae_cli.commands.usage.help import keys_of
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import nearest
from rankaae_cli.schema import GROUPS, kind_of_call, schema_of
from rankaae_cli.schema.expectations import in_words, takes_list, takes_number, takes_text, type_of_key
from rankaae_cli.schema.train import TRAIN_SCHEMAS

_HYDRA = {"hydra", "antlr4", "omegaconf"}
_NO_NAME = re.compile(r"null|true|false|[\d.e+-]*|[\[{(].*|.*\$\{.*", re.IGNORECASE)
_APPENDED = ("family", "experiment")  # groups that a call adds with a +
_LAUNCHER_EXTRAS = {"joblib": "joblib", "submitit_slurm": "slurm", "submitit_local": "slurm"}
_PATH_KEYS = {"ingest": "path", "predict": "input"}  # what takes the path that a command works on
# Characters that Hydra's grammar takes in quotes alone.
_SPECIAL = re.compile(r"[^\w./+@%*?|$:\\ -]", re.ASCII)
Options = Callable[[str], list[str]]


def call_error_message(
    error: BaseException, command: str, overrides: list[str], options: Options
) -> str | None:
    """Put an error of Hydra, OmegaConf or YAML into a line or two; None for any other error.

    Some errors of Hydra's are plain ones of Python: they are known by the file that raises them.

    Parameters
    ----------
    error
        As it was raised.
    command, overrides
        Of the call.
    options
        Gives the options of a configuration group by name.
    """
    if isinstance(error, MarkedYAMLError):
        return _broken_file(error)
    if isinstance(error, MissingConfigException):
        group, _, name = (error.missing_cfg_file or "").rpartition("/")
        if group == "hydra/launcher" and (extra := _LAUNCHER_EXTRAS.get(name)):
            return f"the launcher needs a package that is not there\npip install 'rankaae[{extra}]'"
        there_are = f": {nearest(name, error.options)}" if error.options else ""
        return f"there is no {group or 'configuration'} {name!r}{there_are}"
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override, command, overrides)
    if isinstance(error, AssertionError) and "Unexpected type for root" in str(error):
        return _below_null(command, overrides)
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return _plain(error, command, overrides)
    first = str(error).strip().partition("\n")[0]
    cause = next(
        (e for e in (error, error.__cause__, error.__context__) if isinstance(e, OmegaConfBaseException)),
        None,
    )
    if cause is not None and (of_other := _of_another_kind(cause, first, command, overrides)):
        return of_other
    if cause is not None and (no_mapping := re.search(r"is not a subclass of (\w+)", str(cause.msg))):
        return _no_mapping(no_mapping[1], first, command, overrides)
    if cause is not None and cause.full_key:
        return _wrong_value(cause, first, command, overrides, options)
    return _refused_by_hydra(str(error).strip(), command, overrides, options)


def _plain(error: BaseException, command: str, overrides: list[str]) -> str | None:
    """Return what to say of an error of Python's own that Hydra came upon; None of one of the program's."""
    files = [Path(frame.filename).parts for frame in traceback.extract_tb(error.__traceback__)]
    ours = [not set(parts) & _HYDRA for parts in files if set(parts) & {*_HYDRA, "rankaae_cli"}]
    if not ours or ours[-1]:
        return None
    longest = max(overrides, key=len, default=command)
    if isinstance(error, RecursionError):
        return f"{longest} is nested too deeply\nwrite it with fewer brackets"
    if isinstance(error, OSError):
        return f"{longest} names no configuration: {error.strerror}\nsee rankaae {command} --help"
    if no_name := _no_name(command, overrides):
        return no_name
    what = (
        str(error).strip().partition("\n")[0]
        if isinstance(error, ValueError)
        else "no configuration can be made of this call"
    )
    return f"{what}\nsee rankaae {command} --help"


def _no_name(command: str, overrides: list[str]) -> str | None:
    """Return which setting of a call gives a group what cannot be the name of an option; None where none does."""
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in (*GROUPS.get(command, ()), *_APPENDED) and _NO_NAME.fullmatch(value):
            return f"{override}: {key}= takes the name of an option\nsee rankaae {command} --help"
    return None


def _below_null(command: str, overrides: list[str]) -> str | None:
    """Return which key of a call lies below one that is null; None where none can."""
    node = schema_of(command, kind_of_call(overrides))
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0]
        parent = key.rpartition(".")[0]
        if parent and "null" in in_words(type_of_key(node, parent)):
            group, _, option = parent.partition(".")
            return (
                f"{key}= has no effect: {parent} is null in this call\n"
                f"give {group}={option} too, or another {group}= that has it, see rankaae {command} --help"
            )
    return None


def _refused_by_hydra(text: str, command: str, overrides: list[str], options: Options) -> str:
    """Return what to say instead of a text of Hydra's; the text itself where it is another one."""
    if ambiguous := re.match(r"Ambiguous value for argument '(.*)'", text):
        return _ambiguous(ambiguous[1], command, overrides, options)
    if sweep := re.match(r"Sweep parameters '(.*)' requires --multirun", text):
        search = " and hydra/sweeper=optuna" if "interval(" in sweep[1] else ""
        return (
            f"{sweep[1]!r} gives several values, and this is one job\nadd -m{search} to make one job of each"
        )
    if there := re.match(r"Could not append to config. An item is already at '(.*)'", text):
        return f"{command} has the key {there[1]} already: write {there[1]}=... without the +"
    if twice := re.match(r"(\w+) appears more than once in the final defaults list", text):
        return f"{command} has one {twice[1]} already: write {twice[1]}=... once, without the +"
    if group := re.search(r"Could not override '([\w/]+)'\. No match in the defaults list", text):
        file = re.match(r"In '([^/']+)/([^']+)':", text)
        name = (
            f"{file[1]}={file[2]}"
            if file
            else next((o for o in overrides if o.startswith(f"{group[1]}=")), f"{group[1]}=")
        )
        if command == "train" and group[1] in GROUPS[command]:
            return _no_fit(name, kind_of_call(overrides))
    first, _, advice = text.partition("\n")
    return f"{first}\n{' '.join(advice.split()) or f'see rankaae {command} --help'}"


def _broken_file(error: MarkedYAMLError) -> str:
    mark = error.problem_mark
    where = f"{mark.name.removeprefix('file://')}, line {mark.line + 1}, " if mark else "the file "
    return f"{where}is no YAML: {error.problem or error.context}\ncorrect it there"


def _of_another_kind(
    cause: OmegaConfBaseException, first: str, command: str, overrides: list[str]
) -> str | None:
    """Return that a key or an option of a group is for another kind of model; None where it is for no other."""
    kind, key = kind_of_call(overrides), re.sub(r"\[.*?\]", "", str(cause.full_key))
    if command != "train" or kind not in TRAIN_SCHEMAS:
        return None
    file = re.match(r"In '([^/']+)/([^']+)':", first)
    others = [one for one, node in TRAIN_SCHEMAS.items() if type_of_key(node, key) is not None]
    is_of_another = bool(others) and kind not in others
    given = [override.lstrip("+") for override in overrides]
    # A key that no kind has is a misspelt one in an experiment of the user's.
    if file and f"{file[1]}={file[2]}" in given and (is_of_another or file[1] not in _APPENDED):
        return _no_fit(f"{file[1]}={file[2]}", kind)
    if file or not is_of_another:
        return None
    return f"{key}= is for kind={others[0]}, not for kind={kind}\nleave it out, or give kind={others[0]}"


def _no_fit(option: str, kind: str) -> str:
    group = option.partition("=")[0]
    return (
        f"{option} does not fit kind={kind}\n"
        f"give another kind=, or {'no' if group != 'model' else 'another'} {group}=, see rankaae train --help"
    )


def _wrong_value(
    cause: OmegaConfBaseException, first: str, command: str, overrides: list[str], options: Options
) -> str:
    """Return what is wrong with a key or with its value, in the call or in a file of the configuration."""
    key, reason = str(cause.full_key), str(cause.msg or cause).strip().splitlines()[0]
    file = re.match(r"In '(.*?)':", first)
    where = f"{file[1]}.yaml: " if file else ""
    if re.match(r"Key '.*' (is not in struct|not in )", reason):
        return f"{where}{command} has no key {key!r}: {_suggestion(key, command, overrides, options)}"
    if "raised while resolving interpolation" in reason:
        if no_name := _no_name(command, overrides):
            return no_name
        looking = next((o for o in overrides if "${" in o), key)
        return f"{where}{looking}: what is in ${{...}} cannot be looked up\nsee rankaae {command} --help"
    node = schema_of(command, kind_of_call(overrides))
    expected = in_words(type_of_key(node, re.sub(r"\[.*?\]", "", key)))
    if kind := re.search(r"could not be converted to (Integer|Float|Boolean)", reason):
        expected = expected or in_words({"Integer": int, "Float": float, "Boolean": bool}[kind[1]])
    given = next((o for o in overrides if o.lstrip("+").partition("=")[0] == key), key)
    if not expected:
        return f"{where}{given}: {reason}"
    return f"{where}{given}: expected {expected}" + ("" if where else f"\nsee rankaae {command} --help")


def _no_mapping(name: str, first: str, command: str, overrides: list[str]) -> str:
    """Return which key has a plain value where the schema has a dataclass of this name."""
    file = re.match(r"In '(.*?)':", first)
    kind = kind_of_call(overrides)
    node = schema_of(command, kind)
    types = {key.name: type_of_key(node, key.name) for key in keys_of(command, kind)}
    fitting = [key for key, hint in types.items() if name in str(hint)]
    given = [override.lstrip("+").partition("=")[0] for override in overrides]
    key = next((key for key in fitting if key in given), fitting[0] if fitting else "a key")
    return f"{file[1] + '.yaml: ' if file else ''}{key}: expected {in_words(types.get(key))}"


def _ambiguous(override: str, command: str, overrides: list[str], options: Options) -> str:
    """Return what to type instead of ``key=a,b``, which Hydra takes for the values of several jobs."""
    key, _, value = override.lstrip("+").partition("=")
    found = f"{override!r} gives several values by its comma, and this is one job"
    each = "add -m to make one job of each"
    if key in GROUPS.get(command, ()):
        return f"{found}\nchoose one of {', '.join(options(key))}, or {each}"
    hint = type_of_key(schema_of(command, kind_of_call(overrides)), key)
    if hint is None and not key.startswith("hydra."):
        return f"{command} has no key {key!r}: {_suggestion(key, command, overrides, options)}"
    ways = []
    if hint is None or takes_text(hint):
        ways.append(f"write {setting(key, value)} for one text with a comma in it")
    if hint is None or takes_list(hint):
        ways.append(f"{setting(key, value.split(','))} for a list")
    if takes_number(hint):
        ways.append(f"give {in_words(hint)} with a point for decimals")
    return "\n".join([found, ", or ".join([*ways, each])])


def _unreadable(override: str, command: str, overrides: list[str]) -> str:
    """Return what is wrong with a setting that Hydra's grammar refuses, and how to write it."""
    key, equals, value = override.partition("=")
    message = f"{override!r} cannot be read as key=value"
    if not equals:
        return f"{message}\n{_suggestion_for_word(override, command, overrides)}"
    if not re.fullmatch(r"[+~]{0,2}[A-Za-z_][\w./@-]*", key):
        return f"{message}: {key!r} is no name of a key\nsee the keys by --help"
    if value.startswith("~"):
        place = os.path.expanduser(value)  # noqa: PTH111 - raises of a user that there is not
        return f"{message}: the shell has left the ~ in it\nwrite {setting(key, place)}"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    if value[:1] == "[":
        return (
            f"{message}: brackets or quotes in it do not fit\na list is written {setting(key, ['a', 'b,c'])}"
        )
    if value[:1] == "{":
        return (
            f"{message}: before a colon a comma stands behind a backslash, such as in "
            f"{setting(key, {'foil-8,5mu.dat': 1})}\nrename files with quotes or accents in their names"
        )
    return (
        f"{message}: {' '.join(dict.fromkeys(_SPECIAL.findall(value)))} in a value has to be quoted\n"
        f"write {setting(key, value)}"
    )


def _suggestion_for_word(word: str, command: str, overrides: list[str]) -> str:
    """Return what to type instead of a word that has no key: part of the value before it, or a path."""
    before = overrides[overrides.index(word) - 1] if word in overrides[1:] else ""
    key, equals, value = before.partition("=")
    if os.path.exists(word) or not equals:  # noqa: PTH110 - raises of no name
        return f"settings are written key=value, such as {setting(_PATH_KEYS.get(command, 'run'), word)}"
    return f"if it belongs to the value before it, write {setting(key, f'{value} {word}')}"


def _suggestion(key: str, command: str, overrides: list[str], options: Options) -> str:
    """Return a sentence that suggests what is meant by an unknown key: an option of a group, or keys."""
    if key.startswith("hydra."):
        return "what sweeps and launchers know depends on hydra/sweeper= and hydra/launcher=; --cfg hydra shows it"
    settings = [o.lstrip("+~").partition("=") for o in overrides if not o.startswith("-")]
    written, value = next(((k, v) for k, _, v in settings if k == key or k.startswith(f"{key}.")), (key, ""))
    for group in difflib.get_close_matches(written.lower(), GROUPS.get(command, ()), n=1, cutoff=0.7):
        choices = options(group)
        close = difflib.get_close_matches(value, choices, n=1, cutoff=0.5)
        plus = "+" if group in _APPENDED else ""
        if close:
            return f"did you mean {plus}{group}={close[0]}?"
        return f"did you mean {plus}{group}=, one of {', '.join(choices)}?"
    known = [k.name for k in keys_of(command, kind_of_call(overrides))]
    return nearest(written, known, [k for k in known if "." not in k])
