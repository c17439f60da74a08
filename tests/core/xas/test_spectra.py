import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankaae_cli.core.xas.spectra import (
    SpectrumError,
    check_spectrum,
    lorentzian_tail,
    regrid,
    regrid_noisy,
    uniform_grid,
)

GRID = 100 + 0.25 * np.arange(41)
UNEVEN = 99 + 12 * np.linspace(0, 1, 60) ** 1.3


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_a_cubic_is_reproduced_inside_the_data(coefficients):
    polynomial = np.polynomial.Polynomial(coefficients, domain=[99, 111])
    assert np.allclose(regrid(UNEVEN, polynomial(UNEVEN), GRID, 0), polynomial(GRID), atol=1e-9)


@given(st.lists(st.floats(0, 2), min_size=41, max_size=41))
def test_a_spectrum_on_the_grid_stays_as_it_is(values):
    assert np.allclose(regrid(GRID, np.array(values), GRID, 0), values, atol=1e-12)


@pytest.mark.parametrize("gap", [0.0006, 0.003, 0.012, 0.05, 0.11])
def test_points_next_to_each_other_invent_no_structure(gap):
    """Noise of 0.005 at two points `gap` apart must stay noise, wherever they are."""
    noise, largest = 0.005, 0.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        twice = rng.choice(np.arange(100, 110, 0.5)) + gap
        energy = np.sort(np.append(np.arange(98, 113, 0.5), twice))
        mu = np.arctan(energy - 104) / np.pi + noise * rng.standard_normal(len(energy))
        out = regrid_noisy(energy, mu, GRID)
        largest = max(largest, np.abs(out - np.arctan(GRID - 104) / np.pi).max())
    assert largest < 5 * noise


def test_a_scan_finer_than_the_grid_is_averaged_onto_it():
    energy = np.arange(99, 112, 0.02)
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(energy))
    done = regrid_noisy(energy, 1 + noise, GRID)
    assert np.std(done) < 0.6 * np.std(noise)
    assert np.abs(regrid_noisy(energy, np.sin(energy), GRID) - np.sin(GRID)).max() < 1e-3


def test_without_neighbours_a_noisy_spectrum_is_brought_to_the_grid_by_the_same_spline():
    mu = np.random.default_rng(0).standard_normal(60)
    energy = np.linspace(99, 111, 60)
    np.testing.assert_array_equal(regrid_noisy(energy, mu, GRID), regrid(energy, mu, GRID, 0))


@given(value=st.floats(1e-3, 1), slope=st.floats(1e-4, 1), width=st.floats(0.1, 8))
def test_the_tail_joins_in_value_and_slope_and_falls_monotonically(value, slope, width):
    energy = np.linspace(100 - width, 100, 400)
    tail = lorentzian_tail(energy, 100.0, value, slope)
    assert tail[-1] == pytest.approx(value)
    h = 1e-5
    below, above = lorentzian_tail(np.array([100 - h, 100.0]), 100.0, value, slope)
    assert (above - below) / h == pytest.approx(slope, rel=1e-2)
    assert (tail > 0).all()
    assert (np.diff(tail) > 0).all()


@given(centre=st.floats(4, 30), strength=st.floats(0.1, 10))
def test_the_wing_of_a_broadened_edge_is_continued_exactly(centre, strength):
    def wing(energy):
        return strength / (100 + centre - energy)

    energy = np.linspace(100, 102, 81)
    grid = np.arange(96, 101.9, 0.25)
    assert np.allclose(regrid(energy, wing(energy), grid, 8), wing(grid), rtol=1e-3)


def test_nothing_is_made_up_above_the_last_energy():
    with pytest.raises(SpectrumError, match="ends at 109 before the grid's end 110"):
        regrid(np.linspace(99, 109, 50), np.ones(50), GRID, 8)


def test_a_tail_longer_than_allowed_is_refused():
    energy = np.linspace(104, 112, 50)
    with pytest.raises(
        SpectrumError, match=r"starts at 104, 4.0 above the grid's start 100: more than the 3"
    ):
        regrid(energy, energy - 100, GRID, 3)
    assert regrid(energy, energy - 100, GRID, 4).shape == GRID.shape


@pytest.mark.parametrize(("value", "slope"), [(0.1, 0.0), (0.1, -0.2), (0.0, 0.1), (-0.1, 0.1)])
def test_no_tail_is_matched_to_what_does_not_rise_from_above_zero(value, slope):
    with pytest.raises(SpectrumError, match="no tail below can be matched"):
        lorentzian_tail(np.array([99.0]), 100.0, value, slope)


def test_rounded_energies_do_not_count_as_missing():
    energy = np.round(GRID, 3)
    energy[0] += 1e-4
    energy[-1] -= 1e-4
    values = np.linspace(1, 0, 41)  # a falling spectrum has no tail
    assert np.allclose(regrid(energy, values, GRID, 0), values, atol=1e-3)


@pytest.mark.parametrize(
    ("energy", "mu", "reason"),
    [
        ([1, 2, 3], [1, 1, 1], "truncated: 3 points"),
        ([1, 2, 2, 3], [1, 1, 1, 1], "does not ascend: 2 follows 2 at point 3"),
        ([1, 3, 2, 4], [1, 1, 1, 1], "does not ascend: 2 follows 3 at point 3"),
        ([1, 2, 3, 4], [1, np.nan, 1, np.inf], r"NaN or infinite values: mu of point 2 \(2 in all\)"),
        ([1, 2, np.inf, 4], [1, 1, 1, 1], "NaN or infinite values: energy of point 3"),
    ],
)
def test_unsound_spectra_are_refused_with_the_reason(energy, mu, reason):
    with pytest.raises(SpectrumError, match=reason):
        check_spectrum(np.array(energy, dtype=float), np.array(mu, dtype=float))


def test_a_uniform_grid_is_start_step_and_points():
    assert uniform_grid(8983.5, 0.25, 4).tolist() == [8983.5, 8983.75, 8984.0, 8984.25]
    assert uniform_grid(0, 1, 3).dtype == float
