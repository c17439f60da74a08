"""Scores of all trials on the validation rows, once an epoch, on the device that trains."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rankaae_cli.core.ranks import spearman
from rankaae_cli.networks.autoencoder import Autoencoder

RECONSTRUCTION_WEIGHT = 0.25
COUPLING_WEIGHT = 0.25


@dataclass(frozen=True)
class ValidationScores:
    """What an epoch is judged by.

    Attributes
    ----------
    reconstruction_mae_T
        Mean absolute error of the reconstruction.
    spearman_TK
        Spearman's correlation of each named style with its descriptor; NaN where it is not defined.
    excess_T
        Excess coupling, see `excess_coupling`.
    score_T
        mean Spearman - 0.25 (reconstruction error / that of the mean spectrum) - 0.25 excess coupling. Higher
        is better; -inf where a value is not finite.
    """

    reconstruction_mae_T: Tensor
    spearman_TK: Tensor
    excess_T: Tensor
    score_T: Tensor


class Validation:
    """Validation rows, with what depends on them alone computed once."""

    def __init__(self, spectra_NE: Tensor, descriptors_NK: Tensor, mean_spectrum_E: Tensor) -> None:
        self.spectra_NE = spectra_NE
        self.descriptors_KN = descriptors_NK.T.contiguous()
        self.baseline_mae = (spectra_NE - mean_spectrum_E).abs().mean()
        k = len(self.descriptors_KN)
        first, second = torch.triu_indices(k, k, offset=1)
        self.descriptor_coupling_KK = torch.zeros(k, k, device=spectra_NE.device)
        if k > 1:
            a, b = self.descriptors_KN[first], self.descriptors_KN[second]
            both = a.isnan() | b.isnan()
            coupling = (
                spearman(a.masked_fill(both, float("nan")), b.masked_fill(both, float("nan"))).abs().float()
            )
            self.descriptor_coupling_KK[first, second] = torch.nan_to_num(coupling)

    @torch.no_grad()
    def score(self, autoencoder: Autoencoder) -> ValidationScores:
        """Score every trial; the autoencoder must be in evaluation mode."""
        styles_TNS, output_TNE = autoencoder(self.spectra_NE.unsqueeze(0))
        styles_TSN = styles_TNS.transpose(1, 2)
        mae_T = (output_TNE - self.spectra_NE).abs().mean(dim=(1, 2))
        spearman_TK = spearman(styles_TSN[:, : len(self.descriptors_KN)], self.descriptors_KN)
        excess_T = excess_coupling(styles_TSN, self.descriptor_coupling_KK)
        score_T = (
            spearman_TK.nanmean(-1)
            - RECONSTRUCTION_WEIGHT * mae_T / self.baseline_mae
            - COUPLING_WEIGHT * excess_T.clamp(min=0)
        )
        score_T = torch.where(score_T.isfinite(), score_T, float("-inf"))
        return ValidationScores(mae_T, spearman_TK, excess_T, score_T)


def excess_coupling(styles_TSN: Tensor, descriptor_coupling_KK: Tensor) -> Tensor:
    """Return max over style pairs of |rho(z_k, z_l)| - |rho(d_k, d_l)|, shape (T,).

    The second term is 0 where either style is free. `descriptor_coupling_KK` holds |rho(d_k, d_l)| above its
    diagonal.
    """
    s, k = styles_TSN.shape[1], len(descriptor_coupling_KK)
    if s < 2:
        return torch.zeros(len(styles_TSN), device=styles_TSN.device)
    first, second = torch.triu_indices(s, s, offset=1)
    expected_SS = torch.zeros(s, s, device=styles_TSN.device)
    expected_SS[:k, :k] = descriptor_coupling_KK
    coupling = spearman(styles_TSN[:, first], styles_TSN[:, second]).abs().float()
    return (coupling - expected_SS[first, second]).amax(-1)
