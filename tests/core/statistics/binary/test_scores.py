import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from rankaae_cli.core.statistics.binary import scores
from rankaae_cli.core.statistics.bootstrap import material_weights


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    true = rng.random(200) < 0.2
    score = np.round(true + rng.normal(0, 0.8, 200), 1)  # with ties
    return true, score


def test_balanced_accuracy_takes_the_truth_first(rows):
    true, score = rows
    yes = score > 0.3
    assert scores.balanced_accuracy(true, yes) == pytest.approx(balanced_accuracy_score(true, yes))
    assert scores.balanced_accuracy(yes, true) != pytest.approx(balanced_accuracy_score(true, yes))
    assert np.isnan(scores.balanced_accuracy(np.ones(5, bool), np.ones(5, bool)))


def test_area_under_the_curve_counts_ties_half(rows):
    true, score = rows
    assert scores.area_under_curve(true, score) == pytest.approx(roc_auc_score(true, score))
    assert np.isnan(scores.area_under_curve(np.zeros(5, bool), np.arange(5)))


def test_resamples_equal_what_the_gathered_rows_give(rows):
    true, score = rows
    weights = material_weights(np.arange(200) // 2, 5, np.random.default_rng(0))
    areas = scores.resampled_area_under_curve(true, score, weights)
    accuracies = scores.resampled_balanced_accuracy(true, score > 0.3, weights)
    for r in range(5):
        index = np.repeat(np.arange(200), weights[:, r].astype(int))
        assert areas[r] == pytest.approx(roc_auc_score(true[index], score[index]))
        assert accuracies[r] == pytest.approx(balanced_accuracy_score(true[index], score[index] > 0.3))


def test_calibration_error_of_probabilities_that_come_true_is_small_and_of_others_their_distance():
    true = np.arange(1000) % 10 < 3
    assert scores.calibration_error(true, np.full(1000, 0.3)) == pytest.approx(0)
    assert scores.calibration_error(true, np.full(1000, 0.85)) == pytest.approx(0.55)
    mixed = np.where(np.arange(1000) < 500, 0.3, 0.4)
    assert scores.calibration_error(true, mixed) == pytest.approx(0.05)
    assert [one.rows for one in scores.reliability(true, mixed)] == [500, 500]
    assert scores.reliability(np.ones(2, bool), np.ones(2))[0].probability == 1


def test_rejecting_the_least_certain_leaves_the_others():
    true = np.array([True, True, False, False, True, False, True, False, True, False])
    yes = true.copy()
    yes[:2] = False
    certainty = np.array([0.1, 0.0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert scores.accuracy_when_rejecting(true, yes, certainty, 0.0) == pytest.approx(0.8)
    assert scores.accuracy_when_rejecting(true, yes, certainty, 0.1) == pytest.approx((3 / 4 + 1) / 2)
    assert scores.accuracy_when_rejecting(true, yes, certainty, 0.2) == 1


@pytest.mark.parametrize(("yes", "no", "readable"), [(10, 10, True), (9, 100, False), (100, 9, False)])
def test_a_class_of_fewer_than_ten_rows_is_not_scored(yes, no, readable):
    assert scores.is_readable(np.repeat([True, False], [yes, no])) is readable
