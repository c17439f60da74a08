import re
import zlib
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import is_family_file, read_family, write_family
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.segments import Segment, side_by_side


@pytest.fixture
def family():
    return Family(
        name="Cu_oxides",
        element="Cu",
        edge="K",
        energy_E=np.array([8983.0, 8984.0, 8986.0]),
        spectra_NE=np.array([[0, 1, 1], [0, 2, 1]], np.float32),
        descriptors_NK=np.array([[4.0, np.nan], [6.0, 1.5]]),
        descriptor_names=("CN", "Bader +q %"),
        descriptor_units=("1", "e"),
        material_N=np.array(['<script>"x"</script>', "Fe\u2082O\u2083"], dtype=object),
        site_N=np.array([0, 0]),
        split_N=np.array([0, 2], np.uint8),
    )


def test_a_family_comes_back_as_it_was_written(family, tmp_path):
    path = write_family(tmp_path / "x.h5", replace(family, true_response_KE=np.ones((2, 3), np.float32)))
    again = read_family(path)
    for name in ("energy_E", "spectra_NE", "descriptors_NK", "site_N", "split_N"):
        np.testing.assert_array_equal(getattr(again, name), getattr(family, name))
    assert again.material_N.tolist() == family.material_N.tolist()
    assert again.descriptor_names == family.descriptor_names
    assert again.true_response_KE.shape == (2, 3)


@pytest.fixture
def wider(family):
    return replace(
        family,
        quantities_NQ=np.array([[1.9, np.nan, 3.4], [2.0, 0.7, 3.4]]),
        quantity_names=("BVS", "q4", "NEN"),
        quantity_units=("v.u.", "1", "1"),
    )


def test_quantities_come_back_as_they_were_written(wider, tmp_path):
    again = read_family(write_family(tmp_path / "x.h5", wider))
    np.testing.assert_array_equal(again.quantities_NQ, wider.quantities_NQ)
    assert again.quantity_names == ("BVS", "q4", "NEN")
    assert again.quantity_units == ("v.u.", "1", "1")
    with h5py.File(tmp_path / "x.h5") as file:
        assert file.attrs["format_version"] == 1
        assert (file["quantities"].dtype, file["quantities"].shape) == (np.dtype("<f8"), (2, 3))
        assert list(file["quantities"].attrs["names"]) == ["BVS", "q4", "NEN"]


def test_a_file_may_have_no_quantities(family, tmp_path):
    path = write_family(tmp_path / "x.h5", family)
    with h5py.File(path) as file:
        assert "quantities" not in file
    again = read_family(path)
    assert (again.quantities_NQ.shape, again.quantity_names, again.quantity_units) == ((2, 0), (), ())


def test_rows_keep_their_quantities(wider, family):
    for rows in ([1], np.array([False, True])):
        one = wider.with_rows(rows)
        assert one.material_N.tolist() == [wider.material_N[1]]
        assert one.quantities_NQ.tolist() == [[2.0, 0.7, 3.4]]
        assert one.descriptors_NK.tolist() == [[6.0, 1.5]]
        assert one.spectra_NE.tolist() == [[0, 2, 1]]
        assert (one.site_N.tolist(), one.split_N.tolist()) == ([0], [2])
    assert len(wider.with_rows([])) == 0
    assert family.with_rows([0]).quantities_NQ.shape == (1, 0)


def test_a_descriptor_left_out_becomes_a_quantity(wider):
    chosen = wider.with_descriptors(["Bader +q %"])
    assert chosen.descriptor_names == ("Bader +q %",)
    assert chosen.quantity_names == ("CN", "BVS", "q4", "NEN")
    assert chosen.quantity_units == ("1", "v.u.", "1", "1")
    assert chosen.quantities_NQ[:, 0].tolist() == [4, 6]
    assert wider.with_descriptors(["Bader +q %", "CN"]).quantity_names == ("BVS", "q4", "NEN")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"quantity_names": ("BVS", "q4", "CN")}, "CN is both a descriptor and a quantity"),
        ({"quantity_names": ("BVS", "q4", "q4")}, "quantity name 'q4' is given twice"),
        ({"quantity_names": ("BVS", "q4", "a/b")}, "quantity name 'a/b' holds '/'"),
        ({"quantity_names": ("BVS", "q4")}, r"quantities has shape \(2, 3\), expected \(2, 2\)"),
        ({"quantity_units": ("1",)}, r"units of the quantities has shape \(1,\), expected \(3,\)"),
        ({"quantities_NQ": np.zeros((1, 3))}, r"quantities has shape \(1, 3\), expected \(2, 3\)"),
        ({"quantities_NQ": np.full((2, 3), np.inf)}, "quantity BVS holds infinite values"),
    ],
)
def test_quantities_that_cannot_be_are_refused(wider, change, said):
    with pytest.raises(UserError, match=f"family Cu_oxides: .*{said}") as caught:
        replace(wider, **change)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: file["quantities"].attrs.pop("units"), "not a whole family file"),
        (
            lambda file: put("quantities", [["a"] * 3] * 2, h5py.string_dtype())(file),
            "quantities holds object",
        ),
        (lambda file: put("quantities", [[1.0, 2.0]] * 2)(file), r"quantities has shape \(2, 2\)"),
        (lambda file: put("quantities", [1.0, 2.0])(file), r"quantities has shape \(2,\)"),
    ],
)
def test_damaged_quantities_are_explained(wider, tmp_path, damage, said):
    path = write_family(tmp_path / "x.h5", wider)
    with h5py.File(path, "a") as file:
        damage(file)
    with pytest.raises(UserError, match=said) as caught:
        read_family(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"descriptor_names": ("CN", "../../x")}, "descriptor name '../../x' holds '/'"),
        ({"descriptor_names": ("CN", "CN")}, "descriptor name 'CN' is given twice"),
        ({"descriptor_names": ("CN", "free_1")}, "'free_1' is taken by the program"),
        (
            {"descriptors_NK": np.array([[4, 0], [6, np.inf]])},
            r"descriptor Bader \+q % holds infinite values",
        ),
        ({"split_N": np.array([0, 3], np.uint8)}, "split holds 3, expected 0, 1 or 2"),
        ({"material_N": np.array(["m", "m"], dtype=object)}, "site 0 of material 'm' is there 2 times"),
        ({"site_N": np.array([0, -1])}, "site index -1 is negative"),
        ({"energy_unit": "keV"}, "the energy unit is 'keV', expected eV or index"),
        ({"energy_E": np.array([1.0, 1.0, 2.0])}, "not finite and ascending"),
        ({"spectra_NE": np.full((2, 3), np.nan, np.float32)}, "NaN or infinite"),
        ({"true_response_KE": np.zeros((1, 3))}, r"true response has shape \(1, 3\), expected \(2, 3\)"),
    ],
)
def test_what_cannot_be_is_refused(family, change, said):
    with pytest.raises(UserError, match=f"family Cu_oxides: .*{said}") as caught:
        replace(family, **change)
    assert len(str(caught.value).splitlines()) <= 2


def put(name, values, dtype=None):
    def change(file):
        attributes = dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=values, dtype=dtype).attrs.update(attributes)

    return change


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (attribute("format_version", "one"), "damaged family file: not all in it can be read\nmake it again"),
        (attribute("format_version", 2), "of version 2; this program reads up to 1"),
        (attribute("format", "other"), "HDF5 but not a family file"),
        (attribute("format", [1, 2]), "HDF5 but not a family file"),
        (lambda file: file.attrs.pop("edge"), "not a whole family file: it lacks edge\n"),
        (lambda file: file.pop("site"), "not a whole family file: it lacks site\n"),
        (lambda file: file["descriptors"].attrs.pop("names"), "not a whole family file"),
        (
            put("spectra", [["a", "b", "c"]] * 2, h5py.string_dtype()),
            "damaged family file: spectra holds object",
        ),
        (put("energy", 3.0), "damaged family file"),
        (put("material", [b"\xff\xfe", b"m"]), "damaged family file"),
        (put("material", [1, 2]), "damaged family file"),
        (put("site", [0.5, 1.5]), "site holds float64, expected whole numbers"),
        (put("split", [0, 256]), "split holds 255, expected 0, 1 or 2"),
        (put("split", [0, -1]), "split holds 255, expected 0, 1 or 2"),
        (put("descriptors", [[4.0, np.inf]] * 2), "holds infinite values"),
        (attribute("energy_unit", "keV"), "energy unit is 'keV'"),
    ],
)
def test_damaged_contents_are_explained(family, tmp_path, damage, said):
    path = write_family(tmp_path / "x.h5", family)
    with h5py.File(path, "a") as file:
        damage(file)
    with pytest.raises(UserError, match=said) as caught:
        read_family(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def elsewhere(file, name):
    """Move a dataset into another file, and return that."""
    other = Path(file.filename).with_name("other.h5")
    with h5py.File(other, "w") as target:
        file.copy(name, target, name="x")
        shape, dtype = target["x"].shape, target["x"].dtype
    del file[name]
    return other, shape, dtype


def external_link(file):
    file["spectra"] = h5py.ExternalLink(elsewhere(file, "spectra")[0].name, "/x")


def soft_link_to_another_file(file):
    file["hidden"] = h5py.ExternalLink(elsewhere(file, "spectra")[0].name, "/x")
    file["spectra"] = h5py.SoftLink("/hidden")


def virtual_dataset(file):
    other, shape, dtype = elsewhere(file, "spectra")
    layout = h5py.VirtualLayout(shape, dtype)
    layout[...] = h5py.VirtualSource(str(other), "x", shape)
    file.create_virtual_dataset("spectra", layout)


def bytes_of_another_file(file):
    """Show any file, here /etc/passwd, as numbers."""
    _, shape, _ = elsewhere(file, "spectra")
    file.create_dataset("spectra", shape, "u1", external=[("/etc/passwd", 0, int(np.prod(shape)))])


def bomb(file):
    """Put 480 MB of zeros into some hundred kilobytes."""
    del file["spectra"]
    spectra = file.create_dataset("spectra", (40 * 2**20, 3), "f4", chunks=(2**20, 3), compression="gzip")
    zeros = zlib.compress(bytes(12 * 2**20), 1)
    for first in range(0, len(spectra), 2**20):
        spectra.id.write_direct_chunk((first, 0), zeros)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (external_link, "spectra lies in another file, which is not looked into\nmake it again"),
        (soft_link_to_another_file, "spectra lies in another file"),
        (virtual_dataset, "spectra lies in another file"),
        (bytes_of_another_file, "spectra lies in another file"),
        (bomb, "little of spectra, of 503316480 bytes, is in it"),
        (lambda file: file.__setitem__("site", h5py.SoftLink("/site")), "damaged family file"),
    ],
)
@pytest.mark.parametrize("stored", [False, True])
def test_a_family_file_holds_all_of_it_and_no_more(family, tmp_path, damage, said, stored):
    path = write_family(tmp_path / "x.h5", family)
    with h5py.File(path, "a") as file:
        if damage.__name__ == "<lambda>":
            del file["site"]
        damage(file)
    with pytest.raises(UserError, match=said) as caught:
        read_family(path, stored)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("name", ["element", "names", "format"])
def test_a_text_longer_than_the_file_is_refused_before_it_fills_the_memory(family, tmp_path, name):
    path = write_family(tmp_path / "x.h5", family)
    assert is_family_file(path)
    data = path.read_bytes()
    # The length stands before the place of the heap in which the text lies.
    length = data.index(data.index(b"GCOL").to_bytes(8, "little"), data.index(name.encode() + b"\0")) - 4
    path.write_bytes(data[: length + 3] + b"\xb7" + data[length + 4 :])
    with pytest.raises(UserError, match="is a damaged family file: not all in it can be read\nmake it again"):
        read_family(path)
    assert not is_family_file(path)


def test_what_is_no_family_file_is_explained(family, tmp_path):
    with pytest.raises(UserError, match=r"there is no family file .*nowhere"):
        read_family(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is a folder"):
        read_family(tmp_path)
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(UserError, match="cannot be read as HDF5"):
        read_family(tmp_path / "text.h5")
    whole = write_family(tmp_path / "x.h5", family).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read as HDF5"):
        read_family(tmp_path / "cut.h5")


def test_a_descriptor_chosen_twice_is_refused(family):
    with pytest.raises(UserError, match="'CN' is given twice"):
        family.with_descriptors(["CN", "CN"])


@pytest.fixture
def two_edges(family):
    """The second row lacks the second edge."""
    return replace(
        family,
        energy_E=np.array([1.0, 2.0, 3.0, 1.0, 2.0]),
        spectra_NE=np.array([[0, 1, 1, 3, 4], [0, 2, 1, np.nan, np.nan]], np.float32),
        segments=side_by_side(["C_K", "N_K"], [3, 2]),
        descriptors_NK=np.array([[1.0, np.nan], [0.0, 1.0]]),
        yes_no=True,
    )


def test_a_joint_axis_and_yes_no_classes_come_back(two_edges, tmp_path):
    back = read_family(write_family(tmp_path / "x.h5", two_edges))
    assert back.segments == two_edges.segments
    assert back.yes_no
    assert np.array_equal(back.spectra_NE, two_edges.spectra_NE, equal_nan=True)


def test_some_edges_of_a_joint_axis_with_the_rows_that_have_them(two_edges):
    one = two_edges.with_edges(["N_K"])
    assert one.segments == (Segment("N_K", 0, 2),)
    assert np.array_equal(one.energy_E, two_edges.energy_E[two_edges.segments[1].points])
    assert list(one.material_N) == [two_edges.material_N[0]]
    assert two_edges.with_edges(["N_K", "C_K"]).segments[0].name == "N_K"
    with pytest.raises(UserError, match=r"no edge O_K: it has C_K, N_K\n"):
        two_edges.with_edges(["O_K"])


def test_classes_that_are_neither_yes_nor_no_are_refused(two_edges):
    with pytest.raises(UserError, match="yes/no classes hold other values"):
        replace(two_edges, descriptors_NK=two_edges.descriptors_NK * 2)


def test_an_edge_that_is_missing_in_part_is_refused(two_edges):
    spectra = np.array(two_edges.spectra_NE)
    spectra[0, 0] = np.nan
    with pytest.raises(UserError, match="C_K hold NaN"):
        replace(two_edges, spectra_NE=spectra)


@pytest.fixture
def with_features(family):
    values_NF = np.array([[1.5, np.nan, 3], [4, 5, 6]], np.float32)
    return replace(family, features=FeatureSet(values_NF, ("a", "b", "c"), "chgnet", "0.3.0", "ab" * 32))


def test_features_come_back_as_they_were_written(with_features, tmp_path):
    path = write_family(tmp_path / "x.h5", with_features)
    again = read_family(path, stored=True).features
    np.testing.assert_array_equal(again.values_NF, with_features.features.values_NF)
    assert again.difference(with_features.features) == ""
    with h5py.File(path) as file:
        features = file["features"]
        assert (features.dtype, features.shape) == (np.dtype("<f4"), (2, 3))
        assert dict(features.attrs) | {"names": list(features.attrs["names"])} == {
            "names": ["a", "b", "c"],
            "model": "chgnet",
            "version": "0.3.0",
            "weights": "ab" * 32,
        }


def test_chosen_rows_keep_their_features(with_features):
    for rows in (np.array([1]), np.array([False, True])):
        np.testing.assert_array_equal(with_features.with_rows(rows).features.values_NF, [[4, 5, 6]])
    assert len(with_features.with_rows([]).features) == 0


def test_features_of_another_number_of_rows_are_refused(with_features):
    with pytest.raises(UserError, match=r"features has shape \(1,\), expected \(2,\)"):
        replace(with_features, features=with_features.features.with_rows(np.array([0])))


@pytest.mark.parametrize("name", ["../../x", ".x", "", "a:b"])
def test_names_of_families_are_those_of_folders(wider, name):
    with pytest.raises(UserError, match=f"the family name {re.escape(repr(name))}"):
        replace(wider, name=name)


def test_groups_that_are_one_large_table_are_refused_unread(family, tmp_path):
    path = write_family(tmp_path / "x.h5", family)
    with h5py.File(path, "r+") as file:
        file.create_dataset("groups", (2**40, 2**20), "S9", chunks=(2**16, 1))
    with pytest.raises(UserError, match="is a damaged family file"):
        read_family(path)
