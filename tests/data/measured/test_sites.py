import csv
import io

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.sites import (
    MeasuredOptions,
    normalisation_csv,
    read_measured_sites,
    short_margins,
)
from tests.data.measured_scan import EDGES, copper_xdi, edge_step_function, mu, scan_energies, xdi_text

SPEC = FamilySpec("Cu_oxides", "Cu", "K", 8983.5 + 0.25 * np.arange(256), descriptor_names=("OS", "CN"))


def write_scan(path, element, e0, below=150.0, above=600.0):
    energy = scan_energies(e0)
    energy = energy[np.abs(energy - e0 - (above - below) / 2) < (above + below) / 2]
    fields = (f"# Element.symbol: {element}", "# Element.edge: K")
    path.write_text(xdi_text({"energy eV": energy, "mutrans": mu(energy, e0)}, fields))


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "beamtime"
    (top / "second").mkdir(parents=True)
    (top / "one.xdi").write_text(copper_xdi(shift=2.0))
    (top / "second" / "two.xdi").write_text(copper_xdi(shift=-1.0, noise=5e-4))
    write_scan(top / "iron.xdi", "Fe", EDGES["Fe"] + 5)
    write_scan(top / "mislabelled.xdi", "Cu", EDGES["Fe"] + 5)
    write_scan(top / "short.xdi", "Cu", 8985.0, above=50.0)
    write_scan(top / "late.xdi", "Cu", 8985.0, below=8.0)
    (top / "notes.txt").write_text("dear diary\n")
    return top


def test_a_folder_becomes_sites_on_the_grid_and_all_else_a_line_that_says_why(folder):
    sites, taken = read_measured_sites(folder, SPEC, MeasuredOptions())
    assert sites.material_N.tolist() == ["one", "two"]
    assert sites.site_N.tolist() == [0, 0]
    assert sites.normalisation == "edge_step" and sites.energy_unit == "eV"
    # As far as an offset may move them: by 15 eV on either side.
    np.testing.assert_array_equal(sites.energy_E, 8968.5 + 0.25 * np.arange(376))
    assert np.isnan(sites.descriptors_NK).all() and sites.descriptors_NK.shape == (2, 2)
    assert short_margins(SPEC.energy_E, sites.energy_E, taken) == []
    true = edge_step_function(sites.energy_E, EDGES["Cu"] + 6.0)
    known = dict(zip(sites.quantity_names, sites.quantities_NQ.T, strict=True))
    assert known["calibration"] == pytest.approx([-2.0, 1.0], abs=0.3)
    assert known["e0"] == pytest.approx(EDGES["Cu"] + 6.0, abs=0.4)
    assert dict(zip(sites.quantity_names, sites.quantity_units, strict=True))["e0"] == "eV"
    assert np.abs(sites.spectra_NE - true).mean(axis=1).max() < 0.03
    assert [p.spectrum.name for p in taken] == ["one", "two"]
    reasons = {r.material: r.reason for r in sites.rejected}
    assert sorted(reasons) == ["iron", "late", "mislabelled", "notes.txt", "short"]
    for name, said in {
        "iron": "wrong element: the file says Fe, expected Cu",
        "mislabelled": "looks like Fe K (7112 eV), expected Cu K (8979 eV)",
        "short": "at the high end (nothing is made up there)",
        "late": "too short a pre-edge",
        "notes.txt": "there are no rows of numbers",
    }.items():
        assert said in reasons[name]


def test_a_short_scan_leaves_less_beyond_the_familys_grid(folder):
    write_scan(folder / "shorter.xdi", "Cu", 8990.0, above=65.3)
    sites, taken = read_measured_sites(folder, SPEC, MeasuredOptions())
    (said,) = short_margins(SPEC.energy_E, sites.energy_E, taken)
    beyond, end = sites.energy_E[-1] - SPEC.energy_E[-1], taken[2].energy_M[-1]
    assert said == (
        f"the energies go on {beyond:g} eV above the family's instead of 15, since shorter ends at {end:.1f} eV"
    )
    assert sites.energy_E[0] == 8968.5 and sites.energy_E[-1] < 8990.0 + 65.3
    assert sites.energy_E[-1] >= SPEC.energy_E[-1] and set(SPEC.energy_E) <= set(sites.energy_E)


def test_the_table_says_what_was_done_to_each(folder):
    _, taken = read_measured_sites(folder, SPEC, MeasuredOptions())
    rows = list(csv.DictReader(io.StringIO(normalisation_csv(taken))))
    assert [row["name"] for row in rows] == ["one", "two"]
    assert float(rows[0]["calibration"]) == pytest.approx(-2.0, abs=0.3)
    assert float(rows[0]["e0"]) == pytest.approx(EDGES["Cu"] + 6.0, abs=0.4)
    assert float(rows[0]["edge_step"]) == pytest.approx(1.2, rel=0.05)
    assert rows[0]["mu"] == "log(i0/itrans)" and "calibrated by" in rows[0]["notes"]
    assert rows[0]["file"] == str(folder / "one.xdi")


def test_options_reach_the_reader_and_the_normalisation(folder):
    sites, taken = read_measured_sites(folder, SPEC, MeasuredOptions(calibrate=False, max_tail=0.0))
    assert all(p.calibration is None for p in taken)
    sites, _ = read_measured_sites(folder / "one.xdi", SPEC, MeasuredOptions(columns={"mu": "nothing"}))
    assert [r.reason for r in sites.rejected] == [
        "there is no column 'nothing': the 4 columns are energy, i0, itrans, irefer"
    ]


def test_computed_spectra_are_sent_to_their_own_source(tmp_path):
    energy = np.linspace(8980, 9100, 60)
    rows = "".join(f"{e} {e - 8979} 0.1 1.0 1.0 0.0\n" for e in energy)
    (tmp_path / "xmu.dat").write_text(" # omega e k mu mu0 chi @#\n" + rows)
    sites, _ = read_measured_sites(tmp_path, SPEC, MeasuredOptions())
    assert "a computed spectrum: bring it in by source=feff" in sites.rejected[0].reason


def test_a_family_over_an_index_is_refused(tmp_path):
    with pytest.raises(UserError, match="is over index: measured spectra are over eV"):
        read_measured_sites(tmp_path, FamilySpec("c", "C", "K", np.arange(100.0), "index"), MeasuredOptions())


def test_the_table_says_where_there_was_no_foil(tmp_path):
    write_scan(tmp_path / "a.xdi", "Cu", 8985.0)
    (tmp_path / "b.xdi").write_text(copper_xdi())
    _, taken = read_measured_sites(tmp_path, SPEC, MeasuredOptions())
    without, with_foil = csv.DictReader(io.StringIO(normalisation_csv(taken)))
    assert without["notes"] == "energies not calibrated: the file has no foil"
    assert "not calibrated" not in with_foil["notes"]
