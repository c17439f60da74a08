"""The Lightning module: forward passes, losses, steps."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rankaae_cli.models.rankaae import augmentation, losses
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder, Discriminator
from rankaae_cli.models.rankaae.settings import (
    LOSSES,
    ObjectiveSettings,
    OptimiserSettings,
    PriorKind,
    ReconstructionKind,
    StepOrder,
)
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.lightning import TrialModule, adamw
from rankaae_cli.training.schedules import learning_rate_factor, ramp

_INITIAL_WEIGHTS, _DRAWS = 0, 1
# The published code's; the last loss is not in it.
_IN_TURN = ("prior", "rank", "reconstruction", "mutual_information", "smoothness", "independence")


class RankAAE(TrialModule):
    """T rank-constrained adversarial autoencoders trained side by side.

    Parameters
    ----------
    architecture
        Sizes of the networks.
    objective, optimiser
        Losses and how they are stepped.
    named_styles
        K: the first K styles are tied to the descriptors.
    trials
        Numbers of the trials; with `seed` they decide all random numbers of a trial.
    seed
        Of the run.
    device
        Where noise and prior draws are made: the one that trains.
    energy_step
        Of the grid, in the unit of the augmentation's settings.
    prior_correlation_SS
        Correlation of the prior of the styles; None for independent ones.
    """

    def __init__(
        self,
        architecture: Architecture,
        objective: ObjectiveSettings,
        optimiser: OptimiserSettings,
        named_styles: int,
        trials: Sequence[int],
        seed: int,
        device: str = "cpu",
        energy_step: float = 1.0,
        prior_correlation_SS: Tensor | None = None,
    ) -> None:
        super().__init__(trials, seed, _DRAWS, device, optimiser.clip)
        self.objective = objective
        self.optimiser_settings = optimiser
        self.named_styles = named_styles
        self.energy_step = energy_step
        self.prior_correlation_SS = prior_correlation_SS
        self.prior_factor_SS: Tensor | None = None
        if prior_correlation_SS is not None:
            self.prior_factor_SS = torch.linalg.cholesky(prior_correlation_SS)
        generators = trial_generators(seed, trials, _INITIAL_WEIGHTS)
        self.autoencoder = Autoencoder(architecture, generators)
        self.discriminator: Discriminator | None = None
        if objective.prior.kind in (PriorKind.adversarial, PriorKind.two_step):
            self.discriminator = Discriminator(architecture.styles, generators, architecture.activation)

    @property
    def network(self) -> Autoencoder:
        """The autoencoder; its weights of the best epoch are kept."""
        return self.autoencoder

    def retake_statistics(self, blocks_NE: Iterable[Tensor]) -> None:
        """Set the statistics of the styles' norm to those of the training spectra."""
        self.autoencoder.retake_statistics(block_NE.unsqueeze(0) for block_NE in blocks_NE)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return one AdamW for all losses, or one a loss when they are stepped in turn.

        A discriminator that is stepped by itself has its own, the last one.
        """
        s = self.optimiser_settings
        own_step = self.objective.prior.kind is PriorKind.two_step
        discriminator: list[dict[str, Any]] = []
        if self.discriminator is not None:
            parameters = list(self.discriminator.parameters())
            discriminator = [{"params": parameters, "betas": tuple(self.objective.prior.betas)}]
        last = [self._adamw(discriminator, s.rate)] if own_step else []
        if self.objective.order is StepOrder.joint:
            groups: list[dict[str, Any]] = [{"params": list(self.autoencoder.parameters())}]
            return [self._adamw(groups if own_step else groups + discriminator, s.rate), *last]
        optimisers = []
        for name in self.active_losses:
            modules = self._modules_of(name)
            parameters = [p for module in modules for p in module.parameters()]
            group: dict[str, Any] = {"params": parameters}
            if name == "prior" and self.objective.prior.kind is PriorKind.adversarial:
                group["betas"] = tuple(self.objective.prior.betas)
            optimisers.append(self._adamw([group], s.rate * getattr(s.factors, name)))
        return [*optimisers, *last]

    def _adamw(self, groups: list[dict[str, Any]], rate: float) -> torch.optim.Optimizer:
        optimiser = adamw(groups, rate, self.optimiser_settings.weight_decay)
        for group in optimiser.param_groups:
            group["peak_lr"] = rate
        return optimiser

    def _modules_of(self, loss: str) -> list[nn.Module]:
        encoder, decoder = self.autoencoder.encoder, self.autoencoder.decoder
        if loss in ("rank", "independence"):
            return [encoder]
        if loss == "prior":
            reverses = self.objective.prior.kind is PriorKind.adversarial and self.discriminator is not None
            return [encoder, self.discriminator] if reverses else [encoder]  # type: ignore[list-item]
        if loss == "smoothness":
            return [decoder]
        return [encoder, decoder]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Step all losses on one batch, (T, B, E) spectra and (T, B, K) descriptors."""
        spectra_TBE, descriptors_TBK = batch
        progress = self.progress(batch_idx)
        optimisers = self._optimisers()
        factor = learning_rate_factor(progress, self.optimiser_settings.schedule.value)
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak_lr"] * factor
        changed_TBE = self._changed(spectra_TBE)
        if self.objective.order is StepOrder.joint:
            values = self._losses(self.active_losses, spectra_TBE, changed_TBE, descriptors_TBK, progress)
            weighted = [self._weight(name, progress) * value for name, value in values.items()]
            self.step(optimisers[0], torch.stack(weighted).sum(0))
            self.record(values)
            return
        optimiser_of = dict(zip(self.active_losses, optimisers, strict=False))
        for name in sorted(optimiser_of, key=_IN_TURN.index):
            value = self._losses([name], spectra_TBE, changed_TBE, descriptors_TBK, progress)
            self.step(optimiser_of[name], self._weight(name, progress) * value[name])
            self.record(value)

    def _optimisers(self) -> list[Any]:
        optimisers = self.optimizers()
        return optimisers if isinstance(optimisers, list) else [optimisers]

    @property
    def active_losses(self) -> list[str]:
        """The losses of nonzero weight that apply; the others are not computed."""
        free = self.autoencoder.architecture.styles - self.named_styles
        weighted = [name for name in LOSSES if getattr(self.objective, name).weight > 0]
        return [name for name in weighted if free > 0 or name != "independence"]

    def _weight(self, loss: str, progress: float) -> float:
        settings = getattr(self.objective, loss)
        return float(settings.weight) * ramp(progress, settings.ramp)

    def _prior_styles(self, rows: int) -> Tensor:
        """Draw styles from the prior, shape (T, rows, S)."""
        normal_TBS = self.normal(rows, self.autoencoder.architecture.styles)
        return normal_TBS if self.prior_factor_SS is None else normal_TBS @ self.prior_factor_SS.T

    def _changed(self, spectra_TBE: Tensor) -> Tensor:
        """Return the spectra as the encoder is given them: augmented, with noise."""
        s, rows = self.objective.augmentation, spectra_TBE.shape[1]
        if s.core_hole > 0:
            spectra_TBE = self._half_broadened(spectra_TBE, s.core_hole / self.energy_step)
        if s.broadening > 0:
            width_T = s.broadening / self.energy_step * torch.special.ndtr(self.normal())
            spectra_TBE = augmentation.broaden(spectra_TBE, width_T)
        if s.energy_shift > 0:
            shift_TB = s.energy_shift / self.energy_step * self.normal(rows)
            spectra_TBE = augmentation.shift_energy(spectra_TBE, shift_TB)
        if s.stretch > 0:
            spectra_TBE = augmentation.stretch_energy(spectra_TBE, s.stretch * self.normal(rows))
        if s.scale > 0:
            spectra_TBE = spectra_TBE * (1 + s.scale * self.normal(rows)).unsqueeze(-1)
        if s.damping > 0:
            spectra_TBE = augmentation.damp(spectra_TBE, s.damping * self.normal(rows))
        if self.objective.input_noise > 0:
            noise_TBE = self.normal(rows, spectra_TBE.shape[-1])
            spectra_TBE = noise_TBE.mul_(self.objective.input_noise).add_(spectra_TBE)
        return spectra_TBE

    def _half_broadened(self, spectra_TBE: Tensor, fwhm: float) -> Tensor:
        """Broaden every other spectrum of the batch, whose order is random.

        The others stay as they were computed, as those are on which trials are chosen and evaluated: with all
        broadened, their descriptors are read worse.
        """
        broad_TBE = augmentation.broaden_lorentzian(spectra_TBE, spectra_TBE.new_full((1,), fwhm))
        is_even_B = torch.arange(spectra_TBE.shape[1], device=self.device) % 2 == 0
        return torch.where(is_even_B.unsqueeze(-1), broad_TBE, spectra_TBE)

    def _losses(
        self,
        names: Sequence[str],
        spectra_TBE: Tensor,
        changed_TBE: Tensor,
        descriptors_TBK: Tensor,
        progress: float,
    ) -> dict[str, Tensor]:
        """Return the losses of these names, shape (T,) each, sharing the forward passes."""
        values = {}
        if not {"mutual_information", "smoothness"}.issuperset(names):
            styles_TBS = self.autoencoder.encode(changed_TBE)
        if "reconstruction" in names:
            output_TBE = self.autoencoder.decode(styles_TBS)
            values["reconstruction"] = self._reconstruction(output_TBE, spectra_TBE)
        if "rank" in names:
            values["rank"] = self._rank(styles_TBS, descriptors_TBK)
        if "prior" in names:
            values["prior"] = self._prior(styles_TBS, progress)
        if "independence" in names:
            values["independence"] = self._independence(styles_TBS, descriptors_TBK)
        if "mutual_information" in names or "smoothness" in names:
            prior_TBS = self._prior_styles(descriptors_TBK.shape[1])
            generated_TBE = self.autoencoder.decode(prior_TBS)
            if "mutual_information" in names:
                values["mutual_information"] = self._mutual_information(prior_TBS, generated_TBE)
            if "smoothness" in names:
                values["smoothness"] = self._smoothness(generated_TBE)
        return values

    def _reconstruction(self, output_TBE: Tensor, spectra_TBE: Tensor) -> Tensor:
        scaled = self.objective.reconstruction.kind is ReconstructionKind.scaled
        loss = losses.scaled_reconstruction_loss if scaled else losses.reconstruction_loss
        return loss(output_TBE, spectra_TBE)

    def _rank(self, styles_TBS: Tensor, descriptors_TBK: Tensor) -> Tensor:
        s = self.objective.rank
        named_TBK = styles_TBS[..., : self.named_styles]
        return losses.rank_loss(named_TBK, descriptors_TBK, balanced=s.balanced, normalise=s.normalise.value)

    def _prior(self, styles_TBS: Tensor, progress: float) -> Tensor:
        s = self.objective.prior
        shape = styles_TBS.shape[1:]
        if s.kind is PriorKind.sliced_wasserstein:
            random_TSD = nn.functional.normalize(self.normal(shape[-1], s.directions), dim=1)
            axes_TSS = torch.eye(shape[-1], device=self.device).expand(len(random_TSD), -1, -1)
            directions_TSD = torch.cat([axes_TSS, random_TSD], dim=2)
            return losses.sliced_wasserstein_loss(styles_TBS, directions_TSD, self.prior_correlation_SS)
        if s.kind is PriorKind.mmd:
            return losses.mmd_loss(styles_TBS, self._prior_styles(shape[0]))
        assert self.discriminator is not None
        if s.kind is PriorKind.two_step:
            self.step(self._optimisers()[-1], self._discriminate(styles_TBS.detach()))
            return losses.deceiving_loss(self.discriminator(styles_TBS + s.noise * self.normal(*shape)))
        strength = losses.reversal_strength(progress, maximum=s.maximum, tau=s.tau)
        return self._discriminate(losses.reverse_gradient(styles_TBS, strength))

    def _discriminate(self, styles_TBS: Tensor) -> Tensor:
        """Return the discriminator's loss between noisy prior draws and noisy styles, shape (T,)."""
        assert self.discriminator is not None
        shape, noise = styles_TBS.shape[1:], self.objective.prior.noise
        real_logits_TB = self.discriminator(self._prior_styles(shape[0]) + noise * self.normal(*shape))
        encoded_logits_TB = self.discriminator(styles_TBS + noise * self.normal(*shape))
        return losses.adversarial_loss(real_logits_TB, encoded_logits_TB)

    def _mutual_information(self, prior_TBS: Tensor, generated_TBE: Tensor) -> Tensor:
        kept = self.named_styles if self.objective.mutual_information.named_only else prior_TBS.shape[-1]
        reencoded_TBS = self.autoencoder.encode(generated_TBE)
        return losses.mutual_information_loss(prior_TBS[..., :kept], reencoded_TBS[..., :kept])

    def _independence(self, styles_TBS: Tensor, descriptors_TBK: Tensor) -> Tensor:
        return losses.independence_loss(styles_TBS[..., self.named_styles :], descriptors_TBK)

    def _smoothness(self, generated_TBE: Tensor) -> Tensor:
        s = self.objective.smoothness
        return losses.smoothness_loss(generated_TBE, s.kernel_points, s.sigma)
