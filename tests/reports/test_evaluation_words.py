import pytest

from rankaae_cli.core.associations import Association, Associations
from rankaae_cli.core.selection import COUPLING_WEIGHT, RECONSTRUCTION_WEIGHT
from rankaae_cli.reports.evaluation_words import (
    association_findings,
    association_summary,
    choice_reason,
    chosen_by,
    published_remark,
)


def pair(style, quantity, partial, stands_out=False):
    return Association(style, quantity, 100, 0.5, partial, 0.01, stands_out)


def trial(t, rank, score):
    parts = {"mean_spearman": 0.7, "relative_error": 0.3, "excess": 0.1}
    return {"trial": t, "rank": rank, "score": score, **parts}


def test_findings_name_what_stands_out_and_say_plainly_where_nothing_does():
    found = Associations(
        (
            pair("free_1", "BVS", 0.6, True),
            pair("free_1", "OS", -0.4, True),
            pair("free_2", "q4", -0.21),
            pair("free_1", "q6", 0.1),
            pair("free_3", "q6", float("nan")),
        ),
        0.25,
        40,
        500,
    )
    lines = association_findings(found, ["free_1", "free_2", "free_3"], 3)
    assert lines == [
        "free style 1: bond-valence sum (BVS), partial ρ 0.600 and oxidation state (OS), partial ρ −0.400 "
        "stand out",
        "free style 2: nothing stands out (largest: Steinhardt order parameter q4, partial ρ −0.210; "
        "needed: above 0.300)",
        "free style 3: not known, too few spectra",
    ]
    # Without quantities the last line says what makes them.
    assert (
        "ingest writes quantities where it reads structures" in association_findings(found, ["free_1"], 0)[-1]
    )


def test_summary_of_unknown_associations():
    content = {"standing_out": [], "strongest": [{"partial": None}], "findings": []}
    assert association_summary(content) == ["free styles: what they go with is not known, too few spectra"]


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
    assert "not known" in published_remark({"trial": 1, "published_choice": None})
