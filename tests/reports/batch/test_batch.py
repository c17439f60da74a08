from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.batch import figures as batch_figures
from rankaae_cli.reports.batch.batch import Batch, BatchRun, Response
from rankaae_cli.reports.batch.comparison import cautions, key_effects
from rankaae_cli.reports.batch.figures import response_figures
from rankaae_cli.reports.batch.page import render_batch_page, run_link
from rankaae_cli.reports.batch.tables import (
    matrix_table,
    responses_table,
    runs_table,
    terminal_table,
    verdict,
)
from rankaae_cli.reports.run.page import Picture
from rankaae_cli.reports.tables import Ranged, csv_text

HOSTILE = "<script>alert(\"x\")</script> & 'quoted' $\\frac{a_b Ångström 铁"
BY_STYLES = "validation score: mean Spearman − 0.25 × excess coupling"
ENERGY = np.linspace(-10, 30, 40)


def response(r=0.9, because=None, data=True, supported=True):
    bump = np.exp(-((ENERGY - 5) ** 2) / 20)
    none = np.full(40, np.nan)
    style = {
        "descriptor": [2.0, 3.0],
        "unit": "e",
        "largest_change": -0.2,
        "pearson_true_response": None,
        "check": {
            "not_comparable_because": because,
            "pearson": r,
            "pearson_ceiling": 0.95,
            "supported": supported,
        },
    }
    if because:
        style["check"] = {"not_comparable_because": because}
    shown = bump if data else none
    walk = {"energy": ENERGY, "difference": bump, "trials_low": bump - 0.1, "trials_high": bump + 0.1}
    matched = {"data_difference": shown, "data_low": shown - 0.05, "data_high": shown + 0.05}
    return Response("edge", pd.DataFrame(walk | matched), style)


def run(
    label,
    family="Fe_oxides",
    score=0.5,
    test=0.7,
    synthetic=False,
    names=("OS", "CN"),
    page="p",
    by=BY_STYLES,
    **settings,
):
    descriptors = {
        name: {"spearman": test - 0.1 * i, "interval": {"spearman": [test - 0.2, test + 0.1]}}
        for i, name in enumerate(names)
    }
    about = {
        "mean_spearman": test,
        "descriptors": descriptors,
        "reconstruction": {"mae": 0.02},
        "inter_style": {"excess": 0.1},
        "interval": {"mean_spearman": [test - 0.1, test + 0.1]},
    }
    metrics = {
        "ensemble": about,
        "trials": [{**about, "validation_score": score, "mean_spearman": test - 0.02}],
        "selected_trial": 0,
        "n_materials": 40,
        "choice": {"by": by},
        "source": "synthetic" if synthetic else "feff",
    }
    return BatchRun(
        label=label,
        directory=f"/runs/{label}",
        subject=Subject(family, "Fe", "K", synthetic=synthetic),
        settings={"seed": 0, "split_seed": 0, "optimiser.rate": 0.01, "model.norm": "layer"}
        | {key.replace("__", "."): value for key, value in settings.items()},
        metrics=metrics,
        responses={name: response() for name in names},
        data_sha256=family,
        wall_s=12.0,
        page=page,
    )


def page_of(batch):
    picture = Picture("data:image/png;base64,AAAA", "caption", "figures/a.pdf")
    tables = {table.name: table for table in (matrix_table(batch), responses_table(batch), runs_table(batch))}
    pictures = {"matrix": [replace(picture, name="matrix")], "responses": [picture]}
    return render_batch_page(batch, tables, pictures | {"settings": [picture] if batch.keys else []})


class Page(HTMLParser):
    """Tags, links and text of a page; scripts and styles apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text, self.skipping = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.skipping = tag in ("script", "style")
        self.links += [value for key, value in attrs if key == "href" and not value.startswith("#")]

    def handle_endtag(self, tag):
        self.skipping = False

    def handle_data(self, data):
        if not self.skipping:
            self.text.append(data)


def test_validation_chooses_the_run_of_a_family_not_test():
    batch = Batch(
        "t", [run("good_on_test", score=0.4, test=0.99), run("good_on_validation", score=0.6, test=0.5)]
    )
    assert [r.label for r in batch.best] == ["good_on_validation"]
    ((family, os, cn, mean, _, score, label, data),) = matrix_table(batch).rows
    assert (family, label, score, data) == ("Fe_oxides", "good_on_validation", 0.6, "feff")
    assert os == Ranged(0.5, 0.3, 0.6) and cn.value == pytest.approx(0.4) and mean == Ranged(0.5, 0.4, 0.6)


def test_a_run_without_a_score_is_not_chosen():
    batch = Batch("t", [run("unknown", score=None), run("known", score=-1.0)])
    assert [r.label for r in batch.best] == ["known"]


def test_synthetic_and_other_spectra_of_one_family_are_apart():
    batch = Batch("t", [run("a", synthetic=True, score=0.9), run("b")])
    assert batch.families == ["Fe_oxides", "Fe_oxides (synthetic)"] and len(batch.best) == 2
    assert batch.partly_synthetic and not batch.synthetic
    assert any("Fe_oxides (synthetic)" in line for line in cautions(batch))
    assert "Partly synthetic data." in page_of(batch)


def test_families_with_other_descriptors_leave_cells_empty():
    batch = Batch("t", [run("a", "Ti"), run("b", "C", names=("MBL",))])
    table = matrix_table(batch)
    assert table.headings[1:4] == ["OS", "CN", "MBL"]
    assert [row[1].value for row in table.rows] == [None, 0.7]
    assert "different descriptors" in " ".join(cautions(batch)).replace("Families have ", "")
    assert csv_text(table).splitlines()[0].startswith("family,OS,OS_low,OS_high,CN")


def test_incomparable_runs_of_one_family_are_named():
    batch = Batch(
        "t", [run("a", split_seed=0), run("b", split_seed=1), replace(run("c"), data_sha256="other")]
    )
    assert ["2 different data files" in cautions(batch)[0], "2 different splits" in cautions(batch)[1]] == [
        True
    ] * 2
    assert cautions(Batch("t", [run("a"), run("b")])) == []


def test_a_score_is_said_to_be_made_of_what_it_is():
    reader = run("b", by="validation score: mean Spearman")
    assert "excess coupling" not in page_of(Batch("t", [reader])) and not cautions(Batch("t", [reader]))
    both = Batch("t", [run("a"), reader])
    assert "excess coupling; or of other runs: mean Spearman." in page_of(both)
    assert "made of different parts" in cautions(both)[0]


def test_effects_are_relative_to_the_family():
    runs = [
        run(
            f"{f}{rate}{seed}",
            f,
            score=base + (0.1 if rate == 0.01 else 0.0),
            optimiser__rate=rate,
            seed=seed,
        )
        for f, base in (("easy", 0.9), ("hard", 0.1))
        for rate in (0.01, 0.1)
        for seed in (0, 1)
    ]
    (effect,) = key_effects(Batch("t", runs))
    assert (effect["key"], effect["best"], effect["worst"]) == ("optimiser.rate", "0.01", "0.1")
    assert effect["difference"] == pytest.approx(0.1)


@pytest.mark.parametrize("values", [("old/fe.h5", "new/fe.h5"), (0.12345678, 0.12345681)])
def test_values_that_print_alike_are_told_apart(values):
    runs = [
        run(f"{i}{seed}", score=0.6 - 0.2 * i, data=value, seed=seed)
        for i, value in enumerate(values)
        for seed in (0, 1)
    ]
    (effect,) = key_effects(Batch("t", runs))
    assert (effect["best"], effect["worst"]) == tuple(map(str, values))
    assert effect["difference"] == pytest.approx(0.2)


def test_settings_that_never_repeat_have_no_effect_to_state():
    runs = [run(str(i), optimiser__rate=0.01 * (i + 1)) for i in range(4)]
    assert key_effects(Batch("t", runs)) == []


def test_table_of_runs_has_what_differs_and_the_terminal_less():
    batch = Batch("t", [run("a", optimiser__rate=0.0003), run("b", optimiser__rate=0.01, seed=1)])
    table = runs_table(batch)
    assert table.keys[:4] == ["run", "family", "optimiser.rate", "seed"]
    assert table.rows[0][2] == "0.0003" and table.rows[1][-2:] == [12.0, "feff"]
    assert terminal_table(batch).rows[0] == ["a", "Fe_oxides", 0.5, 0.7, 0.02, 0.1]


@pytest.mark.parametrize(
    ("r", "because", "supported", "says"),
    [
        (0.85, None, True, "agrees"),
        (0.85, None, False, "differs"),  # as where another descriptor's difference is fitted as well
        (None, None, False, "no matched data"),
        (None, "few", False, "no matched data"),
    ],
)
def test_matched_data_give_a_verdict(r, because, supported, says):
    assert verdict(response(r, because, supported=supported).style) == says


def test_responses_without_matched_data_stay_in_the_table():
    one = run("a")
    one = replace(
        one,
        responses={"OS": response(because="too few rows", data=False), "CN": response(0.3, supported=False)},
    )
    first, second = responses_table(Batch("t", [one])).rows
    assert first[5] is None and first[7:] == ["no matched data", "feff"] and second[7] == "differs"
    page = page_of(Batch("t", [one]))
    assert "support the shape of 0 of the 1 responses" in page and "(CN no)" in page


def test_page_escapes_every_name_and_links_work_from_disk():
    link = "../0 #1?/100%/re'port.html"
    hostile = run(HOSTILE, HOSTILE, names=(HOSTILE, "CN"), page=link, model__norm=HOSTILE)
    batch = Batch(
        HOSTILE,
        [hostile, run("b", page=None)],
        [{"run": HOSTILE, "reason": HOSTILE, "todo": f"rankaae train resume={HOSTILE}"}],
        command=f"rankaae report run={HOSTILE}",
    )
    text = page_of(batch)
    page = Page(text)
    plain = Page(
        page_of(
            Batch(
                "t",
                [run("a", model__norm="x"), run("b", page=None)],
                [{"run": "r", "reason": "y", "todo": "z"}],
            )
        )
    )
    assert page.tags.count("script") == plain.tags.count("script")
    assert "<script>alert" not in text and HOSTILE in "".join(page.text)
    assert "../0%20%231%3F/100%25/re%27port.html" in page.links
    assert all("://" not in link_ for link_ in page.links)


def test_cards_say_over_what_they_aggregate():
    text = " ".join(" ".join(Page(page_of(Batch("t", runs))).text).split()) if (runs := [run("a")]) else ""
    assert "mean Spearman ρ over descriptors" in text and "median" not in text.split("Families and desc")[0]
    runs = [run("a"), run("b", "Ti_oxides", test=0.5), run("c", "Ti_oxides", score=0.1)]
    text = " ".join(" ".join(Page(page_of(Batch("t", runs))).text).split())
    assert "Spearman ρ: mean over descriptors, median over 2 families (best run of each)" in text
    assert "reconstruction error: median over 2 families (best run of each)" in text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ([{"seed": 0}, {"seed": 1}], False),
        ([{"optimiser__rate": 0.1}, {"optimiser__rate": 0.2}], True),
    ],
)
def test_lines_are_spoken_of_only_where_they_are_drawn(settings, says):
    batch = Batch("t", [run(str(i), **values) for i, values in enumerate(settings)])
    drawn = [
        line for ax in batch_figures.settings(batch).axes for line in ax.lines if len(line.get_xdata()) > 1
    ]
    assert bool(drawn) is says
    assert ("lines join" in page_of(batch)) is says


@pytest.mark.parametrize(
    ("origins", "heading"),
    [
        (("edge", "edge"), "At (eV from edge)"),
        (("start", "start"), "At (eV from grid start)"),
        (("edge", "start"), "At (eV from edge or grid start)"),
    ],
)
def test_the_place_of_the_largest_change_has_its_unit(origins, heading):
    runs = [
        replace(run(f, f), responses={"OS": replace(response(), origin=origin)})
        for f, origin in zip(("Fe", "Ti"), origins, strict=True)
    ]
    assert heading in responses_table(Batch("t", runs)).headings


def test_links_are_escaped_once():
    assert run_link("a b/ü#?%&\"'<.html") == "a%20b/%C3%BC%23%3F%25%26%22%27%3C.html"


def test_a_page_without_interactive_figures_carries_no_library_for_them():
    assert "octet-stream" not in page_of(Batch("t", [run("a"), run("b", "Ti", test=0.2)]))


def test_seeds_alone_are_told_or_asked_for():
    repeated = [run(str(s), score=0.5 + 0.1 * s, test=0.7 + 0.02 * s, seed=s) for s in (0, 1)]
    text = " ".join(page_of(Batch("t", repeated)).split())
    assert "validation score varies by a standard deviation of 0.071" in text
    assert "ensemble varies by a standard deviation of 0.014" in text
    assert "No setting is repeated with another seed" in page_of(
        Batch("t", [run("a"), run("b", model__norm="x")])
    )


def texts(figure):
    return " ".join(t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text")))


def test_matrix_figure_shows_numbers_intervals_and_what_is_synthetic():
    batch = Batch("t", [run("a", HOSTILE, synthetic=True), run("b", "Ti", test=0.25, synthetic=True)])
    figure = batch_figures.matrix(batch)
    shown = texts(figure)
    assert ".70\n[.50, .80]" in shown and "SYNTHETIC DATA" in shown and "Ti" in shown
    figure.draw_without_rendering()


def test_responses_are_one_figure_a_descriptor_or_one_of_a_single_family():
    several = [run("a", HOSTILE, names=(HOSTILE, "CN")), run("b", "Ti"), run("c", "Ti", score=0.1)]
    drawn = list(response_figures(Batch("t", several)))
    assert [name.split("_")[1] for name, _, _ in drawn] == ["1", "2", "3"]
    assert all(name.isascii() and "/" not in name and " " not in name for name, _, _ in drawn)
    assert "Thin lines: the family's other runs" in drawn[1][2]
    panels = [len([ax for ax in figure.axes if ax.axison]) for _, figure, _ in drawn]
    assert panels == [1, 2, 1]
    ((name, figure, _),) = response_figures(Batch("t", several[1:]))
    assert name == "responses" and "r = 0.90, agrees" in texts(figure)
    figure.draw_without_rendering()


def test_runs_that_failed_do_not_set_the_scale_of_responses():
    curves = response().curves
    wild = replace(response(), curves=curves.assign(difference=100 * curves["difference"]))
    runs = [run("a", "Ti"), replace(run("b", "Ti", score=0.1), responses={"OS": wild, "CN": wild})]
    ((_, figure, _),) = response_figures(Batch("t", runs))
    assert figure.axes[0].get_ylim()[1] < 2


def test_settings_figure_takes_a_logarithmic_axis_from_a_decade_on():
    rates = (0.0001, 0.001, 0.01)
    runs = [
        run(f"{rate}{norm}{f}", f, optimiser__rate=rate, model__norm=norm, model__hidden=hidden, seed=seed)
        for f in ("Fe", "Ti")
        for rate, hidden, seed in zip(rates, (32, 64, 128), (0, 1, 2), strict=True)
        for norm in ("layer", HOSTILE)
    ]
    figure = batch_figures.settings(Batch("t", runs))
    scale = {ax.get_title(loc="left"): ax.get_xscale() for ax in figure.axes if ax.axison}
    assert scale == {
        "optimiser.rate": "log",
        "model.norm": "linear",
        "model.hidden": "linear",
        "seed": "linear",
    }
    looks = {batch_figures.family_look(Batch("t", runs), f) for f in ("Fe", "Ti")}
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 2
    figure.draw_without_rendering()
    assert batch_figures.settings(Batch("t", [run("a"), run("b")])) is None
