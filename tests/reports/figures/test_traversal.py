"""Figures of a traversal, static and interactive, from tables as it writes them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.analysis.traversal.findings import INTERACTION
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.styles.traversal import stability
from rankaae_cli.reports.figures import maps, response, traversal

ENERGY = np.linspace(7111, 7175, 40)
WAVE = np.sin(ENERGY / 5)
HOSTILE = r"$\frac{<script>_^%& ' quoted $"
SUBJECTS = {
    "synthetic": Subject("Fe_oxides", "Fe", "K", synthetic=True),
    "index": Subject("amorphous_carbon", "C", "K", energy_unit="index", normalisation="unknown"),
}
REAL, SYNTHETIC = Subject("Cu_oxides", "Cu", "K"), SUBJECTS["synthetic"]
OTHERS = "others independent"
NAMES = ["OS", "CN", "OCN", "NNRS", "MOOD"]
STYLE = {
    "n_trials": 2, "percentile": [5.0, 27.5, 50.0, 95.0], "descriptor": [4.0, 4.5, 5.0, 6.0], "unit": "1",
    "pearson_true_response": None, "stability": {"relative_spread": 0.17},
}  # fmt: skip
FREE = {**STYLE, "n_trials": 1, "descriptor": None, "unit": None}


def walk_table(truth=False, trials=(0, 2), size=1.0):
    columns = {"energy": ENERGY}
    for i, percentile in enumerate(("p05", "p27.5", "p50", "p95")):
        columns[percentile] = size * (np.sin(ENERGY) + i)
    columns["difference"] = columns["p95"] - columns["p05"]
    for name, shift in (("trials_low", -2), ("trials_high", 2), ("draws_low", -1), ("draws_high", 1)):
        columns[name] = columns["difference"] + shift
    columns |= {f"difference_trial_{t}": columns["difference"] + t for t in trials}
    if truth:
        columns["true_response_synthetic"] = columns["difference"] / 2
    return pd.DataFrame(columns)


def axis(name="OS"):
    return StyleAxis(name, "angstrom", np.linspace(5, 95, 91), np.linspace(0.01234, 0.31, 91))


def walk(subject, style=STYLE, **keys):
    style = {**style, "pearson_true_response": 0.987 if subject.synthetic else None}
    return traversal.walk(subject, walk_table(subject.synthetic), "OS", style, 0, OTHERS, axis(), **keys)


def overview_table(names, **keys):
    return pd.concat([walk_table(**keys).assign(style=name) for name in names])


def overview(subject, *names):
    table = overview_table(names, truth=subject.synthetic)
    return traversal.overview(subject, table, dict.fromkeys(names, STYLE), 0, "response to each descriptor")


def stability_figure(subject, trials, *names):
    difference = {f"difference_trial_{t}": WAVE + 0.1 * t for t in range(trials)}
    spread = stability(np.stack(list(difference.values())))
    table = pd.concat([pd.DataFrame({"style": name, "energy": ENERGY, **difference}) for name in names])
    styles = {name: {"stability": spread, "n_trials": trials} for name in names}
    return response.stability(subject, table, styles, OTHERS)


def sensitivity_table(limit=0.7):
    return pd.DataFrame(
        {
            "energy": ENERGY,
            "mean_spectrum": WAVE,
            "sensitivity": WAVE,
            "low": WAVE - 0.1,
            "high": WAVE + 0.1,
            "own_style": 0.6 * WAVE,
            "significant": (np.abs(WAVE) > limit).astype(int),
        }
    )


def sensitivity(subject, name="CN", limit=0.7, unit="per neighbour", unknown=None):
    content = {"unknown_because": unknown, "rows_text": "validation and test rows", "unit": unit}
    return response.sensitivity(subject, sensitivity_table(limit), name, content)


def check_content(**changed):
    side = {"rows": 60, "materials": 50, "matched_rows": 1041, "matched_materials": 50}
    return {
        "rows_text": "validation and test rows",
        "not_comparable_because": None,
        "bins": {"low": {"range": "4", **side}, "high": {"range": "6", **side}},
        "matched_on": ["OS", "OCN", "NNRS", "MOOD"],
        "pearson": 0.9,
        "pearson_same_change": 0.95,
        **changed,
    }


def check_table():
    names = [f"{m}_spectrum_{s}_bin" for m in ("data", "model") for s in ("low", "high")]
    names += ["data_low", "data_high", "data_difference", "data_unmatched", "traversal", "model_same_change"]
    return pd.DataFrame({"energy": ENERGY, **{name: WAVE + i for i, name in enumerate(names)}})


def check(subject, name="CN", **changed):
    return response.check(subject, check_table(), name, check_content(**changed), "angstrom")


def thirds(low, high):
    sides = (("low", low), ("high", high))
    return {side: {"range": text, "matched_rows": 1041} for side, text in sides}


def map_figure(subject, names):
    percentiles, grid = np.linspace(5, 95, 7), np.add.outer(np.arange(7.0), np.arange(7.0))
    grid[0, 0] = np.nan
    first, second = (part.ravel() for part in np.meshgrid(percentiles, percentiles, indexing="ij"))
    parts = [
        pd.DataFrame(
            {
                "first": a,
                "second": b,
                "first_percentile": first,
                "second_percentile": second,
                "edge_energy": (grid * (i + 1)).ravel(),
                "interaction_share": 0.03,
            }
        )
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]
    axes = {name: axis(name) for name in names}
    return maps.pair_maps(subject, axes, pd.concat(parts), "edge_energy", "edge position", "Edge (eV)")


MAKERS = {
    "walk": walk,
    "walk of two levels of a free style": lambda s: traversal.walk(
        s,
        walk_table()[["energy", "p05", "p95", "difference", "draws_low", "draws_high"]],
        "free_1",
        {**FREE, "percentile": [5.0, 95.0]},
        0,
        OTHERS,
        StyleAxis("free_1", "", np.linspace(5, 95, 91), None),
    ),
    "page of walks": lambda s: overview(s, *NAMES),
    "page of one walk": lambda s: overview(s, "OS"),
    "page of seven walks": lambda s: overview(s, *(f"long_name_{i}" for i in range(7))),
    "sensitivity": sensitivity,
    "sensitivity, odd name": lambda s: sensitivity(s, HOSTILE, unit="per Å"),
    "sensitivity, nowhere significant": lambda s: sensitivity(s, limit=2),
    "sensitivity not known": lambda s: sensitivity(
        s, unknown="CN: too few validation rows know it, so the style has no unit"
    ),
    "check": check,
    "check of thirds": lambda s: check(s, HOSTILE, matched_on=NAMES, bins=thirds("≤ 0.0123", "≥ 0.157")),
    "check of a small response": lambda s: check(s, pearson_same_change=-0.104),
    "not comparable": lambda s: check(
        s, not_comparable_because="too few spectra of the two bins agree in the other descriptors"
    ),
    "page of maps": lambda s: map_figure(s, NAMES),
    "page of three maps": lambda s: map_figure(s, NAMES[:3]),
    "map": lambda s: map_figure(s, NAMES[:2]),
    "stability": lambda s: stability_figure(s, 8, *NAMES),
    "stability of two": lambda s: stability_figure(s, 8, "OS", "CN"),
    "stability of one trial": lambda s: stability_figure(s, 1, "OS"),
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
    unit = "Energy index" if subject.energy_unit == "index" else "Energy (eV)"
    assert "map" in name or name == "not comparable" or unit in {ax.get_xlabel() for ax in figure.axes}


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
    columns = check_table()
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
    assert INTERACTION in note and "as calibrated" in note


def test_significant_energies_are_marked_and_units_named():
    figure = MAKERS["sensitivity"](SUBJECTS["synthetic"])
    assert figure.axes[1].get_ylabel() == "dμ/dCN\n(per neighbour)"
    assert "significant" in legend_texts(figure)
    assert figure.axes[1].get_title(loc="left").startswith("Orange: significant,\npermutations of materials")
    nowhere = MAKERS["sensitivity, nowhere significant"](SUBJECTS["synthetic"])
    assert "significant" not in legend_texts(nowhere)
    assert nowhere.axes[1].get_title(loc="left").startswith("Nowhere significant:\npermutations of materials")


def test_figures_of_what_is_not_read_say_so():
    for is_read in (True, False):
        reading = {"is_read": is_read, "spearman": 0.05, "chance": 0.14, "materials": 90}
        content = {"unknown_because": None, "rows_text": "test rows", "unit": "per e", "reading": reading}
        slopes = response.sensitivity(REAL, sensitivity_table(), "OS", content)
        for figure in (slopes, check(REAL, reading=reading)):
            assert ("NOT READ" in figure.get_suptitle()) != is_read


def test_overview_has_one_scale_that_holds_every_style():
    table = pd.concat([walk_table(size=size).assign(style=name) for name, size in (("CN", 1), ("OS", 5))])
    figure = traversal.overview(REAL, table, {"CN": STYLE, "OS": STYLE}, 0, "styles")
    figure.canvas.draw()
    for row in (figure.axes[:2], figure.axes[2:4]):
        assert row[0].get_ylim() == row[1].get_ylim()
        low, high = row[0].get_ylim()
        drawn = np.concatenate([line.get_ydata() for ax in row for line in ax.get_lines()])
        assert low <= drawn.min() and drawn.max() <= high


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def titles(figure):
    return " ".join(annotation.text for annotation in figure.layout.annotations)


def test_walk_has_a_line_a_level_named_by_the_descriptors_value():
    figure = traversal.interactive_walk(REAL, walk_table(), "CN", STYLE, 0, "others", (4, 5, 6))
    levels = [t for t in figure.data if "percentile" in (t.name or "")]
    assert [t.name.split(", ")[1] for t in levels] == ["CN ≈ 4.00", "CN ≈ 4.50", "CN ≈ 5.00", "CN ≈ 6.00"]
    assert "percentile 27.5" in levels[1].name and levels[0].line.color != levels[1].line.color
    (bar,) = [t for t in figure.data if t.marker.showscale]
    assert list(bar.marker.colorbar.ticktext) == ["4", "5", "6"]
    (difference,) = named(figure, "mean of 2 trials")
    assert set(difference.y) == {3.0} and not named(figure, "truth (synthetic)")
    assert figure.layout.xaxis.matches == "x2" and figure.layout.xaxis2.title.text == "Energy (eV)"


def test_walk_of_synthetic_data_has_the_truth_and_a_free_style_no_value():
    style = {**STYLE, "pearson_true_response": 0.987}
    figure = traversal.interactive_walk(SYNTHETIC, walk_table(truth=True), "CN", style, 0, "others")
    assert named(figure, "truth (synthetic)")[0].y[0] == 1.5 and "r = 0.99" in titles(figure)
    figure = traversal.interactive_walk(REAL, walk_table(), "free_1", FREE, 7, "others")
    assert named(figure, "trial 7") and "≈" not in "".join(t.name or "" for t in figure.data)


def test_overview_shares_its_scales_and_hides_places_without_a_style():
    names = [f"free_{i}" for i in range(1, 8)]
    figure = traversal.interactive_overview(
        REAL, overview_table(names), dict.fromkeys(names, STYLE), 0, "what"
    )
    axes = [figure.layout[f"yaxis{i or ''}"] for i in (0, *range(2, 17))]
    assert sum(axis.visible is False for axis in axes) == 2
    assert {a.matches for a in axes} == {None, "y", "y5"}


def test_stability_has_a_line_a_trial_and_their_mean():
    figure = response.interactive_stability(REAL, overview_table(["CN"]), {"CN": STYLE}, "others")
    assert len(named(figure, "one trial")) == 2 and named(figure, "mean")[0].y[0] == 4.0
    assert "CN, spread 17 %" in titles(figure)


def test_sensitivity_marks_what_is_significant_and_is_none_where_unknown():
    columns = pd.DataFrame({
        "energy": ENERGY, "mean_spectrum": 1.0, "sensitivity": ENERGY - ENERGY.mean(), "low": -9.0,
        "high": 9.0, "own_style": 0.0, "significant": (ENERGY > 7150).astype(int),
    })  # fmt: skip
    content = {"unknown_because": None, "unit": "per Å", "rows_text": "test rows"}
    figure = response.interactive_sensitivity(REAL, columns, "NNRS", content)
    (marked,) = named(figure, "significant")
    known = np.array([y is not None for y in marked.y])
    assert np.array_equal(known, ENERGY > 7150) and figure.layout.yaxis2.title.text == "dμ/dNNRS<br>(per Å)"
    nowhere = response.interactive_sensitivity(REAL, columns.assign(significant=0), "NNRS", content)
    assert not named(nowhere, "significant") and "nowhere" in titles(nowhere)
    assert response.interactive_sensitivity(REAL, columns, "N", {**content, "unknown_because": "x"}) is None


def test_check_shows_data_and_network_and_is_none_where_not_comparable():
    names = (
        "traversal", "data_difference", "data_low", "data_high", "data_unmatched", "model_same_change",
        "data_spectrum_low_bin", "data_spectrum_high_bin", "model_spectrum_low_bin", "model_spectrum_high_bin",
    )  # fmt: skip
    columns = pd.DataFrame({"energy": ENERGY} | {name: float(i) for i, name in enumerate(names)})
    content = {
        "not_comparable_because": None, "rows_text": "test rows", "pearson": 0.9, "pearson_same_change": 0.8,
        "bins": {"low": {"range": "≤ 2", "matched_rows": 10}, "high": {"range": "4", "matched_rows": 12}},
    }  # fmt: skip
    figure = response.interactive_check(REAL, columns, "OS", content)
    assert (
        named(figure, "data, OS ≤ 2")[0].y[0] == 6.0 and named(figure, "data, matched pairs")[0].y[0] == 1.0
    )
    assert named(figure, "data, OS = 4")[0].y[0] == 7.0 and "10 and 12 matched" in titles(figure)
    assert response.interactive_check(REAL, columns, "OS", {**content, "not_comparable_because": "x"}) is None
