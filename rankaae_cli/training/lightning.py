"""Lightning as it is used here: a module of trials side by side, and a trainer without files, bars or remarks."""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from torch import Tensor, nn

from rankaae_cli.networks.layers import trial_generators

ProgressReport = Callable[[int, int, str], None]
_LOGGERS = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric")
_VECTOR = 16  # single-precision numbers in the widest vector of a processor, of AVX-512


class TrialModule(pl.LightningModule, ABC):
    """T networks trained side by side; they share no parameter, and each draws from its own generator.

    Parameters
    ----------
    trials
        Their numbers.
    seed, stream
        Decide with its number what a trial draws.
    device
        Where it is drawn: the one that trains.
    clip
        Largest norm of a trial's gradient; 0: no limit.
    """

    def __init__(self, trials: Sequence[int], seed: int, stream: int, device: str, clip: float = 0.0) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.trials = tuple(trials)
        self.clip = clip
        seeds = [g.initial_seed() for g in trial_generators(seed, trials, stream)]
        self.draw_generators = [torch.Generator(device).manual_seed(s) for s in seeds]
        self.epoch_sums: dict[str, Tensor] = {}
        # Each trial's factor on the learning rate, (T,); None while all are 1.
        self.rate_factor_T: Tensor | None = None

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The part whose weights of the best epoch are kept; all of its state has a leading trial dimension."""

    def begin_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of networks that were trained before."""
        self.network.load_state_dict(weights)

    def retake_statistics(self, blocks_NE: Iterable[Tensor]) -> None:
        """Fit what the network needs in evaluation to the training spectra, given in blocks (N, E)."""

    def take_epoch_means(self) -> dict[str, Tensor]:
        """Return the mean of every loss over the batches since the last call, shape (T,) each."""
        batches = self.trainer.num_training_batches
        means = {name: value / batches for name, value in self.epoch_sums.items()}
        self.epoch_sums = {}
        return means

    def record(self, values: dict[str, Tensor]) -> None:
        """Count the losses of a batch, shape (T,) each, into the means of the epoch."""
        for name, value_T in values.items():
            value_T = value_T.detach()
            self.epoch_sums[name] = self.epoch_sums[name] + value_T if name in self.epoch_sums else value_T

    def normal(self, *shape: int) -> Tensor:
        """Draw N(0, 1) of shape (T, *shape), each trial from its own generator."""
        out = torch.empty(len(self.trials), *shape, device=self.device)
        for row, generator in zip(out, self.draw_generators, strict=True):
            row.normal_(generator=generator)
        return out

    def progress(self, batch_idx: int) -> float:
        """Return the part of all batches that is done, 0 to 1."""
        batches_an_epoch = int(self.trainer.num_training_batches)
        batches_done = self.current_epoch * batches_an_epoch + batch_idx
        return batches_done / (batches_an_epoch * int(self.trainer.max_epochs or 1))

    def step(self, optimiser: Any, loss_T: Tensor) -> None:
        """Step one of Lightning's optimisers by the gradient of a loss."""
        optimiser.zero_grad(set_to_none=True)
        # The trials share no parameter, so the sum gives each its own gradient.
        self.manual_backward(loss_T.sum())
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        if self.clip > 0:
            self._clip(parameters)
        before = None if self.rate_factor_T is None else [p.detach().clone() for p in parameters]
        # Lightning's wrapper counts steps and calls hooks; the bare optimiser is all that is needed here.
        optimiser.optimizer.step()
        if before is not None:
            self._scale_step(parameters, before)

    @torch.no_grad()
    def _scale_step(self, parameters: list[Tensor], before: list[Tensor]) -> None:
        """Take each trial's share of the step: AdamW's step is linear in the rate, so this is its own rate."""
        assert self.rate_factor_T is not None
        for parameter, old in zip(parameters, before, strict=True):
            factor = self.rate_factor_T.view(-1, *[1] * (parameter.dim() - 1))
            parameter.copy_(torch.lerp(old, parameter, factor))

    @torch.no_grad()
    def _clip(self, parameters: list[Tensor]) -> None:
        """Scale each trial's gradient to a norm of at most `clip`."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        square_T = torch.stack([g.square().sum(dim=tuple(range(1, g.dim()))) for g in gradients]).sum(0)
        factor_T = (self.clip / (square_T.sqrt() + 1e-12)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factor_T.view(-1, *[1] * (gradient.dim() - 1)))


def adamw(groups: Sequence[dict[str, Any]], rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW, whose step of a trial does not depend on how many stand beside it.

    The fused kernel rounds the last numbers of an array, which do not fill a vector of the processor, otherwise
    than the rest. Arrays of which a trial's part does not fill whole vectors are stepped by another kernel.

    Parameters
    ----------
    groups
        Of parameters, (T, ...) each, with what a group has of its own.
    rate, weight_decay
        Of all groups.
    """
    parted = []
    for group in groups:
        by_kernel: dict[bool, list[Tensor]] = {True: [], False: []}
        for parameter in group["params"]:
            by_kernel[parameter[0].numel() % _VECTOR == 0].append(parameter)
        parted += [{**group, "params": some, "fused": fused} for fused, some in by_kernel.items() if some]
    return torch.optim.AdamW(parted, lr=rate, weight_decay=weight_decay)


def new_trainer(
    device: str, max_epochs: int, callbacks: Sequence[pl.Callback], logger: Any = None
) -> pl.Trainer:
    """Return a trainer on ``cpu``, ``cuda`` or one of its devices; see `quiet_lightning` for its remarks."""
    index = torch.device(device).index
    return pl.Trainer(
        accelerator="gpu" if device.startswith("cuda") else "cpu",
        devices=1 if index is None else [index],
        # Left alone, Lightning takes the tasks of a job of Slurm for processes, and refuses other numbers.
        plugins=[LightningEnvironment()],
        max_epochs=max_epochs,
        callbacks=list(callbacks),
        logger=logger or False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning from advice that does not apply here while the body runs.

    The batches come from arrays: no loader has workers to spare. Processes are started here, not by ``srun``.
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for module in ("pytorch_lightning", "lightning_fabric"):
            warnings.filterwarnings("ignore", module=module)
        yield


class ReportEpoch(pl.Callback):
    """Report how far training is, and the error on validation; the last of the callbacks."""

    def __init__(self, report: ProgressReport, error: Callable[[], float]) -> None:
        self.report, self.error = report, error

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report this epoch."""
        standing = f"error on validation {self.error():.4f}"
        self.report(trainer.current_epoch + 1, int(trainer.max_epochs or 0), standing)


def train_on_processor(
    module: pl.LightningModule, batches: Iterable[Any], epochs: int, callbacks: Sequence[pl.Callback]
) -> None:
    """Train on the processor; the networks are small."""
    with quiet_lightning():
        try:
            new_trainer("cpu", epochs, callbacks).fit(module, train_dataloaders=batches)
        except SystemExit as stopped:
            # So does Lightning answer Ctrl-C.
            raise KeyboardInterrupt from stopped


def check_kept(error_T: Tensor) -> None:
    """Raise RuntimeError where a network had no epoch with a finite error."""
    lost = int((~error_T.isfinite()).sum())
    if lost:
        raise RuntimeError(
            f"{lost} of {len(error_T)} networks diverged before a usable epoch; lower the rate"
        )


def float_tensor(array: np.ndarray) -> Tensor:
    """Return an array as a tensor of single precision."""
    return torch.as_tensor(np.asarray(array, dtype=np.float32))


def on_arrays(function: Callable[[Tensor], Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of tensors as one of arrays: single precision within, double outside, no gradients."""

    @torch.no_grad()
    def of_array(array: np.ndarray) -> np.ndarray:
        return np.asarray(function(float_tensor(array)).double().numpy())

    return of_array


def parameter_count(module: torch.nn.Module) -> int:
    """Return how many numbers are fitted."""
    return sum(p.numel() for p in module.parameters())
