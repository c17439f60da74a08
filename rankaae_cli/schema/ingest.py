"""Keys of `rankaae ingest`."""

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from rankaae_cli.schema.family import FamilyConfig
from rankaae_cli.schema.measured import MeasuredFiguresConfig


class Source(Enum):
    """Formats that `ingest` reads."""

    feff = "feff"
    csv = "csv"
    npz = "npz"
    family = "family"
    atoms = "atoms"
    xdi = "xdi"
    synthetic = "synthetic"


class Keep(Enum):
    """Which sites `ingest` keeps."""

    family = "family"
    none = "none"


@dataclass
class NpzConfig:
    """What an npz file of spectra does not say: its energy grid.

    Attributes
    ----------
    energy_start
        first energy, eV
    energy_step
        spacing, eV
    """

    energy_start: float | None = None
    energy_step: float | None = None


@dataclass
class SyntheticConfig:
    """Size and seed of a synthetic family.

    Attributes
    ----------
    spectra
        how many
    seed
        of its random numbers
    """

    spectra: int = 800
    seed: int = 0


class Backend(Enum):
    """What runs the computation of descriptors; ray also uses other machines."""

    loky = "loky"
    threading = "threading"
    ray = "ray"
    dask = "dask"  # known so that it is refused with a word on where it was


@dataclass
class ParallelConfig:
    """Where the descriptors of structures are computed.

    Attributes
    ----------
    backend
        processes (loky), threads, or a Ray cluster
    jobs
        structures at once; -1: one a core, of a cluster all its cores
    address
        of a Ray cluster; null: one is started on this machine
    """

    backend: Backend = Backend.loky
    jobs: int = -1
    address: str | None = None


@dataclass
class IngestConfig:
    """Keys of `rankaae ingest`.

    Attributes
    ----------
    family
        what the spectra are of: +family=NAME; --help beside it shows its keys
    source
        format of the input; atoms: structures with one row of spectrum values an atom; xdi: measured
        spectra in XDI, Athena, NeXus, SPEC or text files, told apart by their contents
    path
        the folder, archive or file to read
    output
        the family file to write; null: the family's default, data/<family>.h5
    overwrite
        replace an output that exists
    filter
        family: only sites whose first shell the family keeps; none: every site (source feff or atoms)
    regrid
        bring the spectra to the family's grid instead of keeping their own (source csv, npz
        or family)
    max_tail
        eV that a spectrum may begin late and be continued downwards, by its pre-edge or a Lorentzian's wing
    time_limit
        seconds for the descriptors of one material
    parallel
        where the descriptors are computed
    cache
        file of computed neighbour shells; null: the user's cache folder
    npz
        energy grid of an npz file, which does not hold it
    measured
        how measured spectra are read and normalised (source xdi)
    synthetic
        size and seed of a synthetic family
    """

    family: FamilyConfig | None = None
    source: Source = MISSING
    path: str | None = None
    output: str | None = None
    overwrite: bool = False
    filter: Keep = Keep.family
    regrid: bool = False
    max_tail: float = 8.0
    time_limit: float = 120.0
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    cache: str | None = None
    npz: NpzConfig = field(default_factory=NpzConfig)
    measured: MeasuredFiguresConfig = field(default_factory=MeasuredFiguresConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
