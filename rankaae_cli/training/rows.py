"""The rows that all trials train and validate on: on the device, or in a file that they are read from in blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.data.spectra_rows import JoinedRows, Spectra, SpectraRows
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.batches import StreamedBatches, TrialBatches

# What is done to all rows at the end of an epoch is done to so many at a time.
BLOCK_ROWS = 8192
_ORDER, _BLOCK_ORDER = 2, 3


def spectra_bytes(spectra: Spectra) -> int:
    """Return how many bytes the spectra take where all of them are in memory, with the copy that the device has."""
    return 2 * len(spectra) * spectra.shape[1] * 4


@dataclass(frozen=True)
class DeviceSpectra:
    """Spectra that lie on the device, or rows that are brought there block by block.

    Attributes
    ----------
    rows
        Shape (N, E).
    device
        That trains.
    """

    rows: Tensor | SpectraRows
    device: torch.device

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self) -> Iterator[Tensor]:
        """Yield the spectra in order on the device, at most `BLOCK_ROWS` at a time, (n, E)."""
        for first in range(0, len(self.rows), BLOCK_ROWS):
            yield torch.as_tensor(self.rows[first : first + BLOCK_ROWS], device=self.device)

    def followed_by(self, more: Spectra) -> "DeviceSpectra":
        """Return these spectra and more after them, in the same place."""
        if not isinstance(self.rows, Tensor):
            return DeviceSpectra(JoinedRows([self.rows, more]), self.device)
        more_NE = torch.as_tensor(more[:], dtype=torch.float32, device=self.device)
        return DeviceSpectra(torch.cat([self.rows, more_NE]), self.device)

    def mean(self) -> Tensor:
        """Return the mean spectrum, shape (E,)."""
        total_E = torch.zeros(self.rows.shape[1], dtype=torch.float64, device=self.device)
        for block_NE in self.blocks():
            total_E += block_NE.mean(0).double() * len(block_NE)
        return (total_E / len(self)).float()


def drawn_rows(others: int, share: float) -> int:
    """Return how many rows are replayed in an epoch of so many others, so that they are a share of all."""
    return round(others * share / (1 - share))


@dataclass(frozen=True)
class Replay:
    """Rows of earlier data that are trained on again, so that what was learnt of them is not forgotten.

    Attributes
    ----------
    spectra_NE, descriptors_NK
        The rows, on the family's grid and with its descriptors.
    share
        Of an epoch's rows, from 0 on, below 1, that are drawn from them.
    """

    spectra_NE: np.ndarray
    descriptors_NK: np.ndarray
    share: float


@dataclass(frozen=True)
class TrainingRows:
    """What all trials train and validate on.

    Attributes
    ----------
    train
        The labelled training spectra.
    batched, batched_NK
        Those, the unlabelled ones, and the replayed ones; NaN where a descriptor is neither known nor taught.
    labelled_N
        Which of them have a descriptor that is known.
    validation, validation_NK
        The validation rows.
    memory
        Bytes that streamed spectra may take; None where all are on the device.
    replayed, drawn
        How many of `batched` are replayed, and how many of these are drawn in an epoch.
    """

    train: DeviceSpectra
    batched: DeviceSpectra
    batched_NK: Tensor
    labelled_N: Tensor
    validation: DeviceSpectra
    validation_NK: Tensor
    memory: int | None
    replayed: int = 0
    drawn: int = 0

    @classmethod
    def of(
        cls,
        family: Family,
        more: Spectra | None,
        memory: int | None,
        name: str,
        replay: Replay | None = None,
        taught_NK: np.ndarray | None = None,
    ) -> "TrainingRows":
        """Bring the rows of a family, and more spectra without descriptors, to a device unless they are streamed.

        `memory` is what streamed spectra may take, None for others; `name` is the device's. Replayed rows are never
        streamed. Taught descriptors, of all rows but these, stand in for unknown ones.
        """
        device = torch.device(name)
        sides = [np.flatnonzero(family.split_N == side) for side in (TRAIN, VALIDATION)]
        descriptors_NK = torch.as_tensor(family.descriptors_NK, dtype=torch.float32)
        train_NK, validation_NK = (descriptors_NK[torch.as_tensor(rows)].to(device) for rows in sides)

        def placed(side: np.ndarray) -> DeviceSpectra:
            if memory is not None:
                return DeviceSpectra(_stored(family.spectra_NE).take(side), device)
            return DeviceSpectra(torch.as_tensor(family.spectra_NE[side], device=device), device)

        train, validation = (placed(side) for side in sides)
        batched = train if more is None else train.followed_by(more)
        nan_NK = torch.full((len(batched) - len(train), train_NK.shape[1]), float("nan"), device=device)
        batched_NK = torch.cat([train_NK, nan_NK]) if len(nan_NK) else train_NK
        labelled_N = batched_NK.isfinite().any(1)
        if taught_NK is not None:
            stand_in_NK = torch.as_tensor(taught_NK, dtype=torch.float32, device=device)
            batched_NK = torch.where(batched_NK.isfinite(), batched_NK, stand_in_NK)
        if replay is None:
            return cls(train, batched, batched_NK, labelled_N, validation, validation_NK, memory)
        assert memory is None
        again_NK = torch.as_tensor(replay.descriptors_NK, dtype=torch.float32, device=device)
        return cls(
            train,
            batched.followed_by(replay.spectra_NE),
            torch.cat([batched_NK, again_NK]),
            torch.cat([labelled_N, again_NK.isfinite().any(1)]),
            validation,
            validation_NK,
            memory,
            len(again_NK),
            drawn_rows(len(batched), replay.share),
        )

    def batches(
        self, batch_size: int, seed: int, trials: Sequence[int], labelled_share: float = 0.0
    ) -> tuple[TrialBatches | StreamedBatches, list[torch.Generator]]:
        """Return the batches of an epoch, and the random generators that they draw from.

        Those depend on the seed and the trial alone; the order in which a file is read, on the seed alone. Rows
        that are read from a file come as they are, whatever share of them has labels.
        """
        order = trial_generators(seed, trials, _ORDER)
        rows = self.batched.rows
        if isinstance(rows, Tensor):
            batches = TrialBatches(
                rows,
                self.batched_NK,
                batch_size,
                order,
                self.replayed,
                self.drawn,
                self.labelled_N,
                labelled_share,
            )
            return batches, order
        assert self.memory is not None
        block_order = trial_generators(seed, [0], _BLOCK_ORDER)[0]
        streamed = StreamedBatches(rows, self.batched_NK, batch_size, order, block_order, self.memory)
        return streamed, [*order, block_order]


def _stored(spectra: Spectra) -> SpectraRows:
    """Return spectra as rows that are taken block by block, wherever they are."""
    return spectra if isinstance(spectra, SpectraRows) else JoinedRows([spectra])
