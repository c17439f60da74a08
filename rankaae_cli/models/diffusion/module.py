"""The Lightning module of the score network: noise, the loss of taking it away, the running mean of the weights."""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.models.diffusion.cells import Cell
from rankaae_cli.models.diffusion.network import Graph, ScoreNetwork, Shape
from rankaae_cli.models.diffusion.settings import DiffusionSettings
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.lightning import TrialModule
from rankaae_cli.training.schedules import learning_rate_factor

_INITIAL_WEIGHTS, _DRAWS = 0, 1  # streams of random numbers
# The noise is log-normal. Bonds form at its median, and what is wrong there remains.
_MEDIAN, _SPREAD = 0.35, 0.6  # angstrom; standard deviation of the logarithm
_READING_WEIGHT = 0.1  # of the loss of reading, beside 1 of the noise
_UNCONDITIONED_ATOMS = 0.2  # share of atoms without a condition in every third step where the others have one


class Denoiser(TrialModule):
    """One score network, trained to predict the noise on the atoms of a cell, one cell a step.

    Parameters
    ----------
    shape, settings
        Sizes of the network; noise, condition and steps.
    cells
        To train on. Groups come up as often as each other, whatever their numbers of cells.
    trials, seed
        Of `TrialModule`; one trial.
    """

    def __init__(
        self,
        shape: Shape,
        settings: DiffusionSettings,
        cells: Sequence[Cell],
        trials: Sequence[int],
        seed: int,
    ) -> None:
        super().__init__(trials, seed, _DRAWS, "cpu", settings.clip)
        self.settings = settings
        groups = sorted({cell.group for cell in cells})
        self.cells = [[cell for cell in cells if cell.group == group] for group in groups]
        self.trained = ScoreNetwork(shape, trial_generators(seed, trials, _INITIAL_WEIGHTS))
        self.averaged = copy.deepcopy(self.trained).requires_grad_(False)

    @property
    def network(self) -> ScoreNetwork:
        """The running mean of the weights, which is kept."""
        return self.averaged

    def begin_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a network that was trained before, as those that are trained and as their mean."""
        super().begin_from(weights)
        self.trained.load_state_dict(weights)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW."""
        s = self.settings
        return torch.optim.AdamW(
            self.trained.parameters(), lr=s.rate, betas=(0.9, 0.99), weight_decay=s.weight_decay, fused=True
        )

    def training_step(self, batch: int, batch_idx: int) -> None:
        """Step on one cell, drawn with its noise and with the conditions of its atoms."""
        cell = self._draw_cell()
        s, random = self.settings, self.draw_generators[0]
        noise = _MEDIAN * math.exp(_SPREAD * float(torch.randn((), generator=random)))
        noise = min(max(noise, s.least_noise), s.most_noise)
        condition_NC = torch.as_tensor(cell.condition_NC, dtype=torch.float32)
        condition_NC = condition_NC + s.condition_noise * torch.randn(condition_NC.shape, generator=random)
        has_condition_N = self._draw_conditioned(cell)
        unit_N3 = torch.randn(cell.positions_N3.shape, generator=random)
        loss, predicted_NC = denoising_loss(self.trained, cell, noise, unit_N3, condition_NC, has_condition_N)
        reading = _reading_loss(predicted_NC, cell, has_condition_N)
        optimiser: Any = self.optimizers()
        for group in optimiser.param_groups:
            group["lr"] = s.rate * learning_rate_factor(self.progress(batch_idx), "one_cycle", warm_up=0.02)
        self.step(optimiser, (loss + _READING_WEIGHT * reading)[None])
        self.record({"denoising": loss[None], "reading": reading[None]})
        # Lightning's own count is of steps by its wrapper of the optimiser.
        self._average(self.current_epoch * int(self.trainer.num_training_batches) + batch_idx + 1)

    def _draw_cell(self) -> Cell:
        of_group = self.cells[self._draw_index(len(self.cells))]
        return of_group[self._draw_index(len(of_group))]

    def _draw_index(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.draw_generators[0]))

    def _draw_conditioned(self, cell: Cell) -> Tensor:
        """Return which atoms have a condition: in some steps none, in some of the others not all."""
        none, some = torch.rand(2, generator=self.draw_generators[0]).tolist()
        chance_N = torch.rand(len(cell.positions_N3), generator=self.draw_generators[0])
        left_out = 1.0 if none < self.settings.dropout else _UNCONDITIONED_ATOMS if some < 1 / 3 else 0.0
        return torch.as_tensor(cell.has_condition_N) & (chance_N >= left_out)

    @torch.no_grad()
    def _average(self, steps: int) -> None:
        share = min(self.settings.averaged, steps / (steps + 9))
        for mean, weight in zip(self.averaged.parameters(), self.trained.parameters(), strict=True):
            mean.lerp_(weight, 1 - share)


def denoising_loss(
    network: ScoreNetwork,
    cell: Cell,
    noise: float,
    unit_N3: Tensor,
    condition_NC: Tensor,
    has_condition_N: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the loss of a network on one cell, and the conditions (N, C) that it predicts.

    The loss is the mean squared error of the predicted noise in units of `noise` (angstrom), of which `unit_N3` is
    on the atoms: 1 where 0 is predicted. This is denoising score matching with the weight that makes all levels of
    noise count alike (Song and Ermon, arXiv:1907.05600). The neighbours are those of the atoms with the noise, as
    they are when structures are generated.
    """
    positions_N3 = cell.positions_N3 + noise * unit_N3.double().numpy()
    device = network.device
    graph = Graph.of(cell.lattice, np.asarray(positions_N3), network.shape.cutoff).to(device)
    output = network(graph, noise, condition_NC.to(device), has_condition_N.to(device))
    return (output.noise_N3 - unit_N3.to(device)).square().mean(), output.condition_NC


def _reading_loss(predicted_NC: Tensor, cell: Cell, has_condition_N: Tensor) -> Tensor:
    """Return the mean squared error of the predicted conditions of those atoms whose own was left out."""
    left_out_N = (torch.as_tensor(cell.has_condition_N) & ~has_condition_N).to(predicted_NC.device)
    error_N = (predicted_NC - torch.as_tensor(cell.condition_NC).to(predicted_NC)).square().mean(1)
    return (error_N * left_out_N).sum() / left_out_N.sum().clamp_min(1)
