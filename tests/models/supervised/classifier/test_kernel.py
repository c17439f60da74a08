import numpy as np
import pytest

from rankaae_cli.data.segments import Segment, side_by_side
from rankaae_cli.models.supervised.classifier.kernel import (
    KernelClassifier,
    fit_edge,
    fit_weights,
    likeness,
)

ONE = (Segment("", 0, 30),)
TWO = side_by_side(["C_K", "N_K"], [18, 12])


def rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(n, 4))
    spectra = 1 + np.tanh(causes @ rng.normal(size=(4, 30))) / 4
    return spectra, (causes[:, :3] > 0.3).astype(float)


def edges_of(spectra, segments):
    return tuple(fit_edge(spectra, one, ("spectrum", "first_derivative"), 0.5) for one in segments)


def test_readings_out_of_fold_are_those_of_fits_without_the_group():
    spectra, values = rows()
    values[::7, 1] = np.nan
    group = np.arange(40) // 3
    alike = likeness(edges_of(spectra, ONE), spectra)
    weights, read = fit_weights(alike, values, group, 0.1)
    for left in (0, 5):
        others, held = np.flatnonzero(group != left), np.flatnonzero(group == left)
        for k in range(3):
            known = others[np.isfinite(values[others, k])]
            matrix = alike[np.ix_(known, known)] + 1 + 0.1 * np.eye(len(known))
            brute = (alike[np.ix_(held, known)] + 1) @ np.linalg.solve(matrix, values[known, k])
            there = np.isfinite(values[held, k])
            assert np.allclose(read[held[there], k], brute[there])
            assert np.isnan(read[held[~there], k]).all()
    assert (weights[::7, 1] == 0).all()


def test_a_spectrum_is_as_like_itself_as_can_be_with_edges_missing_too():
    spectra, _ = rows()
    spectra[3, 18:] = np.nan
    spectra[4, :18] = np.nan
    alike = likeness(edges_of(spectra, TWO), spectra)
    assert np.allclose(np.diag(alike), 1, atol=1e-2)
    assert alike[3, 4] == 0
    assert np.isfinite(alike).all()
    assert (np.linalg.eigvalsh((alike + alike.T) / 2) > -1e-2).all()


def test_a_classifier_comes_back_from_its_content():
    spectra, values = rows()
    edges = edges_of(spectra, TWO)
    weights, _ = fit_weights(likeness(edges, spectra), values, np.arange(40), 0.1)
    classifier = KernelClassifier(edges, weights.astype(np.float32))
    again = KernelClassifier.restored(classifier.content(), 30)
    scores = [one.scores(one.likeness(spectra)) for one in (classifier, again)]
    assert np.array_equal(*scores)
    with pytest.raises(ValueError, match="31 points"):
        KernelClassifier.restored(classifier.content(), 31)
    content = classifier.content()
    content["edges"][0]["mean_F"][0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        KernelClassifier.restored(content, 30)
