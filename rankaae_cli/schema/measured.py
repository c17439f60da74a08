"""How measured spectra are read and normalised."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class NormalisationConfig:
    """Where the edge step is fitted, eV from the edge; null: the length of the scan decides.

    Attributes
    ----------
    pre1
        begin of the pre-edge; null: -150, or the second point
    pre2
        its end; null: -30, or halfway to the edge
    norm1
        begin of the post-edge; null: a third of its end, from 45 to 150
    norm2
        its end; null: 800, or that of the scan
    pre_order
        order of the pre-edge polynomial; null: 1, or 0 over less than 8 eV
    norm_order
        order of the post-edge polynomial; null: 0 over less than 70 eV, 1 below 300, else 2
    flatten
        take slope and curvature of the post-edge out above the edge
    """

    pre1: float | None = None
    pre2: float | None = None
    norm1: float | None = None
    norm2: float | None = None
    pre_order: int | None = None
    norm_order: int | None = None
    flatten: bool = True


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
    normalisation: NormalisationConfig = field(default_factory=NormalisationConfig)


@dataclass
class DrawnMeasuredConfig(MeasuredConfig):
    """How measured spectra are read, normalised and drawn.

    Attributes
    ----------
    figures
        draw how the spectra were normalised
    """

    figures: bool = True
