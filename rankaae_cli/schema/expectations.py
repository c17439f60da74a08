"""What the value of a key has to be, in words, by its type in the schema."""

from collections.abc import Iterable
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

_OF_TYPE = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    str: ("a text", "texts"),
}


def type_of_key(node: Any, key: str) -> Any:
    """Return the type of a dotted key below a dataclass, None where there is no such key."""
    for part in key.split("."):
        kinds = _kinds(node)
        below: dict[str, Any] = {}
        for kind in kinds:
            if is_dataclass(kind):
                below = get_type_hints(kind)
            elif get_origin(kind) is dict:
                below = {part: get_args(kind)[1]}
        node = below.get(part)
        if node is None:
            return None
    return node


def takes_text(hint: Any) -> bool:
    """Tell whether a key of this type takes any text."""
    return bool({str, Any} & set(_kinds(hint)))


def takes_list(hint: Any) -> bool:
    """Tell whether a key of this type takes lists."""
    return any(kind is Any or get_origin(kind) in (list, tuple) for kind in _kinds(hint))


def takes_number(hint: Any) -> bool:
    """Tell whether a key of this type takes numbers."""
    return bool({int, float} & set(_kinds(hint)))


def in_words(hint: Any) -> str:
    """Return what a key of this type takes; empty where it takes anything, or that is not known."""
    kinds = _kinds(hint)
    if hint is None or Any in kinds:
        return ""
    words = [_word(kind) for kind in kinds if kind is not NoneType]
    return ", or ".join([*words, *(["null"] if NoneType in kinds else [])])


def _kinds(hint: Any) -> Iterable[Any]:
    """Return the alternatives of a type."""
    return get_args(hint) if NoneType in get_args(hint) else (hint,)


def _word(kind: Any) -> str:
    if kind in _OF_TYPE:
        return _OF_TYPE[kind][0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(kind.__members__)}"
    if get_origin(kind) in (list, tuple):
        return f"a list of {_OF_TYPE[get_args(kind)[0]][1]}"
    if is_dataclass(kind):
        return f"a mapping with {', '.join(get_type_hints(kind))}"
    return "a mapping"
