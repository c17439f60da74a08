import numpy as np
import pytest

from rankaae_cli.core.statistics.binary.scores import balanced_accuracy
from rankaae_cli.models.supervised.classifier.fit import fit_classifier


def rows(n, seed):
    """Molecules of which the first class shows in the spectrum, the second has few rows, the third is chance."""
    causes = np.random.default_rng(seed).normal(size=(n, 3))
    bands = np.exp(-0.5 * ((np.arange(40) - np.array([[8], [20], [32]])) / 3) ** 2)
    chance = np.random.default_rng(seed + 9).random(n) < 0.5
    return 1 + causes @ bands / 3, np.column_stack([causes[:, 0] > 0.5, np.arange(n) < 6, chance]) * 1.0


@pytest.fixture(scope="module")
def fitted():
    spectra, values = rows(240, 0)
    return fit_classifier(spectra, values, np.arange(240).astype(str), ())


def test_a_class_that_shows_is_told_and_chance_is_not(fitted):
    spectra, values = rows(300, 1)
    answers = fitted.classify(spectra)
    assert balanced_accuracy(values[:, 0] == 1, answers.yes_NK[:, 0]) > 0.9
    assert balanced_accuracy(values[:, 2] == 1, answers.yes_NK[:, 2]) < 0.6


def test_a_class_with_fewer_than_ten_rows_is_not_read(fitted):
    answers = fitted.classify(rows(5, 2)[0])
    assert np.isnan(answers.probability_NK[:, 1]).all()
    assert (answers.verdict_NK[:, 1] == "").all()


def test_answers_out_of_fold_are_as_good_as_those_of_new_rows_and_no_better(fitted):
    values = rows(240, 0)[1]
    answers = fitted.out_of_fold(values[fitted.rows], fitted.rows.astype(str))
    assert balanced_accuracy(values[:, 0] == 1, answers.yes_NK[:, 0]) > 0.85
    assert balanced_accuracy(values[:, 2] == 1, answers.yes_NK[:, 2]) < 0.62


def test_a_spectrum_unlike_the_others_is_outside(fitted):
    spectra = rows(200, 3)[0]
    strange = spectra[:1] + 3 * np.sin(np.arange(40))
    verdicts = fitted.classify(np.concatenate([spectra, strange])).verdict_N
    assert verdicts[-1] == "outside"
    assert (verdicts[:-1] == "in range").mean() > 0.85


def test_many_spectra_are_read_in_blocks_as_few_are(fitted):
    spectra = rows(2100, 5)[0]
    many, few = fitted.classify(spectra), fitted.classify(spectra[2050:])
    assert np.allclose(many.probability_NK[2050:], few.probability_NK, equal_nan=True)
    assert list(many.verdict_N[2050:]) == list(few.verdict_N)
