from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.energy import HC
from rankaae_cli.data.measured.from_scan import spectrum_of
from rankaae_cli.data.readers.scans.raw_scan import Contents
from rankaae_cli.data.readers.scans.xdi import is_xdi, read_xdi
from tests.data.measured_scan import EDGES, chambers, copper_xdi, mu, scan_energies, xdi_text

PATH = Path("folder/sample.001.xdi")
ENERGY = scan_energies(EDGES["Cu"])
FIELDS = ("# Element.symbol: Cu", "# Element.edge: K")


def parse(text, **choice):
    (scan,) = read_xdi(Contents(PATH, text))
    return spectrum_of(scan, ColumnChoice(**choice))


def test_transmission_and_reference_are_made_of_the_chambers():
    spectrum = parse(copper_xdi())
    i0, itrans, irefer = chambers(ENERGY, EDGES["Cu"] + 6.0)
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=1e-6)
    np.testing.assert_allclose(spectrum.mu_M, np.log(i0 / itrans), atol=1e-6)
    np.testing.assert_allclose(spectrum.reference_M, np.log(itrans / irefer), atol=1e-6)
    assert (spectrum.name, spectrum.element, spectrum.edge) == ("sample.001", "Cu", "K")
    assert spectrum.columns_used == "log(i0/itrans)"
    assert not spectrum.is_normalised and not spectrum.is_computed and spectrum.notes == ()
    assert spectrum.metadata["mono.d_spacing"] == "3.13553"
    assert spectrum.metadata["sample.reference"] == "Cu foil"
    # What follows the field-end line is a comment, whatever it looks like.
    assert "a comment" not in " ".join(spectrum.metadata)


@pytest.mark.parametrize("label", ["Cu Ka counts", "Cu Ka", "Cu K-alpha", "CuKa counts", "Cu_Ka (counts)"])
def test_columns_named_after_the_elements_line_are_its_fluorescence(label):
    i0, true = 1e5 + ENERGY, mu(ENERGY, EDGES["Cu"])
    columns = {"energy eV": ENERGY, "i0 counts": i0, "Fe Ka counts": i0, label: i0 * true}
    spectrum = parse(xdi_text(columns, FIELDS))
    np.testing.assert_allclose(spectrum.mu_M, true, atol=1e-5)
    assert spectrum.columns_used in ("cu_ka/i0", "cuka/i0", "cu_k_alpha/i0")


@pytest.mark.parametrize(
    ("columns", "used", "expected"),
    [
        ({"mutrans": "mu", "i0": "i0", "itrans": "itrans"}, "mutrans", "mu"),
        ({"i0": "i0", "itrans": "itrans", "ifluor": "fluor"}, "log(i0/itrans)", "mu"),
        ({"i0": "i0", "ifluor": "fluor"}, "ifluor/i0", "mu"),
        ({"mufluor": "mu"}, "mufluor", "mu"),
        ({"normtrans": "norm"}, "normtrans", "norm"),
    ],
)
def test_the_labels_say_what_mu_is_made_of(columns, used, expected):
    true = mu(ENERGY, EDGES["Cu"])
    i0 = 1e5 + ENERGY
    values = {"mu": true, "i0": i0, "itrans": i0 * np.exp(-true), "fluor": i0 * true, "norm": true / 3}
    text = xdi_text({"energy eV": ENERGY, **{label: values[what] for label, what in columns.items()}}, FIELDS)
    spectrum = parse(text)
    assert spectrum.columns_used == used
    assert spectrum.is_normalised == used.startswith("norm")
    np.testing.assert_allclose(spectrum.mu_M, values[expected], atol=1e-5)


def test_a_choice_goes_before_the_labels():
    true = mu(ENERGY, EDGES["Cu"])
    i0 = 1e5 + ENERGY
    text = xdi_text(
        {
            "energy eV": ENERGY,
            "i0": i0,
            "itrans": i0 * np.exp(-true),
            "ifluor": i0 * true * 0.2,
            "extra": true + 9,
        },
        FIELDS,
    )
    np.testing.assert_allclose(parse(text, ifluor="ifluor").mu_M, 0.2 * true, atol=1e-5)
    assert parse(text).notes == ("fluorescence is there too: 'measured.columns={i0:i0,ifluor:ifluor}'",)
    np.testing.assert_allclose(parse(text, mu=5).mu_M, true + 9, atol=1e-5)
    np.testing.assert_allclose(parse(text, i0="i0", itrans=4).mu_M, -np.log(0.2 * true), atol=1e-5)
    with pytest.raises(SpectrumError, match="there is no column 'nothing': the 5 columns are energy, i0"):
        parse(text, mu="nothing")
    with pytest.raises(SpectrumError, match="there is no column 7: the file has 5 columns"):
        parse(text, mu=7)


def test_a_column_of_no_reference_is_not_taken_for_one():
    assert (
        parse(copper_xdi().replace("Sample.reference: Cu foil", "Sample.reference: none")).reference_M is None
    )


@pytest.mark.parametrize(
    ("unit", "convert", "note"),
    [
        ("keV", lambda e: e / 1000, "energies in keV"),
        ("degrees", lambda e: np.degrees(np.arcsin(HC / (2 * 3.13553 * e))), "monochromator angles"),
        ("radians", lambda e: np.arcsin(HC / (2 * 3.13553 * e)), "monochromator angles"),
    ],
)
def test_kev_and_angles_become_ev(unit, convert, note):
    label = "energy keV" if unit == "keV" else f"angle {unit}"
    text = xdi_text(
        {label: convert(ENERGY), "mutrans": mu(ENERGY, EDGES["Cu"])}, (*FIELDS, "# Mono.d_spacing: 3.13553 A")
    )
    # Six digits of an angle are half an eV in the end.
    spectrum = parse(text)
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=0.6)
    assert note in spectrum.notes[0]
    if unit != "keV":
        with pytest.raises(
            SpectrumError,
            match=r"in monochromator \w+ needs the lattice spacing .* is not given; .*,d_spacing:3\.1356\}'",
        ):
            parse(text.replace("Mono.d_spacing", "Mono.other"))


@pytest.mark.parametrize("label", ["energy", "energy eV", "energy || 13BMA:E:Energy.VAL"])
def test_kev_are_known_by_their_size_where_no_unit_or_a_wrong_one_is_given(label):
    columns = {label: ENERGY / 1000, "mutrans": mu(ENERGY, EDGES["Cu"])}
    spectrum = parse(xdi_text(columns, FIELDS))
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=1e-3)
    assert spectrum.notes == ("energies in keV were multiplied by 1000",)
    asked = r"8\.829 to 9\.57\d.* say 'measured\.columns=\{unit:keV\}'"
    with pytest.raises(SpectrumError, match=asked):
        parse(xdi_text(columns))
    np.testing.assert_allclose(parse(xdi_text(columns), unit="keV").energy_M, ENERGY, atol=1e-3)


def test_light_elements_have_their_edges_at_few_ev():
    energy = scan_energies(54.7, below=20.0, above=90.0)
    text = xdi_text({"energy": energy, "mutrans": mu(energy, 54.7)}, ("# Element.symbol: Li",))
    np.testing.assert_allclose(parse(text).energy_M, energy, atol=1e-5)


def swept(*turning):
    """A continuous scan between the energies named, 600 points a sweep, and its absorption."""
    energy = np.concatenate([np.linspace(*ends, 600) for ends in pairwise(turning)])
    return {"energy eV": energy, "mutrans": mu(energy, EDGES["Cu"])}


@pytest.mark.parametrize(
    "turning",
    [
        (8800.0, 9600.0, 8800.5),
        (8800.0, 9600.0, 8799.5),
        (8800.0, 9600.0, 8800.0, 9600.0),
        (8800.0, 9000.0, 8950.0, 9600.0),
    ],
)
def test_scans_up_and_down_are_not_merged_into_one(turning):
    """A monochromator driven to and fro takes no step back that is larger than the others."""
    with pytest.raises(
        SpectrumError, match=r"the energies turn back near point 6\d\d .*several scans in one file"
    ):
        parse(xdi_text(swept(*turning), FIELDS))


def test_the_jitter_of_an_encoder_at_every_point_is_sorted():
    energy = np.linspace(8800.0, 9600.0, 8000)
    jittered = energy + np.random.default_rng(0).normal(0, 0.15, len(energy))
    spectrum = parse(xdi_text({"energy eV": jittered, "mutrans": mu(jittered, EDGES["Cu"])}, FIELDS))
    assert np.all(np.diff(spectrum.energy_M) > 0) and "were sorted" in spectrum.notes[0]


def test_a_few_points_that_are_no_numbers_are_left_out_and_said():
    energy, values = ENERGY.copy(), mu(ENERGY, EDGES["Cu"])
    energy[3], values[[50, 80]] = np.nan, (np.nan, np.inf)
    spectrum = parse(xdi_text({"energy eV": energy, "mutrans": values}, FIELDS))
    assert len(spectrum) == len(ENERGY) - 3
    assert spectrum.notes == ("3 points at which energy or mu is no number were left out",)
    values[:20] = np.nan
    with pytest.raises(SpectrumError, match=r"NaN or infinite values: mu of point 1 \(22 in all\)"):
        parse(xdi_text({"energy eV": ENERGY, "mutrans": values}, FIELDS))


def test_the_unit_is_that_of_the_column_used():
    angle = np.degrees(np.arcsin(HC / (2 * 3.13553 * ENERGY)))
    columns = {"angle degrees": angle, "energy eV": ENERGY, "mutrans": mu(ENERGY, EDGES["Cu"])}
    text = xdi_text(columns, (*FIELDS, "# Mono.d_spacing: 3.13553 A"))
    by_energy, by_angle = parse(text), parse(text, energy="angle")
    np.testing.assert_allclose(by_energy.energy_M, ENERGY, atol=1e-3)
    assert by_energy.notes == ()
    np.testing.assert_allclose(by_angle.energy_M, ENERGY, atol=0.6)


def test_a_descending_scan_is_reversed_and_said():
    columns = {"energy eV": ENERGY[::-1], "mutrans": mu(ENERGY, EDGES["Cu"])[::-1]}
    spectrum = parse(xdi_text(columns, FIELDS))
    np.testing.assert_allclose(spectrum.mu_M, mu(ENERGY, EDGES["Cu"]), atol=1e-6)
    assert spectrum.notes == ("the scan descends: its points were reversed",)


def test_points_of_one_energy_are_averaged_and_jitter_is_sorted():
    energy = np.concatenate([ENERGY[:50], ENERGY[49:]])
    energy[[100, 101]] = energy[[101, 100]]
    values = mu(energy, EDGES["Cu"])
    values[49] += 0.1
    spectrum = parse(xdi_text({"energy eV": energy, "mutrans": values}, FIELDS))
    assert len(spectrum) == len(ENERGY)
    assert spectrum.mu_M[49] == pytest.approx(mu(ENERGY, EDGES["Cu"])[49] + 0.05, abs=1e-5)
    assert "1 points were out of order, by 0.4 eV at most" in spectrum.notes[0]
    assert spectrum.notes[1] == "1 points of equal energy were averaged"


def test_files_that_stray_from_the_specification_are_read():
    text = xdi_text(
        {
            "energy eV || 13BMA:E:Energy.VAL": ENERGY,
            "i0 counts || 13BMD:s.VAL": ENERGY,
            "itrans counts": 0.3 * ENERGY + 1,
        },
        ("# Element.symbol:  Cu", "# Element.edge:K"),
        version="#XDI/1.1  Epics StepScan File / 2.0",
    )
    assert is_xdi(Contents(PATH, text)) and is_xdi(Contents(PATH, "\ufeff" + text))
    spectrum = parse(text.replace("\n", "\r\n").replace("# ///\r\n", "").replace("#----\r\n", ""))
    assert (spectrum.element, spectrum.edge, len(spectrum)) == ("Cu", "K", len(ENERGY))
    # Without fields for the columns their labels name them.
    lines = [line for line in text.splitlines() if not line.startswith("# Column")]
    assert parse("\n".join(lines)).columns_used == "log(i0/itrans)"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda rows: {**rows, "itrans": np.zeros(len(ENERGY))},
            r"detector column itrans is zero at all \d+ points",
        ),
        (
            lambda rows: {**rows, "i0": np.where(ENERGY > 9000, 0, 1e5)},
            r"column i0 is zero at \d+ of \d+ points",
        ),
        (
            lambda rows: {**rows, "i0": -rows["i0"]},
            r"column i0 is negative at \d+ of \d+ points: was an offset, such as",
        ),
        (
            lambda rows: {k: v for k, v in rows.items() if k != "i0"},
            r"column itrans needs i0, which is not among .* 'measured\.columns=\{i0:NAME,itrans:itrans\}', or",
        ),
        (
            lambda rows: {"energy eV": ENERGY, "counttime": ENERGY},
            "no absorption among the columns energy, counttime",
        ),
        (lambda rows: {"energy pixel": ENERGY, "mutrans": ENERGY}, "the scan is in pixel"),
        (
            lambda rows: {"energy furlong": ENERGY, "mutrans": ENERGY},
            "the energy is in 'furlong', expected eV",
        ),
        (
            lambda rows: {"energy eV": ENERGY, "mutrans": np.ones(len(ENERGY))},
            r"column mutrans is constant \(1\)",
        ),
        (
            lambda rows: {
                "energy eV": np.concatenate([ENERGY, ENERGY]),
                "mutrans": np.arange(2.0 * len(ENERGY)),
            },
            "the energies start over at point .* several scans in one file",
        ),
    ],
)
def test_what_cannot_be_used_is_named_in_a_line(change, reason):
    i0, itrans, _ = chambers(ENERGY, EDGES["Cu"])
    with pytest.raises(SpectrumError, match=reason) as caught:
        parse(xdi_text(change({"energy eV": ENERGY, "i0": i0, "itrans": itrans}), FIELDS))
    assert "\n" not in str(caught.value)


def test_a_few_failed_points_are_left_out_and_said():
    i0, itrans, _ = chambers(ENERGY, EDGES["Cu"])
    itrans[[3, 77]] = 0
    spectrum = parse(xdi_text({"energy eV": ENERGY, "i0": i0, "itrans": itrans}, FIELDS))
    assert len(spectrum) == len(ENERGY) - 2
    assert spectrum.notes == ("2 points at which i0 or itrans is not positive were left out",)


def test_channels_of_fluorescence_are_summed():
    true, i0 = mu(ENERGY, EDGES["Cu"]), 1e5 + ENERGY
    columns = {"energy eV": ENERGY, "i0": i0, "ifluor ch1": 0.2 * true * i0, "ifluor ch2": 0.5 * true * i0}
    text = xdi_text(columns, FIELDS)
    spectrum = parse(text)
    np.testing.assert_allclose(spectrum.mu_M, 0.7 * true, rtol=1e-5)
    assert spectrum.notes == ("2 channels of fluorescence, ifluor_ch1 to ifluor_ch2, were summed",)
    np.testing.assert_allclose(parse(text, ifluor="ifluor ch2").mu_M, 0.5 * true, rtol=1e-5)
    np.testing.assert_allclose(parse(text, ifluor=(3, 4)).mu_M, 0.7 * true, rtol=1e-5)


def test_words_after_the_last_row_are_passed_over():
    assert len(parse(copper_xdi() + "End of scan\n")) == len(ENERGY)


def test_columns_without_names_are_chosen_by_number():
    text = "# XDI/1.0\n" + "\n".join(FIELDS) + "\n#---\n"
    text += "".join(f"{e:.2f} {m:.6f}\n" for e, m in zip(ENERGY, mu(ENERGY, EDGES["Cu"]), strict=True))
    spectrum = parse(text, energy=1, mu=2)
    np.testing.assert_allclose(spectrum.mu_M, mu(ENERGY, EDGES["Cu"]), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# XDI/1.0\n# Column.1: energy eV\n#---\n# energy mu\n", "there are no rows of numbers"),
        (copper_xdi() + "9600 1 2\n", r"line \d+ has 3 columns, the first row has 4: .* take the line out"),
        (copper_xdi() + "9600 1 2 x\n", r"line \d+ holds 'x' where a number is expected"),
        (copper_xdi() + "9600 1e5 nan 1\n", None),
        (
            "# XDI/1.0\n#---\n1 2\n3 4\n",
            r"names the columns: choose them, such as by 'measured.columns=\{energy:1",
        ),
    ],
)
def test_broken_files_say_where(text, reason):
    if reason is None:
        assert "not positive" in parse(text).notes[0]
        return
    with pytest.raises(SpectrumError, match=reason):
        parse(text)
