"""Folders of code output, in the formats that the codes write."""

import gzip

import numpy as np
import pytest

from rankaae_cli.analysis.comparison.collection import read_collections
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.readers.computed.codes.folder import (
    by_setting,
    finest,
    read_code_file,
    read_code_folder,
)
from rankaae_cli.data.readers.computed.codes.outputs import parse_vasp

ENERGY = np.linspace(-5, 30, 36)


def line(centre, size=1.0):
    return size * np.exp(-0.5 * ((ENERGY - centre) / 3) ** 2)


def rows(*columns):
    return "\n".join(" ".join(f"{value:.8E}" for value in row) for row in zip(*columns, strict=True)) + "\n"


def ocean(values):
    head = "#   iter=   54   gam= 0.3E-01   kpref= 0.7E-06\n     #   Energy   Spect   Spect(0)\n"
    return head + rows(ENERGY, values, values)


def exciting(values):
    return "# Macroscopic dielectric function epsm\n#\n" + rows(ENERGY, 0 * values, values, 0 * values)


def xspectra(values):
    return "# Final state angular momentum:   1\n# Energy (eV)   sigma\n" + rows(ENERGY, values)


def outcar(values):
    head = "  frequency dependent IMAGINARY DIELECTRIC FUNCTION (independent particle) density-density\n"
    head += "     E(ev)      X         Y         Z        XY        YZ        ZX\n  " + "-" * 60 + "\n"
    zero = 0 * values
    block = rows(ENERGY, values, 2 * values, 3 * values, zero, zero, zero)
    return "some lines\n" + head + block + "\n" + head + block.replace("E", "E") + "\n"


def vasprun(values):
    inside = "".join(
        f"<r> {e:.6f} {v:.6f} {2 * v:.6f} {3 * v:.6f} 0 0 0 </r>" for e, v in zip(ENERGY, values, strict=True)
    )
    inner = f"<dielectricfunction><imag><array><set>{inside}</set></array></imag></dielectricfunction>"
    return f'<?xml version="1.0"?><modeling>{inner}</modeling>'


@pytest.fixture
def tree(tmp_path):
    files = {
        "TiO/OCEAN/Spectra-8-8-6/absspct_Ti.0001_1s_01": ocean(line(3)),
        "TiO/OCEAN/Spectra-8-8-6/absspct_Ti.0001_1s_02": ocean(line(9)),
        "TiO/OCEAN/Spectra-8-8-6/absspct_Ti.0003_1s_01": ocean(line(5)),
        "TiO/EXCITING/Spectra-8-8-6/0/EPSILON/EPSILON_BSE_OC11.OUT": exciting(line(3)),
        "TiO/EXCITING/Spectra-8-8-6/0/EPSILON/EPSILON_BSE_OC12.OUT": exciting(line(20)),
        "TiO/EXCITING/Spectra-8-8-6/0/EPSILON/EPSILON_BSE_OC33.OUT": exciting(line(9)),
        "TiO/XSPECTRA/Spectra-6-6-5/2/dipole1/xanes.dat": xspectra(line(4)),
        "TiO/VASP/000_Ti/OUTCAR": outcar(line(6)),
        "TiO/VASP/001_Ti/vasprun.xml": vasprun(line(6)),
        "TiO2/VASP/000_Ti/OUTCAR": "",
        "TiO2/OCEAN/notes.txt": "nothing of numbers",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_code_is_read_and_its_polarisations_averaged(tree):
    spectra, faults = read_code_folder(tree)
    by = {(one.code, one.material, one.site): one for one in spectra}
    assert set(by) == {
        ("OCEAN", "TiO", 1),
        ("OCEAN", "TiO", 3),
        ("exciting", "TiO", 0),
        ("XSpectra", "TiO", 2),
        ("VASP", "TiO", 0),
        ("VASP", "TiO", 1),
    }
    mean = (line(3) + line(9)) / 2
    for one, components in ((by["OCEAN", "TiO", 1], 2), (by["exciting", "TiO", 0], 2)):
        assert np.allclose(one.absorption_M, mean, atol=1e-6)
        assert (one.setting, one.components) == ("8-8-6", components)
    for site in (0, 1):
        assert np.allclose(by["VASP", "TiO", site].absorption_M, 2 * line(6), atol=1e-5)
    assert faults == [
        (
            "TiO2/VASP/000_Ti/OUTCAR",
            "an OUTCAR without an imaginary dielectric function: the run did not get there",
        )
    ]


def test_settings_are_in_the_order_of_their_numbers(tmp_path):
    for k, centre in (("4-4-3", 3), ("10-10-8", 5), ("8-8-6", 4)):
        folder = tmp_path / "OCEAN" / f"Spectra-{k}"
        folder.mkdir(parents=True)
        (folder / "absspct_Ti.0001_1s_01").write_text(ocean(line(centre)))
    settings, _ = by_setting(tmp_path)
    assert list(settings["OCEAN"]) == ["4-4-3", "8-8-6", "10-10-8"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2\n3 4\n", "truncated: 2 rows"),
        ("1 2\n2 3\nthree 4\n4 5\n5 6\n6 7\n", "line 3 holds 'three 4' amid the rows"),
        ("1 2\n2 3\n2 4\n4 5\n5 6\n6 7\n", "two rows of one energy"),
        ("1\n2\n3\n4\n5\n6\n", "line 1 has 1 numbers, expected 2"),
        ("4.966 1\n4.967 2\n4.968 3\n4.969 4\n4.97 5\n", "from 4.966 to 4.97, expected eV over 2 or more"),
        ("1 2\n2 nan\n3 4\n4 5\n5 6\n6 7\n", "a number that is not finite"),
    ],
)
def test_a_damaged_table_says_so(tmp_path, text, reason):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(SpectrumError, match=reason):
        read_code_file(path)


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "energy,mu\n" + "".join(f"{e},{m}\n" for e, m in zip(ENERGY, line(5), strict=True)),
        "\ufeff" + rows(ENERGY, line(5)),
        rows(ENERGY, line(5)).replace(".", ","),
        rows(ENERGY, line(5)).replace(".", ",").replace(" ", ";"),
        rows(ENERGY[::-1], line(5)[::-1]).replace("E", "D"),
    ],
)
def test_a_table_is_read_however_it_is_written(tmp_path, text, folder):
    (tmp_path / "a.txt").write_text(text)
    one = read_code_folder(tmp_path)[0][0] if folder else read_code_file(tmp_path / "a.txt")
    assert np.allclose(one.energy_M, ENERGY)
    assert np.allclose(one.absorption_M, line(5), atol=1e-6)


def test_what_cannot_be_read_in_a_folder_is_named_and_the_others_are_read(tree):
    there = tree / "TiO" / "VASP"
    (there / "000_Ti" / "OUTCAR.gz").write_bytes(gzip.compress(b"not this one: OUTCAR lies beside it"))
    (there / "002_Ti").mkdir()
    (there / "002_Ti" / "OUTCAR.gz").write_bytes(gzip.compress(outcar(line(6)).encode())[:200])
    (there / "003_Ti").symlink_to(tree / "TiO")
    (there / "004_Ti").mkdir()
    (there / "004_Ti" / "OUTCAR").write_text(outcar(line(6)).replace(" 2.", "-2", 1)[:1500])
    (there / "005_Ti").symlink_to(there / "001_Ti")
    spectra, faults = read_code_folder(tree)
    assert [one.site for one in spectra if one.code == "VASP"] == [0, 1, 5]
    assert dict(faults).keys() == {
        "TiO/VASP/002_Ti/OUTCAR",
        "TiO/VASP/003_Ti",
        "TiO/VASP/004_Ti/OUTCAR",
        "TiO2/VASP/000_Ti/OUTCAR",
    }
    assert dict(faults)["TiO/VASP/002_Ti/OUTCAR"] == "it is compressed, and damaged or cut short"


def test_of_two_folders_with_one_spectrum_the_one_left_out_is_named(tmp_path):
    for name, centre in (("OCEAN", 3), ("OCEAN-2", 5), ("OCEAN-10", 7)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "absspct_Ti.0001_1s_01").write_text(ocean(line(centre)))
    (one,), left_out = finest(read_code_folder(tmp_path)[0])
    assert one.place == "OCEAN-10"
    assert [place for place, _ in left_out] == ["OCEAN", "OCEAN-2"]


def test_settings_of_several_materials_are_not_averaged(tmp_path):
    for name in ("TiO", "TiO2"):
        folder = tmp_path / name / "OCEAN" / "Spectra-4-4-4"
        folder.mkdir(parents=True)
        (folder / "absspct_Ti.0001_1s_01").write_text(ocean(line(3)))
    with pytest.raises(UserError, match="of several materials, such as TiO and TiO2\ngive the folder of one"):
        by_setting(tmp_path)


def test_sites_that_differ_by_symmetry_count_as_often_as_they_occur(tmp_path):
    """Fe4N: iron at the corner of a cube and at the centres of its faces."""
    pytest.importorskip("pymatgen")
    places = ["0 0 0", "0 .5 .5", ".5 0 .5", ".5 .5 0", ".5 .5 .5"]
    head = ["Fe4N", "1.0", "3.8 0 0", "0 3.8 0", "0 0 3.8", "Fe N", "4 1", "Direct"]
    (tmp_path / "Fe4N").mkdir()
    (tmp_path / "Fe4N" / "POSCAR").write_text("\n".join([*head, *places]) + "\n")
    for site, centre in ((0, 3), (1, 6)):
        folder = tmp_path / "Fe4N" / "VASP" / f"00{site}_Fe"
        folder.mkdir(parents=True)
        (folder / "OUTCAR").write_text(outcar(line(centre)))
    (collection,), _ = read_collections([str(tmp_path)])
    mean = collection.averages().parts[0].absorption_NE[0]
    assert np.allclose(mean, 2 * (line(3) + 3 * line(6)) / 4, atol=1e-5)
    (tmp_path / "Fe4N" / "POSCAR").unlink()
    (collection,), _ = read_collections([str(tmp_path)])
    assert np.allclose(collection.averages().parts[0].absorption_NE[0], line(3) + line(6), atol=1e-5)


def test_sites_of_xas_tools_and_the_zero_of_fdmnes_are_read(tmp_path):
    for site in (2, 11):
        folder = tmp_path / f"XAS_input_{site}_1"
        folder.mkdir()
        (folder / "CORE_DIELECTRIC_IMAG.dat").write_text(rows(ENERGY, line(site)))
    (tmp_path / "out.txt").write_text(
        "4966.0 22 1 = E_edge, Z, n_edge\nEnergy <xanes>\n" + rows(ENERGY, line(5))
    )
    spectra, faults = read_code_folder(tmp_path)
    assert [(one.code, one.site) for one in spectra] == [
        ("FDMNES", 0),
        ("VASP", 2),
        ("VASP", 11),
    ] and not faults
    assert np.allclose(spectra[0].energy_M, 4966 + ENERGY)


@pytest.mark.parametrize("text", [vasprun(line(6))[:200], "<?xml version='1.0'?><modeling></modeling>"])
def test_a_damaged_vasprun_says_so(text):
    with pytest.raises(SpectrumError, match=r"vasprun.xml"):
        parse_vasp(text)


def test_a_folder_without_output_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no output of a code\nexpected OCEAN"):
        read_code_folder(tmp_path)
