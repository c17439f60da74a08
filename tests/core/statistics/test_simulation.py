"""Scores of simulated spectra, against plain definitions."""

import numpy as np
import pytest

from rankaae_cli.core.statistics.simulation import (
    error_ratio,
    score_bands,
    score_simulations,
    weighted_medians,
)


@pytest.fixture
def spectra():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(31, 8))
    return true, true + 0.3 * rng.normal(size=true.shape)


def test_scores_are_those_of_their_definitions(spectra):
    true, simulated = spectra
    mean = np.full(8, 0.1)
    scores = score_simulations(true, simulated, mean, np.ones((31, 5)))
    own, base = ((simulated - true) ** 2).mean(axis=1), ((mean - true) ** 2).mean(axis=1)
    assert scores["eta"] == pytest.approx(np.median(base) / np.median(own))
    assert scores["eta"] == pytest.approx(error_ratio(true, simulated, mean))
    assert scores["eta_of_means"] == pytest.approx(base.mean() / own.mean())
    assert scores["mae"] == pytest.approx(np.abs(simulated - true).mean())
    assert scores["mean_spectrum"]["mae"] == pytest.approx(np.abs(mean - true).mean())
    for name in ("eta", "eta_of_means", "mae"):  # each resample is the rows themselves
        assert scores["interval"][name] == pytest.approx([scores[name]] * 2)


def test_medians_of_resamples_are_those_of_repeated_rows():
    rng = np.random.default_rng(1)
    values, weights = rng.normal(size=9), rng.integers(0, 3, (9, 20))
    weights[0] += 1 - weights.sum(axis=0) % 2  # an odd number of rows has a median that is one of them
    expected = [np.median(np.repeat(values, weights[:, r])) for r in range(20)]
    np.testing.assert_allclose(weighted_medians(values, weights.astype(float)), expected)


def test_bands_hold_points_and_curves():
    true = np.zeros((2, 2))
    simulated = np.array([[1.0, 1], [1, 3]])
    scores = score_bands(true, simulated, np.full((2, 2), 2.0), np.full((2, 2), 1.0))
    assert scores == {"points": 0.75, "curves": 0.5, "points_half_width": 2.0, "curves_half_width": 1.0}
