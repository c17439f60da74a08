import numpy as np
import pandas as pd
import pytest

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import reading
from rankaae_cli.reports.figures.drawing import COLUMN_INCHES
from tests.reports.figures.test_evaluation import assert_words_within

SUBJECT = Subject("Cu_oxides", "Cu", "K")
ENERGY = np.linspace(8980, 9040, 31)


def importance():
    columns = {"energy": ENERGY, "mean_spectrum": 0.5 + np.arctan(ENERGY - 8990) / np.pi}
    columns |= {"importance": np.exp(-(((ENERGY - 8988) / 3) ** 2)), "importance_repeats": 0.03}
    columns |= {"importance_members": 0.04, "response": 1e-3, "response_low": -1e-3, "response_high": 2e-3}
    table = pd.concat([pd.DataFrame({"descriptor": name, **columns}) for name in ("OS", "NNRS")])
    return reading.importance(SUBJECT, table, {"OS": "e", "NNRS": "angstrom"}, "test split, 300 spectra")


def mixtures(combined=True):
    true = np.linspace(1, 3, 20)
    table = pd.concat(
        pd.DataFrame(
            {"components": c, "true": true, "read": true + 0.1, "low": true - 0.4, "high": true + 0.6}
        )
        for c in (2, 3)
    ).assign(linear_combination=2.0 if combined else np.nan)
    score = {"rmse": 0.1, "r2": 0.97}
    rows = [
        {"components": c, "reader": score, "linear_combination": score if combined else None} for c in (2, 3)
    ]
    return reading.mixtures(SUBJECT, table, {"of": "OS", "rows": rows}, "e", "40 mixtures of test spectra")


def learning_curve():
    table = pd.DataFrame(
        {
            "materials": np.repeat([160, 319, 638, 1277], 2),
            "split": ["validation", "test"] * 4,
            "mean_spearman": np.linspace(0.6, 0.8, 8),
            "low": np.linspace(0.5, 0.7, 8),
            "high": np.linspace(0.7, 0.9, 8),
        }
    )
    return reading.learning_curve(SUBJECT, table, "trained anew")


FIGURES = {"importance": importance, "mixtures": mixtures, "learning curve": learning_curve}
FIGURES["mixtures alone"] = lambda: mixtures(combined=False)


@pytest.mark.parametrize("name", FIGURES)
def test_all_words_fit_one_journal_column(name):
    figure = FIGURES[name]()
    assert figure.get_figwidth() == COLUMN_INCHES
    assert_words_within(figure)


def test_the_band_of_importance_is_its_standard_deviation_and_the_edge_is_marked():
    panels = importance().axes
    band = panels[2].collections[0].get_paths()[0].vertices[:, 1]
    top = np.exp(-(((ENERGY - 8988) / 3) ** 2)) + 0.05
    assert band.max() == pytest.approx(top.max())
    low, high = (
        panels[2].patches[0].get_x(),
        sum(getattr(panels[2].patches[0], k)() for k in ("get_x", "get_width")),
    )
    assert 8980 < low < 8990 < high < 9000


def test_mixtures_are_drawn_against_their_true_mean():
    left, right = mixtures().axes[:2]
    assert left.lines[0].get_xydata()[:, 1] == pytest.approx(left.lines[0].get_xydata()[:, 0] + 0.1)
    assert set(right.lines[0].get_ydata()) == {2.0}
    assert any("RMSE 0.10" in text.get_text() for text in left.texts)


def test_ticks_of_the_learning_curve_are_its_materials():
    (ax,) = learning_curve().axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["160", "319", "638", "1,277"]
