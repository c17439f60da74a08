"""What happens at the end of an epoch: validation, the best weights, metrics.csv, progress."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from rankaae_cli.data.files import replacing
from rankaae_cli.training.groups import BestEpochs, TrialGroups
from rankaae_cli.training.lightning import ProgressReport, TrialModule
from rankaae_cli.training.rows import DeviceSpectra
from rankaae_cli.training.task import EpochScores, Scorer, Watch


class KeepBestEpoch(pl.Callback):
    """Validate every epoch and keep each trial's weights of its best one.

    A trial whose losses are not finite is given up with its epoch and loss named in `failed_T`; its best
    weights so far stay.
    """

    def __init__(self, train_spectra: DeviceSpectra, scorer: Scorer, trials: int) -> None:
        self.train_spectra = train_spectra
        self.scorer = scorer
        self.scores_T = torch.full((trials,), float("-inf"), dtype=torch.float64)
        self.best_epoch_T = torch.full((trials,), -1)
        self.failed_T: list[str | None] = [None] * trials
        self.weights: dict[str, Tensor] = {}
        self.latest: EpochScores | None = None
        self.losses: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return what has been kept so far."""
        return {name: getattr(self, name) for name in ("scores_T", "best_epoch_T", "failed_T", "weights")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what had been kept."""
        for name, value in state_dict.items():
            setattr(self, name, value)

    def kept(self) -> BestEpochs:
        """Return what has been kept so far, in the processor's memory."""
        weights = {name: value.cpu() for name, value in self.weights.items()}
        return BestEpochs(self.scores_T, self.best_epoch_T, self.failed_T, weights)

    def columns(self) -> dict[str, Tensor]:
        """Return the losses and scores of the latest epoch by column of metrics.csv, shape (T,) each."""
        assert self.latest is not None
        values_T = {f"train_{name}": value for name, value in self.losses.items()}
        return values_T | {**self.latest.columns(), "score": self.latest.score_T}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Bring weights read from a checkpoint to the device that trains; stop at once where no trial is left."""
        self.weights = {name: value.to(pl_module.device) for name, value in self.weights.items()}
        self._stop_if_none_is_left(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Score this epoch and keep the weights of the trials that improved."""
        assert isinstance(pl_module, TrialModule)
        network = pl_module.network
        means = pl_module.take_epoch_means()
        values = torch.stack(list(means.values())).cpu()  # one transfer, not one a loss
        self.losses = dict(zip(means, values, strict=True))
        network.eval()
        pl_module.retake_statistics(self.train_spectra.blocks())
        self.latest = self.scorer.score(network)
        network.train()
        self._note_failures(trainer.current_epoch)

        score_T = self.latest.score_T.double()
        alive_T = torch.tensor([reason is None for reason in self.failed_T])
        better_T = alive_T & (score_T > self.scores_T)
        self.scores_T = torch.where(better_T, score_T, self.scores_T)
        self.best_epoch_T = torch.where(better_T, trainer.current_epoch, self.best_epoch_T)
        self._keep(network.state_dict(), better_T)
        self._stop_if_none_is_left(trainer)

    def _stop_if_none_is_left(self, trainer: pl.Trainer) -> None:
        if not any(reason is None for reason in self.failed_T):
            trainer.should_stop = True

    def _note_failures(self, epoch: int) -> None:
        for trial, reason in enumerate(self.failed_T):
            bad = [name for name, value in self.losses.items() if not math.isfinite(value[trial])]
            if reason is None and bad:
                best = int(self.best_epoch_T[trial])
                kept = f"its best epoch {best} is kept" if best >= 0 else "no epoch of it is usable"
                self.failed_T[trial] = (
                    f"the {bad[0].replace('_', ' ')} loss was not finite in epoch {epoch}; {kept}"
                )

    @torch.no_grad()
    def _keep(self, state: dict[str, Tensor], better_T: Tensor) -> None:
        if not self.weights:
            self.weights = {name: value.clone() for name, value in state.items()}
        chosen = better_T.nonzero().flatten().to(next(iter(state.values())).device)
        for name, value in state.items():
            self.weights[name].index_copy_(0, chosen, value[chosen])


class ReduceOnPlateau(pl.Callback):
    """Reduce a trial's learning rate when its validation score has not risen for `patience` epochs."""

    def __init__(self, best: KeepBestEpoch, patience: int, reduction: float) -> None:
        self.best = best
        self.patience = patience
        self.reduction = reduction
        self.factor_T = torch.ones_like(best.scores_T)
        self.since_T = torch.zeros_like(best.best_epoch_T)

    def state_dict(self) -> dict[str, Any]:
        """Return each trial's factor and when it was last reduced."""
        return {"factor_T": self.factor_T, "since_T": self.since_T}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.factor_T, self.since_T = state_dict["factor_T"], state_dict["since_T"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the factors to the module."""
        self._hand_over(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Reduce where it is time; stands after `KeepBestEpoch` in the list of callbacks."""
        epoch = trainer.current_epoch
        stalled_T = epoch - torch.maximum(self.best.best_epoch_T, self.since_T) >= self.patience
        self.factor_T = torch.where(stalled_T, self.factor_T * self.reduction, self.factor_T)
        self.since_T = torch.where(stalled_T, epoch, self.since_T)
        self._hand_over(pl_module)

    def _hand_over(self, module: pl.LightningModule) -> None:
        assert isinstance(module, TrialModule)
        reduced = bool((self.factor_T != 1).any())
        module.rate_factor_T = self.factor_T.to(module.device, torch.float32) if reduced else None


class MetricsTable(pl.Callback):
    """Append one row an epoch and trial to metrics.csv, below those of the trials with smaller numbers."""

    def __init__(
        self,
        path: Path,
        best: KeepBestEpoch,
        losses: Sequence[str],
        score_columns: Sequence[str],
        trials: Sequence[int],
    ) -> None:
        self.path = path
        self.best = best
        self.trials = trials
        of_losses = (f"train_{name}" for name in losses)
        self.columns = ["epoch", "trial", "learning_rate", *of_losses, *score_columns, "score"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the header and what is there already, less the rows of epochs that will be trained again."""
        rows: list[list[Any]] = [self.columns]
        if self.path.is_file():
            with self.path.open(newline="", encoding="utf-8") as file:
                rows += [row for row in list(csv.reader(file))[1:] if self._stays(row, trainer.current_epoch)]
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write this epoch's rows; stands after `KeepBestEpoch` in the list of callbacks."""
        assert isinstance(pl_module, TrialModule)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        factor_T = (
            torch.ones(len(self.trials)) if pl_module.rate_factor_T is None else pl_module.rate_factor_T
        )
        values_T = self.best.columns()
        rows = []
        for t, trial in enumerate(self.trials):
            values: dict[str, Any] = {
                "epoch": trainer.current_epoch,
                "trial": trial,
                "learning_rate": f"{rate * float(factor_T[t]):.6g}",
            }
            values |= {name: _cell(value_T[t]) for name, value_T in values_T.items()}
            rows.append([values.get(column, "") for column in self.columns])
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def _stays(self, row: list[str], epochs: int) -> bool:
        whole = len(row) == len(self.columns) and row[0].isdigit() and row[1].isdigit()
        return whole and (int(row[1]) < self.trials[0] or int(row[0]) < epochs)


class LogScores(pl.Callback):
    """Hand the losses and scores of every epoch to Lightning's logger, one curve a quantity and trial.

    Scores in `derived` follow from others and have none.
    """

    def __init__(self, best: KeepBestEpoch, trials: Sequence[int], derived: Sequence[str]) -> None:
        self.best = best
        self.trials = trials
        self.derived = derived

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log this epoch; stands after `KeepBestEpoch` in the list of callbacks."""
        assert trainer.logger is not None
        metrics = {
            f"{name}/trial_{trial}": float(value)
            for name, value_T in self.best.columns().items()
            if name not in self.derived
            for trial, value in zip(self.trials, value_T, strict=True)
            if math.isfinite(value)
        }
        trainer.logger.log_metrics(metrics, step=trainer.current_epoch)


class ReportProgress(pl.Callback):
    """Tell a function of (epochs done, epochs in all, how it stands) after every epoch.

    Parameters
    ----------
    report
        The function.
    best
        How it stands.
    groups, trials
        The groups of trials, and the trials of the one at hand. The epochs of all groups count as done and in
        all; how it stands names the trials and the epoch of theirs.
    watch
        Told the best validation score so far as well; it may raise.
    """

    def __init__(
        self,
        report: ProgressReport,
        best: KeepBestEpoch,
        groups: TrialGroups,
        trials: range,
        watch: Watch | None = None,
    ) -> None:
        self.report = report
        self.watch = watch
        self.best = best
        self.groups = groups
        title = groups.title_of(trials)
        self.which = f"{title} of {sum(groups.sizes)}, " if title else ""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report this epoch; stands after `KeepBestEpoch` in the list of callbacks."""
        scores = self.best.latest
        assert scores is not None
        t = int(scores.score_T.argmax())
        epoch, epochs = trainer.current_epoch + 1, trainer.max_epochs
        assert epochs is not None
        standing = f"{self.which}epoch {epoch} of {epochs}, {scores.standing(t)}"
        done = len(self.groups.finished) * epochs + epoch
        self.report(done, len(self.groups.sizes) * epochs, standing)
        if self.watch is not None:
            earlier = [float(of_group.scores_T.max()) for of_group in self.groups.finished]
            best = max([*earlier, float(self.best.scores_T.max())])
            self.watch(done, len(self.groups.sizes) * epochs, best)


def _cell(value: Tensor | float) -> str:
    number = float(value)
    return f"{number:.6g}" if math.isfinite(number) else ""
