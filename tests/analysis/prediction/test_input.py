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
