import numpy as np
import pytest

from rankaae_cli.core.xas.discrepancy import CORRELATION_LENGTH, discrepancy, smooth_differences

ENERGY = 9000 + 0.25 * np.arange(256)


def test_differences_are_as_large_as_one_and_as_smooth_as_said():
    drawn = smooth_differences(ENERGY, draws=4000)
    assert drawn.shape == (4000, 256)
    assert np.abs(drawn).mean() == pytest.approx(1, rel=0.03)
    np.testing.assert_allclose(np.abs(drawn).mean(axis=0), 1, atol=0.06)
    apart = round(CORRELATION_LENGTH / 0.25)
    alike = np.corrcoef(drawn[:, 100], drawn[:, 100 + apart])[0, 1]
    assert alike == pytest.approx(np.exp(-0.5), abs=0.04)


def test_the_same_seed_draws_the_same():
    assert np.array_equal(smooth_differences(ENERGY), smooth_differences(ENERGY))


def test_what_is_usual_is_no_discrepancy():
    found = discrepancy(np.array([0.01, 0.02, 0.05]), usual_error=0.02)
    assert found[:2].tolist() == [0.0, 0.0]
    assert found[2] ** 2 + 0.02**2 == pytest.approx(0.05**2)
