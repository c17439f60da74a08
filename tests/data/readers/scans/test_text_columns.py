import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.from_scan import spectrum_of
from rankaae_cli.data.readers.scans.raw_scan import Contents
from rankaae_cli.data.readers.scans.text_columns import read_text
from tests.data.measured_scan import EDGES, mu, scan_energies

ENERGY = scan_energies(EDGES["Cu"])
MU = mu(ENERGY, EDGES["Cu"])
I0 = 1e5 + 3 * ENERGY
OWN_ZERO = r"energies from -19\.\d to 79[.\d]* eV, from a zero of their own\? expected absolute energies: add"


def table(*columns, separator=" ", header="", form="{:.7g}"):
    rows = [separator.join(form.format(v) for v in row) for row in zip(*columns, strict=True)]
    return header + "\n".join(rows) + "\n"


def parse(text, element=None, columns=None):
    (scan,) = read_text(Contents(Path("folder/scan.dat"), text))
    return spectrum_of(scan, ColumnChoice.of(columns), element)


@pytest.mark.parametrize(
    "text",
    [
        table(ENERGY, MU),
        table(ENERGY, MU, separator="\t"),
        table(ENERGY, MU, separator=", "),
        table(ENERGY, MU, separator=";", header="energy;mu\n"),
        table(ENERGY, MU, separator=";").replace(".", ","),
        table(ENERGY, MU).replace(".", ","),
        table(ENERGY, MU, header="# made by hand\n# energy mu\n"),
        table(ENERGY, MU, header="% energy  xmu\n\n"),
        table(ENERGY, MU, header="; a comment\nEnergy(eV)  mu(E)\n"),
        table(ENERGY, MU, header="A title line\nand another with 2 numbers 17\n"),
        table(ENERGY, MU).replace("\n", "\r\n"),
        table(ENERGY, MU, form="{:.7E}").replace("E+", "D+").replace("E-", "D-"),
        "\ufeff" + table(ENERGY, MU, separator=",", header='"Energy (eV)","mu"\n'),
    ],
)
def test_two_columns_are_energy_and_mu_however_they_are_written(text):
    spectrum = parse(text)
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, rtol=1e-6)
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-5)
    assert (spectrum.name, spectrum.columns_used, spectrum.is_normalised) == ("scan", "mu", False)


def test_athenas_columns_are_known():
    header = "# Athena data file -- Athena version 0.9.26\n# Element: Cu\n#---------\n"
    raw = parse(table(ENERGY, MU, MU / 3, MU / 2, header=header + "#  energy  xmu  norm  flat\n"))
    assert (raw.columns_used, raw.is_normalised, raw.metadata["element"]) == ("mu", False, "Cu")
    flat = parse(table(ENERGY, MU / 3, MU, MU / 2, header=header + "#  energy  norm  nbkg  flat\n"))
    assert (flat.columns_used, flat.is_normalised) == ("flat", True)
    np.testing.assert_allclose(flat.mu_M, MU / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("choice", "used"),
    [
        ({"energy": 1, "i0": 2, "itrans": 3}, "log(i0/itrans)"),
        ({"energy": "E", "i0": "det_a", "itrans": "det_b"}, "log(i0/itrans)"),
        ({"energy": "1", "mu": "4"}, "mu"),
        ((1, 4), "mu"),
        (["e", "result"], "mu"),
    ],
)
def test_columns_are_chosen_by_name_or_number(choice, used):
    text = table(ENERGY, I0, I0 * np.exp(-MU), MU, header="# E det_a det_b result\n")
    spectrum = parse(text, columns=choice)
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-4)
    assert spectrum.columns_used == used


def test_known_labels_need_no_choice():
    spectrum = parse(table(ENERGY, I0, I0 * np.exp(-MU), header="# Energy I0 I1\n"))
    assert spectrum.columns_used == "log(i0/itrans)"
    assert parse(table(ENERGY, MU * I0, I0, header="# energy fluor i0\n")).columns_used == "ifluor/i0"


@pytest.mark.parametrize(
    ("label", "used"),
    [
        *((label, "mutrans") for label in ("ln(I0/It)", "mu=log(i0/i1)", "LnI0It", "lni0it", "-ln(It/I0)")),
        *((label, "mufluor") for label in ("If/I0", "(Iff)/(I0)", "fluo/I0", "PIPS_I0")),
    ],
)
def test_quotients_of_detectors_are_an_absorption_and_not_divided_again(label, used):
    for text in (
        table(ENERGY, I0, MU, header=f"# energy I0 {label}\n"),
        table(ENERGY, MU, I0, header=f"# energy {label} I0\n"),
        table(ENERGY, MU, 0 * MU + 300, header=f"energy {label} temperature\n"),
    ):
        spectrum = parse(text)
        np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-5)
        assert spectrum.columns_used == used


@pytest.mark.parametrize("label", ["It/I0", "I1_I0", "I0/It", "fluor_norm", "ln(If/I0)"])
def test_what_is_no_detectors_counts_is_not_taken_for_them(label):
    with pytest.raises(SpectrumError, match=re.escape(f"3 columns (energy, I0, {label}), and none is known")):
        parse(table(ENERGY, I0, MU, header=f"# energy I0 {label}\n"))


@pytest.mark.parametrize(
    ("factor", "header"),
    [
        (1, "Energy I0 I1\neV counts counts\n"),
        (1, "Energy,I0,I1\n[eV],[nA],[nA]\n"),
        (1e-3, "# Energy I0 I1\n# keV A A\n"),
        (1e-3, "Energy\tI0\tI1\n(keV)\t(counts)\t(counts)\n"),
        (1e-3, "Mono Energy;I0_ch;It_ch\nkeV;cps;cps\n"),
    ],
)
def test_units_may_stand_in_a_line_below_the_labels(factor, header):
    separator = next((s for s in ",;\t" if s in header), " ")
    text = table(factor * ENERGY, I0, I0 * np.exp(-MU), separator=separator, header=header, form="{:.9g}")
    spectrum = parse(text)
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, rtol=1e-7)
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-5)


def test_labels_may_end_with_a_separator_as_their_rows_do():
    text = table(ENERGY, I0, I0 * np.exp(-MU), separator=",", header="Energy,I0,I1\n").replace("\n", ",\n")
    np.testing.assert_allclose(parse(text).mu_M, MU, atol=1e-4)


def test_the_typographers_minus_is_one():
    text = table(ENERGY, MU - 1).replace("-", "\N{MINUS SIGN}")
    np.testing.assert_allclose(parse(text).mu_M, MU - 1, atol=1e-6)


def test_impossible_choices_are_explained():
    with pytest.raises(UserError, match=r"columns has no 'itran': did you mean itrans"):
        ColumnChoice.of({"itran": 1})
    with pytest.raises(UserError, match=r"columns=\[1, 2, 3\]: expected two columns, energy and mu"):
        ColumnChoice.of([1, 2, 3])


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("energy", r"columns='energy': expected two columns"),
        (5, r"columns=5: expected two columns"),
        ({"unit": 5}, "unit is 5, expected eV, keV, degrees or radians"),
        ({"d_spacing": "wide"}, "d_spacing is 'wide', expected a number from 0.3 to 20, angstrom"),
        ({"d_spacing": True}, "d_spacing is True, expected a number"),
        ({"d_spacing": 0}, "d_spacing is 0, expected a number from 0.3 to 20"),
        ({"d_spacing": 31.356}, "d_spacing is 31.356, expected"),
        ({"d_spacing": float("nan")}, "d_spacing is nan, expected"),
        ({"normalised": "yes"}, "normalised is 'yes', expected true or false"),
        ({"mu": [1, 2]}, r"mu is \[1, 2\], expected the name of a column, or its number"),
        ({"i0": 2.5}, r"i0 is 2.5, expected the name of a column, or its number from 1 on$"),
        ({"i0": ""}, "i0 is '', expected"),
        ({"ifluor": []}, r"ifluor is \(\), expected names or numbers"),
        ({"ifluor": [1, None]}, "expected names or numbers of columns in the list"),
        ({"ifluor": {"a": 1}}, "or a list of them"),
        ([1, [2]], r"mu is \[2\]"),
    ],
)
def test_choices_of_another_type_are_explained(choice, said):
    with pytest.raises(UserError, match=said):
        ColumnChoice.of(choice)


def test_channels_of_fluorescence_are_summed():
    shares = (0.1, 0.4, 0.3)
    channels = [s * MU * I0 for s in shares]
    text = table(ENERGY, I0, *channels, form="{:.10g}", header="# energy i0 ifluor_1 ifluor_2 ifluor_3\n")
    spectrum = parse(text)
    np.testing.assert_allclose(spectrum.mu_M, 0.8 * MU, rtol=1e-6)
    assert spectrum.columns_used == "ifluor/i0"
    assert spectrum.notes == ("3 channels of fluorescence, ifluor_1 to ifluor_3, were summed",)
    for chosen in ([4, 5], ["ifluor_2", 5], ["IFLUOR_2", "ifluor_3"]):
        two = parse(text, columns={"ifluor": chosen})
        np.testing.assert_allclose(two.mu_M, 0.7 * MU, rtol=1e-6)
        assert two.notes == ()
    np.testing.assert_allclose(parse(text, columns={"ifluor": "ifluor"}).mu_M, spectrum.mu_M)
    np.testing.assert_allclose(parse(text, columns={"ifluor": "ifluor_1"}).mu_M, 0.1 * MU, rtol=1e-6)
    with pytest.raises(SpectrumError, match="there is no column 9: the file has 5 columns"):
        parse(text, columns={"ifluor": [4, 9]})
    # A column called so without a number is taken for the sum.
    summed = parse(table(ENERGY, I0, MU * I0, channels[0], header="# energy i0 fluor fluor1\n"))
    np.testing.assert_allclose(summed.mu_M, MU, rtol=1e-5)


def test_prose_of_as_many_words_as_columns_names_none():
    for line in (
        "XANES norm",
        "Copper fluorescence",
        "Theta 45",
        "beam energy",
        "Sample transmission",
        "Cu norm",
    ):
        spectrum = parse(table(ENERGY, MU, header=f"# {line}\n"))
        np.testing.assert_allclose(spectrum.energy_M, ENERGY, rtol=1e-6)
        np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-5)
        assert (spectrum.columns_used, spectrum.is_normalised, spectrum.notes) == ("mu", False, ())
    three = "# energy i0 it\n# iron oxide {}\n"
    for last in ("transmission", "norm", "angle", "7112", "energy"):
        spectrum = parse(
            table(ENERGY, I0, I0 * np.exp(-MU), header=three.format("dust") + f"# mu of {last}\n")
        )
        assert spectrum.columns_used == "log(i0/itrans)"
        np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-4)


def test_fluorescence_in_the_second_of_two_columns_is_divided_already():
    spectrum = parse(table(ENERGY, MU, header="# energy fluorescence\n"))
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-5)
    turned = parse(table(MU, ENERGY, header="# fluorescence energy\n"))
    np.testing.assert_allclose(turned.energy_M, ENERGY, rtol=1e-6)
    np.testing.assert_allclose(turned.mu_M, MU, atol=1e-5)


def test_energies_are_never_taken_for_an_absorption():
    with pytest.raises(SpectrumError, match="none is known for an absorption"):
        parse(table(ENERGY, MU, I0, header="# mu energy_of i0 \n"), columns={"energy": 1})


def test_words_after_the_last_row_are_passed_over():
    for end in ("End of scan", "End of scan, beam dumped; 17 points lost", "Comment: none\nand more words"):
        spectrum = parse(table(ENERGY, MU) + f"{end}\n")
        assert len(spectrum) == len(ENERGY)
    with pytest.raises(SpectrumError, match=r"line \d+ holds 'a pause' amid the rows of numbers"):
        parse(table(ENERGY, MU) + "a pause\n" + table(ENERGY + 700, MU))


def test_kev_is_detected_and_said():
    by_label = parse(
        table(
            ENERGY / 1000, MU, header="# energy_keV mu\n".replace("energy_keV", "energy(keV)"), form="{:.9g}"
        )
    )
    by_range = parse(table(ENERGY / 1000, MU, form="{:.9g}"), element="Cu")
    chosen = parse(table(ENERGY / 1000, MU, form="{:.9g}"), columns={"unit": "keV"})
    for spectrum in (by_label, by_range, chosen):
        np.testing.assert_allclose(spectrum.energy_M, ENERGY, rtol=1e-7)
        assert spectrum.notes == ("energies in keV were multiplied by 1000",)


def test_degrees_are_asked_about_and_converted():
    angle = np.degrees(np.arcsin(12398.41984 / (2 * 3.1356 * ENERGY)))
    text = table(angle, MU, form="{:.10g}")
    with pytest.raises(SpectrumError, match="keV, or degrees of the monochromator"):
        parse(text, element="Cu")
    spectrum = parse(text, columns={"unit": "degrees", "d_spacing": 3.1356})
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=1e-3)
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-5)
    labelled = parse(table(angle, MU, header="# theta mu\n", form="{:.10g}"), columns={"d_spacing": 3.1356})
    np.testing.assert_allclose(labelled.energy_M, ENERGY, atol=1e-3)
    with pytest.raises(SpectrumError, match="needs the lattice spacing in angstrom"):
        parse(table(angle, MU, header="# theta(deg) mu\n"))
    with pytest.raises(SpectrumError, match="not between 0 and 90 degrees"):
        parse(table(ENERGY, MU), columns={"unit": "deg", "d_spacing": 3.1})


@pytest.mark.parametrize(
    "line",
    [
        "# Sample angle: 45 deg",
        "# Synchrotron Radiation Source, ring energy 3 GeV",
        "# degraded energy resolution",
        "# beam energy 6 keV",
    ],
)
def test_prose_does_not_make_energies_angles(line):
    for names in ("", "# energy mu\n"):
        spectrum = parse(table(ENERGY, MU, header=f"{line}\n{names}"))
        np.testing.assert_allclose(spectrum.energy_M, ENERGY, rtol=1e-6)
        assert spectrum.notes == ()
    energies_kev = table(ENERGY / 1000, MU, header="# Sample angle: 45 deg\n# Energy (keV) of the beam\n")
    np.testing.assert_allclose(parse(energies_kev).energy_M, ENERGY, atol=0.01)


def test_the_unit_is_that_of_the_column_used():
    angle = np.degrees(np.arcsin(12398.41984 / (2 * 3.1356 * ENERGY)))
    both = table(angle, ENERGY, MU, header="theta (deg), energy (eV), mu\n", separator=",", form="{:.10g}")
    np.testing.assert_allclose(parse(both).energy_M, ENERGY, rtol=1e-7)
    by_angle = parse(both, columns={"energy": 1, "d_spacing": 3.1356})
    np.testing.assert_allclose(by_angle.energy_M, ENERGY, atol=1e-3)
    prose = table(angle, MU, header="# Bragg angle in degrees, then mu\n", form="{:.10g}")
    np.testing.assert_allclose(parse(prose, columns={"d_spacing": 3.1356}).energy_M, ENERGY, atol=1e-3)


def test_normalised_fluorescence_is_an_absorption():
    spectrum = parse(table(ENERGY, MU, I0, header="# energy normfluor clock\n"))
    assert (spectrum.columns_used, spectrum.is_normalised) == ("normfluor", True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no rows of numbers"),
        ("just words\nand more\n", "no rows of numbers"),
        (table(ENERGY), "one column of numbers"),
        (
            table(ENERGY, MU, MU),
            r"3 columns \(unnamed, unnamed, unnamed\), and none is known for an absorption",
        ),
        (table(ENERGY, MU, MU, header="# energy apples pears\n"), r"3 columns \(energy, apples, pears\)"),
        (table(ENERGY, MU) + "7 8 9\n", r"line \d+ has 3 columns, the first row has 2"),
        (table(ENERGY, MU) + "9600 1.2x\n", r"line \d+ holds '9600 1.2x' amid the rows"),
        (table(ENERGY - 8979, MU), "energies from -150 to 599 eV, from a zero of their own"),
        (
            table(ENERGY[(ENERGY > 8959) & (ENERGY < 9059)] - 8979, MU[(ENERGY > 8959) & (ENERGY < 9059)]),
            OWN_ZERO,
        ),
        (table(ENERGY / 1000, MU), r"runs from 8\.829 to 9\.57\d: keV, or degrees"),
        (table(ENERGY * 1e4, MU), "no scan of an absorption edge"),
        (table(ENERGY[:3], MU[:3]), "truncated: 3 points"),
        (table(ENERGY, np.where(ENERGY > 9000, np.nan, MU)), r"NaN or infinite values: mu of point \d+"),
    ],
)
def test_what_cannot_be_read_is_named_in_a_line(text, reason):
    with pytest.raises(SpectrumError, match=reason) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("header", ["# Energy ICR1\n", ""])
@pytest.mark.parametrize("counts", [np.round(2e5 * MU), 123.4567 * MU, np.round(40 * MU)])
def test_counts_that_are_taken_for_mu_are_doubted(header, counts):
    spectrum = parse(table(ENERGY, counts, header=header, form="{:.9g}"))
    label = "ICR1" if header else "2"
    assert spectrum.doubts == (
        f"column {label} was taken for mu; it looks like counts that were not divided by i0",
    )
    assert spectrum.notes == spectrum.doubts
    chosen = parse(table(ENERGY, I0, counts, form="{:.9g}"), columns={"energy": 1, "mu": 3})
    assert chosen.doubts[0].startswith("column 3 was taken for mu; it looks like counts")
    assert parse(table(ENERGY, I0, counts * I0), columns={"energy": 1, "i0": 2, "ifluor": 3}).doubts == ()


def test_a_detector_that_is_full_is_named_with_the_energies():
    fluor = np.minimum(I0 * MU, (I0 * MU).max() - 2e4)
    (doubt,) = parse(table(ENERGY, I0, fluor, header="# energy i0 ifluor\n", form="{:.9g}")).doubts
    assert doubt.startswith("detector ifluor is flat at its top from") and doubt.endswith("eV: saturated?")


def test_choices_that_are_advised_are_ones_that_can_be_made():
    with pytest.raises(SpectrumError) as caught:
        parse(table(ENERGY, I0, I0 * np.exp(-MU)))
    advised = re.findall(r"'measured\.columns=(\S+)'", str(caught.value))
    assert advised == ["{energy:1,mu:2}", "{energy:1,i0:2,itrans:3}"]
    for choice in advised:
        parse(table(ENERGY, I0, I0 * np.exp(-MU)), columns=yaml.safe_load(choice.replace(":", ": ")))
