"""The model without its rank constraint, as a baseline: an adversarial autoencoder with free styles alone."""

import math

import torch

from rankaae_cli.models.baselines import FittedBaseline, FittingRows, Report, autoencoder_baseline
from rankaae_cli.models.rankaae.module import RankAAE
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder
from rankaae_cli.models.rankaae.settings import AdversarialAutoencoderSettings
from rankaae_cli.models.rankaae.validation import Validation, ValidationScores
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.batches import TrialBatches
from rankaae_cli.training.callbacks import KeepBestEpoch
from rankaae_cli.training.lightning import (
    ReportEpoch,
    check_kept,
    float_tensor,
    on_arrays,
    parameter_count,
    train_on_processor,
)
from rankaae_cli.training.rows import DeviceSpectra

_ORDER = 12  # a stream of random numbers apart from those of the model


def fit_aae(
    rows: FittingRows, settings: AdversarialAutoencoderSettings, styles: int, seed: int, report: Report
) -> FittedBaseline:
    """Fit the model without its rank constraint, all styles free (Makhzani et al., arXiv:1511.05644).

    Epoch and trial are those of the smallest reconstruction error on validation. Descriptors are read by least
    squares from the styles of the training rows.
    """
    s = settings
    architecture = Architecture(
        points=rows.train_NE.shape[1],
        styles=styles,
        hidden=s.hidden,
        encoder_layers=s.layers,
        decoder_layers=s.layers,
        norm=s.norm.value,
    )
    module = RankAAE(architecture, s.objective, s.optimiser, 0, range(s.trials), seed)
    train_NE, device = float_tensor(rows.train_NE), torch.device("cpu")
    train = DeviceSpectra(train_NE, device)
    validation = _ByReconstruction(DeviceSpectra(float_tensor(rows.validation_NE), device), train)
    best = KeepBestEpoch(train, validation, s.trials)

    def standing() -> float:
        return float("nan") if best.latest is None else -float(best.latest.score_T.max())

    nothing_N0 = torch.zeros(len(train_NE), 0)
    batches = TrialBatches(
        train_NE, nothing_N0, s.batch_size, trial_generators(seed, range(s.trials), _ORDER)
    )
    train_on_processor(module, batches, s.max_epochs, [best, ReportEpoch(report, standing)])
    check_kept(best.scores_T)
    autoencoder = module.autoencoder
    autoencoder.load_state_dict(best.weights)
    autoencoder.eval().requires_grad_(False)
    t = int(best.scores_T.argmax())
    encode = on_arrays(lambda spectra_NE: autoencoder.encode(spectra_NE.unsqueeze(0))[t])
    rebuild = on_arrays(lambda spectra_NE: autoencoder(spectra_NE.unsqueeze(0))[1][t])
    return autoencoder_baseline(rows, encode, rebuild, parameter_count(autoencoder) // s.trials)


class _ByReconstruction(Validation):
    """Validation that judges an epoch by the reconstruction alone."""

    def __init__(self, validation: DeviceSpectra, train: DeviceSpectra) -> None:
        super().__init__(validation, torch.zeros(len(validation), 0), train.mean())

    @torch.no_grad()
    def score(self, autoencoder: Autoencoder) -> ValidationScores:
        """Score every trial; the autoencoder must be in evaluation mode."""
        _, mae_T = self.styles_and_errors(autoencoder)
        score_T = torch.where(mae_T.isfinite(), -mae_T, -math.inf)
        return ValidationScores(mae_T, torch.zeros(len(mae_T), 0), torch.zeros_like(mae_T), score_T)
