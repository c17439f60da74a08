import numpy as np
import pytest

from rankaae_cli.core.statistics.class_probabilities import fit_class_probabilities, softened

CLASSES = [1.0, 2.0, 3.0]


def world(n, seed, classes=3):
    rng = np.random.default_rng(seed)
    value = rng.integers(1, classes + 1, n).astype(float)
    return np.column_stack([value - 2 + 0.7 * rng.standard_normal(n), rng.standard_normal(n)]), value


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_being_right(classes):
    fitted = fit_class_probabilities(*world(2000, 0, classes), CLASSES)
    styles, value = world(20000, 1, classes)
    probability = fitted.of(styles)
    assert fitted.classes == tuple(CLASSES[:classes])
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    for c, p in zip(fitted.classes, probability.T, strict=True):
        for low in (0.1, 0.3, 0.5, 0.7):
            told = (p > low) & (p < low + 0.2)
            if told.sum() < 300:  # of classes that are well apart, few rows lie between
                continue
            assert np.mean(value[told] == c) == pytest.approx(p[told].mean(), abs=0.05)


def test_softened_probabilities_keep_their_order_and_approach_equal_ones():
    probability = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    found = softened(probability, np.array([1.0, 2.0, 1e6, 1.0]))
    np.testing.assert_allclose(found[0], probability[0])
    np.testing.assert_allclose(found[1], np.sqrt(probability[1]) / np.sqrt(probability[1]).sum())
    np.testing.assert_allclose(found[2], 1 / 3, atol=1e-5)
    np.testing.assert_allclose(found[3], probability[3], atol=1e-300)


def test_classes_that_do_not_occur_are_not_offered_and_too_little_is_not_fitted():
    styles, value = world(60, 2)
    value[value == 3] = np.nan
    assert fit_class_probabilities(styles, value, CLASSES).classes == (1.0, 2.0)
    assert fit_class_probabilities(styles, np.full(60, 1.0), CLASSES) is None
    assert fit_class_probabilities(styles, np.full(60, np.nan), CLASSES) is None
    assert fit_class_probabilities(styles, value + 10, CLASSES) is None
    assert fit_class_probabilities(styles[:8], value[:8], CLASSES) is None
