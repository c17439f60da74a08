import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edge_position import find_edge
from rankaae_cli.core.xas.normalisation import (
    calibration_shift,
    normalise,
    repeats,
    require_normalised,
)
from rankaae_cli.core.xas.ranges import NormalisationRanges
from rankaae_cli.core.xas.spectra import SpectrumError
from tests.data.measured_scan import edge_step_function, mu, scan_energies

E0 = 7120.0
ENERGY = scan_energies(E0)


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.01])
def test_the_edge_is_found_under_slope_and_noise(noise):
    assert find_edge(ENERGY, mu(ENERGY, E0, noise=noise)) == pytest.approx(E0, abs=0.5)


@pytest.mark.parametrize("where", [-140.0, -60.0, -12.0, 30.0, 200.0, 500.0])
@pytest.mark.parametrize("size", [-1.5, 1.5])
def test_a_glitch_is_no_edge(where, size):
    values = mu(ENERGY, E0)
    values[np.argmin(np.abs(ENERGY - E0 - where))] += size
    assert find_edge(ENERGY, values) == pytest.approx(E0, abs=0.3)


def test_noise_at_the_start_is_no_edge():
    values = mu(ENERGY, E0)
    values[:6] += [2.0, -2.0, 1.5, -1.0, 0.5, 0.0]
    assert find_edge(ENERGY, values) == pytest.approx(E0, abs=0.3)


def test_the_edge_of_the_expected_element_is_taken_in_a_scan_over_two():
    energy = scan_energies(6539.0, above=800.0)
    values = mu(energy, 6539.0, step=0.5) + 2.0 * edge_step_function(energy, 7112.0)
    assert find_edge(energy, values) == pytest.approx(7112.0, abs=1.5)
    assert find_edge(energy, values, expected=6539.0) == pytest.approx(6539.0, abs=0.5)


def test_uneven_and_nearly_equal_energies_do_not_matter():
    energy = np.sort(np.concatenate([ENERGY, ENERGY[40:120] + 0.01]))
    assert find_edge(energy, mu(energy, E0, noise=0.002)) == pytest.approx(E0, abs=0.5)


@pytest.mark.parametrize("length", [1.0, 5.9, 5.95, 6.0])
def test_a_scan_too_short_for_a_level_on_both_sides_is_refused(length):
    energy = np.linspace(E0 - length / 2, E0 + length / 2, 40)
    with pytest.raises(SpectrumError, match=r"no edge: the scan is \d\.\d eV long"):
        find_edge(energy, np.arctan(energy - E0))


@given(
    step=st.floats(0.05, 5),
    offset=st.floats(-3, 3),
    slope=st.floats(-2e-3, 2e-3),
    e0=st.floats(5000.0, 12000.0),
)
@settings(max_examples=40)
def test_a_linear_background_and_a_scale_are_taken_out(step, offset, slope, e0):
    energy = scan_energies(e0)
    done = normalise(energy, mu(energy, e0, step=step, offset=offset, slope=slope * step))
    plain = normalise(energy, edge_step_function(energy, e0))
    assert done.e0 == pytest.approx(plain.e0, abs=0.02)
    assert done.edge_step == pytest.approx(step * plain.edge_step, rel=2e-3)
    np.testing.assert_allclose(done.normalised_M, plain.normalised_M, atol=5e-3)


def test_what_was_put_in_comes_out():
    done = normalise(ENERGY, mu(ENERGY, E0, step=1.7))
    assert done.e0 == pytest.approx(E0, abs=0.3)
    assert done.edge_step == pytest.approx(1.7, rel=0.03)
    assert np.abs(done.normalised_M - edge_step_function(ENERGY, E0))[ENERGY > E0 - 100].max() < 0.04
    np.testing.assert_allclose(
        (done.post_edge_M - done.pre_edge_M)[np.argmin(np.abs(ENERGY - done.e0))], done.edge_step, rtol=0.01
    )
    # Half-way up, where the line through the two points about it crosses one half.
    assert np.interp(done.half_step, ENERGY, done.normalised_M) == pytest.approx(0.5, abs=1e-9)


def test_flattening_leaves_the_edge_and_straightens_what_is_above():
    values = mu(ENERGY, E0) + 3e-4 * np.clip(ENERGY - E0, 0, None)
    flat = normalise(ENERGY, values)
    plain = normalise(ENERGY, values, NormalisationRanges(flatten=False))
    below, far = flat.e0 > ENERGY, ENERGY > E0 + 300
    np.testing.assert_array_equal(flat.normalised_M[below], plain.normalised_M[below])
    assert np.abs(flat.normalised_M[far] - 1).max() < 0.02
    assert plain.normalised_M[far].mean() > 1.05


@pytest.mark.parametrize(("above", "order"), [(60.0, 0), (90.0, 0), (135.0, 1), (250.0, 1), (600.0, 2)])
def test_short_scans_get_low_orders_and_nearly_the_same_step(above, order):
    energy = scan_energies(E0, below=45.0, above=above)
    done = normalise(energy, mu(energy, E0, step=0.8))
    assert done.ranges.norm_order == order
    assert done.edge_step == pytest.approx(0.8, rel=0.08)
    assert done.ranges.pre1 >= energy[0] - done.e0
    assert done.ranges.norm2 <= energy[-1] - done.e0 + 1e-9


def test_ranges_that_are_given_are_used():
    asked = NormalisationRanges(-120, -40, 50, 400, pre_order=1, norm_order=1, flatten=False)
    assert normalise(ENERGY, mu(ENERGY, E0), asked, e0=E0).ranges == asked


def test_half_step_lies_above_an_intense_pre_edge_peak():
    peak = 0.9 * np.exp(-(((ENERGY - E0 + 13) / 1.0) ** 2))
    done = normalise(ENERGY, mu(ENERGY, E0, step=1.0) + peak)
    assert done.half_step == pytest.approx(E0, abs=1.0)


def tetrahedral(peak):
    """A broad edge 12 eV above a pre-edge peak of a given height, in edge steps."""
    shoulder = peak * np.exp(-(((ENERGY - E0 + 12) / 1.2) ** 2))
    return 0.4 - 4e-4 * (ENERGY - E0) + 1.2 * (edge_step_function(ENERGY, E0, width=3.0) + shoulder)


def test_like_compounds_are_normalised_alike_whether_or_not_the_pre_edge_peak_is_steeper():
    peaks = (0.1, 0.3, 0.8)
    steepest = [find_edge(ENERGY, tetrahedral(peak)) for peak in peaks]
    assert steepest[0] > E0 - 2 and steepest[-1] < E0 - 12
    done = [normalise(ENERGY, tetrahedral(peak)) for peak in peaks]
    for other in done[1:]:
        assert other.e0 == pytest.approx(done[0].e0, abs=0.1)
        assert other.edge_step == pytest.approx(done[0].edge_step, rel=2e-3)
    # An edge energy that is given is used, wherever it lies.
    assert normalise(ENERGY, tetrahedral(0.8), e0=E0 - 12.6).e0 == E0 - 12.6


def test_the_steep_foot_of_a_metals_edge_is_its_edge():
    foot, top = E0 - 8, 0.5 + np.arctan((ENERGY - E0) / 3) / np.pi
    values = 0.45 * (0.5 + np.arctan((ENERGY - foot) / 0.5) / np.pi) + 0.55 * top
    assert normalise(ENERGY, values).e0 == pytest.approx(foot, abs=0.2)


@pytest.mark.parametrize(
    ("energy", "values", "reason"),
    [
        (ENERGY, np.full(len(ENERGY), 2.0), r"mu is constant \(2\)"),
        (ENERGY, -mu(ENERGY, E0), "mu falls by .* are the columns exchanged"),
        (ENERGY, np.random.default_rng(1).normal(size=len(ENERGY)), "no edge found|mu falls"),
        (ENERGY, 1e-3 * (ENERGY - E0), "no edge found"),
        (ENERGY, -1e-3 * (ENERGY - E0), "no edge found|mu falls"),
        (
            ENERGY,
            np.where(np.arange(len(ENERGY)) == 9, np.nan, 1.0),
            "NaN or infinite values: mu of point 10",
        ),
        (
            np.linspace(E0 - 20, E0 + 60, 25),
            mu(np.linspace(E0 - 20, E0 + 60, 25), E0),
            "25 points, at least 30",
        ),
        (
            ENERGY[ENERGY > E0 - 6],
            mu(ENERGY, E0)[ENERGY > E0 - 6],
            r"begins 5\.\d eV below its edge .* at least 10 eV",
        ),
        (
            ENERGY[ENERGY < E0 + 31],
            mu(ENERGY, E0)[ENERGY < E0 + 31],
            r"ends 30\.\d eV above its edge .* at least 40 eV",
        ),
    ],
)
def test_what_cannot_be_normalised_is_named_in_a_line(energy, values, reason):
    with pytest.raises(SpectrumError, match=reason) as caught:
        normalise(energy, values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"pre1": 50, "pre2": 100}, ["pre2=100 is not below 0"]),
        ({"pre1": -30, "pre2": -150}, ["pre2=-150 is not above pre1=-30"]),
        ({"pre1": 0}, ["pre1=0 is not below 0"]),
        ({"norm1": -5}, ["norm1=-5 is not above 0"]),
        ({"norm1": 200, "norm2": 200}, ["norm2=200 is not above norm1=200"]),
        ({"pre1": float("nan")}, ["pre1=nan is not below 0"]),
        ({"pre_order": -1, "norm_order": 4}, ["pre_order=-1 is not from 0 to 3", "norm_order=4 is not"]),
    ],
)
def test_impossible_ranges_are_refused_by_their_keys(given, faults):
    with pytest.raises(UserError) as caught:
        NormalisationRanges(**given).require_possible()
    for fault in faults:
        assert f"measured.normalisation.{fault}" in str(caught.value)
    assert str(caught.value).count("\n") == 1


def test_ranges_that_are_open_or_in_order_are_possible():
    NormalisationRanges().require_possible()
    NormalisationRanges(-150, -30, 50, 800, 0, 3).require_possible()
    NormalisationRanges(pre2=-20, norm2=300).require_possible()


def test_a_range_without_points_is_named():
    with pytest.raises(SpectrumError, match=r"1 points in the pre-edge range, -150 to -149 eV .* at least 3"):
        normalise(ENERGY, mu(ENERGY, E0), NormalisationRanges(pre1=-150, pre2=-149), e0=E0)


def test_a_step_that_is_not_positive_is_named():
    with pytest.raises(SpectrumError, match=r"edge step at .* not positive"):
        normalise(ENERGY, -mu(ENERGY, E0), e0=E0)


def test_raw_absorption_is_not_taken_for_normalised():
    require_normalised(ENERGY, edge_step_function(ENERGY, E0))
    with pytest.raises(SpectrumError, match=r"said to be normalised, but mu is .* it is not normalised"):
        require_normalised(ENERGY, mu(ENERGY, E0, step=2.5, offset=-1.3))
    with pytest.raises(SpectrumError, match=r"39\.\d from 50 to 200 eV above the edge, not 0 and 1"):
        require_normalised(ENERGY, 40 * edge_step_function(ENERGY, E0))


@pytest.mark.parametrize("above", [30.0, 60.0, 300.0, 1400.0])
def test_what_is_normalised_is_judged_behind_its_edge_not_far_above_it(above):
    energy = scan_energies(E0, above=above)
    values = edge_step_function(energy, E0)
    # What a wrong slope leaves behind the range of the post-edge line.
    drift = 1 - np.clip((energy - E0 - 300) / 1000, 0, None)
    require_normalised(energy, values * drift)
    require_normalised(energy, values * drift, expected=E0 - 5)
    where = "in its last fifth" if above < 50 else "from 50 to 200 eV above the edge"
    with pytest.raises(SpectrumError, match=rf"mu is 0\.\d+ where the scan begins and 0\.\d+ {where}"):
        require_normalised(energy, 0.4 * values * drift)


def test_a_second_edge_is_not_taken_for_the_first_of_what_is_normalised():
    energy = scan_energies(E0, above=1400.0)
    values = edge_step_function(energy, E0) + 3.0 * edge_step_function(energy, E0 + 900)
    require_normalised(energy, values, expected=E0 - 5)


@pytest.mark.parametrize("error", [-4.0, 0.0, 2.2])
def test_a_foil_tells_how_far_off_the_monochromator_is(error):
    energy = scan_energies(7112.0)
    shift, e0 = calibration_shift(energy + error, mu(energy, 7112.0, step=0.5, noise=0.001), "Fe")
    assert shift == pytest.approx(-error, abs=0.3)
    assert e0 == pytest.approx(7112.0 + error, abs=0.3)


def test_a_foil_of_another_element_is_not_used():
    energy = scan_energies(7160.0)
    with pytest.raises(SpectrumError, match=r"48\.2 eV from Fe K \(7112 eV\), .* no foil of Fe"):
        calibration_shift(energy, mu(energy, 7160.0), "Fe")


@pytest.mark.parametrize("error", [-12.0, 12.0])
def test_a_shift_that_no_monochromator_needs_is_not_believed(error):
    energy = scan_energies(7112.0)
    with pytest.raises(SpectrumError, match=r"is 1[12]\.\d eV from Fe K \(7112 eV\), more than 10 eV"):
        calibration_shift(energy + error, mu(energy, 7112.0, step=0.5), "Fe")


@pytest.mark.parametrize("before", [-5.0, 0.0, 4.0])
def test_a_scan_that_begins_at_the_foils_edge_shows_none(before):
    energy = scan_energies(7112.0)
    cut = energy > 7112.0 - before
    with pytest.raises(SpectrumError, match=r"too late to show the foil's edge|no foil of Fe|no edge"):
        calibration_shift(energy[cut], mu(energy, 7112.0, step=0.5)[cut], "Fe")


def test_a_reference_that_is_the_sample_is_told_from_a_foil():
    sample, foil = mu(ENERGY, E0, noise=1e-3), mu(ENERGY, E0 - 6.0, step=0.7, noise=1e-3)
    assert repeats(0.3 * sample - 2.0, sample) and not repeats(foil, sample)
    assert repeats(-sample, sample)
    # The copy may have a noise of its own.
    assert repeats(mu(ENERGY, E0, noise=5e-3, seed=1), sample)


L3, L2 = 932.7, 952.3


def two_edges(energy, white_line=2.0):
    """Two edges of two thirds and a third of a step, each with a line at its begin."""
    step = sum(
        weight
        * (0.5 + np.arctan(2 * (energy - e0)) / np.pi + white_line / (1 + ((energy - e0 - 0.5) / 0.6) ** 2))
        for weight, e0 in ((2 / 3, L3), (1 / 3, L2))
    )
    return 0.5 - 3e-4 * (energy - L3) + 0.8 * step


def test_two_edges_are_normalised_to_the_step_of_both():
    energy = np.concatenate([np.arange(900, 925, 0.5), np.arange(925, 970, 0.1), np.arange(970, 1035, 0.5)])
    done = normalise(energy, two_edges(energy), expected=L3, span=L2 - L3)
    assert done.e0 == pytest.approx(L3, abs=0.5) and done.edge_step == pytest.approx(0.8, rel=0.05)
    levels = [done.normalised_M[np.argmin(np.abs(energy - e))] for e in (915, 945, 1020)]
    assert levels == pytest.approx([0, 2 / 3, 1], abs=0.06)
    assert L3 - 1.5 < done.half_step < L3 + 0.5
    require_normalised(energy, done.normalised_M, L3, L2 - L3)


@pytest.mark.parametrize(
    ("ranges", "last", "words"),
    [
        (NormalisationRanges(norm1=15.0), 1035, "below the second edge 19.6 eV above it"),
        (None, 985, "ends 32.[0-9] eV above its edge at 952"),
    ],
)
def test_two_edges_without_a_post_edge_behind_both_are_refused(ranges, last, words):
    energy = np.arange(900, last, 0.2)
    with pytest.raises(SpectrumError, match=words):
        normalise(energy, two_edges(energy), ranges, expected=L3, span=L2 - L3)
