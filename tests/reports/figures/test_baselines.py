import csv
import io

import pytest

from rankaae_cli.analysis.evaluation.findings import baseline_remarks
from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.baseline_table import baselines_csv, baselines_table, print_baselines
from rankaae_cli.reports.figures.comparisons import baselines as baselines_figure
from tests.reports.figures.test_evaluation import texts


def row(name, label, rho=None, error=None, styles=None, kind="baseline"):
    return {
        "name": name,
        "label": label,
        "kind": kind,
        "reads": rho is not None,
        "generates": error is not None,
        "has_styles": styles is not None,
        "mean_spearman": rho,
        "mean_r2": 0.5,
        "descriptors": {n: {"spearman": rho, "r2": 0.5, "mae": 0.1} for n in ("OS", "CN")},
        "reconstruction": None if error is None else {"mae": error, "mse": error**2},
        "styles": None
        if styles is None
        else {
            "spearman": {"OS": styles, "CN": styles},
            "mean_spearman": styles,
            "inter_style": {"max_abs_spearman": 0.2, "excess": 0.1, "excess_permuted": 0.05},
        },
        "validation": None if kind == "model" else {"mean_spearman": rho, "reconstruction_mae": error},
        "ensemble_ahead": None
        if kind == "model" or rho is None
        else {"difference": 0.732 - rho, "interval": [0.71 - rho, 0.75 - rho]},
        "seconds": 12.3 if name != "ensemble" else None,
        "parameters": 134666,
    }


ROWS = [
    row("trial", "Model, one trial", 0.725, 0.02, 0.725, "model"),
    row("ensemble", "Model, mean of 12 trials", 0.732, 0.019, 0.732, "model"),
    row("mean_spectrum", "Mean spectrum", error=0.08),
    row("extra_trees", "Extra-trees", 0.735),
    row("vae", "VAE", 0.5, 0.018, 0.3),
]
AVERAGE = row("average", "Model and blend, averaged", 0.76, kind="average")


def content(rows=ROWS, synthetic=True):
    return {"family": "Fe_oxides", "split": "test", "n": 611, "synthetic": synthetic, "rows": rows}


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[2:3], [ROWS[0], ROWS[3]], [AVERAGE, *ROWS]], ids=len)
def test_figure_fits_its_column(rows):
    subject = Subject("Fe_oxides", "Fe", "K", synthetic=True)
    figure = baselines_figure(subject, content(rows))
    figure.canvas.draw()
    renderer, box = figure.canvas.get_renderer(), figure.bbox
    boxes = [text.get_window_extent(renderer) for text in texts(figure)]
    for extent in boxes:
        assert box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 and extent.y1 <= box.y1
    labels = [ax.xaxis.label.get_window_extent(renderer) for ax in figure.axes]
    assert not labels[0].overlaps(labels[1])
    assert "SYNTHETIC DATA" in figure.get_suptitle() and figure.get_figwidth() == 3.4


def test_figure_says_what_cannot_be_done():
    figure = baselines_figure(Subject("Fe_oxides", "Fe", "K"), content())
    shown = [[t.get_text() for t in ax.texts] for ax in figure.axes]
    assert shown == [
        ["0.725", "0.732", "no", "0.735", "0.500"],
        ["0.0200", "0.0190", "0.0800", "no", "0.0180"],
    ]


def test_a_number_that_is_not_known_is_no_lack_of_the_method():
    kept = {**row("vae", "VAE", 0.5, 0.018), "mean_spearman": None}  # as JSON gives NaN back
    figure = baselines_figure(Subject("Fe_oxides", "Fe", "K"), content([ROWS[0], kept]))
    assert [t.get_text() for t in figure.axes[0].texts] == ["0.725", "–"]


def test_table_says_what_cannot_be_done_and_the_cost():
    table = baselines_table(content())
    shown = {row[0]: dict(zip(table.keys, row, strict=True)) for row in table.printed()}
    mean, trees = shown["Mean spectrum"], shown["Extra-trees"]
    assert (mean["mean_spearman"], mean["spearman_OS"], mean["reconstruction_mae"]) == ("no", "–", "0.080")
    assert (trees["mean_spearman"], trees["reconstruction_mae"]) == ("0.735", "no")
    assert trees["one_style_spearman"] == trees["excess_coupling"] == trees["excess_by_chance"] == "no"
    coupling = ("excess_coupling", "excess_by_chance", "excess_over")
    assert [shown["VAE"][key] for key in coupling] == ["0.100", "0.050", "all"]
    assert {shown[f"Model, {of}"]["excess_over"] for of in ("one trial", "mean of 12 trials")} == {"named"}
    assert shown["VAE"]["one_style_spearman"] == "0.300" and shown["VAE"]["parameters"] == "134,666"
    assert (shown["VAE"]["seconds"], shown["Model, mean of 12 trials"]["seconds"]) == ("12", "–")
    assert trees["ensemble_ahead"] == "−0.003 [−0.025, 0.015]" and mean["ensemble_ahead"] == "–"
    assert table.caption.startswith("Synthetic data. ")
    assert not baselines_table(content(synthetic=False)).caption.startswith("Synthetic")


def test_rows_from_before_comparisons_are_shown_without():
    older = [{key: value for key, value in row.items() if key != "ensemble_ahead"} for row in ROWS]
    table = baselines_table(content(older))
    shown = [dict(zip(table.keys, row, strict=True)) for row in table.printed()]
    assert {row["ensemble_ahead"] for row in shown} == {"–"} and shown[3]["mean_spearman"] == "0.735"
    assert "ensemble_ahead" not in baselines_csv(content(older)) and baseline_remarks(older) == []


def test_csv_holds_every_number_once():
    rows = list(csv.DictReader(io.StringIO(baselines_csv(content()))))
    assert [r["name"] for r in rows] == ["trial", "ensemble", "mean_spectrum", "extra_trees", "vae"]
    assert [r["inter_style_over"] for r in rows] == ["named", "named", "", "", "all"]
    assert rows[4]["CN_mae"] == "0.1" and rows[4]["inter_style_excess"] == "0.1"
    ahead = ("ensemble_ahead", "ensemble_ahead_low", "ensemble_ahead_high")
    assert [float(rows[3][key]) for key in ahead] == pytest.approx([-0.003, -0.025, 0.015])
    assert rows[3]["reconstruction_mae"] == "" and rows[3]["generates"] == "no"
    assert rows[0]["validation_mean_spearman"] == "" and rows[4]["validation_mean_spearman"] == "0.5"


@pytest.mark.parametrize(
    "difference, interval, said",
    [
        (
            -0.006,
            [-0.021, 0.006],
            "is 0.006 below it, within chance (95 % interval over materials −0.021 to 0.006)",
        ),
        (
            0.020,
            [0.006, 0.036],
            "is 0.020 above it, more than chance (95 % interval over materials 0.006 to 0.036)",
        ),
        (-0.020, [-0.036, -0.006], "is 0.020 below it, more than chance"),
        (0.020, [None, None], "is 0.020 above it, and whether by chance is not known: too few materials"),
    ],
)
def test_remark_follows_the_interval(difference, interval, said):
    best = {**ROWS[3], "ensemble_ahead": {"difference": difference, "interval": interval}}
    best_of_all, of_average = baseline_remarks([*ROWS[:3], best, ROWS[4], AVERAGE])
    assert best_of_all.startswith(f"best of the baselines: Extra-trees, mean ρ 0.735; the model {said}")
    assert of_average.startswith("Model and blend, averaged: mean ρ 0.760; the model alone is 0.028 below it")


def test_nothing_is_said_where_nothing_was_compared():
    assert baseline_remarks([*ROWS[:3], {**ROWS[3], "ensemble_ahead": None}]) == []


def test_terminal_shows_the_table(capsys):
    print_baselines(content())
    out = capsys.readouterr().out
    assert "SYNTHETIC DATA" in out and "Extra-trees" in out and "…" not in out
