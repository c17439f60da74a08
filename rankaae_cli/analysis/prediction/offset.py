"""The energy offset of a prediction: given as a number, by the file that ``rankaae align`` writes, or assumed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import write_text

_HEAD = """# eV to be added to calibrated measured energies before a model trained on this code reads them.
# Made by rankaae align; for rankaae predict offset=<this file>.
"""
_ASSUMED_UNCERTAINTY = 1.0  # eV, where nobody has determined the offset


@dataclass(frozen=True)
class Offset:
    """The offset that brings the energies of measured spectra to the code's scale.

    Attributes
    ----------
    value, uncertainty
        eV, added to measured energies, and its standard deviation.
    origin
        Where it comes from, as text.
    is_known
        Whether anybody has determined it.
    beamline
        Which it holds for; empty where not known.
    """

    value: float
    uncertainty: float
    origin: str
    is_known: bool
    beamline: str = ""


@dataclass(frozen=True)
class OffsetFile:
    """An offset and where it comes from.

    Attributes
    ----------
    element, edge, code, beamline
        What it holds for; several beamlines are joined by a comma, an empty text where the files do not say.
    offset, uncertainty
        eV.
    references
        What each reference said.
    """

    element: str
    edge: str
    code: str
    beamline: str
    offset: float
    uncertainty: float
    references: list[dict[str, Any]]


def write_offset(path: Path, content: OffsetFile) -> Path:
    """Write the file, replacing one that is there."""
    return write_text(path, _HEAD + yaml.safe_dump(asdict(content), sort_keys=False, allow_unicode=True))


def read_offset(path: Path) -> OffsetFile:
    """Read the file.

    Raises
    ------
    UserError
        If it cannot be read or is none.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}\nmake it with rankaae align") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no YAML file: {str(error).splitlines()[0]}") from error
    wrong = f"{path} is no offset file\nmake one with rankaae align, or give a number as offset="
    if not isinstance(content, Mapping):
        raise UserError(wrong)
    try:
        return OffsetFile(
            element=str(content["element"]),
            edge=str(content["edge"]),
            code=str(content["code"]),
            beamline=str(content["beamline"]),
            offset=float(content["offset"]),
            uncertainty=float(content["uncertainty"]),
            references=list(content.get("references") or []),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(wrong) from error


def chosen_offset(given: Any, uncertainty: float | None, element: str, edge: str, code: str) -> Offset:
    """Return the offset that a call gives, or an assumed one.

    Parameters
    ----------
    given
        eV, or the file of an offset; None for an assumed offset of 0.
    uncertainty
        Standard deviation, eV; None for that of the file, or 1 eV.
    element, edge, code
        What the model was trained on.

    Raises
    ------
    UserError
        If `given` is neither a number nor an offset file, or holds for another element, edge or code.
    """
    assumed = _ASSUMED_UNCERTAINTY if uncertainty is None else float(uncertainty)
    if given is None:
        return Offset(0.0, assumed, "assumed, not determined", False)
    try:
        return Offset(float(given), assumed, "given", True)
    except (TypeError, ValueError):
        content = read_offset(Path(str(given)))
    for what, own, theirs in (
        ("element", element, content.element),
        ("edge", edge, content.edge),
        ("code", code, content.code),
    ):
        if own != theirs:
            raise UserError(
                f"{given} holds for {what} {theirs}, the model was trained on {own}\n"
                "determine the offset for this run: rankaae align"
            )
    spread = content.uncertainty if uncertainty is None else float(uncertainty)
    return Offset(content.offset, spread, str(given), True, content.beamline)
