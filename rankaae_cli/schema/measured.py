"""How measured spectra are read and normalised."""

from dataclasses import dataclass, field
from typing import Any

from rankaae_cli.core.xas.ranges import NormalisationRanges


@dataclass
class MeasuredConfig:
    """How measured spectra are read and normalised.

    Attributes
    ----------
    columns
        which columns to take, by name or number, where the file does not say: [energy,mu], or a mapping of
        energy, mu, i0, itrans, ifluor, irefer, normalised, unit (eV, keV, degrees), d_spacing (angstrom);
        ifluor may be a list of columns, whose sum is taken
    calibrate
        shift the energies of a scan that has a foil so that its edge lies where it is tabulated
    normalisation
        where the edge step is fitted
    """

    columns: Any = None
    calibrate: bool = True
    normalisation: NormalisationRanges = field(default_factory=NormalisationRanges)


@dataclass
class MeasuredFiguresConfig(MeasuredConfig):
    """How measured spectra are read, normalised and drawn.

    Attributes
    ----------
    figures
        draw how the spectra were normalised
    """

    figures: bool = True
