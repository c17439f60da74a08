import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, recall_score

from rankaae_cli.core.statistics import classification as cl
from rankaae_cli.core.statistics.calibration import apply_calibration, fit_calibration

CN = [4, 5, 6]


def f1(true, predicted):
    return f1_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0)


def recall(true, predicted):
    return recall_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0)


JUDGES = {"macro_f1": f1, "balanced_accuracy": recall}


def best_by_trying_all(style, true, judge):
    """The highest score of any C - 1 ordered cuts, each below, between or above the style's values."""
    present, values = np.unique(true), np.unique(style)
    places = [values[0] - 1, *(values[1:] + values[:-1]) / 2, values[-1] + 1]
    cuts = itertools.combinations_with_replacement(places, len(present) - 1)
    return max(judge(true, present[np.searchsorted(cut, style, side="right")]) for cut in cuts)


@pytest.mark.parametrize("criterion", JUDGES)
@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(CN)), min_size=10, max_size=16))
def test_cuts_are_the_best_there_are(criterion, rows):
    style, true = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    cuts = cl.fit_cuts(style, true, CN, criterion)
    read = cl.apply_cuts(cuts, style)
    judge = JUDGES[criterion]
    assert cuts["score"] == pytest.approx(judge(true, read))
    assert cuts["score"] == pytest.approx(best_by_trying_all(style, true, judge))
    assert cuts["cuts"] == sorted(cuts["cuts"]) and len(cuts["cuts"]) == len(np.unique(true)) - 1


@pytest.mark.parametrize("criterion", JUDGES)
def test_classes_that_lie_apart_are_parted_midway(criterion):
    style = np.array([0, 1, 2, 3, 10, 11, 12, 20, 21, 22.0])
    true = np.array([4, 4, 4, 4, 5, 5, 5, 6, 6, 6.0])
    cuts = cl.fit_cuts(style[::-1], true[::-1], [6, 4, 5], criterion)
    assert cuts == {"classes": [4, 5, 6], "cuts": [6.5, 16], "criterion": criterion, "score": 1, "n": 10}
    assert cl.apply_cuts(cuts, np.array([-9, 6.4, 6.5, 17, 99, np.nan]))[:5].tolist() == [4, 4, 5, 6, 6]
    assert np.isnan(cl.apply_cuts(cuts, np.array([np.nan]))).all()
    assert json.loads(json.dumps(cuts)) == cuts


def test_cuts_serve_rare_classes_where_rounding_a_calibrated_value_does_not():
    rng = np.random.default_rng(0)
    true = np.repeat([4.0, 5.0, 6.0], [300, 15, 15])
    style = true + 0.6 * rng.normal(size=330)
    rounded = apply_calibration(fit_calibration(style, true, np.arange(330)), style)
    by_rounding = cl.score_classes(true, rounded, CN)
    for criterion in JUDGES:
        cuts = cl.fit_cuts(style, true, CN, criterion)
        by_cuts = cl.score_classes(true, cl.apply_cuts(cuts, style), CN)
        assert by_cuts[criterion] == pytest.approx(cuts["score"])
        assert by_cuts[criterion] > by_rounding[criterion] + 0.02


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_standardisation_of_the_style_does_not_matter(scale, shift):
    rng = np.random.default_rng(0)
    true = rng.integers(4, 7, 60).astype(float)
    style = true + rng.normal(size=60)
    a, b = cl.fit_cuts(style, true, CN), cl.fit_cuts(scale * style + shift, true, CN)
    np.testing.assert_allclose(scale * np.array(a["cuts"]) + shift, b["cuts"], rtol=1e-6, atol=1e-6)


def test_a_class_that_does_not_occur_is_never_read():
    style = np.arange(20.0)
    cuts = cl.fit_cuts(style, np.where(style < 10, 4.0, 6.0), CN)
    assert cuts["classes"] == [4, 6] and cuts["cuts"] == [9.5]
    alone = cl.fit_cuts(style, np.full(20, 5.0), CN)
    assert alone["cuts"] == [] and cl.apply_cuts(alone, np.array([-1.0, 99.0])).tolist() == [5, 5]


def test_a_collapsed_style_reads_one_class():
    cuts = cl.fit_cuts(np.zeros(20), np.repeat([4.0, 5.0], 10), CN, "balanced_accuracy")
    assert cuts["score"] == 0.5 and len(np.unique(cl.apply_cuts(cuts, np.zeros(20)))) == 1


def test_neighbouring_floats_are_still_parted():
    low = 1.0
    high = np.nextafter(low, 2)
    style = np.repeat([low, high], 5)
    true = np.repeat([4.0, 5.0], 5)
    assert (cl.apply_cuts(cl.fit_cuts(style, true, CN), style) == true).all()


def test_too_few_rows_or_other_classes_give_no_cuts_and_a_wrong_criterion_is_refused():
    style = np.arange(20.0)
    gaps = np.where(style < 9, 4.0, np.nan)
    assert cl.fit_cuts(style, gaps, CN) is None
    assert cl.fit_cuts(style, style, CN) is None
    assert np.isnan(cl.apply_cuts(None, style)).all()
    with pytest.raises(ValueError, match="accuracy"):
        cl.fit_cuts(style, style, CN, "accuracy")


def test_nearest_class_and_what_fits():
    assert cl.nearest_class(np.array([3.0, 4.5, 5.6, np.nan]), [6, 5, 4])[:3].tolist() == [4, 4, 6]
    assert np.isnan(cl.nearest_class(np.array([np.nan]), CN)).all()
    assert cl.fits_classes(np.array([3.5, 6.5, np.nan]), CN)
    assert not cl.fits_classes(np.array([3.4, 5]), CN) and not cl.fits_classes(np.array([np.nan]), CN)


def test_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    true, read = rng.integers(4, 7, (2, 200)).astype(float)
    read[:50] = true[:50]
    true[3] = read[5] = np.nan
    scores = cl.score_classes(true, read, CN)
    true, read = (np.delete(column, [3, 5]) for column in (true, read))
    assert scores["confusion"] == confusion_matrix(true, read, labels=CN).tolist() and scores["n"] == 198
    assert scores["macro_f1"] == pytest.approx(f1_score(true, read, average="macro"))
    assert scores["balanced_accuracy"] == pytest.approx(recall(true, read))


def test_only_classes_that_occur_are_averaged():
    true, read = np.array([4.0, 4, 5, 5]), np.array([4.0, 4, 5, 6])
    scores = cl.score_classes(true, read, [3, 4, 5, 6])
    # By hand: F1 of 4 is 1, of 5 is 2/3, of 6, which was read but is not there, 0; 3 is in neither.
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert scores["balanced_accuracy"] == pytest.approx(0.75)


def test_no_rows_and_other_classes_have_no_score():
    nothing = cl.score_classes(np.full(3, np.nan), np.ones(3), CN)
    assert nothing["n"] == 0 and np.isnan(nothing["macro_f1"]) and np.isnan(nothing["balanced_accuracy"])
    other = cl.score_classes(np.arange(3.0), np.arange(3.0), CN)
    assert other["confusion"] is None and np.isnan(other["macro_f1"]) and other["n"] == 0


CLASSES = [1.0, 2.0, 3.0]


def world(n, seed, classes=3):
    rng = np.random.default_rng(seed)
    value = rng.integers(1, classes + 1, n).astype(float)
    return np.column_stack([value - 2 + 0.7 * rng.standard_normal(n), rng.standard_normal(n)]), value


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_being_right(classes):
    fitted = cl.fit_class_probabilities(*world(2000, 0, classes), CLASSES)
    styles, value = world(20000, 1, classes)
    probability = fitted.of(styles)
    assert fitted.classes.tolist() == CLASSES[:classes]
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    for c, p in zip(fitted.classes, probability.T, strict=True):
        for low in (0.1, 0.3, 0.5, 0.7):
            judged = (p > low) & (p < low + 0.2)
            if judged.sum() < 300:  # of classes that are well apart, few rows lie between
                continue
            assert np.mean(value[judged] == c) == pytest.approx(p[judged].mean(), abs=0.05)


def test_softened_probabilities_keep_their_order_and_approach_equal_ones():
    probability = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    found = cl.softened(probability, np.array([1.0, 2.0, 1e6, 1.0]))
    np.testing.assert_allclose(found[0], probability[0])
    np.testing.assert_allclose(found[1], np.sqrt(probability[1]) / np.sqrt(probability[1]).sum())
    np.testing.assert_allclose(found[2], 1 / 3, atol=1e-5)
    np.testing.assert_allclose(found[3], probability[3], atol=1e-300)


def test_classes_that_do_not_occur_are_not_offered_and_too_little_is_not_fitted():
    styles, value = world(60, 2)
    value[value == 3] = np.nan
    assert cl.fit_class_probabilities(styles, value, CLASSES).classes.tolist() == [1, 2]
    assert cl.fit_class_probabilities(styles, np.full(60, 1.0), CLASSES) is None
    assert cl.fit_class_probabilities(styles, np.full(60, np.nan), CLASSES) is None
    assert cl.fit_class_probabilities(styles, value + 10, CLASSES) is None
    assert cl.fit_class_probabilities(styles[:8], value[:8], CLASSES) is None
