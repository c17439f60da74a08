"""What a family is, and how its sites are chosen."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated

from omegaconf import MISSING


class NeighbourMethod(Enum):
    """How the first shell of an absorber is found."""

    crystal_nn = "crystal_nn"
    cutoff = "cutoff"


@dataclass
class EnergyGridConfig:
    """An even energy grid."""

    start: Annotated[float, "first energy, in `unit`"] = MISSING
    step: Annotated[float, "in `unit`"] = MISSING
    points: Annotated[int, "how many energies"] = MISSING
    unit: Annotated[str, "eV or index"] = "eV"


@dataclass
class DescriptorConfig:
    """One descriptor of a family."""

    classes: Annotated[list[float] | None, "its values where it takes few"] = None


@dataclass
class NeighboursConfig:
    """First-shell neighbours."""

    method: Annotated[
        NeighbourMethod, "crystal_nn: CrystalNN of pymatgen; cutoff: all atoms within `radius`"
    ] = NeighbourMethod.crystal_nn
    radius: Annotated[float | None, "angstrom; cutoff alone"] = None


@dataclass
class KeepConfig:
    """Sites to keep; null keeps all."""

    ligands: Annotated[list[str] | None, "elements that all neighbours must be of"] = None
    coordination: Annotated[list[int] | None, "numbers of neighbours"] = None


@dataclass
class FamilyConfig:
    """One family: an element and edge in a class of materials."""

    name: Annotated[str, "of the family, and of its files"] = MISSING
    element: Annotated[str, "of the absorber"] = MISSING
    edge: Annotated[str, "such as K"] = "K"
    edges: Annotated[
        list[str] | None,
        "names of the edges, or other kinds of spectra, that a molecule has, such as [C_K,N_K]; train uses those "
        "alone; null: one edge, or all of the file",
    ] = None
    energy: Annotated[EnergyGridConfig, "an even energy grid"] = field(default_factory=EnergyGridConfig)
    descriptors: Annotated[
        dict[str, DescriptorConfig | None], "by name; `classes` of one where it takes few values"
    ] = field(default_factory=dict)
    neighbours: Annotated[NeighboursConfig, "how first shells are found"] = field(
        default_factory=NeighboursConfig
    )
    keep: Annotated[KeepConfig | None, "sites that ingest keeps; null keeps all"] = field(
        default_factory=KeepConfig
    )
    split_by: Annotated[
        str,
        "what shares a side of the split that ingest makes: material, formula, chemical_system, density (of the "
        "structure), or a column of groups=",
    ] = "material"
    data: Annotated[str, "the default family file"] = MISSING


FamilyOption = Annotated[
    FamilyConfig | None, "what the spectra are of: +family=NAME; --help beside it shows its keys"
]
