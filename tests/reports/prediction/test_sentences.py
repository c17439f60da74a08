"""What a user sees of a prediction in words: on the terminal and on its page."""

import re

import pytest

from rankaae_cli.reports.prediction.page import page_content, render_prediction_page
from rankaae_cli.reports.prediction.sentences import fault_lines, merged_remarks, print_prediction
from rankaae_cli.reports.prediction.tables import prediction_table, shares_table
from tests.reports.predictions import prediction, spectrum

FOIL = "calibrated by {} eV: the Cu foil has its edge at 8979.15 eV"


def text_of(page):
    body = page[page.index("<header") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ([("a", "3 points were sorted")], ["a: 3 points were sorted"]),
        ([("a", "7 points were sorted"), ("b", "10 points were sorted")],
         ["2 of 6: 7 to 10 points were sorted"]),
        ([("a", "by -0.2 eV"), ("b", "by +0.1 eV"), ("c", "by -0.2 eV")], ["3 of 6: by -0.2 to +0.1 eV"]),
        ([("a", "the scan descends"), ("b", "i0 fails"), ("c", "i0 fails")],
         ["2 of 6: i0 fails", "a: the scan descends"]),
        ([("a", "'Cu 2' is no foil"), ("b", "'Cu 3' is no foil")], ["2 of 6: 'Cu 2' and 'Cu 3' is no foil"]),
        ([("a", "channel CuKa1 is off"), ("b", "channel CuKa2 is off")],
         ["a: channel CuKa1 is off", "b: channel CuKa2 is off"]),
        ([], []),
    ],
)  # fmt: skip
def test_remarks_that_differ_in_numbers_alone_are_one_line(said, lines):
    assert merged_remarks(said, 6) == lines


def test_many_files_that_cannot_be_read_are_lines_by_reason():
    other = "wrong element or edge: the edge at {} eV looks like {} K, expected Cu K"
    faults = [(f"cr{i}.xdi", other.format(5989 + i, "Cr")) for i in range(8)]
    faults += [("fe.xdi", other.format(7112, "Fe")), ("a.txt", "no columns")]
    assert fault_lines(faults) == [f"{file}: {reason}" for file, reason in faults]
    assert fault_lines([*faults, ("b.txt", "no columns")]) == [
        f"8 of 11: {other.format('5989 to 5996', 'Cr')}",
        "2 of 11: no columns",
        f"fe.xdi: {other.format(7112, 'Fe')}",
        "each of the 11 is in rejected.csv",
    ]
    last = fault_lines([(f"{c}.xdi", f"reason {c}") for c in "abcdefghijklm"])
    assert len(last) == 9 and last[-1] == "for 5 more reasons: each of the 13 is in rejected.csv"


def test_a_remark_on_the_only_spectrum_needs_no_name():
    assert merged_remarks([("a", "3 points were sorted")], 1) == ["3 points were sorted"]


def test_the_terminal_lists_what_readers_did_and_warns_of_what_they_doubt(capsys):
    many = [spectrum(f"scan{i}.xdi", notes=[FOIL.format(f"-0.{i}0")]) for i in range(1, 5)]
    doubts = ["the detector jumps at 9020.0 eV", "that is more than 3 eV"]
    odd = spectrum("odd.xdi", notes=["5 points were left out"], doubts=doubts)
    print_prediction(prediction([*many, odd], ["in range"] * 4 + ["outside"]))
    said = capsys.readouterr()
    edge = "the Cu foil has its edge at 8979.15 eV"
    assert f"4 of 5: calibrated by -0.40 to -0.10 eV: {edge}" in said.out
    assert "odd.xdi: 5 points were left out" in said.out
    assert "odd.xdi: the detector jumps at 9020.0 eV" in said.err
    assert "odd.xdi: that is more than 3 eV" in said.err
    assert (
        "1 of 5 spectra is outside of what the model was trained on: its readings should not be" in said.err
    )


def test_the_terminal_shows_shares(capsys):
    print_prediction(prediction([spectrum("a.xdi"), spectrum("b.xdi")]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[4] == "shares of OS, read as mixtures, 90 % intervals"
    assert lines[6].split() == ["a.xdi", "0.87", "[0.36,", "1.00]", "0.13", "[0.00,", "0.64]", "0.020"]


def test_many_remarks_are_cut_short(capsys):
    print_prediction(prediction([spectrum(f"{i}.xdi", notes=["abcdefghijkl"[i]]) for i in range(12)]))
    assert "4 more remarks: column warnings of predictions.csv" in capsys.readouterr().out


def test_sites_are_told_apart_from_materials():
    made = prediction([spectrum("mp-1197943", computed=True)])
    assert prediction_table(made).rows[0][0] == shares_table(made, "OS").rows[0][0] == "mp-1197943 (site 8)"


def test_the_page_says_what_to_make_of_the_readings():
    made = prediction([spectrum("a.xdi"), spectrum("b.xdi")], ["in range", "outside"])
    page = render_prediction_page(page_content(made, [], ["normalisation-1.pdf"]))
    said = text_of(page)
    assert "1 of 2 spectra is outside of what the model was trained on" in said
    assert "Readings of spectra that are called outside should not be used" in said
    assert "widened by the square of the novelty" in said and "too narrow" not in said
    assert "Readings come in steps" in said
    assert "as large as what cannot be reconstructed of the spectrum" in said
    assert "OS (e) is the oxidation state" in said and "NNRS (Å) is the " in said
    assert "index of the absorbing site" in said
    assert "1.20\u00a0[0.00,\u00a09.00]" in page and "0.87\u00a0[0.36,\u00a01.00]" in page


def test_headings_of_words_stand_above_them():
    page = render_prediction_page(page_content(prediction([spectrum("a.xdi")])))
    assert '<th class="text" scope="col">OS, likeliest</th>' in page
    assert '<td class="text">2\u00a0(94\u00a0%)</td>' in page
