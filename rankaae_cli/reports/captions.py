"""What is written beneath figures and tables, from ``templates/captions.toml``."""

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

Captions = Mapping[str, Mapping[str, str]]  # of each figure its ``caption`` and ``alt``


@functools.cache
def captions() -> Mapping[str, Any]:
    """Return the contents of the file: `Captions` by section of the page, and ``table``."""
    text = (files("rankaae_cli.reports") / "templates/captions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def table_caption(name: str, about: str, synthetic: bool, **values: Any) -> str:
    """Return what is written beneath a table: it begins with what is synthetic, and what the table is about."""
    text = captions()["table"][name].format(**values)
    return f"{'Synthetic data. ' if synthetic else ''}{about}{text}"
