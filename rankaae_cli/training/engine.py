"""Training groups of trials one after another: Lightning's trainer, module and callbacks put together."""

import gc
from dataclasses import replace

import pytorch_lightning as pl
import torch

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.rankaae.module import RankAAE
from rankaae_cli.models.rankaae.networks import Architecture
from rankaae_cli.models.rankaae.settings import LearningRateSchedule, ObjectiveSettings, PriorKind, StepOrder
from rankaae_cli.models.rankaae.validation import Validation
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
from rankaae_cli.training.processes import device_of, is_first_process
from rankaae_cli.training.request import FitRequest, TrainingError
from rankaae_cli.training.resume import SaveState, StopSignals, save_beginning
from rankaae_cli.training.rows import TrainingRows
from rankaae_cli.training.trainer import new_trainer, quiet_lightning


def train_groups(
    request: FitRequest, groups: TrialGroups, goes_on: bool, signals: StopSignals, progress: ProgressReport
) -> None:
    """Train the groups that wait, one after another; `groups` takes what they found.

    Parameters
    ----------
    request
        What to train.
    groups
        Those that have finished are left as they are.
    goes_on
        Whether last.ckpt was written in the middle of the first group that waits.
    signals, progress
        Looked at and told after every epoch.
    """
    torch.set_num_threads(request.threads)
    keep_freed_memory()
    request = replace(request, device=device_of(request.device, request.devices))
    last = request.folder / "checkpoints" / "last.ckpt"
    architecture, rows = architecture_of(request), TrainingRows.of(request)
    for trials in groups.waiting():
        if not goes_on and is_first_process():
            save_beginning(last, groups)
        try:
            best = _train(request, architecture, rows, groups, trials, signals, progress, goes_on)
        except torch.cuda.OutOfMemoryError as error:
            raise TrainingError(_too_little_memory(len(trials))) from error
        groups.finished.append(best)
        goes_on = False
        # Lightning's objects refer to each other: without this, two groups would be in memory at once.
        gc.collect()


def architecture_of(request: FitRequest) -> Architecture:
    """Return the sizes of the networks that are asked for."""
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


def planned(request: FitRequest) -> TrialGroups:
    """Part the trials into groups as asked for, or as the memory that is free now allows."""
    at_once = request.trials_at_once
    if at_once is None:
        architecture = architecture_of(request)
        split_N = request.family.split_N
        more = 0 if request.unlabelled_NE is None else len(request.unlabelled_NE)
        training, validation = int((split_N == TRAIN).sum()) + more, int((split_N == VALIDATION).sum())
        of_one = bytes_a_trial(architecture, request.objective, request.batch_size, training, validation)
        free = available_bytes(torch.device(request.device))
        at_once = trials_that_fit(of_one, None if free is None else int(free * request.memory_share))
    return TrialGroups.of(request.trials, at_once, request.first_trial)


def _train(
    request: FitRequest,
    architecture: Architecture,
    rows: TrainingRows,
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
    batches, order = rows.batches(request.batch_size, request.seed, trials)
    validation = Validation(rows.validation, rows.validation_NK, rows.train.mean())
    best = KeepBestEpoch(rows.train, validation, len(trials))
    callbacks: list[pl.Callback] = [best]
    if o.schedule is LearningRateSchedule.plateau:
        callbacks.append(ReduceOnPlateau(best, o.patience, o.reduction))
    if request.logger is not None:
        callbacks.append(LogScores(best, names, trials))
    callbacks.append(MetricsTable(request.folder / "metrics.csv", best, names, trials))
    callbacks.append(ReportProgress(progress, best, groups, trials, request.watch))
    saving = SaveState(last, [*order, *module.draw_generators], groups, request.save_every, signals)
    callbacks.append(saving)

    with quiet_lightning():
        trainer = new_trainer(
            request.device,
            request.max_epochs,
            callbacks,
            processes=request.devices,
            all_used=_reaches_every_parameter(request.objective),
            logger=request.logger,
        )
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


def _reaches_every_parameter(objective: ObjectiveSettings) -> bool:
    """Return whether every backward pass reaches every parameter."""
    one_pass = objective.order is StepOrder.joint and objective.prior.kind is not PriorKind.two_step
    return one_pass and objective.reconstruction.weight > 0
