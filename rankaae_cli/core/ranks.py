"""Ranks and pair counts without a pair matrix, batched over any leading dimensions."""

import torch
from torch import Tensor


def rank_weights(descriptors: Tensor) -> tuple[Tensor, Tensor]:
    """Count, for every row, the rows ranked below it minus those above it.

    Parameters
    ----------
    descriptors
        Shape (..., B), any unit; NaN = not known.

    Returns
    -------
    weights : Tensor
        Shape (..., B): #{j: d_j < d_i} - #{j: d_j > d_i} over the known rows, 0 where d_i is not known.
    pairs : Tensor
        Shape (...): number of ordered pairs of known rows with d_i != d_j.

    Notes
    -----
    sum_ij sign(d_i - d_j) (z_i - z_j) = 2 sum_i z_i weights_i, so the unbalanced rank constraint needs no
    pair matrix: O(B log B).
    """
    below, up_to, n_known, known = _sorted_positions(descriptors)
    above = n_known - up_to
    weights = torch.where(known, below - above, 0)
    pairs = torch.where(known, below + above, 0).sum(-1)
    return weights, pairs


def concordance_weights(styles: Tensor, descriptors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count, for every row, its concordant partners on either side.

    Parameters
    ----------
    styles, descriptors
        Shape (..., B) each; a pair (i, j) is concordant if styles and descriptors order it alike, discordant
        if they order it oppositely, and neither if it is tied in one of them or a descriptor is NaN.

    Returns
    -------
    weights : Tensor
        Shape (..., B): a_i - b_i with a_i = #{j: d_j < d_i and z_j < z_i} and
        b_i = #{j: d_j > d_i and z_j > z_i}; the sum of |z_i - z_j| over ordered concordant pairs is
        2 sum_i z_i weights_i.
    n_concordant, n_discordant : Tensor
        Shape (...): numbers of ordered pairs.

    Notes
    -----
    Rows are put in the order (z ascending, d descending). Then a_i counts earlier rows with smaller d, and b_i
    later rows with larger d: ties in z are on the wrong side to be counted. O(B log B).
    """
    below, up_to, n_known, known = _sorted_positions(descriptors)
    infinity = float("inf")
    d = torch.where(known, descriptors, infinity)
    z = torch.where(known, styles.detach(), infinity)

    by_d = d.argsort(dim=-1, descending=True, stable=True)
    order = by_d.gather(-1, z.gather(-1, by_d).argsort(dim=-1, stable=True))
    position = _inverse(order)

    # Unique ranks in d among the rows in this order; of equal descriptors the earlier row takes the higher
    # rank, so that it never counts as smaller.
    d_ordered = d.gather(-1, order)
    rank_of_ordered = _inverse(d_ordered.flip(-1).argsort(dim=-1, stable=True)).flip(-1)
    a = _earlier_smaller(rank_of_ordered).gather(-1, position)

    equal_and_earlier = up_to - 1 - rank_of_ordered.gather(-1, position)
    b = (n_known - up_to) - (position - a - equal_and_earlier)
    zero = torch.zeros((), dtype=a.dtype, device=a.device)
    a, b = torch.where(known, a, zero), torch.where(known, b, zero)

    n_concordant = (a + b).sum(-1)
    z_below, z_up_to, *_ = _sorted_positions(torch.where(known, z, float("nan")))
    tied_in_z = _pairs_tied_in_z_only(z, d, known, z_up_to - z_below)
    pairs = torch.where(known, below + (n_known - up_to), zero).sum(-1)
    return a - b, n_concordant, pairs - n_concordant - tied_in_z


def _sorted_positions(values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return #{v_j < v_i}, #{v_j <= v_i} (shape (..., B)), the number known (..., 1), and which are known."""
    known = ~values.isnan()
    filled = torch.where(known, values, float("inf")).contiguous()
    ascending = filled.sort(dim=-1).values
    n_known = known.sum(-1, keepdim=True)
    below = torch.searchsorted(ascending, filled)
    up_to = torch.searchsorted(ascending, filled, right=True)
    return below, torch.minimum(up_to, n_known), n_known, known


def _pairs_tied_in_z_only(z: Tensor, d: Tensor, known: Tensor, ties: Tensor) -> Tensor:
    """Count ordered pairs of known rows with equal z and different d, shape (...)."""
    if not bool((ties[known] > 1).any()):
        return torch.zeros(z.shape[:-1], dtype=torch.long, device=z.device)
    # Ties in a continuous style are rare (a collapsed style, or a test): a run of equal z is counted per value
    # of d inside it.
    by_d = d.argsort(dim=-1, stable=True)
    order = by_d.gather(-1, z.gather(-1, by_d).argsort(dim=-1, stable=True))
    z_sorted, d_sorted = z.gather(-1, order), d.gather(-1, order)
    same_z = _run_lengths(z_sorted.diff(dim=-1) != 0)
    same_both = _run_lengths((z_sorted.diff(dim=-1) != 0) | (d_sorted.diff(dim=-1) != 0))
    known_sorted = known.gather(-1, order)
    return torch.where(known_sorted, same_z - same_both, 0).sum(-1)


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
    known = (~descriptors.isnan()).expand(torch.broadcast_shapes(styles.shape, descriptors.shape))
    ranks = []
    for values in (styles, descriptors):
        filled = torch.where(known, values, float("nan"))
        below, up_to, *_ = _sorted_positions(filled)
        rank = torch.where(known, (below + up_to - 1).double() / 2, float("nan"))
        ranks.append(torch.nan_to_num(rank - rank.nanmean(-1, keepdim=True)))
    a, b = ranks
    return (a * b).sum(-1) / ((a * a).sum(-1) * (b * b).sum(-1)).sqrt()
