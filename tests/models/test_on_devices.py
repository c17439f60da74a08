"""Every kind of networks computes on the device that its arrays are on, as CUDA asks for.

In its stead stands torch's device ``meta``, whose tensors have a shape and no numbers; an operation of two devices
fails there too.
"""

import numpy as np
import pytest
import torch

from rankaae_cli.models.diffusion.network import Graph, ScoreNetwork, Shape
from rankaae_cli.models.rankaae.module import RankAAE
from rankaae_cli.models.rankaae.networks import Architecture
from rankaae_cli.networks.layers import trial_generators
from tests.configuration import train_settings


def test_devices_are_told_apart():
    with pytest.raises(RuntimeError, match="device"):
        torch.empty(3, device="meta") + torch.empty(3)


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("+experiment=published",),
        ("model=cnn",),
        (
            "augmentation=measured",
            "objective.augmentation.core_hole=1.5",
            "objective.augmentation.damping=0.1",
        ),
        ("objective.prior.kind=mmd",),
        ("objective.prior.kind=sliced_wasserstein",),
    ],
    ids=str,
)
def test_the_losses_of_a_rankaae(overrides):
    config = train_settings(*overrides)
    m = config.model
    settings = {key: getattr(m, key) for key in ("hidden", "encoder_layers", "decoder_layers", "channels")}
    names = {"network": m.network.value, "norm": m.norm.value, "activation": m.activation.value}
    architecture = Architecture(points=256, styles=5 + m.free_styles, **settings, **names)
    module = RankAAE(architecture, config.objective, config.optimiser, 5, range(3), seed=0).to("meta")
    spectra_TBE, descriptors_TBK = (torch.empty(3, 32, width, device="meta") for width in (256, 5))
    changed_TBE = module._changed(spectra_TBE)
    losses = module._losses(module.active_losses, spectra_TBE, changed_TBE, descriptors_TBK, 0.5)
    assert set(losses) == set(module.active_losses)
    assert all(value.device.type == "meta" and value.shape == (3,) for value in losses.values())


def test_a_score_network():
    shape = Shape(cutoff=3.0, layers=2, width=16, pair_width=8, channels=4, radial=6, condition=5)
    network = ScoreNetwork(shape, trial_generators(0, [0])).to("meta")
    numbers = ((7, 4), torch.int64), ((7, 4, 3), torch.float32), ((7, 4), torch.float32)
    graph = Graph(*(torch.empty(size, dtype=kind, device="meta") for size, kind in numbers))
    has_condition_N = torch.empty(7, dtype=torch.bool, device="meta")
    found = network(graph, 0.5, torch.empty(7, 5, device="meta"), has_condition_N)
    assert found.noise_N3.shape == (7, 3) and found.noise_N3.device.type == "meta"
    assert np.shape(found.condition_NC) == (7, 5)
