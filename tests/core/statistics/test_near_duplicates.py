import numpy as np
import pytest

from rankaae_cli.core.statistics.near_duplicates import nearest_others


def test_nearest_by_brute_force():
    rng = np.random.default_rng(0)
    spectra, others = rng.normal(size=(7, 12)) + 5, rng.normal(size=(30, 12)) + 5
    nearest, distance = nearest_others(spectra, others)
    apart = np.array([[np.sqrt(((a - b) ** 2).mean()) for b in others] for a in spectra])
    assert nearest.tolist() == apart.argmin(axis=1).tolist()
    np.testing.assert_allclose(
        distance, apart.min(axis=1) / np.sqrt(((others - others.mean(axis=0)) ** 2).mean())
    )


def test_a_copy_is_at_no_distance():
    others = np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)
    nearest, distance = nearest_others(others[3:4], others)
    assert nearest.tolist() == [3] and distance[0] == pytest.approx(0, abs=1e-7)
    assert nearest_others(others[:1], others[:1])[1][0] == np.inf
