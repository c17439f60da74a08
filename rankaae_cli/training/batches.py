"""Batches for trials trained side by side, from arrays that lie on the device."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rankaae_cli.networks.shares import own_rows


class TrialBatches:
    """One epoch an iteration: every trial sees all rows once, each in its own order.

    Where several processes share the batches, each is given the spectra of its own rows and the descriptors of all.

    Parameters
    ----------
    spectra_NE, descriptors_NK
        The training rows, on the device that trains.
    batch_size
        Largest number of rows in a batch; the batches of an epoch differ by one row at most.
    generators
        One CPU random generator a trial, advanced by every epoch.

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
    ) -> None:
        self.spectra_NE = spectra_NE
        self.descriptors_NK = descriptors_NK
        self.generators = generators
        self.n_batches = -(-len(spectra_NE) // batch_size)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rows = len(self.spectra_NE)
        order_TN = torch.stack([torch.randperm(rows, generator=g) for g in self.generators])
        for index_TB in order_TN.to(self.spectra_NE.device).tensor_split(self.n_batches, dim=1):
            own_TB = index_TB[:, own_rows(index_TB.shape[1])]
            yield self.spectra_NE[own_TB], self.descriptors_NK[index_TB]
