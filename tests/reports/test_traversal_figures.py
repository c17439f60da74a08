"""Figures and sentences of a traversal; `test_figures` covers the walks and the overview."""

import json

import numpy as np
import pytest
from matplotlib.text import Text

from rankaae_cli.core.traversal import Sensitivity, stability
from rankaae_cli.reports import (
    check_figures,
    map_figures,
    sensitivity_figures,
    traversal_figures,
    traversal_words,
)
from rankaae_cli.reports.labels import Subject

ENERGY = np.linspace(7111, 7175, 40)
WAVE = np.sin(ENERGY / 5)
HOSTILE = r"$\frac{<script>_^%& ' quoted $"
SUBJECTS = {
    "synthetic": Subject("Fe_oxides", "Fe", "K", synthetic=True),
    "index": Subject("amorphous_carbon", "C", "K", energy_unit="index", normalisation="unknown"),
}


def slope(n_trials=8):
    significant = np.abs(WAVE) > 0.7
    return Sensitivity(n_trials, WAVE, WAVE - 0.1, WAVE + 0.1, significant)


def check_content(**changed):
    side = {"range": "4", "rows": 60, "materials": 50, "matched_rows": 1041, "matched_materials": 50}
    return {
        "rows": "held_out",
        "rows_text": "validation and test rows",
        "not_comparable_because": None,
        "bins": {"low": side, "high": side},
        "matched_on": ["OS", "OCN", "NNRS", "MOOD"],
        "imbalance_after": {"OS": 0.0, "OCN": 0.1, "NNRS": -0.1, "MOOD": 0.2},
        "pearson": 0.9,
        "pearson_same_change": 0.95,
        "amplitude_ratio": 0.8,
        "pearson_unmatched": 0.7,
        "pearson_ceiling": 0.97,
        "pearson_all_rows": 0.92,
        "energy_of_largest_disagreement": 7120.0,
        **changed,
    }


def curves(name="CN", low="4", high="6"):
    names = [f"{m}_spectrum_{s}_bin" for m in ("data", "model") for s in ("low", "high")]
    names += ["data_low", "data_high", "data_difference", "data_unmatched", "traversal", "model_same_change"]
    return check_figures.CheckCurves(name, "angstrom", low, high, {n: WAVE + i for i, n in enumerate(names)})


def maps(n):
    percentiles, grid = np.linspace(5, 95, 7), np.add.outer(np.arange(7.0), np.arange(7.0))
    grid[0, 0] = np.nan
    return [map_figures.PairMap(a, b, percentiles, grid * (a + 1), 0.03) for b in range(n) for a in range(b)]


def trials(t, name="OS"):
    difference = WAVE + 0.1 * np.random.default_rng(0).normal(size=(t, 40))
    return traversal_figures.TrialResponses(name, difference, stability(difference))


OTHERS = "others independent"
NAMES = ["OS", "CN", "OCN", "NNRS", "MOOD"]
MAKERS = {
    "sensitivity": lambda s: sensitivity_figures.sensitivity(s, ENERGY, "CN", "1", WAVE, slope(), OTHERS),
    "sensitivity, one trial": lambda s: sensitivity_figures.sensitivity(
        s, ENERGY, HOSTILE, "angstrom", WAVE, slope(1), OTHERS
    ),
    "sensitivity not known": lambda s: sensitivity_figures.sensitivity(
        s, ENERGY, "CN", "1", WAVE, None, OTHERS, "too few validation rows know it, so the style has no unit"
    ),
    "check": lambda s: check_figures.check(s, ENERGY, "CN", curves(), check_content()),
    "check of thirds": lambda s: check_figures.check(
        s, ENERGY, HOSTILE, curves(HOSTILE, "≤ 0.0123", "≥ 0.157"), check_content(matched_on=NAMES)
    ),
    "check of a small response": lambda s: check_figures.check(
        s, ENERGY, "CN", curves(), check_content(amplitude_ratio=-0.0143, pearson_same_change=-0.104)
    ),
    "not comparable": lambda s: check_figures.check(
        s,
        ENERGY,
        "CN",
        None,
        check_content(
            not_comparable_because="too few spectra of the two bins agree in the other descriptors"
        ),
    ),
    "page of maps": lambda s: map_figures.pair_maps(s, NAMES, maps(5), "edge position", "Edge (eV)"),
    "page of three maps": lambda s: map_figures.pair_maps(
        s, NAMES[:3], maps(3), "edge position", "Edge (eV)"
    ),
    "map": lambda s: map_figures.pair_maps(s, NAMES[:2], maps(2), "edge position", "Edge (eV)"),
    "stability": lambda s: traversal_figures.stability(s, ENERGY, [trials(8, n) for n in NAMES], OTHERS),
    "stability of two": lambda s: traversal_figures.stability(s, ENERGY, [trials(8)] * 2, OTHERS),
    "stability of one trial": lambda s: traversal_figures.stability(s, ENERGY, [trials(1)], OTHERS),
}


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
@pytest.mark.parametrize("name", MAKERS)
def test_figure_fits_its_width_and_says_what_is_synthetic(name, subject):
    figure = MAKERS[name](subject)
    assert figure.get_figwidth() == (7.0 if name.startswith("page") else 3.4)
    heading = figure.get_suptitle()
    assert ("SYNTHETIC DATA" in heading) == subject.synthetic and subject.family in heading
    figure.canvas.draw()
    ticks = {t for ax in figure.axes for a in (ax.xaxis, ax.yaxis) for t in a.get_majorticklabels()}
    box, labels = figure.bbox, []
    for text in figure.findobj(Text):
        if not text.get_visible() or not text.get_text() or text in ticks:
            continue
        inside = text.get_window_extent(figure.canvas.get_renderer()).padded(-2)
        assert box.x0 <= inside.x0 and inside.x1 <= box.x1, text
        assert box.y0 <= inside.y0 and inside.y1 <= box.y1, text
        assert text.get_fontsize() >= 6
        labels.append(text)
    assert len(labels) > 1


def overlapping(texts, renderer):
    boxes = [t.get_window_extent(renderer).padded(-1) for t in texts]
    return [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


@pytest.mark.parametrize("name", ["page of maps", "page of three maps", "map", "check", "stability"])
def test_labels_do_not_overlap(name):
    figure = MAKERS[name](SUBJECTS["synthetic"])
    figure.canvas.draw()
    texts = [
        t
        for ax in figure.axes
        if ax.axison
        for t in (ax.xaxis.label, ax.yaxis.label, *[getattr(ax, n) for n in ("title", "_left_title")])
        if t.get_text()
    ]
    assert not overlapping(texts, figure.canvas.get_renderer())


def test_significant_energies_are_marked_and_units_named():
    figure = MAKERS["sensitivity"](SUBJECTS["synthetic"])
    assert figure.axes[1].get_ylabel() == "dμ/dCN\n(per neighbour)"
    assert any("significant" in t.get_text() for legend in figure.legends for t in legend.get_texts())
    assert traversal_words.sensitivity_unit("OS", "e") == "per e"
    assert traversal_words.sensitivity_unit("NNRS", "angstrom") == "per Å"
    assert traversal_words.sensitivity_unit("odd", "") == "per unit of odd"


def test_agreement_and_disagreement_are_said_with_where_and_why():
    assert traversal_words.check_remark("CN", check_content(), "eV").endswith("the shape agrees")
    side = {"matched_materials": 12}
    poor = check_content(
        pearson=0.5,
        bins={"low": side, "high": side},
        pearson_ceiling=0.6,
        pearson_unmatched=0.85,
        imbalance_after={"MOOD": -0.4, "CN": 0.0},
    )
    remark = traversal_words.check_remark("OS", poor, "eV")
    for part in ("7120.0 eV", "12 materials", "0.60", "differ in MOOD", "unmatched", "all rows r is 0.92"):
        assert part in remark
    plain = traversal_words.check_remark("OS", check_content(pearson=0.5, pearson_all_rows=None), "index")
    assert "index 7120" in plain and "no reason" in plain
    not_held = check_content(not_comparable_because="of this", pearson=float("nan"))
    assert "of this" in traversal_words.check_remark("OS", not_held, "eV")
    assert "does not respond" in traversal_words.check_remark("OS", check_content(pearson=float("nan")), "eV")


def trend(value, low=None, high=None):
    return {"edge_shift_eV": {"value": value, "low": low, "high": high}}


def test_known_trends_are_said_with_their_sign():
    style = {"n_trials": 8, "check": {"remark": "OS: fine", "trends": trend(1.2, 0.5, 1.9)}}
    traversal = {"styles": {"OS": {**style, "trends": trend(-0.8, -0.9, -0.7)}, "free_1": {"check": None}}}
    remark, line = traversal_words.findings(json.loads(json.dumps(traversal)))
    assert remark == "OS: fine"
    assert line == (
        "edge position, expected to rise with OS: network −0.80 eV (−0.90 to −0.70), NO, "
        "data +1.20 eV (+0.50 to +1.90), yes"
    )
    style["check"]["trends"] = trend(0.2, -0.5, 0.9)
    traversal["styles"]["OS"] = {**style, "trends": trend(None)}
    line = traversal_words.findings(traversal)[1]
    assert "network not known" in line and line.endswith("sign not certain")
