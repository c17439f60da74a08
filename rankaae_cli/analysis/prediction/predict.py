"""Descriptors of new spectra: from the files of a call to what a run's model predicts of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rankaae_cli import __version__
from rankaae_cli.analysis.encoded import encode_spectra
from rankaae_cli.analysis.prediction.against import Against, require_against
from rankaae_cli.analysis.prediction.calibration import TrainingRows, load_for_prediction
from rankaae_cli.analysis.prediction.grid import Grid, Variants
from rankaae_cli.analysis.prediction.input import Fault, InputSpectrum, read_input
from rankaae_cli.analysis.prediction.mixtures import make_unmixers, read_mixtures
from rankaae_cli.analysis.prediction.offset import UNKNOWN, Offset, chosen_offset
from rankaae_cli.analysis.prediction.predictor import Prediction, Predictor
from rankaae_cli.analysis.prediction.references import (
    ReferenceReading,
    checkable_references,
    reference_readings,
)
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.mixtures.unmixing import Mixture, Unmixer
from rankaae_cli.core.xas.nuisances import DRAWS, draw_nuisances
from rankaae_cli.core.xas.soundness import Usual, check_spectra
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.files import now
from rankaae_cli.data.measured.prepared import begins_in_pre_edge
from rankaae_cli.data.measured.sites import MeasuredOptions, without_foil
from rankaae_cli.models.base import ReadingModel
from rankaae_cli.runs.directory import checkpoint_sha256, read_run_config
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.shipped import OFFSET, find_shipped, shipped_models
from rankaae_cli.schema.predict import PredictConfig


@dataclass(frozen=True)
class ModelDescription:
    """What tables and figures of predictions say of the model: plain values, without its networks.

    Attributes
    ----------
    subject, fidelity, descriptor_names, descriptor_units, energy_E
        As of the model.
    """

    subject: Subject
    fidelity: str
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    energy_E: np.ndarray


@dataclass(frozen=True)
class PredictionResult:
    """The result of a call of `rankaae predict`; N spectra.

    Attributes
    ----------
    run_name
        What read the spectra: the run of this name, or the model.
    model
        Of the run, described.
    provenance
        Directory and checkpoint of the run, command line and time: plain values.
    known_range_K2
        1st and 99th percentile of each descriptor among the training rows.
    coverage
        Share of true values that the intervals are to hold.
    spectra
        What was read.
    prediction
        What the model predicts of them.
    nearest
        Names of the training spectra nearest to each.
    offset
        Of measured spectra; None where all are computed.
    warnings
        Of each spectrum, one sentence each.
    nuisances
        Of each measured spectrum, what it was read with, mean and standard deviation; empty for computed ones.
    mixtures
        By descriptor with classes, one a spectrum; empty where not asked for.
    faults
        What could not be read: file and reason.
    against
        What to draw the descriptors against; None where not asked for.
    references
        What is read of references, beside what is known of them.
    """

    run_name: str
    model: ModelDescription
    provenance: dict[str, str]
    known_range_K2: np.ndarray
    coverage: float
    spectra: list[InputSpectrum]
    prediction: Prediction
    nearest: list[list[str]]
    offset: Offset | None
    warnings: list[list[str]]
    nuisances: list[str]
    mixtures: dict[str, list[Mixture]]
    faults: list[Fault]
    against: Against | None = None
    references: Sequence[ReferenceReading] = ()

    def with_against(self, against: Against, reasons: Mapping[int, str]) -> "PredictionResult":
        """Return it with what to draw against, and with warnings why there is none, by index of the spectrum."""
        warnings = [
            [*lines, *([reasons[n]] if n in reasons else [])] for n, lines in enumerate(self.warnings)
        ]
        return replace(self, against=against, warnings=warnings)


@dataclass(frozen=True)
class LoadedRun:
    """A run loaded to read spectra, with all that their descriptors rest on.

    Attributes
    ----------
    settings
        How to predict.
    directory
        Of the run.
    predictor
        Its model, and what predictions of it rest on.
    grid
        Of the model, and the offset of measured energies.
    unmixers
        By descriptor that spectra are read as mixtures of.
    provenance
        See `PredictionResult`, without the time.
    """

    settings: PredictConfig
    directory: Path
    predictor: Predictor
    grid: Grid
    unmixers: Mapping[str, Unmixer]
    provenance: Mapping[str, str]

    @property
    def name(self) -> str:
        """What reads the spectra: a run, or a model that ships."""
        return f"the {'run' if self.settings.model.name is None else 'model'} {self.directory.name}"

    @property
    def model(self) -> ModelDescription:
        """The model, described."""
        model = self.predictor.model
        return ModelDescription(
            model.subject, model.fidelity, model.descriptor_names, model.descriptor_units, model.energy_E
        )

    def usable(self, read: Sequence[InputSpectrum]) -> tuple[list[InputSpectrum], np.ndarray, list[Fault]]:
        """Return the sound spectra that cover the grid, their rows on it, and what is wrong with the others."""
        return _on_grid(read, self.grid, self.predictor.calibration.usual)

    def predict(
        self, spectra: list[InputSpectrum], spectra_NE: np.ndarray, faults: Sequence[Fault] = ()
    ) -> PredictionResult:
        """Predict descriptors of spectra, one or more, and their rows on the grid, that are `usable`."""
        predictor, grid = self.predictor, self.grid
        calibration = predictor.calibration
        draws = draw_nuisances(grid.offset.uncertainty)
        variants = [None if one.is_computed else grid.variants(one, draws) for one in spectra]
        of_codes = predictor.model.fidelity
        warnings = [_warnings(one, rows, grid, of_codes) for one, rows in zip(spectra, variants, strict=True)]
        alternatives = [None if rows is None else rows.spectra_ME for rows in variants]
        prediction = predictor.predict(encode_spectra(predictor.model, spectra_NE), alternatives)
        for lines, beyond_K in zip(warnings, prediction.beyond_NK, strict=True):
            lines += _beyond_training(predictor.model.descriptor_names, beyond_K)
        return PredictionResult(
            run_name=self.name,
            model=self.model,
            provenance={**self.provenance, "made": now()},
            known_range_K2=calibration.known_range_K2,
            coverage=self.settings.coverage,
            spectra=spectra,
            prediction=prediction,
            nearest=_names(calibration.rows, prediction.nearest_NP),
            offset=None if all(one.is_computed for one in spectra) else grid.offset,
            warnings=warnings,
            nuisances=[
                "" if rows is None else rows.draws.summary(weight_M[1:])
                for rows, weight_M in zip(variants, prediction.weights, strict=True)
            ],
            mixtures={
                name: read_mixtures(unmixer, prediction, alternatives, predictor.model.energy_E)
                for name, unmixer in self.unmixers.items()
            },
            faults=list(faults),
        )


def load_for_reading(settings: PredictConfig, command: str) -> LoadedRun:
    """Load the run or the shipped model that a call names, once for all spectra.

    Parameters
    ----------
    settings
        The run, and how to predict.
    command
        The command line, for the provenance.

    Raises
    ------
    UserError
        If it cannot be used, or not as the call asks.
    """
    if settings.model.name is None:
        shipped = ", ".join(setting("model", name) for name in shipped_models())
        directory = find_run(settings.run, instead=f"take a model that ships: {shipped}")
    else:
        directory = find_shipped(settings.model.name)
    model, calibration = load_for_prediction(directory)
    offset = _offset(settings, directory, model)
    spec = FamilySpec(model.family, model.element, model.edge, model.energy_E, model.energy_unit)
    predictor = Predictor(model, calibration, settings.coverage, settings.nearest)
    return LoadedRun(
        settings,
        directory,
        predictor,
        Grid(spec, settings.max_tail, offset),
        make_unmixers(settings.mixture, predictor) if settings.mixture else {},
        {
            ("run" if settings.model.name is None else "model"): str(directory),
            "checkpoint_sha256": checkpoint_sha256(directory),
            "rankaae_version": __version__,
            "command": command,
        },
    )


def _offset(settings: PredictConfig, directory: Path, model: ReadingModel) -> Offset:
    """Return the offset that a call gives, else the one of a model that ships, else an assumed one."""
    if settings.model.name is None or settings.offset is not None:
        return chosen_offset(settings.offset, settings.offset_uncertainty, model)
    own = chosen_offset(directory / OFFSET, settings.offset_uncertainty, model)
    return replace(own, origin=f"that of the model {settings.model.name}")


def predict(run: LoadedRun, names: Sequence[str], options: MeasuredOptions) -> PredictionResult:
    """Predict descriptors of the spectra under `names`, and of the references that the settings name.

    Parameters
    ----------
    run
        Reads them.
    names
        Files, folders and patterns; may be none where there are references, whose spectra come last.
    options
        How measured spectra are read and normalised.

    Raises
    ------
    UserError
        If nothing can be read (the first reasons are named), a reference cannot, or no scan has what to draw
        against.
    """
    descriptors = run.predictor.model.descriptor_names
    known = checkable_references(run.settings.references, descriptors)
    references = [_reference(run, file, options) for file in known]
    split = None if run.settings.split is None else run.settings.split.value
    config = read_run_config(run.directory)
    of_run = int(config.split_seed), config.get("split_by")
    read, faults = read_input(names, run.grid.spec, options, split, *of_run) if names else ([], [])
    paths = {_path(one) for one, _ in references}
    spectra, spectra_NE, unusable = run.usable([one for one in read if _path(one) not in paths])
    faults += unusable
    spectra += [one for one, _ in references]
    if not spectra and not faults:
        raise UserError(f"there are no files in {', '.join(names)}\ncorrect input=")
    if not spectra:
        shown = "; ".join(f"{file}: {reason}" for file, reason in faults[:2])
        more = f" (and {len(faults) - 2} more)" if len(faults) > 2 else ""
        raise UserError(f"none of {len(faults)} spectra can be read{more}: {shown}")
    key = run.settings.against
    against = None if key is None else require_against(key, spectra)
    result = run.predict(spectra, np.concatenate([spectra_NE, *(row_NE for _, row_NE in references)]), faults)
    last = range(len(spectra) - len(known), len(spectra))
    result = replace(result, references=reference_readings(known, last, descriptors, result.prediction))
    return result if against is None else result.with_against(*against)


def _beyond_training(names: Sequence[str], beyond_K: np.ndarray) -> list[str]:
    """Return what is to be said of descriptors whose styles are beyond those of training."""
    return [
        f"the style of {name} is {'above' if side > 0 else 'below'} that of any training spectrum: the reading "
        f"stays at the end of what is known, and {name} may be {'larger' if side > 0 else 'smaller'}"
        for name, side in zip(names, beyond_K, strict=True)
        if side
    ]


def _names(rows: TrainingRows | None, rows_NP: np.ndarray) -> list[list[str]]:
    """Return the names of training rows, given by their indices; none where the rows are not known."""
    return [[rows.name_of(m) for m in row] if rows else [] for row in rows_NP]


def _path(one: InputSpectrum) -> Path:
    return one.prepared.spectrum.path.resolve()


def _reference(run: LoadedRun, file: str, options: MeasuredOptions) -> tuple[InputSpectrum, np.ndarray]:
    """Return the spectrum of a reference, named as the call does, and its row on the grid, N = 1."""
    read, faults = read_input([file], run.grid.spec, options)
    spectra, row_NE, unusable = run.usable(read)
    for _, reason in (*faults, *unusable):
        raise UserError(f"reference {file}: {reason}")
    if len(spectra) != 1:
        raise UserError(
            f"reference {file}: the file holds {len(spectra)} spectra, a reference is one\n"
            "give it in a file of its own"
        )
    return replace(spectra[0], file=file), row_NE


def _on_grid(
    spectra: Sequence[InputSpectrum], grid: Grid, usual: Usual
) -> tuple[list[InputSpectrum], np.ndarray, list[Fault]]:
    """Return the sound spectra that cover the grid, their rows on it, and what is wrong with the others."""
    covering, rows, faults = [], [], []
    for one in spectra:
        try:
            row_E = grid.row(one)
            if one.is_scaled and row_E.mean() > 0 and np.isfinite(usual.level):
                row_E = row_E * (usual.level / row_E.mean())
            rows.append(row_E)
            covering.append(one)
        except SpectrumError as error:
            faults.append((one.file, str(error)))
    rows_NE = np.array(rows).reshape(len(rows), len(grid.spec.energy_E))
    claims_N = np.array([one.has_edge_step for one in covering], dtype=bool)
    soundness = check_spectra(grid.spec.energy_E, rows_NE, claims_N, usual)
    faults += [(covering[n].file, reason) for n, reason in sorted(soundness.reasons.items())]
    kept = [n for n in range(len(covering)) if n not in soundness.reasons]
    doubted = [
        covering[n].doubted(soundness.doubts[n]) if n in soundness.doubts else covering[n] for n in kept
    ]
    return doubted, rows_NE[kept], faults


def _warnings(one: InputSpectrum, variants: Variants | None, grid: Grid, fidelity: str) -> list[str]:
    """Return what is to be said of a spectrum, the notes of its reader first."""
    offset = grid.offset
    lines = list(one.prepared.spectrum.notes)
    shift = 0.0 if one.is_computed else offset.value
    late = float(one.prepared.energy_M[0] + shift - grid.spec.energy_E[0])
    if late > 0.05:
        flat = not one.is_computed and begins_in_pre_edge(one.prepared)
        by = "the level of its pre-edge" if flat else "the wing of the edge"
        lines.append(f"the first {late:.1f} eV of the grid were continued by {by}")
    if one.is_scaled:
        lines.append("scaled to the mean absorption of the training spectra, as its code gives no edge step")
    if one.is_computed:
        if one.fidelity != fidelity and UNKNOWN not in (one.fidelity, fidelity) and one.fidelity:
            lines.append(
                f"{one.prepared.spectrum.path.name} holds {one.fidelity} spectra, the model reads those of "
                f"{fidelity}: what the two differ by is in the readings, not in their intervals, and offset= is "
                "not applied to computed spectra (rankaae align data=... to=... gives the offset between two codes)"
            )
        return lines
    if not offset.is_known:
        lines.append(
            "energy offset between code and beamline not given: assumed "
            f"0 ± {offset.uncertainty:g} eV (rankaae align)"
        )
    if not one.is_stored:
        lines += without_foil(one.prepared)
    beamline = one.prepared.spectrum.metadata.get("beamline.name", "")
    if offset.beamline and beamline and beamline not in offset.beamline.split(", "):
        lines.append(f"measured at {beamline}, the offset was determined at {offset.beamline}")
    if variants is not None and len(variants.spectra_ME) < DRAWS:
        lines.append(
            "does not cover the grid at some of the offsets that may be true; the interval counts the others"
        )
    return lines
