"""The rows of a batch shared by several processes, so that statistics and losses are those of the whole batch.

Each process holds a run of consecutive rows. What depends on all rows (the statistics of a batch norm, a loss that
compares rows) is computed from sums or gathered rows of all processes, and gradients find their way back. Without a
process group everything here is the identity.
"""

import torch
import torch.distributed as dist
from torch import Tensor


def process_count() -> int:
    """Return how many processes share the rows; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_rank() -> int:
    """Return the number of this process, 0 without a process group."""
    return dist.get_rank() if process_count() > 1 else 0


def own_rows(rows: int) -> slice:
    """Return which of `rows` rows are this process's; the shares differ by one row at most."""
    smaller, larger_ones = divmod(rows, process_count())
    rank = process_rank()
    first = rank * smaller + min(rank, larger_ones)
    return slice(first, first + smaller + (rank < larger_ones))


def gathered(own_TBX: Tensor, rows: int) -> Tensor:
    """Return the rows of all processes, shape (T, rows, X), of this one's, shape (T, B, X).

    The gradient of a row is the sum of what the losses of all processes make of it.
    """
    if process_count() == 1:
        return own_TBX
    # Its rows in their places and zeros elsewhere: the sum over processes has everybody's.
    placed_TBX = own_TBX.new_zeros(own_TBX.shape[0], rows, own_TBX.shape[2])
    placed_TBX[:, own_rows(rows)] = own_TBX
    whole_TBX: Tensor = _Sum.apply(placed_TBX)
    return whole_TBX


class _Sum(torch.autograd.Function):
    """The sum of a tensor over processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


@torch.no_grad()
def row_means(*values_TBW: Tensor) -> list[Tensor]:
    """Return the mean over the rows of all processes, shape (T, 1, W), of each of `values_TBW`; no gradient."""
    if process_count() == 1:
        return [values.mean(dim=1, keepdim=True) for values in values_TBW]
    sums = [values.sum(dim=1, keepdim=True) for values in values_TBW]
    rows = sums[0].new_tensor([values_TBW[0].shape[1]])
    flat = torch.cat([rows, *(values.flatten() for values in sums)])
    dist.all_reduce(flat)
    parts = flat[1:].div(flat[0]).split([values.numel() for values in sums])
    return [part.view_as(values) for part, values in zip(parts, sums, strict=True)]


@torch.no_grad()
def moments_of_all(rows: int, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and variance over the rows of all processes, of those over this one's `rows`."""
    if process_count() == 1:
        return mean, variance
    weight = torch.tensor(float(rows), dtype=mean.dtype, device=mean.device)
    all_rows, total = weight.clone(), weight * mean
    dist.all_reduce(all_rows)
    dist.all_reduce(total)
    of_all = total / all_rows
    square = weight * (variance + (mean - of_all).square())
    dist.all_reduce(square)
    return of_all, square / all_rows


@torch.no_grad()
def process_mean(values: Tensor) -> Tensor:
    """Return the mean of a tensor over the processes; no gradient."""
    if process_count() == 1:
        return values
    total = values.clone()
    dist.all_reduce(total)
    return total / process_count()


@torch.no_grad()
def of_first(values: Tensor) -> Tensor:
    """Return the tensor that process 0 has, so that all decide alike."""
    if process_count() == 1:
        return values
    same = values.contiguous().clone()
    dist.broadcast(same, src=0)
    return same
