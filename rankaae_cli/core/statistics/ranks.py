"""Ranks and pair counts without a pair matrix, batched over any leading dimensions."""

from dataclasses import dataclass

import torch
from torch import Tensor

# Values that are ranked at once.
_AT_ONCE = 2**21


@dataclass(frozen=True)
class PairCounts:
    """Counts over ordered pairs of known rows.

    Attributes
    ----------
    weights
        Shape (..., B): #{j: d_j < d_i} - #{j: d_j > d_i}, 0 where d_i is not known.
    pairs
        Shape (...): pairs with d_i != d_j.
    concordant_weights
        Shape (..., B): a_i - b_i with a_i = #{j: d_j < d_i and z_j < z_i} and
        b_i = #{j: d_j > d_i and z_j > z_i}.
    concordant, discordant
        Shape (...): pairs that styles and descriptors order alike, and oppositely; a tie in either is neither.
    """

    weights: Tensor
    pairs: Tensor
    concordant_weights: Tensor
    concordant: Tensor
    discordant: Tensor


def rank_weights(descriptors: Tensor) -> tuple[Tensor, Tensor]:
    """Return `weights` and `pairs` of `PairCounts`, which depend on the descriptors alone.

    Parameters
    ----------
    descriptors
        Shape (..., B), any unit; NaN = not known.

    Notes
    -----
    sum_ij sign(d_i - d_j) (z_i - z_j) = 2 sum_i z_i weights_i, so the unbalanced rank constraint needs no
    pair matrix: O(B log B).
    """
    return _weights(_Positions.of(descriptors))


def pair_counts(styles: Tensor, descriptors: Tensor) -> PairCounts:
    """Count, for every row, the rows it stands above and below in styles and descriptors; O(B log B).

    Parameters
    ----------
    styles, descriptors
        Shape (..., B) each; NaN descriptors are not known.

    Notes
    -----
    The sum of |z_i - z_j| over ordered concordant pairs is 2 sum_i z_i concordant_weights_i. Rows are put in
    the order (z ascending, d descending). Then a_i counts earlier rows with smaller d, and b_i later rows
    with larger d: ties in z are on the wrong side to be counted.
    """
    d = _Positions.of(descriptors)
    weights, pairs = _weights(d)
    z = styles.detach().masked_fill(~d.known, float("inf"))

    by_d = d.filled.argsort(dim=-1, descending=True, stable=True)
    z_sorted, by_z = z.gather(-1, by_d).sort(dim=-1, stable=True)
    order = by_d.gather(-1, by_z)
    position = _inverse(order)

    # Unique ranks in d among the rows in this order; of equal descriptors the earlier row takes the higher
    # rank, so that it never counts as smaller.
    d_ordered = d.filled.gather(-1, order)
    rank = _inverse(d_ordered.flip(-1).argsort(dim=-1, stable=True)).flip(-1)
    a = _earlier_smaller(rank).gather(-1, position)
    equal_and_earlier = d.up_to - 1 - rank.gather(-1, position)
    b = (d.n_known - d.up_to) - (position - a - equal_and_earlier)

    concordant = torch.where(d.known, a + b, 0).sum(-1)
    tied = _tied_in_z_only(z_sorted, d_ordered, d.known.gather(-1, order))
    return PairCounts(weights, pairs, torch.where(d.known, a - b, 0), concordant, pairs - concordant - tied)


@dataclass(frozen=True)
class _Positions:
    """Where values stand among the known ones: #{v_j < v_i}, #{v_j <= v_i}; unknown ones filled with inf."""

    filled: Tensor
    known: Tensor
    n_known: Tensor
    below: Tensor
    up_to: Tensor

    @classmethod
    def of(cls, values: Tensor) -> "_Positions":
        known = ~values.isnan()
        filled = values.masked_fill(~known, float("inf")).contiguous()
        ascending = filled.sort(dim=-1).values
        n_known = known.sum(-1, keepdim=True)
        below = torch.searchsorted(ascending, filled)
        up_to = torch.minimum(torch.searchsorted(ascending, filled, right=True), n_known)
        return cls(filled, known, n_known, below, up_to)


def _weights(d: _Positions) -> tuple[Tensor, Tensor]:
    above = d.n_known - d.up_to
    return torch.where(d.known, d.below - above, 0), torch.where(d.known, d.below + above, 0).sum(-1)


def _tied_in_z_only(z_sorted: Tensor, d_sorted: Tensor, known: Tensor) -> Tensor:
    """Count ordered pairs of known rows with equal z and different d, shape (...); rows sorted by (z, d)."""
    new_z = z_sorted.diff(dim=-1) != 0
    new_both = new_z | (d_sorted.diff(dim=-1) != 0)
    return torch.where(known, _run_lengths(new_z) - _run_lengths(new_both), 0).sum(-1)


def _run_lengths(starts: Tensor) -> Tensor:
    """Return, for every element, the length of the run it is in; `starts` (..., B - 1) marks new runs."""
    first = torch.zeros_like(starts[..., :1])
    run = torch.cat([first, starts], dim=-1).long().cumsum(-1)
    lengths = torch.zeros_like(run).scatter_add_(-1, run, torch.ones_like(run))
    return lengths.gather(-1, run)


def _inverse(permutation: Tensor) -> Tensor:
    index = torch.arange(permutation.shape[-1], device=permutation.device).expand_as(permutation)
    return torch.empty_like(permutation).scatter_(-1, permutation, index)


def _earlier_smaller(permutation: Tensor) -> Tensor:
    """Count, for every element of a permutation of 0..B-1, the smaller elements before it.

    One pass a bit, from the highest: rows that share the higher bits form a block, in their order; those with
    a 1 follow all earlier rows of the block with a 0, which are smaller. Then each block is parted by the bit.
    """
    n = permutation.shape[-1]
    bits = max(n - 1, 1).bit_length()
    low = (1 << 32) - 1
    # The count rides in the upper half of the same integer, so that one scatter moves both.
    packed = permutation.clone()
    slot = torch.arange(n, device=permutation.device).expand_as(permutation)
    for bit in reversed(range(bits)):
        value = packed & low
        is_one = (value >> bit) & 1
        ones_before = is_one.cumsum(-1) - is_one
        block_start = (value >> (bit + 1)) << (bit + 1)
        ones_before = ones_before - ones_before.gather(-1, block_start)
        zeros_before = slot - block_start - ones_before
        packed = packed + ((is_one * zeros_before) << 32)
        target = block_start + torch.where(is_one == 1, (1 << bit) + ones_before, zeros_before)
        packed = torch.empty_like(packed).scatter_(-1, target, packed)
    counts_by_value = packed >> 32
    return counts_by_value.gather(-1, permutation)


def spearman(styles: Tensor, descriptors: Tensor) -> Tensor:
    """Spearman's rank correlation along the last dimension, ties at their mean rank.

    Parameters
    ----------
    styles, descriptors
        Shapes (..., B) that broadcast; rows with a NaN descriptor are left out.

    Returns
    -------
    Tensor
        Shape (...), in [-1, 1]; NaN where fewer than two rows are known or one side is constant.
    """
    shape = torch.broadcast_shapes(styles.shape, descriptors.shape)  # type: ignore[no-untyped-call]
    if len(shape) > 1 and shape.numel() > _AT_ONCE:
        # Ranks of long rows take twenty times the memory of their values: not of all rows at once.
        several = zip(styles.expand(shape), descriptors.expand(shape), strict=True)
        return torch.stack([spearman(a, b) for a, b in several])
    known = (~descriptors.isnan()).expand(shape)
    ranks = []
    for values in (styles, descriptors):
        p = _Positions.of(torch.where(known, values, float("nan")))
        rank = torch.where(known, (p.below + p.up_to - 1).double() / 2, float("nan"))
        ranks.append(torch.nan_to_num(rank - rank.nanmean(-1, keepdim=True)))
    a, b = ranks
    return (a * b).sum(-1) / ((a * a).sum(-1) * (b * b).sum(-1)).sqrt()


def pairwise_spearman(columns_KN: Tensor) -> Tensor:
    """Return Spearman's correlation of every two columns, shape (K, N), over the rows where both are known.

    Shape (K, K), above the diagonal; 0 where it is not defined, on the diagonal and below.
    """
    k, nan = len(columns_KN), float("nan")
    first, second = torch.triu_indices(k, k, offset=1)
    a, b = columns_KN[first], columns_KN[second]
    either = a.isnan() | b.isnan()
    rho_KK = torch.zeros(k, k, dtype=torch.float64, device=columns_KN.device)
    rho_KK[first, second] = torch.nan_to_num(spearman(a.masked_fill(either, nan), b.masked_fill(either, nan)))
    return rho_KK


def prior_correlation(descriptors_KN: Tensor, styles: int) -> Tensor:
    """Return the correlation R of a prior N(0, R) whose named styles depend on one another as the descriptors do.

    Styles drawn from it have the rank correlations of the descriptors, so that keeping the prior and following the
    descriptors do not pull against each other.

    Parameters
    ----------
    descriptors_KN
        Shape (K, N); NaN = not known.
    styles
        S: the K named styles first; the free ones are independent of all.

    Returns
    -------
    Tensor
        Shape (S, S), float32, positive definite, 1 on the diagonal.

    Notes
    -----
    For a normal pair of rank correlation rho, r = 2 sin(pi rho / 6) (Pearson, 1907). Eigenvalues below 0.05 are
    raised to it: pairs measured on different rows need not fit together.
    """
    k = len(descriptors_KN)
    above_KK = 2 * torch.sin(torch.pi / 6 * pairwise_spearman(descriptors_KN).cpu())
    correlation_KK = torch.eye(k, dtype=torch.float64) + above_KK + above_KK.T
    values_K, vectors_KK = torch.linalg.eigh(correlation_KK)
    correlation_KK = vectors_KK @ torch.diag(values_K.clamp(min=0.05)) @ vectors_KK.T
    scale_K = correlation_KK.diagonal().rsqrt()
    correlation_SS = torch.eye(styles, dtype=torch.float64)
    correlation_SS[:k, :k] = correlation_KK * scale_K.unsqueeze(0) * scale_K.unsqueeze(1)
    return correlation_SS.float()
