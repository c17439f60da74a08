"""Batches for trials trained side by side, from arrays that lie on the device or from rows read in blocks."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.data.spectra_rows import SpectraRows

# Neighbouring rows are alike: with fewer blocks than batches have rows, pools and batches would be one-sided.
_BLOCKS_IN_POOL, _FEWEST_BLOCKS_IN_POOL, _MOST_BLOCK_ROWS = 512, 256, 256


class TrialBatches:
    """One epoch an iteration: every trial sees all rows once, each in its own order, and of replayed ones some.

    Where few rows have labels it sees those more often than once, and in their stead fewer of the others.

    Parameters
    ----------
    spectra_NE, descriptors_NK
        The training rows, on the device that trains.
    batch_size
        Largest number of rows in a batch; the batches of an epoch differ by one row at most.
    generators
        One CPU random generator a trial, advanced by every epoch.
    replayed, drawn
        How many of the last rows are replayed, and how many of these are drawn at random, again in every epoch.
    labelled_N
        Which rows have labels of their own; None: those with any descriptor.
    labelled_share
        Least share of every batch that has labels of its own: with a handful of labels to a
        batch neither order nor correlation can be told from chance.

    Yields
    ------
    (spectra_TBE, descriptors_TBK)
    """

    def __init__(
        self,
        spectra_NE: Tensor,
        descriptors_NK: Tensor,
        batch_size: int,
        generators: Sequence[torch.Generator],
        replayed: int = 0,
        drawn: int = 0,
        labelled_N: Tensor | None = None,
        labelled_share: float = 0.0,
    ) -> None:
        self.spectra_NE = spectra_NE
        self.descriptors_NK = descriptors_NK
        self.generators = generators
        self.replayed, self.drawn = replayed, drawn
        self.n_batches = -(-(len(spectra_NE) - replayed + drawn) // batch_size)
        has_label_N = (descriptors_NK.isfinite().any(1) if labelled_N is None else labelled_N).cpu()
        self._labelled_N, self._others_N = has_label_N.nonzero()[:, 0], (~has_label_N).nonzero()[:, 0]
        self._labelled_an_epoch = round(labelled_share * len(spectra_NE))
        self._repeats_labels = 0 < len(self._labelled_N) < self._labelled_an_epoch and not replayed

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order_TN = torch.stack([self._order(generator) for generator in self.generators])
        for index_TB in order_TN.to(self.spectra_NE.device).tensor_split(self.n_batches, dim=1):
            yield self.spectra_NE[index_TB], self.descriptors_NK[index_TB]

    def _order(self, generator: torch.Generator) -> Tensor:
        if self._repeats_labels:
            return self._order_of_two_streams(generator)
        once = len(self.spectra_NE) - self.replayed
        order_N = torch.randperm(once + self.drawn, generator=generator)
        if not self.drawn:
            return order_N
        drawn_N = once + torch.randint(self.replayed, (self.drawn,), generator=generator)
        return torch.cat([torch.arange(once), drawn_N])[order_N]

    def _order_of_two_streams(self, generator: torch.Generator) -> Tensor:
        """Return as many rows as there are, those with labels spread evenly among the others."""
        n, others = self._labelled_an_epoch, len(self.spectra_NE) - self._labelled_an_epoch
        passes = -(-n // len(self._labelled_N))
        labelled_N = torch.cat(
            [
                self._labelled_N[torch.randperm(len(self._labelled_N), generator=generator)]
                for _ in range(passes)
            ]
        )[:n]
        others_N = self._others_N[torch.randperm(len(self._others_N), generator=generator)][:others]
        place_N = torch.cat([(torch.arange(m) + 0.5) / m for m in (n, others)])
        return torch.cat([labelled_N, others_N])[place_N.argsort()]


class StreamedBatches:
    """One epoch an iteration, as of `TrialBatches`, from rows that do not fit into memory.

    Blocks of neighbouring rows are read in random order, as many at once as half the memory holds: a pool. Within a
    pool every trial has an order of its own. While one pool is trained on, the next is read.

    Parameters
    ----------
    spectra
        N rows.
    descriptors_NK, batch_size, generators
        As of `TrialBatches`.
    block_order
        CPU random generator of the order of the blocks, which all trials share; advanced by every epoch.
    memory
        Bytes that the spectra of two pools may take.
    """

    def __init__(
        self,
        spectra: SpectraRows,
        descriptors_NK: Tensor,
        batch_size: int,
        generators: Sequence[torch.Generator],
        block_order: torch.Generator,
        memory: int,
    ) -> None:
        self.spectra = spectra
        self.descriptors_NK = descriptors_NK
        self.generators = generators
        self.block_order = block_order
        self.n_batches = -(-len(spectra) // batch_size)
        self.pool_rows = max(memory // (2 * 4 * spectra.shape[1]), 1)
        self.block_rows = _block_rows(self.pool_rows, spectra.rows_together)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        smaller, larger_ones = divmod(len(self.spectra), self.n_batches)
        sizes = iter([smaller + (i < larger_ones) for i in range(self.n_batches)])
        size, filled = next(sizes), 0
        spectra, descriptors = [], []
        for pool_NE, row_N in self._pools():
            order_TN = torch.stack([torch.randperm(len(row_N), generator=g) for g in self.generators])
            order_TN = order_TN.to(pool_NE.device)
            while order_TN.shape[1]:
                # A batch may end one pool and begin the next.
                index_TB, order_TN = order_TN.tensor_split([size - filled], dim=1)
                spectra.append(pool_NE[index_TB])
                descriptors.append(self.descriptors_NK[row_N[index_TB]])
                filled += index_TB.shape[1]
                if filled == size:
                    yield torch.cat(spectra, dim=1), torch.cat(descriptors, dim=1)
                    size, filled = next(sizes, 0), 0
                    spectra, descriptors = [], []

    def _pools(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the spectra and the row numbers of each pool, on the device."""
        device = self.descriptors_NK.device
        chosen = self._rows_of_pools()

        def read(row_N: np.ndarray) -> Tensor:
            return torch.from_numpy(self.spectra.rows_of(row_N)).to(device)

        with ThreadPoolExecutor(1) as reader:
            following: Future[Tensor] = reader.submit(read, chosen[0])
            for i, row_N in enumerate(chosen):
                pool_NE = following.result()
                if i + 1 < len(chosen):
                    following = reader.submit(read, chosen[i + 1])
                else:
                    del following
                yield pool_NE, torch.from_numpy(row_N).to(device)
                del pool_NE  # before the one after the next is read

    def _rows_of_pools(self) -> list[np.ndarray]:
        """Return the rows of each pool: blocks in random order, parted into as few pools as hold them."""
        rows = len(self.spectra)
        order = torch.randperm(-(-rows // self.block_rows), generator=self.block_order).numpy()
        n = -(-len(order) // max(self.pool_rows // self.block_rows, 1))
        return [
            np.concatenate(
                [np.arange(b * self.block_rows, min((b + 1) * self.block_rows, rows)) for b in some]
            )
            for some in np.array_split(order, n)
        ]


def _block_rows(pool_rows: int, rows_together: int) -> int:
    """Return how many neighbouring rows are read together: few, so that pools are well mixed, at most a chunk."""
    mixed = min(pool_rows // _BLOCKS_IN_POOL, _MOST_BLOCK_ROWS)
    return max(mixed, min(rows_together, pool_rows // _FEWEST_BLOCKS_IN_POOL), 1)
