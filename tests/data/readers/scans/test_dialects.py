"""Formats of beamlines and control programs, told by what their headers say."""

import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.detect import read_measured
from tests.data import beamline_files as files
from tests.data.beamline_files import DEGREES, ENERGY, I0, IF, IR, IT, MU, ONE, rows

NINE_BM = ("Mono Energy *", "Scaler preset time *", "SIS scaler time prese", "I0-32", "It-32", "Iref-32")
TRANSMISSION = {
    "Photon Factory": files.photon_factory(),
    "SSRL": files.ssrl(),
    "SRS": files.srs(elements=0),
    "DUBBLE": files.srs(elements=9),
    "SRS, 32 elements": files.srs(elements=32, end="  DATA ABORTED\n"),
    "LNLS": files.lnls(),
    "XDAC": files.xdac(),
    "APS 9BM": files.labview(NINE_BM, ENERGY, ONE, ONE, I0, IT, IR),
    "APS 20BM": files.labview(("Mono Energy *", "Scaler preset time *", "I0", "It"), ENERGY, ONE, I0, IT),
    "APS 20ID": files.labview(
        ("Mono Energy (alt) *", "ID Gap *", "PreKB-I0", "IT"), ENERGY, 12 * ONE, I0, IT
    ),
    "APS 13ID": files.epics_scan(),
    "APS 12BM": files.exafs_scan(),
    "HXMA": files.hxma(),
    "PHOENIX": files.phoenix(),
    "P65": files.p65(),
    "fio": files.fio(),
    "Elettra": files.elettra(),
    "LISA": files.lisa(),
    "BM23": files.bm23(),
}


def read(folder, text, columns=None):
    (folder / "scan.dat").write_text(text)
    (spectrum,) = read_measured(folder / "scan.dat", columns, "Fe", "K")
    return spectrum


@pytest.mark.parametrize("beamline", TRANSMISSION)
def test_transmission_is_read_as_the_beamline_writes_it(tmp_path, beamline):
    spectrum = read(tmp_path, TRANSMISSION[beamline])
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=0.01)
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / IT), atol=1e-4)


@pytest.mark.parametrize("modes", ["0 0 1 3", "0         0         1         3         3"])
def test_fluorescence_of_the_photon_factory_is_told_by_its_modes(tmp_path, modes):
    elements = len(modes.split()) - 3
    spectrum = read(tmp_path, files.photon_factory(modes, (I0, *[IF / elements] * elements)))
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=0.01)
    np.testing.assert_allclose(spectrum.mu_M, IF / I0, atol=1e-7)


def test_other_facilities_write_9809_too(tmp_path):
    for facility in ("SPring-8  01b1", "SAGA-LS   BL11", "AichiSR   BL5S1"):
        text = files.photon_factory().replace("KEK-PF   BL00", facility)
        np.testing.assert_allclose(read(tmp_path, text).energy_M, ENERGY, atol=0.01)


def test_columns_by_number_count_as_in_the_file(tmp_path):
    chosen = {"energy": 1, "i0": 4, "itrans": 5, "unit": "degrees", "d_spacing": files.D_111}
    spectrum = read(tmp_path, files.photon_factory(), chosen)
    np.testing.assert_allclose(
        np.sin(np.radians(DEGREES + 0.02)) * spectrum.energy_M, 12398.42 / 6.27102, rtol=1e-5
    )
    by_number = read(tmp_path, files.lnls(), {"energy": 3, "mu": 10})
    np.testing.assert_allclose(by_number.mu_M, IF / I0, rtol=1e-5)


def test_angles_take_the_spacing_that_a_header_says(tmp_path):
    for line in (
        f"# Mono d-spacing: {files.D_111}",
        f"# crystal Si(111), d = {files.D_111} A",
        f"# d_spacing={files.D_111}",
    ):
        spectrum = read(tmp_path, f"{line}\n# theta i0 it\n" + rows(DEGREES, I0, IT))
        np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=0.01)
    with pytest.raises(SpectrumError, match="needs the lattice spacing in angstrom"):
        read(tmp_path, f"# 2d = {2 * files.D_111} A\n# theta i0 it\n" + rows(DEGREES, I0, IT))


def test_what_athena_takes_for_the_crystal_of_the_srs_is_said(tmp_path):
    notes = read(tmp_path, files.srs()).notes
    assert "the file does not say the lattice spacing: 3.13543 angstrom, of Si(111), was taken" in notes
    other = read(tmp_path, files.srs(), {"d_spacing": 1.9201})
    assert other.energy_M[0] == pytest.approx(ENERGY[0] * 3.13543 / 1.9201, rel=1e-4)


def test_energies_of_fdmnes_count_from_the_edge_of_its_header(tmp_path):
    spectrum = read(tmp_path, files.fdmnes())
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=0.01)
    assert spectrum.notes == ("energies count from the edge of the header, 7111.2 eV, which was added",)
    header = (
        "   7.1112E+03    26    1 1 0.0 = E_edge, Z, n_edge, j_edge, Abs_before_edge\n    Energy    <xanes>\n"
    )
    np.testing.assert_allclose(read(tmp_path, header + rows(ENERGY - 7111.2, MU)).energy_M, ENERGY, atol=0.01)
    absolute = read(tmp_path, header + rows(ENERGY, MU))
    np.testing.assert_allclose(absolute.energy_M, ENERGY)
    assert absolute.notes == ()
    with pytest.raises(SpectrumError, match="from a zero of their own"):
        read(tmp_path, "    Energy    <xanes>\n" + rows(ENERGY - 7111.2, MU))


def test_normalised_spectra_of_athena_are_known(tmp_path):
    spectrum = read(tmp_path, files.athena_nor())
    assert (spectrum.columns_used, spectrum.is_normalised, spectrum.element) == ("flat", True, "Fe")


def test_currents_of_the_iss_have_names_behind_two_hashes(tmp_path):
    spectrum = read(tmp_path, files.iss())
    assert (spectrum.columns_used, spectrum.reference_M is not None) == ("log(i0/itrans)", True)
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / IT), atol=1e-4)
