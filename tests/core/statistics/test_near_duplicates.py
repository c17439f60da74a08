import numpy as np
import pytest

from rankaae_cli.core.statistics.near_duplicates import near_pairs, nearest_others


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


@pytest.mark.parametrize("rows", [0, 1, 40, 2100])
def test_pairs_by_brute_force(rows):
    rng = np.random.default_rng(2)
    spectra = rng.normal(size=(rows, 6)) + 5
    spectra[rows // 2 :] = spectra[: rows - rows // 2] + 0.03 * rng.normal(size=(rows - rows // 2, 6))
    pairs, distance = near_pairs(spectra)
    deviation = np.sqrt(((spectra - spectra.mean(axis=0)) ** 2).mean()) if rows else 1.0
    apart = (
        np.sqrt(((spectra[:, None] - spectra) ** 2).mean(axis=2)) / deviation if rows > 1 else np.ones((1, 1))
    )
    expected = np.argwhere(np.triu(apart < 0.05, 1))
    assert pairs.tolist() == expected.tolist() and (rows < 40 or len(pairs) > rows // 3)
    np.testing.assert_allclose(distance, apart[tuple(expected.T)], rtol=1e-6)


def test_pairs_of_spectra_that_are_all_the_same_are_all():
    pairs, distance = near_pairs(np.full((4, 3), 0.1))
    assert len(pairs) == 6 and not distance.any()
