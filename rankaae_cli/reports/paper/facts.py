"""What a text about a run is written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rankaae_cli.analysis.prediction.offset import OffsetFile
from rankaae_cli.core.labels import Subject


@dataclass(frozen=True)
class RunFacts:
    """Facts of one run; plain values.

    Attributes
    ----------
    subject
        Family, element, edge, energy unit, normalisation.
    config, provenance, metrics, traversal
        Contents of config.yaml, provenance.json, metrics.json of the test split and traversal.json.
    baselines
        Contents of baselines.json; None where they were not made.
    source
        Of the family file: ``feff``, ``csv``, ``synthetic``, ...
    energy_grid
        Number of points, first, last.
    units
        Unit of each descriptor, in the order of the styles.
    known
        Number of spectra of which each descriptor is known.
    split_counts
        Spectra and materials in each split.
    hashed_split
        Whether the split is the one that the program derives from the materials' names and the seed.
    materials_project
        Whether the materials are named by identifiers of the Materials Project.
    rejected
        Number of rejected sites by reason, as ``ingest`` listed them beside the data file; None where no list is.
    balanced
        Whether oxidation states were held to charge balance, as tables of labels beside the data files tell.
    unlabelled
        Further training spectra without descriptors; None where there are some, but not known how many.
    epochs, batches
        Passes over the training rows of the longest trial, and batches in each (None where not known).
    parameters
        Of encoder and decoder together.
    diverged
        Number of trials that did.
    selected_epoch
        The one kept of the selected trial.
    """

    subject: Subject
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    metrics: Mapping[str, Any]
    traversal: Mapping[str, Any]
    source: str
    energy_grid: tuple[int, float, float]
    units: Mapping[str, str]
    known: Mapping[str, int]
    split_counts: Mapping[str, tuple[int, int]]
    hashed_split: bool
    epochs: int
    batches: int | None
    parameters: int
    diverged: int
    selected_epoch: int
    materials_project: bool = False
    unlabelled: int | None = 0
    rejected: Mapping[str, int] | None = None
    baselines: Mapping[str, Any] | None = None
    balanced: bool = False

    @property
    def spectra(self) -> int:
        """All spectra of the family file."""
        return sum(n for n, _ in self.split_counts.values())

    @property
    def materials(self) -> int:
        """All materials of the family file."""
        return sum(n for _, n in self.split_counts.values())

    @property
    def free_styles(self) -> int:
        """Styles beside the named ones."""
        return int(self.config["model"]["free_styles"])

    @property
    def averaged(self) -> int:
        """Trials in the ensemble."""
        return int(self.metrics["ensemble"]["n_trials"])


@dataclass(frozen=True)
class ShippedFacts:
    """What the card of a shipped model says beyond that of its run.

    Attributes
    ----------
    name
        Of the model.
    fidelity
        Of the spectra that it was trained on.
    offset
        Of measured spectra.
    notice
        On the licence of the data.
    began_with
        Rows and fidelity of the spectra that the run it began from was trained on; None where it began from none.
    transfer
        Rows of transfer.json; empty where it began from none.
    """

    name: str
    fidelity: str
    offset: OffsetFile
    notice: str
    began_with: tuple[int, str] | None
    transfer: list[dict[str, Any]]
