from dataclasses import replace
from importlib.resources import files

import matplotlib as mpl
import pytest

from rankaae_cli.reports.figures.drawing import COLUMN_INCHES, PAGE_INCHES
from rankaae_cli.reports.run.page import render_page
from tests.reports.run.test_page import HOSTILE, Page, content

PAPERS = dict(
    paragraphs=[[(f"Spectra of {HOSTILE} were read", []), ("", [1, 2]), (".", [])]],
    references=[("Z. Liang et al. (2023)", "https://doi.org/10.1/x"), ("A book (1997)", "")],
    method_number=1,
    bibtex="@article{x,\n  title = {{A & B}},\n}\n",
    to_complete=["where the structures come from"],
)


def page(papers):
    given = content()
    styles = {name: {**style, "check": None} for name, style in given.traversal["styles"].items()}
    return render_page(replace(given, papers=papers, traversal={**given.traversal, "styles": styles}))


def test_the_section_shows_numbered_citations_and_escapes_what_it_is_given():
    html = page(PAPERS)
    assert "<script>alert" not in html
    assert '<a href="#reference-1">1</a>, <a href="#reference-2">2</a>]' in html
    assert 'id="reference-2">A book (1997)</li>' in html
    assert {"#papers", "https://doi.org/10.1/x"} <= set(Page(html).addresses)
    assert "where the structures come from" in html and "title = {{A &amp; B}}" in html


def test_without_methods_the_section_names_figures_and_tables_alone():
    section = page(None).partition('<section id="papers">')[2].partition("</section>")[0]
    assert "figures/*.pdf" in section and "methods" not in section and "References" not in section


@pytest.mark.parametrize(("name", "width"), [("column", COLUMN_INCHES), ("page", PAGE_INCHES)])
def test_style_files_have_the_widths_of_the_reports_figures(name, width):
    with mpl.rc_context(fname=str(files("rankaae_cli.reports") / f"{name}.mplstyle")):
        assert mpl.rcParams["figure.figsize"][0] == width
        assert mpl.rcParams["pdf.fonttype"] == 42


def test_style_files_differ_in_size_alone():
    settings = []
    for name in ("column", "page"):
        with mpl.rc_context(fname=str(files("rankaae_cli.reports") / f"{name}.mplstyle")):
            settings.append(dict(mpl.rcParams))
    assert {key for key in settings[0] if settings[0][key] != settings[1][key]} == {"figure.figsize"}
