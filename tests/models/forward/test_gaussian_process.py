"""The Gaussian process of forward models, held against scikit-learn and against leaving rows out one by one."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from rankaae_cli.models.forward.gaussian_process import fit_process, left_out, moments, standardised


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    features = rng.normal(5, 3, (40, 3))
    spectra = np.sin(features[:, :1] + np.arange(6) / 3) + 0.01 * rng.normal(size=(40, 6))
    return features, spectra, np.array([f"m{i // 2}" for i in range(40)])


def test_mean_and_deviation_are_those_of_scikit_learn(rows):
    features, spectra, _ = rows
    process = fit_process(features[:30], spectra[:30], 2.0, 0.01)
    mean, deviation = process.predict(features[30:])
    kernel = Matern(process.length, nu=0.5) + WhiteKernel(0.01)
    other = GaussianProcessRegressor(kernel, optimizer=None, alpha=0)
    scaled = standardised(features, *moments(features[:30]))
    other.fit(scaled[:30], spectra[:30] - spectra[:30].mean(axis=0))
    expected, expected_deviation = other.predict(scaled[30:], return_std=True)
    np.testing.assert_allclose(mean, expected + spectra[:30].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(deviation, expected_deviation[:, 0], rtol=1e-4)


def test_leaving_out_in_closed_form_is_leaving_out(rows):
    features, spectra, material = rows
    results = left_out(features, spectra, material, 2.0, 0.01)
    scaled = standardised(features, *moments(features)).astype(float)
    kernel = np.exp(-cdist(scaled, scaled) / (2 * np.median(pdist(scaled))))
    centred = spectra - spectra.mean(axis=0)
    for name in ("m0", "m7"):
        out, kept = np.flatnonzero(material == name), np.flatnonzero(material != name)
        inverse = np.linalg.inv(kernel[np.ix_(kept, kept)] + 0.01 * np.eye(len(kept)))
        cross = kernel[np.ix_(out, kept)]
        np.testing.assert_allclose(
            results.residual_ME[out], (centred[out] - cross @ inverse @ centred[kept]), atol=1e-6
        )
        variance = 1.01 - np.diag(cross @ inverse @ cross.T)
        np.testing.assert_allclose(results.deviation_M[out] ** 2, variance, rtol=1e-6)


def test_what_is_not_known_counts_as_the_mean():
    features = np.array([[1.0, np.nan, 2], [3, np.nan, 2], [np.nan, np.nan, 2]])
    mean, scale = moments(features)
    assert mean.tolist() == [2, 0, 2] and scale.tolist() == [1, 1, 1]
    assert standardised(features, mean, scale).tolist() == [[-1, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_no_rows_make_no_spectra(rows):
    process = fit_process(rows[0], rows[1], 2.0, 0.01)
    assert process.predict(rows[0][:0])[0].shape == (0, 6)
