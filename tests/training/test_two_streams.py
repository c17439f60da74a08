"""Batches of a family of which few spectra have descriptors."""

import pytest
import torch

from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.batches import TrialBatches


def batches(labelled, rows=1000, batch=100, share=0.5, **changes):
    numbers_NE = torch.arange(rows, dtype=torch.float32).repeat(2, 1).T
    descriptors_NK = torch.full((rows, 2), torch.nan)
    descriptors_NK[:labelled, 1] = 1.0
    generators = trial_generators(0, range(2))
    return TrialBatches(numbers_NE, descriptors_NK, batch, generators, labelled_share=share, **changes)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_every_batch_has_its_share_of_labels_and_an_epoch_as_many_rows_as_ever(share):
    drawn = list(batches(30, share=share))
    assert len(drawn) == 10 and all(spectra.shape == (2, 100, 2) for spectra, _ in drawn)
    for _, descriptors_TBK in drawn:
        known_T = descriptors_TBK.isfinite().any(-1).sum(-1)
        assert known_T.tolist() == pytest.approx([100 * share] * 2, abs=1)
    row_TN = torch.cat([spectra[..., 0] for spectra, _ in drawn], dim=1)
    for row_N in row_TN:
        times = torch.bincount(row_N.int(), minlength=1000)
        assert times[:30].max() - times[:30].min() <= 1  # each as often as the others
        assert times[30:].max() == 1 and times.sum() == 1000
    assert not torch.equal(row_TN[0], row_TN[1])


@pytest.mark.parametrize("labelled", [0, 600, 1000])
def test_where_there_are_enough_labels_or_none_every_row_comes_once(labelled):
    usual = [spectra for spectra, _ in batches(labelled, share=0.0)]
    assert all(torch.equal(a, b) for a, (b, _) in zip(usual, batches(labelled), strict=True))


def test_the_others_of_an_epoch_are_drawn_again():
    few = batches(30)
    first, second = (torch.cat([spectra[0, :, 0] for spectra, _ in few]) for _ in range(2))
    assert set(first.tolist()) != set(second.tolist())
