import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rankaae_cli.core.statistics.binary.decisions import Decision, fit_decision


def rows(n, seed, share=0.2):
    rng = np.random.default_rng(seed)
    true = rng.random(n) < share
    return rng.normal(0, 1, n) + 2.0 * true, true


def test_probabilities_are_those_of_logistic_regression():
    score, true = rows(5000, 0)
    decision = fit_decision(score, true, 0.9)
    reference = LogisticRegression(C=1e6).fit(score[:, None], true)
    assert decision.slope == pytest.approx(reference.coef_[0, 0], rel=0.01)
    assert np.allclose(decision.probability(score), reference.predict_proba(score[:, None])[:, 1], atol=0.01)


def test_the_threshold_is_where_both_classes_are_as_often_told_right():
    """Of two normal distributions of one width that is half way, whatever the shares of yes and no."""
    for share in (0.05, 0.5):
        decision = fit_decision(*rows(20000, 1, share), 0.9)
        assert (decision.threshold - decision.offset) / decision.slope == pytest.approx(1.0, abs=0.1)


def test_sets_hold_what_they_promise_in_each_class():
    decision = fit_decision(*rows(4000, 2), 0.9)
    score, true = rows(20000, 3)
    can_be_yes, can_be_no = decision.possible(score)
    assert can_be_yes[true].mean() == pytest.approx(0.9, abs=0.02)
    assert can_be_no[~true].mean() == pytest.approx(0.9, abs=0.01)


def test_verdicts_are_undecided_where_both_are_possible_and_the_likelier_where_neither_is():
    overlap = Decision(1.0, 0.0, 0.0, least_yes=-1.0, most_no=1.0)
    assert overlap.verdicts(np.array([-2.0, 0.5, 2.0])).tolist() == ["no", "undecided", "yes"]
    apart = Decision(1.0, 0.0, 0.0, least_yes=1.0, most_no=-1.0)
    assert apart.verdicts(np.array([-2.0, -0.5, 0.5, 2.0])).tolist() == ["no", "no", "yes", "yes"]
    assert apart.certainty(np.array([-2.0, 0.5])).tolist() == [2.0, 0.5]


def test_classes_without_overlap_have_a_finite_decision():
    true = np.arange(40) < 12
    decision = fit_decision(np.where(true, 1.0, 0.0), true, 0.9)
    assert np.isfinite([decision.slope, decision.offset, decision.threshold]).all()
    assert decision.is_yes(np.array([0.0, 1.0])).tolist() == [False, True]


def test_too_few_rows_for_a_set_leave_it_undecided():
    score, true = np.r_[0.9, 0.8, np.linspace(0, 0.2, 30)], np.arange(32) < 2
    assert fit_decision(score, true, 0.9).verdicts(np.array([0.1, 0.85])).tolist() == ["undecided", "yes"]
