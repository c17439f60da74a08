"""Training T trials on one family."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger

from rankaae_cli.core.calibration import calibrate_model
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.core.settings import (
    LearningRateSchedule,
    ModelSettings,
    ObjectiveSettings,
    OptimiserSettings,
)
from rankaae_cli.data.family_file import Family
from rankaae_cli.data.files import replacing
from rankaae_cli.data.splits import TRAIN, VALIDATION
from rankaae_cli.networks.autoencoder import Architecture, trial_generators
from rankaae_cli.training.batches import TrialBatches
from rankaae_cli.training.callbacks import (
    KeepBestEpoch,
    LogScores,
    MetricsTable,
    ProgressReport,
    ReduceOnPlateau,
    ReportProgress,
)
from rankaae_cli.training.module import RankAAE
from rankaae_cli.training.resume import SaveState
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


def fit(request: FitRequest, progress: ProgressReport) -> TrainedModel:
    """Train, write metrics.csv, best.ckpt and last.ckpt, and return the model at its trials' best epochs.

    Raises
    ------
    TrainingError
        If every trial diverged before it had a usable epoch.
    Stopped
        If a signal asked the run to stop; last.ckpt is written.
    """
    device = torch.device(request.device)
    torch.set_num_threads(request.threads)
    family = request.family
    spectra_NE = torch.as_tensor(family.spectra_NE, device=device)
    descriptors_NK = torch.as_tensor(family.descriptors_NK, dtype=torch.float32, device=device)
    train_N = torch.as_tensor(family.split_N == TRAIN)
    validation_N = torch.as_tensor(family.split_N == VALIDATION)
    train_NE = spectra_NE[train_N]
    trials = range(request.trials)

    module = _module(request, family, trials)
    order = trial_generators(request.seed, trials, _ORDER)
    batches = TrialBatches(
        *_with_unlabelled(request, train_NE, descriptors_NK[train_N]), request.batch_size, order
    )
    validation = Validation(spectra_NE[validation_N], descriptors_NK[validation_N], train_NE.mean(0))
    best = KeepBestEpoch(train_NE, validation, request.trials)
    table = MetricsTable(request.folder / "metrics.csv", best, family.descriptor_names, trials)
    last = request.folder / "checkpoints" / "last.ckpt"
    saving = SaveState(last, [*batches.generators, *module.draw_generators], request.save_every)
    callbacks: list[pl.Callback] = [best, table, ReportProgress(progress, best), saving]
    if request.logger is not None:
        callbacks.insert(1, LogScores(best, family.descriptor_names))
    o = request.optimiser
    if o.schedule is LearningRateSchedule.plateau:
        callbacks.insert(1, ReduceOnPlateau(best, o.patience, o.reduction))
    trainer = _trainer(request, device, callbacks)
    with warnings.catch_warnings():
        # The batches come from arrays on the device: no loader has workers to spare.
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        # A run interrupted before its first saving goes on from the beginning.
        goes_on = request.resume and last.is_file()
        continued = {"ckpt_path": last, "weights_only": True} if goes_on else {}
        trainer.fit(module, train_dataloaders=batches, **continued)  # type: ignore[arg-type]

    if saving.stopped_by is not None:
        raise Stopped(f"stopped after epoch {trainer.current_epoch}", saving.stopped_by)
    if (best.best_epoch_T < 0).all():
        raise TrainingError("; ".join(f"trial {t}: {reason}" for t, reason in enumerate(best.failed_T)))
    with replacing(last) as temporary:
        trainer.save_checkpoint(temporary)
        state = torch.load(temporary, weights_only=True)
    model = _trained(request, module, best)
    model.save(last, state)
    model.save(request.folder / "checkpoints" / "best.ckpt")
    return model


def _with_unlabelled(
    request: FitRequest, spectra_NE: torch.Tensor, descriptors_NK: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the training rows with those added whose descriptors are not known."""
    if request.unlabelled_NE is None:
        return spectra_NE, descriptors_NK
    more_NE = torch.as_tensor(request.unlabelled_NE, dtype=spectra_NE.dtype, device=spectra_NE.device)
    nan_NK = torch.full((len(more_NE), descriptors_NK.shape[1]), float("nan"), device=spectra_NE.device)
    return torch.cat([spectra_NE, more_NE]), torch.cat([descriptors_NK, nan_NK])


def _module(request: FitRequest, family: Family, trials: Sequence[int]) -> RankAAE:
    m = request.model
    named = len(family.descriptor_names)
    architecture = Architecture(
        points=len(family.energy_E),
        styles=named + m.free_styles,
        hidden=m.hidden,
        encoder_layers=m.encoder_layers,
        decoder_layers=m.decoder_layers,
        norm=m.norm.value,
        network=m.network.value,
        channels=m.channels,
    )
    return RankAAE(
        architecture, request.objective, request.optimiser, named, trials, request.seed, request.device
    )


def _trainer(request: FitRequest, device: torch.device, callbacks: list[pl.Callback]) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    options: dict[str, Any] = {
        "logger": request.logger or False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        max_epochs=request.max_epochs,
        callbacks=callbacks,
        **options,
    )


def _trained(request: FitRequest, module: RankAAE, best: KeepBestEpoch) -> TrainedModel:
    """Gather the best weights, measure the styles on the training rows, calibrate on validation."""
    family = request.family
    autoencoder = module.autoencoder
    autoencoder.load_state_dict(best.weights)
    autoencoder.cpu().eval().requires_grad_(False)
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
