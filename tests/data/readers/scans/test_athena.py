"""Project files as Demeter (Data::Dumper, Indent 0), Larch and Athena's JSON form write them."""

import gzip
import importlib.util
import json

import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.detect import read_folder, read_measured
from rankaae_cli.data.measured.prepared import prepare
from tests.data.measured_scan import mu, scan_energies

ENERGY = scan_energies(7112.0)
SAMPLE, FOIL = mu(ENERGY, 7118.0), mu(ENERGY, 7112.0, step=0.6)
HEADER = (
    "# Athena project file -- Demeter version 0.9.26\n# This file created at 2018-04-29T14:56:25\n"
    "# Using Demeter 0.9.26 with perl 5.026001 and using Larch X.xx on darwin\n\n"
)
# As Athena writes it: a journal, the tail, and what is meant for an editor.
TAIL = (
    "@journal = ('first line; with = signs','it\\'s the second');\n\n"
    "$plot_features = [];\n\n1;\n\n# Local Variables:\n# truncate-lines: t\n# End:\n"
)


def perl(value):
    if isinstance(value, list):
        return "[" + ",".join(perl(v) for v in value) + "]"
    return "undef" if value is None else "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def record(key, label, y, x=ENERGY, **args):
    """One record in Perl. Titles are a list within the list, as Data::Dumper leaves them."""
    args = {
        "label": label,
        "is_xmu": 1,
        "bkg_z": "Fe",
        "fft_edge": "k",
        "bkg_e0": "7118.0",
        "bkg_eshift": "0",
    } | args
    pairs = ",".join(f"{perl(k)},{perl(v)}" for k, v in args.items())
    rows = "".join(
        f"@{name} = ({','.join(perl(f'{v:.8g}') for v in values)});\n"
        for name, values in (("x", x), ("y", y))
    )
    return (
        f"$old_group = '{key}';\n"
        f"@args = ({pairs},'titles',['a \\'quoted\\' title; @x = (1)','two'],'file',undef);\n"
        f"{rows}@i0 = ('1','2');\n[record]   # create object and set arrays in ifeffit\n\n"
    )


def project(*records):
    return HEADER + "".join(records) + TAIL


def write(tmp_path, text, packed=True):
    path = tmp_path / "some.prj"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_every_record_becomes_a_spectrum(tmp_path, packed):
    text = project(
        record("abcde", "Fe2O3 (scan's 1)", SAMPLE, referencegroup="fghij"),
        record("fghij", "  Ref Fe2O3", FOIL),
        record("klmno", "normalised", SAMPLE / 2, is_nor=1),
    )
    spectra = read_measured(write(tmp_path, text, packed))
    assert [s.name for s in spectra] == ["Fe2O3 (scan's 1)", "Ref Fe2O3", "normalised"]
    assert [(s.element, s.edge, s.is_normalised) for s in spectra] == [
        ("Fe", "K", False),
        ("Fe", "K", False),
        ("Fe", "K", True),
    ]
    np.testing.assert_allclose(spectra[0].energy_M, ENERGY, rtol=1e-7)
    np.testing.assert_allclose(spectra[0].mu_M, SAMPLE, atol=1e-7)
    np.testing.assert_allclose(spectra[0].reference_M, FOIL, atol=1e-7)
    assert spectra[1].reference_M is None
    assert spectra[0].metadata["athena.reference"] == "Ref Fe2O3"
    assert spectra[0].metadata["sample.titles"] == "a 'quoted' title; @x = (1); two"


COPPER = scan_energies(8979.0)
OXIDE, COPPER_FOIL = mu(COPPER, 8986.0), mu(COPPER, 8979.0, step=0.6)


@pytest.mark.parametrize(
    ("labels", "foil"),
    [
        (("CuO", "Ref CuO"), 1),
        (("Cu foil", "CuO"), 0),
        (("Cu foil", "Ref Cu foil"), 1),
        (("CuO", "second"), None),
    ],
)
def test_of_two_records_tied_both_ways_only_the_foil_is_a_reference(tmp_path, labels, foil):
    """As Demeter's tie_reference and older Athenas write it: each names the other."""
    values = (OXIDE, COPPER_FOIL) if foil != 0 else (COPPER_FOIL, OXIDE)
    tied = [
        record(key, label, y, COPPER, bkg_z="Cu", bkg_e0="8980", **{name: other})
        for key, other, label, y, name in zip(
            ("aaaaa", "bbbbb"),
            ("bbbbb", "aaaaa"),
            labels,
            values,
            ("reference", "referencegroup"),
            strict=True,
        )
    ]
    done = [prepare(s) for s in read_measured(write(tmp_path, project(*tied)))]
    if foil is None:
        assert [d.calibration for d in done] == [None, None]
        assert "this record and 'second' are each the other's reference" in done[0].spectrum.notes[0]
        return
    assert done[foil].calibration is None and done[foil].spectrum.notes == ()
    assert done[1 - foil].calibration.shift == pytest.approx(0.0, abs=0.3)
    assert done[1 - foil].normalised.e0 == pytest.approx(8986.0, abs=0.4)


def test_the_foil_has_its_own_element_and_edge(tmp_path):
    """A nickel compound beside a foil of another element, in one scan over both edges."""
    energy = np.concatenate([scan_energies(8333.0, above=500.0), scan_energies(8979.0, below=140.0)])
    text = project(
        record("aaaaa", "NiO", mu(energy, 8341.0), energy, bkg_z="ni", fft_edge="K-edge", reference="bbbbb"),
        record("bbbbb", "Ref NiO", mu(energy, 8981.0), energy, bkg_z="Cu", reference="aaaaa"),
    )
    sample, _ = (prepare(s) for s in read_measured(write(tmp_path, text)))
    assert (sample.spectrum.element, sample.spectrum.edge) == ("Ni", "K")
    assert (sample.calibration.element, sample.calibration.edge) == ("Cu", "K")
    assert sample.calibration.shift == pytest.approx(-2.0, abs=0.3)


@pytest.mark.parametrize("order", [3, "one", [["one"]], [{"a": 1}], None, [1, 2], {"one": 1}])
def test_an_order_that_names_no_records_is_passed_over(tmp_path, order):
    one = {"args": {"label": "one", "bkg_z": "Fe", "bkg_eshift": 10**400}, "x": ENERGY.tolist()}
    document = {
        "_____header1": "# Athena project file -- Demeter version 0.9.26",
        "one": one | {"y": SAMPLE.tolist()},
        "huge": one | {"y": [10**400] * len(ENERGY)},
        "_____order": order,
    }
    spectra, faults = read_folder(write(tmp_path, json.dumps(document)))
    assert [s.name for s in spectra] == ["one"]
    assert [reason for _, reason in faults] == ["@y holds something else than numbers"]


def test_the_energy_shift_is_applied_and_said(tmp_path):
    path = write(tmp_path, project(record("abcde", "shifted", SAMPLE, bkg_eshift="-1.25")))
    (spectrum,) = read_measured(path)
    np.testing.assert_allclose(spectrum.energy_M, ENERGY - 1.25, rtol=1e-7)
    assert spectrum.notes == ("Athena's energy shift of -1.250 eV was applied",)


def test_the_json_form_is_read_the_same(tmp_path):
    args = {
        "label": "one",
        "bkg_z": "Fe",
        "fft_edge": "k",
        "bkg_eshift": 0.5,
        "file": "@&^^null^^&@",
        "titles": [],
    }
    document = {
        "_____emacs_mode": "-*- mode: json; truncate-lines: t -*-",
        "_____header1": "# Athena project file -- Demeter version 0.9.26",
        "qsekm": {
            "args": args | {"referencegroup": "refer"},
            "x": [f"{v:.6f}" for v in ENERGY],
            "y": SAMPLE.tolist(),
        },
        "refer": {
            "args": args | {"label": "foil"},
            "x": [f"{v:.6f}" for v in ENERGY],
            "y": [str(v) for v in FOIL],
        },
        "_____journal": ["words"],
        "_____order": ["refer", "qsekm"],
    }
    foil, spectrum = read_measured(write(tmp_path, json.dumps(document), packed=False))
    assert (foil.name, spectrum.name, spectrum.element, spectrum.edge) == ("foil", "one", "Fe", "K")
    np.testing.assert_allclose(spectrum.energy_M, ENERGY + 0.5, atol=1e-6)
    np.testing.assert_allclose(spectrum.reference_M, FOIL)
    assert read_measured(write(tmp_path, json.dumps(document)))[1].name == "one"
    turned = json.dumps(dict(reversed(document.items())))  # the line that names the format behind the numbers
    assert [s.name for s in read_measured(write(tmp_path, turned))] == ["foil", "one"]


def test_a_long_comment_above_the_line_that_names_the_format_does_no_harm(tmp_path):
    text = "# a note of someone\n\n" * 500 + project(record("abcde", "one", SAMPLE))
    assert [s.name for s in read_measured(write(tmp_path, text))] == ["one"]


def test_larchs_own_writing_is_read(tmp_path):
    # Python's repr: numbers without quotes, double quotes where a text has a single one.
    x, y = (",".join(repr(str(v)) for v in values) for values in (ENERGY, SAMPLE))
    args = "'label',\"it's\",'npts',3,'bkg_z','Fe','bkg_e0',7118.0,'titles',['titles', 'x']"
    text = f"{HEADER}$old_group = 'fe';\n@args = ({args});\n@x = ({x});\n@y = ({y});\n[record] # \n\n1;\n"
    (spectrum,) = read_measured(write(tmp_path, text))
    assert spectrum.name == "it's"
    np.testing.assert_allclose(spectrum.mu_M, SAMPLE)


def test_records_that_are_no_absorption_are_named_and_stop_no_other(tmp_path):
    text = project(
        record("aaaaa", "chi", SAMPLE, is_chi=1, is_xmu=0),
        record("bbbbb", "good", SAMPLE),
        record("ccccc", "short", SAMPLE[:-1]),
        record("ddddd", "words", SAMPLE).replace(f"@y = ('{SAMPLE[0]:.8g}'", "@y = ('os.system'"),
    )
    path = write(tmp_path, text)
    spectra, faults = read_folder(path)
    assert [s.name for s in spectra] == ["good"]
    assert [(p.name, reason) for p, reason in faults] == [
        ("chi", "the record is chi(k), not mu(E)"),
        ("short", f"@x has {len(ENERGY)} values, @y {len(ENERGY) - 1}"),
        ("words", "@y holds something else than numbers"),
    ]
    assert faults[0][0] == path / "chi"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (project(record("a", "x", SAMPLE))[:3000], "damaged near character|is cut short"),
        (project(), "holds no record"),
        (HEADER + "$old_group = 'a';\n@args = ('label');\n[record]\n", "no even number of entries"),
        (HEADER + "$old_group = 'a';\n@x = (`rm -r`);\n[record]\n", "damaged near character"),
        (HEADER + "@x = " + "(" * 500 + ")" * 500 + ";\n[record]\n", "more than 50 deep"),
        ('{"_____header1": "# Athena project file -- Demeter", ', "damaged JSON"),
    ],
)
def test_damaged_projects_are_named(tmp_path, text, reason):
    with pytest.raises(SpectrumError, match=reason):
        read_measured(write(tmp_path, text))


def test_a_record_that_is_cut_off_is_named(tmp_path):
    whole = record("abcde", "whole", SAMPLE)
    text = HEADER + whole + record("fghij", "half", SAMPLE).split("@y")[0]
    spectra, faults = read_folder(write(tmp_path, text))
    assert [s.name for s in spectra] == ["whole"]
    assert [(p.name, reason) for p, reason in faults] == [("half", "the record has no @y")]


def test_damaged_compression_is_named(tmp_path):
    path = write(tmp_path, project(record("a", "x", SAMPLE)))
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(SpectrumError, match="compressed, and damaged or cut short"):
        read_measured(path)


@pytest.mark.skipif(
    importlib.util.find_spec("larch") is None, reason="xraylarch is not installed (extra: larch)"
)
def test_a_project_of_larch_is_read_as_larch_reads_it(tmp_path):
    from larch import Group
    from larch.io.athena_project import AthenaProject

    path = str(tmp_path / "larch.prj")
    written = AthenaProject(path)
    for name, values in (("sample", SAMPLE), ("foil", FOIL)):
        written.add_group(Group(__name__=name, filename=name, energy=ENERGY.copy(), mu=values.copy()))
    written.save(path)
    again = AthenaProject(path)
    again.read(path)
    spectra = read_measured(path)
    assert [s.name for s in spectra] == ["sample", "foil"]
    for spectrum, group in zip(spectra, again.groups.values(), strict=True):
        np.testing.assert_array_equal(spectrum.energy_M, group.energy)
        np.testing.assert_array_equal(spectrum.mu_M, group.mu)
        assert (spectrum.element, spectrum.edge) == ("Fe", "K")
