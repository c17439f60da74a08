"""What the page's explorer is given; how it behaves is tested in tests/browser."""

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rankaae_cli.core.labels import Subject
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.models.rankaae.export import Layer, decoder_layers, encoder_layers
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.reports.run.explorer import (
    MOST_SPECTRA,
    evenly_chosen,
    explorer_data,
    most_spectra,
    quantised,
)
from rankaae_cli.reports.run.page import page_environment
from tests.configuration import train_settings

HOSTILE = "</script><script>alert(1)</script>"
CALIBRATION = {"x": [-1.0, 1.0], "y": [4.0, 6.0], "half_width": 0.5, "coverage": 0.9, "n": 20}


def network(kind="mlp", points=8):
    m = train_settings(f"model={kind}").model
    layers = (m.encoder_layers, m.decoder_layers, m.norm.value, kind, m.channels)
    architecture = Architecture(points, 1 + m.free_styles, m.hidden, *layers)
    return Autoencoder(architecture, trial_generators(0, [0]))


def explorer(autoencoder, rows=3, points=8):
    """The explorer of a model of one descriptor, with a name and data that could end the script."""
    rng = np.random.default_rng(0)
    free = [f"free_{i}" for i in range(1, autoencoder.architecture.styles)]
    model = SimpleNamespace(
        subject=Subject(HOSTILE, "Fe", "K"),
        autoencoder=autoencoder,
        selected_trial=0,
        energy_E=np.linspace(7111, 7175, points),
        descriptor_names=("CN",),
        descriptor_units=("angstrom",),
        style_names=("CN", *free),
        style_mean_TS=np.zeros((1, 1 + len(free))),
        style_std_TS=np.ones((1, 1 + len(free))),
        calibration={"trials": [{"descriptors": {"CN": CALIBRATION}, "novelty": {"unusual": 0.1}}]},
    )
    family = SimpleNamespace(
        split_N=np.full(rows, SPLITS.index("test")),
        spectra_NE=rng.uniform(0, 2, size=(rows, points)).astype(np.float32),
        descriptors_NK=np.array([[4.0]] * (rows - 1) + [[np.nan]]),
        material_N=np.array([HOSTILE] * rows, dtype=object),
        site_N=np.arange(rows),
    )
    return explorer_data(model, family, dict.fromkeys(model.style_names, (-2.0, 2.0)))


def test_the_data_are_json_and_cannot_end_their_script():
    data = explorer(network())
    json.dumps(data, allow_nan=False)
    text = page_environment().from_string("{{ data | tojson }}").render(data=data)
    assert "<" not in text
    assert json.loads(text) == data
    assert data["real"]["materials"] == [HOSTILE] * 3 and data["real"]["descriptors"][-1] == [None]
    assert data["styles"][0]["unit"] == "Å" and data["styles"][0]["calibration"]["halfWidth"] == 0.5
    assert data["styles"][1]["calibration"] is None and not data["styles"][1]["named"]


def test_matrices_are_little_endian_levels_and_other_weights_float32():
    autoencoder = network()
    weights, expected = (
        explorer(autoencoder)["encoder"][0]["arrays"],
        encoder_layers(autoencoder, 0)[0].arrays,
    )
    weight, bias = weights["weight"], weights["bias"]
    levels = np.frombuffer(base64.b64decode(weight["levels"]), dtype="<u2").reshape(weight["shape"])
    read = weight["low"] + weight["step"] * levels
    np.testing.assert_allclose(read, expected["weight"], rtol=0, atol=np.ptp(expected["weight"]) / 131000)
    np.testing.assert_array_equal(
        np.frombuffer(base64.b64decode(bias["data"]), dtype="<f4"), expected["bias"]
    )


def test_other_weights_are_another_model():
    autoencoder = network()
    before = explorer(autoencoder)["model"]
    assert explorer(network())["model"] == before
    with torch.no_grad():
        next(autoencoder.parameters()).add_(1)
    assert explorer(autoencoder)["model"] != before


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_quantised_spectra_are_exact_enough(shift):
    spectra = np.random.default_rng(1).uniform(-0.1, 3, size=(50, 20)) + shift
    low, step, levels = quantised(spectra)
    assert levels.dtype == np.uint16 and levels.min() == 0 and levels.max() == 65535
    np.testing.assert_allclose(low + step * levels, spectra, rtol=0, atol=3e-5)


def test_spectra_that_do_not_vary_are_quantised():
    low, step, levels = quantised(np.full((2, 3), 0.7))
    np.testing.assert_allclose(low + step * levels, 0.7)


def test_the_page_holds_all_spectra_or_as_many_evenly_chosen():
    np.testing.assert_array_equal(evenly_chosen(5, 800), np.arange(5))
    chosen = evenly_chosen(2000, 800)
    assert len(chosen) == len(set(chosen)) == 800
    assert chosen[0] == 0 and chosen[-1] == 1999 and set(np.diff(chosen)) == {2, 3}


def test_large_networks_leave_room_for_fewer_spectra():
    def layers(n):
        return [Layer("linear", arrays={"weight": np.zeros((n, 1000), dtype=np.float32)})]

    numbers = [most_spectra(layers(n), 256) for n in (1, 400, 500, 1000)]
    assert numbers[0] == MOST_SPECTRA > numbers[1] > numbers[2] > numbers[3] == 100


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_the_explorer_of_a_network_of_default_size_is_small(kind):
    autoencoder = network(kind, points=256)
    rows = most_spectra([*encoder_layers(autoencoder, 0), *decoder_layers(autoencoder, 0)], 256)
    data = explorer(autoencoder, rows, 256)
    assert len(data["real"]["materials"]) == rows
    assert len(json.dumps(data)) < 1.6e6
