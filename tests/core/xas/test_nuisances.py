"""What separates a measured spectrum from a computed one, drawn and integrated over."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from rankaae_cli.core.xas.nuisances import DRAWS, Nuisances, draw_nuisances, posterior_weights

GRID = np.arange(8980.0, 9020.0, 0.25)


def one(**changes):
    none = {"shift_M": 0.0, "stretch_M": 0.0, "broadening_M": 0.0, "amplitude_M": 1.0, "damping_M": 0.0}
    return Nuisances(**{name: np.array([value]) for name, value in (none | changes).items()})


def step(energy, width=2.0):
    return 0.5 + np.arctan((energy - 8995) / width) / np.pi


def test_draws_are_centred_on_no_change_and_as_wide_as_told():
    draws = draw_nuisances(1.5, 4096)
    assert draws.shift_M.mean() == pytest.approx(0, abs=0.05)
    assert draws.shift_M.std() == pytest.approx(1.5, rel=0.03)
    assert draws.amplitude_M.mean() == pytest.approx(1, abs=0.01)
    assert (draws.broadening_M >= 0).all() and (draws.broadening_M == 0).mean() == pytest.approx(
        0.5, abs=0.02
    )
    five = np.stack(list(vars(draws).values()))
    assert np.abs(np.corrcoef(five) - np.eye(5)).max() < 0.05


def test_a_certain_offset_is_not_moved():
    draws = draw_nuisances(0.0)
    assert len(draws.shift_M) == DRAWS and not draws.shift_M.any()


def test_a_shift_moves_the_edge_up_and_a_stretch_widens_about_it():
    moved = step(one(shift_M=2.0).energies(GRID, 8995.0))[0]
    assert GRID[moved.searchsorted(0.5)] == 8997.0
    stretched = step(one(stretch_M=0.1).energies(GRID, 8995.0))[0]
    np.testing.assert_allclose(stretched, step(GRID, 2.2), atol=1e-12)


@pytest.mark.parametrize("damping", [-0.2, 0.3])
def test_damping_leaves_the_edge_step_and_zero_and_moves_the_white_line(damping):
    mu = np.array([[0.0, 1.0, 1.5]])
    changed = one(damping_M=damping).absorption(mu, 0.25)[0]
    assert changed[:2] == pytest.approx([0.0, 1.0])
    assert (changed[2] - 1.5) * damping > 0


def test_broadening_is_a_gaussian_in_ev():
    line = np.exp(-0.5 * ((GRID - 9000) / 1.2) ** 2)
    broad = one(broadening_M=1.6).absorption(line[None], 0.25)[0]
    np.testing.assert_allclose(broad, 0.6 * np.exp(-0.5 * ((GRID - 9000) / 2.0) ** 2), atol=2e-4)


def test_rows_are_broadened_each_by_its_own_width():
    draws = draw_nuisances(1.0)
    rows = step(GRID) + np.random.default_rng(0).normal(0, 0.1, (DRAWS, len(GRID)))
    none = {"damping_M": np.zeros(DRAWS), "amplitude_M": np.ones(DRAWS)}
    broad = replace(draws, **none).absorption(rows, 0.25)
    for row, sigma, found in zip(rows, draws.broadening_M / 0.25, broad, strict=True):
        expected = gaussian_filter1d(row, sigma, mode="nearest") if sigma else row
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_better_a_variant_is_reconstructed_the_more_it_counts():
    weight = posterior_weights(np.array([0.02, 0.02, 0.03, 0.04]), usual_error=0.02, span=36)
    assert weight.sum() == pytest.approx(1)
    # Nine independent points: exp(-9/2 (1.5^2 - 1)).
    assert weight[2] / weight[0] == pytest.approx(np.exp(-5.625))
    assert weight[0] == weight[1] > 0.49 and weight[3] == 0


def test_what_no_variant_reconstructs_leaves_them_all_possible():
    weight = posterior_weights(np.array([0.2, 0.21, 0.22]), usual_error=0.02, span=36)
    assert weight.min() > 0.1
