from dataclasses import replace

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from rankaae_cli.models.baselines import FittingRows, score_baseline
from rankaae_cli.models.rankaae.unconstrained import fit_aae
from rankaae_cli.models.supervised import networks as baselines
from rankaae_cli.models.supervised.baselines import fit_mean_spectrum, fit_reading
from tests.configuration import composed
from tests.models.supervised.conftest import easy

NAMES = ["position", "width", "never known"]


ROWS = FittingRows(*easy(300, 0, noise=0), *easy(100, 1, noise=0))
HELD_OUT = easy(120, 2, noise=0)


def settings(name, **changes):
    small = {"hidden": 32, "layers": 2, "max_epochs": 40, "batch_size": 50}
    whole = OmegaConf.to_object(composed("evaluate").baseline_settings)
    return replace(getattr(whole, name), **{**small, **changes})


def score(baseline):
    return score_baseline(baseline, ROWS, *HELD_OUT, NAMES)


def fit(name, epochs=40, seed=0, report=lambda *a: None):
    if name == "supervised_network":
        chosen = settings(name, members=2, max_epochs=epochs, rate=3e-3, weight_decay=0.01)
        return fit_reading(ROWS, {"network": chosen}, ("spectrum",), 2, seed, 1, report)
    function = {"aae": fit_aae, "vae": baselines.fit_vae}[name]
    return function(ROWS, settings(name, trials=2, max_epochs=epochs), 4, seed, report)


@pytest.mark.parametrize("name", ["supervised_network", "aae", "vae"])
def test_networks_do_what_they_can(name):
    reports = []
    scores = score(fit(name, report=lambda *a: reports.append(a)))
    floor = score(fit_mean_spectrum(ROWS))
    assert [done for done, _, _ in reports] == list(range(1, 41)) and {n for _, n, _ in reports} == {40}
    assert "nan" not in reports[-1][2]
    for descriptor in ("position", "width"):
        # From a few styles, by a line, less is read than by a network.
        assert scores["descriptors"][descriptor]["spearman"] > (0.6 if scores["has_styles"] else 0.95)
        assert scores["descriptors"][descriptor]["mae"] < floor["descriptors"][descriptor]["mae"]
    assert np.isnan(scores["descriptors"]["never known"]["mae"])
    assert scores["generates"] == scores["has_styles"] == (name != "supervised_network")
    if scores["generates"]:
        assert scores["reconstruction"]["mae"] < 0.5 * floor["reconstruction"]["mae"]
        assert np.isfinite(scores["styles"]["inter_style"]["excess"])


@pytest.mark.parametrize("name", ["supervised_network", "aae", "vae"])
def test_the_seed_decides(name):
    first, again, other = (fit(name, epochs=2, seed=seed).read(HELD_OUT[0])[:, :2] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_supervised_error_counts_known_values_alone():
    chosen = settings("supervised_network", members=1, input_noise=0.0)
    module = baselines._SupervisedNetworks(ROWS, chosen, ("spectrum",), 1, 0)
    with torch.no_grad():
        out_NK = module(torch.as_tensor(ROWS.validation_NE))[0].numpy()
    errors = []
    for k in range(2):
        train_N = ROWS.train_NK[np.isfinite(ROWS.train_NK[:, k]), k]
        standard_N = (ROWS.validation_NK[:, k] - train_N.mean()) / train_N.std()
        errors.append(np.nanmean((out_NK[:, k] - standard_N) ** 2))
    # The descriptor that is never known adds nothing to the mean over three.
    assert float(module.validation_errors()) == pytest.approx(sum(errors) / 3, rel=1e-4)


def test_vae_loss_is_the_evidence_lower_bound():
    chosen = settings("vae", trials=1, input_noise=0.0, deviation=0.1)
    module = baselines._VariationalAutoencoders(ROWS, chosen, 3, 0)
    spectra_TBE = torch.as_tensor(ROWS.train_NE[:20]).unsqueeze(0)
    mean, log_variance = (t[0].detach() for t in module.encode(spectra_TBE))
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(-1)
    state = module.draws[0].get_state()
    torch.zeros(20, 30).normal_(generator=module.draws[0])  # the input noise is drawn first
    drawn = mean + posterior.scale * torch.randn(20, 3, generator=module.draws[0])
    module.draws[0].set_state(state)
    likelihood = torch.distributions.Normal(module.decode(drawn.unsqueeze(0))[0], 0.1)
    constant = torch.distributions.Normal(0.0, 0.1).log_prob(torch.tensor(0.0)) * 30
    bound = likelihood.log_prob(spectra_TBE[0]).sum(-1) - constant - divergence
    loss = module.losses(spectra_TBE, torch.zeros(1, 20, 0))
    assert loss.item() == pytest.approx(float(-bound.detach().mean() * 2 * 0.1**2 / 30), rel=1e-4)


def test_best_epoch_of_each_network_is_kept():
    class Fake(baselines._Networks):
        def __init__(self):
            super().__init__(2, 1e-3, 0.0, 0.0, 0)
            self.weight = torch.nn.Parameter(torch.zeros(2, 3))
            self.errors = torch.zeros(2)

        def losses(self, spectra_TBE, descriptors_TBK):
            return self.weight.sum(1)

        def validation_errors(self):
            return self.errors

    module, keep = Fake(), baselines._KeepBest(2)
    for value, errors in enumerate(([3.0, 1.0], [2.0, float("nan")], [4.0, 5.0])):
        with torch.no_grad():
            module.weight.fill_(value)
        module.errors = torch.tensor(errors)
        keep.on_train_epoch_end(None, module)
    assert keep.error_T.tolist() == [2.0, 1.0]
    assert keep.weights["weight"][:, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("name", ["supervised_network", "vae"])
def test_divergence_is_said(name):
    chosen = settings(name, **{"members" if name == "supervised_network" else "trials": 2}, rate=1e30)
    chosen = replace(chosen, max_epochs=3)
    with pytest.raises(RuntimeError, match="diverged before a usable epoch"):
        if name == "vae":
            baselines.fit_vae(ROWS, chosen, 4, 0, lambda *a: None)
        else:
            baselines.fit_networks(ROWS, chosen, ("spectrum",), 2, 0, 1, lambda *a: None)
