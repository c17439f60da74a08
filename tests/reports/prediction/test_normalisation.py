from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.data.measured.prepared import prepare
from rankaae_cli.reports.figures.drawing import png_bytes
from rankaae_cli.reports.prediction.normalisation import contact_sheets
from tests.data.measured.test_prepared import compound
from tests.reports.figures.test_evaluation import texts


@pytest.fixture(scope="module")
def prepared():
    return prepare(compound(1.0))


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_what_came_normalised_is_drawn_alone(prepared):
    (sheet,) = contact_sheets([replace(prepared, normalised=None)], "A folder")
    (ax,) = [ax for ax in sheet.axes if ax.axison]
    assert not ax.child_axes
    shown = lines(ax)["normalised"]
    inside = np.isin(prepared.energy_M, shown.get_xdata())
    np.testing.assert_array_equal(shown.get_ydata(), prepared.absorption_M[inside])


@pytest.mark.parametrize(("count", "pages", "last"), [(1, 1, 1), (40, 1, 40), (43, 2, 3)])
def test_every_spectrum_has_a_panel_on_a_contact_sheet(prepared, count, pages, last):
    many = [
        replace(
            prepared, spectrum=replace(prepared.spectrum, name=f"a rather long name of a scan, number {i}")
        )
        for i in range(count)
    ]
    sheets = contact_sheets(many, "A folder")
    assert len(sheets) == pages
    titles = [ax.get_title("left").replace("\n", "") for ax in sheets[-1].axes if ax.axison]
    assert titles == [one.spectrum.name for one in many[-last:]]
    assert sheets[-1].get_suptitle() == f"A folder, page {pages} of {pages}"
    labelled = [i for i, ax in enumerate(sheets[-1].axes) if ax.get_ylabel()]
    assert labelled == list(range(0, last, 5))  # the left panels, and no other


def test_a_contact_sheet_shows_the_edge_and_how_the_whole_scan_was_fitted(prepared):
    (sheet,) = contact_sheets([prepared], "A folder")
    ax = sheet.axes[0]
    (inset,) = ax.child_axes
    done = prepared.normalised
    assert lines(ax)["E₀"].get_xdata()[0] == done.e0
    half_step = lines(ax)["half step"]
    assert (half_step.get_xdata()[0], half_step.get_ydata()[0]) == (done.half_step, 0.5)
    scan, post = lines(inset)["whole scan, less its pre-edge"], lines(inset)["post-edge"]
    assert scan.get_xdata()[-1] == post.get_xdata()[-1] == prepared.energy_M[-1]
    fitted = (post.get_xdata() > done.e0 + done.ranges.norm1) & (
        post.get_xdata() < done.e0 + done.ranges.norm2
    )
    assert np.abs(scan.get_ydata()[-len(fitted) :] - post.get_ydata())[fitted].mean() < 0.05
    (legend,) = sheet.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "normalised", "E₀", "half step", "pre-edge", "whole scan, less its pre-edge", "post-edge", "fitted in"
    ]  # fmt: skip
    assert ax.get_ylabel().replace("\n", " ") == "Absorption, normalised"


@pytest.mark.parametrize("count", [1, 40])
def test_all_words_of_a_contact_sheet_are_inside_it(prepared, count):
    (sheet,) = contact_sheets([prepared] * count, "A folder")
    png_bytes(sheet)
    for text in texts(sheet):
        inside, box = text.get_window_extent(sheet.canvas.get_renderer()).padded(-1), sheet.bbox
        assert box.x0 <= inside.x0 and inside.x1 <= box.x1 and box.y0 <= inside.y0 and inside.y1 <= box.y1, (
            text
        )


def test_names_are_shown_as_they_are_not_as_formulas(prepared):
    named = replace(prepared, spectrum=replace(prepared.spectrum, name="Cr$_x_$O"))
    (sheet,) = contact_sheets([named], "Folder $_x_$")
    assert png_bytes(sheet).startswith(b"\x89PNG")
