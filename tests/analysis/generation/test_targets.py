from unittest.mock import MagicMock

import numpy as np
import pytest

from rankaae_cli.analysis.generation.targets import Targets, atom_conditions, weights_of_mean
from rankaae_cli.models.base import Samples

ROWS = np.random.default_rng(0).normal(size=(400, 3))


def test_weights_have_the_mean_and_are_as_even_as_that_allows():
    mean = np.array([0.5, -0.3, 0.2])
    weight = weights_of_mean(ROWS, mean)
    assert weight.sum() == pytest.approx(1) and weight.min() > 0
    assert np.allclose(weight @ ROWS, mean, atol=3e-3)
    # The most even ones are exponential in the rows, so their logarithm is linear in these.
    design = np.column_stack([np.ones(400), ROWS])
    left = np.log(weight) - design @ np.linalg.lstsq(design, np.log(weight), rcond=None)[0]
    assert np.abs(left).max() < 1e-6
    assert np.allclose(weights_of_mean(ROWS, ROWS.mean(axis=0)), 1 / 400, rtol=1e-2)


def test_a_mean_that_no_mixture_has_is_come_near():
    weight = weights_of_mean(ROWS, np.array([50.0, 0, 0]))
    assert np.isfinite(weight).all() and weight @ ROWS[:, 0] > 2


def conditions(values, atoms, seed=0):
    model = MagicMock(spec=Samples, condition_MC=ROWS.astype(np.float32))
    model.conditions.side_effect = lambda rows: rows
    return atom_conditions(model, Targets("x", values, values), atoms, np.random.default_rng(seed))


def test_each_of_several_spectra_is_told_to_as_many_atoms():
    values = ROWS[:5]
    given = conditions(values, 12)
    counts = [(given == row).all(axis=1).sum() for row in values]
    assert sorted(counts) == [2, 2, 2, 3, 3]
    assert not np.array_equal(given, conditions(values, 12, seed=1))


def test_one_spectrum_is_the_mean_of_what_atoms_are_told():
    mean = np.array([[0.4, 0.1, -0.2]])
    given = conditions(mean, 500)
    assert np.allclose(given.mean(axis=0), mean, atol=0.06)
    assert given.std(axis=0).min() > 0.7  # and not every atom has the mean
    known = {tuple(row) for row in ROWS.astype(np.float32).astype(float)}
    assert all(tuple(row) in known for row in given)
