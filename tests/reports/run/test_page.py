import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markupsafe import escape

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.captions import captions
from rankaae_cli.reports.console import print_evaluation
from rankaae_cli.reports.figures.plotly import pack
from rankaae_cli.reports.run.page import PageContent, Picture, PictureGroup, quality, render_page
from rankaae_cli.reports.run.tables import (
    associations_table,
    coverage_table,
    descriptors_table,
    disentanglement_table,
    traversals_table,
    trials_table,
)
from rankaae_cli.reports.tables import Ranged, Table

HOSTILE = "<script>alert(\"x\")</script> & 'quoted'"
SCORE = {
    "spearman": 0.95,
    "kendall": 0.9,
    "r2": 0.9,
    "mae": 0.1,
    "n": 9,
    "interval_half_width": 0.3,
    "interval_coverage": 0.9,
    "interval": {"spearman": [0.9, 0.97], "mae": [0.08, 0.12]},
}
SCORE["coverage"] = [
    {"group": "class", "low": 1.0, "high": 1.0, "n": 61, "n_materials": 43, "coverage": 0.75,
     "interval": [0.6, 0.86], "width": 0.8},
    {"group": "class", "low": 2.0, "high": 2.0, "n": 9, "n_materials": 9, "coverage": 0.8,
     "interval": [0.5, 0.95], "width": 0.8},
]  # fmt: skip
OF_CLASSES = {"f1": 0.8, "balanced_accuracy": 0.7}
UNKNOWN = {**dict.fromkeys(SCORE), "n": 0, **dict.fromkeys(OF_CLASSES)}


def content(synthetic=True, trials=2, learning=True, averaged=1, free=True):
    scores = {
        "mean_spearman": 0.95,
        "descriptors": {"OS": {**SCORE, **OF_CLASSES}, HOSTILE: UNKNOWN},
        "inter_style": {"max_abs_spearman": 0.5, "excess": 0.1, "excess_permuted": 0.05},
        "reconstruction": {"mae": 0.02, "mse": 0.001},
        "shapiro_min": 0.99,
        "interval": {"mean_spearman": [0.93, 0.96]},
    }
    nothing = {
        "mean_spearman": None,
        "descriptors": {"OS": UNKNOWN, HOSTILE: UNKNOWN},
        "inter_style": dict.fromkeys(scores["inter_style"]),
        "reconstruction": dict.fromkeys(scores["reconstruction"]),
        "shapiro_min": None,
    }
    about = {"validation_score": 0.6, "best_epoch": 3, "published_score": 0.0, "published_rank": 1}
    pair = {"style": "free_1", "quantity": "BVS", "spearman": 0.5, "partial": 0.4, "p_value": 0.002}
    measured = {
        "mig": 0.2,
        "sap": 0.1,
        "dci": dict.fromkeys(("disentanglement", "completeness", "informativeness")),
    }
    metrics = {
        "family": HOSTILE,
        "synthetic": synthetic,
        "split": "test",
        "n": 103,
        "n_materials": 40,
        "selected_trial": 0,
        "n_trials": trials,
        "rankaae_version": "0",
        "ensemble": {"n_trials": averaged, **scores},
        "trials": [
            {"trial": 0, "selected": True, "rank": 1, "failed": None, **about, **scores},
            {"trial": 1, "selected": False, "rank": None, "failed": "loss is NaN", **about, **nothing},
        ][:trials],
        "choice": {
            "trial": 0,
            "reason": f"trial 0: {HOSTILE}",
            "by": "validation score",
            "published_by": "published score",
            "published_choice": 1,
            "trials": [{"score": 0.6}] * trials,
        },
        "mixtures": None,
        "importance": {"unit": "eV", "window": 2.0, "descriptors": {"OS": {"energy": 8989.5}}},
        "associations": {
            "trial": 0,
            "permutations": 500,
            "threshold": 0.2,
            "floor": 0.3,
            "findings": ["free style 1: bond-valence sum (BVS), partial ρ 0.400 stands out"],
            "strongest": [{**pair, "stands_out": True}],
            "standing_out": [{**pair, "stands_out": True}],
        },
        "disentanglement": {"selected_trial": measured, "ensemble": measured},
        "leakage": {"largest": 0.1, "named_mean_largest": 0.05},
        "verdicts": {"in range": 101, "unusual": 1, "outside": 1},
    }
    style = {
        "descriptor": [2.0, 4.0],
        "unit": "e",
        "largest_change": -0.2,
        "energy_of_largest_change": 7120.0,
    }
    traversal = {
        "family": HOSTILE,
        "synthetic": synthetic,
        "selected_trial": 0,
        "n_trials": averaged,
        "draws": 500,
        "energy_unit": "eV",
        "styles": {
            "OS": {
                **style,
                "pearson_true_response": 0.8 if synthetic else None,
                "check": {
                    "remark": f"OS: agrees with {HOSTILE}",
                    "rows_text": "test rows",
                    "not_comparable_because": None,
                    "pearson": 0.97,
                    "bins": {side: {"matched_materials": 20} for side in ("low", "high")},
                },
            },
            "free_1": {**style, "descriptor": None, "unit": None, "pearson_true_response": None},
        },
    }
    picture = Picture("data:image/png;base64,AAAA", HOSTILE, "figures/a.pdf")
    return PageContent(
        subject=Subject(HOSTILE, "Fe", "K", synthetic=synthetic),
        metrics=metrics,
        traversal=traversal,
        split_counts={"train": (1590, 236), "validation": (107, 39), "test": (103, 43)},
        split_by="chemical_system",
        descriptors=descriptors_table(metrics, {"OS": "e"}),
        styles=disentanglement_table(metrics),
        coverage=coverage_table(metrics),
        trials=trials_table(metrics),
        traversals=traversals_table(traversal),
        facts=[("Data file", HOSTILE)],
        pictures={section: [replace(picture, wide=section == "overviews")] for section in captions()}
        | ({} if learning else {"learning": []}),
        traversal_groups=[PictureGroup("traversal-OS", "OS, oxidation state", "", [picture])],
        associations=associations_table(metrics["associations"], metrics) if free else None,
        command=f"rankaae train {HOSTILE}",
        config=f"family: {HOSTILE}\n",
        run_name=HOSTILE,
        versions={"torch": "2"},
        units={"OS": "e"},
    )


def with_pictures(page, **pictures):
    return replace(page, pictures={**page.pictures, **pictures})


def left_out(file, sites, reasons):
    return {"file": file, "sites": sites, "reasons": reasons}


class Page(HTMLParser):
    """Collects text, tags and addresses, and checks that tags are closed in order."""

    VOID = frozenset(("meta", "img", "br", "link", "hr"))

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.addresses, self.words = [], [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for key, value in attributes if key in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_page_is_whole_self_contained_and_escaped():
    html = render_page(content())
    page = Page(html)
    assert HOSTILE in page.text and html.count("alert(") == html.count(escape(HOSTILE))
    assert all(a.startswith(("data:", "#", "tables/", "figures/")) for a in page.addresses)
    assert "http://" not in html and "https://" not in html and "url(" not in html and "@import" not in html
    ids = {a[1:] for a in page.addresses if a.startswith("#")}
    assert all(f'id="{i}"' in html for i in ids)


@pytest.mark.parametrize("synthetic", [True, False])
def test_page_says_what_is_synthetic_and_nothing_where_it_is_not(synthetic):
    text = Page(render_page(content(synthetic))).text
    assert ("ynthetic" in text) == synthetic
    assert ("Agreement is weakest for OS (Pearson r 0.80)" in text) == synthetic


def test_summary_is_in_plain_words():
    text = Page(render_page(content())).text
    assert "Two neural networks were trained side by side on 1,590 synthetic" in text
    assert "OS , oxidation state read very well (ρ 0.95), off by 0.10 e on average" in text
    assert "of 103 test spectra 101 are in range, 1 is unusual and 1 is outside" in text
    assert f"{HOSTILE} not known: too few values" in text


def test_one_trial_and_missing_curves():
    text = Page(render_page(content(trials=1, learning=False))).text
    assert "A neural network was trained on" in text and "no metrics.csv" in text


def test_diverged_trial_is_named_in_the_table():
    table = trials_table(content().metrics)
    assert (
        table.printed()[1][:6] == ["1 (diverged)", "0.600", "0.000", "1", "3", "–"]
        and table.printed()[-1][0] == "ensemble"
    )


def test_trials_stand_by_rank_and_those_without_one_last():
    metrics = content().metrics
    ranked, diverged = metrics["trials"]
    metrics["trials"] = [
        {**diverged, "trial": 0},
        {**ranked, "trial": 1, "rank": 2, "selected": False},
        {**ranked, "trial": 2, "rank": 1},
    ]
    shown = [row[0] for row in trials_table(metrics).printed()]
    assert shown == ["2 (selected)", "1", "0 (diverged)", "ensemble"]


def test_terminal_says_what_was_fitted_to_rows_of_validation(capsys):
    metrics = content().metrics
    print_evaluation(metrics, {})
    assert "fitted to these same rows" not in capsys.readouterr().out
    print_evaluation({**metrics, "split": "validation"}, {})
    assert (
        "calibration and thresholds between classes were fitted to these same rows" in capsys.readouterr().out
    )


def test_coverage_is_shown_by_class_and_what_is_short_is_said(capsys):
    metrics = content().metrics
    table = coverage_table(metrics)
    assert table.printed()[0] == ["OS, class", "1.000", "1.000", "0.75 [0.60, 0.86]", "0.800", "61", "43"]
    assert "OS, class" in render_page(content()) and "Share within 90 % intervals" in render_page(content())
    print_evaluation(metrics, {"OS": "e"})
    said = capsys.readouterr().out
    assert "90 % intervals hold fewer than nine in ten true values of OS 1 (75 % of 61)" in said
    assert "OS 2 (" not in said  # may well hold nine in ten
    for score in metrics["ensemble"]["descriptors"].values():
        score["coverage"] = None  # of an earlier version
    assert coverage_table(metrics) is None


def test_single_trial_stands_beside_the_mean_of_several():
    metrics = content(averaged=2).metrics
    metrics["trials"][0] = {
        **metrics["trials"][0],
        "mean_spearman": 0.7,
        "descriptors": {"OS": {**SCORE, "spearman": 0.75}, HOSTILE: UNKNOWN},
    }
    table = descriptors_table(metrics, {"OS": "e"})
    assert list(table.keys[:3]) == ["descriptor", "spearman", "spearman_single_trial"]
    shown = [row[:3] for row in table.printed()]
    assert shown == [
        ["OS (e)", "0.95 [0.90, 0.97]", "0.750"],
        [HOSTILE, "–", "–"],
        ["mean", "0.95 [0.93, 0.96]", "0.700"],
    ]
    assert "ρ of trial 0 alone" in table.caption and "calibrated value" in table.caption
    assert all(len(row) == len(table.keys) == len(table.headings) for row in table.rows)
    assert "one trial" not in descriptors_table(content().metrics, {}).headings


def test_terminal_names_both_means_and_cuts_nothing(capsys):
    metrics = content(averaged=2).metrics
    print_evaluation(metrics, {"OS": "e"})
    out = capsys.readouterr().out
    assert "mean Spearman: single trial 0.950, mean of 2 trials 0.950" in out
    assert HOSTILE in out and "SYNTHETIC DATA" in out and "…" not in out
    print_evaluation(content().metrics, {"OS": "e"})
    assert "mean Spearman 0.950\n" in capsys.readouterr().out


def test_page_says_what_was_found_chosen_and_held_against_the_data():
    text = Page(render_page(content(averaged=2))).text
    assert f"OS: agrees with {HOSTILE}" in text and f"Chosen: trial 0: {HOSTILE}" in text
    assert "the published score would choose trial 1" in text
    assert "free style 1: bond-valence sum (BVS), partial ρ 0.400 stands out" in text
    assert "95 % interval 0.93 to 0.96" in text
    # Named styles are walked in all networks.
    assert "Shown: mean of 2 trials (free styles: trial 0)" in text
    assert "mean of 2 trials (free styles: trial 0)" in content(averaged=2).traversals.caption
    assert "Shown: trial 0." in Page(render_page(content())).text


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({}, "those of training spectra that have such a value: in each short step the spectra"),
        ({"others": "data"}, "those of training spectra that have such a value"),
        ({"others": "independent"}, "drawn 500 times, standard normal and independent of one another, and"),
    ],
)
def test_page_says_where_the_other_styles_come_from(others, said):
    page = content()
    text = Page(render_page(replace(page, traversal={**page.traversal, **others}))).text
    assert f"The others are {said}" in text


def test_page_of_a_model_without_free_styles():
    text = Page(render_page(content(free=False))).text
    assert "The model has no free style" in text and "stands out" not in text


def test_terminal_says_in_a_line_that_nothing_stands_out(capsys):
    metrics = content().metrics
    metrics["associations"]["standing_out"] = []
    metrics["associations"]["strongest"][0]["partial"] = -0.123
    print_evaluation(metrics, {"OS": "e"})
    out = capsys.readouterr().out
    assert "free styles: nothing stands out (largest: free style 1 with bond-valence sum (BVS)" in out
    assert "partial ρ −0.123; needed: above 0.300" in out
    assert "chosen: trial 0 of 2, validation score 0.600; the published score would choose trial 1" in out


def test_figures_link_their_files_and_keep_a_still_picture_beside_the_live_one():
    packed = pack('{"data":[]}')
    live = Picture(
        "data:image/webp;base64,AAAA", "What it shows.", "figures/b.pdf", name="b", alt="Dots & lines.",
        csv="figures/b.csv", size=(1020, 700), interactive=packed,
    )  # fmt: skip
    page = Page(html := render_page(with_pictures(content(), reconstruction=[live])))
    assert {"figures/b.pdf", "figures/b.csv"} <= set(page.addresses)
    assert 'id="figure-b"' in html and 'data-name="b"' in html and packed in html
    assert '<img src="data:image/webp;base64,AAAA" alt="Dots &amp; lines." width="1020" height="700">' in html
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == {"data": []}


def test_tables_carry_full_values_to_sort_by_and_link_their_files():
    page = Page(html := render_page(content()))
    assert 'data-value="0.95"' in html and 'data-value=""' in html
    row = html[html.index(f'scope="row">{escape(HOSTILE)}') :]
    assert row.startswith(f'scope="row">{escape(HOSTILE)}</th><td data-value="">–</td>')
    for name in ("descriptors", "trials", "traversals", "styles"):
        assert {f"tables/{name}.csv", f"tables/{name}.tex"} <= set(page.addresses)


def test_words_among_numbers_are_unknown_numbers_and_written_numbers_are_numbers():
    rows = [["0 (selected)", "no", "134,666", "named"], ["ensemble", 0.5, "−2", "all"]]
    table = Table("trials", tuple("abcd"), tuple("ABCD"), rows, "A table.")
    html = render_page(replace(content(), trials=table))
    names = (rows[0][0], "ensemble<")
    first, second = (html[html.index(f'scope="row">{name}') :].split("</tr>")[0] for name in names)
    assert (
        '<td data-value="">no</td><td data-value="134666.0">134,666</td><td class="text">named</td>' in first
    )
    assert '<td data-value="0.5">0.500</td><td data-value="-2.0">−2</td><td class="text">all</td>' in second
    headings = html[html.index('<div class="scroll" id="table-trials">') :].split("</thead>")[0]
    assert '<th scope="col">B</th>' in headings and '<th class="text" scope="col">D</th>' in headings


def test_rows_that_sum_up_stay_last_and_an_interval_stays_whole():
    rows = [["a", Ranged(0.5, 0.25, 0.75)], ["mean", 0.5], ["ensemble", 0.5]]
    html = render_page(replace(content(), trials=Table("trials", ("a", "b"), ("A", "B"), rows, "A table.")))
    table = html[html.index('<div class="scroll" id="table-trials">') :].split("</table>")[0]
    fixed = re.findall(r'<tr( data-fixed)?><th class="first" scope="row">(\w+)<', table)
    assert fixed == [("", "a"), (" data-fixed", "mean"), (" data-fixed", "ensemble")]
    assert "[0.25,\u00a00.75]" in table


def test_page_gives_the_commands_that_repeat_it():
    later = [("The numbers", f"rankaae evaluate run={HOSTILE} split=test")]
    text = Page(render_page(replace(content(), later_commands=later))).text
    assert f"rankaae train {HOSTILE}" in text and f"rankaae evaluate run={HOSTILE} split=test" in text


@pytest.mark.parametrize(
    ("rejected", "said"),
    [
        (left_out("a.h5.rejected.csv", None, ()), "is not known here: there is no list a.h5.rejected.csv"),
        (left_out("a.h5.rejected.csv", 0, ()), "No site of the source was left out"),
        (
            left_out("a.h5.rejected.csv", 1, [("too few", 1)]),
            "1 site was left out when the data file was made",
        ),
        (left_out("a.h5.rejected.csv", 2300, [(HOSTILE, 2300)]), "2,300 sites were left out"),
    ],
)
def test_page_says_which_sites_were_left_out(rejected, said):
    text = Page(render_page(replace(content(), rejected=rejected))).text
    assert said in text and all(reason in text for reason, _ in rejected["reasons"])
    assert "left out when" not in Page(render_page(content())).text
    assert "All sites of a chemical system are in one split." in text


def test_wide_pictures_come_first_at_full_width():
    html = render_page(content())
    assert html.count('<figure class="wide">') == 1
    assert html.index("<h2>Traversals") < html.index('<figure class="wide">') < html.index("<h2>New desc")


@pytest.mark.parametrize(
    ("rho", "words"),
    [(0.9, "very well"), (0.8, "well"), (0.5, "roughly"), (-1.0, "poorly"), (None, "not known")],
)
def test_quality_in_words(rho, words):
    assert quality(rho) == words


def test_summary_warns_of_what_limits_the_result_and_says_the_most_possible():
    page = content()
    ensemble = {
        **page.metrics["ensemble"],
        "mean_spearman_attainable": 0.92,
        "inter_style": {"max_abs_spearman": 0.9, "excess": 0.4, "excess_permuted": 0.05},
    }
    leaks = [f"{HOSTILE}: walking it moves CN most"]
    metrics = {
        **page.metrics,
        "ensemble": ensemble,
        "leakage": {**page.metrics["leakage"], "findings": leaks},
    }
    pca = {"name": "pca_linear", "reconstruction": {"mae": 0.01}}
    html = render_page(replace(page, metrics=metrics, compared=[pca]))
    summary = html[html.index('<section id="summary">') : html.index('<section id="evaluation">')]
    assert "Named styles are coupled beyond their descriptors by 0.400" in summary
    assert "than as many principal components (0.010)" in summary
    assert "at most 0.92 is possible" in summary
    assert "walking it moves CN most" in html and HOSTILE not in html
    assert 'class="warnings"' not in render_page(page)
