import numpy as np
import pytest
import torch
from torch import nn

from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder, Discriminator
from rankaae_cli.networks.convolution import TrialConvolution
from rankaae_cli.networks.layers import (
    LayerNorm,
    TrialBatchNorm,
    TrialLinear,
    TrialSwish,
    activation,
    hidden_norm,
    mlp,
    trial_generators,
)


def test_linear_equals_one_layer_a_trial():
    layer = TrialLinear(4, 3, trial_generators(0, range(2)))
    x = torch.randn(2, 7, 4)
    for t in range(2):
        expected = x[t] @ layer.weight[t] + layer.bias[t]
        np.testing.assert_allclose(layer(x)[t].detach(), expected.detach(), atol=1e-6)


def test_batch_norm_equals_torch_in_training_and_evaluation():
    ours, theirs = TrialBatchNorm(1, 5), nn.BatchNorm1d(5, affine=False)
    for _ in range(3):
        x = torch.randn(1, 64, 5) * 2 + 1
        np.testing.assert_allclose(ours(x)[0], theirs(x[0]), atol=1e-5)
    ours.eval(), theirs.eval()
    # torch keeps the unbiased variance for evaluation: 64 / 63 of ours.
    np.testing.assert_allclose(ours(x)[0], theirs(x[0]), rtol=0.02, atol=0.02)


def test_batch_norm_gradient_equals_finite_differences():
    norm = TrialBatchNorm(2, 3).double()
    x = torch.randn(2, 7, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: norm(v), x)


def test_layer_norm_equals_torch():
    x = torch.randn(2, 6, 8)
    np.testing.assert_allclose(LayerNorm()(x), nn.LayerNorm(8)(x).detach(), atol=1e-6)


def test_unknown_norm():
    with pytest.raises(ValueError, match="layer, batch or none"):
        hidden_norm("group", 1, 4)


def test_swish_begins_as_silu_and_each_unit_of_a_trial_learns_its_slope():
    x, swish = torch.randn(2, 7, 3), TrialSwish(2, 3)
    torch.testing.assert_close(swish(x), nn.functional.silu(x))
    slopes = torch.tensor([[[0.5, 1.0, 2.0]], [[-1.0, 0.0, 3.0]]])
    swish.excess.data = slopes - 1
    torch.testing.assert_close(swish(x), x / (1 + torch.exp(-slopes * x)))
    swish(x).sum().backward()
    assert swish.excess.grad.shape == (2, 1, 3) and (swish.excess.grad != 0).all()


def test_unknown_activation():
    with pytest.raises(ValueError, match="silu or swish"):
        activation("relu", 1, 4)


def test_activations_draw_no_random_numbers():
    silu, swish = (
        mlp([5, 8, 8, 2], "batch", trial_generators(0, range(2)), kind) for kind in ("silu", "swish")
    )
    x = torch.randn(2, 9, 5)
    torch.testing.assert_close(silu(x), swish(x))


@pytest.mark.parametrize("norm", ["layer", "batch", "none"])
def test_shapes_and_positive_spectra(norm):
    model = Autoencoder(Architecture(points=30, styles=4, hidden=8, norm=norm), trial_generators(0, range(3)))
    styles, out = model(torch.randn(1, 11, 30))
    assert styles.shape == (3, 11, 4) and out.shape == (3, 11, 30)
    assert (out >= 0).all()
    np.testing.assert_allclose(styles.detach().mean(1), 0, atol=1e-3)


@pytest.mark.parametrize("points", [30, 100, 256])
def test_convolutions_take_any_grid_and_keep_the_trials_apart(points):
    def model(trials):
        generators = trial_generators(0, range(trials))
        return Autoencoder(
            Architecture(points=points, styles=4, hidden=8, network="cnn", channels=2), generators
        )

    spectra = torch.rand(1, 11, points)
    styles, out = model(3)(spectra)
    assert styles.shape == (3, 11, 4) and out.shape == (3, 11, points)
    alone = model(1)(spectra)[1]
    np.testing.assert_allclose(alone[0].detach(), out[0].detach(), atol=1e-4)


def test_convolution_equals_one_layer_a_trial():
    layer = TrialConvolution(2, 3, 5, 2, trial_generators(0, range(2)))
    x = torch.randn(2, 4, 2, 20)
    for t in range(2):
        padded = nn.functional.pad(x[t], (2, 2), mode="replicate")
        expected = nn.functional.conv1d(padded, layer.weight[t], layer.bias[t], stride=2)
        np.testing.assert_allclose(layer(x)[t].detach(), expected.detach(), atol=1e-5)


def test_unknown_network():
    with pytest.raises(ValueError, match="mlp or cnn"):
        Autoencoder(Architecture(points=30, styles=4, network="transformer"), trial_generators(0, range(1)))


def test_retaken_statistics_standardise_real_spectra():
    model = Autoencoder(Architecture(points=30, styles=4, hidden=8), trial_generators(0, range(2)))
    spectra = torch.rand(50, 30)
    model.retake_statistics([spectra.unsqueeze(0)])
    assert model.training
    styles = model.eval().encode(spectra.unsqueeze(0)).detach()
    np.testing.assert_allclose(styles.std(1, correction=0), 1, atol=1e-2)


def test_discriminator_gives_one_logit_a_row():
    assert Discriminator(4, trial_generators(0, range(3)))(torch.randn(3, 9, 4)).shape == (3, 9)


def test_generators_depend_on_seed_trial_and_stream_alone():
    def first(seed, trial, stream):
        return float(torch.rand(1, generator=trial_generators(seed, [trial], stream)[0]))

    assert first(1, 2, 0) == float(torch.rand(1, generator=trial_generators(1, range(5), 0)[2]))
    assert len({first(s, t, r) for s in (0, 1) for t in (0, 1) for r in (0, 1)}) == 8
