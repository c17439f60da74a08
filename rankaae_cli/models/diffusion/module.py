"""The Lightning module of the score network: noise, the loss of taking it away, the running mean of the weights."""

import copy
import math
from collections.abc import Sequence
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

_INITIAL_WEIGHTS, _DRAWS = 0, 1
_UNTOLD_ATOMS = 0.2  # share of atoms that are told nothing in every third step where the others are


class Denoiser(TrialModule):
    """One score network, trained to tell the noise on the atoms of a cell, one cell a step.

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

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW."""
        s = self.settings
        return torch.optim.AdamW(
            self.trained.parameters(), lr=s.rate, betas=(0.9, 0.99), weight_decay=s.weight_decay, fused=True
        )

    def training_step(self, batch: int, batch_idx: int) -> None:
        """Step on one cell, drawn with its noise and with what its atoms are told."""
        cell = self._drawn_cell()
        s, random = self.settings, self.draw_generators[0]
        low, high = math.log(s.least_noise), math.log(s.most_noise)
        noise = math.exp(low + (high - low) * float(torch.rand((), generator=random)))
        told_NC = torch.as_tensor(cell.told_NC, dtype=torch.float32)
        told_NC = told_NC + s.condition_noise * torch.randn(told_NC.shape, generator=random)
        loss = denoising_loss(self.trained, cell, noise, self._drawn_noise(cell), told_NC, self._told(cell))
        optimiser: Any = self.optimizers()
        for group in optimiser.param_groups:
            group["lr"] = s.rate * learning_rate_factor(self.progress(batch_idx), "one_cycle", warm_up=0.02)
        self.step(optimiser, loss[None])
        self.record({"denoising": loss[None]})
        # Lightning's own count is of steps by its wrapper of the optimiser.
        self._average(self.current_epoch * int(self.trainer.num_training_batches) + batch_idx + 1)

    def _drawn_cell(self) -> Cell:
        of_group = self.cells[self._drawn(len(self.cells))]
        return of_group[self._drawn(len(of_group))]

    def _drawn(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.draw_generators[0]))

    def _drawn_noise(self, cell: Cell) -> Tensor:
        return torch.randn(len(cell.positions_N3), 3, generator=self.draw_generators[0])

    def _told(self, cell: Cell) -> Tensor:
        """Return which atoms are told anything: in some steps none, in some of the others not all."""
        nobody, some = torch.rand(2, generator=self.draw_generators[0]).tolist()
        chance_N = torch.rand(len(cell.positions_N3), generator=self.draw_generators[0])
        untold = 1.0 if nobody < self.settings.dropout else _UNTOLD_ATOMS if some < 1 / 3 else 0.0
        return torch.as_tensor(cell.is_told_N) & (chance_N >= untold)

    @torch.no_grad()
    def _average(self, steps: int) -> None:
        share = min(self.settings.averaged, steps / (steps + 9))
        for mean, weight in zip(self.averaged.parameters(), self.trained.parameters(), strict=True):
            mean.lerp_(weight, 1 - share)


def denoising_loss(
    network: ScoreNetwork, cell: Cell, noise: float, unit_N3: Tensor, told_NC: Tensor, is_told_N: Tensor
) -> Tensor:
    """Return the mean squared error of the noise that a network tells, over its variance: 1 for no answer.

    This is denoising score matching with the weight that makes all levels of noise count alike (Song and Ermon,
    arXiv:1907.05600). The graph is that of the atoms with the noise, as it is when structures are generated.
    """
    positions_N3 = cell.positions_N3 + noise * unit_N3.double().numpy()
    device = network.device
    graph = Graph.of(cell.lattice, np.asarray(positions_N3), network.shape.cutoff).to(device)
    found_N3 = network(graph, noise, told_NC.to(device), is_told_N.to(device))
    return (found_N3 - unit_N3.to(device)).square().mean()
