"""Training groups of trials one after another: Lightning's trainer, module and callbacks put together."""

import gc

import pytorch_lightning as pl
import torch

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.training.callbacks import (
    KeepBestEpoch,
    LogScores,
    MetricsTable,
    ReduceOnPlateau,
    ReportProgress,
)
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.lightning import ProgressReport, new_trainer, quiet_lightning
from rankaae_cli.training.memory import available_bytes, keep_freed_memory, trials_that_fit
from rankaae_cli.training.resume import SaveState, StopSignals, save_beginning
from rankaae_cli.training.rows import TrainingRows
from rankaae_cli.training.task import EpochTask, TrainingError


def train_groups(
    task: EpochTask, groups: TrialGroups, goes_on: bool, signals: StopSignals, progress: ProgressReport
) -> None:
    """Train the groups that wait, one after another; their best epochs are added to `groups`.

    Parameters
    ----------
    task
        What to train.
    groups
        Those that have finished are left as they are.
    goes_on
        Whether last.ckpt was written in the middle of the first group that waits.
    signals, progress
        Looked at and called after every epoch.
    """
    torch.set_num_threads(task.threads)
    keep_freed_memory()
    rows = TrainingRows.of(
        task.family, task.unlabelled_NE, task.memory, task.device, task.replayed, task.taught_NK
    )
    for trials in groups.waiting():
        if not goes_on:
            save_beginning(task.last, groups)
        try:
            best = _train(task, rows, groups, trials, signals, progress, goes_on)
        except torch.cuda.OutOfMemoryError as error:
            raise TrainingError(_too_little_memory(len(trials))) from error
        groups.finished.append(best)
        goes_on = False
        if len(groups.finished) < len(groups.sizes):
            # Lightning's objects refer to each other: without this, two groups would be in memory at once.
            gc.collect()


def planned(task: EpochTask) -> TrialGroups:
    """Part the trials into groups as asked for, or as the memory that is free now allows."""
    at_once = task.trials_at_once
    if at_once is None:
        split_N = task.family.split_N
        more = 0 if task.unlabelled_NE is None else len(task.unlabelled_NE)
        of_one = task.bytes_a_trial(int((split_N == TRAIN).sum()) + more, int((split_N == VALIDATION).sum()))
        free = available_bytes(torch.device(task.device))
        at_once = trials_that_fit(of_one, None if free is None else int(free * task.memory_share))
    return TrialGroups.of(task.trials, at_once, task.first_trial)


def _train(
    task: EpochTask,
    rows: TrainingRows,
    groups: TrialGroups,
    trials: range,
    signals: StopSignals,
    progress: ProgressReport,
    goes_on: bool,
) -> BestEpochs:
    """Train the trials of one group side by side, or go on with them from last.ckpt."""
    title = groups.title_of(trials)
    if signals.received is not None:
        raise Stopped(f"stopped before {title or 'the first epoch'}", signals.received)

    module = task.module(rows, trials)
    if task.start_weights is not None:
        chosen = {name: value_T[list(trials)] for name, value_T in task.start_weights.items()}
        module.begin_from(chosen)
    batches, order = task.batches(rows, trials)
    best = KeepBestEpoch(rows.train, task.scorer(rows), len(trials))
    callbacks: list[pl.Callback] = [best]
    if task.plateau is not None:
        callbacks.append(ReduceOnPlateau(best, *task.plateau))
    if task.logger is not None:
        callbacks.append(LogScores(best, trials, task.derived_scores))
    callbacks.append(MetricsTable(task.folder / "metrics.csv", best, task.losses, task.score_columns, trials))
    callbacks.append(ReportProgress(progress, best, groups, trials, task.watch))
    saving = SaveState(task.last, [*order, *module.draw_generators], groups, task.save_every, signals)
    callbacks.append(saving)

    with quiet_lightning():
        trainer = new_trainer(task.device, task.max_epochs, callbacks, task.logger)
        continued = {"ckpt_path": task.last, "weights_only": True} if goes_on else {}
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
