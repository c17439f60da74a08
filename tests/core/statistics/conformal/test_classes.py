import numpy as np
import pytest

from rankaae_cli.core.statistics.classification import fit_class_probabilities
from rankaae_cli.core.statistics.conformal.classes import ClassBelt, fit_class_belt


def test_sets_hold_each_class_as_often_as_stated():
    rng = np.random.default_rng(8)

    def rows(n):
        value = rng.choice([1.0, 2.0, 3.0], n, p=[0.1, 0.8, 0.1])
        return (value + rng.normal(0, 0.5, n))[:, None], value, np.arange(n)

    styles, value, material = rows(1500)
    fitted = fit_class_probabilities(styles, value, [1, 2, 3])
    belt = fit_class_belt(fitted, styles, value, material, np.ones(len(value)))
    assert belt.counts.tolist() == [(value == one).sum() for one in (1, 2, 3)]
    styles, value, _ = rows(6000)
    alike = ClassBelt(belt.likelihood_N, np.array([len(belt.likelihood_N), 0, 0]))
    shares = []
    for one in (belt, alike):
        low, high = one.ends(fitted.classes, fitted.of(styles), 0.9)
        shares.append([np.mean(((low <= value) & (value <= high))[value == of]) for of in (1, 2, 3)])
    # The likeliest class always belongs, so that common ones are held rather more often.
    assert min(shares[0]) > 0.86 and max(shares[0]) < 0.99
    assert shares[1][0] < 0.8 and shares[1][2] < 0.8


def test_a_class_of_few_rows_of_which_one_read_badly_belongs_sooner():
    belt = ClassBelt(np.array([0.02, 0.9, *np.linspace(0.01, 1, 100)]), np.array([2, 100]))
    assert belt.least_likely(0.9)[0] == 0.02


def test_the_set_of_what_is_novel_makes_up_the_coverage():
    belt = ClassBelt(np.full(90, 0.99), np.full(3, 30))
    probability = np.array([[0.1, 0.56, 0.34], [0.02, 0.05, 0.93], [0.25, 0.5, 0.25]])
    classes, novel = np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool)
    assert list(zip(*belt.ends(classes, probability, 0.9, novel), strict=True)) == [(2, 3), (3, 3), (1, 3)]
    assert list(zip(*belt.ends(classes, probability, 0.9), strict=True)) == [(2, 2), (3, 3), (2, 2)]


def test_a_class_of_too_few_rows_takes_what_holds_of_all():
    belt = ClassBelt(np.array([0.5, *np.linspace(0.01, 1, 100)]), np.array([1, 100]))
    rare, common = belt.least_likely(0.9)
    assert common == pytest.approx(0.1) and rare == pytest.approx(common, abs=0.01)
    classes = np.array([4.0, 5.0])
    low, high = belt.ends(classes, np.array([[0.95, 0.05], [0.5, 0.5], [0.02, 0.98]]), 0.9)
    assert list(zip(low, high, strict=True)) == [(4, 4), (4, 5), (5, 5)]
