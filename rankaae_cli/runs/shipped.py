"""Models that ship with the program: directories of runs of which only what a prediction needs is left."""

from pathlib import Path

import rankaae_cli
from rankaae_cli.core.errors import UserError, nearest

OFFSET, CARD, NOTICE = "offset.yaml", "model_card.md", "NOTICE"
_FOLDER = Path(rankaae_cli.__file__).parent / "pretrained"


def shipped_models() -> list[str]:
    """Return the names of all of them."""
    return sorted(path.name for path in _FOLDER.iterdir() if path.is_dir())


def shipped_directory(name: str) -> Path:
    """Return the directory that a model has, be it made yet or not."""
    return _FOLDER / name


def find_shipped(name: str) -> Path:
    """Return the directory of a model.

    Raises
    ------
    UserError
        If none of this name ships.
    """
    names = shipped_models()
    if not name:
        raise UserError(f"model= names no model\nthere are: {', '.join(names)}")
    if name not in names:
        raise UserError(
            f"no model {name} ships; {nearest(name, names)}\na run of yours is given as run=, not as model="
        )
    return shipped_directory(name)
