"""What an epoch and a trial are judged by on validation, for all trials at once."""

import torch
from torch import Tensor

from rankaae_cli.core.statistics.ranks import spearman

RECONSTRUCTION_WEIGHT = 0.5
COUPLING_WEIGHT = 0.25


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
    """Return |rho(d_k, d_l)| over the rows where both are known, above the diagonal of a (K, K) matrix."""
    k = len(descriptors_KN)
    coupling_KK = torch.zeros(k, k, device=descriptors_KN.device)
    if k > 1:
        first, second = torch.triu_indices(k, k, offset=1)
        a, b = descriptors_KN[first], descriptors_KN[second]
        either = a.isnan() | b.isnan()
        rho = spearman(a.masked_fill(either, float("nan")), b.masked_fill(either, float("nan")))
        coupling_KK[first, second] = torch.nan_to_num(rho.abs().float())
    return coupling_KK


def excess_coupling(styles_TSN: Tensor, descriptor_coupling_KK: Tensor) -> Tensor:
    """Return max over style pairs of |rho(z_k, z_l)| - |rho(d_k, d_l)|, shape (T,).

    The second term is 0 where either style is free. A collapsed style is coupled to none.

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
    coupling = torch.nan_to_num(spearman(styles_TSN[:, first], styles_TSN[:, second]).abs().float())
    return (coupling - expected_SS[first, second]).amax(-1)


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
