import warnings

import numpy as np
import pytest

from rankaae_cli.core.statistics.conformal.quantile import upper_quantile


@pytest.mark.parametrize("coverage", [0.01, 0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_that_of_crepes_to_the_last_bit(coverage):
    with warnings.catch_warnings():  # the package changes what is shown
        from crepes import ConformalRegressor

        rng = np.random.default_rng(0)
        for n in (1, 2, 9, 10, 19, 20, 99, 100, 999):
            residual, difficulty = rng.standard_normal(n), rng.uniform(0.1, 2, n)
            theirs = ConformalRegressor().fit(residual, sigmas=difficulty)
            warnings.simplefilter("ignore")  # too few rows
            half = theirs.predict_int(np.zeros(1), sigmas=np.ones(1), confidence=coverage)[0, 1]
            ours = upper_quantile(np.abs(residual) / difficulty, coverage)
            assert ours == half or (np.isnan(ours) and np.isinf(half)), n
