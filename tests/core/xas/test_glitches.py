import numpy as np
import pytest

from rankaae_cli.core.xas.glitches import full_range, glitches, jumps
from tests.data.measured_scan import edge_step_function, scan_energies

E0 = 7120.0
ENERGY = scan_energies(E0)


def spectrum(noise=1e-3, seed=0, width=1.5):
    return edge_step_function(ENERGY, E0, width) + noise * np.random.default_rng(seed).standard_normal(
        len(ENERGY)
    )


def at(distance):
    return int(np.argmin(np.abs(ENERGY - E0 - distance)))


@pytest.mark.parametrize("distance", [-30.0, -12.0, 20.0, 40.0, 70.0])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("height", [-0.1, 0.3])
def test_points_that_stand_out_are_found_where_they_are(distance, width, height):
    values, i = spectrum(), at(distance)
    values[i : i + width] += height
    ((energy, found),) = glitches(ENERGY, values, E0)
    assert energy == ENERGY[i]
    assert found == pytest.approx(height, abs=0.03)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.01, 0.05])
def test_neither_noise_nor_edges_nor_fine_structure_stand_out(noise, seed):
    for width in (0.4, 1.5):
        values = spectrum(noise, seed, width)
        assert glitches(ENERGY, values, E0) == []
        assert jumps(ENERGY, values, E0) == []


@pytest.mark.parametrize("width", [0.7, 1.0, 2.0])
def test_a_pre_edge_peak_as_narrow_as_a_core_hole_allows_is_no_glitch(width):
    """Points are 0.4 eV apart; widths are those of Gaussians."""
    values = spectrum() + 0.6 * np.exp(-(((ENERGY - E0 + 13) / width) ** 2))
    assert glitches(ENERGY, values, E0) == []


@pytest.mark.parametrize("distance", [20.0, 100.0, 300.0])
@pytest.mark.parametrize("height", [-0.08, 0.2])
def test_a_step_after_the_edge_is_a_jump(distance, height):
    values, i = spectrum(), at(distance)
    values[i:] += height
    ((energy, found),) = jumps(ENERGY, values, E0)
    assert ENERGY[i - 1] < energy < ENERGY[i]
    assert found == pytest.approx(height, abs=0.03)


def test_a_flat_top_is_a_full_detector():
    values = np.minimum(spectrum(), 1.05)
    flat = full_range(values)
    assert flat is not None and flat.stop - flat.start >= 5 and (values[flat] == 1.05).all()
    assert full_range(spectrum()) is None
    assert full_range(np.ones(9)) is None


def test_what_is_no_number_is_passed_over():
    values = np.minimum(spectrum(), 1.05)
    values[::50] = np.nan
    assert full_range(values) is not None
    assert full_range(np.full(9, np.nan)) is None
