"""The Gaussian process of forward models, held against scikit-learn and against leaving rows out one by one."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from rankaae_cli.models.forward.gaussian_process import (
    Kernel,
    Rows,
    fit_process,
    left_out,
    moments,
    standardised,
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    features = rng.normal(5, 3, (40, 3))
    spectra = np.sin(features[:, :1] + np.arange(6) / 3) + 0.01 * rng.normal(size=(40, 6))
    return Rows(features, spectra, np.array([f"m{i // 2}" for i in range(40)]), np.zeros(40, dtype=int))


def of_two_families(rows):
    """The rows, those of the second of two families on other scales, and with materials of the first among them."""
    second = np.arange(40) >= 22
    shift, height = np.where(second, 40, 0)[:, None], np.where(second, 3, 1)[:, None]
    return Rows(
        rows.features_MF + shift, height * rows.spectra_ME + shift, rows.material_M, second.astype(int)
    )


def test_mean_and_deviation_are_those_of_scikit_learn(rows):
    train, features = rows.chosen(np.arange(30)), rows.features_MF
    process = fit_process(train, Kernel(2.0, 0.01))
    mean, deviation = process.predict(features[30:])
    kernel = Matern(process.kernel.length, nu=0.5) + WhiteKernel(0.01)
    other = GaussianProcessRegressor(kernel, optimizer=None, alpha=0)
    scaled = standardised(features, *moments(features[:30]))
    centre = train.spectra_ME.mean(axis=0)
    other.fit(scaled[:30], train.spectra_ME - centre)
    expected, expected_deviation = other.predict(scaled[30:], return_std=True)
    np.testing.assert_allclose(mean, expected + centre, atol=1e-5)
    scale = np.sqrt(((train.spectra_ME - centre) ** 2).mean())
    np.testing.assert_allclose(deviation, scale * expected_deviation[:, 0], rtol=1e-4)


def test_families_that_share_nothing_are_as_if_alone(rows):
    both = of_two_families(rows)
    for j in (0, 1):
        own = both.chosen(np.flatnonzero(both.family_M == j))
        own = Rows(own.features_MF, own.spectra_ME, own.material_M, 0 * own.family_M)
        alone, joint = fit_process(own, Kernel(2, 0.01)), fit_process(both, Kernel(2, 0.01))
        # Lengths are in the median of the families' median distances.
        same = fit_process(own, Kernel(2 * joint.kernel.length / alone.kernel.length, 0.01))
        for ours, theirs in zip(
            joint.predict(own.features_MF, j), same.predict(own.features_MF), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_families_that_share_all_are_one(rows):
    both = of_two_families(rows)
    joint = fit_process(both, Kernel(2, 0.01, 1.0))
    scaled = [both.chosen(np.flatnonzero(both.family_M == j)) for j in (0, 1)]
    scaled = [
        (
            standardised(one.features_MF, *moments(one.features_MF)),
            (one.spectra_ME - joint.mean_JE[j]) / joint.scale_J[j],
        )
        for j, one in enumerate(scaled)
    ]
    x, y = (np.concatenate(parts) for parts in zip(*scaled, strict=True))
    kernel = Matern(joint.kernel.length, nu=0.5) + WhiteKernel(0.01)
    one = GaussianProcessRegressor(kernel, optimizer=None, alpha=0).fit(x, y)
    expected, expected_deviation = one.predict(scaled[1][0], return_std=True)
    mean, deviation = joint.predict(both.features_MF[22:], 1)
    np.testing.assert_allclose(mean, joint.mean_JE[1] + joint.scale_J[1] * expected, atol=1e-4)
    np.testing.assert_allclose(deviation, joint.scale_J[1] * expected_deviation[:, 0], rtol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_leaving_out_in_closed_form_is_leaving_out(rows, share):
    rows = of_two_families(rows)
    kernel = Kernel(2.0, 0.01, share)
    results = left_out(rows, kernel)
    process = fit_process(rows, kernel)
    scale_M = process.scale_J[rows.family_M]
    covariance = process.kernel.covariance(process.rows_MF.astype(float), rows.family_M)
    centred = (rows.spectra_ME - process.mean_JE[rows.family_M]) / scale_M[:, None]
    for name in ("m0", "m7", "m11"):
        out, kept = np.flatnonzero(rows.material_M == name), np.flatnonzero(rows.material_M != name)
        inverse, cross = np.linalg.inv(covariance[np.ix_(kept, kept)]), covariance[np.ix_(out, kept)]
        residual = centred[out] - cross @ inverse @ centred[kept]
        np.testing.assert_allclose(results.residual_ME[out], residual * scale_M[out, None], atol=1e-6)
        variance = 1.01 - np.diag(cross @ inverse @ cross.T)
        np.testing.assert_allclose((results.deviation_M[out] / scale_M[out]) ** 2, variance, rtol=1e-6)


def test_what_is_not_known_counts_as_the_mean():
    features = np.array([[1.0, np.nan, 2], [3, np.nan, 2], [np.nan, np.nan, 2]])
    mean, scale = moments(features)
    assert mean.tolist() == [2, 0, 2] and scale.tolist() == [1, 1, 1]
    assert standardised(features, mean, scale).tolist() == [[-1, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_no_rows_make_no_spectra(rows):
    process = fit_process(rows, Kernel(2.0, 0.01))
    assert process.predict(rows.features_MF[:0])[0].shape == (0, 6)
