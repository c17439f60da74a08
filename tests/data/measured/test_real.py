"""Real scans of the XAS Data Library, where they lie beside the checkout; and the comparison with Larch."""

import importlib.util
import statistics
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.xas.edges import edge_energy
from rankaae_cli.core.xas.normalisation import normalise
from rankaae_cli.core.xas.spectra import regrid
from rankaae_cli.data.measured.detect import read_folder
from rankaae_cli.data.measured.prepared import on_energies, prepare

LIBRARY = Path(__file__).parents[4] / "shared" / "data" / "xdi"
pytestmark = pytest.mark.skipif(
    not LIBRARY.is_dir(), reason=f"the measured spectra of the XAS Data Library are not at {LIBRARY}"
)
METALS = ("metal", "foil")
TETRAHEDRAL = ("k2cr2o7", "k2cro4", "na2cro4", "V2O5")


@pytest.fixture(scope="module")
def library():
    spectra, faults = read_folder(LIBRARY)
    assert faults == []
    return [prepare(spectrum) for spectrum in spectra]


def is_metal(prepared):
    return any(word in prepared.spectrum.name.lower() for word in METALS)


def half_steps(library, compound):
    return [p.normalised.half_step for p in library if p.spectrum.name.startswith(f"{compound}_")]


def test_every_file_is_read_and_normalised(library):
    files = [p for p in LIBRARY.rglob("*.xdi")]
    assert len(library) == len(files)
    assert {p.spectrum.element for p in library} == {"V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu"}
    for p in library:
        assert p.normalised is not None
        beyond, used = p.normalised.energy_M - p.normalised.e0, p.normalised.ranges
        far = (beyond > used.norm1) & (beyond < used.norm2)
        assert abs(np.median(p.absorption_M[far]) - 1) < 0.02, p.spectrum.name
        assert p.normalised.noise < 0.01, p.spectrum.name
        assert p.absorption_M.max() < 1.7, p.spectrum.name


def test_metals_have_their_edge_where_it_is_tabulated_and_compounds_above(library):
    for p in library:
        distance = p.normalised.e0 - edge_energy(p.spectrum.element)
        low, high = (-2.0, 2.0) if is_metal(p) else (-3.0, 21.0)
        assert low <= distance <= high, (p.spectrum.name, distance)


def test_compounds_of_tetrahedral_ions_have_their_main_edge_for_edge(library):
    """Their pre-edge peak is steeper than that."""
    tetrahedral = [p for p in library if p.spectrum.name.startswith(TETRAHEDRAL)]
    assert len(tetrahedral) >= 10
    for p in tetrahedral:
        assert abs(p.normalised.e0 - p.normalised.half_step) < 2.5, p.spectrum.name


def test_no_good_spectrum_is_doubted(library):
    for p in library:
        assert p.spectrum.doubts == (), p.spectrum.name
        assert p.calibration is None or abs(p.calibration.shift) < 3.0, p.spectrum.name


def test_averaging_close_points_moves_spectra_by_less_than_their_noise(library):
    """Against the spline through every point, which only scans with close points differ from."""
    moved = 0
    for p in library:
        grid = np.arange(p.normalised.e0 - 9, p.normalised.e0 + 39, 0.25)
        difference = on_energies(p, grid, 0.0) - regrid(p.energy_M, p.absorption_M, grid, 0.0)
        assert np.sqrt(np.mean(difference**2)) < p.normalised.noise, p.spectrum.name
        closest = np.diff(p.energy_M).min()
        assert closest < 0.125 or np.abs(difference).max() < 1e-12, p.spectrum.name
        moved += np.abs(difference).max() > p.normalised.noise
    assert 0 < moved < 0.1 * len(library)


def test_scans_with_a_foil_agree_better_after_calibration(library):
    """Repeated scans of one compound, whose monochromator drifted between them."""
    for compound in ("k2cr2o7", "k2cro4", "na2cro4"):
        scans = [p for p in library if p.spectrum.name.startswith(compound)]
        assert all(p.calibration for p in scans)
        after = [p.normalised.e0 for p in scans]
        before = [p.normalised.e0 - p.calibration.shift for p in scans]
        assert np.ptp(after) < 0.5 * np.ptp(before)
        assert np.ptp(after) < 0.3


def test_manganese_is_ordered_by_its_valence(library):
    steps = [half_steps(library, compound) for compound in ("MnO", "Mn3O4", "Mn2O3", "MnO2")]
    assert all(len(s) >= 2 for s in steps)
    for lower, higher in pairwise(steps):
        assert max(lower) + 0.5 < min(higher)


@pytest.mark.skipif(
    importlib.util.find_spec("larch") is None, reason="xraylarch is not installed (extra: larch)"
)
def test_normalisation_agrees_with_larch(library):
    """Larch's pre_edge over the same points: edge steps and flattened arrays; and its own E0."""
    from larch import Group
    from larch.xafs import find_e0, pre_edge

    steps, arrays, e0s = {}, {}, {}
    for p in library:
        name, energy, values = p.spectrum.name, p.normalised.energy_M, p.normalised.mu_M
        # Larch takes the step at the measured point next to E0.
        e0 = float(energy[np.argmin(np.abs(energy - p.normalised.e0))])
        open_ranges = normalise(energy, values, e0=e0).ranges
        ours = normalise(
            energy, values, replace(open_ranges, norm2=min(open_ranges.norm2, energy[-2] - e0)), e0=e0
        )
        used = ours.ranges
        theirs = Group(energy=energy.copy(), mu=values.copy())
        options = {}
        for low, high in (("pre1", "pre2"), ("norm1", "norm2")):
            inside = np.flatnonzero(
                (energy - e0 >= getattr(used, low)) & (energy - e0 <= getattr(used, high))
            )
            # Larch's ranges leave out their last point.
            options |= {low: energy[inside[0]] - e0 + 1e-9, high: energy[inside[-1] + 1] - e0}
        pre_edge(theirs, e0=e0, nnorm=used.norm_order, npre=used.pre_order, nvict=0, **options)
        steps[name] = abs(theirs.edge_step / ours.edge_step - 1)
        within = (energy > e0 - 150) & (energy < e0 + used.norm2)
        arrays[name] = float(np.abs(theirs.flat - ours.normalised_M)[within].max())
        # Larch takes the pre-edge peak of a tetrahedral ion for the edge.
        if not name.startswith(TETRAHEDRAL):
            e0s[name] = abs(float(find_e0(energy, values)) - p.normalised.e0)
    for what, differences in (("edge step, relative", steps), ("normalised", arrays), ("E0, eV", e0s)):
        worst = max(differences, key=differences.get)
        print(
            f"\n{what}: median {statistics.median(differences.values()):.2g}, largest {differences[worst]:.2g} "
            f"({worst})",
            end="",
        )
    assert max(steps.values()) < 1e-6
    assert max(arrays.values()) < 1e-4
    # Where a spectrum has two rises of nearly one steepness, either may be chosen.
    assert statistics.median(e0s.values()) < 0.3
    assert sum(d < 0.75 for d in e0s.values()) >= 0.9 * len(e0s)
