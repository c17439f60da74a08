import numpy as np
import pytest

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import evaluation as figures
from rankaae_cli.reports.figures import styles as style_figures
from rankaae_cli.reports.figures.drawing import save_figure
from tests.reports.figures.test_evaluation import reading

SUBJECT = Subject("Fe_oxides", "Fe", "K")
MANY = np.random.default_rng(0).standard_normal((2900, 2))
DRAWN = {
    "points": lambda: figures.prediction_vs_truth(SUBJECT, [reading(n=2900)], "test"),
    "quantiles": lambda: style_figures.normality(SUBJECT, MANY, {"OS": 0.9, "free_1": None}, "test"),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_pdfs_hold_no_bitmap_and_embed_their_fonts_as_type_42(tmp_path, draw):
    (path,) = save_figure(draw(), tmp_path / "figure", formats=["pdf"])
    content = path.read_bytes()
    assert b"/Subtype /Image" not in content
    assert b"/FontFile2" in content and b"/Type3" not in content
    assert len(content) < 300_000
