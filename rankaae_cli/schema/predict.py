"""Keys of `rankaae predict` and `rankaae align`."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from omegaconf import MISSING

from rankaae_cli.schema.finished_run import (
    ForwardRun,
    Guidance,
    NoiseSteps,
    RunDirectory,
    SampleCount,
    Split,
    Temperature,
)
from rankaae_cli.schema.measured import MeasuredConfig, MeasuredFileConfig


@dataclass
class ShippedModel:
    """Which model that ships."""

    name: Annotated[str | None, "its name; model=NAME is short for model.name=NAME"] = None


@dataclass
class CodeEnergies:
    """How the energies of the output of codes lie."""

    shift: Annotated[
        float,
        "eV to add to energies of OCEAN, exciting, XSpectra and VASP, which are from zeros of their own",
    ] = 0.0


@dataclass
class PredictConfig:
    """Keys of `rankaae predict`."""

    run: RunDirectory = MISSING
    model: Annotated[ShippedModel, "instead of run=, a model that ships (rankaae models)"] = field(
        default_factory=ShippedModel
    )
    input: Annotated[
        Any,
        "a file, folder or pattern, or a list of these: XDI, Athena, NeXus, SPEC, text, xmu.dat, output of codes, "
        "CSV or family files; of a run of kind=forward structures: POSCAR, CIF or extended XYZ; may be left out "
        "beside references=",
    ] = None
    element: Annotated[
        str | None, "of a run of kind=forward on several families: the absorber whose spectra to simulate"
    ] = None
    references: Annotated[
        Any,
        "files and what is known of each, to compare with what is read: {FILE:VALENCE} or {FILE:{OS:2,CN:4}}; "
        "nothing is fitted to them",
    ] = None
    watch: Annotated[
        bool, "wait for scans in the folder input=, and read each once it is finished, until Ctrl-C"
    ] = False
    against: Annotated[
        str | None,
        "draw the descriptors against a number in the scans' headers, such as Sample.temperature, or against "
        "number, that of the scan; null: number with watch=true, else not",
    ] = None
    output: Annotated[str | None, "the folder to write; null: predictions/DATE/TIME/"] = None
    split: Annotated[Split | None, "of family files: the rows of this side alone; null: all"] = None
    coverage: Annotated[float, "share of true values that the intervals are to hold"] = 0.9
    offset: Annotated[
        Any,
        "eV to add to measured energies, or the file that `rankaae align` wrote; null: that of model=, else 0, "
        "and said so",
    ] = None
    offset_uncertainty: Annotated[
        float | None, "its standard deviation, eV, which widens the intervals; null: the file's, or 1"
    ] = None
    codes: Annotated[CodeEnergies, "the output of codes"] = field(default_factory=CodeEnergies)
    mixture: Annotated[
        Any,
        "read each spectrum as a mixture of the classes of this descriptor, such as OS; true: of each that "
        "has classes",
    ] = False
    nearest: Annotated[int, "how many training spectra to name that are most like each; 0: none"] = 5
    figures: Annotated[
        int,
        "draw at most so many spectra, the first, with watch=true the last; 0: neither figures nor page; -1: all",
    ] = 12
    density: Annotated[
        float | None, "of a run of kind=diffusion: that of the structures to generate, g/cm3"
    ] = None
    atoms: Annotated[int, "of a run of kind=diffusion: in each structure"] = 216
    samples: SampleCount = MISSING
    steps: NoiseSteps = MISSING
    guidance: Guidance = MISSING
    temperature: Temperature = MISSING
    forward: ForwardRun = None
    seed: Annotated[int, "of a run of kind=diffusion: of the structures' random numbers"] = 0
    jobs: Annotated[
        int, "of a run of kind=forward: structures at once where they are many; -1: one a core"
    ] = -1
    max_tail: Annotated[
        float,
        "eV that a spectrum may begin late and be continued downwards, by its pre-edge or the wing of its "
        "edge",
    ] = 8.0
    measured: Annotated[MeasuredFileConfig, "how measured spectra are read and normalised"] = field(
        default_factory=MeasuredFileConfig
    )


@dataclass
class ModelsConfig:
    """Keys of `rankaae models`."""

    model: Annotated[ShippedModel, "print the card of this one; without a name list all"] = field(
        default_factory=ShippedModel
    )


@dataclass
class AlignConfig:
    """Keys of `rankaae align`."""

    run: Annotated[
        str,
        "a run directory, whose data are taken where data= names none; latest: the newest finished one below "
        "runs/",
    ] = MISSING
    references: Annotated[
        Any,
        "measured files and what is known of each: {FILE:VALENCE}, {FILE:{OS:2,CN:4}} or {FILE:MATERIAL}, "
        "the name of its material in the data",
    ] = None
    to: Annotated[
        Any,
        "instead of references=: a family file, or several, of another code, to whose energies those of data= "
        "are brought by the sites that both have",
    ] = None
    data: Annotated[
        Any, "a family file, or several, of computed spectra; null: what the run was trained on"
    ] = None
    output: Annotated[
        str,
        "the file to write, for `rankaae predict offset=` or `rankaae ingest offset=`; beside it a figure of "
        "how the spectra fit, and of two codes a table of their sites",
    ] = "offset.yaml"
    overwrite: Annotated[bool, "replace an output that exists"] = False
    search: Annotated[float, "largest offset tried, eV, either way"] = 15.0
    measured: Annotated[MeasuredConfig, "how measured spectra are read and normalised"] = field(
        default_factory=MeasuredConfig
    )
