import numpy as np
import pytest

from rankaae_cli.core.xas.energy_offset import (
    LEAST_OF_ONE,
    ReferenceShift,
    combine,
    disagreement,
    match_reference,
)

GRID = np.arange(0.0, 64.0, 0.25)


def edge(energy, at, height=0.3):
    return 0.5 + np.arctan(energy - at) / np.pi + height * np.exp(-(((energy - at - 6) / 3) ** 2))


@pytest.mark.parametrize("true", [-4.0, 0.0, 6.3])
def test_finds_the_shift_of_a_known_compound(true):
    """Twenty computed spectra like the reference among eighty whose edges lie 5 eV higher and look different."""
    heights = np.linspace(0.25, 0.35, 20)
    computed = np.stack(
        [edge(GRID, 20 + 0.1 * i / 20, h) for i, h in enumerate(heights)]
        + [edge(GRID, 25, -0.2 + i / 1000) for i in range(80)]
    )
    energy = np.arange(-60.0, 130.0, 0.5)
    found = match_reference(energy, edge(energy, 20.0 - true), GRID, computed, search=10.0)
    assert found.shift == pytest.approx(true, abs=0.15)
    assert set(found.nearest) <= set(range(20)) and found.deviation < 0.2 and not found.at_the_end


def test_a_shift_at_the_end_of_the_search_is_none():
    energy = np.arange(-60.0, 130.0, 0.5)
    found = match_reference(energy, edge(energy, 10.0), GRID, edge(GRID, 20)[None], search=5.0)
    assert found.at_the_end


def test_what_a_scan_does_not_reach_says_nothing():
    """A scan that ends within the grid is still matched, over what it has; one that hardly overlaps is not."""
    energy = np.arange(-20.0, 58.0, 0.5)
    found = match_reference(energy, edge(energy, 18.0), GRID, edge(GRID, 20)[None], search=5.0)
    assert found.shift == pytest.approx(2.0, abs=0.15)
    beyond = np.arange(50.0, 100.0, 0.5)
    assert match_reference(beyond, edge(beyond, 60.0), GRID, edge(GRID, 20)[None], 5.0).at_the_end


def shift(value, deviation=0.2):
    return ReferenceShift(value, deviation, 0.03, np.arange(3), False)


def test_references_that_disagree_make_the_offset_uncertain():
    assert combine([shift(5.0)]).uncertainty == LEAST_OF_ONE
    near, far = combine([shift(5.0), shift(5.1)]), combine([shift(4.0), shift(6.0)])
    assert near.offset == pytest.approx(5.05) and near.uncertainty == pytest.approx(0.332, abs=1e-3)
    assert far.offset == 5.0 and far.uncertainty == pytest.approx(
        6.649, abs=1e-3
    )  # tables: t 6.3138, normal 1.6449
    assert combine([shift(5.0, 3.0), shift(5.1, 3.0)]).uncertainty == pytest.approx(3.0)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_one_more_compound_lies_within_the_interval_of_90_percent_as_often_as_it_should(n):
    rng = np.random.default_rng(0)
    within = []
    for _ in range(2000):
        shifts = rng.normal(5.0, 1.0, n + 1)
        found = combine([shift(s, 0.0) for s in shifts[:n]])
        within.append(abs(shifts[n] - found.offset) <= 1.6449 * found.uncertainty)
    assert np.mean(within) == pytest.approx(0.90, abs=0.025)


@pytest.mark.parametrize(
    ("references", "apart"),
    [
        ([shift(5.0)], None),
        ([shift(5.0), shift(5.9)], None),  # less than 1 eV
        ([shift(5.0, 1.0), shift(7.5, 1.0)], None),  # each leaves open more
        ([shift(5.0), shift(6.0), shift(7.7)], 2.7),
    ],
)
def test_references_disagree_where_they_differ_by_more_than_each_leaves_open(references, apart):
    assert disagreement(references) == (None if apart is None else pytest.approx(apart))
