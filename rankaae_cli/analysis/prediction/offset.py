"""An energy offset: given as a number, by the file that ``rankaae align`` writes, or assumed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import fidelity_of
from rankaae_cli.core.xas.energy_offset import LARGE
from rankaae_cli.data.files import write_text
from rankaae_cli.data.yaml_text import open_yaml

MEASURED, UNKNOWN = "measured", "unknown"
_HEAD = """# eV to be added to energies of from_fidelity (measured ones: calibrated) to have those of to_fidelity.
# Made by rankaae align; for rankaae {use} offset=<this file>.
"""
_TEXTS = ("element", "edge", "from_fidelity", "to_fidelity", "beamline")
_ASSUMED_UNCERTAINTY = 1.0  # eV, where nobody has determined the offset


class OneScale(Protocol):
    """Spectra, or what was trained on them, over energies of one scale."""

    @property
    def element(self) -> str: ...  # noqa: D102

    @property
    def edge(self) -> str: ...  # noqa: D102

    @property
    def source(self) -> str: ...  # noqa: D102

    @property
    def fidelity(self) -> str: ...  # noqa: D102


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
    references
        Files that it was determined from.
    """

    value: float
    uncertainty: float
    origin: str
    is_known: bool
    beamline: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class OffsetFile:
    """An offset and where it comes from.

    Attributes
    ----------
    element, edge, from_fidelity, to_fidelity, beamline
        What it holds for: it is added to energies of the one fidelity to have those of the other. Several
        beamlines are joined by a comma, an empty text where the files do not say.
    offset, uncertainty
        eV.
    references
        What each measured reference said.
    pairs
        What the sites that two codes have in common amount to.
    note
        How it was found, where by other means.
    """

    element: str
    edge: str
    from_fidelity: str
    to_fidelity: str
    beamline: str
    offset: float
    uncertainty: float
    references: list[dict[str, Any]] = field(default_factory=list)
    pairs: dict[str, float] = field(default_factory=dict)
    note: str | None = None


def write_offset(path: Path, content: OffsetFile) -> Path:
    """Write the file, replacing one that is there."""
    head = _HEAD.format(use="predict" if content.from_fidelity == MEASURED else "ingest source=family")
    plain = {key: value for key, value in asdict(content).items() if value not in ([], {}, None)}
    return write_text(path, head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))


def read_offset(path: Path) -> OffsetFile:
    """Read the file.

    Raises
    ------
    UserError
        If it cannot be read or is none.
    """
    try:
        content = yaml.safe_load(open_yaml(path))
    except FileNotFoundError as error:
        raise UserError(
            f"offset={path} cannot be read: it is no number, and there is no such file\n"
            "give eV, or a file that rankaae align has made"
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}\nmake it with rankaae align") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML file: {str(error).splitlines()[0]}") from error
    wrong = f"{path} is no offset file\nmake one with rankaae align, or give a number as offset="
    if not isinstance(content, Mapping):
        raise UserError(wrong)
    if "code" in content:  # older files lead from measured energies to those of a code
        code = str(content["code"])
        known = fidelity_of(code)
        content = {
            "from_fidelity": MEASURED,
            "to_fidelity": code if known == UNKNOWN else known,
            **content,
        }
    try:
        return OffsetFile(
            **{key: str(content[key]) for key in _TEXTS},
            offset=float(content["offset"]),
            uncertainty=float(content["uncertainty"]),
            references=list(content.get("references") or []),
            pairs=dict(content.get("pairs") or {}),
            note=content.get("note"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(wrong) from error


def scale_of(spectra: OneScale) -> str:
    """Return the name of the energy scale of spectra: their fidelity, or their source where that is not known."""
    return spectra.source if spectra.fidelity == UNKNOWN else spectra.fidelity


def chosen_offset(given: Any, uncertainty: float | None, trained: OneScale) -> Offset:
    """Return the offset that a call gives for measured spectra, or an assumed one.

    Parameters
    ----------
    given
        eV, or the file of an offset; None for an assumed offset of 0.
    uncertainty
        Standard deviation, eV; None for that of the file, or 1 eV.
    trained
        What the model was trained on.

    Raises
    ------
    UserError
        If `given` is neither a number nor an offset file, or holds for something else.
    """
    assumed = _ASSUMED_UNCERTAINTY if uncertainty is None else float(uncertainty)
    if given is None:
        return Offset(0.0, assumed, "assumed, not determined", False)
    number = _number(given)
    if number is not None:
        return Offset(number, assumed, "given", True)
    content = read_offset(Path(str(given)))
    todo = "determine the offset for this run: rankaae align"
    scale = scale_of(trained)
    for what, own, theirs in (
        ("element", trained.element, content.element),
        ("edge", trained.edge, content.edge),
        # Older files have the source.
        ("spectra of", scale, scale if content.to_fidelity == trained.source else content.to_fidelity),
    ):
        if own != theirs:
            raise UserError(f"{given} holds for {what} {theirs}, the model was trained on {own}\n{todo}")
    if content.from_fidelity != MEASURED:
        raise UserError(
            f"{given} leads from energies of {content.from_fidelity}, not from measured ones\n{todo} references="
        )
    spread = content.uncertainty if uncertainty is None else float(uncertainty)
    files = tuple(
        str(one["file"]) for one in content.references if isinstance(one, Mapping) and "file" in one
    )
    return Offset(content.offset, spread, str(given), True, content.beamline, files)


def large_offset(offset: float) -> str:
    """Return what is to be said of an offset (eV) that is too large to be true; empty where it is not."""
    if abs(offset) <= LARGE:
        return ""
    return f"an offset of {offset:+.1f} eV is larger than codes are off: is the monochromator calibrated?"


def offset_of_codes(given: Any, spectra: OneScale) -> float:
    """Return the offset (eV) that a call gives for computed spectra, a number or the file of an offset.

    Raises
    ------
    UserError
        If `given` is neither, or holds for something else.
    """
    number = _number(given)
    if number is not None:
        return number
    content = read_offset(Path(str(given)))
    theirs = f"{content.element} {content.edge} spectra of {content.from_fidelity}"
    own = f"{spectra.element} {spectra.edge} spectra of {scale_of(spectra)}"
    if own != theirs:
        raise UserError(
            f"{given} is to be added to energies of {theirs}, these are {own}\n"
            "determine theirs: rankaae align data=... to=..."
        )
    return content.offset


def _number(given: Any) -> float | None:
    """Return an offset that is given as a number."""
    try:
        return None if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        return None
