"""The kinds of models: what each is called, where it lives, and which one a checkpoint holds."""

import importlib
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any

import torch

from rankaae_cli.core.errors import UnusableError, UserError, nearest
from rankaae_cli.core.labels import shortened
from rankaae_cli.models import DEFAULT_KIND
from rankaae_cli.models.base import FORMAT, FORMAT_VERSION

# Of each kind its package, whose modules are loaded when asked for: ``trained.from_checkpoint(content)`` makes a
# `base.Trained`, ``fit.fit(task, ...)`` trains one, ``fit.calibrate(model, family)``, of networks, takes
# anew what beside the weights rests on a family's rows; ``settings`` needs no torch.
KINDS = {kind: f"rankaae_cli.models.{kind}" for kind in ("rankaae", "supervised", "forward", "diffusion")}


def part_of_kind(kind: str, part: str) -> ModuleType:
    """Return the module ``part`` of a kind's package.

    Raises
    ------
    UserError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise UserError(f"there is no kind of model {shortened(kind)!r}\n{nearest(kind, KINDS)}")
    return importlib.import_module(f"{KINDS[kind]}.{part}")


def kind_of(content: Mapping[str, Any]) -> str:
    """Return the kind of the model in a checkpoint; one that names none holds a RankAAE."""
    return str(content.get("kind", DEFAULT_KIND))


def load_model(path: str | Path) -> Any:
    """Read the model in a checkpoint, of whatever kind it is; no code in it is run.

    Returns
    -------
    base.Trained
        And what else it can do.

    Raises
    ------
    UserError
        If there is none, or it is not a checkpoint of this program or is of a newer version.
    """
    path = Path(path)
    content = _read_checkpoint(path)
    trained = part_of_kind(kind_of(content), "trained")
    try:
        if any(tensor.is_complex() for tensor in _tensors(content)):
            raise UnusableError("complex numbers, of which a part would be lost")
        return trained.from_checkpoint(content)
    except Exception as error:  # whatever code meets in values of other kinds or shapes than it wrote
        raise UserError(f"{path} is not a whole checkpoint: {_reason(error)}\ntrain again") from error


def _tensors(content: Any) -> Iterator[torch.Tensor]:
    if isinstance(content, torch.Tensor):
        yield content
    elif isinstance(content, dict | list | tuple):
        for value in content.values() if isinstance(content, dict) else content:
            yield from _tensors(value)


def _reason(error: Exception) -> str:
    """Return why a checkpoint's contents cannot be used: the words of a kind of model, where they are its own."""
    if isinstance(error, UnusableError | UserError):
        return str(error).partition("\n")[0]
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    return "something in it is of another kind or shape than it should be"


def _read_checkpoint(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(
            f"there is no checkpoint {path}\nthe run has not finished an epoch, or is no training run"
        )
    damage = _damage(path)
    try:
        with warnings.catch_warnings(action="ignore"):
            content = None if damage else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # PyTorch's own words advise to load objects all the same, which runs foreign code.
        is_pickled = isinstance(error, UnpicklingError)
        damage = "it holds Python objects, which are never loaded" if is_pickled else "it is damaged"
    if damage:
        raise UserError(f"{path} cannot be read as a checkpoint: {damage}\ncopy it anew, or train again")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path} is not a checkpoint of rankaae")
    version = content.get("format_version")
    if not isinstance(version, int):
        raise UserError(f"{path} is not a whole checkpoint: 'format_version'\ntrain again")
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path} is a checkpoint of version {version}; this program reads up to {FORMAT_VERSION}\n"
            "install a newer rankaae"
        )
    return content


def _damage(path: Path) -> str:
    """Return how a checkpoint differs from what was written, by its checksums, which PyTorch ignores."""
    try:
        with zipfile.ZipFile(path) as archive:
            # PyTorch compresses nothing: a small file that unpacks to a large one is none of its.
            if any(member.file_size > member.compress_size for member in archive.infolist()):
                return "it is compressed, which no checkpoint is"
            return "its checksum is not that of what it holds" if archive.testzip() else ""
    except Exception:  # zipfile raises whatever it meets in a damaged file
        return "it is damaged, cut short, or no checkpoint"
