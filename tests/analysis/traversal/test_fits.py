"""A walk has to fit its own descriptor's matched difference better than the others'."""

from types import SimpleNamespace

import numpy as np
import pytest

from rankaae_cli.analysis.traversal.check import Comparison, Sample
from rankaae_cli.analysis.traversal.fits import describe_fits, fit_table
from rankaae_cli.core.statistics.matching import bins_of, match_rows, matched_difference

ENERGY = np.linspace(0, 1, 40)
RESPONSES = np.stack([np.exp(-((ENERGY - 0.3) ** 2) / 0.01), np.sin(9 * ENERGY)])
MODEL = SimpleNamespace(descriptor_names=("OS", "CN"), descriptor_classes={})


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(0)
    material = np.arange(300) // 2
    descriptors = rng.normal(size=(150, 2))[material] + 0.2 * rng.normal(size=(300, 2))
    spectra = descriptors @ RESPONSES + 0.3 * rng.normal(size=(300, 40))
    return Sample("all", "all rows", spectra, descriptors, material, np.empty((1, 300, 2)))


@pytest.fixture(scope="module")
def outcomes(sample):
    content = {}
    for k, name in enumerate(MODEL.descriptor_names):
        bins = bins_of(sample.descriptors_NK[:, k])
        pairs = match_rows(sample.descriptors_NK, k, bins, sample.material_N)
        matched = matched_difference(
            sample.spectra_NE, sample.descriptors_NK, k, bins, pairs, sample.material_N
        )
        nothing = np.zeros(40)
        content[name] = Comparison(bins, pairs, matched, nothing, nothing, nothing)
    return content


def walks(*responses):
    return [
        SimpleNamespace(name=name, index=k, mean=SimpleNamespace(difference_E=response_E))
        for k, (name, response_E) in enumerate(zip(MODEL.descriptor_names, responses, strict=True))
    ]


def test_true_responses_win_their_rows(sample, outcomes):
    each = walks(*RESPONSES)
    fits = describe_fits(MODEL, each, outcomes, sample, 0)
    table = fit_table(each, outcomes)
    for k, (name, fit) in enumerate(fits.items()):
        assert fit["verdict"] == "wins" and fit["rival"] == MODEL.descriptor_names[1 - k] != name
        assert fit["pearson"] == table[k, k] > 0.9 and fit["rival_pearson"] == table[k, 1 - k]
        assert fit["p_value"] <= 0.01 and fit["better_share"] == 1


def test_walks_of_the_other_descriptor_lose_also_where_they_fit_it_upside_down(sample, outcomes):
    for sign in (1, -1):
        fits = describe_fits(MODEL, walks(*(sign * RESPONSES[::-1])), outcomes, sample, 0)
        assert {fit["verdict"] for fit in fits.values()} == {"loses"}
        assert fits["OS"]["rival_pearson"] * sign > 0.9


def test_what_fits_both_alike_is_uncertain_at_best_and_what_has_no_difference_is_not_judged(sample, outcomes):
    both = (RESPONSES / RESPONSES.std(axis=1, keepdims=True)).sum(axis=0)
    fits = describe_fits(MODEL, walks(both, both), outcomes, sample, 0)
    assert "wins" not in {fit["verdict"] for fit in fits.values()}
    alone = describe_fits(MODEL, walks(*RESPONSES), {**outcomes, "CN": "too few"}, sample, 0)
    assert alone["CN"] is None and alone["OS"]["rival"] is None and alone["OS"]["verdict"] == "wins"


def test_a_walk_of_nothing_in_particular_is_what_chance_gives(sample, outcomes):
    noise = np.random.default_rng(1).normal(size=40)
    fit = describe_fits(MODEL, walks(noise, RESPONSES[1]), outcomes, sample, 0)["OS"]
    assert fit["verdict"] != "wins" and fit["p_value"] > 0.05
