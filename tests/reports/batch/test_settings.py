import math

import numpy as np
import pytest

from rankaae_cli.reports.batch.settings import differing_keys, seed_spread
from rankaae_cli.runs.directory import flattened


def config(**changes):
    plain = {
        "family.name": "Fe",
        "family.data": "data/Fe.h5",
        "data": "/x/Fe.h5",
        "seed": 0,
        "optimiser.rate": 0.01,
        "model.norm": "layer",
        "objective.rank.balanced": True,
        "device": "cpu",
        "threads": 1,
        "resume": None,
        "logger._target_": None,
    }
    return plain | {key.replace("__", "."): value for key, value in changes.items()}


def test_flattened_keeps_lists_and_empty_groups():
    nested = {"a": {"b": {"c": 1}, "d": [1, 2]}, "logger": {}}
    assert flattened(nested) == {"a.b.c": 1, "a.d": [1, 2], "logger": {}}


def test_what_only_decides_where_a_run_computes_is_no_setting():
    configs = [config(), config(device="cuda", threads=4, resume="x", logger___target_="csv")]
    assert differing_keys(configs, ["Fe", "Fe"]) == []


def test_settings_that_differ_are_found_in_their_order():
    configs = [config(seed=0), config(seed=1, optimiser__rate=0.02), config(seed=1)]
    assert differing_keys(configs, ["Fe"] * 3) == ["seed", "optimiser.rate"]


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [(1, 1.0, False), (1, True, True), (None, 0, True), ([1, 2], [1, 2], False), ([1, 2], [2, 1], True)],
)
def test_values_differ_as_a_reader_would_say(one, other, differs):
    found = differing_keys([config(model__norm=one), config(model__norm=other)], ["Fe", "Fe"])
    assert found == (["model.norm"] if differs else [])


def test_a_setting_that_a_run_lacks_differs():
    older = config()
    del older["model.norm"]
    assert differing_keys([config(), older], ["Fe", "Fe"]) == ["model.norm"]


def test_what_belongs_to_a_family_counts_within_it_alone():
    titanium = config(family__name="Ti", data="/x/Ti.h5", family__data="data/Ti.h5")
    assert differing_keys([config(), titanium], ["Fe", "Ti"]) == []
    assert differing_keys([config(), titanium, config(data="/y/Fe.h5")], ["Fe", "Ti", "Fe"]) == ["data"]


def test_seed_spread_is_the_pooled_standard_deviation():
    configs = [config(seed=s, optimiser__rate=r) for r in (0.01, 0.02) for s in (0, 1, 2)]
    values = [0.1, 0.2, 0.3, 0.7, 0.7, 1.0]
    spread = seed_spread(configs, ["Fe"] * 6, ["seed", "optimiser.rate"], values)
    expected = math.sqrt((np.var(values[:3], ddof=1) + np.var(values[3:], ddof=1)) / 2)
    assert spread.deviation == pytest.approx(expected)
    assert (spread.runs, spread.settings) == (6, 2)
    assert spread.widest == pytest.approx(0.3)


def test_other_families_and_unknown_values_are_no_repetition():
    configs = [config(seed=0), config(seed=1), config(seed=1)]
    assert seed_spread(configs, ["Fe", "Ti", "Fe"], ["seed"], [0.1, 0.2, math.nan]) is None


def test_the_same_seed_again_is_no_repetition():
    assert seed_spread([config(), config()], ["Fe", "Fe"], [], [0.1, 0.1]) is None
