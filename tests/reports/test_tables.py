import csv
import io
from dataclasses import replace

import pytest

from rankaae_cli.reports.latex import escape_latex, latex_text, write_table
from rankaae_cli.reports.tables import Ranged, Table, csv_text, print_number

TABLE = Table(
    name="descriptors",
    keys=["name", "r2", "n"],
    headings=["Name", "R²", "n"],
    rows=[["a_b & 50 %", 0.12345678, 7], ['"q", <script>', float("nan"), None]],
    caption="Synthetic data. Fe_oxides.",
)


def test_csv_reads_back_with_gaps_for_what_is_not_known():
    rows = list(csv.reader(io.StringIO(csv_text(TABLE))))
    assert rows == [["name", "r2", "n"], ["a_b & 50 %", "0.123457", "7"], ['"q", <script>', "", ""]]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (Ranged(0.8412, 0.7951, 0.8749), "0.84 [0.80, 0.87]"),
        (Ranged(0.0312, 0.0281, 0.0342), "0.031 [0.028, 0.034]"),
        (Ranged(-0.104, -0.2, 0.1), "−0.10 [−0.20, 0.10]"),
        (Ranged(0.5, float("nan"), float("nan")), "0.50"),
        (Ranged(0.5, None, None), "0.50"),
        (Ranged(None, None, None), "–"),
        (Ranged(1.0, 1.0, 1.0), "1.00 [1.00, 1.00]"),
        (Ranged(3.0, 3.0 - 4e-16, 3.0 + 4e-16), "3.00 [3.00, 3.00]"),
        (Ranged(2e-5, 1.9e-5, 2.1e-5), "0.000020 [0.000019, 0.000021]"),
        (Ranged(1e20, 0.5, 1e30), "1e+20 [0.50, 1e+30]"),
    ],
)
def test_numbers_with_intervals_share_their_decimals(cell, shown):
    assert print_number(cell) == shown


def test_csv_has_columns_for_the_ends_of_intervals():
    table = replace(TABLE, rows=[["a", Ranged(0.5, 0.25, 0.75), 7], ["b", None, 2]])
    rows = list(csv.reader(io.StringIO(csv_text(table))))
    assert rows == [
        ["name", "r2", "r2_low", "r2_high", "n"],
        ["a", "0.5", "0.25", "0.75", "7"],
        ["b", "", "", "", "2"],
    ]


def test_latex_is_escaped_and_carries_its_caption():
    text = latex_text(TABLE)
    assert r"a\_b \& 50 \% & 0.123 & 7 \\" in text and r"Name & R$^2$ & n \\" in text
    assert r"\begin{tabular}{lrr}" in text and r"Synthetic data. Fe\_oxides." in text
    assert text.count("{") == text.count("}")


def test_every_character_latex_minds_is_escaped():
    assert escape_latex("\\ & % $ # _ { } ~ ^") == (
        r"\textbackslash{} \& \% \$ \# \_ \{ \} \textasciitilde{} \textasciicircum{}"
    )
    assert escape_latex("“ρ”") == r"``$\rho$''"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.500"),
        (-1.25, "−1.250"),
        (0.0004, "0.0004"),
        (-2.5e20, "−2.5e+20"),
        (None, "–"),
        (float("nan"), "–"),
        (12, "12"),
        ("x", "x"),
    ],
)
def test_printed_numbers(value, shown):
    assert print_number(value) == shown


def test_both_files_are_written(tmp_path):
    assert [p.name for p in write_table(TABLE, tmp_path / "t")] == ["descriptors.csv", "descriptors.tex"]
    assert len(list((tmp_path / "t").iterdir())) == 2
