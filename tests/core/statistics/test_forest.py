import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from rankaae_cli.core.statistics.forest import fit_forest


@pytest.mark.parametrize("rows", [1, 3, 100, 5000])
def test_predicts_to_the_last_bit_what_scikit_learn_does(rows):
    rng = np.random.default_rng(rows)
    features, value = rng.standard_normal((400, 4)), rng.standard_normal(400)
    theirs = ExtraTreesRegressor(60, min_samples_leaf=8, random_state=0).fit(features, value)
    new = rng.standard_normal((rows, 4)) * 3
    thresholds = theirs.estimators_[0].tree_.threshold
    new[0] = thresholds[0]  # where a row that equals a threshold goes
    np.testing.assert_array_equal(fit_forest(features, value, 60, 8).predict(new), theirs.predict(new))


def test_of_no_rows_nothing_is_predicted_and_of_one_value_that():
    features = np.random.default_rng(0).standard_normal((30, 2))
    forest = fit_forest(features, np.full(30, 2.5), 5, 1)
    assert forest.predict(features[:0]).shape == (0,)
    assert (forest.predict(features) == 2.5).all()
