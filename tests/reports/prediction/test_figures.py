from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from rankaae_cli.analysis.prediction.against import read_against
from rankaae_cli.core.mixtures.unmixing import Mixture
from rankaae_cli.reports.figures.drawing import COLUMN_INCHES, ORANGE
from rankaae_cli.reports.prediction.against import against_figure, against_picture, trend_of
from rankaae_cli.reports.prediction.figures import prediction_figure
from tests.reports.figures.test_evaluation import assert_words_within, texts
from tests.reports.predictions import VERDICTS, prediction, spectrum


def shown(figure):
    return " ".join(text.get_text() for text in texts(figure))


def lines_of(figure, label):
    """What is drawn on the row of a reading: its lines, and its words."""
    bottom = figure.axes[1]
    y = [text.get_text() for text in bottom.get_yticklabels()].index(label)
    lines = [line for line in bottom.get_lines() if line.get_ydata()[0] == y]
    return lines, [text.get_text() for text in bottom.texts if text.get_position()[1] == y]


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("mixtures", [True, False])
def test_all_words_fit_one_journal_column(verdict, mixtures):
    one = spectrum("a_rather_long_name_that_a_beamline_gave_01.xdi")
    figure = prediction_figure(prediction([one], [verdict], mixtures), 0)
    assert figure.get_figwidth() == COLUMN_INCHES
    assert_words_within(figure)
    renderer = figure.canvas.get_renderer()
    on_rows = sorted(
        (text.get_window_extent(renderer) for text in figure.axes[1].texts), key=lambda box: (-box.y0, box.x0)
    )
    for left, right in pairwise(on_rows):
        assert not left.overlaps(right)


def test_bars_carry_their_ends_and_say_what_they_are():
    figure = prediction_figure(prediction([spectrum("a.xdi")]), 0)
    said = shown(figure)
    assert "Grey: 1st to 99th percentile of training spectra (of shares: 0 to 1)" in said
    assert "90 % interval, with an arrow head where it goes on" in said
    assert lines_of(figure, "OS (e)")[1] == ["1.00", "3.00", "1.20 [0.00, 9.00]"]
    assert lines_of(figure, "NNRS (Å)")[1] == ["0.05", "0.45", "0.20 [0.10, 0.30]"]
    assert lines_of(figure, "share of OS 1")[1] == ["0.00", "1.00", "0.87 [0.36, 1.00]"]
    colours = {to_hex(line.get_color(), keep_alpha=False) for line in lines_of(figure, "share of OS 1")[0]}
    assert ORANGE.lower() in colours
    assert "shares" not in shown(prediction_figure(prediction([spectrum("a.xdi")], mixtures=False), 0))


def test_an_interval_that_is_cut_ends_in_an_arrow_head():
    figure = prediction_figure(prediction([spectrum("a.xdi")]), 0)
    heads = {label: {line.get_marker() for line in lines_of(figure, label)[0]} & {"<", ">"}
             for label in ("OS (e)", "NNRS (Å)", "share of OS 1")}  # fmt: skip
    assert heads == {"OS (e)": {"<", ">"}, "NNRS (Å)": set(), "share of OS 1": set()}


def test_measured_and_computed_spectra_are_called_so():
    both = prediction([spectrum("a.xdi"), spectrum("mp-1", computed=True)], mixtures=False)
    measured, computed = (prediction_figure(both, n).axes[0] for n in range(2))
    assert measured.get_xlabel() == "Energy (eV), scale of the code"
    assert computed.get_xlabel() == "Energy (eV)"
    assert [ax.get_lines()[0].get_label() for ax in (measured, computed)] == [
        "measured, likeliest variant",
        "computed",
    ]


def test_what_is_outside_says_that_it_should_not_be_used():
    titles = [
        prediction_figure(prediction([spectrum("a.xdi")], [verdict]), 0).axes[0].get_title("left")
        for verdict in VERDICTS
    ]
    assert ["should not be used" in title for title in titles] == [False, False, True]


def test_the_trend_shows_the_shares_of_mixtures():
    spectra = [spectrum(f"{n}.xdi") for n in range(5)]
    result = prediction(spectra)
    series = [
        Mixture((1.0, 2.0), np.array([s, 1 - s]), np.array([s - 0.1, 0.9 - s]), np.ones(2), 0.01)
        for s in (0.9, 0.7, 0.5, 0.3, 0.1)
    ]
    against, _ = read_against("number", spectra)
    trend = trend_of(replace(result, mixtures={"OS": series}), against)
    panel = against_figure(trend).axes[-1]
    lines = {line.get_label(): line.get_xydata() for line in panel.lines}
    assert lines["share of OS 1"].tolist() == [[1, 0.9], [2, 0.7], [3, 0.5], [4, 0.3], [5, 0.1]]
    assert lines["share of OS 2"][:, 1] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert "shares by OS" in against_picture(trend, b"", 5).alt
    without = against_figure(trend_of(replace(result, mixtures={}), against))
    assert len(against_figure(trend).axes) == len(without.axes) + 1
