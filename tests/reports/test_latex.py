import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankaae_cli.reports.latex import escape_latex, latex_text
from rankaae_cli.reports.tables import Ranged, Table

HOSTILE = "<script>alert('x')</script>, \"q\" $\\frac{a_b& #~^%[]*é Å\u015f İ ł 中 ρ😀 \\input{x}"


def table(*names):
    rows = [["[1] x", Ranged(1.0, 0.5, 2.0), None], ["*", 3, 4.0], *[[name, None, -1.0] for name in names]]
    return Table("hostile", ["a", "b", "c"], [HOSTILE, "[x", "a long heading of b"], rows, HOSTILE * 3)


def braces_balance(text):
    """Whether the braces that LaTeX counts, those without a backslash before them, close in order."""
    depth = 0
    for brace in re.findall(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


def rows_of(text):
    """Return the cells of each row of the only tabular of a text, as LaTeX parts them."""
    body = re.search(r"\\begin\{tabular\}\{([lr]*)\}(.*)\\end\{tabular\}", text, re.DOTALL)
    columns, lines = body[1], [line for line in body[2].splitlines() if line.endswith(r"\\")]
    return columns, [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines]


@given(st.text(max_size=40))
def test_whatever_a_name_holds_a_table_has_its_cells_and_balanced_braces(name):
    text = latex_text(table(name))
    assert text.isascii() and braces_balance(text)
    columns, rows = rows_of(text)
    assert len(columns) == 3 and len(rows) == 4 and {len(row) for row in rows} == {3}


@given(st.text(max_size=60))
def test_nothing_escaped_is_a_command_of_the_names_own(text):
    escaped = escape_latex(text)
    known = r"text\w+|[aA]{2}|[oOlLi]|ss|ae|AE|oe|OE|ldots|char|circ|pm|leq|geq|times|cdot|mu|infty|surd|to"
    greek = r"[a-z]+|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega"
    for command in re.findall(r"\\([A-Za-z]+)", escaped):
        assert re.fullmatch(f"{known}|[uHrvck]|{greek}", command)
    # A backslash of the text's own is printed, it begins nothing.
    assert escaped.count(r"\textbackslash{}") == text.count("\\")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("é", r"{\'{e}}"),
        ("e\u0301", r"{\'{e}}"),
        ("ş", r"{\c{s}}"),
        ("中", "{[}U+4E2D]"),
        ("a\nb\tc", "a b c"),
        ("[*]", "{[}{*}]"),
        ("Δμ ≤ 3 Å²", r"$\Delta$$\mu$ $\leq$ 3 \AA{}$^2$"),
    ],
)
def test_letters_and_signs(text, escaped):
    assert escape_latex(text) == escaped


def test_a_first_cell_is_not_taken_for_an_argument_of_the_row_before():
    rows = [line for line in latex_text(table()).splitlines() if line.endswith(r"\\")]
    assert rows[1].startswith("{[}1] x &") and rows[2].startswith("{*} &")


def test_long_headings_are_broken_and_wide_tables_take_the_page():
    narrow = Table("t", ["a"], ["A heading of many words"], [[1]], "Caption")
    assert r"\shortstack[r]{A heading\\of many\\words}" in latex_text(narrow)
    assert r"\begin{table}" in latex_text(narrow)
    wide = Table("t", ["a", "b"], ["A", "B"], [["x" * 40, "y" * 40]], "Caption")
    assert r"\begin{table*}" in latex_text(wide) and r"\end{table*}" in latex_text(wide)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX on this machine")
def test_tex_takes_the_table(tmp_path):
    (tmp_path / "t.tex").write_text(latex_text(table(HOSTILE, "_^~\\")), encoding="ascii")
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}\\input{t}\\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all"], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stdout[-800:]
    assert b"Overfull" not in done.stdout
