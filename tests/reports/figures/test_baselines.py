import csv
import io

import pytest

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


def content(rows=ROWS, synthetic=True):
    return {"family": "Fe_oxides", "split": "test", "n": 611, "synthetic": synthetic, "rows": rows}


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[2:3], [ROWS[0], ROWS[3]]], ids=len)
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
    assert table.caption.startswith("Synthetic data. ")
    assert not baselines_table(content(synthetic=False)).caption.startswith("Synthetic")


def test_csv_holds_every_number_once():
    rows = list(csv.DictReader(io.StringIO(baselines_csv(content()))))
    assert [r["name"] for r in rows] == ["trial", "ensemble", "mean_spectrum", "extra_trees", "vae"]
    assert [r["inter_style_over"] for r in rows] == ["named", "named", "", "", "all"]
    assert rows[4]["CN_mae"] == "0.1" and rows[4]["inter_style_excess"] == "0.1"
    assert rows[3]["reconstruction_mae"] == "" and rows[3]["generates"] == "no"
    assert rows[0]["validation_mean_spearman"] == "" and rows[4]["validation_mean_spearman"] == "0.5"


def test_terminal_shows_the_table(capsys):
    print_baselines(content())
    out = capsys.readouterr().out
    assert "SYNTHETIC DATA" in out and "Extra-trees" in out and "…" not in out
