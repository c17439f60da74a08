"""The evidence of structures: against its definition, spelt out, and what it makes of spectra that are known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from rankaae_cli.core.ranking.evidence import MovedScan, fit_structures, probabilities
from rankaae_cli.core.ranking.residuals import Residuals

ENERGY, EDGE = 8983.0 + 0.5 * np.arange(80), 8992.0


def spectrum(peak, height=0.5, shift=0.0):
    """An edge with a peak at an energy above it."""
    x = ENERGY - EDGE - shift
    return 1 / (1 + np.exp(-x / 1.5)) + height * np.exp(-(((x - peak) / 2.5) ** 2))


@pytest.fixture(scope="module")
def residuals():
    """Of 400 rows, smooth, with deviations that say half of their size."""
    rng = np.random.default_rng(0)
    deviation = rng.uniform(0.5, 2, 400)
    smooth = gaussian_filter1d(rng.normal(size=(400, 80)), 3, axis=1) * np.linspace(0.2, 1, 80)
    return Residuals.of(0.05 * smooth * deviation[:, None] * rng.gamma(2, 0.5, (400, 1)), deviation, ENERGY)


def moved(measured, offsets):
    """The scan with each offset, measured being a function of the shift."""
    prior = np.full(len(offsets), 1 / len(offsets))
    return MovedScan(np.arange(4, 76), np.stack([measured(o)[4:76] for o in offsets]), offsets, prior, EDGE)


def test_the_evidence_is_that_of_its_definition(residuals):
    offsets = np.array([-0.5, 0.0, 0.5])
    scan = moved(lambda o: spectrum(5, shift=o), offsets)
    candidates, deviation = np.stack([spectrum(5.02), spectrum(5.05)]), np.array([0.8, 1.1])
    fits = fit_structures(scan, ENERGY, candidates, deviation, residuals)
    width = 0.7 * np.array([0, 0.5, 1, 1.5, 2])
    prior = np.exp(-0.5 * np.array([0.5, 1, 1.5, 2]) ** 2)
    prior = np.concatenate([[0.5], 0.5 * prior / prior.sum()])
    sizes = residuals.size_Q[[11, 33, 55, 77, 100, 122, 144, 166, 188]].astype(float)
    model = residuals.covariance_EE[4:76, 4:76].astype(float)
    apart = (ENERGY[4:76, None] - ENERGY[4:76]) / 4
    difference = 0.1 * np.exp(-0.5 * apart**2) + 0.9 * model
    expected = []
    for own, d in zip(candidates, deviation, strict=True):
        terms = []
        for b, weight in zip(width, prior, strict=True):
            broad = gaussian_filter1d(own, b / 0.5, mode="nearest") if b else own
            slope = np.gradient(broad, ENERGY)
            columns = np.stack([0.05 * broad, 0.1 * broad * (1 - broad), 0.01 * (ENERGY - EDGE) * slope])
            columns = columns[:, 4:76]
            for v in sizes:
                for t in (0.01, 0.02, 0.04, 0.08, 0.16):
                    covariance = columns.T @ columns + v * d**2 * model + t**2 * difference
                    covariance += 0.01**2 * np.eye(72)
                    normal = multivariate_normal(broad[4:76], covariance)
                    terms += [np.log(weight / 45 / 3) + normal.logpdf(row) for row in scan.spectra_DW]
        expected.append(logsumexp(terms))
    found = np.array([one.log_evidence for one in fits])
    assert np.diff(found)[0] == pytest.approx(np.diff(expected)[0], rel=1e-3)
    assert 0.01 < probabilities(fits)[1] < 0.99
    np.testing.assert_allclose(probabilities(fits), np.exp(expected - logsumexp(expected)), rtol=1e-3)


def test_the_right_structure_and_offset_are_told_whatever_the_normalisation(residuals):
    offsets = np.arange(-40, 41) / 10
    measured = gaussian_filter1d(1.06 * spectrum(5), 1.5, mode="nearest")
    scan = moved(lambda o: np.interp(ENERGY - o + 2.0, ENERGY, measured), offsets)
    candidates = np.stack([spectrum(peak) for peak in (3, 5, 7, 9)])
    fits = fit_structures(scan, ENERGY, candidates, np.full(4, 0.5), residuals)
    assert probabilities(fits).argmax() == 1 and probabilities(fits)[1] > 0.9
    right = fits[1]
    assert right.low < 2.0 < right.high and right.high - right.low < 1
    assert right.misfit < 0.01 < 0.03 < min(one.misfit for one in fits if one is not right)
    assert right.broadening > 0.2 and right.p > 0.5


def test_what_is_like_no_structure_fits_worse_than_left_out_rows(residuals):
    scan = moved(lambda o: spectrum(2, 1.5, o) + 0.4 * np.sin(ENERGY), np.array([0.0]))
    fit = fit_structures(scan, ENERGY, spectrum(9, 0.1)[None], np.array([0.5]), residuals)[0]
    assert fit.p < 0.01 and fit.misfit > 0.1
    assert probabilities([fit]) == pytest.approx([1])


def test_uncertain_spectra_tell_structures_apart_less(residuals):
    scan = moved(lambda o: spectrum(5), np.array([0.0]))
    candidates = np.stack([spectrum(5), spectrum(5.15)])
    certain, uncertain = (
        probabilities(fit_structures(scan, ENERGY, candidates, np.full(2, d), residuals))[0]
        for d in (0.3, 10.0)
    )
    assert certain > 0.9 > uncertain > 0.5


def test_residuals_are_shrunken_most_where_rows_are_few_and_come_back_as_stored(residuals):
    rng = np.random.default_rng(1)
    truth = gaussian_filter1d(np.eye(80), 3, axis=0)
    few, many = (Residuals.of(rng.normal(size=(n, 80)) @ truth, np.ones(n), ENERGY) for n in (20, 5000))
    exact = truth.T @ truth / np.trace(truth.T @ truth) * 80
    assert np.abs(many.covariance_EE - exact).mean() < 0.02
    assert np.linalg.eigvalsh(few.covariance_EE + 1e-5 * np.eye(80))[0] > 0
    again = Residuals.restored(residuals.content(), 80)
    np.testing.assert_array_equal(again.size_Q, residuals.size_Q)
    with pytest.raises(ValueError, match="do not fit"):
        Residuals.restored(residuals.content(), 81)
