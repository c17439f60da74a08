"""Training of networks of their own: those of a supervised reader, and a variational autoencoder as a baseline."""

import math
from abc import ABC, abstractmethod
from dataclasses import replace

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional

from rankaae_cli.models.baselines import FittedBaseline, FittingRows, Report, autoencoder_baseline
from rankaae_cli.models.supervised.inputs import input_columns
from rankaae_cli.models.supervised.network import Networks, Shape
from rankaae_cli.models.supervised.settings import NetworkSettings, VariationalAutoencoderSettings
from rankaae_cli.networks.layers import mlp, trial_generators
from rankaae_cli.training.batches import TrialBatches
from rankaae_cli.training.lightning import (
    ReportEpoch,
    check_kept,
    float_tensor,
    on_arrays,
    parameter_count,
    train_on_processor,
)
from rankaae_cli.training.schedules import learning_rate_factor

# Streams of random numbers, apart from those of the model.
_INITIAL_WEIGHTS, _DRAWS, _ORDER = 10, 11, 12


def fit_networks(
    rows: FittingRows,
    settings: NetworkSettings,
    inputs: tuple[str, ...],
    trials: int,
    seed: int,
    threads: int,
    report: Report,
) -> Networks:
    """Fit networks to all descriptors.

    They differ in their random numbers (Lakshminarayanan, Pritzel and Blundell, arXiv:1612.01474). Each is kept
    at its best epoch on validation by the mean squared error of standardised descriptors where they are known.
    The parameters are those of `forests.fit_forests`.
    """
    module = _SupervisedNetworks(rows, settings, inputs, trials, seed)
    seen = replace(rows, train_NE=input_columns(rows.train_NE, inputs))
    _train(module, seen, settings.batch_size, settings.max_epochs, seed, report)
    return module.networks


def fit_vae(
    rows: FittingRows, settings: VariationalAutoencoderSettings, styles: int, seed: int, report: Report
) -> FittedBaseline:
    """Fit a variational autoencoder (Kingma and Welling, arXiv:1312.6114); its latent means are its styles.

    Epoch and trial are those of the smallest reconstruction error on validation. Descriptors are read by least
    squares from the styles of the training rows.
    """
    module = _VariationalAutoencoders(rows, settings, styles, seed)
    best = _train(module, rows, settings.batch_size, settings.max_epochs, seed, report)
    t = int(best.error_T.argmin())
    encode = on_arrays(lambda spectra_NE: module.encode(spectra_NE)[0][t])
    rebuild = on_arrays(lambda spectra_NE: module.decode(module.encode(spectra_NE)[0])[t])
    return autoencoder_baseline(rows, encode, rebuild, parameter_count(module) // settings.trials)


class _Networks(pl.LightningModule, ABC):
    """T networks trained side by side, each by its own loss, with one AdamW and a one-cycle rate."""

    def __init__(self, trials: int, rate: float, weight_decay: float, input_noise: float, seed: int) -> None:
        super().__init__()
        self.rate, self.weight_decay = rate, weight_decay
        self.input_noise: float | Tensor = input_noise
        self.initial = trial_generators(seed, range(trials), _INITIAL_WEIGHTS)
        self.draws = trial_generators(seed, range(trials), _DRAWS)
        self.steps = 1

    @abstractmethod
    def losses(self, spectra_TBE: Tensor, descriptors_TBK: Tensor) -> Tensor:
        """Return the loss of each network on a batch, shape (T,)."""

    @abstractmethod
    def validation_errors(self) -> Tensor:
        """Return what an epoch is chosen by, shape (T,); lower is better."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the sum over networks: they share no parameter, so each has its own gradient."""
        return self.losses(*batch).sum()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW and the course of its rate, stepped with every batch."""
        optimiser = torch.optim.AdamW(
            self.parameters(), self.rate, weight_decay=self.weight_decay, fused=True
        )
        course = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: learning_rate_factor(step / self.steps, "one_cycle")
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": course, "interval": "step"}}

    def normal(self, *shape: int) -> Tensor:
        """Draw N(0, 1) of shape (T, *shape), each network from its own generator."""
        return torch.stack([torch.randn(*shape, generator=g) for g in self.draws])

    def noisy(self, spectra_TBE: Tensor) -> Tensor:
        """Return spectra with noise added."""
        return spectra_TBE + self.input_noise * self.normal(*spectra_TBE.shape[1:])


class _SupervisedNetworks(_Networks):
    """Multilayer perceptrons from standardised inputs to standardised descriptors."""

    def __init__(
        self, rows: FittingRows, settings: NetworkSettings, inputs: tuple[str, ...], trials: int, seed: int
    ) -> None:
        super().__init__(trials, settings.rate, settings.weight_decay, settings.input_noise, seed)
        train_NF, train_NK = (
            float_tensor(array) for array in (input_columns(rows.train_NE, inputs), rows.train_NK)
        )
        shape = Shape(
            train_NF.shape[1], settings.hidden, settings.layers, settings.norm.value, train_NK.shape[1]
        )
        self.layers = shape.layers(self.initial)
        blocks = (train_NF - train_NF.mean(0)).chunk(len(inputs), dim=1)
        scales = [float(block.std()) or 1.0 for block in blocks]
        scale_F = torch.cat([torch.full_like(block[0], s) for block, s in zip(blocks, scales, strict=True)])
        self.networks = Networks(inputs, shape, self.layers, train_NF.mean(0), scale_F, *_moments(train_NK))
        # Noise of the spectra is the same in all inputs, each seen in its own scale.
        self.input_noise = settings.input_noise * scale_F / scales[0]
        self.validation = (
            float_tensor(input_columns(rows.validation_NE, inputs)),
            float_tensor(rows.validation_NK),
        )

    def forward(self, inputs_TBF: Tensor) -> Tensor:
        """Return the standardised descriptors (T, B, K) of inputs (T, B, F) or (B, F)."""
        return self.networks.standardised(inputs_TBF)

    def losses(self, spectra_TBE: Tensor, descriptors_TBK: Tensor) -> Tensor:
        """Return the mean squared error where the descriptor is known, each descriptor counting alike."""
        return self._errors(self(self.noisy(spectra_TBE)), descriptors_TBK)

    @torch.no_grad()
    def validation_errors(self) -> Tensor:
        """Return the same on the validation rows."""
        inputs_NF, descriptors_NK = self.validation
        return self._errors(self(inputs_NF), descriptors_NK.unsqueeze(0))

    def _errors(self, out_TBK: Tensor, descriptors_TBK: Tensor) -> Tensor:
        known_TBK = descriptors_TBK.isfinite()
        standard_TBK = (descriptors_TBK - self.networks.mean_K) / self.networks.scale_K
        square_TBK = torch.where(known_TBK, out_TBK - standard_TBK, 0.0).square()
        return (square_TBK.sum(1) / known_TBK.sum(1).clamp(min=1)).mean(-1)


def _moments(descriptors_NK: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each descriptor over the rows that know it, NaN and 1 of none."""
    known_NK = descriptors_NK.isfinite()
    n_K = known_NK.sum(0)
    mean_K = torch.where(known_NK, descriptors_NK, 0.0).sum(0) / n_K
    squares_K = torch.where(known_NK, descriptors_NK - mean_K, 0.0).square().sum(0) / n_K
    return mean_K, torch.where(squares_K > 0, squares_K.sqrt(), 1.0)


class _VariationalAutoencoders(_Networks):
    """Encoders to the mean and log variance of each latent variable, decoders as the model's."""

    def __init__(
        self, rows: FittingRows, settings: VariationalAutoencoderSettings, styles: int, seed: int
    ) -> None:
        s = settings
        super().__init__(s.trials, s.rate, s.weight_decay, s.input_noise, seed)
        self.deviation = s.deviation
        points, hidden = rows.train_NE.shape[1], [s.hidden] * s.layers
        self.encoder = mlp([points, *hidden, 2 * styles], s.norm.value, self.initial)
        self.decoder = mlp([styles, *hidden, points], s.norm.value, self.initial)
        self.validation_NE = float_tensor(rows.validation_NE)

    def encode(self, spectra_TBE: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, (T, B, S) each, of spectra (T, B, E) or (B, E)."""
        rows = spectra_TBE if spectra_TBE.dim() == 3 else spectra_TBE.unsqueeze(0)
        mean_TBS, log_variance_TBS = self.encoder(rows).chunk(2, dim=-1)
        return mean_TBS, log_variance_TBS.clamp(-20, 10)

    def decode(self, styles_TBS: Tensor) -> Tensor:
        """Return spectra (T, B, E)."""
        return functional.softplus(self.decoder(styles_TBS), beta=2)

    def losses(self, spectra_TBE: Tensor, descriptors_TBK: Tensor) -> Tensor:
        """Return the negative evidence lower bound a row, less its constant, times 2 deviation^2 / E.

        So it is the mean squared error to the noise-free spectrum plus the weighted Kullback-Leibler divergence.
        """
        mean_TBS, log_variance_TBS = self.encode(self.noisy(spectra_TBE))
        drawn_TBS = mean_TBS + (0.5 * log_variance_TBS).exp() * self.normal(*mean_TBS.shape[1:])
        square_T = (self.decode(drawn_TBS) - spectra_TBE).square().mean(dim=(1, 2))
        divergence_TBS = 0.5 * (mean_TBS.square() + log_variance_TBS.exp() - 1 - log_variance_TBS)
        weight = 2 * self.deviation**2 / spectra_TBE.shape[-1]
        return square_T + weight * divergence_TBS.sum(-1).mean(-1)

    @torch.no_grad()
    def validation_errors(self) -> Tensor:
        """Return the mean absolute error of the reconstruction from the latent means."""
        rebuilt_TNE = self.decode(self.encode(self.validation_NE)[0])
        return (rebuilt_TNE - self.validation_NE).abs().mean(dim=(1, 2))


class _KeepBest(pl.Callback):
    """Keep each network's weights of the epoch with the smallest error on validation."""

    def __init__(self, trials: int) -> None:
        self.error_T = torch.full((trials,), math.inf)
        self.weights: dict[str, Tensor] = {}

    @torch.no_grad()
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare this epoch with the best before."""
        assert isinstance(pl_module, _Networks)
        pl_module.eval()
        error_T = pl_module.validation_errors()
        pl_module.train()
        better_T = error_T < self.error_T
        self.error_T = torch.where(better_T, error_T, self.error_T)
        for name, value in pl_module.state_dict().items():
            shape = (-1, *[1] * (value.dim() - 1))
            kept = self.weights.get(name, value)
            self.weights[name] = torch.where(better_T.view(shape), value, kept)


def _train(
    module: _Networks, rows: FittingRows, batch_size: int, epochs: int, seed: int, report: Report
) -> _KeepBest:
    """Train, leave every network at its best epoch, and return what was kept."""
    trials = len(module.draws)
    batches = TrialBatches(
        float_tensor(rows.train_NE),
        float_tensor(rows.train_NK),
        batch_size,
        trial_generators(seed, range(trials), _ORDER),
    )
    module.steps = len(batches) * epochs
    best = _KeepBest(trials)
    train_on_processor(
        module, batches, epochs, [best, ReportEpoch(report, lambda: float(best.error_T.mean()))]
    )
    check_kept(best.error_T)
    module.load_state_dict(best.weights)
    module.eval().requires_grad_(False)
    return best
