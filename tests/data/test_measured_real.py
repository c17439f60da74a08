"""Real scans of the XAS Data Library, where they lie beside the checkout; and the comparison with Larch."""

import importlib.util
import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.edges import edge_energy
from rankaae_cli.data.measured import read_folder
from rankaae_cli.data.measured_normalised import prepare

LIBRARY = Path(__file__).parents[3] / "shared" / "data" / "xdi"
pytestmark = pytest.mark.skipif(
    not LIBRARY.is_dir(), reason=f"the measured spectra of the XAS Data Library are not at {LIBRARY}"
)
METALS = ("metal", "foil")


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
    """Larch's pre_edge with our ranges: edge steps, normalised and flattened arrays; and its own E0."""
    from larch import Group
    from larch.xafs import find_e0, pre_edge

    steps, arrays, e0s = [], [], []
    for p in library:
        ours, used = p.normalised, p.normalised.ranges
        theirs = Group(energy=ours.energy_M.copy(), mu=ours.mu_M.copy())
        # E0 on a measured point, as Larch takes the step there.
        pre_edge(
            theirs,
            e0=ours.e0,
            pre1=used.pre1,
            pre2=used.pre2,
            norm1=used.norm1,
            norm2=used.norm2,
            nnorm=used.norm_order,
            npre=used.pre_order,
            nvict=0,
        )
        steps.append(abs(theirs.edge_step / ours.edge_step - 1))
        arrays.append(
            float(np.abs(theirs.flat - ours.normalised_M)[np.abs(ours.energy_M - ours.e0) > 1.0].max())
        )
        e0s.append(abs(find_e0(ours.energy_M, ours.mu_M) - ours.e0))
    print(
        f"\n{len(library)} spectra against Larch: edge step, relative: median {statistics.median(steps):.1e}, "
        f"largest {max(steps):.1e}; normalised: median {statistics.median(arrays):.1e}, largest {max(arrays):.1e}; "
        f"E0: median {statistics.median(e0s):.2f} eV, {sum(d < 0.75 for d in e0s)} within 0.75 eV"
    )
    assert statistics.median(steps) < 2e-3 and max(steps) < 0.02
    assert statistics.median(arrays) < 5e-3 and max(arrays) < 0.03
    # Where a spectrum has two rises of nearly one steepness, either may be chosen.
    assert statistics.median(e0s) < 0.5 and sum(d < 0.75 for d in e0s) >= 0.8 * len(e0s)
