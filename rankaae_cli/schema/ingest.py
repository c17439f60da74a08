"""Keys of `rankaae ingest`."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

from omegaconf import MISSING

from rankaae_cli.schema.family import FamilyOption
from rankaae_cli.schema.measured import MeasuredFiguresConfig


class Source(Enum):
    """Formats that `ingest` reads."""

    feff = "feff"
    csv = "csv"
    npz = "npz"
    npy = "npy"
    family = "family"
    atoms = "atoms"
    codes = "codes"
    xdi = "xdi"
    synthetic = "synthetic"


class Keep(Enum):
    """Which sites `ingest` keeps."""

    family = "family"
    none = "none"


@dataclass
class NpzConfig:
    """Energy grid of an npz file of spectra, null: that of its array energy; and what made its features."""

    energy_start: Annotated[float | None, "first energy, eV"] = None
    energy_step: Annotated[float | None, "spacing, eV"] = None
    features: Annotated[
        str | None,
        "what made its features and in which version, such as m3gnet 2021.2.8; null: what it says, else "
        "unknown",
    ] = None


@dataclass
class NpyConfig:
    """What arrays of molecules are beside their spectra and classes."""

    energies: Annotated[Any, "arrays of energies (eV), one an edge; null: an index, or the family's grid"] = (
        None
    )
    materials: Annotated[
        str | None, "text file or array with the names of the molecules; null: a number each"
    ] = None


@dataclass
class CodesConfig:
    """Which code's output a folder is read for, and how its energies lie."""

    code: Annotated[
        str | None, "OCEAN, exciting, XSpectra, VASP, FEFF or table; null: the only one there"
    ] = None
    shift: Annotated[float, "eV to add to its energies, which may be from a zero of its own"] = 0.0


class Code(Enum):
    """Synthetic codes, which make other spectra of the same sites."""

    A = "A"
    B = "B"


@dataclass
class SyntheticConfig:
    """Size, seed and code of a synthetic family."""

    spectra: Annotated[int, "how many"] = 800
    few: Annotated[
        int | None,
        "keep of those beyond the first so many only the test side: few to train on, many to test with; null: all",
    ] = None
    seed: Annotated[int, "of its random numbers"] = 0
    code: Annotated[
        Code, "B makes other spectra of the same sites than A: white lines, broadening, zero of energy"
    ] = Code.A


class Backend(Enum):
    """What runs the computation of descriptors; ray also uses other machines."""

    loky = "loky"
    threading = "threading"
    ray = "ray"
    dask = "dask"  # known so that it is refused with a word on where it was


@dataclass
class ParallelConfig:
    """Where the descriptors of structures are computed."""

    backend: Annotated[Backend, "processes (loky), threads, or a Ray cluster"] = Backend.loky
    jobs: Annotated[int, "structures at once; -1: one a core, of a cluster all its cores"] = -1
    address: Annotated[str | None, "of a Ray cluster; null: one is started on this machine"] = None


@dataclass
class IngestConfig:
    """Keys of `rankaae ingest`."""

    family: FamilyOption = None
    source: Annotated[
        Source,
        "format of the input; npy: arrays of molecules with yes/no classes; "
        "atoms: structures with one row of spectrum values an atom; codes: folders as OCEAN, exciting, XSpectra, "
        "VASP and FEFF write them; xdi: measured "
        "spectra in XDI, Athena, NeXus, SPEC or text files, told apart by their contents",
    ] = MISSING
    path: Annotated[Any, "the folder, archive or file to read; of source npz also several, [a.npz,b.npz]"] = (
        None
    )
    output: Annotated[
        str | None, "the family file to write; null: the family's default, data/<family>.h5"
    ] = None
    overwrite: Annotated[bool, "replace an output that exists"] = False
    dry_run: Annotated[
        bool,
        "show what would be read and why, draw the first measured scans beside output, write nothing else",
    ] = False
    filter: Annotated[
        Keep, "family: only sites whose first shell the family keeps; none: every site (source feff or atoms)"
    ] = Keep.family
    regrid: Annotated[
        bool,
        "bring the spectra to the family's grid instead of keeping their own (source csv, npz or family)",
    ] = False
    max_tail: Annotated[
        float,
        "eV that a spectrum may begin late and be continued downwards, by its pre-edge or a Lorentzian's "
        "wing",
    ] = 8.0
    features: Annotated[
        Any,
        "what describes a site for a model from structures to spectra, one or several side by side: chgnet (source "
        "feff or atoms), descriptors, quantities, or the model of those of the input; null: those that it has",
    ] = None
    time_limit: Annotated[float, "seconds of processor time for the descriptors of one material"] = 120.0
    parallel: Annotated[ParallelConfig, "where the descriptors are computed"] = field(
        default_factory=ParallelConfig
    )
    cache: Annotated[str | None, "file of computed neighbour shells; null: the user's cache folder"] = None
    fidelity: Annotated[
        str | None,
        "what made the spectra, such as FEFF, VASP or measured; null: what the source tells, else unknown",
    ] = None
    labels: Annotated[
        str | None,
        "family file whose descriptors the spectra get, by material and site; spectra of other sites are rejected "
        "(source npz or codes); of source npy the yes/no classes: an array (N, K) of 1 and 0, or of the name of "
        "each one's class, or a csv file",
    ] = None
    spectra: Annotated[
        Any, "array of spectra, x.npy or x.npz:name, or a list of one an edge, [a.npy,b.npy] (source npy)"
    ] = None
    names: Annotated[str | None, "text file with the names of the classes, a line each (source npy)"] = None
    groups: Annotated[
        str | None,
        "a csv file of what materials share, by which family.split_by or train split_by= may split: a column "
        "material and others, such as formula",
    ] = None
    headers: Annotated[
        Any,
        "a number in the headers of scans, or several as [A,B], such as Sample.temperature, to keep as quantities "
        "(source xdi)",
    ] = None
    offset: Annotated[
        Any,
        "eV to add to the energies of computed spectra before anything else, or the file that `rankaae align to=` "
        "wrote (source family); null: none",
    ] = None
    npz: Annotated[NpzConfig, "energy grid of an npz file that does not hold it"] = field(
        default_factory=NpzConfig
    )
    codes: Annotated[CodesConfig, "which code, and its shift (source codes)"] = field(
        default_factory=CodesConfig
    )
    npy: Annotated[NpyConfig, "what arrays are beside spectra= and labels="] = field(
        default_factory=NpyConfig
    )
    measured: Annotated[
        MeasuredFiguresConfig, "how measured spectra are read and normalised (source xdi)"
    ] = field(default_factory=MeasuredFiguresConfig)
    synthetic: Annotated[SyntheticConfig, "size, seed and code of a synthetic family"] = field(
        default_factory=SyntheticConfig
    )
