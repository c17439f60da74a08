import io
import re
import zlib

import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import descriptors
from rankaae_cli.reports.figures import styles as style_figures
from rankaae_cli.reports.figures.drawing import png_bytes, save_figure
from tests.reports.figures.test_evaluation import draw_readings, reading
from tests.reports.figures.test_evaluation_figures import quantiles

SUBJECT = Subject("Fe_oxides", "Fe", "K")
DRAWN = {
    "points": lambda: draw_readings(descriptors.prediction_vs_truth, SUBJECT, [reading(n=2900)], "test"),
    "quantiles": lambda: style_figures.normality(
        SUBJECT, quantiles(["OS", "free_1"], 2900), {"OS": 0.9, "free_1": None}, "test"
    ),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_pdfs_hold_no_bitmap_and_embed_their_fonts_as_type_42(tmp_path, draw):
    (path,) = save_figure(draw(), tmp_path / "figure", formats=["pdf"])
    content = path.read_bytes()
    assert b"/Subtype /Image" not in content
    assert b"/FontFile2" in content and b"/Type3" not in content
    assert len(content) < 300_000
    streams = [zlib.decompress(one) for one in re.findall(rb"stream\n(x.*?)\nendstream", content, re.DOTALL)]
    fonts = [TTFont(io.BytesIO(one)) for one in streams if one.startswith(b"\0\1\0\0")]
    assert fonts and all("glyf" in font and not {"GSUB", "GPOS"} & set(font.keys()) for font in fonts)


def test_a_figure_whose_texts_leave_no_room_is_made_higher():
    figure = Figure(figsize=(3.4, 0.6), layout="constrained")
    ax = figure.subplots()
    ax.set_title("one\ntwo\nthree\nfour\nfive")
    ax.plot([0, 1])
    png_bytes(figure)
    assert figure.get_figheight() > 0.6
    assert ax.get_position().height > 0.1
