"""What an epoch and a trial are judged by: scores on the validation rows, on the device that trains."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rankaae_cli.core.statistics.ranks import pairwise_spearman, spearman
from rankaae_cli.models.rankaae.networks import Autoencoder
from rankaae_cli.training.rows import DeviceSpectra

RECONSTRUCTION_WEIGHT = 0.5
COUPLING_WEIGHT = 0.25


@dataclass(frozen=True)
class ValidationScores:
    """What an epoch is judged by.

    Attributes
    ----------
    reconstruction_mae_T
        Mean absolute error of the reconstruction.
    spearman_TK
        Spearman's correlation of each named style with its descriptor.
    excess_T
        Excess coupling.
    score_T
        Higher is better; -inf where a value is not finite.
    """

    reconstruction_mae_T: Tensor
    spearman_TK: Tensor
    excess_T: Tensor
    score_T: Tensor
    descriptor_names: tuple[str, ...] = ()

    def columns(self) -> dict[str, Tensor]:
        """Return the values of `score_columns`, shape (T,) each."""
        mean_T = torch.stack([spearman_K.nanmean() for spearman_K in self.spearman_TK])
        values = (self.reconstruction_mae_T, mean_T, *self.spearman_TK.T, self.excess_T)
        return dict(zip(score_columns(self.descriptor_names), values, strict=True))

    def standing(self, trial: int) -> str:
        """Return what a progress bar says of a trial."""
        return (
            f"validation Spearman {float(self.spearman_TK[trial].nanmean()):.3f}, "
            f"reconstruction error {float(self.reconstruction_mae_T[trial]):.4f}"
        )


def score_columns(descriptor_names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of metrics.csv that `ValidationScores` has values of."""
    named = (f"val_spearman_{name}" for name in descriptor_names)
    return ("val_reconstruction_mae", "val_spearman", *named, "val_excess_coupling")


class Validation:
    """Validation rows, with what depends on them alone computed once."""

    def __init__(
        self,
        spectra: DeviceSpectra,
        descriptors_NK: Tensor,
        mean_spectrum_E: Tensor,
        descriptor_names: tuple[str, ...] = (),
    ) -> None:
        self.descriptor_names = descriptor_names
        self.spectra = spectra
        self.descriptors_KN = descriptors_NK.T.contiguous()
        self.descriptor_coupling_KK = descriptor_coupling(self.descriptors_KN)
        self.baseline_mae = _mean_over_rows(
            ((block_NE - mean_spectrum_E).abs().mean(), len(block_NE)) for block_NE in spectra.blocks()
        )

    @torch.no_grad()
    def score(self, autoencoder: Autoencoder) -> ValidationScores:
        """Score every trial; the autoencoder must be in evaluation mode."""
        styles_TNS, mae_T = self.styles_and_errors(autoencoder)
        styles_TSN = styles_TNS.transpose(1, 2)
        spearman_TK = style_spearman(styles_TSN[:, : len(self.descriptors_KN)], self.descriptors_KN)
        excess_T = excess_coupling(styles_TSN, self.descriptor_coupling_KK)
        score_T = selection_score(spearman_TK, mae_T / self.baseline_mae, excess_T)
        return ValidationScores(
            mae_T.cpu(), spearman_TK.cpu(), excess_T.cpu(), score_T.cpu(), self.descriptor_names
        )

    def styles_and_errors(self, autoencoder: Autoencoder) -> tuple[Tensor, Tensor]:
        """Return the styles (T, N, S) and every trial's mean absolute error of the reconstruction, (T,)."""
        styles: list[Tensor] = []

        def errors() -> Iterator[tuple[Tensor, int]]:
            for block_NE in self.spectra.blocks():
                styles_TNS, output_TNE = autoencoder(block_NE.unsqueeze(0))
                styles.append(styles_TNS)
                yield (output_TNE - block_NE).abs().mean(dim=(1, 2)), len(block_NE)

        mae_T = _mean_over_rows(errors())
        return torch.cat(styles, dim=1), mae_T


def style_spearman(styles_TKN: Tensor, descriptors_KN: Tensor) -> Tensor:
    """Return Spearman's correlation of each named style with its descriptor, shape (T, K).

    A collapsed (constant) style counts as 0; NaN where the descriptor itself does not vary.
    """
    rho_TK = spearman(styles_TKN, descriptors_KN)
    filled_KN = torch.nan_to_num(descriptors_KN, nan=float("-inf"))
    lowest_K = torch.nan_to_num(descriptors_KN, nan=float("inf")).amin(-1)
    varies_K = filled_KN.amax(-1) > lowest_K
    return torch.where(varies_K & rho_TK.isnan(), 0.0, rho_TK)


def descriptor_coupling(descriptors_KN: Tensor) -> Tensor:
    """Return rho(d_k, d_l) over the rows where both are known, above the diagonal of a (K, K) matrix."""
    return pairwise_spearman(descriptors_KN).float()


def excess_coupling(styles_TSN: Tensor, descriptor_coupling_KK: Tensor) -> Tensor:
    """Return max over style pairs of |rho(z_k, z_l)| - |rho(d_k, d_l)|, shape (T,).

    The second term is 0 where either style is free, or the two correlations have opposite signs. A collapsed style
    is coupled to none.

    Parameters
    ----------
    styles_TSN
        Shape (T, S, N), the K named styles first.
    descriptor_coupling_KK
        As `descriptor_coupling` gives it.
    """
    s, k = styles_TSN.shape[1], len(descriptor_coupling_KK)
    if s < 2:
        return torch.zeros(len(styles_TSN), device=styles_TSN.device)
    first, second = torch.triu_indices(s, s, offset=1)
    expected_SS = torch.zeros(s, s, device=styles_TSN.device)
    expected_SS[:k, :k] = descriptor_coupling_KK
    coupling = torch.nan_to_num(spearman(styles_TSN[:, first], styles_TSN[:, second]).float())
    inherited = (coupling.sign() * expected_SS[first, second]).clamp(min=0)
    return (coupling.abs() - inherited).amax(-1)


def selection_score(spearman_TK: Tensor, relative_error_T: Tensor, excess_T: Tensor) -> Tensor:
    """Return what epochs and trials are chosen by, shape (T,); higher is better, -inf where not finite.

    mean Spearman - 0.5 (reconstruction error / that of the mean spectrum) - 0.25 max(excess coupling, 0).
    """
    score_T = (
        spearman_TK.nanmean(-1)
        - RECONSTRUCTION_WEIGHT * relative_error_T
        - COUPLING_WEIGHT * excess_T.clamp(min=0)
    )
    return torch.where(score_T.isfinite(), score_T, float("-inf"))


def _mean_over_rows(means: Iterable[tuple[Tensor, int]]) -> Tensor:
    """Return the mean over all rows of the means of blocks of them, each given with its number of rows."""
    weighted, rows = zip(*((mean.double() * n, n) for mean, n in means), strict=True)
    return (torch.stack(weighted).sum(0) / sum(rows)).float()
