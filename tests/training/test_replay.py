"""Replay: of earlier rows some are drawn in every epoch, beside all new ones."""

import numpy as np
import torch

from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.training.rows import Replay, TrainingRows


def test_an_epoch_has_all_new_rows_and_a_share_of_old_ones(family):
    n = int((family.split_N == TRAIN).sum())
    old_NE = -1.0 - np.arange(7)[:, None] * np.ones_like(family.spectra_NE[:1])
    replay = Replay(old_NE, np.full((7, family.descriptors_NK.shape[1]), 9.0), share=0.25)
    rows = TrainingRows.of(family, None, None, "cpu", replay)
    batches, _ = rows.batches(50, seed=0, trials=[0, 1])
    epochs = [list(batches) for _ in range(3)]
    drawn = round(n / 3)
    assert len(batches) == len(epochs[0]) == -(-(n + drawn) // 50)
    firsts = []
    for epoch in epochs:
        spectra_TNE, descriptors_TNK = (torch.cat(parts, dim=1) for parts in zip(*epoch, strict=True))
        for spectra_NE, descriptors_NK in zip(spectra_TNE, descriptors_TNK, strict=True):
            is_old_N = spectra_NE[:, 0] < 0
            assert is_old_N.sum() == drawn and (descriptors_NK[is_old_N] == 9).all()
            new_NE = np.sort(spectra_NE[~is_old_N].numpy(), axis=0)
            assert np.array_equal(new_NE, np.sort(family.spectra_NE[family.split_N == TRAIN], axis=0))
            firsts.append(spectra_NE[is_old_N][:5, 0].tolist())
    # Every trial and epoch draws others, in every batch about as many.
    assert len(set(map(tuple, firsts))) == len(firsts)
    old_a_batch = [int((spectra_TBE[0, :, 0] < 0).sum()) for spectra_TBE, _ in epochs[0]]
    assert min(old_a_batch) > 0
    # The styles are measured on the new rows alone.
    assert len(rows.train) == n
