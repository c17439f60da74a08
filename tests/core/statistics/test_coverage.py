import numpy as np
import pytest
from scipy.stats import binomtest

from rankaae_cli.core.statistics.coverage import coverage_by_group, wilson_interval


@pytest.mark.parametrize(("held", "n"), [(0, 5), (3, 7), (60, 61), (61, 61)])
def test_the_interval_of_a_share_is_that_of_scipy(held, n):
    theirs = binomtest(held, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(held / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_classes_are_counted_one_by_one():
    true = np.array([1.0, 1.0, 2.0, 2.0, 2.0, np.nan])
    low, high = np.array([1.0, 2.0, 1.0, 2.0, 2.0, 0.0]), np.array([2.0, 2.0, 2.0, 2.0, 3.0, 9.0])
    one, two = coverage_by_group(true, low, high, np.array(list("aabbcd")), [1, 2, 3])
    assert (one.group, one.low, one.n, one.n_materials, one.coverage, one.width) == (
        "class",
        1,
        2,
        1,
        0.5,
        0.5,
    )
    assert (two.low, two.n, two.n_materials, two.coverage) == (2, 3, 2, 1) and two.interval[0] < 0.9


def test_deciles_are_of_the_true_value():
    true = np.linspace(0, 1, 200)
    low = np.where(true > 0.9, 2.0, -1.0)
    groups = coverage_by_group(true, low, np.full(200, 3.0), np.arange(200).astype(str))
    assert [one.n for one in groups] == [20] * 10
    assert [one.coverage for one in groups] == [1.0] * 9 + [0.0]
    tied = coverage_by_group(np.repeat([0.0, 1.0], [150, 50]), np.zeros(200), np.ones(200), np.arange(200))
    assert [one.n for one in tied] == [150, 50] and tied[0].low == tied[0].high == 0
