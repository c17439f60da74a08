"""Figures and sentences of a traversal; `test_figures` covers the walks and the overview."""

import json

import numpy as np
import pytest
from matplotlib.text import Text

from rankaae_cli.analysis.evaluation import findings as evaluation_words
from rankaae_cli.analysis.traversal import findings as traversal_words
from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.styles.traversal import Sensitivity, stability
from rankaae_cli.reports.console import print_traversal
from rankaae_cli.reports.figures import maps as map_figures
from rankaae_cli.reports.figures import response as check_figures
from rankaae_cli.reports.figures import sensitivity as sensitivity_figures
from rankaae_cli.reports.figures import traversal as traversal_figures

ENERGY = np.linspace(7111, 7175, 40)
WAVE = np.sin(ENERGY / 5)
HOSTILE = r"$\frac{<script>_^%& ' quoted $"
SUBJECTS = {
    "synthetic": Subject("Fe_oxides", "Fe", "K", synthetic=True),
    "index": Subject("amorphous_carbon", "C", "K", energy_unit="index", normalisation="unknown"),
}


def slope(n_trials=8, limit=0.7):
    significant = np.abs(WAVE) > limit
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


def axes(names):
    percentiles = np.linspace(5, 95, 91)
    value = np.linspace(0.01234, 0.31, 91)
    return [StyleAxis(n, "angstrom", percentiles, value) for n in names]


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
    "sensitivity, nowhere significant": lambda s: sensitivity_figures.sensitivity(
        s, ENERGY, "CN", "1", WAVE, slope(limit=2), OTHERS
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
    "page of maps": lambda s: map_figures.pair_maps(s, axes(NAMES), maps(5), "edge position", "Edge (eV)"),
    "page of three maps": lambda s: map_figures.pair_maps(
        s, axes(NAMES[:3]), maps(3), "edge position", "Edge (eV)"
    ),
    "map": lambda s: map_figures.pair_maps(s, axes(NAMES[:2]), maps(2), "edge position", "Edge (eV)"),
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


def legend_texts(figure):
    return [t.get_text() for legend in figure.legends for t in legend.get_texts()]


def test_check_draws_matched_means_and_one_difference_each():
    top, bottom = MAKERS["check"](SUBJECTS["synthetic"]).axes
    drawn = {line.get_label(): line.get_ydata() for line in (*top.lines, *bottom.lines)}
    columns = curves().columns
    for label, column in {
        "data, CN = 4 Å": "data_spectrum_low_bin",
        "data, CN = 6 Å": "data_spectrum_high_bin",
        "data, matched pairs": "data_difference",
        "network, same change of CN": "model_same_change",
    }.items():
        np.testing.assert_array_equal(drawn.pop(label), columns[column])
    assert len(drawn) == 1  # the zero line
    assert bottom.get_title(loc="left") == "Pearson r = 0.95 (of the whole traversal: 0.90)"


def test_maps_are_marked_with_descriptors_and_define_the_interaction():
    figure = MAKERS["map"](SUBJECTS["synthetic"])
    ax = figure.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("OS (Å)", "CN (Å)")
    # 0.01234 to 0.31 over 90 percentiles.
    expected = 5 + 90 * (0.2 - 0.01234) / (0.31 - 0.01234)
    shown = dict(zip([t.get_text() for t in ax.get_xticklabels()], ax.get_xticks(), strict=True))
    assert shown["0.2"] == pytest.approx(expected, abs=1)
    assert ax.get_title(loc="left") == "interaction 3.0 %"
    note = " ".join(figure.get_supxlabel().split())
    assert traversal_words.INTERACTION in note and "as calibrated" in note


def test_significant_energies_are_marked_and_units_named():
    figure = MAKERS["sensitivity"](SUBJECTS["synthetic"])
    assert figure.axes[1].get_ylabel() == "dμ/dCN\n(per neighbour)"
    assert "significant" in legend_texts(figure)
    assert figure.axes[1].get_title(loc="left").startswith("Orange: significant, t test over 8 trials")
    nowhere = MAKERS["sensitivity, nowhere significant"](SUBJECTS["synthetic"])
    assert "significant" not in legend_texts(nowhere)
    assert nowhere.axes[1].get_title(loc="left").startswith("Nowhere significant: t test over 8 trials")
    one = MAKERS["sensitivity, one trial"](SUBJECTS["synthetic"])
    assert "significant" not in legend_texts(one) and "95 % of the draws" in one.axes[1].get_title(loc="left")
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


def style(pearson=0.9, truth=None, n_trials=8, **changed):
    check = check_content(pearson=pearson, **changed)
    return {"check": {**check, "remark": "fine"}, "n_trials": n_trials, "pearson_true_response": truth}


def summary(synthetic=False, **styles):
    return traversal_words.support_summary({"synthetic": synthetic, "styles": {**styles, "free_1": {}}})


def test_summary_warns_of_what_matched_data_do_not_support():
    few = {"matched_materials": 4}
    (line,) = summary(
        OS=style(amplitude_ratio=0.41), CN=style(amplitude_ratio=1.58), OCN=style(amplitude_ratio=2)
    )
    assert "support the shape" in line and line.endswith("OS (0.41 times) and OCN (2.00 times).")
    (line,) = summary(OS=style(), CN=style(0.85))
    assert line.endswith("support the shape of the traversal of every descriptor; lowest r: 0.85 (CN).")
    assert not line.startswith(evaluation_words.WARNING)
    (line,) = summary(
        OS=style(),
        CN=style(0.62, pearson_ceiling=0.7),
        OCN=style(not_comparable_because="too few spectra", pearson=None),
        NNRS=style(0.95, bins={"low": few, "high": few}),
        MOOD=style(None),
    )
    assert line.startswith(evaluation_words.WARNING) and "OS (" not in line
    assert "validation and test rows" in line
    for part in (
        "CN (r = 0.62, below 0.8: the noise of the data allows r up to about 0.70)",
        "OCN (too few spectra)",
        "NNRS (too few matched pairs: one bin has spectra of 4 materials)",
        "MOOD (the spectrum does not respond)",
    ):
        assert part in line


def test_summary_of_synthetic_families_names_the_weakest_agreement_with_the_truth():
    first, line = summary(True, OS=style(truth=0.99), CN=style(truth=0.956))
    assert "support" in first and line == (
        "The data are synthetic, so the true responses are known: weakest agreement CN, Pearson r = 0.956."
    )
    _, line = summary(True, OS=style(truth=0.7), CN=style(truth=-0.4), OCN=style(truth=0.9))
    assert line.startswith(evaluation_words.WARNING)
    assert line.endswith("weakest agreement CN, Pearson r = −0.400; below 0.8: OS and CN.")


def test_traversals_end_with_the_summary_on_the_terminal(capsys):
    walk = {"descriptor": [2.0, 4.0], "unit": "e", "largest_change": 0.1, "energy_of_largest_change": 7120.0}
    print_traversal(
        {
            "family": "Fe_oxides",
            "synthetic": True,
            "energy_unit": "eV",
            "n_trials": 8,
            "selected_trial": 0,
            "styles": {"OS": {**style(0.5, truth=0.9), **walk}},
        }
    )
    *_, data, truth = capsys.readouterr().out.splitlines()
    assert data.startswith("Warning: traversals not supported") and "weakest agreement OS" in truth


def trend(value, low=None, high=None):
    return {"edge_shift_eV": {"value": value, "low": low, "high": high}}


def test_known_trends_are_said_with_their_sign():
    check = check_content(remark="OS: fine", trends=trend(1.2, 0.5, 1.9))
    style = {"n_trials": 8, "check": check}
    styles = {"OS": {**style, "trends": trend(-0.8, -0.9, -0.7)}, "free_1": {"check": None}}
    traversal = {"synthetic": False, "styles": styles}
    remark, line, last = traversal_words.findings(json.loads(json.dumps(traversal)))
    assert [last] == traversal_words.support_summary(traversal)
    assert remark == "OS: fine"
    assert line == (
        "edge position, expected to rise with OS: network −0.80 eV (−0.90 to −0.70), NO, "
        "data +1.20 eV (+0.50 to +1.90), yes: the network's sign is opposite to the expectation"
    )
    unsure = {"n_trials": 8, "check": check_content(remark="OS: fine", trends=trend(0.2, -0.5, 0.9))}
    traversal["styles"]["OS"] = {**unsure, "trends": trend(-0.8)}
    assert traversal_words.findings(traversal)[1].endswith(
        "sign not certain: the network's sign is opposite to the expectation and the data's sign is not certain"
    )
    traversal["styles"]["OS"] = {**unsure, "trends": trend(0.8)}
    assert traversal_words.findings(traversal)[1].endswith("sign not certain")
    style["check"]["trends"] = trend(0.2, -0.5, 0.9)
    traversal["styles"]["OS"] = {**style, "trends": trend(None)}
    line = traversal_words.findings(traversal)[1]
    assert "network not known" in line and line.endswith("sign not certain")
