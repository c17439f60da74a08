"""Change points of shares are those of the least penalised likelihood, and planted ones are found."""

from itertools import combinations

import numpy as np
import pytest

from rankaae_cli.core.comparison.fingerprints.series import change_points, shares


def test_planted_changes_are_found():
    rng = np.random.default_rng(0)
    value = rng.uniform(0, 10, 400)
    chance = np.where(value < 3, 0.1, np.where(value < 7, 0.5, 0.95))
    found = change_points(value, rng.random(400) < chance)
    np.testing.assert_allclose(found, [3, 7], atol=0.5)


def test_equal_shares_have_no_change():
    rng = np.random.default_rng(1)
    assert not len(change_points(np.arange(300), rng.integers(0, 3, 300)))


def test_cuts_are_the_best_of_all_possible_ones():
    rng = np.random.default_rng(2)
    cluster = np.r_[np.zeros(9), np.ones(8), rng.integers(0, 2, 7)].astype(int)
    value = np.arange(24.0)

    def cost(cuts):
        total = 0.0
        for piece in np.split(cluster, cuts):
            share = np.bincount(piece, minlength=2) / len(piece)
            total -= sum(np.log(share[one]) for one in piece)
        return total + 1.5 * len(cuts) * np.log(
            24
        )  # a cut: log(N) / 2 for one free share, log(N) for its place

    possible = [cuts for n in range(4) for cuts in combinations(range(5, 20), n)]
    possible = [cuts for cuts in possible if all(len(piece) >= 5 for piece in np.split(cluster, cuts))]
    best = min(possible, key=cost)
    np.testing.assert_allclose(change_points(value, cluster), np.array(best) - 0.5)


def test_spectra_of_one_value_are_not_parted():
    value = np.repeat([0.0, 1.0], 20)
    cluster = np.r_[np.zeros(10), np.ones(30)].astype(int)
    np.testing.assert_allclose(change_points(value, cluster), [0.5])


def test_shares_are_those_of_windows():
    value = np.r_[np.arange(8.0), np.nan]
    mean, share = shares(value, np.array([1, 1, 1, 2, 2, 2, 2, 2, 1]), np.array([1, 2]), windows=2)
    assert mean == pytest.approx([1.5, 5.5])
    np.testing.assert_allclose(share, [[0.75, 0.25], [0, 1]])


def test_windows_are_of_values():
    mean, share = shares(
        np.repeat([2.0, 3.0, 5.0], [9, 2, 3]), np.repeat([1, 2], 7), np.array([1, 2]), windows=7
    )
    assert mean == pytest.approx([2, 3, 5])
    np.testing.assert_allclose(share, [[7 / 9, 2 / 9], [0, 1], [0, 1]])
