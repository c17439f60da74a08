"""The losses of a rank-constrained adversarial autoencoder.

Every function takes tensors whose first dimension is the trial (T) and returns one value a trial, shape (T,);
the trials do not see each other. Weights and schedules are the caller's. Equations: Liang et al., Phys. Rev.
Materials 7, 053802 (2023), arXiv:2301.04724, and its published code.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from rankaae_cli.core.statistics.ranks import pair_counts, rank_weights

_FEWEST_KNOWN = 30  # rows, of a correlation that is penalised


def rank_loss(
    styles_TBK: Tensor, descriptors_TBK: Tensor, *, balanced: bool = True, normalise: str = "pairs"
) -> Tensor:
    """Penalise pairs of rows that a style orders otherwise than its descriptor.

    Parameters
    ----------
    styles_TBK
        Shape (T, B, K): the named styles.
    descriptors_TBK
        Shape (T, B, K) or (1, B, K); NaN = not known.
    balanced
        Scale the force of concordant pairs by n_d / max(n_c, n_d, 1), the numbers of discordant and concordant
        pairs, so that a style is not stretched without end once its order is right.
    normalise
        ``"pairs"`` divides by the ordered pairs that count; ``"published"`` by B^2 - B.

    Returns
    -------
    Tensor
        Shape (T,): -(s C - D) / pairs averaged over descriptors, where C and -D are the sums of
        P_ij = sign(d_i - d_j) (z_i - z_j) over concordant and discordant ordered pairs; a descriptor without a
        pair that counts gives 0.

    Notes
    -----
    C - D = 2 sum_i z_i w_i and C = 2 sum_i z_i (a_i - b_i) with the counts of `core.statistics.ranks`, hence
    s C - D = 2 sum_i z_i (w_i - (1 - s) (a_i - b_i)).
    """
    styles_TKB = styles_TBK.transpose(-1, -2)
    descriptors_TKB = descriptors_TBK.transpose(-1, -2).expand_as(styles_TKB)
    with torch.no_grad():
        if balanced:
            counts = pair_counts(styles_TKB, descriptors_TKB)
            pairs = counts.pairs
            most = torch.maximum(counts.concordant, counts.discordant).clamp(min=1)
            scale = counts.discordant.to(styles_TBK.dtype) / most
            weights = counts.weights - (1 - scale).unsqueeze(-1) * counts.concordant_weights
        else:
            integer_weights, pairs = rank_weights(descriptors_TKB)
            weights = integer_weights.to(styles_TBK.dtype)
        if normalise == "published":
            rows = styles_TBK.shape[-2]
            count = torch.full_like(pairs, max(rows * rows - rows, 1))
        else:
            count = pairs.clamp(min=1)
    # An unknown row has weight 0, but 0 * inf of a diverging style must stay visible: no masking of styles.
    per_descriptor = -2 * (styles_TKB * weights).sum(-1) / count
    return per_descriptor.mean(-1)


class _MeanSquare(torch.autograd.Function):
    """Mean square over rows and columns with its gradient 2 x / n written down.

    What autograd makes of square and mean passes over the spectra three times more.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, values_TBX: Tensor) -> Tensor:
        flat = values_TBX.flatten(1)
        ctx.save_for_backward(values_TBX)
        return torch.linalg.vecdot(flat, flat) / flat.shape[1]

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        (values_TBX,) = ctx.saved_tensors  # type: ignore[attr-defined]
        factor_T = gradients[0] * (2 / values_TBX[0].numel())
        return values_TBX * factor_T.view(-1, 1, 1)


def _mean_square(values_TBX: Tensor) -> Tensor:
    """Return the mean square over the last two dimensions, shape (T,)."""
    mean_T: Tensor = _MeanSquare.apply(values_TBX)
    return mean_T


def reconstruction_loss(output_TBE: Tensor, target_TBE: Tensor) -> Tensor:
    """Mean squared error of the reconstruction, shape (T,)."""
    return _mean_square(output_TBE - target_TBE)


def scaled_reconstruction_loss(output_TBE: Tensor, target_TBE: Tensor) -> Tensor:
    """Mean squared error after the output's overall scale is taken out, plus a penalty on that scale.

    The published form: per spectrum s = |mean(output)| / |mean(target)|, and the mean of 0.1 (s - 1)^2 plus
    MSE(output, target * clip(s, 0.7, 1.3)), s carrying no gradient in the second term.
    """
    scale = output_TBE.mean(-1).abs() / target_TBE.mean(-1).abs().clamp(min=1e-8)
    limited = scale.detach().clamp(0.7, 1.3).unsqueeze(-1)
    return 0.1 * (scale - 1).square().mean(-1) + _mean_square(output_TBE - target_TBE * limited)


def mutual_information_loss(drawn_TBS: Tensor, reencoded_TBS: Tensor) -> Tensor:
    """Mean squared error between styles drawn from the prior and Enc(Dec(styles)), shape (T,)."""
    return _mean_square(reencoded_TBS - drawn_TBS)


def independence_loss(free_TBF: Tensor, descriptors_TBK: Tensor) -> Tensor:
    """Penalise what free styles share with the descriptors and with each other.

    Whatever a free style shares with a descriptor stays behind when the descriptor's own style is walked, and the
    decoded response is then that of a descriptor with something else held back.

    Parameters
    ----------
    free_TBF
        Shape (T, B, F), standardised over the batch.
    descriptors_TBK
        Shape (T, B, K) or (1, B, K); NaN = not known. One that fewer than 30 rows know is left out: of five rows
        the squared correlations with five descriptors and their products add up to 4 by chance.

    Returns
    -------
    Tensor
        Shape (T,): the squared correlations of a free style with the other free styles, with the descriptors, and
        with their squares and products two by two, summed, and averaged over the free styles. Chance alone gives
        1/n for each, n being the known rows.

    Notes
    -----
    The cross-covariance penalty of Cheung et al., arXiv:1412.6583, with products of the observed variables added;
    among the free styles that of Kumar et al., arXiv:1711.00848.
    """
    standard_TBK = _standardised(descriptors_TBK)
    first, second = torch.triu_indices(*[standard_TBK.shape[-1]] * 2, device=standard_TBK.device)
    products = _standardised(standard_TBK[..., first] * standard_TBK[..., second])
    features_TBP = torch.cat([standard_TBK, products], dim=-1)
    known_TP = (~features_TBP.isnan()).sum(-2, keepdim=True)
    features_TBP = torch.where(known_TP < _FEWEST_KNOWN, 0.0, features_TBP)
    known_TP = known_TP.clamp(min=1)
    filled = torch.nan_to_num(features_TBP).expand(len(free_TBF), -1, -1)
    free_TFB = free_TBF.transpose(1, 2)
    with_features_TFP = torch.bmm(free_TFB, filled) / known_TP
    between_TFF = torch.bmm(free_TFB, free_TBF) / free_TBF.shape[1]
    between = between_TFF.square().sum(-1) - between_TFF.diagonal(dim1=1, dim2=2).square()
    return (with_features_TFP.square().sum(-1) + between).mean(-1)


def _standardised(values_TBK: Tensor) -> Tensor:
    """Bring each column to mean 0 and variance 1 over its known rows; a constant one becomes 0."""
    centred = values_TBK - values_TBK.nanmean(dim=-2, keepdim=True)
    return centred / (centred.square().nanmean(dim=-2, keepdim=True).sqrt() + 1e-6)


def smoothness_loss(output_TBE: Tensor, kernel_points: int = 17, sigma: float = 3.0) -> Tensor:
    """Mean squared error between spectra and their Gaussian smoothing, which carries no gradient.

    Parameters
    ----------
    output_TBE
        Shape (T, B, E): decoded spectra.
    kernel_points, sigma
        Length (odd) and standard deviation of the kernel, in grid points; the edge values are replicated.
    """
    e, device = output_TBE.shape[-1], output_TBE.device
    smoothing_EE = _smoothing_matrix(e, kernel_points, sigma, output_TBE.dtype, device)
    smooth_TBE = output_TBE.detach() @ smoothing_EE
    return _mean_square(output_TBE - smooth_TBE)


@cache
def _smoothing_matrix(
    points: int, kernel_points: int, sigma: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return the matrix whose product with spectra (..., E) smooths them, edge values replicated.

    One product with it is several times quicker than a convolution of one channel.
    """
    half = kernel_points // 2
    offsets = torch.arange(-half, half + 1)
    kernel = torch.exp(-0.5 * (offsets.double() / sigma).square())
    kernel = kernel / kernel.sum()
    target = torch.arange(points).repeat_interleave(kernel_points)
    source = (torch.arange(points).unsqueeze(1) + offsets).clamp(0, points - 1).flatten()
    matrix = torch.zeros(points, points, dtype=torch.float64)
    matrix.index_put_((source, target), kernel.repeat(points), accumulate=True)
    return matrix.to(device, dtype)


def adversarial_loss(real_logits_TB: Tensor, encoded_logits_TB: Tensor) -> Tensor:
    """Binary cross-entropy of a discriminator between prior draws (1) and encoded styles (0), shape (T,)."""
    real = functional.softplus(-real_logits_TB).mean(-1)
    encoded = functional.softplus(encoded_logits_TB).mean(-1)
    return 0.5 * (real + encoded)


def deceiving_loss(encoded_logits_TB: Tensor) -> Tensor:
    """Cross-entropy of encoded styles against the label of prior draws, shape (T,).

    What an encoder minimises to deceive a discriminator that is stepped by itself (Goodfellow et al.,
    arXiv:1406.2661, the non-saturating form).
    """
    return functional.softplus(-encoded_logits_TB).mean(-1)


def mmd_loss(styles_TBS: Tensor, drawn_TBS: Tensor) -> Tensor:
    """Squared maximum mean discrepancy between styles and prior draws, unbiased, shape (T,).

    Inverse multiquadratic kernels c / (c + |x - y|^2) with c = 2 S s, summed over seven scales s from 0.1 to
    10 (Tolstikhin et al., arXiv:1711.01558).
    """
    scales = [2 * styles_TBS.shape[-1] * s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
    rows = styles_TBS.shape[1]

    def mean_kernel(a_TBS: Tensor, b_TBS: Tensor, same: bool) -> Tensor:
        squares_a = a_TBS.square().sum(-1).unsqueeze(2)
        squares_b = b_TBS.square().sum(-1).unsqueeze(1)
        distance_TBB = (squares_a + squares_b - 2 * torch.bmm(a_TBS, b_TBS.transpose(1, 2))).clamp(min=0)
        kernel_TBB = sum((c / (c + distance_TBB) for c in scales), torch.zeros_like(distance_TBB))
        if not same:
            return kernel_TBB.mean(dim=(1, 2))
        off_diagonal = kernel_TBB.sum(dim=(1, 2)) - kernel_TBB.diagonal(dim1=1, dim2=2).sum(-1)
        return off_diagonal / (rows * (rows - 1))

    within = mean_kernel(styles_TBS, styles_TBS, True) + mean_kernel(drawn_TBS, drawn_TBS, True)
    return within - 2 * mean_kernel(styles_TBS, drawn_TBS, False)


def sliced_wasserstein_loss(
    styles_TBS: Tensor, directions_TSD: Tensor, correlation_SS: Tensor | None = None
) -> Tensor:
    """Squared sliced Wasserstein-2 distance of the styles to N(0, R).

    Parameters
    ----------
    styles_TBS
        Shape (T, B, S).
    directions_TSD
        Shape (T, S, D): unit vectors to project on.
    correlation_SS
        R, shape (S, S); None for the identity.

    Returns
    -------
    Tensor
        Shape (T,): mean over directions u of the squared distance between the sorted projections and the quantiles
        of N(0, u R u) at (i + 1/2) / B (Kolouri et al., arXiv:1804.01947).
    """
    projections = torch.bmm(styles_TBS, directions_TSD).sort(dim=1).values
    rows = styles_TBS.shape[1]
    levels = (torch.arange(rows, device=styles_TBS.device, dtype=styles_TBS.dtype) + 0.5) / rows
    quantiles = (math.sqrt(2) * torch.erfinv(2 * levels - 1)).view(1, -1, 1)
    if correlation_SS is not None:
        variance_TD = (directions_TSD * (correlation_SS @ directions_TSD)).sum(1)
        quantiles = quantiles * variance_TD.sqrt().unsqueeze(1)
    return (projections - quantiles).square().mean(dim=(-2, -1))


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength  # type: ignore[attr-defined]
        return values.view_as(values)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None  # type: ignore[attr-defined]


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """Return `values`; their gradient comes back times -`strength` (Ganin et al., arXiv:1505.07818)."""
    reversed_values: Tensor = _ReverseGradient.apply(values, strength)
    return reversed_values


def reversal_strength(progress: float, *, maximum: float = 0.7172, tau: float = 739.0) -> float:
    """Strength of the reversed gradient at `progress` = t / t_max in [0, 1].

    alpha = a_max (2 / (1 + exp(-(10^4 / tau) t / t_max)) - 1), as published with RankAAE: 0 at the start,
    rising to `maximum`.
    """
    return maximum * (2 / (1 + math.exp(-(1e4 / tau) * progress)) - 1)
