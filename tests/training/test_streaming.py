"""Training on spectra that are read in blocks, against training on all of them in memory."""

import csv
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.spectra_rows import JoinedRows, blocks_of
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training import rows as training_rows
from rankaae_cli.training.batches import StreamedBatches, TrialBatches

MEMORY = 160_000  # of 800 spectra of 1 kB: pools of 78 rows


def quiet(done, total, standing):
    pass


@pytest.fixture(scope="module")
def stored():
    return read_family(sample_path("Fe_oxides"), stored=True)


def rows_of(folder):
    with (folder / "metrics.csv").open() as file:
        return {(r["epoch"], r["trial"]): float(r["train_reconstruction"]) for r in csv.DictReader(file)}


def numbered(rows):
    """Spectra of two points, the first of which is the number of the row."""
    return JoinedRows([np.stack([np.arange(rows), np.zeros(rows)], axis=1).astype(np.float32)])


def streamed(rows, batch_size, pool_rows, trials=(0, 1), seed=3, rows_together=1):
    spectra = numbered(rows)
    spectra.rows_together = rows_together
    descriptors = torch.arange(rows, dtype=torch.float32).unsqueeze(1)
    order, blocks = trial_generators(seed, trials, 2), trial_generators(seed, [0], 3)[0]
    return StreamedBatches(spectra, descriptors, batch_size, order, blocks, pool_rows * 16)


def epoch(batches):
    """The numbers of the rows of each batch, a list of (T, B), each held against its descriptors."""
    found = []
    for spectra, descriptors in batches:
        assert torch.equal(spectra[..., 0], descriptors[..., 0])
        found.append(spectra[..., 0].int())
    return found


@pytest.mark.parametrize(
    ("rows", "batch", "pool"), [(1000, 64, 300), (1000, 128, 50), (37, 8, 1), (50, 64, 900)]
)
def test_every_trial_sees_every_row_once_an_epoch_in_batches_of_the_usual_sizes(rows, batch, pool):
    batches = streamed(rows, batch, pool)
    usual = TrialBatches(torch.zeros(rows, 2), torch.zeros(rows, 1), batch, trial_generators(3, (0, 1), 2))
    first, second = epoch(batches), epoch(batches)
    assert len(first) == len(batches) == len(usual)
    assert [b.shape for b in first] == [s.shape[:2] for s, _ in usual]
    for numbers in (torch.cat(first, dim=1), torch.cat(second, dim=1)):
        assert all(sorted(of_trial.tolist()) == list(range(rows)) for of_trial in numbers)
    first, second = torch.cat(first, dim=1), torch.cat(second, dim=1)
    assert not torch.equal(first, second)
    # A pool of one row leaves the trials no order of their own.
    assert pool == 1 or not torch.equal(first[0], first[1])


def test_the_order_depends_on_seed_and_trial_alone():
    one, again, other = (torch.cat(epoch(streamed(500, 64, 100, seed=s)), dim=1) for s in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    among = torch.cat(epoch(streamed(500, 64, 100, trials=(1, 2, 3))), dim=1)
    assert torch.equal(one[1], among[0])


@pytest.mark.parametrize("rows_together", [1, 200])
def test_batches_are_mixed_from_all_over_the_file(rows_together):
    # A pool is a tenth of the rows; means and spreads of the numbers in a batch are those of rows drawn at random,
    # also where neighbouring rows would be read together more quickly.
    rows, batch, spread = 10_000, 128, 10_000 / 12**0.5
    batches = streamed(rows, batch, rows // 10, rows_together=rows_together)
    found = torch.stack([numbers[:, :126] for _ in range(3) for numbers in epoch(batches)]).float()
    assert float(found.std(dim=-1).mean()) == pytest.approx(spread, rel=0.03)
    assert float(found.mean(dim=-1).std()) == pytest.approx(spread / batch**0.5, rel=0.25)


def test_streaming_reaches_the_scores_of_training_in_memory(request_of, stored):
    changes = {"max_epochs": 40, "batch_size": 64}
    usual = fit(request_of(**changes), quiet)
    small = fit(request_of(family=stored, memory=MEMORY, **changes), quiet)
    np.testing.assert_allclose(small.scores_T, usual.scores_T, atol=0.1)
    unusual, expected = (m.calibration["ensemble"]["novelty"]["unusual"] for m in (small, usual))
    assert unusual == pytest.approx(expected, rel=0.15)


def test_wherever_the_spectra_are_the_weights_are_the_same(request_of, stored, family):
    held = JoinedRows([family.spectra_NE])
    held.rows_together = stored.spectra_NE.rows_together
    families = (stored, replace(family, spectra_NE=held))
    one, two = (fit(request_of(family=f, memory=MEMORY), quiet) for f in families)
    for name, weight in one.autoencoder.state_dict().items():
        np.testing.assert_array_equal(weight, two.autoencoder.state_dict()[name], err_msg=name)


def test_an_epoch_ends_on_the_same_rows_as_in_memory(request_of, stored, monkeypatch):
    # Without steps between, and with blocks of a size that does not part the rows evenly.
    still = request_of("optimiser.rate=1e-12", max_epochs=1)
    one = fit(still, quiet)
    for module, name in ((training_rows.DeviceSpectra.blocks, "__defaults__"), (blocks_of, "__defaults__")):
        monkeypatch.setattr(module, name, (37,))
    two = fit(replace(still, family=stored, memory=MEMORY, folder=request_of().folder), quiet)
    np.testing.assert_allclose(one.scores_T, two.scores_T, atol=1e-5)
    np.testing.assert_allclose(one.style_mean_TS, two.style_mean_TS, atol=1e-5)
    np.testing.assert_allclose(one.style_std_TS, two.style_std_TS, atol=1e-5)
    unusual, expected = (m.calibration["ensemble"]["novelty"]["unusual"] for m in (one, two))
    assert unusual == pytest.approx(expected, abs=1e-6)


def test_a_trial_does_not_depend_on_how_many_others_run(request_of, stored, family):
    alone = fit(request_of(family=stored, memory=MEMORY, trials=1), quiet)
    among = fit(request_of(family=stored, memory=MEMORY, trials=3, trials_at_once=2), quiet)
    spectra = family.spectra_NE[:50]
    np.testing.assert_allclose(alone.encode(spectra)[0], among.encode(spectra)[0], atol=5e-3)


def test_unlabelled_rows_are_streamed_too(request_of, stored, family):
    more = stored.spectra_NE.take(np.flatnonzero(family.split_N == 0)[:200])
    request = request_of(family=stored, memory=MEMORY, unlabelled_NE=more)
    assert np.isfinite(fit(request, quiet).scores_T).all()


def test_two_processes_train_as_one(request_of, stored, family):
    alone = request_of("optimiser.rate=1e-4", family=stored, memory=MEMORY, max_epochs=4, batch_size=85)
    shared = replace(alone, folder=request_of().folder, devices=2)
    one, two = fit(alone, quiet), fit(shared, quiet)
    spectra = family.spectra_NE[:20]
    np.testing.assert_allclose(one.reconstruct(spectra), two.reconstruct(spectra), atol=2e-3)
    expected, found = rows_of(alone.folder), rows_of(shared.folder)
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        assert value == pytest.approx(found[key], rel=1e-4), key


def test_a_stopped_training_goes_on_to_the_same_end(request_of, stored):
    asked = request_of(family=stored, memory=MEMORY, max_epochs=5, save_every=1)
    whole = fit(replace(asked, folder=request_of().folder), quiet)

    def stop(done, total, standing):
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        fit(asked, stop)
    resumed = fit(replace(asked, resume=True), quiet)
    for name, weight in whole.autoencoder.state_dict().items():
        np.testing.assert_array_equal(weight, resumed.autoencoder.state_dict()[name], err_msg=name)
