from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.readers.computed.npz import read_npz
from tests.data.feff_folder import GRID

SPEC = FamilySpec("Cu_oxides", "Cu", "K", GRID, descriptor_names=("OS", "CN"))
OPTIONS = {"energy_start": 8983.0, "energy_step": 0.5, "to_grid": False, "max_tail": 8.0}


def read(tmp_path, arrays, **options):
    np.savez(tmp_path / "x.npz", **arrays)
    return read_npz(tmp_path / "x.npz", SPEC, **OPTIONS | options)


def spectra(n=3, points=150):
    return 5 + np.linspace(0, 1, points) * np.arange(1, n + 1)[:, None]


def test_spectra_without_descriptors(tmp_path):
    sites = read(tmp_path, {"spectra": spectra(), "ids": np.array(["mp-2_001", "mp_x-1_010", "mp-2_000"])})
    assert list(zip(sites.material_N, sites.site_N, strict=True)) == [
        ("mp-2", 0),
        ("mp-2", 1),
        ("mp_x-1", 10),
    ]
    assert np.allclose(sites.spectra_NE, spectra()[[2, 0, 1]])
    assert np.array_equal(sites.energy_E, 8983 + 0.5 * np.arange(150))
    assert sites.descriptor_names == ("OS", "CN")
    assert np.isnan(sites.descriptors_NK).all()
    assert sites.normalisation == "unknown"


def test_they_can_be_brought_to_the_grid_of_the_family(tmp_path):
    arrays = {"spectra": spectra(), "ids": np.array([b"a_0", b"a_1", b"a_2"])}
    sites = read(tmp_path, arrays, to_grid=True)
    assert np.allclose(
        sites.spectra_NE[1], np.interp(GRID, 8983 + 0.5 * np.arange(150), spectra()[1]), atol=1e-5
    )


def test_spectra_that_end_before_the_grid_are_refused_with_the_points_that_they_reach(tmp_path):
    arrays = {"spectra": spectra(points=100), "ids": np.array(["a_0", "a_1", "a_2"])}
    with pytest.raises(UserError, match=r"end at 9032.5 eV.*9047.25\n.*points=197,.* ends at 9032.5$"):
        read(tmp_path, arrays, to_grid=True)
    shorter = replace(SPEC, energy_E=GRID[:197])
    assert len(read_npz(tmp_path / "x.npz", shorter, **OPTIONS | {"to_grid": True})) == 3


@pytest.mark.parametrize("given", [{}, {"energy_start": 8990.0, "energy_step": 0.25}])
def test_energies_may_be_in_the_file_and_given_ones_go_before(tmp_path, given):
    energy = 8985 + 0.3 * np.arange(150) ** 1.01
    arrays = {"spectra": spectra(1), "ids": np.array(["a_0"]), "energy": energy}
    sites = read(tmp_path, arrays, **{"energy_start": None, "energy_step": None} | given)
    assert np.allclose(sites.energy_E, 8990 + 0.25 * np.arange(150) if given else energy)
    with pytest.raises(UserError, match=r"holds its energies: leave .* out, or give both"):
        read(tmp_path, arrays, energy_start=None)
    with pytest.raises(UserError, match=r"energy is float64 \(149,\), spectra is float64 \(1, 150\)"):
        read(tmp_path, arrays | {"energy": energy[1:]})


def test_several_files_are_read_as_one(tmp_path):
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    np.savez(paths[0], spectra=spectra(2), ids=np.array(["b_0", "a_1"]))
    np.savez(paths[1], spectra=spectra(3)[1:], ids=np.array(["a_0", "b_000"]))
    sites = read_npz(paths, SPEC, **OPTIONS)
    assert list(zip(sites.material_N, sites.site_N, strict=True)) == [("a", 0), ("a", 1), ("b", 0)]
    assert np.allclose(sites.spectra_NE, spectra()[[1, 1, 0]])
    assert [(r.material, r.site, r.reason) for r in sites.rejected] == [
        ("b", "0", "duplicate: this material and site came before")
    ]
    np.savez(paths[1], spectra=spectra(1, 140), ids=np.array(["c_0"]))
    with pytest.raises(UserError, match=r"b.npz is on other energies than .*a.npz\n.*regrid=true"):
        read_npz(paths, SPEC, **OPTIONS)
    assert len(read_npz(paths, SPEC, **OPTIONS | {"to_grid": True})) == 3


def test_single_spectra_are_rejected_with_their_reason(tmp_path):
    values = spectra(4)
    values[1, 7] = np.nan
    sites = read(tmp_path, {"spectra": values, "ids": np.array(["a_0", "a_1", "nameless", "a_0"])})
    assert [(r.material, r.site, r.reason) for r in sites.rejected] == [
        ("a", "0", "duplicate: this material and site came before"),
        ("a", "1", "NaN or infinite values: mu of point 8 (1 in all)"),
        ("nameless", "", "id 'nameless' is not of the form <material>_<site>"),
    ]
    assert len(sites) == 1


def test_a_site_index_beyond_64_bits_is_rejected(tmp_path):
    sites = read(tmp_path, {"spectra": spectra(2), "ids": np.array(["a_" + "9" * 30, "a_000"])})
    assert sites.site_N.tolist() == [0]
    assert sites.rejected[0].reason == f"site index {'9' * 24} has more than 18 digits"


@pytest.mark.parametrize("given", [{"energy_start": None}, {"energy_step": None}])
def test_the_energies_must_be_given(tmp_path, given):
    with pytest.raises(UserError, match=r"give both npz.energy_start= and npz.energy_step= \(eV\)"):
        read(tmp_path, {"spectra": spectra(1), "ids": np.array(["a_0"])}, **given)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"features": spectra()}, "holds features, but no spectra and no ids\nexpected arrays spectra"),
        (
            {"spectra": spectra(), "ids": np.array(["a_0"])},
            r"spectra is float64 \(3, 150\), ids is <U3 \(1,\)",
        ),
        ({"spectra": spectra()[0], "ids": np.array(["a_0"])}, r"spectra is float64 \(150,\)"),
        ({"spectra": spectra(1), "ids": np.array([3])}, "ids are int64, not text"),
        (
            {"spectra": spectra(1), "ids": np.array([{}], dtype=object)},
            "npz file: it holds Python objects, or is no array of NumPy\n",
        ),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, arrays)


def test_other_files_and_energies_are_refused(tmp_path):
    for name, data in (("x.npz", b"no archive"), ("y.npz", b"PK\x03\x04cut"), ("e.npz", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match="cannot be read as an npz file") as caught:
            read_npz(tmp_path / name, SPEC, **OPTIONS)
        assert "pickle" not in str(caught.value)
    with pytest.raises(UserError, match=r"there is no file .*none.npz"):
        read_npz(tmp_path / "none.npz", SPEC, **OPTIONS)
    np.save(tmp_path / "z.npy", spectra())
    with pytest.raises(UserError, match="is a single array"):
        read_npz(tmp_path / "z.npy", SPEC, **OPTIONS)
    arrays = {"spectra": spectra(1), "ids": np.array(["a_0"])}
    with pytest.raises(UserError, match="do not meet those of family"):
        read(tmp_path, arrays, energy_start=7000.0)
    with pytest.raises(UserError, match="must be positive"):
        read(tmp_path, arrays, energy_step=-0.5)


IDS = np.array(["b_0", "a_1", "a_0"])


def test_features_of_the_file_are_kept_in_the_order_of_the_sites(tmp_path):
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    sites = read(tmp_path, {"spectra": spectra(), "ids": IDS, "features": features})
    assert sites.features.names == ("feature_0", "feature_1") and sites.features.model == "unknown"
    np.testing.assert_array_equal(sites.features.values_NF, features[[2, 1, 0]])
    assert np.isnan(sites.descriptors_NK).all() and sites.oxidation_reason_N is None


def test_what_made_the_features_is_in_the_file_or_told(tmp_path):
    arrays = {
        "spectra": spectra(),
        "ids": IDS,
        "features": np.ones((3, 2)),
        "feature_names": np.array(["p", "q"]),
    }
    arrays |= {"feature_model": np.array("m3gnet"), "feature_version": np.array("2021")}
    sites = read(tmp_path, arrays)
    assert (sites.features.names, sites.features.title) == (("p", "q"), "m3gnet 2021")
    assert read(tmp_path, arrays, features="chgnet 0.3.0").features.title == "chgnet 0.3.0"


def test_a_row_whose_features_are_no_numbers_is_rejected(tmp_path):
    features = np.array([[1.0, np.inf], [1, 2], [np.nan, 2]])
    sites = read(tmp_path, {"spectra": spectra(), "ids": IDS, "features": features})
    assert list(sites.material_N) == ["a"] and sites.features.values_NF.tolist() == [[1, 2]]
    assert {r.reason for r in sites.rejected} == {"its features hold NaN or infinite values"}


@pytest.mark.parametrize("features", [np.ones(3), np.ones((2, 2)), np.array([["a"]] * 3)])
def test_features_that_are_no_table_of_numbers_are_refused(tmp_path, features):
    with pytest.raises(UserError, match=r"expected numbers of shape \(3, F\)"):
        read(tmp_path, {"spectra": spectra(), "ids": IDS, "features": features})


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({}, "a.npz has features, .*b.npz none"),
        ({"features": np.ones((3, 3))}, "features of .*b.npz are more in number"),
    ],
)
def test_files_with_other_features_are_refused(tmp_path, second, words):
    arrays = {"spectra": spectra(), "ids": IDS}
    np.savez(tmp_path / "a.npz", **arrays, features=np.ones((3, 2)))
    np.savez(tmp_path / "b.npz", **arrays | {"ids": np.array(["c_0", "c_1", "c_2"])}, **second)
    with pytest.raises(UserError, match=words):
        read_npz([tmp_path / "a.npz", tmp_path / "b.npz"], SPEC, **OPTIONS)
