"""Where the numbers begin, and what the line above them calls the columns."""

from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.from_scan import spectrum_of
from rankaae_cli.data.readers.scans.raw_scan import Contents
from rankaae_cli.data.readers.scans.text_columns import read_text
from tests.data.beamline_files import DEGREES, ENERGY, I0, IT, MU, ONE, rows

LABELS = "# energy i0 it\n"
TABLE = rows(ENERGY, I0, IT)


def parse(text, columns=None, skip_lines=0):
    choice = ColumnChoice.of(columns, skip_lines)
    (scan,) = read_text(Contents(Path("scan.dat"), text), choice)
    return spectrum_of(scan, choice, "Fe", "K")


def assert_read(spectrum, mu_M=None):
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=0.01)
    np.testing.assert_allclose(spectrum.mu_M, np.log(I0 / IT) if mu_M is None else mu_M, atol=1e-4)


@pytest.mark.parametrize(
    "above",
    [
        "Regions\n1 6962 7092 5 1 26\n2 7092 7157 0.4 2 163\nend of regions\n",
        "Weights:\n 1.0 1.0 1.0\nOffsets:\n 0.0 144.2 133.5\nData:\n",
        "467 3\n",
        "2020\n01\nmade up\n",
        "a title\n1 2 3\n4 5 6\nand words\n7 8\nmore words\n",
    ],
)
def test_rows_of_numbers_in_a_header_are_passed_over(above):
    assert_read(parse(above + LABELS + TABLE))
    assert_read(parse(above + TABLE, {"energy": 1, "i0": 2, "itrans": 3}))


def test_two_scans_in_one_file_are_not_one_and_its_header():
    part = rows(ENERGY[:40], I0[:40], IT[:40])
    for first, words in ((part, "aborted\n"), (TABLE, "again\n")):
        with pytest.raises(
            SpectrumError, match=rf"line \d+ holds '{words.strip()}' amid the rows of numbers"
        ):
            parse(LABELS + first + words + TABLE)
    with pytest.raises(SpectrumError, match=r"line 42 has 1 columns, the first row has 3: was it cut short"):
        parse(LABELS + part + "7000\n" + TABLE)


@pytest.mark.parametrize("widths", [(2, 1), (1, 1, 1, 1), (3, 2)])
def test_points_over_several_lines_are_joined(widths):
    values = [ENERGY, I0, IT, ONE, ONE][: sum(widths)]
    if widths == (1, 1, 1, 1):
        widths = (1, 2, 1)
    lines = []
    for row in zip(*values, strict=True):
        start = 0
        for width in widths:
            lines.append(" ".join(f"{v:.8g}" for v in row[start : start + width]))
            start += width
    choice = {"energy": 1, "i0": 2, "itrans": 3}
    assert_read(parse("a title\n" + "\n".join(lines) + "\n", choice))
    cut = parse("a title\n" + "\n".join(lines[:-1]) + "\n", choice)
    assert len(cut) == len(ENERGY) - 1
    assert cut.notes[0].endswith("is incomplete and was left out")


@pytest.mark.parametrize(
    "clock",
    ["04/07/12 13:24:15", "2020-01-31 1:02:03.25", "2020-01-31T13:24:15Z 12:30", "31.01.2020 00:00:01"],
)
@pytest.mark.parametrize("separator", [" ", "\t", ", "])
def test_dates_and_times_are_passed_over(clock, separator):
    stamps = clock.split()
    lines = [separator.join([*stamps, *line.split()]) for line in TABLE.splitlines()]
    labelled = separator.join(["day", "clock", "energy", "i0", "it"])
    assert_read(parse(f"# {labelled}\n" + "\n".join(lines)))
    assert_read(parse("\n".join(lines), {"energy": 3, "i0": 4, "itrans": 5}))
    assert_read(parse("\n".join(lines), {"i0": 4, "itrans": 5}))


def test_lines_to_skip_are_a_way_out():
    regions = rows(ENERGY[:300] - 1, I0[:300], IT[:300])
    text = "first pass\n" + regions + "second pass\n" + LABELS + TABLE
    with pytest.raises(SpectrumError, match="amid the rows of numbers"):
        parse(text)
    assert_read(parse(text, skip_lines=302))
    assert_read(parse(text, {"energy": 1, "i0": 2, "itrans": 3}, skip_lines=303))
    with pytest.raises(UserError, match=r"measured.skip_lines=-1: expected how many lines to pass over"):
        ColumnChoice.of(None, skip_lines=-1)
    with pytest.raises(SpectrumError, match="there are no rows of numbers"):
        parse(text, skip_lines=10_000)


@pytest.mark.parametrize(
    "labels",
    [
        "# energy i0 it",
        "# # energy  i0  it",
        "#Mono Energy *        I0                   It",
        "#C 1_Energy (eV) 2_i0 3_i1",
        "# 1) Energy  2) I0  3) It",
        "# 1. Energy 2. I0 3. It",
        "#    Energy_c1    I0_KEITHLEY1_c2    I1_KEITHLEY2_c3",
        "# Energy I0 I",
        "Energy[eV];I0[V];It[V]",
        "# Energy {eV}, I0 {nA}, It {nA}",
        "# Energy (eV) I0 (V) It (V)",
        '#(1)\t"Energy:sp"\t"X:I0"\t"X:It"',
        "#L  Requested Energy  I0 (cps)  It (cps)",
        "; P1 = {Energy} --> 13BMA:E:Energy.VAL\n; D1 = {I0} --> a\n; D2 = {I1} --> b\n;---\n; P1 D1 D2",
    ],
)
def test_labels_of_control_programs_are_understood(labels):
    assert_read(parse(f"made up\n# E0 = 7112 eV\n{labels}\n{TABLE}"))


@pytest.mark.parametrize(
    ("labels", "choice"),
    [
        (
            "enc_energy mono_energy bragg VFC01 VFC02",
            {"energy": "enc_energy", "i0": "VFC01", "itrans": "VFC02"},
        ),
        ("enc mono dcm chamber1 chamber2", {"energy": "ENC", "i0": "chamber1", "itrans": "Chamber2"}),
        ("enc_c1 mono_c2 dcm_c3 a_c4 b_c5", {"energy": "enc_c1", "i0": "a", "itrans": "b_c5"}),
        ("1_enc 2_mono 3_dcm 4_a 5_b", {"energy": "1_enc", "i0": "4_a", "itrans": "b"}),
    ],
)
def test_unknown_words_above_the_numbers_can_be_chosen(labels, choice):
    text = f"# Elements: Fe\n#{labels}\n" + rows(ENERGY, ENERGY - 0.4, DEGREES, I0, IT)
    assert_read(parse(text, choice))
    with pytest.raises(SpectrumError, match=r"5 columns .* and none is known for an absorption"):
        parse(text)


def test_prose_above_the_numbers_is_no_label():
    for line in ("made by hand", "mu of energy", "Scan 3 7112"):
        with pytest.raises(SpectrumError, match="none is known for an absorption"):
            parse(f"# {line}\n{TABLE}")
    assert_read(parse("# Mono_Energy oxide\n" + rows(ENERGY, MU)), MU)


@pytest.mark.parametrize(("words", "shown"), [("", "unnamed, unnamed"), ("# a b c d ", "a, b")])
def test_no_more_than_twelve_names_of_many_columns_are_listed(words, shown):
    header = words + " ".join(f"x{i}" for i in range(16)) + "\n" if words else ""
    text = header + rows(ENERGY, *[ONE * i for i in range(19)])
    with pytest.raises(SpectrumError, match=rf"20 columns \({shown}, [^()]* and 8 more\), and none is known"):
        parse(text)
    with pytest.raises(SpectrumError, match=rf"no column 'mu': the 20 columns are {shown}, .* and 8 more$"):
        parse(text, [1, "mu"])
