import math

import pytest

from rankaae_cli.analysis.evaluation.findings import (
    EXCESS_AT_MOST,
    choice_reason,
    choice_remark,
    chosen_by,
    coupling_warning,
    leakage_findings,
    near_duplicates_sentence,
    published_remark,
    reconstruction_warning,
)
from rankaae_cli.models.rankaae.validation import COUPLING_WEIGHT, RECONSTRUCTION_WEIGHT


def trial(t, rank, score):
    parts = {"mean_spearman": 0.7, "relative_error": 0.3, "excess": 0.1}
    return {"trial": t, "rank": rank, "score": score, **parts}


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([trial(0, 2, 0.5), trial(1, 1, 0.6)], "the highest of 2; next is trial 0 with 0.500"),
        ([trial(0, None, None), trial(1, 1, 0.6)], "the only trial"),
        ([trial(0, 1, 0.7), trial(1, 2, 0.6)], "as training recorded; trial 0 has 0.700"),
        ([trial(0, None, None), trial(1, None, None)], "no trial has a score"),
    ],
)
def test_reason_of_the_choice(trials, said):
    reason = choice_reason(trials, 1)
    assert reason.startswith("trial 1: ") and said in reason


def test_a_score_weighed_otherwise_is_not_explained_by_todays_weights():
    today = 0.7 - RECONSTRUCTION_WEIGHT * 0.3 - COUPLING_WEIGHT * 0.1
    assert f"{COUPLING_WEIGHT:g} × excess coupling" in chosen_by([trial(0, 1, today), trial(1, None, None)])
    assert "as training recorded it" in chosen_by([trial(0, 1, today), trial(1, 2, today - 0.1)])


def test_published_remark():
    assert published_remark({"trial": 1, "published_choice": 1}).endswith("chooses the same trial")
    assert published_remark({"trial": 1, "published_choice": 0}).endswith("would choose trial 0")
    undecided = {"trial": 1, "published_choice": None}

    def ranked(*ranks):
        return undecided | {"trials": [{"trial": t, "published_rank": r} for t, r in enumerate(ranks)]}

    assert "not known" in published_remark(ranked(None, None))
    assert published_remark(ranked(1, 1)).endswith("does not tell the trials apart")
    assert published_remark(ranked(1, 3, 1, None)).endswith("does not tell trials 0 and 2 apart")


def lead(low, high, beyond):
    return {"over": 0, "difference": 0.1, "interval": [low, high], "beyond_chance": beyond}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            lead(-0.02, 0.2, False),
            "is within chance (95 % interval over the validation materials −0.020 to 0.200)",
        ),
        (lead(0.02, 0.2, True), "is more than chance (95 % interval"),
        (lead(math.nan, math.nan, None), "not known, there are too few validation materials"),
    ],
)
def test_reason_says_whether_the_lead_is_chance(given, said):
    trials = [trial(0, 2, 0.5), trial(1, 1, 0.6)]
    reason = choice_reason(trials, 1, given)
    assert "its lead of 0.100" in reason and said in reason
    remark = choice_remark({"trial": 1, "trials": trials, "published_choice": 1, "lead": given})
    assert ("its lead over trial 0 is within chance" in remark) == (given["beyond_chance"] is False)


def leaks(named, matrix, n_trials):
    return {
        "trial": 3,
        "styles": ["OS", "CN", "free_1"][: len(matrix)],
        "named_mean": named,
        "matrix": matrix,
        "n_trials": n_trials,
    }


def test_leakage_names_the_walked_style_before_the_moved_one():
    named = [[1.0, 0.35], [0.2, 1.0]]
    matrix = [[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [None, 0.6, 1.0]]
    of_named, of_all = leakage_findings(leaks(named, matrix, 8))
    assert of_named.startswith("named styles, mean of 8 trials: walking OS moves CN most, by 0.35 of its own")
    assert of_all.startswith("all styles, trial 3: walking free style 1 moves CN most, by 0.60")


def test_little_leakage_is_said_plainly_and_bounded_from_above():
    (line,) = leakage_findings(leaks([[1.0, 0.081], [0.02, 1.0]], [[1.0, 0.081], [0.02, 1.0]], 1))
    assert line == "named styles, trial 3: no style moves another by more than 0.09 of its own movement"
    (alone,) = leakage_findings(leaks([[1.0]], [[1.0]], 1))
    assert "no two styles" in alone


@pytest.mark.parametrize(
    ("excess", "chance", "warns"),
    [
        (EXCESS_AT_MOST + 0.06, 0.05, True),
        (EXCESS_AT_MOST + 0.04, 0.05, False),
        (None, None, False),
        (math.nan, math.nan, False),
    ],
)
def test_strong_coupling_is_warned_of(excess, chance, warns):
    line = coupling_warning({"inter_style": {"excess": excess, "excess_permuted": chance}})
    assert (line is not None) == warns
    assert not warns or ("by 0.210 (by chance 0.050)" in line and line.startswith("Warning: "))


def test_a_reconstruction_worse_than_pca_is_warned_of_where_pca_is_known():
    ensemble = {"reconstruction": {"mae": 0.03}}
    pca = {"name": "pca_linear", "reconstruction": {"mae": 0.02}}
    other = {"name": "vae", "reconstruction": {"mae": 0.01}}
    assert "(MAE 0.030) than as many principal components (0.020)" in reconstruction_warning(
        ensemble, [other, pca]
    )
    assert reconstruction_warning(ensemble, [other]) is None
    assert reconstruction_warning({"reconstruction": {"mae": 0.02}}, [pca]) is None


def test_what_a_split_shares_with_training_in_words():
    about = {"of": "train", "threshold": 0.05, "spectra": 28, "materials": None}
    metrics = {"n": 611, "n_materials": 320, "split": "test", "near_duplicates": about}
    line = near_duplicates_sentence(metrics)
    assert "28 of 611 test spectra are nearly the same as a training spectrum" in line and "5 %" in line
    assert "formulas are not known" in line
    line = near_duplicates_sentence(metrics | {"near_duplicates": about | {"materials": 130}})
    assert "130 of 320 materials have the formula of a training material" in line
    assert near_duplicates_sentence({}) == ""
