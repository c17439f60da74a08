"""The scores that benchmarks print are those of a split, by definition."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from rankaae_cli.models.rankaae.fit import fit
from tests.benchmarks.scores import split_scores


def test_scores_of_a_split_are_those_of_its_rows(request_of, family):
    model = fit(request_of(), lambda done, total, standing: None)
    scores = split_scores(model, family, "test")
    test_N = family.split_N == 2
    spectra_NE = family.spectra_NE[test_N]
    rebuilt_TNE = model.reconstruct(spectra_NE)
    assert scores.ensemble["MAE"] == pytest.approx(np.abs(rebuilt_TNE.mean(0) - spectra_NE).mean(), rel=1e-5)
    assert scores.single["MAE"] == pytest.approx(np.abs(rebuilt_TNE - spectra_NE).mean(), rel=1e-5)
    style_N = model.encode(spectra_NE)[model.selected_trial, :, 0]
    expected = spearmanr(style_N, family.descriptors_NK[test_N, 0]).statistic
    assert scores.selected[family.descriptor_names[0]] == pytest.approx(expected)
