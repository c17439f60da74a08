"""Interactive figures: what they hold, and that it is what the tables say."""

import base64
import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures import comparisons, descriptors, learning, spectra, styles, trials
from rankaae_cli.reports.figures.plotly import (
    add_panels,
    figure_json,
    figure_of,
    line,
    new_layout,
    pack,
    plotly_packed,
    walk_colours,
)
from rankaae_cli.reports.run.figure_files import still_picture

REAL = Subject("Cu_oxides", "Cu", "K")
SYNTHETIC = Subject("Fe_oxides", "Fe", "K", synthetic=True)
HOSTILE = "<b onclick='x'>&"
ENERGY = np.arange(8983.5, 8993.5, 0.25)
N = 60
RNG = np.random.default_rng(0)


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def titles(figure):
    return " ".join(annotation.text for annotation in figure.layout.annotations)


def readings_table():
    style = np.linspace(-2, 2, N)
    return pd.DataFrame({
        "material": [HOSTILE, *["mp-1"] * (N - 1)], "site": range(N), "CN_style": style,
        "CN_true": np.repeat([4.0, 5.0, 6.0], N // 3), "CN": 5 + style / 2,
        "NNRS_style": style, "NNRS_true": [np.nan, *style[1:]], "NNRS": style,
    })  # fmt: skip


def readings():
    score = {"spearman": 0.9, "r2": 0.8, "mae": 0.123}
    calibration = {"x": [-2.0, 2.0], "y": [4.0, 6.0], "half_width": 0.5, "coverage": 0.9, "n": 50}
    return [
        descriptors.DescriptorScores("CN", "1", [4.0, 5.0, 6.0], calibration, score),
        descriptors.DescriptorScores("NNRS", "angstrom", None, None, score),
    ]


def test_library_and_figures_unpack_to_what_was_packed():
    assert gzip.decompress(base64.b64decode(pack("Å ≤ 3"))).decode() == "Å ≤ 3"
    assert pack("Å") == pack("Å")
    assert gzip.decompress(base64.b64decode(plotly_packed())).startswith(b"/**\n* plotly.js")
    assert len(plotly_packed()) < 2.2e6


def test_figures_are_short_json_without_unknown_numbers():
    layout = new_layout(REAL, "what")
    (panel,) = add_panels(layout, 1)
    figure = figure_of([line(panel, [8983.25, 1.0], [np.nan, 0.123456789], "a <b>")], layout)
    text = figure_json(figure)
    trace = json.loads(text)["data"][0]
    assert trace["x"] == [8983.25, 1.0] and trace["y"] == [None, 0.12346] and trace["name"] == "a &lt;b&gt;"
    assert '": ' not in text and '", ' not in text and "http" not in text


@pytest.mark.parametrize(("subject", "begin"), [(REAL, "Cu_oxides"), (SYNTHETIC, "<b>SYNTHETIC DATA")])
def test_headings_say_what_is_synthetic(subject, begin):
    assert new_layout(subject, "test split")["title"]["text"].startswith(begin)
    assert all(len(part) < 60 for part in new_layout(subject, "x " * 60)["title"]["text"].split("<br>"))


def test_panels_do_not_overlap_and_stay_inside():
    layout = new_layout(REAL)
    panels = add_panels(layout, 5, 2, gap=(0.1, 0.05), heights=(1, 2, 1), stack=True)
    boxes = [(layout[f"xaxis{x[1:]}"]["domain"], layout[f"yaxis{y[1:]}"]["domain"]) for x, y in panels]
    assert all(0 <= low < high <= 1 for box in boxes for low, high in box)
    for i, (x, y) in enumerate(boxes):
        for u, v in boxes[:i]:
            assert x[0] >= u[1] or u[0] >= x[1] or y[0] >= v[1] or v[0] >= y[1]
    assert layout["meta"]["panels"] == 5


def test_walk_colours_run_from_end_to_end():
    colours = walk_colours(11)
    assert len(set(colours)) == 11 and colours[0] == "#440154" and colours[-1] == "#B4DE2C"
    assert walk_colours(1) == ["#440154"]


def test_readings_name_material_and_site_and_keep_true_values_beside_spread_points():
    table = readings_table()
    figure = descriptors.interactive_style_vs_descriptor(REAL, table, readings(), "test")
    cn, nnrs = named(figure, "test spectra")
    assert cn.text[0] == "&lt;b onclick='x'&gt;&amp;, site 0" and cn.text[1] == "mp-1, site 1"
    assert list(cn.customdata) == list(table["CN_true"])
    offset = np.array(cn.y) - table["CN_true"]
    assert 0 < np.abs(offset).max() <= 0.1201 and list(nnrs.y) == list(nnrs.customdata)
    assert len(nnrs.x) == N - 1, "an unknown value is no point"
    (curve,) = named(figure, "calibration (validation)")
    assert curve.y[0] == 4.0 and curve.y[-1] == 6.0
    assert figure.layout.yaxis2.title.text == "NNRS (Å)" and "ρ = 0.90" in titles(figure)


def test_predictions_stand_against_the_truth():
    figure = descriptors.interactive_prediction_vs_truth(REAL, readings_table(), readings(), "test")
    cn, _ = named(figure, "test spectra")
    np.testing.assert_allclose(cn.y, readings_table()["CN"], rtol=1e-4)
    assert "MAE 0.12 Å" in titles(figure) and figure.layout.xaxis.title.text == "CN, true"


def metrics_table(trials=3, epochs=600):
    epoch = np.tile(np.arange(epochs), trials)
    return pd.DataFrame({
        "epoch": epoch, "trial": np.repeat(np.arange(trials), epochs),
        "train_rank": 10.0 ** (-epoch / 200), "val_spearman": epoch / epochs,
        "val_spearman_OS": epoch / epochs,
    })  # fmt: skip


def test_losses_have_a_line_a_trial_and_a_logarithmic_axis_over_decades():
    table = metrics_table()
    figure = learning.interactive_curves(REAL, table, ["train_rank", "val_spearman"], 1, 400, "training rows")
    assert len(figure.data) == 6 and [t.name for t in figure.data[:3]].count("trial 1, selected") == 1
    assert figure.layout.yaxis.type == "log" and figure.layout.yaxis2.type is None
    shown = figure.data[0]
    assert len(shown.x) <= 250 and shown.x[0] == 0 and shown.x[-1] == 599
    assert [s.x0 for s in figure.layout.shapes] == [400, 400]
    of_descriptors = learning.interactive_descriptor_learning(
        REAL, table, ["val_spearman_OS"], 1, 400, "validation rows"
    )
    assert of_descriptors.data[0].name == "OS" and of_descriptors.layout.yaxis.title.text == "Spearman ρ"


def spectra_table():
    return pd.concat([
        pd.DataFrame({"example": f"{HOSTILE} {i}", "material": "m", "site": i, "mae": 0.01 * i,
                      "energy": ENERGY, "given": 1.0 + i, "reconstructed": 1.5 + i})
        for i in range(3)
    ])  # fmt: skip


@pytest.mark.parametrize("columns", [1, 2])
def test_reconstructions_stand_beside_what_was_given(columns):
    figure = spectra.interactive_reconstructions(REAL, spectra_table(), "test split", columns)
    assert [t.y[0] for t in named(figure, "given")] == [1.0, 2.0, 3.0]
    assert [t.y[0] for t in named(figure, "reconstructed")] == [1.5, 2.5, 3.5]
    assert "MAE 0.020" in titles(figure) and "&lt;b onclick" in titles(figure)


def test_error_at_each_energy_is_the_tables():
    columns = ("mean_spectrum", "mean_error", "mean_absolute_error", "error_p05", "error_p95")
    table = pd.DataFrame({"energy": ENERGY} | {name: float(i) for i, name in enumerate(columns)})
    figure = spectra.interactive_reconstruction_error(REAL, table, 9, "test")
    assert named(figure, "mean absolute error")[0].y[0] == 2.0
    assert [t.y[0] for t in named(figure, "5–95 % of spectra")] == [3.0, 4.0]


def test_trials_stand_by_score_and_what_each_score_chooses_is_framed():
    def trial(number, rank, score):
        return {
            "trial": number, "rank": rank, "score": score, "published_score": -score, "mean_spearman": 0.9,
            "descriptors": {"CN": {"spearman": score}}, "max_abs_spearman": 0.1, "excess": 0.0,
            "shapiro_min": 0.9, "reconstruction_mae": 0.02,
        }  # fmt: skip

    others = [trial(n, n, 0.3) for n in range(4, 13)]
    choice = {"trial": 3, "published_choice": 0, "trials": [trial(0, 2, 0.4), trial(3, 1, 0.5), *others]}
    figure = trials.interactive_trial_choice(REAL, choice)
    (cells,) = figure.data
    assert list(cells.x[:2]) == ["3", "0"] and list(cells.y[:2]) == ["Score", "Published score"]
    assert len(cells.x) == 11 and cells.text[0][0] == ".500"
    assert cells.z[0][0] == 2 and cells.z[1][0] == -2, "the colours end at two standard deviations"
    assert cells.customdata[0][0] == "Score, trial 3: 0.500, chosen by this score"
    frames = [(shape.x0, shape.y0) for shape in figure.layout.shapes]
    assert frames == [(-0.5, -0.5), (0.5, 0.5)]
    undecided = trials.interactive_trial_choice(REAL, choice | {"published_choice": None})
    (frame,) = undecided.layout.shapes
    assert (frame.x0, frame.y0) == (-0.5, -0.5) and "undecided" in undecided.to_json()
    few = choice | {"trials": choice["trials"][:10]}
    assert trials.interactive_trial_choice(REAL, few) is None, "the still picture shows all of them"


def test_normality_has_a_panel_a_style():
    table = pd.DataFrame(
        {"style": ["OS", "OS", "free_1"], "normal_quantile": [-1.0, 1, 0], "value": [-2.0, 2, 0]}
    )
    figure = styles.interactive_normality(REAL, table, {"OS": 0.9, "free_1": None}, "test split")
    assert [len(t.x) for t in named(figure, "style")] == [2, 1] and "OS, W 0.90" in titles(figure)


def test_associations_stand_by_size_and_colour_says_what_repeats():
    table = pd.DataFrame({
        "style": "free_1", "quantity": ["<a", "b", "c"], "found_partial": [0.1, -0.5, 0.4],
        "partial": [0.1, -0.4, 0.3], "spearman": 0.2, "found_rows": 99,
        "repeats": [False, True, True], "stands_out": [False, True, False],
    })  # fmt: skip
    figure = comparisons.interactive_associations(REAL, table, ["OS", "free_1"], 0.3, "test", "trial 0")
    bars = {t.y[0]: (t.x[0], t.marker.color) for t in figure.data if t.type == "bar"}
    assert {q: x for q, (x, _) in bars.items()} == {"&lt;a": 0.1, "b": -0.5, "c": 0.4}
    assert all(set(t.y) <= {"&lt;a", "b", "c"} for t in figure.data)  # markers stand in the rows of bars
    assert len({colour for _, colour in bars.values()}) == 3
    assert list(figure.layout.yaxis.categoryarray) == ["&lt;a", "c", "b"]
    assert sorted(s.x0 for s in figure.layout.shapes) == [-0.3, 0.3] and figure.layout.barmode == "overlay"


def test_baselines_stand_in_the_tables_order_and_gaps_stay_gaps():
    rows = [
        {"label": "model", "kind": "model", "reads": True, "generates": True, "mean_spearman": 0.8,
         "reconstruction": {"mae": 0.02}},
        {"label": "trees", "kind": "baseline", "reads": True, "generates": False, "mean_spearman": 0.7,
         "reconstruction": {"mae": None}},
    ]  # fmt: skip
    figure = comparisons.interactive_baselines(REAL, {"rows": rows, "split": "test", "n": 10})
    assert list(figure.layout.yaxis.categoryarray) == ["trees", "model"]
    trees = [t for t in figure.data if t.name == "baseline"]
    assert list(trees[0].x) == [0.7, None] and list(trees[1].x) == [None, None]


def picture(colours):
    pixels = RNG.integers(0, colours, (40, 60))
    value = np.arange(colours) * 255 // max(colours - 1, 1)
    palette = np.stack([value, 255 - value, value], axis=-1).astype(np.uint8)
    image, buffer = Image.fromarray(pixels.astype(np.uint8)), io.BytesIO()
    image.putpalette(palette.tobytes())
    image.save(buffer, "png")
    return buffer.getvalue(), palette[pixels]


@pytest.mark.parametrize("colours", [4, 250])
def test_still_pictures_keep_size_and_colours(colours):
    png, pixels = picture(colours)
    uri, width, height = still_picture(png)
    kind, text = uri.split(",")
    assert (width, height) == (60, 40) and kind == "data:image/webp;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"), dtype=int)
    assert np.abs(shown - pixels).max() <= (0 if colours == 4 else 60)
