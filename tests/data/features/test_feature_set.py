"""Sets of features: joining them, and telling those of another making apart."""

from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.features.feature_set import FeatureSet, one_below_another, side_by_side


def feature_set(model="m3gnet", names=("a", "b"), **changes):
    values = np.arange(3 * len(names), dtype=np.float32).reshape(3, len(names))
    return FeatureSet(values, tuple(names), model, **{"version": "2021", "weights": "ab" * 32} | changes)


def test_sets_stand_side_by_side_and_one_below_another():
    first, second = feature_set(), feature_set("chgnet", ("c",), version="0.3.0", weights="")
    both = side_by_side([first, second])
    assert both.names == ("a", "b", "c") and both.title == "m3gnet+chgnet 2021+0.3.0"
    np.testing.assert_array_equal(both.values_NF, np.c_[first.values_NF, second.values_NF])
    twice = one_below_another([first, first.with_rows(np.array([2]))])
    np.testing.assert_array_equal(twice.values_NF, first.values_NF[[0, 1, 2, 2]])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"model": "chgnet"}, "of chgnet 2021, not of m3gnet 2021"),
        ({"version": "2025"}, "of m3gnet 2025, not of m3gnet 2021"),
        ({"weights": "cd" * 32}, f"of weights {'cd' * 30}, not of weights {'ab' * 30}"),
        ({"weights": ""}, f"of weights unknown, not of weights {'ab' * 30}"),
        ({"names": ("a", "x")}, "without b"),
        ({"names": ("b", "a")}, "in another order"),
    ],
)
def test_another_making_is_told(changes, words):
    assert feature_set().difference(replace(feature_set(), **changes)) == words


@pytest.mark.parametrize(
    ("values", "names", "words"),
    [
        (np.zeros((3, 2)), ("a",), "has shape (3, 2), expected (N, 1)"),
        (np.zeros((3, 2)), ("a", "a"), "'a' is there twice"),
        (np.array([[0.0, np.inf]]), ("a", "b"), "feature b holds infinite values"),
    ],
)
def test_what_cannot_be_is_refused(values, names, words):
    with pytest.raises(UserError) as refusal:
        FeatureSet(values, names, "m3gnet")
    assert words in str(refusal.value)
