"""Settings as one types them: quoted for Hydra's grammar and for the shell, so that they work when pasted."""

import re
import shlex
from collections.abc import Mapping, Sequence

# What Hydra's grammar takes as it stands. It would read numbers and the words of `_VALUES` as such.
_PLAIN = re.compile(r"[A-Za-z0-9_./+@%-]+")
_VALUES = ("null", "true", "false")
# Keys of a mapping cannot be quoted; these of their characters have to be escaped.
_SPECIAL_IN_KEY = re.compile(r"([\\()\[\]{}:=, \t])")


def setting(key: str, value: object) -> str:
    """Return ``key=value`` as one types it in a shell.

    Parameters
    ----------
    key
        Dotted.
    value
        A text or path, a number, true or false, None, or a list or mapping of these.
    """
    return in_shell(f"{key}={in_grammar(value)}")


def in_grammar(value: object) -> str:
    """Return a value as Hydra's grammar reads it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(k)}:{in_grammar(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(in_grammar, value))}]"
    text = str(value)
    return text if _PLAIN.fullmatch(text) and not _is_value(text) else quoted(text)


def quoted(text: str) -> str:
    """Return any text in the quotes of Hydra's grammar."""
    # Backslashes count as such unless a quote follows them.
    return "'" + re.sub(r"(\\*)('|\Z)", lambda m: 2 * m[1] + (m[2] and rf"\{m[2]}"), text) + "'"


def in_shell(word: str) -> str:
    """Return a word as one types it in a shell, in double quotes where it holds single ones."""
    if "'" in word and not re.search(r'["$`!]|\\[\\\n]|\\$', word):
        return f'"{word}"'
    return shlex.quote(word)


def _key(key: object) -> str:
    return _SPECIAL_IN_KEY.sub(r"\\\1", str(key))


def _is_value(text: str) -> bool:
    """Tell whether Hydra would read a text as something else than text."""
    try:
        float(text)
    except ValueError:
        return text.lower() in _VALUES
    return True
