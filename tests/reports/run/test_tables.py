"""What the tables of a run say that a page or terminal rests on."""

import pytest

from rankaae_cli.reports.run.tables import (
    associations_table,
    descriptors_note,
    descriptors_table,
    disentanglement_table,
    trials_table,
)

COUPLING = {"max_abs_spearman": 0.6, "excess": 0.4, "excess_permuted": 0.1}
OF_NAMED = {"max_abs_spearman": 0.5, "excess": 0.2, "excess_permuted": 0.05}
FOUND = {"mig": 0.2, "sap": 0.1} | {
    "dci": dict.fromkeys(("disentanglement", "completeness", "informativeness"), 0.5)
}


def scores(named):
    score = {"spearman": 0.7, "spearman_attainable": 0.72, "r2": 0.5, "mae": 0.1, "n": 90}
    content = {"mean_spearman": 0.7, "mean_spearman_attainable": 0.72, "descriptors": {"OS": score}}
    content |= {"reconstruction": {"mae": 0.02}, "inter_style": COUPLING, "shapiro_min": 0.9}
    return content | ({"inter_style_named": OF_NAMED} if named else {})


def metrics(named=True, averaged=2):
    about = {"trial": 0, "rank": 1, "selected": True, "failed": None, "validation_score": 0.5}
    about |= {"published_score": 0.1, "published_rank": 1, "best_epoch": 7}
    return {
        "family": "Fe_oxides",
        "synthetic": False,
        "split": "test",
        "selected_trial": 0,
        "ensemble": {"n_trials": averaged, **scores(named)},
        "trials": [about | scores(named)],
        "disentanglement": {"selected_trial": FOUND, "ensemble": FOUND},
        "leakage": {"largest": 0.1, "named_mean_largest": 0.05},
    }


def columns(table):
    return [dict(zip(table.keys, row, strict=True)) for row in table.printed()]


@pytest.mark.parametrize("brief", [True, False])
def test_what_ties_leave_attainable_stands_beside_the_correlation_and_is_explained(brief):
    table = descriptors_table(metrics(), {"OS": "e"}, brief)
    assert [row["spearman_attainable"] for row in columns(table)] == ["0.720", "0.720"]
    note = descriptors_note(metrics(), brief)
    assert (
        "best possible" in note
        and "one trial: ρ of trial 0 alone" in note
        and note in descriptors_table(metrics(), {}, brief).caption
    )
    assert ("Kendall" in note) != brief and "F1" not in note
    assert "one trial" not in descriptors_note(metrics(averaged=1))


def test_a_trial_and_the_ensemble_are_compared_over_named_styles():
    rows = {row["styles"]: row for row in columns(disentanglement_table(metrics()))}
    assert rows["trial 0, all styles"]["excess"] == "0.400"
    assert rows["trial 0, named styles"]["excess"] == "0.200"
    assert rows["trial 0, named styles"]["excess_permuted"] == "0.050"
    assert columns(trials_table(metrics()))[0]["excess_coupling"] == "0.200"


def test_evaluations_of_earlier_versions_have_no_coupling_of_named_styles():
    old = metrics(named=False)
    assert [row["styles"] for row in columns(disentanglement_table(old))] == [
        "trial 0, all styles",
        "ensemble, named styles",
    ]
    assert columns(trials_table(old))[0]["excess_coupling"] == "–"


def test_associations_say_where_they_were_found_and_whether_they_are_of_a_descriptor():
    pair = {"style": "free_1", "quantity": "q4", "spearman": 0.5, "partial": 0.4, "p_value": 0.002}
    pair |= {"found_partial": 0.45, "repeats": True, "descriptor": None, "stands_out": True}
    of_os = pair | {"quantity": "BVS", "descriptor": "OS", "stands_out": False}
    lost = pair | {"quantity": "q6", "repeats": False, "stands_out": False}
    found = {"trial": 0, "permutations": 500, "floor": 0.3, "repeated_on": "test"}
    table = associations_table(found | {"strongest": [pair, of_os, lost]}, metrics())
    assert [row["stands_out"] for row in columns(table)] == ["yes", "no, of OS", "no"]
    assert columns(table)[0]["found_partial"] == "0.450" and "Partial ρ, test" in table.headings
