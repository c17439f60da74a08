"""What the page's explorer is given; how it behaves is tested in tests/browser."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.labels import Subject
from rankaae_cli.models.rankaae.export import Layer, decoder_layers, encoder_layers
from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.reports.run.explorer import (
    MOST_SPECTRA,
    Explorer,
    RealSpectra,
    Style,
    evenly_chosen,
    most_spectra,
    quantised,
)
from rankaae_cli.reports.run.page import page_environment
from tests.configuration import train_settings

HOSTILE = "</script><script>alert(1)</script>"
CALIBRATION = {"x": [-1.0, 1.0], "y": [4.0, 6.0], "half_width": 0.5, "coverage": 0.9, "n": 20}


def explorer(rows=3, points=8):
    rng = np.random.default_rng(0)
    layers = [Layer("linear", arrays={"weight": rng.normal(size=(points, 1)), "bias": np.zeros(1)})]
    return Explorer(
        subject=Subject(HOSTILE, "Fe", "K"),
        trial=1,
        energy_E=np.linspace(7111, 7175, points),
        styles=[Style("CN", "CN", HOSTILE, "angstrom", -2.0, 2.0, 0.0, 1.0, True, CALIBRATION)],
        encoder=layers,
        decoder=[Layer("softplus", {"beta": 2.0})],
        novelty={"unusual": 0.1, "outside": 0.2},
        real=RealSpectra(
            split="test",
            available=rows,
            spectra_NE=rng.uniform(0, 2, size=(rows, points)).astype(np.float32),
            descriptors_NK=np.array([[4.0]] * (rows - 1) + [[np.nan]]),
            material_N=np.array([HOSTILE] * rows, dtype=object),
            site_N=np.arange(rows),
        ),
        max_tail=8.0,
    )


def test_the_data_are_json_and_cannot_end_their_script():
    data = explorer().data
    json.dumps(data, allow_nan=False)
    text = page_environment().from_string("{{ data | tojson }}").render(data=data)
    assert "<" not in text
    assert json.loads(text) == data
    assert data["real"]["materials"] == [HOSTILE] * 3 and data["real"]["descriptors"][-1] == [None]
    assert data["styles"][0]["unit"] == "Å" and data["styles"][0]["calibration"]["halfWidth"] == 0.5


def test_weights_are_little_endian_float32():
    given = explorer()
    weight = given.data["encoder"][0]["arrays"]["weight"]
    read = np.frombuffer(base64.b64decode(weight["data"]), dtype="<f4").reshape(weight["shape"])
    np.testing.assert_array_equal(read, given.encoder[0].arrays["weight"].astype(np.float32))


def test_other_weights_are_another_model():
    given = explorer()
    changed = {**given.encoder[0].arrays, "bias": np.ones(1)}
    other = replace(given, encoder=[replace(given.encoder[0], arrays=changed)])
    assert given.data["model"] == explorer().data["model"] != other.data["model"]


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

    numbers = [most_spectra(layers(n), 256) for n in (1, 200, 250, 1000)]
    assert numbers[0] == MOST_SPECTRA > numbers[1] > numbers[2] > numbers[3] == 100


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_the_explorer_of_a_network_of_default_size_is_small(network):
    m, points = train_settings(f"model={network}").model, 256
    architecture = Architecture(
        points,
        5 + m.free_styles,
        m.hidden,
        m.encoder_layers,
        m.decoder_layers,
        m.norm.value,
        network,
        m.channels,
    )
    autoencoder = Autoencoder(architecture, trial_generators(0, [0]))
    encoder, decoder = encoder_layers(autoencoder, 0), decoder_layers(autoencoder, 0)
    rows = most_spectra([*encoder, *decoder], points)
    given = replace(explorer(rows, points), encoder=encoder, decoder=decoder)
    assert len(json.dumps(given.data)) < 1.6e6
