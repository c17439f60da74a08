"""Which signal of a scan is taken for its absorption, and what is said of the others."""

import re
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import fluorescence_columns
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.from_scan import spectrum_of
from rankaae_cli.data.readers.scans.raw_scan import Contents
from rankaae_cli.data.readers.scans.text_columns import read_text
from rankaae_cli.data.readers.scans.xdi import read_xdi
from tests.data.measured_scan import EDGES, chambers, edge_step_function, mu, scan_energies, xdi_text

ENERGY = scan_energies(EDGES["Cu"])
MU = mu(ENERGY, EDGES["Cu"])
FIELDS = ("# Element.symbol: Cu", "# Element.edge: K")


def parse(text, **choice):
    (scan,) = read_xdi(Contents(Path("sample.xdi"), text))
    return spectrum_of(scan, ColumnChoice(**choice))


def both_ways(step, noise_it, noise_if, fluorescence=1.0):
    """A scan with chambers behind the sample and a detector of fluorescence beside it."""
    rng = np.random.default_rng(1)
    true, i0 = mu(ENERGY, EDGES["Cu"]), 2e5 * (1 + 0.1 * np.sin(ENERGY / 300))
    itrans = i0 * np.exp(-(step * true + 1.0)) * (1 + noise_it * rng.standard_normal(len(ENERGY)))
    ifluor = i0 * fluorescence * (true + noise_if * rng.standard_normal(len(ENERGY)))
    return {"energy eV": ENERGY, "i0": i0, "itrans": itrans, "ifluor": ifluor}


@pytest.mark.parametrize(
    ("scan", "used"),
    [
        (both_ways(1.0, 1e-4, 1e-5), "log(i0/itrans)"),  # concentrated, and both are good
        (both_ways(1.0, 0.02, 1e-3), "log(i0/itrans)"),  # concentrated: fluorescence absorbs itself
        (both_ways(0.01, 1e-6, 1e-7), "log(i0/itrans)"),  # dilute, but of no noise to speak of
        (both_ways(0.05, 1e-3, 1e-2), "log(i0/itrans)"),
        (both_ways(0.01, 3e-4, 1e-3), "ifluor/i0"),  # dilute
    ],
)
def test_fluorescence_is_taken_where_it_is_clearly_better_and_the_other_is_named(scan, used):
    spectrum = parse(xdi_text(scan, FIELDS))
    assert spectrum.columns_used == used
    other = "ifluor:ifluor" if used == "log(i0/itrans)" else "itrans:itrans"
    assert f"'measured.columns={{i0:i0,{other}}}'" in spectrum.notes[-1]
    other_way = {"i0": "i0", other.split(":")[0]: other.split(":")[0]}
    assert parse(xdi_text(scan, FIELDS), **other_way).columns_used != used


NOTHING = np.zeros(len(ENERGY))


@pytest.mark.parametrize(
    ("scan", "used", "said"),
    [
        (both_ways(0.0, 3e-4, 1e-3), "ifluor/i0", "transmission cannot be taken: no edge found"),
        (
            both_ways(0.01, 3e-4, 1e-3) | {"itrans": NOTHING},
            "ifluor/i0",
            "transmission cannot be taken: detector column itrans is zero at all",
        ),
        (
            both_ways(1.0, 1e-4, 1e-3) | {"ifluor": NOTHING},
            "log(i0/itrans)",
            "fluorescence cannot be taken: detector column ifluor is zero at all",
        ),
        (
            both_ways(1.0, 0.5, 1e-3) | {"i0": NOTHING, "xmu": mu(ENERGY, EDGES["Cu"])},
            "mu",
            "fluorescence cannot be taken: detector column i0 is zero at",
        ),
        (
            {"energy eV": ENERGY, "mutrans": 1.0 + NOTHING, "norm": edge_step_function(ENERGY, EDGES["Cu"])},
            "normtrans",
            "transmission cannot be taken: column mutrans is constant (1)",
        ),
    ],
)
def test_the_fault_of_one_signal_does_not_end_the_search(scan, used, said):
    spectrum = parse(xdi_text(scan, FIELDS))
    assert spectrum.columns_used == used
    assert any(note.startswith(said) for note in spectrum.notes)
    assert spectrum.is_normalised == (used == "normtrans")


def test_mu_beside_a_dead_detector_is_divided_already_whatever_its_size():
    scan = both_ways(1.0, 0.5, 1e-3)
    del scan["ifluor"]
    scan |= {"itrans": 1e-3 * np.random.default_rng(3).standard_normal(len(ENERGY)), "xmu": 200 * MU}
    spectrum = parse(xdi_text(scan, FIELDS))
    assert (spectrum.columns_used, spectrum.doubts) == ("mu", ())
    assert spectrum.notes[-1].startswith("transmission cannot be taken: detector column itrans is")
    assert "counts that were not divided" in parse(xdi_text(scan, FIELDS), mu="xmu").doubts[0]


def test_where_no_signal_is_left_the_message_says_what_was_tried():
    for scan, reasons in (
        (both_ways(0.0, 1e-3, 1e-3, fluorescence=0.0), ("no edge found", "detector column ifluor is zero")),
        (both_ways(1.0, 0, 0) | {"i0": -ENERGY}, ("column i0 is negative at", "column i0 is negative at")),
        (
            both_ways(1.0, 0, 0) | {"i0": NOTHING, "mu": 1 + NOTHING},
            ("i0 is zero", "i0 is zero", "mu is constant"),
        ),
    ):
        tried = ["log(i0/itrans)", "ifluor/i0", "mu"][: len(reasons)]
        pattern = "; ".join(
            rf"{re.escape(name)}: .*{why}.*" for name, why in zip(tried, reasons, strict=True)
        )
        with pytest.raises(
            SpectrumError, match=f"none of the {len(tried)} signals is an absorption: {pattern}"
        ):
            parse(xdi_text(scan, FIELDS))


def test_columns_of_mu_are_compared_alike():
    rng = np.random.default_rng(2)
    noise, true = rng.standard_normal((2, len(ENERGY))), mu(ENERGY, EDGES["Cu"])
    columns = {
        "energy eV": ENERGY,
        "mutrans": 0.02 * true + 1e-3 * noise[0],
        "mufluor": true + 1e-3 * noise[1],
    }
    spectrum = parse(xdi_text(columns, FIELDS))
    assert spectrum.columns_used == "mufluor"
    assert spectrum.notes[-1].endswith("'measured.columns={mu:mutrans}' takes it")


@pytest.mark.parametrize(
    ("names", "element", "columns"),
    [
        ("Energy I0 I1 Sum_Fe_Ka", "Fe", [3]),
        ("Energy Sum_Ca_Ka Sum_Fe_Ka Ca_Ka_mca1 Fe_Ka_mca1 Fe_Ka_mca2", "Fe", [2]),
        ("Energy FeKa_Sum FeKa_1 FeKa_2", "Fe", [1]),
        ("Energy Fe_Ka_mca1 Fe_Ka_mca2 Ca_Ka_mca1", "Fe", [1, 2]),
        ("Energy mca1FeKa mca2FeKa", "Fe", [1, 2]),
        ("Fe_KA1 Fe_KA2 FE_KA3 feka4", "Fe", [0, 1, 2, 3]),
        ("Fe_Ka_1 Fe_Ka_2 Fe_Ka_1_dtc Fe_Ka_2_dtc", "Fe", [2, 3]),
        ("Fe_Ka corrected_FeKa", "Fe", [1]),
        ("Fe_Ka1 Fe_Ka1_icr Fe_Ka1_ocr Fe_Ka1_dtfactor", "Fe", [0]),
        ("roi.FeK-alpha(sdd3)", "Fe", [0]),
        ("Fe_Kb Fe_Kalpha", "Fe", [1]),
        ("Fe_Kb", "Fe", [0]),
        ("MnKa FeKa", "Mn", [0]),
        ("MnKa CoKa NiKa", "Fe", []),
        ("CuKa CoKa", "Co", [1]),
        ("CaKa CrKa", "C", []),
        ("Cs_Ka S_Ka", "S", [1]),
        ("PbLa Pb_Lb", "Pb", [0]),
        ("V I0_V K", "V", []),
        ("Fe_Ka", None, []),
    ],
)
def test_columns_named_after_a_line_are_fluorescence_of_that_element_only(names, element, columns):
    assert fluorescence_columns(names.split(), element, "L3" if element == "Pb" else "K") == columns


def dilute(**fluorescence):
    """A dilute sample: transmission of a noise of some % of its small step, and fluorescence of shares of mu."""
    scan = both_ways(0.02, 1e-3, 1e-3)
    i0 = scan["i0"]
    del scan["ifluor"]
    return scan | {name: share * i0 * MU for name, share in fluorescence.items()}


@pytest.mark.parametrize(
    ("fluorescence", "used", "share"),
    [
        ({"Sum_Cu_Ka": 0.1}, "sum_cu_ka/i0", 0.1),
        ({"CuKa_mca1": 0.1, "CuKa_mca2": 0.3, "Zn_Ka_mca1": 5.0}, "cu_ka/i0", 0.4),
        ({"Cu_KA1": 0.1, "Cu_KA2": 0.3, "dtc_Cu_KA1": 0.2, "dtc_Cu_KA2": 0.6}, "cu_ka/i0", 0.8),
        ({"Zn_Ka": 0.5}, "log(i0/itrans)", None),
    ],
)
def test_fluorescence_of_the_absorbers_line_is_taken_where_transmission_is_poor(fluorescence, used, share):
    text = xdi_text(dilute(**fluorescence), FIELDS)
    spectrum = parse(text)
    assert spectrum.columns_used == used
    if share is None:
        assert re.search(r"log\(i0/itrans\) has a noise of \d\.\d% of its edge step", spectrum.doubts[-1])
        return
    assert spectrum.doubts == ()
    np.testing.assert_allclose(spectrum.mu_M, share * MU, rtol=1e-4)
    taken, other = spectrum.notes[-2:]
    assert taken.startswith(f"{used} was taken, with a noise of 0.0")
    assert other.startswith("transmission has a noise of ")
    # The same columns of a text whose header does not say the element.
    (scan,) = read_text(Contents(Path("a.dat"), re.sub("# Column.*\n", "", text).replace("XDI", "")))
    assert spectrum_of(scan, element="Cu", edge="K").columns_used == used
    assert spectrum_of(scan, element="Zn", edge="K").columns_used != used


def test_what_a_note_says_takes_the_fluorescence_of_a_line():
    scan = both_ways(1.0, 1e-4, 1e-4)
    scan = {
        **scan,
        "Cu Ka": 9 * scan["ifluor"],
        "Cu_Ka_mca1": 0.5 * scan["i0"] * MU,
        "Cu_Ka_mca2": scan["i0"] * MU,
    }
    labels = ["energy", "i0", "itrans", "ifluor", "bad", "Cu_Ka_mca1", "Cu_Ka_mca2"]
    text = re.sub("# Column.*\n", "", xdi_text(scan, FIELDS, labels=labels))
    note = parse(text).notes[-1]
    assert note == "cu_ka/i0 is there too: 'measured.columns={i0:i0,ifluor:[Cu_Ka_mca1,Cu_Ka_mca2]}'"
    np.testing.assert_allclose(
        parse(text, i0="i0", ifluor=("Cu_Ka_mca1", "Cu_Ka_mca2")).mu_M, 1.5 * MU, rtol=1e-4
    )


def test_a_concentrated_samples_fluorescence_is_doubted():
    spectrum = parse(xdi_text(both_ways(0.5, 0.08, 1e-3), FIELDS))
    assert spectrum.columns_used == "ifluor/i0"
    (doubt,) = spectrum.doubts
    assert "a concentrated sample absorbs its own fluorescence" in doubt


def test_an_edge_elsewhere_is_no_edge_of_the_absorber():
    """Fluorescence of another element that the beam excites too, behind the edge that was looked for."""
    scan = both_ways(0.02, 1e-3, 1e-3)
    scan["ifluor"] = scan["i0"] * edge_step_function(ENERGY, EDGES["Cu"] + 400.0)
    assert parse(xdi_text(scan, FIELDS)).columns_used == "log(i0/itrans)"


@pytest.mark.parametrize(
    ("signs", "used", "said"),
    [
        ({"i0": -1, "itrans": -1, "irefer": -1}, "log(i0/itrans)", "i0 and itrans are both negative"),
        ({"i0": -1e-11, "itrans": -1e-11, "irefer": 1}, "log(i0/itrans)", "the reference is not used"),
        ({"i0": -1, "itrans": 1, "irefer": 1}, None, "i0 is negative at"),
        ({"i0": 1, "itrans": -1, "irefer": 1}, None, "itrans is negative at"),
    ],
)
def test_two_negative_currents_make_a_ratio_and_one_is_an_offset(signs, used, said):
    counts = dict(zip(("i0", "itrans", "irefer"), chambers(ENERGY, EDGES["Cu"]), strict=True))
    header = "# energy i0 itrans irefer\n"
    rows = zip(ENERGY, *(signs[name] * values for name, values in counts.items()), strict=True)
    text = header + "".join(" ".join(f"{v:.9g}" for v in row) + "\n" for row in rows)
    (scan,) = read_text(Contents(Path("a.dat"), text))
    if used is None:
        with pytest.raises(
            SpectrumError, match=f"detector column {said} .* was an offset, such as a dark current"
        ):
            spectrum_of(scan, element="Cu")
        return
    spectrum = spectrum_of(scan, element="Cu")
    assert spectrum.columns_used == used
    assert any(note.startswith(said) for note in spectrum.notes)
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-6)
    assert (spectrum.reference_M is None) == (signs["irefer"] > 0)


def test_fluorescence_of_currents():
    i0 = chambers(ENERGY, EDGES["Cu"])[0]
    both = parse(xdi_text({"energy": ENERGY, "i0": -i0, "ifluor": -i0 * MU}, FIELDS))
    np.testing.assert_allclose(both.mu_M, MU, atol=1e-5)
    assert both.doubts == ()
    offset = parse(xdi_text({"energy": ENERGY, "i0": i0, "ifluor": i0 * (MU - 1.0)}, FIELDS))
    assert re.search(r"ifluor is negative at \d+ of \d+ points: was an offset", offset.doubts[0])
    with pytest.raises(SpectrumError, match=r"i0 is negative at .* was an offset"):
        parse(xdi_text({"energy": ENERGY, "i0": -i0, "ifluor": i0 * MU}, FIELDS))
