import gzip
import lzma

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.readers.computed.csv_table import read_csv
from tests.data.feff_folder import GRID

SPEC = FamilySpec("Cu_oxides", "Cu", "K", GRID, descriptor_names=("OS", "CN"))
HEADER = ",,ENE_8990,ENE_8991\n"
ENERGIES = 8984 + 0.215 * np.arange(256)


def table(names=(None, None), sites=("000", "001_Cu", 2), materials=("m-1", "m-1", "m-2")):
    index = pd.MultiIndex.from_arrays([list(materials), list(sites)], names=names)
    x = ENERGIES - 8992
    rows = [0.5 + np.arctan((x - i) / 0.9) / np.pi for i in range(len(index))]
    spectra = pd.DataFrame(rows, index=index, columns=[f"ENE_{e:.3f}" for e in ENERGIES])
    values = {"AUX_CN": [4, 5, 6], "AUX_oddity": [0.5, np.nan, -1]}
    return pd.concat([pd.DataFrame(values, index=index), spectra], axis=1)


def read(tmp_path, frame, **options):
    path = tmp_path / "table.csv"
    frame.to_csv(path) if isinstance(frame, pd.DataFrame) else path.write_text(frame)
    return read_csv(path, SPEC, **{"to_grid": False, "max_tail": 8.0} | options)


@pytest.mark.parametrize("names", [(None, None), ("material", "site"), ("Unnamed: 0", "Unnamed: 1")])
def test_the_public_format_as_it_is(tmp_path, names):
    frame = table(names)
    sites = read(tmp_path, frame)
    assert sites.material_N.tolist() == ["m-1", "m-1", "m-2"]
    assert sites.site_N.tolist() == [0, 1, 2]
    assert sites.descriptor_names == ("CN", "oddity")
    assert sites.descriptor_units == ("1", "")
    assert np.array_equal(sites.descriptors_NK, frame.iloc[:, :2].to_numpy(), equal_nan=True)
    assert np.array_equal(sites.energy_E, np.round(ENERGIES, 3))
    assert np.array_equal(sites.spectra_NE, frame.iloc[:, 2:].to_numpy(np.float32))
    assert sites.rejected == ()
    assert sites.normalisation == "edge_step"


def test_spectra_that_do_not_end_near_one_are_of_unknown_normalisation(tmp_path):
    frame = table()
    frame.iloc[:, 2:] *= 30
    assert read(tmp_path, frame).normalisation == "unknown"


def test_a_table_can_be_brought_to_the_grid_of_the_family(tmp_path):
    spec = FamilySpec("Cu_oxides", "Cu", "K", GRID[:200])
    table().to_csv(tmp_path / "t.csv")
    sites = read_csv(tmp_path / "t.csv", spec, to_grid=True, max_tail=8.0)
    expected = 0.5 + np.arctan((GRID[:200] - 8992) / 0.9) / np.pi
    assert np.allclose(sites.spectra_NE[0], expected, atol=2e-3)
    assert np.array_equal(sites.energy_E, GRID[:200])


def test_single_rows_are_rejected_with_their_reason(tmp_path):
    frame = table(sites=("0", "x1", "2")).astype(object)
    frame.iloc[0, 12] = np.inf
    frame.iloc[2, 0] = "six"
    sites = read(tmp_path, frame.iloc[[0, 1, 2]])
    assert [(r.material, r.site, r.reason) for r in sites.rejected] == [
        ("m-1", "0", "NaN or infinite values: ENE_8986.15 (1 in all)"),
        ("m-1", "x1", "row 3: material 'm-1', site 'x1': no name or no site index"),
        ("m-2", "2", "AUX_CN holds 'six' where a number is expected"),
    ]
    assert len(sites) == 0


def test_a_row_that_is_cut_short_is_rejected(tmp_path):
    text = table().to_csv()
    sites = read(tmp_path, text[:-600])
    assert len(sites) == 2
    assert "columns, expected 260" in sites.rejected[0].reason


def test_a_row_of_another_length_is_rejected(tmp_path, recwarn):
    text = HEADER + "m,0,1,1\nm,1,1,1,7\nm,2,1\n\nm,3,1,2,3,4,5\n"
    sites = read(tmp_path, text)
    assert [(r.material, r.site, r.reason) for r in sites.rejected] == [
        ("m", "1", "row 3 has 5 columns, expected 4"),
        ("m", "2", "row 4 has 3 columns, expected 4"),
        ("m", "3", "row 6 has 7 columns, expected 4"),
    ]
    assert len(sites) == 1
    assert not recwarn.list


@pytest.mark.parametrize(
    ("row", "material", "site"), [(",0,1,1", "", "0"), ("m,,1,1", "m", ""), (",,1,1", "", "")]
)
def test_a_row_without_a_name_is_rejected(tmp_path, row, material, site):
    sites = read(tmp_path, HEADER + f"{row}\n{row}\nm,1,1,1\n")
    assert [(r.material, r.site) for r in sites.rejected] == [(material, site)] * 2
    assert all("no name or no site index" in r.reason for r in sites.rejected)
    assert len(sites) == 1


@pytest.mark.parametrize("digits", ["9" * 19, "1" + "0" * 5000])
def test_a_site_index_beyond_64_bits_is_rejected(tmp_path, digits):
    sites = read(tmp_path, HEADER + f"m,{digits},1,1\nm,000000000000000000000007,1,1\n")
    assert sites.site_N.tolist() == [7]
    assert sites.rejected[0].reason == f"site index {digits[:24]} has more than 18 digits"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("t.csv", lambda data: data.replace(b"\n", b"\r\n")),
        ("t.csv", lambda data: b"\xef\xbb\xbf" + data),
        ("t.csv.gz", gzip.compress),
        ("t.csv", lambda data: gzip.compress(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))),
        ("t.csv.xz", lzma.compress),
    ],
)
def test_line_ends_byte_order_mark_and_compression_do_not_matter(tmp_path, name, change):
    plain = read(tmp_path, table())
    (tmp_path / name).write_bytes(change(table().to_csv(lineterminator="\n").encode()))
    sites = read_csv(tmp_path / name, SPEC, to_grid=False, max_tail=8.0)
    assert np.array_equal(sites.spectra_NE, plain.spectra_NE)
    assert (sites.descriptor_names, sites.material_N.tolist()) == (("CN", "oddity"), ["m-1", "m-1", "m-2"])
    assert sites.rejected == ()


def test_what_is_not_known_is_written_in_many_ways(tmp_path):
    words = ["", "NA", "nan", "NULL", "None", "#N/A", " "]
    rows = "".join(f"m,{i},{word},1,1\n" for i, word in enumerate(words))
    sites = read(tmp_path, ",,AUX_CN,ENE_8990,ENE_8991\n" + rows)
    assert np.isnan(sites.descriptors_NK).all()
    assert len(sites) == len(words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has 0 ENE_ columns \(it has no columns\)\nexpected two index columns"),
        ("material,site,AUX_CN\nm,0,4\n", r"has 0 ENE_ columns \(it has material, site, AUX_CN\)"),
        ("site,ENE_8990,ENE_8991\n0,1,1\n", r"has 1 index columns \(site\)\nexpected two"),
        ("a,b,c,ENE_8990,ENE_8991\n0,1,1,1,1\n", r"has 3 index columns \(a, b, c\)"),
        (",,ENE_8991,ENE_8990\nm,0,1,1\n", "do not ascend: ENE_8990 follows ENE_8991"),
        (",,ENE_8990,ENE_8990\nm,0,1,1\n", "do not ascend: ENE_8990 follows ENE_8990"),
        (",,ENE_8990,ENE_x\nm,0,1,1\n", "no energy can be read from column ENE_x"),
        (",,ENE_8990,ENE_8991\n", "has a header but no rows"),
        (',,ENE_8990,ENE_8991\n"m,0,1,1\nm,1,1,1\n', "cannot be read as a CSV file: .*is a quote left open"),
        (",,AUX_CN,AUX_OS,AUX_CN,ENE_8990,ENE_8991\nm,0,4,2,4,1,1\n", "descriptor name 'CN' is given twice"),
        (",,AUX_../../x,ENE_8990,ENE_8991\nm,0,4,1,1\n", "descriptor name '../../x' holds '/'"),
        (",,AUX_overview,ENE_8990,ENE_8991\nm,0,4,1,1\n", "'overview' is taken by the program"),
        (",,AUX_,ENE_8990,ENE_8991\nm,0,4,1,1\n", "'' is empty"),
        (",,ENE_4990,ENE_4991\nm,0,1,1\n", "do not meet those of family Cu_oxides, 8983.5 to 9047.25 eV"),
        (
            ",,ENE_8990,ENE_8991\nm,0,1,1\nm,000_Cu,1,1\nm,0,1,1\n",
            r"has 2 duplicate rows, the first of material m, site 0 \(lines 2 and 3\)",
        ),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe" * 10)
    with pytest.raises(UserError, match="cannot be read as a CSV file: it is not text in UTF-8"):
        read_csv(tmp_path / "t.csv", SPEC, to_grid=False, max_tail=8.0)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(table().to_csv().encode())[:-900])
    with pytest.raises(UserError, match="it is compressed, and damaged or cut short"):
        read_csv(tmp_path / "t.csv.gz", SPEC, to_grid=False, max_tail=8.0)
    with pytest.raises(UserError, match=r"there is no file .*missing.csv"):
        read_csv(tmp_path / "missing.csv", SPEC, to_grid=False, max_tail=8.0)
    with pytest.raises(UserError, match="is a folder, expected a file"):
        read_csv(tmp_path, SPEC, to_grid=False, max_tail=8.0)
