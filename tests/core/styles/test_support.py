"""Where styles are like those of training rows."""

import numpy as np
import pytest

from rankaae_cli.core.styles.support import NEIGHBOURS, Support
from rankaae_cli.core.styles.walk import walk_points

RNG = np.random.default_rng(1)
COVARIANCE = [[1, 0.95, 0], [0.95, 1, 0], [0, 0, 4]]


def rows(n):
    return RNG.multivariate_normal([0, 1, 0], COVARIANCE, size=n)[None]


TRAINING, HELD_OUT = rows(1500), rows(600)
MATERIALS = np.arange(1500) // 3
ALL = np.array([True])


def test_distances_are_those_to_the_fifth_row_of_another_material():
    materials = np.arange(300) // 30  # thirty rows each: more than are asked for at first
    support = Support.of(TRAINING[:, :300], materials, HELD_OUT)
    place = TRAINING[0, :300] / TRAINING[0, :300].std(axis=0)
    asked = np.array([0, 31, 299])
    found = support.distances(0, TRAINING[0, asked], asked)
    for row, distance in zip(asked, found, strict=True):
        others = place[materials != materials[row]]
        expected = np.sort(np.linalg.norm(others - place[row], axis=1))[NEIGHBOURS - 1]
        assert distance == pytest.approx(expected)
    free = support.distances(0, TRAINING[0, asked])
    assert (free < found).all()  # the row itself is the nearest


def test_the_limit_is_that_of_held_out_rows_and_too_few_neighbours_are_none():
    support = Support.of(TRAINING, MATERIALS, HELD_OUT)
    assert (support.distances(0, HELD_OUT[0]) <= support.limit_T[0]).mean() == pytest.approx(0.95, abs=0.002)
    lone = Support.of(TRAINING[:, :20], np.zeros(20), HELD_OUT)
    assert np.isinf(lone.distances(0, TRAINING[0, :2], np.array([0, 1]))).all()
    assert np.isinf(Support.of(TRAINING, MATERIALS, HELD_OUT[:, :0]).limit_T).all()


def test_rows_far_from_all_others_are_not_usual_and_no_walk_moves_them():
    far = np.concatenate([TRAINING, [[[30.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, 1.0, 60.0]]]], axis=1)
    support = Support.of(far, np.append(MATERIALS, [500, 501, 502]), HELD_OUT)
    usual = support.usual()
    assert not usual[0, -3:].any() and usual.mean() == pytest.approx(0.95, abs=0.02)
    points = walk_points(far, 0, 11, 500, 0, usual_TN=usual)
    assert usual[0, points.rows_MTD[:, 0]].all()
    assert support.share(points, ALL).min() > 0.97
    lone = Support.of(TRAINING[:, :20], np.zeros(20), HELD_OUT)
    assert lone.usual().all()


def test_walks_along_real_rows_are_supported_and_independent_ones_are_not():
    support = Support.of(TRAINING, MATERIALS, HELD_OUT)
    share = support.share(walk_points(TRAINING, 0, 11, 500, 0), ALL)
    assert share.shape == (11,) and share.min() > 0.8 and share.mean() > 0.9
    far = support.share(walk_points(TRAINING, 0, 11, 500, 0, "independent"), ALL)
    assert far.shape == (11,) and far.mean() < 0.6
