"""Training T trials on one family."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.calibration import calibrate_model, reconstruction_mae_rows
from rankaae_cli.core.styles.ensemble import ensemble_spectra
from rankaae_cli.data.family.spectra_rows import Spectra, blocks_of, rows_taken
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder, trial_generators
from rankaae_cli.models.rankaae.settings import Spread
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.training.callbacks import ProgressReport
from rankaae_cli.training.engine import architecture_of, planned, train_groups
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.parts import fit_parts, remove_parts
from rankaae_cli.training.processes import taking_part
from rankaae_cli.training.request import FitRequest, TrainingError
from rankaae_cli.training.resume import StopSignals, is_under_way, read_state


def chosen_device(name: str, devices: int = 1) -> str:
    """Return ``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    UserError
        If CUDA is asked for and there is none, or there are fewer CUDA devices than `devices`.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "device=cuda was asked for, but torch finds no CUDA device\nuse device=auto or device=cpu"
        )
    chosen = name
    if name == "auto":
        chosen = "cuda" if torch.cuda.is_available() else "cpu"
    if chosen == "cuda" and torch.cuda.device_count() < devices:
        raise UserError(
            f"devices={devices} were asked for, but torch finds {torch.cuda.device_count()} CUDA devices\n"
            "ask for as many as there are, or use device=cpu"
        )
    return chosen


def fit(
    request: FitRequest, progress: ProgressReport, announce: Callable[[str], None] = lambda text: None
) -> TrainedModel:
    """Train, write metrics.csv, best.ckpt and last.ckpt, and return the model at its trials' best epochs.

    Parameters
    ----------
    request
        What to train.
    progress
        Is told after every epoch.
    announce
        Is told that trials queue, where they do.

    Raises
    ------
    TrainingError
        If every trial diverged before it had a usable epoch, the device's memory does not hold a group of them, or
        another process that took part has failed.
    Stopped
        If a signal asked the run to stop; last.ckpt is written.
    """
    architecture, last = architecture_of(request), request.folder / "checkpoints" / "last.ckpt"
    apart = request.devices > 1 and request.spread is Spread.trials
    best = BestEpochs.joined(
        fit_parts(request, progress) if apart else _fit_groups(request, progress, announce)
    )
    if (best.best_epoch_T < 0).all():
        raise TrainingError("; ".join(f"trial {t}: {reason}" for t, reason in enumerate(best.failed_T)))
    model = _trained(request, architecture, best)
    model.save(last, read_state(last))
    model.save(request.folder / "checkpoints" / "best.ckpt")
    remove_parts(request)
    return model


def _fit_groups(
    request: FitRequest, progress: ProgressReport, announce: Callable[[str], None]
) -> list[BestEpochs]:
    """Train all trials here, in as many groups as are needed; with several devices all share every batch."""
    # A run interrupted before its first saving goes on from the beginning.
    state = read_state(request.folder / "checkpoints" / "last.ckpt") if request.resume else None
    groups = planned(request) if state is None else TrialGroups.recorded(state, request.trials)
    if len(groups.sizes) > 1:
        reason = "memory allows" if request.trials_at_once is None else "trials_at_once allows"
        announce(f"{groups}, as {reason}")
    goes_on = state is not None and is_under_way(state)
    if state is not None and goes_on:
        announce(f"going on after epoch {state['epoch'] + 1}")
    del state
    shared = replace(request, logger=None, watch=None)
    with StopSignals() as signals, taking_part(request.devices, _take_part, shared, groups, goes_on):
        train_groups(request, groups, goes_on, signals, progress)
    return groups.finished


def _take_part(request: FitRequest, groups: TrialGroups, goes_on: bool) -> None:
    """Take part in a training that another process leads."""
    train_groups(request, groups, goes_on, StopSignals(), lambda done, total, standing: None)


def _trained(request: FitRequest, architecture: Architecture, best: BestEpochs) -> TrainedModel:
    """Take all trials' best weights, measure the styles on the training rows, calibrate on validation."""
    family = request.family
    autoencoder = Autoencoder(architecture, trial_generators(request.seed, range(request.trials)))
    autoencoder.load_state_dict(best.weights)
    autoencoder.eval().requires_grad_(False)
    failed_T = list(best.failed_T)
    # Trials that diverged stand back, unless all did: then the best of their kept epochs is taken.
    alive_T = torch.tensor([reason is None for reason in failed_T])
    candidates_T = alive_T & best.scores_T.isfinite() if alive_T.any() else best.scores_T.isfinite()
    model = TrainedModel(
        autoencoder=autoencoder,
        energy_E=family.energy_E,
        energy_unit=family.energy_unit,
        family=family.name,
        element=family.element,
        edge=family.edge,
        source=family.source,
        normalisation=family.normalisation,
        descriptor_names=family.descriptor_names,
        descriptor_units=family.descriptor_units,
        descriptor_classes=request.descriptor_classes,
        selected_trial=int(torch.where(candidates_T, best.scores_T, float("-inf")).argmax()),
        scores_T=best.scores_T.numpy(),
        best_epoch_T=best.best_epoch_T.numpy(),
        failed_T=failed_T,
        style_mean_TS=np.zeros(0),
        style_std_TS=np.zeros(0),
    )
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
