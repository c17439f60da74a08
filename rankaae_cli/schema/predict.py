"""Keys of `rankaae predict` and `rankaae align`."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from rankaae_cli.schema.finished_run import Split
from rankaae_cli.schema.measured import MeasuredConfig, MeasuredFiguresConfig


@dataclass
class PredictConfig:
    """Keys of `rankaae predict`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/
    input
        a file, folder or pattern, or a list of these: XDI, Athena, NeXus, SPEC, text, xmu.dat, CSV or family files
    output
        the folder to write; null: predictions/DATE/TIME/
    split
        of family files: the rows of this side alone; null: all
    coverage
        share of true values that the intervals are to hold
    offset
        eV to add to measured energies, or the file that `rankaae align` wrote; null: 0, and said so
    offset_uncertainty
        its standard deviation, eV, which widens the intervals; null: the file's, or 1
    mixture
        read each spectrum as a mixture of the classes of this descriptor, such as OS; true: of each that has
        classes
    best_shift
        also give the shift, at most 1 eV, at which each measured spectrum is reconstructed best; not applied
    nearest
        how many training spectra to name that are most like each; 0: none
    figures
        draw at most so many spectra, the first; 0: neither figures nor page; -1: all
    max_tail
        eV that a spectrum may begin late and be continued downwards, by its pre-edge or the wing of its edge
    measured
        how measured spectra are read and normalised
    """

    run: str = MISSING
    input: Any = MISSING
    output: str | None = None
    split: Split | None = None
    coverage: float = 0.9
    offset: Any = None
    offset_uncertainty: float | None = None
    mixture: Any = False
    best_shift: bool = False
    nearest: int = 5
    figures: int = 12
    max_tail: float = 8.0
    measured: MeasuredFiguresConfig = field(default_factory=MeasuredFiguresConfig)


@dataclass
class AlignConfig:
    """Keys of `rankaae align`.

    Attributes
    ----------
    run
        a run directory, whose data the references are held against; latest: the newest finished one below
        runs/
    references
        measured files and what is known of each: {FILE:VALENCE}, {FILE:{OS:2,CN:4}} or {FILE:MATERIAL}, the
        name of its material in the data
    data
        another family file to hold them against; null: the one the run was trained on
    output
        the file to write, for `rankaae predict offset=`; beside it a figure of how the references fit
    overwrite
        replace an output that exists
    search
        largest offset tried, eV, either way
    measured
        how measured spectra are read and normalised
    """

    run: str = MISSING
    references: Any = MISSING
    data: str | None = None
    output: str = "offset.yaml"
    overwrite: bool = False
    search: float = 15.0
    measured: MeasuredConfig = field(default_factory=MeasuredConfig)
