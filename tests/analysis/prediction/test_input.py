"""What a prediction reads, and what it says of what it cannot."""

import numpy as np
import pytest

from rankaae_cli.analysis.prediction.input import read_input
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.sites import MeasuredOptions, read_measured_sites
from tests.data.measured_scan import EDGES, mu, scan_energies

SPEC = FamilySpec("Cu_oxides", "Cu", "K", 8983.5 + 0.25 * np.arange(256), descriptor_names=("OS",))


def write(path, e0, factor=1.0):
    energy = scan_energies(e0)
    path.write_text(
        "".join(f"{factor * e:.7f} {m:.7f}\n" for e, m in zip(energy, mu(energy, e0), strict=True))
    )


def test_a_prediction_reads_what_an_ingest_reads_of_the_models_element(tmp_path):
    write(tmp_path / "ev.dat", EDGES["Cu"] + 6)
    write(tmp_path / "kev.dat", EDGES["Cu"] + 6, 1e-3)
    spectra, faults = read_input([str(tmp_path)], SPEC, MeasuredOptions())
    assert [one.file for one in spectra] == ["ev.dat", "kev.dat"] and faults == []
    sites, _ = read_measured_sites(tmp_path, SPEC, MeasuredOptions())
    rows = [one.on_grid(sites.energy_E, 8.0) for one in spectra]
    np.testing.assert_allclose(rows, sites.spectra_NE, atol=1e-5)


@pytest.mark.parametrize(
    ("element", "factor", "said"),
    [
        ("Fe", 1.0, "looks like Fe K (7112 eV), expected Cu K (8979 eV)"),
        ("Fe", 1e-3, "keV, or degrees of the monochromator?"),
    ],
)
def test_another_element_is_named(tmp_path, element, factor, said):
    write(tmp_path / "a.dat", EDGES[element] + 6, factor)
    spectra, ((file, reason),) = read_input([str(tmp_path)], SPEC, MeasuredOptions())
    assert spectra == [] and file == "a.dat" and said in reason


def test_the_output_of_codes_is_moved_and_its_polarisations_averaged(tmp_path):
    """Two polarisations of OCEAN from a zero of its own, an OUTCAR, and a component off the diagonal."""
    energy = np.linspace(-12, 60, 289)
    folder = tmp_path / "OCEAN" / "Spectra-4-4-4"
    folder.mkdir(parents=True)
    for k in (1, 3):
        mu_E = k * (1 + np.arctan(energy))
        np.savetxt(folder / f"absspct_Cu.0001_1s_0{k}", np.column_stack([energy, mu_E, mu_E]))
    (tmp_path / "EPSILON_BSE_OC12.OUT").write_text("1 2 3\n")
    (tmp_path / "VASP").mkdir()
    (tmp_path / "VASP" / "OUTCAR").write_text("no spectrum")
    (one,), faults = read_input([str(tmp_path)], SPEC, MeasuredOptions(code_shift=8990.0))
    assert (one.fidelity, one.is_computed, one.has_edge_step) == ("OCEAN", True, False)
    assert one.prepared.spectrum.notes == ("mean of 2 polarisations",)
    expected = 2 * (1 + np.arctan(SPEC.energy_E - 8990.0))
    np.testing.assert_allclose(one.on_grid(SPEC.energy_E, 8.0), expected, atol=1e-2)
    reasons = dict(faults)
    assert "off the diagonal" in reasons["EPSILON_BSE_OC12.OUT"]
    assert "did not get there" in reasons["VASP/OUTCAR"]
    spectra, faults = read_input([str(folder)], SPEC, MeasuredOptions())
    assert not spectra and "energies from -12 eV, from a zero of OCEAN's own" in faults[0][1]
