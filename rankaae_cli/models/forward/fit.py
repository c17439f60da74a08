"""Training a forward model on one family."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import numpy as np

from rankaae_cli.core.errors import Stopped
from rankaae_cli.core.ranking.residuals import Residuals
from rankaae_cli.core.statistics.simulation import error_ratio
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.family_model import kept_of
from rankaae_cli.models.forward.bands import Bands
from rankaae_cli.models.forward.gaussian_process import (
    fit_process,
    left_out,
    median_distance,
    moments,
    standardised,
)
from rankaae_cli.models.forward.nearness import usual_distances
from rankaae_cli.models.forward.settings import ForwardSettings
from rankaae_cli.models.forward.trained import TrainedSimulator, features_of_no_site
from rankaae_cli.training import task as training
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.resume import StopSignals

_MOST_CHOSEN_BY = 2000  # rows, of evenly chosen materials: time goes with their cube


@dataclass(frozen=True, kw_only=True)
class Task(training.Task):
    """A training of a forward model; one that was interrupted begins anew, and ends alike.

    A Gaussian process has no random numbers, so there is one trial whatever `trials` says.

    Attributes
    ----------
    model
        What length and noise are chosen from.
    """

    learns_from: ClassVar[str] = "features"

    model: ForwardSettings

    @property
    def description(self) -> str:
        """What is fitted to what."""
        assert self.family.features is not None, "what is trained has been asked for features"
        of = self.family.features
        return f"a Gaussian process from {len(of.names)} features of {of.title} to spectra"


def fit(
    task: Task, progress: ProgressReport, announce: Callable[[str], None] = lambda text: None
) -> TrainedSimulator:
    """Fit a Gaussian process, write best.ckpt, and return the model.

    Length and noise are those with which training rows are simulated best when their material is left out; the
    score is eta on validation rows, which no part of it has seen by then.

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
    family, settings = task.family, task.model
    assert family.features is not None
    train, validation = (np.flatnonzero(family.split_N == side) for side in (TRAIN, VALIDATION))
    candidates = list(product(settings.lengths, settings.noises))
    steps = len(candidates) + 2
    with StopSignals() as signals:

        def report(done: int) -> None:
            if signals.received is not None:
                raise Stopped("stopped before the process was fitted", signals.received)
            progress(done, steps, "")

        some = _evenly(family.material_N, train)
        scores = []
        for length, noise in candidates:
            scores.append(left_out(*_rows(family, some), family.material_N[some], length, noise).score)
            report(len(scores))
        length, noise = candidates[int(np.argmin(scores))]
        announce(f"length {length:g} median distances, noise {noise:g}: chosen by leaving out materials")
        process = fit_process(*_rows(family, train), length, noise)
        validation_NF, validation_NE = _rows(family, validation)
        score = error_ratio(validation_NE, process.predict(validation_NF)[0], process.mean_E)
        report(steps - 1)
        fitted = np.concatenate([train, validation]) if settings.with_validation else train
        if settings.with_validation:
            process = fit_process(*_rows(family, fitted), length, noise)
        shown = _shown(family, fitted, length, noise)
        report(steps)
    model = TrainedSimulator(
        **kept_of(family, task.descriptor_classes),
        features=features_of_no_site(family.features),
        process=process,
        **shown,
        selected_trial=0,
        scores_T=np.array([score]),
        failed_T=[None],
    )
    model.save(task.folder / "checkpoints" / "best.ckpt")
    return model


def calibrate(model: TrainedSimulator, family: Family) -> TrainedSimulator:
    """Return the model with its bands, and what else left-out rows show, taken anew from the rows fitted to."""
    assert family.features is not None
    train = np.flatnonzero(family.split_N == TRAIN)
    both = np.concatenate([train, np.flatnonzero(family.split_N == VALIDATION)])
    fitted = both if len(model.process.rows_MF) == len(both) else train
    features_MF = family.features.values_NF[fitted]
    distance = median_distance(standardised(features_MF, *moments(features_MF)))
    shown = _shown(family, fitted, model.process.length / distance, model.process.noise)
    return replace(model, **shown)


def _shown(family: Family, rows: np.ndarray, length: float, noise: float) -> dict[str, Any]:
    """Return what rows show when their material is left out: bands, residuals, and which distances are usual."""
    features_MF, spectra_ME = _rows(family, rows)
    of_rows = left_out(features_MF, spectra_ME, family.material_N[rows], length, noise)
    errors = of_rows.residual_ME, of_rows.deviation_M
    rows_MF = standardised(features_MF, *moments(features_MF))
    return {
        "bands": Bands.of(*errors),
        "residuals": Residuals.of(*errors, family.energy_E),
        "novelty": usual_distances(rows_MF, family.material_N[rows]),
    }


def _rows(family: Family, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return features and spectra of rows."""
    assert family.features is not None
    return family.features.values_NF[rows], family.spectra_NE[rows].astype(np.float64)


def _evenly(material_N: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return all rows, or where they are many those of every second, third, ... material."""
    materials = np.unique(material_N[rows].astype(str))
    step = -(-len(rows) // _MOST_CHOSEN_BY)
    return rows[np.isin(material_N[rows].astype(str), materials[::step])]
