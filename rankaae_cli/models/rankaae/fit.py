"""Training T trials on one family."""

from collections.abc import Callable

import numpy as np
import torch

from rankaae_cli.core.statistics.calibration import calibrate_model, reconstruction_mae_rows
from rankaae_cli.core.styles.ensemble import ensemble_spectra
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.data.spectra_rows import Spectra, blocks_of, rows_taken
from rankaae_cli.models.family_model import kept_of
from rankaae_cli.models.rankaae.networks import Autoencoder
from rankaae_cli.models.rankaae.task import RankAAETask
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.fit import train_trials
from rankaae_cli.training.groups import BestEpochs
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.parts import remove_parts
from rankaae_cli.training.resume import read_state

Task = RankAAETask


def fit(
    task: RankAAETask, progress: ProgressReport, announce: Callable[[str], None] = lambda text: None
) -> TrainedModel:
    """Train, write metrics.csv, best.ckpt and last.ckpt, and return the model at its trials' best epochs.

    Parameters and what is raised are those of `training.fit.train_trials`.
    """
    best = train_trials(task, progress, announce)
    model = _trained(task, best)
    model.save(task.last, read_state(task.last))
    model.save(task.folder / "checkpoints" / "best.ckpt")
    remove_parts(task)
    return model


def _trained(task: RankAAETask, best: BestEpochs) -> TrainedModel:
    """Return the model of all trials' best weights, calibrated."""
    family = task.family
    autoencoder = Autoencoder(task.architecture, trial_generators(task.seed, range(task.trials)))
    autoencoder.load_state_dict(best.weights)
    autoencoder.eval().requires_grad_(False)
    failed_T = list(best.failed_T)
    # Trials that diverged stand back, unless all did: then the best of their kept epochs is taken.
    alive_T = torch.tensor([reason is None for reason in failed_T])
    candidates_T = alive_T & best.scores_T.isfinite() if alive_T.any() else best.scores_T.isfinite()
    model = TrainedModel(
        autoencoder=autoencoder,
        **kept_of(family, task.descriptor_classes),
        selected_trial=int(torch.where(candidates_T, best.scores_T, float("-inf")).argmax()),
        scores_T=best.scores_T.numpy(),
        best_epoch_T=best.best_epoch_T.numpy(),
        failed_T=failed_T,
        style_mean_TS=np.zeros(0),
        style_std_TS=np.zeros(0),
    )
    return calibrate(model, family)


def calibrate(model: TrainedModel, family: Family) -> TrainedModel:
    """Return the model with its styles measured on a family's training rows, calibrated on its validation rows."""
    train, validation = (
        rows_taken(family.spectra_NE, family.split_N == side) for side in (TRAIN, VALIDATION)
    )
    model.style_mean_TS, model.style_std_TS = style_moments(model, train)
    styles_TNS, error_TN, ensemble_error_N = reconstruction_errors(model, validation)
    on_validation = family.split_N == VALIDATION
    model.calibration = calibrate_model(
        styles_TNS,
        error_TN,
        ensemble_error_N,
        family.descriptors_NK[on_validation],
        family.material_N[on_validation],
        family.descriptor_names,
        model.style_mean_TS,
        model.style_std_TS,
        model.alive_T,
    )
    return model


def style_moments(model: TrainedModel, spectra: Spectra) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the styles over all rows, shape (T, S) each, read in blocks."""
    parts = []
    for block_NE in blocks_of(spectra):
        styles_TNS = model.encode(block_NE)
        parts.append(
            (len(block_NE), styles_TNS.mean(1, dtype=np.float64), styles_TNS.var(1, dtype=np.float64))
        )
    weight = np.array([n for n, _, _ in parts]).reshape(-1, 1, 1) / len(spectra)
    means, variances = np.stack([m for _, m, _ in parts]), np.stack([v for _, _, v in parts])
    mean_TS = (weight * means).sum(0)
    variance_TS = (weight * (variances + (means - mean_TS) ** 2)).sum(0)
    return mean_TS.astype(np.float32), np.sqrt(variance_TS).astype(np.float32)


def reconstruction_errors(model: TrainedModel, spectra: Spectra) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the styles, and the mean absolute errors of the reconstructions, read in blocks.

    Returns
    -------
    styles_TNS
        Shape (T, N, S).
    error_TN, ensemble_error_N
        Of each trial's reconstruction, and of the mean of the trials that did not diverge.
    """
    styles, errors, of_ensemble = [], [], []
    for block_NE in blocks_of(spectra):
        styles_TNS = model.encode(block_NE)
        output_TNE = model.decode(styles_TNS)
        styles.append(styles_TNS)
        errors.append(np.stack([reconstruction_mae_rows(block_NE, output_NE) for output_NE in output_TNE]))
        of_ensemble.append(reconstruction_mae_rows(block_NE, ensemble_spectra(output_TNE, model.alive_T)))
    return np.concatenate(styles, axis=1), np.concatenate(errors, axis=1), np.concatenate(of_ensemble)
