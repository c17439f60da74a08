"""The dispatch by contents, and folders in which one bad file stops no other."""

import gzip
import lzma

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.measured import detect as measured
from rankaae_cli.data.measured.detect import read_folder, read_measured
from tests.data.feff_folder import xmu_text as feff_text
from tests.data.measured_scan import EDGES, copper_xdi, mu, scan_energies

ENERGY = scan_energies(EDGES["Cu"])
XMU = (
    " # Cu  FEFF 9.9.1\n # Abs   Z=29 Rmt= 1.0 Rnm= 1.3 K  shell\n # xsedge+ 50, used to normalize mu  1.2E-03\n"
    " #  omega    e    k    mu    mu0     chi     @#\n"
)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("kind", ["xdi", "columns", "xmu.dat"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding, kind):
    """As editors and spreadsheets on Windows save a text."""
    columns = "".join(f"{e} {m}\n" for e, m in zip(ENERGY, mu(ENERGY, 8979), strict=True))
    text = {"xdi": copper_xdi(), "columns": columns, "xmu.dat": xmu_text()}[kind]
    (tmp_path / kind).write_bytes((("\ufeff" if encoding.endswith("be") else "") + text).encode(encoding))
    np.testing.assert_allclose(read_measured(tmp_path / kind)[0].energy_M, ENERGY, atol=1e-3)


def test_not_even_a_fault_of_the_reader_stops_other_files(tmp_path, monkeypatch):
    (tmp_path / "a.xdi").write_text(copper_xdi())
    (tmp_path / "b.txt").write_text("8979 1\n")

    def broken(contents, choice):
        if contents.path.suffix == ".xdi":
            return measured.read_xdi(contents, choice)
        raise IndexError("out of\nrange")

    monkeypatch.setattr(measured, "FORMATS", [measured.Format("any", lambda contents: True, broken)])
    spectra, faults = read_folder(tmp_path)
    assert [s.name for s in spectra] == ["a"]
    assert faults == [(tmp_path / "b.txt", "it cannot be read: IndexError: out of range")]


@pytest.mark.filterwarnings("error")
def test_numbers_that_no_detector_gives_are_refused_without_a_warning(tmp_path):
    huge = np.where(ENERGY > 8979, 1e308, -1e308)
    columns = "".join(f"{e} {m}\n" for e, m in zip(ENERGY, huge, strict=True))
    (tmp_path / "a.txt").write_text(columns)
    with pytest.raises(SpectrumError, match="NaN or infinite values: mu of point 1"):
        read_measured(tmp_path / "a.txt")
    (tmp_path / "b.xdi").write_text(copper_xdi() + "1e308 1 1 1\n")
    with pytest.raises(SpectrumError, match="no scan of an absorption edge"):
        read_measured(tmp_path / "b.xdi")


def small_family(source):
    return Family(
        name="Cu_oxides",
        element="Cu",
        edge="K",
        energy_E=8983.5 + 0.25 * np.arange(40),
        spectra_NE=np.linspace(0.1, 1.0, 120, dtype=np.float32).reshape(3, 40),
        descriptors_NK=np.full((3, 1), np.nan),
        descriptor_names=("OS",),
        descriptor_units=("e",),
        material_N=np.array(["a", "b", "c"], dtype=object),
        site_N=np.array([0, 0, 4]),
        split_N=np.zeros(3, dtype=np.uint8),
        source=source,
    )


def xmu_text():
    rows = zip(ENERGY, mu(ENERGY, EDGES["Cu"], step=1, offset=0.05, slope=0), strict=True)
    return XMU + "".join(f" {e:.3f} {e - 8979:.3f} 0.1 {m:.6E} 1.0 0.0\n" for e, m in rows)


def csv_text():
    grid = 8983.5 + 0.25 * np.arange(40)
    head = ",".join(["material", "site", "AUX_OS", *(f"ENE_{e}" for e in grid)])
    return head + "\n" + "".join(f"mp-{i},{i},2.0,{','.join(['1.0'] * 40)}\n" for i in range(3))


@pytest.mark.parametrize("name", ["a.xdi", "a.dat", "a", "a.prj", "xmu.dat"])
@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, lzma.compress])
def test_the_contents_decide_not_the_name(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(copper_xdi().encode()))
    (spectrum,) = read_measured(tmp_path / name)
    assert spectrum.columns_used == "log(i0/itrans)"
    assert spectrum.path == tmp_path / name


def test_feff_is_computed_and_normalised_and_named_by_its_folder(tmp_path):
    folder = tmp_path / "003_Cu"
    folder.mkdir()
    (folder / "xmu.dat").write_text(xmu_text())
    (spectrum,) = read_measured(folder / "xmu.dat")
    assert (spectrum.name, spectrum.element, spectrum.edge) == ("003_Cu", "Cu", "K")
    assert spectrum.is_computed and spectrum.is_normalised
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=1e-3)


@pytest.mark.parametrize("name", ["xmu.dat", "reference_xmu.dat", "a.txt"])
@pytest.mark.parametrize(
    "header", [lambda text: "# a path\n" * 5000 + text, lambda text: text.split("@#\n")[-1]]
)
def test_feff_is_told_by_what_a_file_holds(tmp_path, name, header):
    (tmp_path / name).write_text(header(feff_text()))
    (spectrum,) = read_measured(tmp_path / name)
    assert spectrum.is_computed and spectrum.is_normalised and len(spectrum) == 173


def test_tables_and_family_files_give_a_spectrum_a_row(tmp_path):
    (tmp_path / "table.csv").write_text(csv_text())
    rows = read_measured(tmp_path / "table.csv", element="Cu")
    assert [s.name for s in rows] == ["mp-0_0", "mp-1_1", "mp-2_2"]
    assert {(s.element, s.is_computed, s.is_normalised, len(s)) for s in rows} == {("Cu", True, True, 40)}
    family = small_family(source="feff")
    spectra = read_measured(write_family(tmp_path / "f.h5", family))
    assert [s.name for s in spectra] == [
        f"{m}_{s}" for m, s in zip(family.material_N, family.site_N, strict=True)
    ]
    assert all(s.is_computed and s.is_normalised and s.element == family.element for s in spectra)
    np.testing.assert_array_equal(spectra[0].mu_M, family.spectra_NE[0].astype(float))
    measured = read_measured(write_family(tmp_path / "m.h5", small_family(source="measured")))
    assert not measured[0].is_computed


def test_what_the_caller_says_fills_what_the_file_does_not(tmp_path):
    (tmp_path / "a.txt").write_text(
        "".join(f"{e} {m}\n" for e, m in zip(ENERGY, mu(ENERGY, 8979), strict=True))
    )
    (tmp_path / "b.xdi").write_text(copper_xdi())
    assert read_measured(tmp_path / "a.txt")[0].element is None
    assert read_measured(tmp_path / "a.txt", element="Cu", edge="K")[0].edge == "K"
    assert read_measured(tmp_path / "b.xdi", element="Fe")[0].element == "Cu"


def bad_files(folder):
    """One of each kind, by what is said of it."""
    bad = {
        "empty.xdi": (b"", "the file is empty"),
        "binary.dat": (b"\x01\x00\x02" * 100, "a binary file of no known kind"),
        "words.txt": (b"dear diary\n", "there are no rows of numbers"),
        "short.dat": (b"8900 1\n8901 2\n8902 3\n", "truncated: 3 points"),
        "cut.prj.gz": (
            gzip.compress(b"# Athena project file -- " + bytes(range(256)) * 9)[:60],
            "compressed, and damaged",
        ),
        "broken.h5": (b"\x89HDF\r\n\x1a\nrest", "an HDF5 file that is damaged"),
        "zeros.xdi": (None, "detector column itrans is zero at all"),
        "xmu.dat": (XMU.encode() + b"1 2 3\n", "truncated: line 5 of xmu.dat has 3 columns"),
        "table.csv": (b"material,site,ENE_1\na,1,2\n", "has 1 ENE_ columns"),
    }
    for name, (data, _) in bad.items():
        if data is None:
            lines = [
                line if line.startswith("#") else " ".join([*line.split()[:2], "0", "1"])
                for line in copper_xdi().splitlines()
            ]
            data = "\n".join(lines).encode()
        (folder / name).write_bytes(data)
    return {name: reason for name, (_, reason) in bad.items()}


def test_one_bad_file_stops_no_other_and_each_is_named_once(tmp_path):
    for i in range(20):
        (tmp_path / f"good_{i:02d}.xdi").write_text(copper_xdi(noise=1e-3, seed=i))
    expected = bad_files(tmp_path)
    (tmp_path / ".hidden").write_text("nothing")
    spectra, faults = read_folder(tmp_path)
    assert [s.name for s in spectra] == [f"good_{i:02d}" for i in range(20)]
    assert sorted(p.name for p, _ in faults) == sorted(expected)
    for path, reason in faults:
        assert expected[path.name] in reason, (path, reason)
        assert "\n" not in reason and str(tmp_path) not in reason
        with pytest.raises((SpectrumError, UserError)):
            read_measured(path)


def test_equal_names_are_told_apart_by_their_folders(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scan.xdi").write_text(copper_xdi())
        (tmp_path / folder / "only" / folder).mkdir(parents=True)
    (tmp_path / "z.xdi").write_text(copper_xdi())
    names = [s.name for s in read_folder(tmp_path)[0]]
    assert len(set(names)) == 3
    assert names == ["x/scan.xdi", "y/scan.xdi", "z"]


def test_what_is_not_there_is_the_callers_fault(tmp_path):
    with pytest.raises(UserError, match="there is no file or folder"):
        read_folder(tmp_path / "nothing")
    with pytest.raises(UserError, match="there is no file"):
        read_measured(tmp_path)
    with pytest.raises(UserError, match="columns has no 'nix'"):
        read_folder(tmp_path, columns={"nix": 1})
