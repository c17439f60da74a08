"""How measured spectra are read and normalised."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from rankaae_cli.core.xas.ranges import NormalisationRanges


@dataclass
class MeasuredConfig:
    """How measured spectra are read and normalised."""

    columns: Annotated[
        Any,
        "which columns to take, by name or number, where the file does not say: [energy,mu], or a mapping "
        "of energy, mu, i0, itrans, ifluor, irefer, normalised, unit (eV, keV, degrees), d_spacing "
        "(angstrom); ifluor may be a list of columns, whose sum is taken",
    ] = None
    skip_lines: Annotated[
        int, "how many lines of a text of columns stand above the numbers, where the file does not show it"
    ] = 0
    calibrate: Annotated[
        bool, "shift the energies of a scan that has a foil so that its edge lies where it is tabulated"
    ] = True
    normalisation: Annotated[NormalisationRanges, "where the edge step is fitted"] = field(
        default_factory=NormalisationRanges
    )


@dataclass
class MeasuredFiguresConfig(MeasuredConfig):
    """How measured spectra are read, normalised and drawn."""

    figures: Annotated[bool, "draw how the spectra were normalised"] = True


@dataclass
class MeasuredFileConfig(MeasuredFiguresConfig):
    """How measured spectra are read, and one that is compared with spectra of structures."""

    file: Annotated[
        str | None,
        "of a run of kind=forward: rank the structures by how well they fit this measured spectrum; measured=FILE "
        "is short for measured.file=FILE",
    ] = None
