"""Figures of evaluations: they fit, are labelled, and bear what may be missing."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import Normalize

from rankaae_cli.core.styles.associations import associations as associate
from rankaae_cli.core.styles.normality import normal_quantiles
from rankaae_cli.core.styles.replication import repeats
from rankaae_cli.reports.figures import comparisons, spectra
from rankaae_cli.reports.figures import styles as style_figures
from rankaae_cli.reports.figures.descriptors import confusion
from rankaae_cli.reports.figures.drawing import short
from rankaae_cli.reports.figures.trials import trial_choice
from tests.reports.figures.test_evaluation import HOSTILE, SUBJECTS, assert_fits, examples, texts

STYLES = ["OS", "CN", "a_long_name_of_one", "free_1", "free_2"]


def choice(trials=8, lost=(), unknown=False):
    rng = np.random.default_rng(0)
    content = []
    for t in range(trials):
        measures = {
            "mean_spearman": 0.7,
            "descriptors": {
                "OS": {"spearman": None if unknown else rng.random(), "f1": rng.random()},
                "OCN": {"spearman": 0.5},
            },
            "max_abs_spearman": rng.random(),
            "excess": -0.01,
            "reconstruction_mae": 0.02 + 0.001 * rng.random(),
            "shapiro_min": 0.9,
        }
        scores = {
            "score": 0.5 - t / 100,
            "rank": t + 1,
            "published_score": t - 4.0,
            "published_rank": trials - t,
        }
        content.append(
            {"trial": t, **(dict.fromkeys([*measures, *scores]) if t in lost else measures | scores)}
        )
    return {"trial": 0, "published_choice": trials - 1, "trials": content}


def associations(subject, stands_out=True, rows=200, same_as=(), split="test"):
    search, again = (associations_of(seed, stands_out, rows) for seed in (0, 1))
    of_all = repeats(search, again, dict(same_as))
    table = pd.DataFrame([asdict(pair) for pair in of_all.pairs])
    return comparisons.associations(subject, table, STYLES, of_all.limit, split, "trial 0")


def associations_of(seed, stands_out, rows):
    rng = np.random.default_rng(seed)
    free, named = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 2))
    quantities = np.column_stack([free[:, 0] + 0.3 * rng.normal(size=rows), rng.normal(size=(rows, 5))])
    return associate(
        free,
        quantities[:, 0 if stands_out else 1 :],
        named,
        np.arange(rows),
        style_names=["free_1", "free_2"],
        quantity_names=["BVS", "MBL", "BLmin", "q4", "q6", "SSEN"][0 if stands_out else 1 :],
        permutations=20,
    )


def of_classes(classes=(4, 5, 6), empty=False):
    counts = np.arange(1, len(classes) ** 2 + 1).reshape(len(classes), -1)
    counts[-1] = 0  # a class that does not occur
    content = {"classes": list(classes), "confusion": None if empty else counts.tolist()}
    return content | {"f1": None if empty else 0.5, "balanced_accuracy": None if empty else 0.6}


WORST = [f"{HOSTILE}, site {i}" for i in range(6)]
RHO = np.random.default_rng(0).uniform(-1, 1, (5, 5))


def matrix(first, names, value):
    return pd.DataFrame(value, columns=names).assign(**{first: names})


def quantiles(names, rows):
    styles = np.random.default_rng(0).normal(size=(rows, len(names))) if rows > 1 else np.ones((1, 1))
    parts = [
        pd.DataFrame({"style": name, "normal_quantile": normal, "value": value})
        for name, (normal, value) in zip(names, map(normal_quantiles, styles.T), strict=True)
    ]
    return pd.concat(parts)


MAKERS = {
    "confusion": lambda s: confusion(
        s, {"CN": of_classes(), "OS": of_classes((1, 2, 3))}, {"OS": "e"}, "test"
    ),
    "one confusion": lambda s: confusion(s, {"OS": of_classes((2, 3, 4, 5, 6))}, {"OS": "e"}, "test"),
    "three": lambda s: confusion(s, {n: of_classes() for n in ("CN", "OS", HOSTILE)}, {}, "test"),
    "unknown class": lambda s: confusion(s, {"CN": of_classes(), "OS": of_classes(empty=True)}, {}, "test"),
    "worst": lambda s: spectra.worst_spectra(s, examples(WORST), "test"),
    "worst of one": lambda s: spectra.worst_spectra(s, examples(WORST[:1]), "test"),
    "worst of five": lambda s: spectra.worst_spectra(s, examples(WORST[:5]), "test"),
    "normality": lambda s: style_figures.normality(
        s, quantiles(STYLES, 900), dict.fromkeys(STYLES, 0.987), "test"
    ),
    "normality of one row": lambda s: style_figures.normality(s, quantiles(["OS"], 1), {"OS": None}, "test"),
    "coupling": lambda s: style_figures.coupling(s, matrix("style", STYLES, RHO), "test"),
    "coupling unknown": lambda s: style_figures.coupling(
        s, matrix("style", ["OS", "CN"], np.full((2, 2), np.nan)), "test"
    ),
    "leakage": lambda s: style_figures.leakage(s, matrix("walked", STYLES, np.abs(RHO) * 1.5), "trial 0"),
    "leakage unknown": lambda s: style_figures.leakage(
        s, matrix("walked", ["OS"], np.full((1, 1), np.nan)), "trial 0"
    ),
    "trials": lambda s: trial_choice(s, choice(lost=[3])),
    "one trial": lambda s: trial_choice(s, choice(1, unknown=True)),
    "undecided trials": lambda s: trial_choice(s, choice(2) | {"published_choice": None}),
    "many trials": lambda s: trial_choice(s, choice(40)),
    "associations": associations,
    "nothing stands out": lambda s: associations(s, stands_out=False),
    "too few": lambda s: associations(s, rows=10),
    "of a descriptor": lambda s: associations(s, same_as=[("BVS", "OS")], split="train"),
}


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
@pytest.mark.parametrize("name", MAKERS)
def test_figure_fits_its_column_and_is_labelled(name, subject):
    assert_fits(MAKERS[name](subject), subject)


def test_confusion_shows_counts_and_the_share_of_the_true_class():
    shown = {t.get_text() for t in texts(MAKERS["confusion"](SUBJECTS["index"]))}
    assert (
        {"4\n27 %", "5\n33 %", "6\n40 %"} <= shown
        and "0" in shown
        and "macro-F1 0.50,\nbalanced acc. 0.60" in shown
    )


def test_cells_have_a_sign_and_no_zero_and_stay_empty_where_nothing_is_known():
    value = [[np.nan, -0.75], [0.25, np.nan]]
    figure = style_figures.coupling(SUBJECTS["index"], matrix("style", ["OS", "CN"], value), "test")
    cells = {t.get_position(): t.get_text() for t in figure.axes[0].texts}
    assert cells == {(0, 0): "", (1, 0): "−.75", (0, 1): ".25", (1, 1): ""}


def test_trials_stand_in_the_order_of_the_score_and_both_choices_are_marked():
    figure = MAKERS["many trials"](SUBJECTS["index"])
    names = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert names == [*map(str, range(10)), "39"] and "best 11 of 40 trials" in figure.get_suptitle()
    assert [r.get_label() for r in figure.axes[0].patches] == ["chosen", "the published score's choice"]


def test_darker_is_better_also_for_what_should_be_small():
    content = choice(2)
    for trial, error in zip(content["trials"], (0.01, 0.02), strict=True):
        trial["reconstruction_mae"] = error
    ax = trial_choice(SUBJECTS["index"], content).axes[0]
    row = [t.get_text() for t in ax.get_yticklabels()].index("Reconstr. MAE (10⁻³)")
    assert isinstance(ax.images[0].norm, Normalize)
    assert ax.images[0].get_array()[row].tolist() == pytest.approx([1, -1])


def test_bars_that_stand_out_have_another_colour():
    def colours(figure):
        return [{bar.get_facecolor() for bar in ax.patches} for ax in figure.axes]

    first, second = colours(MAKERS["associations"](SUBJECTS["index"]))
    assert len(first) == 2 and len(second) == 1
    of_descriptor, _ = colours(MAKERS["of a descriptor"](SUBJECTS["index"]))
    assert len(of_descriptor) == 2 and of_descriptor != first
    assert all(len(c) == 1 for c in colours(MAKERS["nothing stands out"](SUBJECTS["index"])))


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.25, 2, ".25"),
        (-0.004, 2, ".00"),
        (-0.25, 1, "−.2"),
        (1.0, 2, "1.00"),
        (-12.3, 1, "−12.3"),
        (np.nan, 2, ""),
    ],
)
def test_short_numbers(value, digits, shown):
    assert short(value, digits) == shown
