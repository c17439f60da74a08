"""What a family is, and how its sites are chosen."""

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING


class NeighbourMethod(Enum):
    """How the first shell of an absorber is found."""

    crystal_nn = "crystal_nn"
    cutoff = "cutoff"


@dataclass
class EnergyGridConfig:
    """An even energy grid.

    Attributes
    ----------
    start
        first energy, in `unit`
    step
        in `unit`
    points
        how many energies
    unit
        eV or index
    """

    start: float = MISSING
    step: float = MISSING
    points: int = MISSING
    unit: str = "eV"


@dataclass
class DescriptorConfig:
    """One descriptor of a family.

    Attributes
    ----------
    classes
        its values where it takes few
    """

    classes: list[float] | None = None


@dataclass
class NeighboursConfig:
    """First-shell neighbours.

    Attributes
    ----------
    method
        crystal_nn: CrystalNN of pymatgen; cutoff: all atoms within `radius`
    radius
        angstrom; cutoff alone
    """

    method: NeighbourMethod = NeighbourMethod.crystal_nn
    radius: float | None = None


@dataclass
class KeepConfig:
    """Sites to keep; null keeps all.

    Attributes
    ----------
    ligands
        elements that all neighbours must be of
    coordination
        numbers of neighbours
    """

    ligands: list[str] | None = None
    coordination: list[int] | None = None


@dataclass
class FamilyConfig:
    """One family: an element and edge in a class of materials.

    Attributes
    ----------
    name
        of the family, and of its files
    element
        of the absorber
    edge
        such as K
    energy
        an even energy grid
    descriptors
        by name; `classes` of one where it takes few values
    neighbours
        how first shells are found
    keep
        sites that ingest keeps; null keeps all
    data
        the default family file
    """

    name: str = MISSING
    element: str = MISSING
    edge: str = "K"
    energy: EnergyGridConfig = field(default_factory=EnergyGridConfig)
    descriptors: dict[str, DescriptorConfig] = field(default_factory=dict)
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)
    data: str = MISSING
