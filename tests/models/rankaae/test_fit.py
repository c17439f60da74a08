"""Training through its public function, on a small synthetic family."""

import csv
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from rankaae_cli.core.errors import Stopped
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.models.rankaae.fit import fit
from rankaae_cli.models.rankaae.networks import Architecture
from rankaae_cli.models.rankaae.settings import PriorKind, ReconstructionKind, StepOrder
from rankaae_cli.models.registry import load_model
from rankaae_cli.training.resume import StopSignals
from rankaae_cli.training.task import TrainingError


def quiet(done, total, standing):
    pass


def weights(model):
    return {k: v.numpy() for k, v in model.autoencoder.state_dict().items()}


def test_a_seed_repeats_exactly_and_another_differs(request_of):
    first, again, other = (weights(fit(request_of(seed=s), quiet)) for s in (5, 5, 6))
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert any(not np.allclose(first[k], other[k]) for k in first)


@pytest.mark.parametrize("prior", list(PriorKind))
def test_a_trial_does_not_depend_on_how_many_others_run(request_of, family, prior):
    setting = f"objective.prior.kind={prior.value}"
    alone = fit(request_of(setting, trials=1), quiet)
    among = fit(request_of(setting, trials=3), quiet)
    # What the model does, not its weights: a shift before the styles' norm has no effect, and rounding moves it.
    # The batched product rounds otherwise for another number of trials, and training amplifies that.
    spectra = family.spectra_NE[:50]
    np.testing.assert_allclose(alone.encode(spectra)[0], among.encode(spectra)[0], atol=5e-3)
    np.testing.assert_allclose(alone.reconstruct(spectra)[0], among.reconstruct(spectra)[0], atol=5e-3)
    assert alone.scores_T[0] == pytest.approx(among.scores_T[0], abs=2e-3)


@pytest.mark.parametrize("order", list(StepOrder))
@pytest.mark.parametrize("prior", list(PriorKind))
@pytest.mark.parametrize("reconstruction", list(ReconstructionKind))
def test_training_reduces_the_losses(request_of, order, prior, reconstruction):
    chosen = {"order": order, "prior.kind": prior, "reconstruction.kind": reconstruction}
    overrides = [f"objective.{key}={choice.value}" for key, choice in chosen.items()]
    request = request_of(*overrides, max_epochs=12)
    fit(request, quiet)
    with (request.folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(r["epoch"]), int(r["trial"])) for r in rows] == [(e, t) for e in range(12) for t in range(2)]
    first, last = rows[0], rows[-2]
    assert float(last["train_reconstruction"]) < float(first["train_reconstruction"])
    assert float(last["val_spearman"]) > float(first["val_spearman"])


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_a_model_survives_saving_and_loading(request_of, family, network):
    request = request_of(f"model.network={network}", "model.channels=2")
    model = fit(request, quiet)
    loaded = load_model(request.folder / "checkpoints" / "best.ckpt")
    spectra = family.spectra_NE[:20]
    np.testing.assert_array_equal(model.reconstruct(spectra), loaded.reconstruct(spectra))
    assert loaded.style_names == ("OS", "CN", "OCN", "NNRS", "MOOD", "free_1")
    assert loaded.calibration == model.calibration
    for name in ("best.ckpt", "last.ckpt"):
        torch.load(request.folder / "checkpoints" / name, weights_only=True)


def test_a_run_is_saved_after_a_while_however_few_epochs_that_is(request_of, monkeypatch):
    monkeypatch.setattr("rankaae_cli.training.resume._LONGEST_UNSAVED", 0.0)
    asked = replace(request_of(max_epochs=3), save_every=1000)
    saved = []
    fit(asked, lambda *done: saved.append((asked.folder / "checkpoints" / "last.ckpt").is_file()))
    assert saved[-1]


def test_a_job_of_slurm_trains_whatever_tasks_it_was_given(request_of, monkeypatch):
    for name, value in {
        "NTASKS": "4",
        "JOB_NAME": "train",
        "PROCID": "0",
        "LOCALID": "0",
        "NODEID": "0",
    }.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert fit(request_of(), quiet).scores_T.shape == (2,)


def test_styles_are_standardised_on_the_training_rows(request_of, family):
    model = fit(request_of(), quiet)
    styles = model.encode(family.spectra_NE[family.split_N == TRAIN])
    np.testing.assert_allclose(styles.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(styles.std(1), 1, atol=0.02)
    np.testing.assert_allclose(styles.mean(1), model.style_mean_TS, atol=1e-5)


def test_unknown_descriptors_are_masked(request_of, family):
    descriptors = family.descriptors_NK.copy()
    descriptors[::2, 0] = np.nan
    descriptors[:, 3] = np.nan
    model = fit(request_of(family=replace(family, descriptors_NK=descriptors)), quiet)
    assert np.isfinite(model.encode(family.spectra_NE)).all()
    assert model.calibration["ensemble"]["descriptors"]["NNRS"] is None


def test_test_rows_are_never_seen(request_of, family):
    """With the test rows replaced by noise, everything fitted stays as it is."""
    rng = np.random.default_rng(0)
    test = family.split_N == 2
    spectra, descriptors = family.spectra_NE.copy(), family.descriptors_NK.copy()
    spectra[test] = rng.random(spectra[test].shape)
    descriptors[test] = rng.random(descriptors[test].shape)
    noise = replace(family, spectra_NE=spectra, descriptors_NK=descriptors)
    first, second = fit(request_of(), quiet), fit(request_of(family=noise), quiet)
    assert all(np.array_equal(v, weights(second)[k]) for k, v in weights(first).items())
    assert first.calibration == second.calibration


def test_a_trial_that_diverges_is_given_up_and_the_others_go_on(request_of, monkeypatch):
    from rankaae_cli.models.rankaae import networks as autoencoder

    original = autoencoder.Autoencoder.decode

    def poisoned(self, styles):
        out = original(self, styles)
        if self.training and self.trials == 2:
            out = out * torch.tensor([1.0, float("nan")]).view(2, 1, 1)
        return out

    alone = fit(request_of(trials=1), quiet)
    monkeypatch.setattr(autoencoder.Autoencoder, "decode", poisoned)
    model = fit(request_of(), quiet)
    assert model.failed_T[0] is None
    assert "reconstruction loss was not finite in epoch 0" in model.failed_T[1]
    assert model.selected_trial == 0
    np.testing.assert_allclose(
        weights(model)["encoder.0.weight"][0], weights(alone)["encoder.0.weight"][0], atol=3e-5
    )


def test_all_trials_diverging_is_an_error(request_of):
    with pytest.raises(TrainingError, match=r"trial 0: .* not finite in epoch"):
        fit(request_of("optimiser.rate=1e30"), quiet)


def test_the_best_epochs_are_kept_when_all_trials_diverge_late(request_of, monkeypatch):
    from rankaae_cli.models.rankaae import losses

    calls = 0
    original = losses.reconstruction_loss

    def poisoned(output, target):
        nonlocal calls
        calls += 1
        return original(output, target) * (float("nan") if calls > 9 else 1.0)

    request = request_of(max_epochs=6)
    monkeypatch.setattr(losses, "reconstruction_loss", poisoned)
    model = fit(request, quiet)
    assert all("its best epoch" in reason for reason in model.failed_T)
    assert model.alive_T.sum() == 1 and model.alive_T[model.selected_trial]
    assert np.isfinite(load_model(request.folder / "checkpoints" / "best.ckpt").scores_T).all()


def test_gradients_are_clipped_a_trial(request_of, monkeypatch):
    norms = []

    def recording(self, closure=None):
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(torch.stack([g.square().flatten(1).sum(1) for g in gradients]).sum(0).sqrt())

    monkeypatch.setattr(torch.optim.AdamW, "step", recording)
    fit(request_of(max_epochs=1), quiet)
    free = torch.stack(norms)
    norms.clear()
    fit(request_of("optimiser.clip=0.5", max_epochs=1), quiet)
    clipped = torch.stack(norms)
    assert (free > 0.5).all()
    torch.testing.assert_close(clipped, free.clamp(max=0.5), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("order", ["joint", "in_turn"])
def test_a_weight_of_zero_switches_a_loss_off(request_of, order):
    names = ("rank", "reconstruction", "prior", "mutual_information", "smoothness")
    off = [f"objective.{name}.weight=0" for name in names if name != "prior"]
    request = request_of(f"objective.order={order}", *off, max_epochs=2, trials=1)
    fit(request, quiet)
    with (request.folder / "metrics.csv").open() as file:
        row = list(csv.DictReader(file))[-1]
    assert row["train_prior"] != "" and row["train_rank"] == "" and row["train_smoothness"] == ""


def test_losses_in_turn_are_stepped_in_the_order_of_the_published_code(request_of, monkeypatch):
    from rankaae_cli.models.rankaae.module import RankAAE

    original, stepped = RankAAE._losses, []

    def noted(self, names, *rest):
        stepped.extend(names)
        return original(self, names, *rest)

    monkeypatch.setattr(RankAAE, "_losses", noted)
    fit(request_of("+experiment=published", max_epochs=1, trials=1), quiet)
    assert stepped[:5] == ["prior", "rank", "reconstruction", "mutual_information", "smoothness"]
    assert len(stepped) % 5 == 0


def test_a_collapsed_style_and_an_unknown_descriptor_can_be_scored():
    from rankaae_cli.models.rankaae.validation import descriptor_coupling, excess_coupling, style_spearman

    rows = torch.arange(20.0)
    styles = torch.stack([rows, torch.ones(20), rows.flip(0)]).unsqueeze(0)
    descriptors = torch.stack([rows, rows, torch.full((20,), float("nan"))])
    torch.testing.assert_close(
        style_spearman(styles, descriptors),
        torch.tensor([[1.0, 0.0, float("nan")]], dtype=torch.float64),
        equal_nan=True,
    )
    assert excess_coupling(styles, descriptor_coupling(descriptors)) == pytest.approx(1.0)


def test_plateau_reduces_the_rate_of_the_trial_that_stalls(request_of, monkeypatch):
    from rankaae_cli.training import callbacks

    original = callbacks.KeepBestEpoch.on_train_epoch_end

    def stalling(self, trainer, pl_module):
        original(self, trainer, pl_module)
        self.best_epoch_T = torch.tensor([trainer.current_epoch, 0])

    monkeypatch.setattr(callbacks.KeepBestEpoch, "on_train_epoch_end", stalling)
    request = request_of(
        "optimiser.schedule=plateau", "optimiser.patience=2", "optimiser.reduction=0.5", max_epochs=6
    )
    fit(request, quiet)
    with (request.folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    rates = {t: [float(r["learning_rate"]) for r in rows if r["trial"] == str(t)] for t in range(2)}
    full = request.optimiser.rate
    assert rates[0] == [full] * 6
    assert rates[1] == [full, full, full / 2, full / 2, full / 4, full / 4]


def test_a_reduced_rate_is_a_smaller_step(request_of):
    """A factor on a trial's rate gives what training with that rate gives."""
    from rankaae_cli.models.rankaae.module import RankAAE

    def stepped(rate, factor):
        r = request_of(f"optimiser.rate={rate}", trials=1)
        module = RankAAE(architecture, r.objective, r.optimiser, 5, range(1), 0)
        (optimiser,) = module.configure_optimizers()
        module.rate_factor_T = factor
        module.manual_backward = lambda loss: loss.backward()
        wrapper = type("Wrapper", (), {"optimizer": optimiser, "param_groups": optimiser.param_groups})()
        wrapper.zero_grad = optimiser.zero_grad
        for _ in range(3):
            module.step(wrapper, module.autoencoder(spectra)[1].square().mean().unsqueeze(0))
        return module.autoencoder.decoder[0].weight.detach()

    architecture = Architecture(points=30, styles=6, hidden=8)
    spectra = torch.rand(1, 12, 30)
    torch.testing.assert_close(stepped(0.01, torch.tensor([0.5])), stepped(0.005, None), rtol=1e-3, atol=1e-5)


def test_excess_coupling_equals_that_of_the_evaluation():
    from rankaae_cli.core.statistics.metrics import inter_style
    from rankaae_cli.models.rankaae.validation import descriptor_coupling, excess_coupling

    rng = np.random.default_rng(0)
    styles, descriptors = rng.normal(size=(60, 5)), rng.normal(size=(60, 3))
    styles[:, 1] += styles[:, 4]
    descriptors[:, 1] += 2 * descriptors[:, 2]
    ours = excess_coupling(
        torch.tensor(styles.T).unsqueeze(0), descriptor_coupling(torch.tensor(descriptors.T))
    )
    assert float(ours) == pytest.approx(inter_style(styles, descriptors)["excess"], abs=1e-6)


class TestAWarningThatTimeIsOver:
    @pytest.fixture
    def passed_on(self):
        """Times at which the warning came to whom it belongs."""
        times = []
        before = signal.signal(signal.SIGUSR2, lambda number, frame: times.append(time.monotonic()))
        yield times
        signal.signal(signal.SIGUSR2, before)

    def test_comes_to_its_owner_when_all_is_saved(self, request_of, passed_on):
        asked = request_of(max_epochs=50)

        def warn(done, total, standing):
            assert not passed_on
            if done == 2:
                signal.raise_signal(signal.SIGUSR2)

        with pytest.raises(Stopped, match="after epoch 2"):
            fit(asked, warn)
        assert len(passed_on) == 1
        state = torch.load(asked.folder / "checkpoints" / "last.ckpt", weights_only=True)
        assert state["epoch"] == 1  # from 0 on

    def test_does_not_wait_for_a_long_epoch(self, passed_on, monkeypatch):
        monkeypatch.setattr("rankaae_cli.training.resume._GRACE", 0.2)
        with StopSignals() as signals:
            signal.raise_signal(signal.SIGUSR2)
            assert signals.received == signal.SIGUSR2 and not passed_on
            time.sleep(0.6)
            assert len(passed_on) == 1

    def test_comes_to_its_owner_once_who_may_end_all(self, monkeypatch):
        monkeypatch.setattr("rankaae_cli.training.resume._GRACE", 0.1)
        calls = []

        def end(number, frame):
            calls.append(number)
            raise SystemExit(-1)

        before = signal.signal(signal.SIGUSR2, end)
        try:
            with pytest.raises(SystemExit), StopSignals():
                signal.raise_signal(signal.SIGUSR2)
                time.sleep(5)
        finally:
            signal.signal(signal.SIGUSR2, before)
        assert calls == [signal.SIGUSR2]

    def test_is_left_alone_where_it_belongs_to_nobody(self):
        with StopSignals():
            assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL
