"""Several family files read as one."""

from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.families import read_families
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.features.feature_set import FeatureSet


@pytest.fixture(scope="module")
def sample():
    return read_family(sample_path("Ti_oxides"))


@pytest.fixture
def files(sample, tmp_path):
    """Write families (by default the halves of the sample), changed as asked; return their paths."""

    def write(*changed):
        paths = [tmp_path / f"{letter}.h5" for letter in "abc"[: len(changed)]]
        for path, family in zip(paths, changed, strict=True):
            write_family(path, family)
        return paths

    return write


@pytest.fixture
def halves(sample):
    first = np.arange(len(sample)) < 400
    return sample.with_rows(first), sample.with_rows(~first)


@pytest.mark.parametrize("stored", [False, True])
def test_halves_make_a_whole(sample, halves, files, stored):
    family, notes = read_families(files(*halves), stored=stored)
    assert notes == ()
    np.testing.assert_array_equal(family.spectra_NE[:], sample.spectra_NE)
    np.testing.assert_array_equal(family.descriptors_NK, sample.descriptors_NK)
    assert family.material_N.tolist() == sample.material_N.tolist()
    assert np.bincount(family.file_N).tolist() == [400, 400]
    assert family.is_synthetic and family.normalisation == "edge_step"


def test_one_file_is_read_as_it_is(sample, files):
    family, notes = read_families(files(sample))
    assert notes == () and family.file_N is None and family.true_response_KE is not None


def test_columns_go_by_their_names(halves, files):
    a, b = halves
    a, b = a.with_descriptors(["OS", "CN"]), b.with_descriptors(["MOOD", "CN"])
    b = replace(b, quantities_NQ=np.empty((len(b), 0)), quantity_names=(), quantity_units=())
    family, notes = read_families(files(a, b))
    assert family.descriptor_names == ("OS", "CN", "MOOD")
    of_a, of_b = family.descriptors_NK[:400], family.descriptors_NK[400:]
    np.testing.assert_array_equal(of_a[:, 1], a.descriptors_NK[:, 1])
    # A quantity of the one file is a descriptor of the other.
    np.testing.assert_array_equal(of_a[:, 2], a.quantities_NQ[:, a.quantity_names.index("MOOD")])
    assert np.isnan(of_b[:, 0]).all()
    np.testing.assert_array_equal(of_b[:, 1:], b.descriptors_NK[:, ::-1])
    assert "MOOD" not in family.quantity_names and "OCN" in family.quantity_names
    assert len(notes) == 1 and "b.h5 has no OS: not known of its 400 spectra" in notes[0]


def test_a_site_of_two_files_is_kept_from_both_with_a_note(sample, halves, files):
    family, notes = read_families(files(sample, halves[0]))
    assert len(family) == 1200 and np.isfinite(family.descriptors_NK).all()
    assert notes == ("400 of 1200 spectra are of sites that an earlier file has too; all are kept",)
    # Chosen rows are a family still.
    on_train = family.split_N == 0
    assert len(family.with_rows(on_train)) == on_train.sum()


def test_another_grid_needs_to_be_asked_for(sample, halves, files):
    a, b = halves
    # Every other energy, and one that the first has not.
    coarse = replace(b, energy_E=b.energy_E[::2], spectra_NE=b.spectra_NE[:, ::2], true_response_KE=None)
    wider = np.r_[coarse.energy_E, coarse.energy_E[-1] + 5]
    coarse = replace(
        coarse, energy_E=wider, spectra_NE=np.hstack([coarse.spectra_NE, coarse.spectra_NE[:, -1:]])
    )
    paths = files(a, coarse)
    with pytest.raises(UserError, match=r"b.h5 is on another energy grid \(129 points.*\n.*regrid=true"):
        read_families(paths)
    family, notes = read_families(paths, regrid=True, stored=True)
    assert notes == ()
    # The last stretch is bent by the energy put behind it.
    np.testing.assert_allclose(family.spectra_NE[400:][:, :240], b.spectra_NE[:, :240], atol=5e-3)
    ends_early = replace(a, energy_E=a.energy_E[:-4], spectra_NE=a.spectra_NE[:, :-4], true_response_KE=None)
    with pytest.raises(
        UserError, match=r"no spectrum of .*b.h5 can be brought .*ends at .*\n.*give it first"
    ):
        read_families(files(b, ends_early), regrid=True)


def test_files_without_a_common_energy_are_refused_however_they_are_to_be_joined(halves, files):
    paths = files(halves[0], replace(halves[1], energy_E=halves[1].energy_E + 1000))
    for regrid in (False, True):
        with pytest.raises(UserError, match=r"b.h5 \(256 points, .*a.h5 \(256 .* no energies in common\n"):
            read_families(paths, regrid)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "V_oxides"}, r"b.h5 holds V_oxides \(Ti K edge, eV\), but .*a.h5 Ti_oxides"),
        ({"edge": "L3"}, "L3 edge"),
        ({"source": "feff"}, "a.h5 is synthetic, the other data are not"),
        (
            {"descriptor_units": ("e", "1", "1", "nm", "angstrom")},
            "NNRS is in nm in .*b.h5, but in angstrom in",
        ),
    ],
)
def test_files_that_do_not_go_together_are_refused(halves, files, change, said):
    with pytest.raises(UserError, match=said) as caught:
        read_families(files(halves[0], replace(halves[1], **change)))
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_given_twice_is_refused(sample, files):
    (path,) = files(sample)
    with pytest.raises(UserError, match=r"a.h5 is given twice"):
        read_families([path, path])


def test_different_normalisations_are_said(halves, files):
    family, notes = read_families(files(halves[0], replace(halves[1], normalisation="unknown")))
    assert family.normalisation == "unknown" and "normalised differently" in notes[0]


def featured(family, model="chgnet", names=("a", "b")):
    values_NF = np.arange(len(family) * len(names), dtype=np.float32).reshape(len(family), len(names))
    return replace(family, features=FeatureSet(values_NF, names, model))


def test_features_of_one_making_are_joined(halves, files):
    a, b = (featured(half) for half in halves)
    family, notes = read_families(files(a, b))
    assert notes == () and family.features.names == ("a", "b")
    np.testing.assert_array_equal(family.features.values_NF[400:], b.features.values_NF)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (None, "b.h5 has none"),
        ({"model": "m3gnet"}, "b.h5 are of m3gnet, not of chgnet, those of"),
        ({"names": ("a", "c")}, "b.h5 are without b, those of"),
    ],
)
def test_features_of_another_making_are_left_out_with_a_note(halves, files, changes, words):
    a, b = featured(halves[0]), halves[1]
    family, notes = read_families(files(a, b if changes is None else featured(b, **changes)))
    assert family.features is None
    assert len(notes) == 1 and notes[0].startswith("features are left out: ") and words in notes[0]


def test_several_families_are_joined_over_relative_energies(sample, files):
    features = FeatureSet(np.ones((len(sample), 2), dtype=np.float32), ("a", "b"), "m", "1")
    ti = replace(sample, features=features)
    v = replace(ti, name="V_oxides", element="V", energy_E=ti.energy_E + 499.5)
    paths = files(ti, v)
    family, notes = read_families(paths, across=True)
    assert notes == () and (family.name, family.element) == ("Ti+V", "Ti+V")
    np.testing.assert_allclose(family.energy_E, ti.energy_E - ti.energy_E[0])
    assert [member.first_energy for member in family.members] == [ti.energy_E[0], v.energy_E[0]]
    for rows, one in zip(family.rows_of_members(), (ti, v), strict=True):
        np.testing.assert_array_equal(family.spectra_NE[rows], one.spectra_NE)
    with pytest.raises(UserError, match="give files of one family"):
        read_families(paths)
    assert not read_families(files(ti, ti), across=True)[0].members
