"""Rank loss without a pair matrix against two ways with one: seconds forward and backward, and their ratio.

python -m tests.benchmarks.rank_loss
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from rankaae_cli.models.rankaae.losses import rank_loss

K = 5


def by_pair_matrix(styles_BK: Tensor, descriptors_BK: Tensor) -> Tensor:
    """The balanced rank loss with one vectorised pair matrix (B, B, K)."""
    sign = torch.sign(descriptors_BK.unsqueeze(0) - descriptors_BK.unsqueeze(1))
    products = sign * (styles_BK.unsqueeze(0) - styles_BK.unsqueeze(1))
    concordant, discordant = products > 0, products < 0
    n_c, n_d = concordant.sum((0, 1)), discordant.sum((0, 1))
    c = torch.where(concordant, products, 0).sum((0, 1))
    d = -torch.where(discordant, products, 0).sum((0, 1))
    pairs = (sign != 0).sum((0, 1)).clamp(min=1)
    return (-(n_d / torch.maximum(n_c, n_d).clamp(min=1) * c - d) / pairs).mean()


def by_masked_copies(styles_BK: Tensor, descriptors_BK: Tensor) -> Tensor:
    """The same as the published code goes about it: a pair matrix masked in place, once a descriptor."""
    k = styles_BK.shape[1]
    total = styles_BK.new_zeros(())
    for column in range(k):
        d_diff = descriptors_BK[:, None, :] - descriptors_BK[None, :, :]
        z_diff = styles_BK[:, None, :] - styles_BK[None, :, :]
        products = torch.sign(d_diff) * z_diff
        chosen = torch.zeros(k, dtype=torch.bool)
        chosen[column] = True
        products[:, :, ~chosen] = 0
        positive, negative = products.clone(), products.clone()
        n_c, n_d = (products > 0).sum(), (products < 0).sum()
        positive[products <= 0] = 0
        negative[products >= 0] = 0
        pairs = (torch.sign(d_diff[:, :, column]) != 0).sum().clamp(min=1)
        total = total - (n_d / torch.maximum(n_c, n_d).clamp(min=1) * positive.sum() + negative.sum()) / pairs
    return total / k


def ours(styles_BK: Tensor, descriptors_BK: Tensor) -> Tensor:
    """The rank loss of the program."""
    return rank_loss(styles_BK.unsqueeze(0), descriptors_BK.unsqueeze(0)).sum()


def seconds(function: Callable[[Tensor, Tensor], Tensor], rows: int, repeats: int) -> tuple[float, float]:
    """Return the median time of a forward and backward pass, and the loss."""
    generator = torch.Generator().manual_seed(rows)
    descriptors = torch.randn(rows, K, generator=generator)
    descriptors[:, 0] = descriptors[:, 0].round()
    styles = torch.randn(rows, K, generator=generator, requires_grad=True)
    times, value = [], 0.0
    for _ in range(repeats + 1):
        start = time.perf_counter()
        loss = function(styles, descriptors)
        loss.backward()
        times.append(time.perf_counter() - start)
        value = float(loss.detach())
    return sorted(times[1:])[repeats // 2], value


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"balanced rank loss, {K} descriptors, forward and backward, one thread; milliseconds")
    print(f"{'rows':>7} {'ours':>9} {'pair matrix':>12} {'ratio':>7} {'masked copies':>14} {'ratio':>7}")
    for rows in (256, 1024, 2048, 65536):
        t, value = seconds(ours, rows, 5)
        line = f"{rows:>7} {t * 1e3:>9.2f}"
        for function, largest, width in ((by_pair_matrix, 2048, 12), (by_masked_copies, 1024, 14)):
            if rows > largest:
                line += f" {'-':>{width}} {'-':>7}"
                continue
            other, reference = seconds(function, rows, 3)
            assert abs(reference - value) < 1e-5, (reference, value)
            line += f" {other * 1e3:>{width}.1f} {other / t:>6.0f}x"
        print(line, flush=True)


if __name__ == "__main__":
    main()
