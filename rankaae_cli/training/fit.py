"""Training T trials on one family."""

import gc
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger

from rankaae_cli.core.calibration import calibrate_model
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.core.ranks import prior_correlation
from rankaae_cli.core.settings import (
    LearningRateSchedule,
    ModelSettings,
    ObjectiveSettings,
    OptimiserSettings,
)
from rankaae_cli.data.family_file import Family
from rankaae_cli.data.splits import TRAIN, VALIDATION
from rankaae_cli.networks.autoencoder import Architecture, Autoencoder, trial_generators
from rankaae_cli.training.batches import TrialBatches
from rankaae_cli.training.callbacks import (
    KeepBestEpoch,
    LogScores,
    MetricsTable,
    ProgressReport,
    ReduceOnPlateau,
    ReportProgress,
)
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.memory import available_bytes, bytes_a_trial, keep_freed_memory, trials_that_fit
from rankaae_cli.training.module import RankAAE
from rankaae_cli.training.resume import SaveState, StopSignals, is_under_way, read_state, save_beginning
from rankaae_cli.training.trained import TrainedModel
from rankaae_cli.training.validation import Validation

_ORDER = 2


class TrainingError(RuntimeError):
    """Training failed in every trial."""


@dataclass(frozen=True)
class FitRequest:
    """What to train, on what, and where to write it.

    Attributes
    ----------
    family
        With its split.
    unlabelled_NE
        More training spectra, on the family's grid, whose descriptors are not known.
    descriptor_classes
        Classes of those descriptors that take few values.
    trials
        How many trials.
    trials_at_once
        At most so many train side by side, the rest queue; None: as many as the memory holds. The numbers that
        each trial draws depend on its own number alone.
    device
        ``cpu`` or ``cuda``.
    folder
        Takes metrics.csv and checkpoints/.
    logger
        One of Lightning's, for the losses and scores of every epoch; metrics.csv is always written.
    threads
        Of the processor, for the products of one process.
    save_every
        Epochs between two savings of last.ckpt.
    resume
        Go on from last.ckpt in `folder`.
    """

    family: Family
    descriptor_classes: dict[str, list[float]]
    model: ModelSettings
    objective: ObjectiveSettings
    optimiser: OptimiserSettings
    trials: int
    max_epochs: int
    batch_size: int
    seed: int
    device: str
    folder: Path
    logger: Logger | None = None
    unlabelled_NE: np.ndarray | None = None
    threads: int = 1
    save_every: int = 50
    resume: bool = False
    trials_at_once: int | None = None


def chosen_device(name: str) -> str:
    """Return ``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    UserError
        If CUDA is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "device=cuda was asked for, but torch finds no CUDA device\nuse device=auto or device=cpu"
        )
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


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
        If every trial diverged before it had a usable epoch, or the device's memory does not hold a group of them.
    Stopped
        If a signal asked the run to stop; last.ckpt is written.
    """
    torch.set_num_threads(request.threads)
    keep_freed_memory()
    architecture = _architecture(request)
    rows = _Rows.of(request)
    last = request.folder / "checkpoints" / "last.ckpt"
    # A run interrupted before its first saving goes on from the beginning.
    state = read_state(last) if request.resume else None
    groups = _planned(request, architecture) if state is None else TrialGroups.recorded(state, request.trials)
    if len(groups.sizes) > 1:
        reason = "memory allows" if request.trials_at_once is None else "trials_at_once allows"
        announce(f"{groups}, as {reason}")
    goes_on = state is not None and is_under_way(state)
    del state
    with StopSignals() as signals:
        for trials in groups.waiting():
            if not goes_on:
                save_beginning(last, groups)
            try:
                best = _train(request, architecture, rows, groups, trials, signals, progress, goes_on)
            except torch.cuda.OutOfMemoryError as error:
                raise TrainingError(_too_little_memory(len(trials))) from error
            groups.finished.append(best)
            goes_on = False
            # Lightning's objects refer to each other: without this, two groups would be in memory at once.
            gc.collect()

    best = BestEpochs.joined(groups.finished)
    if (best.best_epoch_T < 0).all():
        raise TrainingError("; ".join(f"trial {t}: {reason}" for t, reason in enumerate(best.failed_T)))
    model = _trained(request, architecture, best)
    model.save(last, read_state(last))
    model.save(request.folder / "checkpoints" / "best.ckpt")
    return model


@dataclass(frozen=True)
class _Rows:
    """What all trials train and validate on, on the device.

    Attributes
    ----------
    train_NE
        The labelled training spectra.
    batched_NE, batched_NK
        Those and the unlabelled ones, whose descriptors are NaN.
    validation
        The validation rows.
    """

    train_NE: torch.Tensor
    batched_NE: torch.Tensor
    batched_NK: torch.Tensor
    validation: Validation

    @classmethod
    def of(cls, request: FitRequest) -> "_Rows":
        family, device = request.family, torch.device(request.device)
        spectra_NE = torch.as_tensor(family.spectra_NE, device=device)
        descriptors_NK = torch.as_tensor(family.descriptors_NK, dtype=torch.float32, device=device)
        train_N = torch.as_tensor(family.split_N == TRAIN)
        validation_N = torch.as_tensor(family.split_N == VALIDATION)
        train_NE, train_NK = spectra_NE[train_N], descriptors_NK[train_N]
        validation = Validation(spectra_NE[validation_N], descriptors_NK[validation_N], train_NE.mean(0))
        if request.unlabelled_NE is None:
            return cls(train_NE, train_NE, train_NK, validation)
        more_NE = torch.as_tensor(request.unlabelled_NE, dtype=train_NE.dtype, device=device)
        nan_NK = torch.full((len(more_NE), train_NK.shape[1]), float("nan"), device=device)
        return cls(train_NE, torch.cat([train_NE, more_NE]), torch.cat([train_NK, nan_NK]), validation)

    def prior_correlation(self, request: FitRequest, styles: int) -> torch.Tensor | None:
        """Return the prior's correlation as the training descriptors have it; None for independent styles."""
        if not request.objective.prior.correlated:
            return None
        return prior_correlation(self.batched_NK.T, styles).to(self.batched_NK.device)


def _architecture(request: FitRequest) -> Architecture:
    m = request.model
    return Architecture(
        points=len(request.family.energy_E),
        styles=len(request.family.descriptor_names) + m.free_styles,
        hidden=m.hidden,
        encoder_layers=m.encoder_layers,
        decoder_layers=m.decoder_layers,
        norm=m.norm.value,
        network=m.network.value,
        channels=m.channels,
    )


def _planned(request: FitRequest, architecture: Architecture) -> TrialGroups:
    """Part the trials into groups as asked for, or as the memory that is free now allows."""
    at_once = request.trials_at_once
    if at_once is None:
        split_N = request.family.split_N
        more = 0 if request.unlabelled_NE is None else len(request.unlabelled_NE)
        training, validation = int((split_N == TRAIN).sum()) + more, int((split_N == VALIDATION).sum())
        of_one = bytes_a_trial(architecture, request.objective, request.batch_size, training, validation)
        at_once = trials_that_fit(of_one, available_bytes(torch.device(request.device)))
    return TrialGroups.of(request.trials, at_once)


def _train(
    request: FitRequest,
    architecture: Architecture,
    rows: _Rows,
    groups: TrialGroups,
    trials: range,
    signals: StopSignals,
    progress: ProgressReport,
    goes_on: bool,
) -> BestEpochs:
    """Train the trials of one group side by side, or go on with them from last.ckpt."""
    names, o = request.family.descriptor_names, request.optimiser
    last = request.folder / "checkpoints" / "last.ckpt"
    title = groups.title_of(trials)
    if signals.received is not None:
        raise Stopped(f"stopped before {title or 'the first epoch'}", signals.received)

    energy_E = request.family.energy_E
    module = RankAAE(
        architecture,
        request.objective,
        o,
        len(names),
        trials,
        request.seed,
        request.device,
        energy_step=float((energy_E[-1] - energy_E[0]) / (len(energy_E) - 1)),
        prior_correlation_SS=rows.prior_correlation(request, architecture.styles),
    )
    order = trial_generators(request.seed, trials, _ORDER)
    batches = TrialBatches(rows.batched_NE, rows.batched_NK, request.batch_size, order)
    best = KeepBestEpoch(rows.train_NE, rows.validation, len(trials))
    callbacks: list[pl.Callback] = [best]
    if o.schedule is LearningRateSchedule.plateau:
        callbacks.append(ReduceOnPlateau(best, o.patience, o.reduction))
    if request.logger is not None:
        callbacks.append(LogScores(best, names, trials))
    callbacks.append(MetricsTable(request.folder / "metrics.csv", best, names, trials))
    callbacks.append(ReportProgress(progress, best, groups, trials))
    saving = SaveState(last, [*order, *module.draw_generators], groups, request.save_every, signals)
    callbacks.append(saving)

    trainer = _trainer(request, callbacks)
    with warnings.catch_warnings():
        # The batches come from arrays on the device: no loader has workers to spare.
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        continued = {"ckpt_path": last, "weights_only": True} if goes_on else {}
        trainer.fit(module, train_dataloaders=batches, **continued)  # type: ignore[arg-type]
    if saving.stopped:
        assert signals.received is not None
        of_these = f" of {title}" if title else ""
        raise Stopped(f"stopped after epoch {trainer.current_epoch}{of_these}", signals.received)
    saving.save(trainer)
    return best.kept()


def _too_little_memory(trials: int) -> str:
    if trials == 1:
        return "the device's memory does not hold a trial: train with a smaller batch_size or network"
    return (
        f"the device's memory does not hold {trials} trials at once: "
        f"begin a new run with trials_at_once={trials // 2}"
    )


def _trainer(request: FitRequest, callbacks: list[pl.Callback]) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    options: dict[str, Any] = {
        "logger": request.logger or False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return pl.Trainer(
        accelerator="gpu" if request.device == "cuda" else "cpu",
        devices=1,
        max_epochs=request.max_epochs,
        callbacks=callbacks,
        **options,
    )


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
    styles_TNS = model.encode(family.spectra_NE[family.split_N == TRAIN])
    model.style_mean_TS, model.style_std_TS = styles_TNS.mean(1), styles_TNS.std(1)

    on_validation = family.split_N == VALIDATION
    spectra_NE = family.spectra_NE[on_validation]
    styles_TNS = model.encode(spectra_NE)
    model.calibration = calibrate_model(
        styles_TNS,
        model.decode(styles_TNS),
        spectra_NE,
        family.descriptors_NK[on_validation],
        family.material_N[on_validation],
        family.descriptor_names,
        model.style_mean_TS,
        model.style_std_TS,
        model.alive_T,
    )
    return model
