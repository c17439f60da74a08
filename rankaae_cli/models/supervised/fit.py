"""Training a reader of descriptors on one family."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.core.labels import listed
from rankaae_cli.core.statistics.calibration import calibrate_model, reconstruction_mae_rows
from rankaae_cli.core.statistics.metrics import mean_spearman
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.data.mixtures import Recipe, with_mixtures
from rankaae_cli.models.baselines import FittingRows
from rankaae_cli.models.family_model import kept_of, require_one_edge
from rankaae_cli.models.supervised.classifier.trained import TrainedClassifier, fit_trained
from rankaae_cli.models.supervised.components import fit_components
from rankaae_cli.models.supervised.inputs import require_inputs
from rankaae_cli.models.supervised.reader import METHODS, fit_reader, label_of, parts_of
from rankaae_cli.models.supervised.settings import AUTO, MixtureSettings, ReaderSettings
from rankaae_cli.models.supervised.trained import TrainedReader
from rankaae_cli.training import task as training
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.resume import StopSignals


@dataclass(frozen=True, kw_only=True)
class Task(training.Task):
    """A training of a reader of descriptors; one that was interrupted begins anew, and ends alike.

    Attributes
    ----------
    model
        Its parts, and what they see of a spectrum.
    mixtures
        Of training spectra, to train on beside these.
    """

    model: ReaderSettings
    mixtures: MixtureSettings = field(default_factory=MixtureSettings)

    def __post_init__(self) -> None:
        """Refuse a reader without parts, or unknown inputs."""
        if not parts_of(self.model):
            raise UserError(
                "model= has no part that reads: all of them are null\ngive one, such as model=blend"
            )
        if self.model.inputs != AUTO:
            require_inputs(self.model.inputs)

    @classmethod
    def require(cls, family: Family) -> None:
        """Raise UserError if spectra are of several edges, which only classes are read off."""
        if not family.yes_no:
            require_one_edge(family)

    @property
    def recipe(self) -> Recipe | None:
        """How mixtures are drawn; None where there are none."""
        mixed = self.mixtures
        return None if mixed.of is None else Recipe(mixed.of, mixed.share, mixed.components, self.seed)

    @property
    def description(self) -> str:
        """How many trials of what."""
        if self.family.yes_no:
            return f"a classifier of {len(self.family.descriptor_names)} yes/no classes"
        reader = label_of(list(parts_of(self.model)))
        mixed = "" if self.recipe is None else f", mixtures of {self.recipe.of} among the rows"
        return f"{self.trials} trial{'s' if self.trials != 1 else ''} of {reader}{mixed}"


def fit(
    task: Task, progress: ProgressReport, announce: Callable[[str], None] = lambda text: None
) -> TrainedReader | TrainedClassifier:
    """Fit all trials, or a classifier where the family has yes/no classes, write best.ckpt, and return the model.

    Parameters
    ----------
    task
        What to train.
    progress
        Called after every step.
    announce
        Called with what was chosen, a sentence each.

    Raises
    ------
    Stopped
        If a signal asked the run to stop; nothing is kept.
    """
    with StopSignals() as signals:

        def report(done: int, total: int, standing: str) -> None:
            if signals.received is not None:
                raise Stopped("stopped before the reader was fitted", signals.received)
            progress(done, total, standing)

        if task.family.yes_no:
            model: TrainedReader | TrainedClassifier = fit_trained(
                task.family, task.descriptor_classes, report, announce
            )
        else:
            model = _fit_trials(task, report, announce)
    model.save(task.folder / "checkpoints" / "best.ckpt")
    return model


def _fit_trials(task: Task, report: ProgressReport, announce: Callable[[str], None]) -> TrainedReader:
    """Fit all trials and calibrate the model."""
    family = task.family
    rows, parts = _fitting_rows(with_mixtures(family, task.recipe)), parts_of(task.model)
    reader = fit_reader(rows, parts, task.model.inputs, task.trials, task.seed, task.threads, report)
    for name, part in reader.parts.items():
        announce(f"{METHODS[name].label} on {listed([one.replace('_', ' ') for one in part.inputs])}")
    read_TNK = reader.read(rows.validation_NE)
    scores_T = np.array([mean_spearman(read_NK, rows.validation_NK) for read_NK in read_TNK])
    model = TrainedReader(
        **kept_of(family, task.descriptor_classes),
        reader=reader,
        components=fit_components(rows.train_NE, task.model.rebuilding_error),
        selected_trial=int(np.nan_to_num(scores_T, nan=-np.inf).argmax()),
        scores_T=scores_T,
        failed_T=[None] * task.trials,
        indicator_mean_TK=np.zeros(0),
        indicator_std_TK=np.zeros(0),
        mixtures=task.recipe,
    )
    calibrate(model, family)
    return model


def calibrate(model: Any, family: Family) -> Any:
    """Return the model with its readings measured on training rows and calibrated on validation rows.

    Mixtures are among them, where it was trained on any. A classifier rests on no rows but those it was fitted to.
    """
    if isinstance(model, TrainedClassifier):
        return model
    family = with_mixtures(family, model.mixtures)
    rows = _fitting_rows(family)
    read_TNK = model.indicators(rows.train_NE).astype(np.float64)
    model.indicator_mean_TK, model.indicator_std_TK = (
        moment_TK.astype(np.float32) for moment_TK in (read_TNK.mean(axis=1), read_TNK.std(axis=1))
    )
    error_N = reconstruction_mae_rows(rows.validation_NE, model.components.rebuilt(rows.validation_NE))
    model.calibration = calibrate_model(
        model.indicators(rows.validation_NE),
        np.broadcast_to(error_N, (model.n_trials, len(error_N))),
        error_N,
        rows.validation_NK,
        family.material_N[family.split_N == VALIDATION],
        family.descriptor_names,
        model.indicator_mean_TK,
        model.indicator_std_TK,
        model.alive_T,
        continuous=[] if model.mixtures is None else [model.mixtures.of],
    )
    return model


def _fitting_rows(family: Family) -> FittingRows:
    """Return the training and the validation rows of a family."""
    train, validation = (np.flatnonzero(family.split_N == side) for side in (TRAIN, VALIDATION))
    return FittingRows(
        family.spectra_NE[train],
        family.descriptors_NK[train],
        family.spectra_NE[validation],
        family.descriptors_NK[validation],
    )
