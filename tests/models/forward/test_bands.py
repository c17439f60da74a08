"""Bands of forward models: what they hold, and that they refuse what few rows cannot promise."""

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.models.forward.bands import Bands


def drawn(rows, seed):
    """Smooth residuals whose size goes with the deviation, and with the energy."""
    rng = np.random.default_rng(seed)
    deviation = rng.uniform(0.1, 1, rows)
    waves = np.sin(rng.uniform(0, 6, (rows, 1)) + np.arange(30) / 4) * rng.normal(size=(rows, 1))
    return waves * deviation[:, None] * np.linspace(0.1, 1, 30), deviation


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_they_hold_the_stated_share_of_points_and_of_curves(coverage):
    bands = Bands.of(*drawn(2000, 0))
    residual, deviation = drawn(4000, 1)
    points = np.abs(residual) <= bands.half_widths(deviation, coverage, whole=False)
    curves = (np.abs(residual) <= bands.half_widths(deviation, coverage, whole=True)).all(axis=1)
    assert points.mean() == pytest.approx(coverage, abs=0.03)
    assert curves.mean() == pytest.approx(coverage, abs=0.03)


def test_few_rows_cannot_hold_a_large_share():
    bands = Bands.of(*drawn(20, 0))
    assert bands.half_widths(np.ones(1), 0.9, whole=True).shape == (1, 30)
    with pytest.raises(UserError, match=r"coverage=0.99 cannot be held by 20 rows"):
        bands.half_widths(np.ones(1), 0.99, whole=True)


def test_they_come_back_as_they_were_stored():
    bands = Bands.of(*drawn(50, 0))
    again = Bands.restored(bands.content(), 30)
    np.testing.assert_array_equal(
        again.half_widths(np.ones(2), 0.9, True), bands.half_widths(np.ones(2), 0.9, True)
    )
    with pytest.raises(ValueError, match="do not fit"):
        Bands.restored(bands.content(), 31)
