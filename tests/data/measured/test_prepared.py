from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.xas.edges import edge_energy
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.from_scan import spectrum_of
from rankaae_cli.data.measured.prepared import begins_in_pre_edge, on_energies, prepare
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum
from rankaae_cli.data.readers.scans.raw_scan import Contents
from rankaae_cli.data.readers.scans.xdi import read_xdi
from tests.data.measured_scan import EDGES, copper_xdi, edge_step_function, mu, scan_energies

ENERGY = scan_energies(EDGES["Cu"])
GRID = 8983.5 + 0.25 * np.arange(256)


def compound(shift=0.0, change=("", ""), **options):
    (scan,) = read_xdi(Contents(Path("a.xdi"), copper_xdi(shift=shift, **options).replace(*change)))
    return spectrum_of(scan)


@pytest.mark.parametrize("shift", [-5.0, 0.0, 3.3])
def test_the_foil_takes_out_the_monochromators_error_and_nothing_else(shift):
    done, true = prepare(compound(shift)), prepare(compound(0.0))
    assert done.calibration.shift == pytest.approx(-shift, abs=0.3)
    # The compound's edge stays 6 eV above the foil's: it is not aligned by itself.
    assert done.normalised.e0 == pytest.approx(EDGES["Cu"] + 6.0, abs=0.4)
    assert done.normalised.e0 == pytest.approx(true.normalised.e0, abs=0.05)
    np.testing.assert_array_equal(done.energy_M, done.spectrum.energy_M + done.calibration.shift)
    assert f"calibrated by {done.calibration.shift:+.2f} eV: the Cu foil has" in done.spectrum.notes[-1]
    uncalibrated = prepare(compound(shift), calibrate=False)
    assert uncalibrated.calibration is None
    assert uncalibrated.normalised.e0 == pytest.approx(EDGES["Cu"] + 6.0 + shift, abs=0.4)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            ("Cu foil", "Mn filter"),
            "not calibrated: the reference, 'Mn filter', is not said to be a metal foil",
        ),
        (
            ("# Sample.reference: Cu foil", "# Element.reference: Fe"),
            "not calibrated: reference, a foil of Fe as the file says: its edge at",
        ),
        (("Cu foil", "Fe foil"), "not calibrated: reference, a foil of Fe as the file says: its edge at"),
        (("Cu foil", "nickel foil"), "not calibrated: reference, a foil of Ni as the file says: its edge at"),
        (("Cu foil", "Ni 5 um foil"), r"more than 10 eV: it is no foil of Ni"),
        (("# Sample.reference: Cu foil", "# Element.reference: Xx"), "not calibrated"),
    ],
)
def test_a_reference_that_is_no_foil_is_not_used_and_that_is_said(change, note):
    done = prepare(compound(2.0, change))
    assert done.calibration is None
    assert note in done.spectrum.notes[-1]


@pytest.mark.parametrize(
    "fields",
    ["# Element.reference: cu\n# Element.ref_edge: k", "# Element.reference: CU\n# Element.ref_edge: K-edge"],
)
def test_the_foils_element_and_edge_may_be_spelt_in_any_way(fields):
    done = prepare(compound(2.0, ("# Sample.reference: Cu foil", fields)))
    assert done.calibration.shift == pytest.approx(-2.0, abs=0.3)
    assert (done.calibration.element, done.calibration.edge) == ("Cu", "K")
    assert "taken for" not in done.spectrum.notes[-1]


def test_a_reference_of_which_nothing_is_said_is_taken_for_a_foil_of_the_element():
    done = prepare(compound(2.0, ("# Sample.reference: Cu foil\n", "")))
    assert done.calibration.shift == pytest.approx(-2.0, abs=0.3)
    assert "taken for the reference as the file does not say what it is" in done.spectrum.notes[-1]


def spectrum(energy, values, **attributes):
    return MeasuredSpectrum("s", Path("s"), "Cu", "K", energy, values, **attributes)


def test_computed_spectra_are_never_shifted_nor_normalised_again():
    values = edge_step_function(ENERGY, 8985.0)
    given = spectrum(ENERGY, values, reference_M=mu(ENERGY, 8990.0), is_computed=True, is_normalised=True)
    done = prepare(given)
    np.testing.assert_array_equal(done.energy_M, ENERGY)
    np.testing.assert_array_equal(done.absorption_M, values)
    assert done.calibration is None and done.normalised is None


def test_a_spectrum_that_came_normalised_is_checked_not_done_again():
    values = edge_step_function(ENERGY, 8985.0)
    done = prepare(spectrum(ENERGY, values, is_normalised=True))
    np.testing.assert_array_equal(done.absorption_M, values)
    with pytest.raises(SpectrumError, match="it is not normalised"):
        prepare(spectrum(ENERGY, mu(ENERGY, 8985.0, offset=3.0), is_normalised=True))


@pytest.mark.parametrize("element", ["Fe", "Cr", "Zn", "I"])
@pytest.mark.parametrize("normalised", [True, False])
def test_the_wrong_element_is_named_with_the_one_it_looks_like(element, normalised):
    e0 = edge_energy(element) + 4
    energy = scan_energies(e0)
    values = edge_step_function(energy, e0) if normalised else mu(energy, e0)
    wanted = rf"the edge at [\d.]+ eV looks like {element} K .*, expected Cu K \(8979 eV\)"
    with pytest.raises(SpectrumError, match=wanted):
        prepare(spectrum(energy, values, is_normalised=normalised))
    with pytest.raises(SpectrumError, match="wrong element: the file says Cu, expected Ni"):
        prepare(spectrum(energy, values), element="Ni")
    with pytest.raises(SpectrumError, match="wrong edge: the file says K, expected L3"):
        prepare(spectrum(energy, values), edge="L3")


def test_a_spectrum_comes_to_the_grid_of_a_family():
    done = prepare(compound(1.5))
    on_grid = on_energies(done, GRID, max_tail=8.0)
    assert on_grid.shape == GRID.shape
    true = edge_step_function(GRID, EDGES["Cu"] + 6.0)
    # E0 of the foil, the steps of the scan and the normalisation each leave a little.
    assert np.abs(on_grid - true).mean() < 0.02


@pytest.mark.parametrize(
    ("low", "high", "missing"),
    [
        (-150.0, 50.0, r"missing are 1\d\.\d eV at the high end \(nothing is made up there\)"),
        (-14.0, 600.0, None),
    ],
)
def test_what_does_not_cover_the_grid_says_how_much_is_missing(low, high, missing):
    distance = ENERGY - 8985.0
    energy = ENERGY[(distance > low) & (distance < high)]
    done = prepare(spectrum(energy, mu(energy, 8985.0)))
    if missing is None:
        assert np.isfinite(on_energies(done, GRID, 8.0)).all()
        return
    with pytest.raises(SpectrumError, match=missing) as caught:
        on_energies(done, GRID, 8.0)
    assert "the grid from 8983.5 to 9047.2 eV" in str(caught.value)


def test_a_scan_that_begins_too_late_says_so():
    energy = ENERGY[ENERGY > 9000]
    done = prepare(spectrum(energy, np.ones(len(energy)), is_computed=True))
    with pytest.raises(
        SpectrumError, match=r"missing are 1\d\.\d eV at the low end \(at most 8 are continued\)"
    ):
        on_energies(done, GRID, 8.0)


@pytest.mark.parametrize("gap", [0.0006, 0.012])
def test_energies_read_twice_leave_a_measured_spectrum_as_it_is(gap):
    """Where the regions of a scan join, and now and then elsewhere."""
    twice = np.sort(np.concatenate([ENERGY, ENERGY[(ENERGY > 8980) & (ENERGY < 9020)][::9] + gap]))
    rows = []
    for energy in (ENERGY, twice):
        done = prepare(spectrum(energy, mu(energy, 8985.0, noise=2e-3)))
        rows.append(on_energies(done, GRID, 8.0))
    assert np.abs(rows[1] - rows[0]).max() < 0.02


def late(seed=0):
    """A scan that begins 2.5 eV after the grid and 14 eV before its edge."""
    energy = np.arange(GRID[0] + 2.5, 9400, 0.4)
    return prepare(spectrum(energy, mu(energy, energy[0] + 14.0, noise=3e-3, seed=seed)))


@pytest.mark.parametrize("seed", range(10))
def test_a_scan_that_begins_in_its_pre_edge_is_continued_by_it_whatever_its_noise(seed):
    done = late(seed)
    assert begins_in_pre_edge(done)
    before = on_energies(done, GRID, 8.0)[:10]
    np.testing.assert_array_equal(before, before[0])
    assert before[0] == pytest.approx(0.0, abs=0.03)
    assert before[0] == pytest.approx(float(done.absorption_M[:3].mean()), abs=1e-9)


def test_a_scan_that_begins_on_its_edge_is_continued_by_its_wing():
    energy = np.arange(8986.0, 9050, 0.4)
    done = prepare(spectrum(energy, 0.5 + np.arctan((energy - 8989) / 1.5) / np.pi, is_normalised=True))
    assert not begins_in_pre_edge(done)
    before = on_energies(done, GRID, 8.0)[:10]
    assert (np.diff(before) > 0).all() and 0 < before[0] < done.absorption_M[0]


def test_a_reference_that_repeats_the_sample_calibrates_nothing():
    given = compound()
    copied = replace(given, reference_M=0.4 * given.mu_M + 0.1)
    done = prepare(copied)
    assert done.calibration is None
    assert "the reference is the sample's own absorption, no foil" in done.spectrum.doubts[0]
    # Of a foil it may be a second one.
    assert prepare(replace(copied, metadata={**given.metadata, "sample.name": "Cu foil"})).calibration


def test_faults_are_told_by_the_energies_of_the_file():
    given = compound(6.0)
    keep = given.energy_M > 8973.0
    cut = replace(
        given, energy_M=given.energy_M[keep], mu_M=given.mu_M[keep], reference_M=given.reference_M[keep]
    )
    with pytest.raises(
        SpectrumError, match=r"runs from 896[67]\.\d to .* \(calibrated by -6\.\d\d eV\), the grid"
    ):
        on_energies(prepare(cut), np.arange(8950.0, 9000.0), 8.0)
    keep = given.energy_M < 9010.0
    cut = replace(
        given, energy_M=given.energy_M[keep], mu_M=given.mu_M[keep], reference_M=given.reference_M[keep]
    )
    with pytest.raises(SpectrumError, match=r"above its edge at 899[01]\.\d eV"):
        prepare(cut)


@pytest.mark.parametrize(("error", "doubts"), [(-13.0, 1), (-10.0, 0), (15.0, 0), (18.0, 1)])
def test_an_edge_far_from_the_elements_asks_for_a_calibration(error, doubts):
    """The compound's edge is 6 eV above that of the metal."""
    done = prepare(compound(error), calibrate=False)
    assert len(done.spectrum.doubts) == doubts
    for doubt in done.spectrum.doubts:
        assert f"is {abs(error + 6):.0f} eV from Cu K (8979 eV): is the monochromator calibrated?" in doubt


@pytest.mark.parametrize(
    ("error", "above", "doubts"),
    [
        (2.0, 6.0, []),
        (-3.6, 6.0, ["more than 3 eV"]),
        (6.2, -4.1, ["more than 3 eV", "below that of the metal (8979 eV)"]),
        (0.0, -4.0, ["below that of the metal (8979 eV)"]),
        (0.0, -0.5, []),
    ],
)
def test_a_foil_that_cannot_be_one_is_doubted(error, above, doubts):
    """The foil's edge is measured `error` off, the sample's lies `above` the foil's: no compound's is below."""
    given = compound(error + above - 6.0)
    reference_M = mu(given.energy_M, EDGES["Cu"] + error, step=0.7)
    done = prepare(replace(given, reference_M=reference_M, element=None), element="Cu")
    assert len(done.spectrum.doubts) == len(doubts)
    for text, doubt in zip(doubts, done.spectrum.doubts, strict=True):
        assert text in doubt and doubt.endswith("was the foil in the reference channel?")


def test_glitches_and_flat_tops_are_named_with_their_energies():
    given = compound()
    values, i = given.mu_M.copy(), int(np.argmin(np.abs(given.energy_M - 9020)))
    values[i] += 0.3
    (doubt,) = prepare(replace(given, mu_M=values)).spectrum.doubts
    assert doubt.startswith(f"a glitch at {given.energy_M[i]:.1f} eV, +0.2")
    flat = prepare(replace(given, mu_M=np.minimum(given.mu_M, given.mu_M.max() - 0.1))).spectrum.doubts
    assert "mu is flat at its top from 8" in flat[-1]
