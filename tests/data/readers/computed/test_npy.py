import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import uniform_grid
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.readers.computed.npy import NpyFiles, read_npy

SPEC = FamilySpec("molecules", "C", "K", uniform_grid(0, 1, 30), energy_unit="index")
TWO = FamilySpec("molecules", "S", "K", uniform_grid(0, 1, 30), energy_unit="index", edges=("XANES", "XES"))
SPECTRA = 1 + np.linspace(0, 1, 30) * np.arange(1, 5)[:, None]
OTHER = 2 - np.linspace(0, 1, 20) * np.arange(1, 5)[:, None] / 9
LABELS = np.array([[1, 0], [0, 1], [1, 1], [0, np.nan]])


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write arrays, or lines of text, into files of the folder the test works in."""
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, values in files.items():
            if isinstance(values, str):
                (tmp_path / name.replace("_", ".")).write_text(values)
            else:
                np.save(tmp_path / f"{name}.npy", values)

    write(x=SPECTRA, y=LABELS, names_txt="Alcohol\nCH-acidic\n")
    return write


def files(**changes):
    return NpyFiles(**{"spectra": ["x.npy"], "labels": "y.npy", "names": "names.txt"} | changes)


def test_molecules_with_yes_no_classes(put):
    sites = read_npy(files(), SPEC)
    assert list(sites.material_N) == ["x_0", "x_1", "x_2", "x_3"]
    assert np.array_equal(sites.descriptors_NK, LABELS, equal_nan=True)
    assert sites.descriptor_names == ("Alcohol", "CH-acidic")
    assert sites.yes_no and not sites.segments
    assert np.allclose(sites.spectra_NE, SPECTRA)


def test_classes_may_be_a_table_with_the_names_of_the_molecules(put):
    put(y_csv="material,Alcohol,Ketone\nb,1,0\na,0,\nd,1,1\nc,0,nan\n")
    sites = read_npy(files(labels="y.csv", names=None), SPEC)
    assert list(sites.material_N) == ["a", "b", "c", "d"]
    expected = [[0, np.nan], [1, 0], [0, np.nan], [1, 1]]
    assert np.array_equal(sites.descriptors_NK, expected, equal_nan=True)
    assert np.allclose(sites.spectra_NE, SPECTRA[[1, 0, 3, 2]])


def test_names_of_classes_become_a_class_each_and_arrays_may_be_in_an_archive(put):
    np.savez(
        "all.npz",
        x=SPECTRA,
        kind=np.array(["thiol", "sulfide", "thiol", "unknown"]),
        who=np.array(list("dcba")),
    )
    named = NpyFiles(["all.npz:x"], labels="all.npz:kind", materials="all.npz:who")
    sites = read_npy(named, SPEC)
    assert sites.descriptor_names == ("sulfide", "thiol")
    assert list(sites.material_N) == list("abcd")
    expected = [[np.nan, np.nan], [0, 1], [1, 0], [0, 1]]
    assert np.array_equal(sites.descriptors_NK, expected, equal_nan=True)


def test_several_edges_are_a_joint_axis_and_one_that_a_molecule_lacks_is_missing(put):
    other = OTHER.copy()
    other[1] = np.nan
    spectra = SPECTRA.copy()
    spectra[2, 3] = np.nan
    put(x=spectra, z=other, e=np.linspace(2467, 2498, 30), f=np.linspace(2445, 2480, 20))
    spec = FamilySpec("molecules", "S", "K", SPEC.energy_E, edges=("XANES", "XES"))
    sites = read_npy(files(spectra=["x.npy", "z.npy"], energies=["e.npy", "f.npy"]), spec)
    assert [(s.name, s.start, s.length) for s in sites.segments] == [("XANES", 0, 30), ("XES", 30, 20)]
    assert np.allclose(sites.energy_E, np.r_[np.linspace(2467, 2498, 30), np.linspace(2445, 2480, 20)])
    assert list(sites.material_N) == ["x_0", "x_1", "x_3"]
    assert np.isnan(sites.spectra_NE[1, 30:]).all() and np.isfinite(sites.spectra_NE[[0, 2]]).all()
    assert [(one.material, one.reason) for one in sites.rejected] == [
        ("x_2", "XANES: NaN or infinite values: mu of point 4 (1 in all)")
    ]


def test_a_molecule_without_any_spectrum_is_rejected(put):
    put(x=np.where(np.arange(4)[:, None] == 1, np.nan, SPECTRA), z=np.full((4, 20), np.nan))
    sites = read_npy(files(spectra=["x.npy", "z.npy"]), TWO)
    assert [(one.material, one.reason) for one in sites.rejected] == [("x_1", "no spectrum of any edge")]


@pytest.mark.parametrize(
    ("given", "changes", "said"),
    [
        ({"z": OTHER[:3]}, {"spectra": ["x.npy", "z.npy"]}, r"z.npy has 3 rows, x.npy has 4\ngive the same"),
        ({"y": LABELS[:3]}, {}, r"y.npy has 3 rows, x.npy has 4\n"),
        ({"y": LABELS * 2}, {}, r"y.npy: Alcohol of row 1 is 2\nexpected 1 for yes, 0 for no, NaN"),
        ({"y_csv": "A,B\n1,0\n1,maybe\n"}, {"labels": "y.csv", "names": None}, r"row 3 is .maybe.\n.*called mat"),
        ({"y_csv": "A,B\n1,0\n1\n"}, {"labels": "y.csv", "names": None}, r"row 3 has 1 cells, the first has 2\n"),
        ({"names_txt": "Alcohol\nAlcohol\n"}, {}, r"names.txt: the class name 'Alcohol' is given twice\n"),
        ({"names_txt": "Alcohol\n"}, {}, r"names.txt has 1 names, y.npy has 2 columns\n"),
        ({}, {"names": None}, r"y.npy holds 2 classes without names\ngive names="),
        ({}, {"labels": None}, r"names= are those of the classes in labels=\n"),
        ({"x": SPECTRA[0]}, {}, r"x.npy is an array of float64 \(30,\)\nexpected spectra, a row each"),
        ({"m_txt": "a\nb\na\nc\n"}, {"materials": "m.txt"}, r"m.txt names 'a' twice\n"),
        ({"m_txt": "a\nb\n"}, {"materials": "m.txt"}, r"m.txt has 2 names, x.npy has 4 rows\n"),
        ({"x": np.array([{"a": 1}], dtype=object)}, {}, r"x.npy cannot be read: it holds Python objects"),
        ({}, {"spectra": ["names.txt"]}, r"names.txt cannot be read: it holds Python objects, or is no array"),
        ({}, {"spectra": ["absent.npy"]}, r"there is no file absent.npy\ncorrect spectra="),
        ({}, {"names": "absent.txt"}, r"there is no file absent.txt\ncorrect names="),
        ({"e": np.arange(30.0)}, {"energies": ["e.npy"]}, r"are in eV, those of family molecules an index\n"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said_in_two_lines(put, given, changes, said):
    put(**given)
    spec = TWO if len(changes.get("spectra", [])) > 1 else SPEC
    with pytest.raises(UserError, match=said) as error:
        read_npy(files(**changes), spec)
    assert str(error.value).count("\n") <= 1


def test_every_edge_needs_a_name(put):
    put(z=OTHER)
    with pytest.raises(UserError, match=r"names 2 arrays, family.edges none\n.*family.edges="):
        read_npy(files(spectra=["x.npy", "z.npy"]), SPEC)


def test_an_array_of_an_archive_is_asked_for_by_its_name(put):
    np.savez("all.npz", spectra=SPECTRA)
    for where in ("all.npz", "all.npz:spectrum"):
        with pytest.raises(UserError, match=r"\ngive spectra=all.npz:spectra for"):
            read_npy(files(spectra=[where]), SPEC)


def test_energies_that_are_not_given_are_those_of_the_family_where_they_fit(put):
    spec = FamilySpec("molecules", "C", "K", uniform_grid(285, 0.5, 30))
    assert np.array_equal(read_npy(files(), spec).energy_E, spec.energy_E)
    with pytest.raises(
        UserError, match=r"energies of x.npy are not known: it has 30 points.*\ngive npy.energies="
    ):
        read_npy(files(), FamilySpec("molecules", "C", "K", uniform_grid(285, 0.5, 31)))


def test_ingest_writes_them_and_says_how_to_go_on(put, rankaae):
    put(z=OTHER)
    call = ["ingest", "+family=molecules", "family.element=S", "family.edges=[XANES,XES]", "source=npy"]
    done = rankaae(*call, "spectra=[x.npy,z.npy]", "labels=y.npy", "names=names.txt", "output=m.h5")
    assert done.returncode == 0, done.stderr
    assert "classes     2, yes or no: from Alcohol of 2 to" in done.stdout
    assert (
        "next: rankaae train +family=molecules family.element=S 'family.edges=[XANES,XES]' data=m.h5"
        in done.stdout
    )
    family = read_family("m.h5")
    assert family.yes_no and [one.name for one in family.segments] == ["XANES", "XES"]
    for more, said in (
        (["source=npz", "path=x.npy", "spectra=x.npy"], "spectra= is of source=npy, not of source=npz"),
        (["source=npy", "path=x.npy"], "source=npy reads the arrays of spectra="),
    ):
        done = rankaae(*call[:-1], *more, "output=n.h5")
        assert (done.returncode, done.stderr.splitlines()[0]) == (2, f"rankaae: {said}"), done.stderr
